//! A look before the window opens: some missing libraries would end the program with a panic instead of a sentence.

use super::GuiError;

/// Says what is missing, if anything is.
///
/// # Errors
/// [`GuiError::NoDisplay`] or [`GuiError::MissingLibrary`].
pub fn check() -> Result<(), GuiError> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    check_linux(is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET"), is_set("DISPLAY"), loads)
}

/// A library and the packages that bring it.
type Need = (&'static str, &'static str);

const WAYLAND: [Need; 2] = [
    ("libwayland-client.so.0", "libwayland-client0 (Debian, Ubuntu), libwayland-client (Fedora), wayland (Arch)"),
    ("libxkbcommon.so.0", "libxkbcommon0 (Debian, Ubuntu), libxkbcommon (Fedora, Arch)"),
];

const X11: [Need; 4] = [
    ("libX11.so.6", "libx11-6 (Debian, Ubuntu), libX11 (Fedora), libx11 (Arch)"),
    ("libXcursor.so.1", "libxcursor1 (Debian, Ubuntu), libXcursor (Fedora), libxcursor (Arch)"),
    ("libXi.so.6", "libxi6 (Debian, Ubuntu), libXi (Fedora), libxi (Arch)"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0 (Debian, Ubuntu), libxkbcommon-x11 (Fedora, Arch)"),
];

fn check_linux(wayland: bool, x11: bool, loads: impl Fn(&str) -> bool) -> Result<(), GuiError> {
    let needs: &[Need] = match (wayland, x11) {
        (true, _) => &WAYLAND,
        (false, true) => &X11,
        (false, false) => return Err(GuiError::NoDisplay),
    };
    match needs.iter().find(|(library, _)| !loads(library)) {
        Some((library, packages)) => Err(GuiError::MissingLibrary { library, packages }),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn loads(library: &str) -> bool {
    let Ok(name) = std::ffi::CString::new(library) else { return false };
    // SAFETY: `name` is a valid C string for the whole call, and the handle is not used but to close it. The libraries
    // are ones that the window loads a moment later anyway.
    #[expect(unsafe_code, reason = "the standard library cannot ask for a shared library")]
    unsafe {
        let handle = libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL);
        !handle.is_null() && libc::dlclose(handle) == 0
    }
}

#[cfg(not(unix))]
fn loads(_library: &str) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_display_is_said_plainly() {
        let error = check_linux(false, false, |_| true).unwrap_err();
        assert!(matches!(error, GuiError::NoDisplay));
        assert!(error.remedy().contains("DISPLAY"));
    }

    #[test]
    fn a_missing_library_is_named_with_its_packages() {
        let error = check_linux(false, true, |name| name != "libxkbcommon-x11.so.0").unwrap_err();
        assert!(error.to_string().contains("libxkbcommon-x11.so.0"), "{error}");
        assert!(error.remedy().contains("libxkbcommon-x11-0"), "{}", error.remedy());
        assert!(check_linux(true, false, |_| true).is_ok());
    }
}
