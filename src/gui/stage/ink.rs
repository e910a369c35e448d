//! Keeps the drawing's texture equal to the drawing: only what changed is composited and sent.

use super::surface::{Slot, Surface};
use crate::canvas::{Backdrop, Document, PixelRect};
use crate::display::Sampling;

/// More rectangles than this are sent as one: each costs a call whatever its size.
const MOST_RECTANGLES: usize = 64;

/// What the drawing's texture holds.
#[derive(Default)]
pub(super) struct Ink {
    backdrop: Option<Backdrop>,
    bytes: Vec<u8>,
}

impl Ink {
    /// Brings the texture up to date.
    pub(super) fn follow(
        &mut self,
        ctx: &egui::Context,
        surface: &mut dyn Surface,
        document: &mut Document,
        backdrop: Backdrop,
        sampling: Sampling,
    ) {
        let dirty = document.take_dirty();
        let size = document.size();
        let anew = self.backdrop != Some(backdrop) || surface.needs_whole(Slot::Ink, size, sampling);
        if anew || dirty.len() > MOST_RECTANGLES {
            self.backdrop = Some(backdrop);
            document.composite_into(PixelRect::whole(size), backdrop, &mut self.bytes);
            surface.replace(ctx, Slot::Ink, size, &self.bytes, sampling);
            return;
        }
        for rect in dirty {
            let rect = document.composite_into(rect, backdrop, &mut self.bytes);
            if !rect.is_empty() {
                surface.update(Slot::Ink, rect, &self.bytes);
            }
        }
    }
}
