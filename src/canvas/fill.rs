//! Flood fill: the region that looks alike, and an edge that fits under what bounds it.

use std::sync::Arc;

use super::Layer;
use super::blend::{faded, mul, over, painted, premultiplied, straight};
use super::edit::{Edit, Stack};
use super::tile::{Grid, InkTile, NO_INK, TILE};
use crate::frame::Size;

/// How far the fill creeps along the slope of a soft edge, in pixels.
const CREEP_PX: usize = 512;
/// Channels of ink this close, at full alpha, are the same ink.
const SAME_INK: u32 = 24;

/// What to fill with, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    /// Where to begin, in whole pixels on the canvas.
    pub seed: (u32, u32),
    /// The new colour.
    pub colour: [u8; 3],
    /// How much each channel may differ from the seed's.
    pub tolerance: u8,
}

impl Fill {
    /// The edit that fills the active layer, given what the whole canvas looks like; none when nothing would change.
    pub fn edit(self, stack: &Stack, look: &[[u8; 4]]) -> Option<Edit> {
        let layer = stack.layer(stack.active)?;
        let size = stack.shape.size;
        let seed = self.seed.1 as usize * size.width as usize + self.seed.0 as usize;
        let region = region(look, size, seed, self.tolerance);
        let seed_ink = get(&layer.ink, size, seed);
        let job = Job { fill: self, stack, layer, look, size, seed, seed_look: look[seed], seed_ink };
        let mut ink = layer.ink.clone();
        for (at, _) in region.iter().enumerate().filter(|(_, inside)| **inside) {
            let old = get(&layer.ink, size, at);
            set(&mut ink, size, at, if job.is_same_ink(old) { job.tinted(old) } else { job.solid() });
        }
        job.paint_edge(region, &mut ink);
        changes(layer, &ink)
    }
}

/// The tiles in which `ink` differs from the layer's.
fn changes(layer: &Layer, ink: &Grid<InkTile>) -> Option<Edit> {
    let mut tiles = Vec::new();
    for index in 0..ink.shape().count() {
        let (new, old) = (ink.get(index), layer.ink.get(index));
        let same = match (new, old) {
            (Some(new), Some(old)) => Arc::ptr_eq(new, old) || new == old,
            (None, None) => true,
            _ => false,
        };
        if !same {
            tiles.push((index, new.cloned()));
        }
    }
    (!tiles.is_empty()).then_some(Edit::Tiles { layer: layer.id, tiles })
}

/// The largest difference of a channel.
fn difference(a: [u8; 4], b: [u8; 4]) -> u8 {
    (0..4).map(|c| a[c].abs_diff(b[c])).max().unwrap_or(0)
}

/// The pixels joined to `seed`, side by side, that look like it.
fn region(look: &[[u8; 4]], size: Size, seed: usize, tolerance: u8) -> Vec<bool> {
    let (width, height) = (size.width as usize, size.height as usize);
    let alike = |at: usize| difference(look[at], look[seed]) <= tolerance;
    let mut inside = vec![false; look.len()];
    let mut open = vec![seed];
    while let Some(at) = open.pop() {
        if inside[at] {
            continue;
        }
        let row = at / width * width;
        let mut left = at;
        while left > row && alike(left - 1) && !inside[left - 1] {
            left -= 1;
        }
        let mut right = at + 1;
        while right < row + width && alike(right) && !inside[right] {
            right += 1;
        }
        inside[left..right].fill(true);
        let above = (row > 0).then(|| left - width..right - width);
        let below = (row + width < width * height).then(|| left + width..right + width);
        for span in above.into_iter().chain(below) {
            let mut joined = false;
            for at in span {
                let fits = !inside[at] && alike(at);
                if fits && !joined {
                    open.push(at);
                }
                joined = fits;
            }
        }
    }
    inside
}

/// A fill being worked out.
struct Job<'a> {
    fill: Fill,
    stack: &'a Stack,
    layer: &'a Layer,
    look: &'a [[u8; 4]],
    size: Size,
    /// Where the seed is.
    seed: usize,
    /// What it looks like.
    seed_look: [u8; 4],
    /// The layer's own ink there.
    seed_ink: [u8; 4],
}

impl Job<'_> {
    /// Goes on from the region's rim up the slope of the layer's alpha (under another stroke) or down (along the side of
    /// the ink being recoloured), so that no light line stays between fill and stroke.
    fn paint_edge(&self, mut reached: Vec<bool>, ink: &mut Grid<InkTile>) {
        let mut front = self.rim(&reached);
        let seed_below = self.below(self.seed);
        for _ in 0..CREEP_PX {
            for &at in &front {
                reached[at] = true;
            }
            let mut next = Vec::new();
            for &at in &front {
                let old = get(&self.layer.ink, self.size, at);
                let same = self.is_same_ink(old);
                set(ink, self.size, at, if same { self.tinted(old) } else { self.behind(at, old) });
                if old[3] == 255 && !same {
                    continue;
                }
                let cover = if old[3] == 0 { self.cover(at) } else { 0 };
                for near in self.around(at, 4) {
                    let slope = get(&self.layer.ink, self.size, near)[3];
                    let goes_on = match (old[3], same) {
                        // Under the edge of a stroke on another layer, which lies over this one, and not over a boundary below.
                        (0, _) => slope == 0 && self.cover(near) > cover && self.is_same_below(near, seed_below),
                        (_, true) => slope > 0 && slope < old[3],
                        (_, false) => slope > old[3],
                    };
                    if !reached[near] && goes_on {
                        reached[near] = true;
                        next.push(near);
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            front = next;
        }
    }

    /// The pixels beside the region, corners included.
    fn rim(&self, inside: &[bool]) -> Vec<usize> {
        let width = self.size.width as usize;
        let mut rim = Vec::new();
        for (row, pixels) in inside.chunks(width).enumerate() {
            let from = row * width;
            let others = [row.checked_sub(1), Some(row), Some(row + 1)];
            let rows = others.map(|row| row.and_then(|row| inside.get(row * width..(row + 1) * width)).unwrap_or(&[]));
            if rows.iter().all(|row| !row.contains(&true)) || rows.iter().all(|row| !row.contains(&false)) {
                continue;
            }
            for x in (0..width).filter(|&x| !pixels[x]) {
                if self.around(from + x, 8).any(|near| inside[near]) {
                    rim.push(from + x);
                }
            }
        }
        rim
    }

    /// True when a pixel of the layer is of the ink that the seed is of, be it thinner. Compared at the pixel's own alpha,
    /// because thin ink has few steps left to tell colours apart.
    fn is_same_ink(&self, old: [u8; 4]) -> bool {
        if self.seed_ink[3] == 0 || old[3] == 0 {
            return false;
        }
        let (full, alpha) = (straight(self.seed_ink), u32::from(old[3]));
        let limit = mul(SAME_INK, alpha) + 2;
        (0..3).all(|c| u32::from(old[c]).abs_diff(mul(u32::from(full[c]), alpha)) <= limit)
    }

    /// The new colour, opaque.
    fn solid(&self) -> [u8; 4] {
        let [red, green, blue] = self.fill.colour;
        [red, green, blue, 255]
    }

    /// The ink in the new colour: as thin as it was, relative to the seed.
    fn tinted(&self, old: [u8; 4]) -> [u8; 4] {
        let [red, green, blue] = self.fill.colour;
        let (alpha, full) = (u32::from(old[3]), u32::from(self.seed_ink[3].max(1)));
        premultiplied([red, green, blue, (alpha * 255 / full).min(255) as u8])
    }

    /// The new colour under the ink that is there. Where the layer itself has none, or nothing but, the edge is that of
    /// another layer or of older paint: then as much as the pixel still looks like the region.
    fn behind(&self, at: usize, old: [u8; 4]) -> [u8; 4] {
        if (1..255).contains(&old[3]) || (old[3] == 0 && self.cover(at) > 0) {
            return over(self.solid(), old);
        }
        let tolerance = u32::from(self.fill.tolerance);
        let off = u32::from(difference(self.look[at], self.seed_look)).saturating_sub(tolerance);
        painted(old, self.fill.colour, 65535 - off * 65535 / (256 - tolerance))
    }

    /// What the layers up to the one that is filled look like, without a background.
    fn below(&self, at: usize) -> [u8; 4] {
        let place = self.stack.place(self.layer.id).unwrap_or(0);
        let shown = self.stack.layers[..=place].iter().filter(|layer| layer.shows());
        shown.fold([0; 4], |under, layer| {
            let opacity = (layer.opacity * 255.0).round() as u32;
            over(under, faded(get(&layer.ink, self.size, at), opacity))
        })
    }

    fn is_same_below(&self, at: usize, seed: [u8; 4]) -> bool {
        difference(self.below(at), seed) <= self.fill.tolerance
    }

    /// How much of this pixel the visible layers above cover.
    fn cover(&self, at: usize) -> u8 {
        let above = self.stack.layers.iter().rev().take_while(|layer| layer.id != self.layer.id);
        let shows = above.filter(|layer| layer.shows());
        let left = shows.fold(255, |left, layer| {
            let alpha = f32::from(get(&layer.ink, self.size, at)[3]) * layer.opacity;
            mul(left, 255 - alpha.round() as u32)
        });
        255 - left as u8
    }

    /// The first four (sides) or eight (and corners) neighbours of a pixel.
    fn around(&self, at: usize, count: usize) -> impl Iterator<Item = usize> + use<> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (x, y) = (at % width, at / width);
        let steps = [(0, 1), (1, 0), (1, 2), (2, 1), (0, 0), (2, 0), (0, 2), (2, 2)];
        steps.into_iter().take(count).filter_map(move |(dx, dy)| {
            let (x, y) = ((x + dx).checked_sub(1)?, (y + dy).checked_sub(1)?);
            (x < width && y < height).then_some(y * width + x)
        })
    }
}

/// Where pixel `at` of the canvas lies: its tile and its place there.
fn place(size: Size, at: usize) -> (usize, usize) {
    let (width, tile) = (size.width as usize, TILE as usize);
    let (x, y) = (at % width, at / width);
    (y / tile * width.div_ceil(tile) + x / tile, y % tile * tile + x % tile)
}

fn get(ink: &Grid<InkTile>, size: Size, at: usize) -> [u8; 4] {
    let (tile, pixel) = place(size, at);
    ink.get(tile).map_or([0; 4], |tile| tile[pixel])
}

fn set(ink: &mut Grid<InkTile>, size: Size, at: usize, value: [u8; 4]) {
    let (tile, pixel) = place(size, at);
    if get(ink, size, at) != value {
        ink.get_mut(tile, &NO_INK)[pixel] = value;
    }
}
