//! The drawing as a whole: what it holds and how every change of it is made, remembered and announced.

use std::sync::Arc;
use std::time::Instant;

use super::dirty::Dirty;
use super::edit::{Edit, Stack};
use super::history::{History, Knob, Version};
use super::overlay::Overlay;
use super::stroke::Stroke;
use super::tile::Shape;
use super::{Layer, LayerId, LayerKind, PixelRect, StrokeRecord};
use crate::frame::Size;

/// A drawing: layers from bottom to top, a background colour, and the way back.
///
/// ```
/// use afterimage::canvas::{Backdrop, Brush, Document, StrokePoint};
/// use afterimage::frame::Size;
///
/// let mut document = Document::new(Size::square(256), [255; 3]);
/// document.begin_stroke(Brush { colour: [200, 0, 0], ..Brush::default() }, StrokePoint::new(60.0, 60.0, 0.0));
/// document.extend_stroke(StrokePoint::new(160.0, 90.0, 0.1));
/// document.end_stroke();
/// assert_eq!(document.pick(60.0, 60.0), Some([200, 0, 0]));
///
/// let sketch = document.overlay(Size::square(64), Backdrop::Document);
/// assert_eq!(sketch.size(), Size::square(64));
///
/// assert_eq!(document.undo_name(), Some("stroke"));
/// assert!(document.undo() && document.is_blank());
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) stack: Stack,
    pub(super) stroke: Option<Stroke>,
    pub(super) history: History,
    pub(super) next_id: u64,
    pub(super) sample: bool,
    /// What the display has not seen yet.
    pub(super) unseen: Dirty,
    pub(super) overlay: Overlay,
    pub(super) revision: u64,
    pub(super) changed_at: Instant,
}

impl Document {
    /// The longest side a canvas may have, in pixels.
    pub const MAX_SIDE: u32 = 2048;
    /// The longest name of a layer that can be given, in characters.
    pub const LONGEST_NAME: usize = 80;

    /// An empty drawing with one ink layer; each side is kept between 1 and [`Self::MAX_SIDE`].
    pub fn new(size: Size, background: [u8; 3]) -> Self {
        let size = Size::new(size.width.clamp(1, Self::MAX_SIDE), size.height.clamp(1, Self::MAX_SIDE));
        let shape = Shape::of(size);
        let ink = Layer::new(LayerId(1), "Ink 1".to_owned(), LayerKind::Ink, size);
        Self {
            stack: Stack { shape, background, active: ink.id, layers: vec![ink], strokes: Vec::new() },
            stroke: None,
            history: History::default(),
            next_id: 2,
            sample: false,
            unseen: Dirty::all(shape),
            overlay: Overlay::new(shape),
            revision: 1,
            changed_at: Instant::now(),
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        self.stack.shape.size
    }

    /// The colour under all layers.
    pub fn background(&self) -> [u8; 3] {
        self.stack.background
    }

    /// Changes the background; changes in quick succession (a dragged slider) are one step back.
    pub fn set_background(&mut self, colour: [u8; 3]) {
        self.end_stroke();
        if colour != self.stack.background {
            self.commit("background", Knob::Background, Edit::Background(colour));
        }
    }

    /// One step back; false when there is none. During a stroke it takes that stroke back.
    pub fn undo(&mut self) -> bool {
        if self.is_stroking() {
            self.cancel_stroke();
            return true;
        }
        let mut dirty = Dirty::none(self.stack.shape);
        let done = self.history.undo(|edit| self.stack.apply(edit, &mut dirty));
        self.announce(&dirty);
        done
    }

    /// One step forth again; false when there is none or a stroke is being drawn.
    pub fn redo(&mut self) -> bool {
        if self.is_stroking() {
            return false;
        }
        let mut dirty = Dirty::none(self.stack.shape);
        let done = self.history.redo(|edit| self.stack.apply(edit, &mut dirty));
        self.announce(&dirty);
        done
    }

    /// True when [`Self::undo`] would do something.
    pub fn can_undo(&self) -> bool {
        self.undo_name().is_some()
    }

    /// True when [`Self::redo`] would do something.
    pub fn can_redo(&self) -> bool {
        self.redo_name().is_some()
    }

    /// What the next step back takes back, in a word for a tooltip: "stroke", "fill".
    pub fn undo_name(&self) -> Option<&str> {
        if self.is_stroking() { Some("stroke") } else { self.history.undo_name() }
    }

    /// What the next step forth brings back.
    pub fn redo_name(&self) -> Option<&str> {
        if self.is_stroking() { None } else { self.history.redo_name() }
    }

    /// The drawing as it is, a stroke in progress left out, without the way back: for whoever writes it while it is drawn on. What
    /// was painted over since is not held by it.
    pub fn snapshot(&self) -> Self {
        let (stack, shape) = (self.stack.clone(), self.stack.shape);
        let history = History::at(self.history.now());
        Self { stack, stroke: None, history, unseen: Dirty::all(shape), overlay: Overlay::new(shape), ..*self }
    }

    /// The state the drawing is in, not counting a stroke in progress. Undo and redo bring a state's own version back, so
    /// who remembers the version that was saved knows whether there is anything to save.
    pub fn version(&self) -> Version {
        self.history.now()
    }

    /// About how much memory the way back holds, in bytes; kept under 256 MiB.
    pub fn history_bytes(&self) -> usize {
        self.history.bytes()
    }

    /// Removes all ink and all pictures, as one step; the sample drawing goes without a trace.
    pub fn clear(&mut self) {
        self.cancel_stroke();
        self.wipe_sample();
        if self.is_blank() {
            return;
        }
        let mut edits = Vec::new();
        for layer in &self.stack.layers {
            edits.push(match layer.kind {
                LayerKind::Picture => Edit::Remove(layer.id),
                LayerKind::Ink => {
                    let tiles = layer.ink.present().map(|index| (index, None)).collect();
                    Edit::Tiles { layer: layer.id, tiles }
                }
            });
        }
        edits.push(Edit::Strokes(Vec::new()));
        self.commit("clear", Knob::None, Edit::Many(edits));
    }

    /// True when there is neither ink nor a picture, visible or not.
    pub fn is_blank(&self) -> bool {
        let drawn = self.stroke.as_ref().is_some_and(|stroke| !stroke.brush().erase && stroke.tiles().next().is_some());
        !drawn && self.stack.layers.iter().all(|layer| layer.kind == LayerKind::Ink && layer.is_blank())
    }

    /// True when something is on a layer that does not show, and so is in no picture of the drawing.
    pub fn has_hidden(&self) -> bool {
        self.stack.layers.iter().any(|layer| !layer.shows() && !layer.is_blank())
    }

    /// Every stroke that is part of the drawing, with all its samples, oldest first.
    pub fn strokes(&self) -> &[Arc<StrokeRecord>] {
        &self.stack.strokes
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
    pub fn take_dirty(&mut self) -> Vec<PixelRect> {
        self.unseen.take()
    }

    /// True while the sample drawing of the first start is as it was.
    pub fn is_sample(&self) -> bool {
        self.sample
    }

    /// Makes a change that can be taken back. Anything but another background makes a sample drawing the user's own.
    pub(super) fn commit(&mut self, name: &'static str, knob: Knob, edit: Edit) {
        self.sample &= knob == Knob::Background;
        let mut dirty = Dirty::none(self.stack.shape);
        let back = self.stack.apply(edit, &mut dirty);
        self.history.push(name, knob, back);
        self.announce(&dirty);
    }

    /// Tells all who look which tiles changed.
    pub(super) fn announce(&mut self, dirty: &Dirty) {
        if dirty.is_empty() {
            return;
        }
        self.unseen.join(dirty);
        self.overlay.dirty.join(dirty);
        self.revision += 1;
        self.changed_at = Instant::now();
    }

    /// Takes the sample drawing away for good.
    pub(super) fn wipe_sample(&mut self) {
        if !std::mem::take(&mut self.sample) {
            return;
        }
        let mut dirty = Dirty::none(self.stack.shape);
        for layer in &mut self.stack.layers {
            for index in layer.ink.present().collect::<Vec<_>>() {
                layer.ink.replace(index, None);
                dirty.mark(index);
            }
        }
        self.stack.strokes.clear();
        self.announce(&dirty);
    }

    /// A name no layer of this document had before.
    pub(super) fn fresh_id(&mut self) -> LayerId {
        self.next_id += 1;
        LayerId(self.next_id - 1)
    }
}
