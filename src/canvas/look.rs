//! What the layers look like together. Knows how pixels stack, not why they changed.

use super::blend::{faded, over};
use super::edit::Stack;
use super::stroke::{Ink, Stroke};
use super::tile::{InkTile, MaskTile, TILE};
use super::{Layer, PixelRect};

/// What lies under the layers when they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backdrop {
    /// The document's background colour: the result is opaque.
    Document,
    /// Nothing: the result has the layers' own transparency.
    Transparent,
}

/// The layers and the stroke being drawn on one of them.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// The layers.
    pub stack: &'a Stack,
    /// The stroke in progress.
    pub stroke: Option<&'a Stroke>,
}

/// One layer's share of one tile.
struct Sheet<'a> {
    tile: Option<&'a InkTile>,
    mask: Option<(&'a MaskTile, Ink)>,
    opacity: u32,
}

impl<'a> Look<'a> {
    /// Writes the pixels of `rect`, which lies on the canvas, by rows into `out`; premultiplied.
    pub fn write(self, rect: PixelRect, backdrop: Backdrop, out: &mut [[u8; 4]]) {
        let [red, green, blue] = self.stack.background;
        let base = match backdrop {
            Backdrop::Document => [red, green, blue, 255],
            Backdrop::Transparent => [0; 4],
        };
        out.fill(base);
        for index in self.stack.shape.touching(rect) {
            let tile = self.stack.shape.rect(index);
            let part = tile.intersection(rect);
            for sheet in self.sheets(index) {
                for y in part.y..part.bottom() {
                    let at = (y - rect.y) as usize * rect.width as usize + (part.x - rect.x) as usize;
                    let from = ((y - tile.y) * TILE + part.x - tile.x) as usize;
                    sheet.write(from, &mut out[at..at + part.width as usize]);
                }
            }
        }
    }

    /// The pixels of `rect`, premultiplied.
    pub fn pixels(self, rect: PixelRect, backdrop: Backdrop) -> Vec<[u8; 4]> {
        let mut pixels = vec![[0; 4]; rect.area()];
        self.write(rect, backdrop, &mut pixels);
        pixels
    }

    /// What there is to see on tile `index`, from bottom to top.
    fn sheets(self, index: usize) -> impl Iterator<Item = Sheet<'a>> {
        self.stack.layers.iter().filter(|layer| layer.visible).filter_map(move |layer| self.sheet(layer, index))
    }

    fn sheet(self, layer: &'a Layer, index: usize) -> Option<Sheet<'a>> {
        let tile = layer.ink.get(index).map(AsRef::as_ref);
        let stroke = self.stroke.filter(|stroke| stroke.layer() == layer.id);
        let mask = stroke.and_then(|stroke| Some((stroke.mask(index)?, Ink::of(stroke.brush()))));
        let opacity = layer.opacity_255();
        (opacity > 0 && (tile.is_some() || mask.is_some())).then_some(Sheet { tile, mask, opacity })
    }
}

impl Sheet<'_> {
    /// Lays the pixels from `from` on over `out`.
    fn write(&self, from: usize, out: &mut [[u8; 4]]) {
        let range = from..from + out.len();
        match (self.tile, self.mask) {
            (Some(tile), None) => {
                for (under, &pixel) in out.iter_mut().zip(&tile[range]) {
                    self.lay(under, pixel);
                }
            }
            (tile, Some((mask, ink))) => {
                for (under, at) in out.iter_mut().zip(range) {
                    self.lay(under, ink.on(tile.map_or([0; 4], |tile| tile[at]), mask[at]));
                }
            }
            (None, None) => {}
        }
    }

    #[inline]
    fn lay(&self, under: &mut [u8; 4], pixel: [u8; 4]) {
        if pixel[3] == 0 {
            return;
        }
        *under = match (self.opacity, pixel[3]) {
            (255, 255) => pixel,
            (255, _) => over(*under, pixel),
            _ => over(*under, faded(pixel, self.opacity)),
        };
    }
}
