//! Layered drawings as OpenRaster (`.ora`), which Krita and MyPaint open, too: a zip with each layer as a PNG, and a page that
//! says how they lie. Knows pixels and names, not the canvas.

mod error;
mod page;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::frame::{Frame, Size};

pub use error::LayeredError;
pub use read::read_ora;
pub use write::save_ora;

/// What the file says that it is.
const MIMETYPE: &str = "image/openraster";
/// The page that says how the layers lie.
const PAGE: &str = "stack.xml";
/// Most layers in a file, the background not counted.
const MOST_LAYERS: usize = 256;
/// Most pixels in all layers together: 64 layers of the largest canvas.
const MOST_PIXELS: u64 = 256 << 20;
/// What programs call the layer under all others.
const BACKGROUND: &str = "Background";

/// A drawing in layers.
#[derive(Clone, Debug)]
pub struct LayeredPicture {
    /// Width and height in pixels.
    pub size: Size,
    /// The colour under all layers, if there is one.
    pub background: Option<[u8; 3]>,
    /// Whether the background is left out where the picture is looked at.
    pub transparent: bool,
    /// From bottom to top, the background not among them.
    pub layers: Vec<PictureLayer>,
    /// Which of `layers` was being drawn on.
    pub active: Option<usize>,
}

/// One of its layers.
#[derive(Clone, Debug)]
pub struct PictureLayer {
    /// Its name for people.
    pub name: String,
    /// Whether it was drawn by hand, not opened as a picture.
    pub drawn: bool,
    /// Whether it is to be seen.
    pub visible: bool,
    /// How opaque it is, 0 to 1.
    pub opacity: f32,
    /// What is on it, if anything.
    pub frame: Option<Frame>,
    /// Where the frame's top left corner is: pixels from the left and from the top.
    pub at: (u32, u32),
}

/// Whether a file of this name is a layered drawing.
///
/// ```
/// use afterimage::record::is_ora_name;
///
/// assert!(is_ora_name("fox.ora".as_ref()) && is_ora_name("FOX.ORA".as_ref()));
/// assert!(!is_ora_name("fox.png".as_ref()) && !is_ora_name("ora".as_ref()));
/// ```
pub fn is_ora_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ora"))
}

/// Whether bytes begin as layered drawings do, whatever their file is called.
pub fn is_ora(bytes: &[u8]) -> bool {
    let begin = &bytes[..bytes.len().min(128)];
    begin.starts_with(b"PK\x03\x04") && begin.windows(MIMETYPE.len()).any(|part| part == MIMETYPE.as_bytes())
}
