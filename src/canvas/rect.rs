//! A rectangle of canvas pixels. Knows only integers.

use crate::frame::Size;

/// A rectangle of whole pixels; empty when a side is zero.
///
/// ```
/// use afterimage::canvas::PixelRect;
/// use afterimage::frame::Size;
///
/// let rect = PixelRect::new(60, 60, 10, 10);
/// assert_eq!(rect.clipped(Size::square(64)), PixelRect::new(60, 60, 4, 4));
/// assert!(rect.clipped(Size::square(32)).is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PixelRect {
    /// Left edge, pixels from the left of the canvas.
    pub x: u32,
    /// Top edge, pixels from the top of the canvas.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl PixelRect {
    /// A rectangle from its top left corner and its size.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self { x, y, width, height }
    }

    /// The whole of a canvas.
    pub const fn whole(size: Size) -> Self {
        Self::new(0, 0, size.width, size.height)
    }

    /// True when there is no pixel in it.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The number of pixels.
    pub const fn area(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The column right of the last one.
    pub const fn right(self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// The row below the last one.
    pub const fn bottom(self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// True when the pixel (`x`, `y`) is in it.
    pub const fn contains(self, x: u32, y: u32) -> bool {
        x >= self.x && y >= self.y && x < self.right() && y < self.bottom()
    }

    /// The part both have.
    pub fn intersection(self, other: Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        Self::new(x, y, right.saturating_sub(x), bottom.saturating_sub(y))
    }

    /// The part that lies on a canvas of `size`.
    pub fn clipped(self, size: Size) -> Self {
        self.intersection(Self::whole(size))
    }
}
