//! What the system offers to a window before one is opened: the window system, and the libraries that are loaded at run time.
//!
//! Windows are opened through libraries that are looked up while the program runs. One that is missing would otherwise end
//! the program with a panic in somebody else's code, so they are tried here first.

/// The window system of this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSystem {
    /// X11, also under Wayland by way of Xwayland.
    X11,
    /// Wayland.
    Wayland,
    /// The system's own, on macOS and Windows.
    Native,
}

/// A library that is loaded at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library {
    /// Its file, as the dynamic linker knows it.
    pub file: &'static str,
    /// The package that has it on Debian and Ubuntu.
    pub package: &'static str,
}

const fn library(file: &'static str, package: &'static str) -> Library {
    Library { file, package }
}

const X11: [Library; 5] = [
    library("libX11.so.6", "libx11-6"),
    library("libX11-xcb.so.1", "libx11-xcb1"),
    library("libXcursor.so.1", "libxcursor1"),
    library("libXi.so.6", "libxi6"),
    library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
];

const WAYLAND: [Library; 2] =
    [library("libwayland-client.so.0", "libwayland-client0"), library("libxkbcommon.so.0", "libxkbcommon0")];

/// Either of them draws.
const GRAPHICS: [Library; 2] = [library("libEGL.so.1", "libegl1"), library("libvulkan.so.1", "libvulkan1")];

impl WindowSystem {
    /// The one the window would open in, found as winit finds it; `None` without a display.
    pub fn find() -> Option<Self> {
        if !cfg!(all(unix, not(target_os = "macos"))) {
            return Some(Self::Native);
        }
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET") {
            Some(Self::Wayland)
        } else if set("DISPLAY") {
            Some(Self::X11)
        } else {
            None
        }
    }

    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X11 => "X11",
            Self::Wayland => "Wayland",
            Self::Native => "native",
        }
    }

    /// What a window there needs.
    pub fn libraries(self) -> &'static [Library] {
        match self {
            Self::X11 => &X11,
            Self::Wayland => &WAYLAND,
            Self::Native => &[],
        }
    }

    /// The libraries of [`WindowSystem::libraries`] that do not load.
    pub fn missing(self) -> Vec<Library> {
        self.libraries().iter().filter(|library| !library.loads()).copied().collect()
    }
}

/// The libraries that graphics drivers come in; one that loads is enough. Empty where the system brings its own.
pub fn graphics_libraries() -> &'static [Library] {
    if cfg!(all(unix, not(target_os = "macos"))) { &GRAPHICS } else { &[] }
}

/// What helps where no graphics driver works.
pub fn graphics_remedy() -> &'static str {
    if graphics_libraries().is_empty() {
        return "install the driver of your graphics card, from its maker or from the system";
    }
    "run ./scripts/run, or install mesa-vulkan-drivers and libvulkan1, or libegl1 and libgl1-mesa-dri (Fedora: \
    mesa-vulkan-drivers mesa-dri-drivers; Arch: mesa vulkan-swrast)"
}

impl Library {
    /// Whether the dynamic linker finds it with all that it needs. It stays loaded.
    #[cfg(unix)]
    #[expect(unsafe_code, reason = "the standard library cannot load libraries")]
    pub fn loads(&self) -> bool {
        let Ok(name) = std::ffi::CString::new(self.file) else { return false };
        // SAFETY: the name ends in a zero and outlives the call. Loading runs the library's constructors, which are those of
        // the system libraries that a window loads anyway.
        unsafe { !libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL).is_null() }
    }

    /// Only Unix windows need libraries that may be missing.
    #[cfg(not(unix))]
    pub fn loads(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_loads_or_does_not() {
        assert!(library("libc.so.6", "libc6").loads());
        assert!(!library("libafterimage-nowhere.so.1", "none").loads());
    }

    #[test]
    fn every_library_has_a_package() {
        assert!(X11.iter().chain(&WAYLAND).chain(&GRAPHICS).all(|library| !library.package.is_empty()));
    }
}
