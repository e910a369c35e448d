//! How others see a document: a part for the display, a small one for the model, the whole for a file.

use super::blend::straight;
use super::look::Look;
use super::{Backdrop, Document, PixelRect};
use crate::frame::{Frame, Size};

impl Document {
    /// Writes the visible pixels of `rect` to `out`, by rows: RGBA8, straight alpha; what was in `out` is gone. Gives back
    /// the part of `rect` on the canvas, which is what `out` then holds.
    ///
    /// ```
    /// # use afterimage::canvas::{Backdrop, Document, PixelRect};
    /// # use afterimage::frame::Size;
    /// let document = Document::new(Size::square(64), [1, 2, 3]);
    /// let mut pixels = Vec::new();
    /// let part = document.composite_into(PixelRect::new(60, 0, 99, 1), Backdrop::Document, &mut pixels);
    /// assert_eq!((part, pixels), (PixelRect::new(60, 0, 4, 1), [1, 2, 3, 255].repeat(4)));
    /// ```
    pub fn composite_into(&self, rect: PixelRect, backdrop: Backdrop, out: &mut Vec<u8>) -> PixelRect {
        let rect = rect.clipped(self.size());
        out.resize(rect.area() * 4, 0);
        let (pixels, _) = out.as_chunks_mut::<4>();
        self.write_straight(rect, backdrop, pixels);
        rect
    }

    /// What is visible at another size, by area average: the picture for a model. Only what changed since the last call
    /// is computed again; another size or backdrop than last time computes all. The canvas has the picture's aspect, so
    /// it is stretched by a pixel's fraction at most; its number is the [`Self::revision`].
    pub fn overlay(&mut self, size: Size, backdrop: Backdrop) -> Frame {
        let look = Look { stack: &self.stack, stroke: self.stroke.as_ref() };
        self.overlay.frame(look, size, backdrop).stamped(self.revision, self.changed_at)
    }

    /// What is visible at full size.
    pub fn frame(&self, backdrop: Backdrop) -> Frame {
        let mut frame = Frame::filled(self.size(), [0; 4]);
        let (pixels, _) = frame.pixels_mut().as_chunks_mut::<4>();
        self.write_straight(PixelRect::whole(self.size()), backdrop, pixels);
        frame.stamped(self.revision, self.changed_at)
    }

    /// Writes `rect`, which lies on the canvas.
    fn write_straight(&self, rect: PixelRect, backdrop: Backdrop, pixels: &mut [[u8; 4]]) {
        self.look().write(rect, backdrop, pixels);
        if backdrop == Backdrop::Transparent {
            for pixel in pixels {
                *pixel = straight(*pixel);
            }
        }
    }

    /// The layers together with the stroke in progress.
    pub(super) fn look(&self) -> Look<'_> {
        Look { stack: &self.stack, stroke: self.stroke.as_ref() }
    }
}
