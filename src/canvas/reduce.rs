//! Area averages in exact integers: each output pixel depends on its own window alone, so a part computed later equals
//! the same part computed at once.

use std::ops::Range;

use super::PixelRect;
use super::blend::straight;
use crate::frame::Size;

/// From which size to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// The source.
    pub from: Size,
    /// The result.
    pub to: Size,
}

impl Scale {
    /// The result pixels that depend on the source pixels of `rect`.
    pub fn reached(self, rect: PixelRect) -> PixelRect {
        let across = spread(rect.x..rect.right(), self.from.width, self.to.width);
        let down = spread(rect.y..rect.bottom(), self.from.height, self.to.height);
        PixelRect::new(across.start, down.start, across.end - across.start, down.end - down.start)
    }

    /// The source pixels that the result pixels of `rect` depend on.
    pub fn needed(self, rect: PixelRect) -> PixelRect {
        Self { from: self.to, to: self.from }.reached(rect)
    }

    /// Averages `pixels` (those of `source`, premultiplied) into the part `target` of a picture of size `to`, straight
    /// alpha. `source` must hold `needed(target)`.
    pub fn average(self, source: PixelRect, pixels: &[[u8; 4]], target: PixelRect, picture: &mut [[u8; 4]]) {
        let columns: Vec<Vec<(usize, u32)>> =
            (target.x..target.right()).map(|x| shares(x, self.to.width, self.from.width, source.x)).collect();
        let total = self.from.area() as u64;
        let mut sums = vec![[0_u64; 4]; columns.len()];
        for y in target.y..target.bottom() {
            sums.fill([0; 4]);
            for (row, weight) in shares(y, self.to.height, self.from.height, source.y) {
                let pixels = &pixels[row * source.width as usize..][..source.width as usize];
                for (sum, column) in sums.iter_mut().zip(&columns) {
                    add_row(sum, column, pixels, weight);
                }
            }
            let at = y as usize * self.to.width as usize + target.x as usize;
            for (out, sum) in picture[at..].iter_mut().zip(&sums) {
                *out = straight(sum.map(|sum| ((sum + total / 2) / total) as u8));
            }
        }
    }
}

/// Adds one row's share of one result pixel.
#[inline]
fn add_row(sum: &mut [u64; 4], column: &[(usize, u32)], pixels: &[[u8; 4]], weight: u32) {
    // Shares add up to the source's width, so this holds pictures of 16 million pixels a row.
    let mut row = [0_u32; 4];
    for &(x, share) in column {
        for c in 0..4 {
            row[c] += u32::from(pixels[x][c]) * share;
        }
    }
    for c in 0..4 {
        sum[c] += u64::from(row[c]) * u64::from(weight);
    }
}

/// Where a range of pixels of a row of `from` lies in a row of `to`, touched pixels included.
fn spread(range: Range<u32>, from: u32, to: u32) -> Range<u32> {
    let (from, to) = (u64::from(from.max(1)), u64::from(to));
    let start = u64::from(range.start) * to / from;
    let end = (u64::from(range.end) * to).div_ceil(from).min(to);
    start as u32..end.max(start) as u32
}

/// The source pixels (counted from `first`) under result pixel `at`, with the overlap in 1/`to` of a source pixel.
fn shares(at: u32, to: u32, from: u32, first: u32) -> Vec<(usize, u32)> {
    let (at, wide, unit) = (u64::from(at), u64::from(from), u64::from(to));
    let (left, right) = (at * wide, (at + 1) * wide);
    (left / unit..right.div_ceil(unit))
        .map(|x| {
            let overlap = right.min((x + 1) * unit) - left.max(x * unit);
            ((x - u64::from(first)) as usize, overlap as u32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_area_keeps_its_colour_at_any_scale() {
        for (from, to) in [((7, 5), (3, 2)), ((64, 64), (21, 64)), ((3, 3), (10, 7)), ((1, 1), (5, 5))] {
            let scale = Scale { from: Size::new(from.0, from.1), to: Size::new(to.0, to.1) };
            let source = vec![[40, 30, 20, 200]; scale.from.area()];
            let mut out = vec![[0; 4]; scale.to.area()];
            scale.average(PixelRect::whole(scale.from), &source, PixelRect::whole(scale.to), &mut out);
            assert!(out.iter().all(|&pixel| pixel == straight([40, 30, 20, 200])), "{from:?} {to:?}");
        }
    }

    #[test]
    fn halves_are_means() {
        let scale = Scale { from: Size::new(4, 2), to: Size::new(2, 1) };
        let source = [10_u8, 20, 100, 100, 30, 40, 100, 104].map(|v| [v, v, v, 255]);
        let mut out = vec![[0; 4]; 2];
        scale.average(PixelRect::whole(scale.from), &source, PixelRect::whole(scale.to), &mut out);
        assert_eq!(out, [[25, 25, 25, 255], [101, 101, 101, 255]]);
    }

    #[test]
    fn reached_and_needed_hold_each_other() {
        for (from, to) in [(768, 256), (513, 256), (100, 333), (2048, 1)] {
            let scale = Scale { from: Size::square(from), to: Size::square(to) };
            for x in (0..from - 3).step_by(7) {
                let rect = PixelRect::new(x, 0, 3, from);
                let reached = scale.reached(rect);
                assert_eq!(scale.needed(reached).intersection(rect), rect);
                assert!(reached.right() <= to && !reached.is_empty());
            }
        }
    }
}
