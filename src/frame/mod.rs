//! The one picture type that crosses module borders, and what may be done to it without knowing why.
//!
//! A [`Frame`] is RGBA8, sRGB-encoded, straight alpha, top-left origin. Blending and resizing work on encoded values, as
//! in other paint programs. This is the only module that imports `image`.

mod camera_formats;
mod codec;
#[cfg(any(test, feature = "inspect"))]
mod fault_injection;
#[cfg(not(any(test, feature = "inspect")))]
#[path = "fault_injection_off.rs"]
mod fault_injection;
mod fit;
mod jpeg;
mod picture_error;
mod resample;
mod scale;

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use camera_formats::{nv12_to_rgba, rgb3_to_rgba, yuyv_to_rgba};
pub use codec::{decode, open, read};
#[cfg(any(test, feature = "inspect"))]
pub use fault_injection::PANIC_MARK;
pub(crate) use fault_injection::panic_if_marked;
pub use fit::{blend_over, cover_crop, fit_longer_side, flip_horizontal};
pub use jpeg::decode_mjpeg;
pub use picture_error::PictureError;
pub use resample::{Filter, resample};
pub use scale::{Crop, scale};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// A size of `width` by `height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// A square.
    pub const fn square(side: u32) -> Self {
        Self::new(side, side)
    }

    /// Pixels along the longer side.
    pub fn longer_side(self) -> u32 {
        self.width.max(self.height)
    }

    /// The number of pixels.
    pub const fn area(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", self.width, self.height)
    }
}

/// Why pixels cannot become a frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The byte count does not fit the size.
    #[error("a picture of {size} needs {} bytes, got {got}", size.area() * 4)]
    Length {
        /// The size asked for.
        size: Size,
        /// The bytes given.
        got: usize,
    },
    /// Width or height is zero.
    #[error("a picture cannot be {size}")]
    Empty {
        /// The size asked for.
        size: Size,
    },
}

impl FrameError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        "use another picture"
    }
}

/// A picture: RGBA8, sRGB-encoded, straight alpha, rows from the top, no padding. Cloning shares the pixels.
#[derive(Clone)]
pub struct Frame {
    size: Size,
    pixels: Arc<Vec<u8>>,
    /// Counts up per source; 0 where nobody counts.
    pub id: u64,
    /// When the picture was taken (camera), changed (canvas) or read (file).
    pub taken: Instant,
}

impl Frame {
    /// Wraps `pixels` (`size.area() * 4` bytes, RGBA).
    ///
    /// # Errors
    /// [`FrameError`] when a side is zero or the length does not fit.
    pub fn new(size: Size, pixels: Vec<u8>) -> Result<Self, FrameError> {
        if size.area() == 0 {
            return Err(FrameError::Empty { size });
        }
        if pixels.len() != size.area() * 4 {
            return Err(FrameError::Length { size, got: pixels.len() });
        }
        Ok(Self { size, pixels: Arc::new(pixels), id: 0, taken: Instant::now() })
    }

    /// One colour everywhere. A side of zero becomes one pixel.
    pub fn filled(size: Size, rgba: [u8; 4]) -> Self {
        let size = Size::new(size.width.max(1), size.height.max(1));
        Self { size, pixels: Arc::new(rgba.repeat(size.area())), id: 0, taken: Instant::now() }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The bytes, RGBA by rows from the top.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes for changing; copies them first if they are shared.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        Arc::make_mut(&mut self.pixels).as_mut_slice()
    }

    /// The pixel at (`x`, `y`); outside the nearest pixel of the border.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let (x, y) = (x.min(self.size.width - 1) as usize, y.min(self.size.height - 1) as usize);
        let at = (y * self.size.width as usize + x) * 4;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2], self.pixels[at + 3]]
    }

    /// Whether no pixel lets anything through.
    pub fn is_opaque(&self) -> bool {
        // Whole pixels, of which the compiler makes vector code.
        let all = |part: &[u8]| part.as_chunks().0.iter().fold(u32::MAX, |all, pixel| all & u32::from_le_bytes(*pixel));
        self.pixels.chunks(4096).all(|part| all(part) >> 24 == 255)
    }

    /// Whether both have the same pixels in memory. While either is held, nobody changes them in place, so equal addresses are equal
    /// pictures.
    pub fn shares_pixels(&self, other: &Self) -> bool {
        self.size() == other.size() && std::ptr::eq(self.pixels().as_ptr(), other.pixels().as_ptr())
    }

    /// The same picture with another number and time.
    pub fn stamped(mut self, id: u64, taken: Instant) -> Self {
        self.id = id;
        self.taken = taken;
        self
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({}, id {})", self.size, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked() {
        let size = Size::new(2, 3);
        assert!(Frame::new(size, vec![0; 24]).is_ok());
        assert_eq!(Frame::new(size, vec![0; 23]).unwrap_err(), FrameError::Length { size, got: 23 });
        assert!(matches!(Frame::new(Size::new(0, 3), vec![]), Err(FrameError::Empty { .. })));
    }

    #[test]
    fn one_pixel_that_lets_something_through_is_seen() {
        let size = Size::new(37, 40);
        let opaque = Frame::filled(size, [0, 1, 2, 255]);
        assert!(opaque.is_opaque() && !Frame::filled(size, [255, 255, 255, 254]).is_opaque());
        for place in [0, 1, 1023, 1024, size.area() - 1] {
            let mut frame = opaque.clone();
            frame.pixels_mut()[4 * place + 3] = 127;
            assert!(!frame.is_opaque(), "pixel {place}");
        }
    }

    #[test]
    fn pixels_outside_are_the_border() {
        let mut frame = Frame::filled(Size::square(2), [1, 2, 3, 255]);
        frame.pixels_mut()[12..].copy_from_slice(&[9, 9, 9, 9]);
        assert_eq!(frame.pixel(100, 100), [9; 4]);
        assert_eq!(frame.pixel(0, 0), [1, 2, 3, 255]);
    }
}
