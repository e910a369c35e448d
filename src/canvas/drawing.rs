//! What the pen does to a document: strokes, fills, and looking at one pixel.

use std::sync::Arc;

use super::dirty::Dirty;
use super::edit::Edit;
use super::fill::Fill;
use super::history::Knob;
use super::stroke::Stroke;
use super::{Backdrop, Brush, Document, Layer, LayerId, PixelRect, StrokePoint};

impl Document {
    /// Puts the pen down; false when nothing can be drawn (the point is no place, or the active layer is hidden). Clears
    /// a sample drawing; ends a stroke still in progress.
    pub fn begin_stroke(&mut self, brush: Brush, point: StrokePoint) -> bool {
        self.end_stroke();
        if !point.is_sound() || !self.is_active_visible() {
            return false;
        }
        self.wipe_sample();
        self.stroke = Some(Stroke::new(self.stack.active, brush, self.size()));
        self.extend_stroke(point);
        true
    }

    /// Moves the pen. Without a stroke, and for points that are no place, nothing happens.
    pub fn extend_stroke(&mut self, point: StrokePoint) {
        let mut dirty = Dirty::none(self.stack.shape);
        if let Some(stroke) = &mut self.stroke {
            stroke.add(point, &mut dirty);
        }
        self.announce(&dirty);
    }

    /// Lifts the pen: the stroke becomes part of its layer and one step of history, unless it changed nothing.
    pub fn end_stroke(&mut self) {
        let Some(stroke) = self.stroke.take() else { return };
        let Some(layer) = self.stack.layer(stroke.layer()) else { return };
        let mut tiles = Vec::new();
        for index in stroke.tiles() {
            let old = layer.ink.get(index);
            let new = stroke.applied(index, old.map(AsRef::as_ref));
            let blank = new.iter().all(|pixel| pixel[3] == 0);
            if old.map_or(!blank, |old| **old != new) {
                tiles.push((index, (!blank).then(|| Arc::new(new))));
            }
        }
        if tiles.is_empty() {
            return;
        }
        let name = if stroke.brush().erase { "erasing" } else { "stroke" };
        let layer = stroke.layer();
        let record = Edit::AddStroke(Arc::new(stroke.into_record()));
        self.commit(name, Knob::None, Edit::Many(vec![Edit::Tiles { layer, tiles }, record]));
    }

    /// Takes the stroke in progress away without a trace.
    pub fn cancel_stroke(&mut self) {
        let Some(stroke) = self.stroke.take() else { return };
        let mut dirty = Dirty::none(self.stack.shape);
        for index in stroke.tiles() {
            dirty.mark(index);
        }
        self.announce(&dirty);
    }

    /// Of a stroke in progress that takes ink away and meets none on its layer: the topmost layer to be seen where it would have.
    pub fn missed_by_eraser(&self) -> Option<LayerId> {
        let stroke = self.stroke.as_ref().filter(|stroke| stroke.brush().erase)?;
        let meets = |layer: &&Layer| {
            let mut tiles = stroke.tiles().filter_map(|index| Some((stroke.mask(index)?, layer.ink.get(index)?)));
            tiles.any(|(mask, ink)| mask.iter().zip(ink.iter()).any(|(&mask, ink)| mask > 0 && ink[3] > 0))
        };
        if self.stack.layer(stroke.layer()).as_ref().is_none_or(meets) {
            return None;
        }
        self.stack.layers.iter().rev().filter(|layer| layer.shows()).find(meets).map(Layer::id)
    }

    /// True between pen down and pen up.
    pub fn is_stroking(&self) -> bool {
        self.stroke.is_some()
    }

    /// Fills what looks alike around (`x`, `y`), in canvas pixels, on the active layer. `tolerance` is how much each
    /// channel may differ from the colour there. False when nothing changed: outside the canvas, on a hidden layer, or
    /// where the colour already is.
    ///
    /// ```
    /// # use afterimage::{canvas::Document, frame::Size};
    /// let mut document = Document::new(Size::square(64), [255; 3]);
    /// assert!(document.fill(10.0, 10.0, [0, 90, 200], 16));
    /// assert_eq!(document.pick(63.0, 63.0), Some([0, 90, 200]));
    /// assert!(!document.fill(-1.0, 10.0, [0; 3], 16));
    /// ```
    pub fn fill(&mut self, x: f32, y: f32, colour: [u8; 3], tolerance: u8) -> bool {
        self.fill_over(Backdrop::Document, (x, y), colour, tolerance)
    }

    /// The same where the layers lie over something else than the background: how thin ink is counts as its colour does.
    pub fn fill_over(&mut self, backdrop: Backdrop, (x, y): (f32, f32), colour: [u8; 3], tolerance: u8) -> bool {
        self.end_stroke();
        let Some(seed) = self.pixel_at(x, y).filter(|_| self.is_active_visible()) else { return false };
        let look = self.look().pixels(PixelRect::whole(self.size()), backdrop);
        let Some(edit) = (Fill { seed, colour, tolerance }).edit(&self.stack, &look) else { return false };
        self.commit("fill", Knob::None, edit);
        true
    }

    /// The visible colour at (`x`, `y`), background included; none outside the canvas.
    pub fn pick(&self, x: f32, y: f32) -> Option<[u8; 3]> {
        let (x, y) = self.pixel_at(x, y)?;
        let [red, green, blue, _] = *self.look().pixels(PixelRect::new(x, y, 1, 1), Backdrop::Document).first()?;
        Some([red, green, blue])
    }

    /// The pixel that holds a place.
    fn pixel_at(&self, x: f32, y: f32) -> Option<(u32, u32)> {
        let size = self.size();
        let inside = x >= 0.0 && y >= 0.0 && x < size.width as f32 && y < size.height as f32;
        inside.then_some((x as u32, y as u32))
    }

    /// Whether the layer that strokes and fills go to shows; nothing can be drawn on one that does not.
    pub fn is_active_visible(&self) -> bool {
        self.stack.layer(self.stack.active).is_some_and(Layer::shows)
    }
}
