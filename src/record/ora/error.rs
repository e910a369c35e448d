//! Why a layered drawing cannot be opened.

use super::{MOST_LAYERS, MOST_PIXELS};
use crate::frame::Size;

/// Why a layered drawing cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayeredError {
    /// Something else, or a file of this kind without its page.
    #[error("`{name}` is no layered drawing: {text}")]
    NotLayered {
        /// The file.
        name: String,
        /// What is missing.
        text: String,
    },
    /// More pixels than a canvas has, or none.
    #[error("`{name}` is {size} pixels; a canvas has between 1 and {longest} on each side")]
    Size {
        /// The file.
        name: String,
        /// The size it claims.
        size: Size,
        /// The longest side of a canvas.
        longest: u32,
    },
    /// More layers than are opened.
    #[error("`{name}` has {layers} layers; at most {MOST_LAYERS} can be opened")]
    TooManyLayers {
        /// The file.
        name: String,
        /// Layers found.
        layers: usize,
    },
    /// More pixels in its layers than are decoded.
    #[error("the layers of `{name}` have more than {} million pixels together", MOST_PIXELS / 1_000_000)]
    TooManyPixels {
        /// The file.
        name: String,
    },
    /// A part of it is damaged, missing or larger than any sound one.
    #[error("`{name}` is damaged: {text}")]
    Broken {
        /// The file.
        name: String,
        /// What is wrong.
        text: String,
    },
}

impl LayeredError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotLayered { .. } => {
                "choose an OpenRaster file (.ora), or save it as one in the program that made it"
            }
            Self::Size { .. } => "change its size in another program first",
            Self::TooManyLayers { .. } | Self::TooManyPixels { .. } => "merge layers in another program first",
            Self::Broken { .. } => "copy or download the file again, or save it anew in the program that made it",
        }
    }
}
