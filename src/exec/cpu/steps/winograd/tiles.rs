//! The tiles of a map, and their values in the other space.

use std::ops::Range;

use super::super::{Step, piece};
use super::{DEPTH, GAP};
use crate::exec::cpu::kernels::winograd::{OUTPUTS, PLACES, SIDE};
use crate::exec::cpu::kernels::{Kernels, Tile, VECTOR_ROWS};
use crate::exec::cpu::memory::Desk;
use crate::exec::planner::View;
use crate::graph::Padding;

/// The tiles of outputs of a layer, sample after sample, row after row, and what it reads under them.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    /// What it reads.
    pub input: View,
    /// Zeros around that.
    pub padding: Padding,
    /// Whether the input is read doubled in height and width.
    pub doubled: bool,
    /// Rows and columns of tiles of a sample.
    pub grid: [usize; 2],
    /// Tiles that are handled together.
    pub chunk: usize,
}

impl Tiles {
    /// Tiles of all samples.
    pub fn count(&self) -> usize {
        self.input.n * self.grid[0] * self.grid[1]
    }

    /// How many times [`Self::chunk`] tiles that are.
    pub fn chunks(&self) -> usize {
        self.count().div_ceil(self.chunk)
    }

    /// The tiles of a chunk.
    pub fn of(&self, chunk: usize) -> Range<usize> {
        piece(chunk, self.chunk, self.count())
    }

    /// Rows of outputs of the tiles of a chunk.
    pub fn rows(&self, chunk: usize) -> Range<usize> {
        let tiles = self.of(chunk);
        let [first, last] = [tiles.start, tiles.end - 1].map(|tile| self.corner(tile)[1]);
        first..last + OUTPUTS
    }

    /// Blocks of [`DEPTH`] channels.
    pub fn parts(&self) -> usize {
        self.input.c.div_ceil(DEPTH)
    }

    /// The channels of a part.
    pub fn channels(&self, part: usize) -> Range<usize> {
        piece(part, DEPTH, self.input.c)
    }

    /// Numbers that the values of a chunk and a part take at most.
    pub fn block(&self) -> usize {
        PLACES * step(DEPTH.min(self.input.c), self.chunk.min(self.count()))
    }

    /// The sample of a tile, and its first row and column of outputs.
    pub fn corner(&self, tile: usize) -> [usize; 3] {
        let [rows, columns] = self.grid;
        [tile / (rows * columns), tile / columns % rows * OUTPUTS, tile % columns * OUTPUTS]
    }

    /// Takes some channels under some tiles to the other space: as [`Values`] reads them.
    pub fn forth(&self, tiles: Range<usize>, part: usize, (desk, kernels): (Desk<'_>, &Kernels), out: &mut [f32]) {
        let (channels, zeros) = (self.channels(part), [0.0; DEPTH]);
        let step = step(channels.len(), tiles.len());
        for (index, tile) in tiles.enumerate() {
            let pixels = self.pixels(tile, channels.clone(), desk, &zeros);
            kernels.forth(&pixels, step, &mut out[index * channels.len()..]);
        }
    }

    /// Some channels of the inputs under a tile; `zeros` where there are none.
    fn pixels<'a>(&self, tile: usize, channels: Range<usize>, desk: Desk<'a>, zeros: &'a [f32]) -> [&'a [f32]; PLACES] {
        let View { offset, h, w, image, row, pixel, .. } = self.input;
        let factor = if self.doubled { 2 } else { 1 };
        let [n, top, left] = self.corner(tile);
        // Rows and columns are counted from the zeros before them.
        let places = |corner: usize, before: usize, size: usize, step: usize| -> [Option<usize>; SIDE] {
            std::array::from_fn(|at| {
                let inside = (corner + at).checked_sub(before).filter(|at| *at < factor * size);
                inside.map(|at| at / factor * step)
            })
        };
        let (rows, columns) = (places(top, self.padding.top, h, row), places(left, self.padding.left, w, pixel));
        std::array::from_fn(|place| match (rows[place / SIDE], columns[place % SIDE]) {
            (Some(y), Some(x)) => {
                let at = offset + n * image + y + x;
                desk.read(at + channels.start..at + channels.end)
            }
            _ => &zeros[..channels.len()],
        })
    }
}

/// From the values of so many tiles at one place to those at the next.
fn step(channels: usize, count: usize) -> usize {
    count * channels + GAP
}

/// Values of some tiles in the other space: of place `p`, tile `t` has its `channels` at `p * step + t * channels`.
pub struct Values<'a> {
    /// All of them.
    pub numbers: &'a [f32],
    /// Channels of a tile.
    pub channels: usize,
    /// Tiles.
    pub count: usize,
}

impl Values<'_> {
    /// At a place, times rows of weights of `width`. The sums of tile `t` go to `t * width`, or are added to what is there.
    pub fn multiply(&self, place: usize, weights: (&[f32], usize), hold: bool, kernels: &Kernels, sums: &mut [f32]) {
        let (mut rows, (weights, width)) = ([0; VECTOR_ROWS], weights);
        let begin = place * step(self.channels, self.count);
        for first in (0..self.count).step_by(VECTOR_ROWS) {
            let here = VECTOR_ROWS.min(self.count - first);
            for (row, at) in rows[..here].iter_mut().enumerate() {
                *at = begin + (first + row) * self.channels;
            }
            let (pixels, taps, run) = (&rows[..here], &[0][..], self.channels);
            let tile = Tile { input: self.numbers, pixels, taps, run, weights, width, hold, ahead: &[] };
            kernels.tile(&tile, &mut sums[first * width..][..here * width]);
        }
    }
}

/// Takes a map to the other space once for all panels of a layer: chunk after chunk, in each part after part. A task does one
/// part of one chunk.
pub struct PackTiles {
    /// Of the layer.
    pub tiles: Tiles,
    /// Where to.
    pub offset: usize,
}

impl Step for PackTiles {
    fn tasks(&self) -> usize {
        self.tiles.chunks() * self.tiles.parts()
    }

    fn rows(&self, task: usize) -> Range<usize> {
        self.tiles.rows(task / self.tiles.parts())
    }

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let (chunk, part, block) = (task / self.tiles.parts(), task % self.tiles.parts(), self.tiles.block());
        let out = desk.write(self.offset + task * block, block);
        self.tiles.forth(self.tiles.of(chunk), part, (desk, kernels), out);
    }
}
