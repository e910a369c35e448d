//! Flood fill: the region that looks alike, and an edge that fits under what bounds it.

use std::ops::Range;
use std::sync::Arc;

use super::Layer;
use super::blend::{faded, mul, over, painted, premultiplied, straight};
use super::edit::{Edit, Stack};
use super::tile::{Grid, InkTile, NO_INK, Shape, TILE};
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
        let old = spread(&layer.ink);
        let mut ink = old.clone();
        let job = Job { fill: self, stack, layer, look, size, seed, seed_look: look[seed], old: &old };
        let solid = job.solid();
        for (pixel, _) in ink.iter_mut().zip(&region).filter(|(_, inside)| **inside) {
            *pixel = if job.is_same_ink(*pixel) { job.tinted(*pixel) } else { solid };
        }
        job.paint_edge(region, &mut ink);
        changes(layer, &ink)
    }
}

/// The lines of a tile on the canvas: where each lies among the canvas's pixels by rows, and where among the tile's.
fn lines(shape: Shape, index: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let rect = shape.rect(index);
    let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(|side| side as usize);
    (0..height).map(move |line| {
        let (on_canvas, in_tile) = ((y + line) * shape.size.width as usize + x, line * TILE as usize);
        (on_canvas..on_canvas + width, in_tile..in_tile + width)
    })
}

/// A whole layer's pixels by rows, so that looking at one does not mean looking for its tile.
fn spread(ink: &Grid<InkTile>) -> Vec<[u8; 4]> {
    let shape = ink.shape();
    let mut pixels = vec![[0; 4]; shape.size.area()];
    for (index, tile) in ink.present().filter_map(|index| Some((index, ink.get(index)?))) {
        for (on_canvas, in_tile) in lines(shape, index) {
            pixels[on_canvas].copy_from_slice(&tile[in_tile]);
        }
    }
    pixels
}

/// The tiles in which `ink`, a whole layer's pixels by rows, differs from the layer's.
fn changes(layer: &Layer, ink: &[[u8; 4]]) -> Option<Edit> {
    let shape = layer.ink.shape();
    let mut tiles = Vec::new();
    for index in 0..shape.count() {
        let mut tile = NO_INK;
        for (on_canvas, in_tile) in lines(shape, index) {
            tile[in_tile].copy_from_slice(&ink[on_canvas]);
        }
        if layer.ink.get(index).map_or(&NO_INK, AsRef::as_ref) != &tile {
            tiles.push((index, (tile != NO_INK).then(|| Arc::new(tile))));
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
    // What looks alike and was not reached yet.
    let mut free: Vec<bool> = look.iter().map(|&pixel| difference(pixel, look[seed]) <= tolerance).collect();
    let mut inside = vec![false; look.len()];
    let mut open = vec![seed];
    while let Some(at) = open.pop() {
        if !free[at] {
            continue;
        }
        let row = at / width * width;
        let left = at - free[row..at].iter().rev().take_while(|free| **free).count();
        let right = at + free[at..row + width].iter().take_while(|free| **free).count();
        inside[left..right].fill(true);
        free[left..right].fill(false);
        let above = (row > 0).then(|| left - width..right - width);
        let below = (row + width < width * height).then(|| left + width..right + width);
        for span in above.into_iter().chain(below) {
            let mut joined = false;
            for at in span {
                if free[at] && !joined {
                    open.push(at);
                }
                joined = free[at];
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
    /// The layer's ink by rows, as it was before.
    old: &'a [[u8; 4]],
}

impl Job<'_> {
    /// Goes on from the region's rim up the slope of the layer's alpha (under another stroke) or down (along the side of
    /// the ink being recoloured), so that no light line stays between fill and stroke.
    fn paint_edge(&self, mut reached: Vec<bool>, ink: &mut [[u8; 4]]) {
        let mut front = self.rim(&reached);
        let seed_below = self.below(self.seed);
        for _ in 0..CREEP_PX {
            for &at in &front {
                reached[at] = true;
            }
            let mut next = Vec::new();
            for &at in &front {
                let old = self.old[at];
                let same = self.is_same_ink(old);
                ink[at] = if same { self.tinted(old) } else { self.behind(at, old) };
                if old[3] == 255 && !same {
                    continue;
                }
                let cover = if old[3] == 0 { self.cover(at) } else { 0 };
                for near in self.around(at) {
                    let slope = self.old[near][3];
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
                let near = x.saturating_sub(1)..(x + 2).min(width);
                if rows.iter().any(|row| row.get(near.clone()).is_some_and(|row| row.contains(&true))) {
                    rim.push(from + x);
                }
            }
        }
        rim
    }

    /// True when a pixel of the layer is of the ink that the seed is of, be it thinner. Compared at the pixel's own alpha,
    /// because thin ink has few steps left to tell colours apart.
    fn is_same_ink(&self, old: [u8; 4]) -> bool {
        if self.old[self.seed][3] == 0 || old[3] == 0 {
            return false;
        }
        let (full, alpha) = (straight(self.old[self.seed]), u32::from(old[3]));
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
        let (alpha, full) = (u32::from(old[3]), u32::from(self.old[self.seed][3].max(1)));
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
        shown.fold([0; 4], |under, layer| over(under, faded(get(&layer.ink, self.size, at), layer.opacity_255())))
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

    /// The neighbours of a pixel, side by side with it.
    fn around(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (x, y) = (at % width, at / width);
        let steps = [(0, 1), (1, 0), (1, 2), (2, 1)];
        steps.into_iter().filter_map(move |(dx, dy)| {
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
