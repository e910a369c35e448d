//! Where live pictures come from: webcams, picture files, a moving test pattern. Each source has its own defended thread.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A saved description of a source to open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceSpec {
    /// No source: the drawing on its background.
    #[default]
    Drawing,
    /// A webcam, by its id (`/dev/video0`, or an index elsewhere).
    Camera {
        /// The id that [`CameraInfo`] gives.
        id: String,
        /// Flip left and right, as in a mirror.
        mirror: bool,
    },
    /// A picture file.
    Picture {
        /// The file.
        path: PathBuf,
    },
    /// The built-in moving test pattern.
    Pattern,
}

/// A webcam that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// Stable within one boot; goes into [`SourceSpec::Camera`].
    pub id: String,
    /// What the device calls itself.
    pub name: String,
}
