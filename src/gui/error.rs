//! Why there is no window.

use crate::display::graphics_remedy;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum GuiError {
    /// Neither Wayland nor X11 is there.
    #[error("there is no display to open a window on")]
    NoDisplay,
    /// A library that the window needs cannot be loaded.
    #[error("the library {library} is missing")]
    MissingLibrary {
        /// Its file name.
        library: &'static str,
        /// The package that brings it on Debian and Ubuntu.
        package: &'static str,
    },
    /// Nothing can draw.
    #[error("no graphics driver was found ({0})")]
    NoGraphics(String),
    /// The window system refused.
    #[error("the window could not be opened ({0})")]
    Window(String),
}

impl GuiError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoDisplay => {
                "start it in a desktop session, set DISPLAY or WAYLAND_DISPLAY, or use `afterimage paint`, \
                which needs no window"
                    .into()
            }
            Self::MissingLibrary { package, .. } => {
                format!("run ./scripts/run, or install the package {package} (its name on Debian and Ubuntu)")
            }
            Self::NoGraphics(_) => graphics_remedy().into(),
            Self::Window(_) => "see `afterimage doctor` for what is missing".into(),
        }
    }

    /// eframe's error in our words.
    pub(super) fn from_eframe(error: eframe::Error) -> Self {
        match error {
            eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) | eframe::Error::AppCreation(_) => {
                Self::Window(error.to_string())
            }
            _ => Self::NoGraphics(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_with_its_package() {
        let error = GuiError::MissingLibrary { library: "libxkbcommon-x11.so.0", package: "libxkbcommon-x11-0" };
        assert!(error.to_string().contains("libxkbcommon-x11.so.0"), "{error}");
        assert!(error.remedy().contains("libxkbcommon-x11-0"), "{}", error.remedy());
    }
}
