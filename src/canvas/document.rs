//! The drawing as a whole.

use std::time::Instant;

use super::{Brush, Layer, LayerId, LayerKind, Rect, StrokePoint};
use crate::frame::{Frame, Size};

/// What the sample drawing shows, as a prompt.
pub const SAMPLE_PROMPT: &str = "red apple, 3d";

/// What lies under the layers when they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backdrop {
    /// The document's background colour: the result is opaque.
    Document,
    /// Nothing: the result has the layers' own transparency.
    Transparent,
}

/// A drawing: layers from bottom to top, a background colour, and the way back.
#[derive(Clone, Debug)]
pub struct Document {
    size: Size,
    background: [u8; 3],
    layers: Vec<Layer>,
    active: LayerId,
    revision: u64,
    changed_at: Instant,
}

impl Document {
    /// The longest side a canvas may have, in pixels.
    pub const MAX_SIDE: u32 = 2048;

    /// An empty drawing with one ink layer; each side is kept between 1 and [`Self::MAX_SIDE`].
    pub fn new(size: Size, background: [u8; 3]) -> Self {
        let size = Size::new(size.width.clamp(1, Self::MAX_SIDE), size.height.clamp(1, Self::MAX_SIDE));
        let ink = Layer::new(LayerId(1), "Ink 1".to_owned(), LayerKind::Ink, size);
        Self { size, background, active: ink.id, layers: vec![ink], revision: 1, changed_at: Instant::now() }
    }
    /// A small drawing for the very first start (see [`SAMPLE_PROMPT`]); the first stroke clears it.
    pub fn sample(size: Size) -> Self {
        Self::new(size, [255; 3])
    }
    /// True while the sample drawing is untouched.
    pub fn is_sample(&self) -> bool {
        false
    }
    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        self.size
    }
    /// The colour under all layers.
    pub fn background(&self) -> [u8; 3] {
        self.background
    }
    /// Changes the background; a quick succession of changes is one step back.
    pub fn set_background(&mut self, _colour: [u8; 3]) {}

    /// Puts the pen down; false when nothing can be drawn (the point is no place, the active layer is hidden).
    pub fn begin_stroke(&mut self, _brush: Brush, _point: StrokePoint) -> bool {
        true
    }
    /// Moves the pen.
    pub fn extend_stroke(&mut self, _point: StrokePoint) {}
    /// Lifts the pen: the stroke becomes one step of history.
    pub fn end_stroke(&mut self) {}
    /// Takes the stroke in progress back without a trace.
    pub fn cancel_stroke(&mut self) {}
    /// True between pen down and pen up.
    pub fn is_stroking(&self) -> bool {
        false
    }

    /// Flood-fills what looks alike around (`x`, `y`) with `colour` on the active layer; false when nothing changed.
    pub fn fill(&mut self, _x: f32, _y: f32, _colour: [u8; 3], _tolerance: u8) -> bool {
        false
    }
    /// The visible colour at (`x`, `y`), background included; none outside.
    pub fn pick(&self, _x: f32, _y: f32) -> Option<[u8; 3]> {
        None
    }

    /// One step back; false when there is none. During a stroke it takes the stroke back.
    pub fn undo(&mut self) -> bool {
        false
    }
    /// One step forward again; false when there is none.
    pub fn redo(&mut self) -> bool {
        false
    }
    /// True when [`Self::undo`] would do something.
    pub fn can_undo(&self) -> bool {
        false
    }
    /// True when [`Self::redo`] would do something.
    pub fn can_redo(&self) -> bool {
        false
    }
    /// What the next step back takes back, for a tooltip: "stroke", "fill".
    pub fn undo_name(&self) -> Option<&str> {
        None
    }
    /// What the next step forward brings back.
    pub fn redo_name(&self) -> Option<&str> {
        None
    }
    /// Removes all ink and all pictures, as one step.
    pub fn clear(&mut self) {}
    /// True when there is neither ink nor a picture.
    pub fn is_blank(&self) -> bool {
        true
    }

    /// Lays a picture under the active ink layer, cropped so that it covers the canvas.
    pub fn add_picture(&mut self, _frame: &Frame, _name: &str) -> LayerId {
        self.active
    }
    /// All layers from bottom to top.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
    /// The layer that strokes go to.
    pub fn active(&self) -> LayerId {
        self.active
    }
    /// Chooses the layer that strokes go to; false when there is no such layer.
    pub fn set_active(&mut self, _id: LayerId) -> bool {
        false
    }
    /// Shows or hides a layer.
    pub fn set_visible(&mut self, _id: LayerId, _visible: bool) -> bool {
        false
    }
    /// Sets how opaque a layer is, 0 to 1; a quick succession of changes is one step back.
    pub fn set_opacity(&mut self, _id: LayerId, _opacity: f32) -> bool {
        false
    }
    /// Removes a layer; false for the last ink layer.
    pub fn remove_layer(&mut self, _id: LayerId) -> bool {
        false
    }
    /// Adds an empty ink layer above the active one and makes it active.
    pub fn add_ink_layer(&mut self) -> LayerId {
        self.active
    }
    /// Moves a layer to `place`, counted from the bottom.
    pub fn move_layer(&mut self, _id: LayerId, _place: usize) -> bool {
        false
    }

    /// Grows with each visible change.
    pub fn revision(&self) -> u64 {
        self.revision
    }
    /// When the last visible change happened.
    pub fn changed_at(&self) -> Instant {
        self.changed_at
    }
    /// The rectangles that changed since the last call; the whole canvas at first.
    pub fn take_dirty(&mut self) -> Vec<Rect> {
        vec![Rect::whole(self.size)]
    }
    /// The visible pixels of `rect` as RGBA8, straight alpha; `out` is overwritten. Gives back the part of `rect` on the
    /// canvas, which is what `out` then holds.
    pub fn composite_into(&self, rect: Rect, _backdrop: Backdrop, out: &mut Vec<u8>) -> Rect {
        let rect = rect.clipped(self.size);
        out.clear();
        out.resize(rect.area() * 4, 255);
        rect
    }
    /// What is visible at the model's size, by area average; only what changed since the last call is computed.
    pub fn overlay(&mut self, size: Size, _backdrop: Backdrop) -> Frame {
        Frame::filled(size, [255; 4])
    }
    /// What is visible at full size.
    pub fn frame(&self, _backdrop: Backdrop) -> Frame {
        Frame::filled(self.size, [255; 4])
    }
}
