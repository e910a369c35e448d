//! A stroke while it is drawn: samples in, coverage out, shown before it is part of a layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::blend::{erased, painted};
use super::dirty::Dirty;
use super::path::{Node, Path, Piece};
use super::sweep::sweep;
use super::tile::{Grid, InkTile, MaskTile, NO_INK};
use super::width::WidthMeter;
use super::{Brush, LayerId, StrokePoint, StrokeRecord};
use crate::frame::Size;

/// Places further out are drawn as if they were here, in pixels; keeps all sums finite and exact enough.
const FAR_PX: f32 = 16384.0;

/// A stroke in progress.
#[derive(Clone, Debug)]
pub(super) struct Stroke {
    record: StrokeRecord,
    width: WidthMeter,
    path: Path,
    mask: Grid<MaskTile>,
    /// What the mask was before the line's provisional end was drawn.
    without_tail: BTreeMap<usize, Option<Arc<MaskTile>>>,
}

impl Stroke {
    /// A stroke with nothing drawn yet.
    pub fn new(layer: LayerId, brush: Brush, size: Size) -> Self {
        let brush = brush.tamed();
        Self {
            width: WidthMeter::new(&brush, size.longer_side()),
            record: StrokeRecord { layer, brush, points: Vec::new() },
            path: Path::default(),
            mask: Grid::new(size),
            without_tail: BTreeMap::new(),
        }
    }

    /// The layer it is drawn on.
    pub fn layer(&self) -> LayerId {
        self.record.layer
    }

    /// The brush it is drawn with.
    pub fn brush(&self) -> &Brush {
        &self.record.brush
    }

    /// Adds a sample and marks the tiles whose look changes.
    pub fn add(&mut self, point: StrokePoint, dirty: &mut Dirty) {
        if !point.is_sound() {
            return;
        }
        self.record.points.push(point);
        let (x, y) = (point.x.clamp(-FAR_PX, FAR_PX), point.y.clamp(-FAR_PX, FAR_PX));
        let radius = self.width.radius_px(StrokePoint { x, y, ..point });
        if self.record.points.len() == 2 && point.pressure.is_none() {
            self.path.begin_with(radius);
        }
        let growth = self.path.add(Node { x, y, radius });
        for (index, tile) in std::mem::take(&mut self.without_tail) {
            self.mask.replace(index, tile);
            dirty.mark(index);
        }
        for piece in growth.solid {
            sweep(&mut self.mask, piece, self.record.brush.hardness, |index| dirty.mark(index));
        }
        self.draw_tail(&growth.tail, dirty);
    }

    /// Draws the provisional end; sharing makes keeping the old tiles free until they are changed.
    fn draw_tail(&mut self, tail: &[Piece], dirty: &mut Dirty) {
        let before = self.mask.clone();
        for &piece in tail {
            sweep(&mut self.mask, piece, self.record.brush.hardness, |index| {
                dirty.mark(index);
                self.without_tail.insert(index, before.get(index).cloned());
            });
        }
    }

    /// The coverage of tile `index`, if there is any.
    pub fn mask(&self, index: usize) -> Option<&MaskTile> {
        self.mask.get(index).map(Arc::as_ref)
    }

    /// The tiles it covers.
    pub fn tiles(&self) -> impl Iterator<Item = usize> + '_ {
        self.mask.present()
    }

    /// What it makes of a whole tile of its layer.
    pub fn applied(&self, index: usize, under: Option<&InkTile>) -> InkTile {
        let mut tile = under.copied().unwrap_or(NO_INK);
        let Some(mask) = self.mask(index) else { return tile };
        let ink = Ink::of(self.brush());
        for (pixel, &coverage) in tile.iter_mut().zip(mask) {
            *pixel = ink.on(*pixel, coverage);
        }
        tile
    }

    /// What is kept of it when it is done.
    pub fn into_record(self) -> StrokeRecord {
        self.record
    }
}

/// What a brush does to one pixel.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    colour: [u8; 3],
    erase: bool,
    opacity: u32,
}

impl Ink {
    /// The ink of a tamed brush.
    pub fn of(brush: &Brush) -> Self {
        Self { colour: brush.colour, erase: brush.erase, opacity: (brush.opacity * 65535.0).round() as u32 }
    }

    /// A premultiplied pixel after this ink with `coverage`: opacity applies here, once for the whole stroke.
    #[inline]
    pub fn on(self, pixel: [u8; 4], coverage: u16) -> [u8; 4] {
        if coverage == 0 {
            return pixel;
        }
        let alpha = (u32::from(coverage) * self.opacity + 32767) / 65535;
        if self.erase { erased(pixel, alpha) } else { painted(pixel, self.colour, alpha) }
    }
}
