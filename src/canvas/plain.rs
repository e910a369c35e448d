//! Layers as plain values: how a drawing is taken apart for a file, and put together again.

use super::blend::straight;
use super::fitted::tiled;
use super::tile::TILE;
use super::{Document, Layer, LayerId, LayerKind, PixelRect};
use crate::frame::{Frame, Size};

/// A layer as plain values.
#[derive(Clone, Debug)]
pub struct PlainLayer {
    /// Its name for people.
    pub name: String,
    /// What it was made for.
    pub kind: LayerKind,
    /// Whether it shows.
    pub visible: bool,
    /// How opaque it is, 0 to 1.
    pub opacity: f32,
    /// The part of it where something is, straight alpha; none where nothing is.
    pub frame: Option<Frame>,
    /// Where that part's top left corner is, in canvas pixels.
    pub at: (u32, u32),
}

impl Document {
    /// A drawing of these layers, from bottom to top, with nothing to undo; `active` is the place of the layer that strokes go to. Each
    /// side is kept between 1 and [`Self::MAX_SIDE`], what lies beyond the canvas is left out, and where no layer is of ink, one is added.
    ///
    /// ```
    /// # use afterimage::canvas::{Document, PlainLayer};
    /// # use afterimage::frame::Size;
    /// let mut document = Document::new(Size::square(128), [1, 2, 3]);
    /// document.fill(9.0, 9.0, [0, 90, 200], 16);
    /// document.add_ink_layer();
    /// let layers: Vec<PlainLayer> = document.layers().iter().map(|layer| layer.plain()).collect();
    /// let again = Document::of_layers(document.size(), document.background(), layers, Some(1));
    /// assert_eq!((again.layers().len(), again.pick(9.0, 9.0)), (2, Some([0, 90, 200])));
    /// assert!(!again.can_undo() && again.layers()[1].id() == again.active());
    /// ```
    pub fn of_layers(
        size: Size,
        background: [u8; 3],
        layers: impl IntoIterator<Item = PlainLayer>,
        active: Option<usize>,
    ) -> Self {
        let mut document = Self::new(size, background);
        let size = document.size();
        let empty = std::mem::take(&mut document.stack.layers);
        for layer in layers {
            let PlainLayer { name, kind, visible, opacity, frame, at } = layer;
            let opacity = if opacity.is_nan() { 1.0 } else { opacity.clamp(0.0, 1.0) };
            let blank = Layer::new(document.fresh_id(), name, kind, size);
            let ink = frame.map_or_else(|| blank.ink.clone(), |frame| tiled(&frame, at, size));
            document.stack.layers.push(Layer { visible, opacity, ink, ..blank });
        }
        let is_ink = |layer: &&Layer| layer.kind == LayerKind::Ink;
        if !document.stack.layers.iter().any(|layer| is_ink(&layer)) {
            document.stack.layers.extend(empty);
        }
        let layers = &document.stack.layers;
        let chosen = active.and_then(|place| layers.get(place));
        let active = chosen.or_else(|| layers.iter().rev().find(is_ink)).map(Layer::id);
        document.stack.active = active.unwrap_or(LayerId(1));
        document
    }

    /// True when more than one layer has something on it, visible or not: a flat picture is less than the drawing.
    pub fn is_layered(&self) -> bool {
        self.layers().iter().filter(|layer| !layer.is_blank()).count() > 1
    }
}

impl Layer {
    /// The layer as plain values.
    pub fn plain(&self) -> PlainLayer {
        let (frame, at) = self.part().map_or((None, (0, 0)), |(frame, at)| (Some(frame), at));
        PlainLayer { name: self.name.clone(), kind: self.kind, visible: self.visible, opacity: self.opacity, frame, at }
    }

    /// The smallest rectangle of whole tiles with all that is on it, and where that begins.
    fn part(&self) -> Option<(Frame, (u32, u32))> {
        let shape = self.ink.shape();
        let whole = self.ink.present().map(|index| shape.rect(index)).reduce(|a, b| {
            let (x, y) = (a.x.min(b.x), a.y.min(b.y));
            PixelRect::new(x, y, a.right().max(b.right()) - x, a.bottom().max(b.bottom()) - y)
        })?;
        let mut frame = Frame::filled(Size::new(whole.width, whole.height), [0; 4]);
        let (pixels, _) = frame.pixels_mut().as_chunks_mut::<4>();
        for index in self.ink.present() {
            let (rect, Some(tile)) = (shape.rect(index), self.ink.get(index)) else { continue };
            for y in rect.y..rect.bottom() {
                let to = &mut pixels[((y - whole.y) * whole.width + rect.x - whole.x) as usize..];
                let from = &tile[((y - rect.y) * TILE) as usize..][..rect.width as usize];
                for (to, &pixel) in to.iter_mut().zip(from) {
                    *to = straight(pixel);
                }
            }
        }
        Some((frame, (whole.x, whole.y)))
    }
}
