//! The drawing at the model's size, kept and brought up to date where it changed.

use super::dirty::Dirty;
use super::look::{Backdrop, Look};
use super::reduce::Scale;
use super::tile::Shape;
use crate::frame::{Frame, Size};

/// The longest side that is ever asked for, in pixels.
const MAX_SIDE: u32 = 8192;

/// A reduced picture and what it does not know yet.
#[derive(Clone, Debug)]
pub(super) struct Overlay {
    kept: Option<(Backdrop, Frame)>,
    /// The tiles that changed since it was last brought up to date.
    pub dirty: Dirty,
}

impl Overlay {
    /// Nothing kept.
    pub fn new(shape: Shape) -> Self {
        Self { kept: None, dirty: Dirty::all(shape) }
    }

    /// The picture of `look` at `size`.
    pub fn frame(&mut self, look: Look<'_>, size: Size, backdrop: Backdrop) -> Frame {
        let size = Size::new(size.width.clamp(1, MAX_SIDE), size.height.clamp(1, MAX_SIDE));
        let mut frame = match self.kept.take() {
            Some((kept, frame)) if kept == backdrop && frame.size() == size => frame,
            _ => {
                self.dirty.mark_all();
                Frame::filled(size, [0; 4])
            }
        };
        if !self.dirty.is_empty() {
            let scale = Scale { from: look.stack.shape.size, to: size };
            let (picture, _) = frame.pixels_mut().as_chunks_mut::<4>();
            for rect in self.dirty.take() {
                let target = scale.reached(rect);
                let source = scale.needed(target);
                scale.average(source, &look.pixels(source, backdrop), target, picture);
            }
        }
        self.kept = Some((backdrop, frame.clone()));
        frame
    }
}
