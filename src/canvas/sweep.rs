//! A round tip swept along a straight piece, into a coverage mask. Knows no colours.
//!
//! Instead of many dabs at a spacing, the exact distance to the piece decides: no scallops at any spacing, and the
//! cost is that of one dab. Overlaps take the maximum, so joints and crossings leave no marks.

use std::sync::Arc;

use super::PixelRect;
use super::path::{Node, Piece};
use super::tile::{Grid, MaskTile, NO_MASK, TILE};

/// Half the diagonal of a tile, in pixels, rounded up.
const HALF_DIAGONAL_PX: f32 = 45.3;
/// Pixels looked at together.
const RUN: usize = 16;

/// Sweeps a tip of `hardness` (0 to 1) along `piece`; calls `touched` with each tile that changed.
pub(super) fn sweep(mask: &mut Grid<MaskTile>, piece: Piece, hardness: f32, mut touched: impl FnMut(usize)) {
    let shape = mask.shape();
    let tip = Tip::new(piece, hardness);
    let Some(bounds) = bounds(piece) else { return };
    for index in shape.touching(bounds) {
        let rect = shape.rect(index);
        let half = TILE as f32 / 2.0;
        let (distance, _) = tip.distance(rect.x as f32 + half, rect.y as f32 + half);
        if distance > tip.widest() + HALF_DIAGONAL_PX {
            continue;
        }
        let part = rect.intersection(bounds);
        let changed = if mask.get(index).is_some() {
            tip.stamp(mask.get_mut(index, &NO_MASK), rect, part)
        } else {
            let mut tile = NO_MASK;
            let changed = tip.stamp(&mut tile, rect, part);
            if changed {
                mask.replace(index, Some(Arc::new(tile)));
            }
            changed
        };
        if changed {
            touched(index);
        }
    }
}

/// The pixels a piece can touch, cut at the left and top edge of the canvas; none where it lies outside these.
fn bounds([from, to]: Piece) -> Option<PixelRect> {
    let reach = from.radius.max(to.radius) + 1.0;
    let (left, top) = (from.x.min(to.x) - reach, from.y.min(to.y) - reach);
    let (right, bottom) = (from.x.max(to.x) + reach, from.y.max(to.y) + reach);
    if !(right > 0.0 && bottom > 0.0) {
        return None;
    }
    let (x, y) = (left.max(0.0) as u32, top.max(0.0) as u32);
    Some(PixelRect::new(x, y, (right as u32).saturating_sub(x) + 1, (bottom as u32).saturating_sub(y) + 1))
}

/// A piece prepared for many distances.
struct Tip {
    from: Node,
    dx: f32,
    dy: f32,
    per_length2: f32,
    radius_change: f32,
    hardness: f32,
}

impl Tip {
    fn new([from, to]: Piece, hardness: f32) -> Self {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length2 = dx * dx + dy * dy;
        let per_length2 = if length2 > 1e-6 { 1.0 / length2 } else { 0.0 };
        // A dot takes the wider end.
        let from = if per_length2 == 0.0 { Node { radius: from.radius.max(to.radius), ..from } } else { from };
        let radius_change = if per_length2 == 0.0 { 0.0 } else { to.radius - from.radius };
        Self { from, dx, dy, per_length2, radius_change, hardness }
    }

    /// Where coverage ends at the wider end, in pixels from the piece.
    fn widest(&self) -> f32 {
        self.from.radius + self.radius_change.max(0.0) + 0.5
    }

    /// How far (`x`, `y`) is from the piece, and the radius there.
    #[inline]
    fn distance(&self, x: f32, y: f32) -> (f32, f32) {
        let (px, py) = (x - self.from.x, y - self.from.y);
        let t = ((px * self.dx + py * self.dy) * self.per_length2).clamp(0.0, 1.0);
        let (ex, ey) = (px - t * self.dx, py - t * self.dy);
        ((ex * ex + ey * ey).sqrt(), self.from.radius + t * self.radius_change)
    }

    /// Coverage at (`x`, `y`), 0 to 1: full inside, then a ramp of at least one pixel (that is the anti-aliasing).
    #[inline]
    fn coverage(&self, x: f32, y: f32) -> f32 {
        let (distance, radius) = self.distance(x, y);
        let inner = (radius * self.hardness).min(radius - 0.5);
        let ramp = radius + 0.5 - inner;
        let u = ((radius + 0.5 - distance) / ramp).clamp(0.0, 1.0);
        // Straight for a crisp edge, rounded off for a soft one.
        let soft = ((ramp - 1.0) * 0.25).min(1.0);
        u + soft * (u * u * (3.0 - 2.0 * u) - u)
    }

    /// Raises the pixels `part` of the tile at `rect` to the tip's coverage; true when one changed.
    fn stamp(&self, tile: &mut MaskTile, rect: PixelRect, part: PixelRect) -> bool {
        let mut changed = 0_u16;
        let columns = (part.x - rect.x) as usize..(part.right() - rect.x) as usize;
        for y in part.y..part.bottom() {
            let row = ((y - rect.y) * TILE) as usize;
            let pixels = &mut tile[row + columns.start..row + columns.end];
            let (left, y) = (part.x as f32 + 0.5, y as f32 + 0.5);
            for (run, pixels) in pixels.chunks_mut(RUN).enumerate() {
                // Most of what a wide tip covers, it covered a moment ago.
                if pixels.iter().all(|&pixel| pixel == u16::MAX) {
                    continue;
                }
                for (column, pixel) in pixels.iter_mut().enumerate() {
                    let x = left + (run * RUN + column) as f32;
                    let raised = ((self.coverage(x, y) * 65535.0 + 0.5) as i32 as u16).max(*pixel);
                    changed |= raised ^ *pixel;
                    *pixel = raised;
                }
            }
        }
        changed != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn swept(pieces: &[Piece], hardness: f32) -> Grid<MaskTile> {
        let mut mask = Grid::new(Size::new(200, 150));
        for &piece in pieces {
            sweep(&mut mask, piece, hardness, |_| {});
        }
        mask
    }

    fn at(mask: &Grid<MaskTile>, x: usize, y: usize) -> u16 {
        let side = TILE as usize;
        mask.get(y / side * mask.shape().columns + x / side).map_or(0, |tile| tile[y % side * side + x % side])
    }

    fn node(x: f32, y: f32, radius: f32) -> Node {
        Node { x, y, radius }
    }

    #[test]
    fn the_area_of_a_dot_is_that_of_a_circle() {
        for radius in [0.5_f32, 1.0, 3.3, 12.0, 40.0] {
            let dot = node(100.3, 75.6, radius);
            let mask = swept(&[[dot, dot]], 1.0);
            let sum: f64 =
                mask.present().flat_map(|i| mask.get(i).unwrap().iter()).map(|&v| f64::from(v) / 65535.0).sum();
            let area = f64::from(radius * radius) * std::f64::consts::PI;
            assert!((sum - area).abs() < 0.02 * area + 0.35, "radius {radius}: {sum} against {area}");
        }
    }

    #[test]
    fn a_line_in_parts_is_the_line() {
        let (a, b) = (node(20.0, 30.0, 8.0), node(170.0, 110.0, 8.0));
        let parts: Vec<Piece> =
            (0..10_u8).map(|i| [a.between(b, f32::from(i) / 10.0), a.between(b, f32::from(i + 1) / 10.0)]).collect();
        let (whole, parts) = (swept(&[[a, b]], 0.5), swept(&parts, 0.5));
        for y in 0..150 {
            for x in 0..200 {
                assert!(at(&whole, x, y).abs_diff(at(&parts, x, y)) < 64, "{x} {y}");
            }
        }
    }

    #[test]
    fn soft_is_soft_and_hard_is_hard() {
        let dot = node(100.0, 75.0, 40.0);
        let (soft, hard) = (swept(&[[dot, dot]], 0.0), swept(&[[dot, dot]], 1.0));
        assert_eq!(at(&hard, 130, 75), 65535);
        let half = at(&soft, 120, 75);
        assert!((26000..40000).contains(&half), "{half}");
        assert_eq!((at(&soft, 145, 75), at(&hard, 145, 75)), (0, 0));
    }

    #[test]
    fn only_tiles_with_ink_exist() {
        let mask = swept(&[[node(32.0, 32.0, 5.0), node(33.0, 32.0, 5.0)]], 1.0);
        assert_eq!(mask.present().collect::<Vec<_>>(), [0]);
        assert_eq!(swept(&[[node(-400.0, 5.0, 9.0), node(-20.0, 5.0, 9.0)]], 1.0).present().count(), 0);
        assert_eq!(swept(&[[node(16000.0, 5.0, 512.0), node(16000.0, 16000.0, 512.0)]], 1.0).present().count(), 0);
    }
}
