//! Flood fill: the region that looks alike, and an edge that fits under what bounds it.

use std::sync::Arc;

use super::Layer;
use super::blend::{over, painted, premultiplied, straight};
use super::edit::{Edit, Stack};
use super::tile::{Grid, InkTile, NO_INK, TILE};
use crate::frame::Size;

/// How far the fill creeps under a soft edge, in pixels.
const CREEP_PX: usize = 96;
/// Colours of ink this close belong to the same stroke; thin ink has few steps to tell them apart.
const SAME_INK: u8 = 24;

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
        let region = region(look, size, self.seed, self.tolerance);
        let mut ink = layer.ink.clone();
        for (at, _) in region.iter().enumerate().filter(|(_, inside)| **inside) {
            set(&mut ink, size, at, [self.colour[0], self.colour[1], self.colour[2], 255]);
        }
        Edge { fill: self, stack, layer, look, size }.paint(region, &mut ink);
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
    (0..3).map(|c| a[c].abs_diff(b[c])).max().unwrap_or(0)
}

/// The pixels joined to `seed`, side by side, that look like it.
fn region(look: &[[u8; 4]], size: Size, seed: (u32, u32), tolerance: u8) -> Vec<bool> {
    let (width, height) = (size.width as usize, size.height as usize);
    let first = seed.1 as usize * width + seed.0 as usize;
    let alike = |at: usize| difference(look[at], look[first]) <= tolerance;
    let mut inside = vec![false; look.len()];
    let mut open = vec![first];
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

/// The rim of a region: pixels that a stroke's anti-aliased or soft side covers in part.
struct Edge<'a> {
    fill: Fill,
    stack: &'a Stack,
    layer: &'a Layer,
    look: &'a [[u8; 4]],
    size: Size,
}

impl Edge<'_> {
    /// Goes on from the region's rim up (under another stroke) or down (along the side of the ink being recoloured) the
    /// slope of the layer's alpha, so that no light line stays between fill and stroke.
    fn paint(&self, mut reached: Vec<bool>, ink: &mut Grid<InkTile>) {
        let mut front: Vec<usize> = Vec::new();
        for at in 0..reached.len() {
            if !reached[at] && self.around(at, true).any(|near| reached[near]) {
                front.push(at);
            }
        }
        let seed = self.fill.seed.1 as usize * self.size.width as usize + self.fill.seed.0 as usize;
        let seed = get(&self.layer.ink, self.size, seed);
        for &at in &front {
            reached[at] = true;
        }
        for _ in 0..CREEP_PX {
            let mut next = Vec::new();
            for &at in &front {
                let old = get(&self.layer.ink, self.size, at);
                let recoloured = seed[3] > 0 && old[3] > 0 && difference(straight(old), straight(seed)) <= SAME_INK;
                set(ink, self.size, at, if recoloured { self.tinted(old) } else { self.behind(at, old) });
                if old[3] == 0 || (old[3] == 255 && !recoloured) {
                    continue;
                }
                for near in self.around(at, false) {
                    let slope = get(&self.layer.ink, self.size, near)[3];
                    if !reached[near] && slope > 0 && if recoloured { slope < old[3] } else { slope > old[3] } {
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

    /// The ink's own transparency in the new colour.
    fn tinted(&self, old: [u8; 4]) -> [u8; 4] {
        let [red, green, blue] = self.fill.colour;
        premultiplied([red, green, blue, old[3]])
    }

    /// The new colour under the ink that is there. Where the layer itself has none, or nothing but, the edge is that of
    /// another layer or of older paint: then as much as the pixel still looks like the region.
    fn behind(&self, at: usize, old: [u8; 4]) -> [u8; 4] {
        let [red, green, blue] = self.fill.colour;
        if (1..255).contains(&old[3]) || (old[3] == 0 && self.is_covered(at)) {
            return over([red, green, blue, 255], old);
        }
        let seed = self.fill.seed.1 as usize * self.size.width as usize + self.fill.seed.0 as usize;
        let tolerance = u32::from(self.fill.tolerance);
        let off = u32::from(difference(self.look[at], self.look[seed])).saturating_sub(tolerance);
        let share = 65535 - off * 65535 / (256 - tolerance);
        painted(old, self.fill.colour, share)
    }

    /// True when a visible layer above has ink on this pixel.
    fn is_covered(&self, at: usize) -> bool {
        let above = self.stack.layers.iter().rev().take_while(|layer| layer.id != self.layer.id);
        above.filter(|layer| layer.visible).any(|layer| get(&layer.ink, self.size, at)[3] > 0)
    }

    /// The four neighbours of a pixel, or all eight.
    fn around(&self, at: usize, corners: bool) -> impl Iterator<Item = usize> + use<> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (x, y) = (at % width, at / width);
        let steps = [(0, 1), (1, 0), (1, 2), (2, 1), (0, 0), (2, 0), (0, 2), (2, 2)];
        let count = if corners { 8 } else { 4 };
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
