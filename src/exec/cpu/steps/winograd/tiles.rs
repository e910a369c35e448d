//! The tiles of a map, and their values in the Winograd domain.

use std::ops::Range;

use super::super::{Step, piece};
use super::block::{Block, Factors, Layout};
use super::{DEPTH, with_kept};
use crate::exec::cpu::kernels::int16::{Quantized, Scales};
use crate::exec::cpu::kernels::winograd::{Inputs, OUTPUTS, PLACES, SIDE};
use crate::exec::cpu::kernels::{Kernels, Tile, VECTOR_ROWS};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::Factor;
use crate::exec::planner::View;
use crate::graph::Padding;

/// The last of a tile's inputs along an axis.
const LAST: usize = SIDE - 1;

/// The tiles of outputs of a layer, sample after sample, row after row, and what it reads under them.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    /// What it reads.
    pub input: View,
    /// Zeros around that, in memory too.
    pub padding: Padding,
    /// Whether the input is read doubled in height and width.
    pub doubled: bool,
    /// Rows and columns of tiles of a sample.
    pub grid: [usize; 2],
    /// Tiles that are handled together.
    pub chunk: usize,
    /// As what values are multiplied in the Winograd domain: as f32 or as integers.
    pub factor: Factor,
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

    /// Channels that are handled at a time.
    pub fn depth(&self) -> usize {
        DEPTH.min(self.input.c)
    }

    /// How many times [`Self::depth`] channels there are.
    pub fn parts(&self) -> usize {
        self.input.c.div_ceil(self.depth())
    }

    /// The channels of a part.
    pub fn channels(&self, part: usize) -> Range<usize> {
        piece(part, self.depth(), self.input.c)
    }

    /// How the values of so many tiles and channels lie: tile after tile at each place.
    fn layout(&self, count: usize, channels: usize) -> Layout {
        Layout { factor: self.factor, len: count * channels, scales: count }
    }

    /// Numbers of memory that the values of a chunk and a part take at most.
    pub fn block(&self) -> usize {
        self.layout(self.chunk.min(self.count()), self.depth()).cells()
    }

    /// Numbers of memory that [`input_transform`](Self::input_transform) needs for itself.
    pub fn room(&self) -> usize {
        PLACES * self.depth() + if self.factor == Factor::Int16 { self.alone().cells() } else { 0 }
    }

    /// How the values of one tile lie before they become integers.
    fn alone(&self) -> Layout {
        Layout { factor: Factor::F32, len: self.depth(), scales: 0 }
    }

    /// The sample of a tile, and its first row and column of outputs.
    pub fn corner(&self, tile: usize) -> [usize; 3] {
        let [rows, columns] = self.grid;
        [tile / (rows * columns), tile / columns % rows * OUTPUTS, tile % columns * OUTPUTS]
    }

    /// The corners of some tiles, one after the other: found anew, each would cost three divisions.
    pub fn corners(&self, tiles: Range<usize>) -> impl Iterator<Item = [usize; 3]> {
        let [rows, columns] = self.grid.map(|tiles| tiles * OUTPUTS);
        let next = move |[n, top, left]: &[usize; 3]| {
            let [n, top, left] = [*n, *top, left + OUTPUTS];
            let [n, top, left] = if left < columns { [n, top, left] } else { [n, top + OUTPUTS, 0] };
            Some(if top < rows { [n, top, left] } else { [n + 1, 0, 0] })
        };
        std::iter::successors(Some(self.corner(tiles.start)), next).take(tiles.len())
    }

    /// Takes some channels under some tiles to the Winograd domain, as [`values`](Self::values) reads them, with so much
    /// [`room`](Self::room).
    pub fn input_transform(
        &self,
        tiles: Range<usize>,
        part: usize,
        (memory, kernels): (MemoryRef<'_>, &Kernels),
        room: &mut [f32],
        out: &mut [f32],
    ) {
        let (channels, count) = (self.channels(part), tiles.len());
        let (layout, alone, len) = (self.layout(count, channels.len()), self.alone().step(), channels.len());
        let (edge, room) = room.split_at_mut(PLACES * len);
        for (index, corner) in self.corners(tiles).enumerate() {
            let inputs = self.inputs(corner, channels.clone(), memory, edge);
            if self.factor == Factor::Int16 {
                kernels.input_transform(&inputs, alone, room);
                let (numbers, scales) = layout.split(out);
                let out = Quantized { numbers: &mut numbers[index * len..], scales: &mut scales[index..] };
                kernels.quantize_places(room, out, [alone, layout.step(), count], len);
            } else {
                kernels.input_transform(&inputs, layout.step(), &mut out[index * len..]);
            }
        }
    }

    /// The values of so many tiles and a part, which [`input_transform`](Self::input_transform) has put into `cells`.
    pub fn values<'a>(&self, count: usize, part: usize, cells: &'a [f32]) -> Values<'a> {
        let channels = self.channels(part).len();
        let rows = std::array::from_fn(|row| row * channels);
        Values { block: Block { layout: self.layout(count, channels), cells }, rows, channels, count }
    }

    /// Some channels of the inputs of the tile at a corner: where they lie, or in the room `edge` where it reaches beyond the zeros around
    /// them.
    fn inputs<'a>(
        &self,
        [n, top, left]: [usize; 3],
        channels: Range<usize>,
        memory: MemoryRef<'a>,
        edge: &'a mut [f32],
    ) -> Inputs<'a> {
        let View { offset, h, w, image, row, pixel, .. } = self.input;
        let Padding { top: above, left: before, bottom, right } = self.padding;
        let (first, channels) = (offset + n * image + channels.start, channels.len());
        // Rows and columns of the map; those of the zeros before it are less than nothing.
        let halved = u32::from(self.doubled);
        let along = |corner: usize, before: usize| -> [isize; SIDE] {
            std::array::from_fn(|at| ((corner + at) as isize - before as isize) >> halved)
        };
        let (rows, columns) = (along(top, above), along(left, before));
        let at = |y: usize, x: usize| {
            first.wrapping_add_signed(rows[y] * row as isize).wrapping_add_signed(columns[x] * pixel as isize)
        };
        if rows[LAST] < (h + bottom) as isize && columns[LAST] < (w + right) as isize {
            let numbers = memory.read(at(0, 0)..at(LAST, LAST) + channels);
            let steps = |at: [isize; SIDE], step: usize| at.map(|place| (place - at[0]) as usize * step);
            return Inputs { numbers, rows: steps(rows, row), columns: steps(columns, pixel), channels };
        }
        for (place, inputs) in edge.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (place / SIDE, place % SIDE);
            if (0..h as isize).contains(&rows[y]) && (0..w as isize).contains(&columns[x]) {
                inputs.copy_from_slice(memory.read(at(y, x)..at(y, x) + channels));
            } else {
                inputs.fill(0.0);
            }
        }
        let steps = |step: usize| std::array::from_fn(|at| at * step);
        Inputs { numbers: edge, rows: steps(SIDE * channels), columns: steps(channels), channels }
    }
}

/// Values of some tiles in the Winograd domain.
pub struct Values<'a> {
    /// All of them: at each place the channels of one tile after the other.
    block: Block<'a>,
    /// Where each of the tiles that are multiplied at once begins.
    rows: [usize; VECTOR_ROWS],
    /// Channels of a tile.
    channels: usize,
    /// Tiles.
    count: usize,
}

impl Values<'_> {
    /// At a place, times the weights of a panel of `width` there, and if these are integers the scales of its columns. The sums of
    /// tile `t` go to `t * width`, or are added to what is there.
    pub fn multiply(
        &self,
        place: usize,
        (weights, width, columns): (&Block<'_>, usize, &[f32]),
        hold: bool,
        kernels: &Kernels,
        sums: &mut [f32],
    ) {
        let (values, weights) = (self.block.at(place), weights.at(place));
        let (taps, run, ahead) = (&[0][..], self.channels, &[][..]);
        let size = self.count.div_ceil(self.count.div_ceil(VECTOR_ROWS));
        for first in (0..self.count).step_by(size) {
            let here = size.min(self.count - first);
            let (pixels, sums) = (&self.rows[..here], &mut sums[first * width..][..here * width]);
            match (values, weights) {
                (Factors::Exact(input), Factors::Exact(weights)) => {
                    let input = &input[first * run..];
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, sums);
                }
                (Factors::Int16(input, scales), Factors::Int16(weights, _)) => {
                    let (input, scales) = (&input[first * run..], Scales { rows: &scales[first..], step: 0, columns });
                    kernels.tile_int16(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, scales, sums);
                }
                // Values and kernels of a layer are of one kind.
                (Factors::Exact(_), Factors::Int16(..)) | (Factors::Int16(..), Factors::Exact(_)) => {
                    sums.fill(f32::NAN);
                }
            }
        }
    }
}

/// Takes a map to the Winograd domain once for all panels of a layer: chunk after chunk, in each part after part. A task does one
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

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let (chunk, part, block) = (task / self.tiles.parts(), task % self.tiles.parts(), self.tiles.block());
        let out = memory.write(self.offset + task * block, block);
        with_kept([self.tiles.room()], |[room]| {
            self.tiles.input_transform(self.tiles.of(chunk), part, (memory, kernels), room, out);
        });
    }
}
