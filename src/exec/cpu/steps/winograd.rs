//! Convolutions of 3 x 3 the short way: tiles of pixels and kernels are taken to a space where they are products, and back.
//!
//! Kernels of small layers are taken there once, those of large ones whenever they are used: there they are four times as many
//! numbers, and reading those from memory takes longer than making them.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{Ending, Step, piece};
use crate::exec::cpu::kernels::winograd::{OUTPUTS, PLACES, SIDE, TAPS};
use crate::exec::cpu::kernels::{Kernels, PANEL, Tile, VECTOR_ROWS};
use crate::exec::cpu::memory::Desk;
use crate::exec::cpu::panels::{Numbers, Panel, Panels};
use crate::exec::planner::View;
use crate::graph::Padding;

/// Channels that are handled at a time, so that their kernels in the other space stay in the second-level cache.
const DEPTH: usize = 64;
/// Tiles that are handled at a time, so that their values do.
const TILES: usize = 4 * VECTOR_ROWS;
/// Numbers of kernels in the other space that a layer keeps at most: they stay in a cache that all threads share.
const KEPT: usize = 1 << 20;
/// Sums of a task at most: they are read and written once for each [`DEPTH`] channels.
const SUMS: usize = 1 << 18;
/// Numbers between the places of a tile beyond its own: a cache line, since steps of a power of two would all fall on the same
/// few lines of the cache.
const GAP: usize = 16;
/// Room for the kernels of a panel and [`DEPTH`] channels in the other space.
const BLOCK: usize = PLACES * (DEPTH * PANEL + GAP);
/// Tasks for each thread at least, so that none waits long for the last.
const TASKS_PER_THREAD: usize = 4;

/// A convolution and what follows it.
pub struct Winograd {
    input: View,
    panels: Arc<Panels>,
    padding: Padding,
    /// Whether the input is read doubled in height and width.
    doubled: bool,
    ending: Ending,
    /// Rows and columns of tiles.
    tiles: [usize; 2],
    /// Tiles of a task.
    chunk: usize,
    /// Panels of a task.
    group: usize,
    /// Kernels in the other space, block after block of [`DEPTH`] channels of a panel, once the first task asked for them.
    kept: OnceLock<Vec<f32>>,
}

thread_local! {
    /// Where each thread keeps the numbers of its task.
    static KEEP: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Room for so many numbers each.
fn with_kept<const N: usize>(lens: [usize; N], work: impl FnOnce([&mut [f32]; N])) {
    KEEP.with_borrow_mut(|keep| {
        if keep.len() < lens.iter().sum() {
            keep.resize(lens.iter().sum(), 0.0);
        }
        let mut rest = &mut keep[..];
        work(lens.map(|len| rest.split_off_mut(..len).unwrap_or_default()));
    });
}

impl Winograd {
    /// Plans a layer with kernels of 3 x 3 over `input` for so many threads.
    pub fn new(
        input: View,
        panels: Arc<Panels>,
        (padding, doubled): (Padding, bool),
        ending: Ending,
        threads: usize,
    ) -> Self {
        let tiles = [ending.output.h.div_ceil(OUTPUTS), ending.output.w.div_ceil(OUTPUTS)];
        let (all, count) = (tiles[0] * tiles[1], panels.count());
        let chunks = all.div_ceil(TILES);
        let chunk = all.div_ceil(chunks).next_multiple_of(VECTOR_ROWS);
        let most = (SUMS / (PLACES * sums_step(chunk))).max(1);
        let groups = (TASKS_PER_THREAD * threads).div_ceil(chunks * input.n).max(count.div_ceil(most)).min(count);
        let (group, kept) = (count.div_ceil(groups), OnceLock::new());
        Self { input, panels, padding, doubled, ending, tiles, chunk, group, kept }
    }

    /// How often each loop of the tasks goes round: samples, chunks, groups.
    fn counts(&self) -> [usize; 3] {
        let chunks = (self.tiles[0] * self.tiles[1]).div_ceil(self.chunk);
        [self.input.n, chunks, self.panels.count().div_ceil(self.group)]
    }

    /// Blocks of [`DEPTH`] channels.
    fn parts(&self) -> usize {
        self.input.c.div_ceil(DEPTH)
    }

    /// All kernels in the other space, if the layer keeps them.
    fn kept(&self, kernels: &Kernels) -> Option<&[f32]> {
        let len = self.parts() * self.panels.count() * BLOCK;
        (len <= KEPT).then(|| {
            &self.kept.get_or_init(|| {
                let (mut lifted, mut widened) = (vec![0.0; len], vec![0.0; TAPS * DEPTH * PANEL]);
                for (index, block) in lifted.chunks_exact_mut(BLOCK).enumerate() {
                    self.lift([index / self.parts(), index % self.parts()], kernels, &mut widened, block);
                }
                lifted
            })[..]
        })
    }

    /// Takes the kernels of a panel and of a part of the channels to the other space: those of place `p` begin at
    /// `p * (depth * width + GAP)`.
    fn lift(&self, [panel, part]: [usize; 2], kernels: &Kernels, widened: &mut [f32], out: &mut [f32]) {
        let panel = self.panels.panel(panel);
        let (first, inputs) = (part * DEPTH, self.input.c);
        let depth = DEPTH.min(inputs - first);
        let taps = taps(&panel, inputs, (first, depth), kernels, widened);
        kernels.lift(&taps, depth * panel.width + GAP, out);
    }

    /// The first row and column of a tile of outputs.
    fn corner(&self, tile: usize) -> [usize; 2] {
        [tile / self.tiles[1] * OUTPUTS, tile % self.tiles[1] * OUTPUTS]
    }

    /// Some channels of the inputs under a tile of sample `n`; `zeros` where there are none.
    fn pixels<'a>(
        &self,
        (n, tile): (usize, usize),
        channels: Range<usize>,
        desk: Desk<'a>,
        zeros: &'a [f32],
    ) -> [&'a [f32]; PLACES] {
        let View { offset, h, w, image, row, pixel, .. } = self.input;
        let factor = if self.doubled { 2 } else { 1 };
        let corner = self.corner(tile);
        // Rows and columns are counted from the zeros before them.
        let places = |corner: usize, before: usize, size: usize, step: usize| -> [Option<usize>; SIDE] {
            std::array::from_fn(|at| {
                let inside = (corner + at).checked_sub(before).filter(|at| *at < factor * size);
                inside.map(|at| at / factor * step)
            })
        };
        let (rows, columns) =
            (places(corner[0], self.padding.top, h, row), places(corner[1], self.padding.left, w, pixel));
        std::array::from_fn(|place| match (rows[place / SIDE], columns[place % SIDE]) {
            (Some(y), Some(x)) => {
                let at = offset + n * image + y + x;
                desk.read(at + channels.start..at + channels.end)
            }
            _ => &zeros[..channels.len()],
        })
    }

    /// Finishes the outputs of a tile of sample `n`.
    fn finish(
        &self,
        (n, tile): (usize, usize),
        panel: &Panel<'_>,
        outputs: &mut [f32],
        (desk, kernels): (Desk<'_>, &Kernels),
    ) {
        if !panel.scales.is_empty() {
            kernels.scale_columns(outputs, panel.scales);
        }
        let View { h, w, pixel, .. } = self.ending.output;
        let [top, left] = self.corner(tile);
        let [rows, columns] = [OUTPUTS.min(h - top), OUTPUTS.min(w - left)];
        // All at once, or row by row where some columns are outside.
        let together = if columns == OUTPUTS { rows } else { 1 };
        for first in (0..rows).step_by(together) {
            let (mut at, mut to) = ([[n, 0, 0]; OUTPUTS * OUTPUTS], [0; OUTPUTS * OUTPUTS]);
            for y in 0..together {
                let (row, begin) = (top + first + y, self.ending.output.at(n, top + first + y, left) + panel.first);
                for x in 0..columns {
                    at[y * columns + x] = [n, row, left + x];
                    to[y * columns + x] = begin + x * pixel;
                }
            }
            let count = together * columns;
            let outputs = &mut outputs[first * OUTPUTS * panel.width..][..count * panel.width];
            self.ending.store((desk, kernels), (outputs, panel), &at[..count], &to[..count]);
        }
    }
}

/// Values of some tiles in the other space: of place `p`, tile `t` has its `channels` at `p * step + t * channels`.
struct Values<'a> {
    numbers: &'a [f32],
    channels: usize,
    count: usize,
}

impl Values<'_> {
    /// From one place to the next.
    fn step(channels: usize, count: usize) -> usize {
        count * channels + GAP
    }

    /// At a place, times rows of weights of `width`. The sums of tile `t` go to `t * width`, or are added to what is there.
    fn multiply(&self, place: usize, weights: (&[f32], usize), hold: bool, kernels: &Kernels, sums: &mut [f32]) {
        let (mut rows, (weights, width)) = ([0; VECTOR_ROWS], weights);
        let begin = place * Self::step(self.channels, self.count);
        for first in (0..self.count).step_by(VECTOR_ROWS) {
            let here = VECTOR_ROWS.min(self.count - first);
            for (row, at) in rows[..here].iter_mut().enumerate() {
                *at = begin + (first + row) * self.channels;
            }
            let (pixels, taps, run) = (&rows[..here], &[0][..], self.channels);
            let tile = Tile { input: self.numbers, pixels, taps, run, weights, width, hold };
            kernels.tile(&tile, &mut sums[first * width..][..here * width]);
        }
    }
}

/// From the sums of so many tiles at one place to those at the next.
fn sums_step(count: usize) -> usize {
    count * PANEL + GAP
}

/// A panel's rows for `depth` channels from `first` of `inputs`, for each pixel of the kernel: widened where they are kept in less
/// room.
fn taps<'a>(
    panel: &Panel<'a>,
    inputs: usize,
    (first, depth): (usize, usize),
    kernels: &Kernels,
    widened: &'a mut [f32],
) -> [&'a [f32]; TAPS] {
    let len = depth * panel.width;
    let rows = |tap: usize| (tap * inputs + first) * panel.width..(tap * inputs + first + depth) * panel.width;
    let rooms = widened.chunks_exact_mut(len).take(TAPS);
    match panel.weights {
        Numbers::F32(weights) => return std::array::from_fn(|tap| &weights[rows(tap)]),
        Numbers::F16(weights) => rooms.enumerate().for_each(|(tap, room)| kernels.widen_f16(&weights[rows(tap)], room)),
        Numbers::Int8(weights) => rooms.enumerate().for_each(|(tap, room)| kernels.widen(&weights[rows(tap)], room)),
        // In pairs: such layers are not planned this way.
        Numbers::Bf16(_) => rooms.for_each(|room| room.fill(f32::NAN)),
    }
    let widened = &*widened;
    std::array::from_fn(|tap| &widened[tap * len..][..len])
}

/// Where the numbers of a task are.
struct Room<'a> {
    values: &'a mut [f32],
    widened: &'a mut [f32],
    lifted: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Winograd {
    /// The sums of some tiles of sample `n` for the panels `group`: of panel `i` of it, place `p` and tile `t` at
    /// `(i * PLACES + p) * sums_step + t * width`.
    fn sum(
        &self,
        (n, tiles): (usize, Range<usize>),
        group: Range<usize>,
        room: &mut Room<'_>,
        (desk, kernels): (Desk<'_>, &Kernels),
    ) {
        let (inputs, count, zeros, kept) = (self.input.c, tiles.len(), [0.0; DEPTH], self.kept(kernels));
        for part in 0..self.parts() {
            let first = part * DEPTH;
            let depth = DEPTH.min(inputs - first);
            for (index, tile) in tiles.clone().enumerate() {
                let pixels = self.pixels((n, tile), first..first + depth, desk, &zeros);
                kernels.forth(&pixels, Values::step(depth, count), &mut room.values[index * depth..]);
            }
            let values = Values { numbers: room.values, channels: depth, count };
            for (nth, index) in group.clone().enumerate() {
                let lifted = match kept {
                    Some(kept) => &kept[(index * self.parts() + part) * BLOCK..][..BLOCK],
                    None => {
                        self.lift([index, part], kernels, room.widened, room.lifted);
                        &*room.lifted
                    }
                };
                let width = self.panels.panel(index).width;
                let len = depth * width;
                for place in 0..PLACES {
                    let weights = (&lifted[place * (len + GAP)..][..len], width);
                    let sums = &mut room.sums[(nth * PLACES + place) * sums_step(count)..];
                    values.multiply(place, weights, first > 0, kernels, sums);
                }
            }
        }
    }
}

impl Step for Winograd {
    fn tasks(&self) -> usize {
        self.counts().iter().product()
    }

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let [_, chunks, groups] = self.counts();
        let (group, rest) = (task % groups, task / groups);
        let (chunk, n) = (rest % chunks, rest / chunks);
        let tiles = piece(chunk, self.chunk, self.tiles[0] * self.tiles[1]);
        let group = piece(group, self.group, self.panels.count());
        let step = sums_step(tiles.len());
        let lens = [
            PLACES * Values::step(DEPTH.min(self.input.c), tiles.len()),
            TAPS * DEPTH * PANEL,
            BLOCK,
            PLACES * step * group.len(),
            OUTPUTS * OUTPUTS * PANEL,
        ];
        with_kept(lens, |[values, widened, lifted, sums, outputs]| {
            let mut room = Room { values, widened, lifted, sums };
            self.sum((n, tiles.clone()), group.clone(), &mut room, (desk, kernels));
            for (nth, index) in group.enumerate() {
                let panel = self.panels.panel(index);
                let outputs = &mut outputs[..OUTPUTS * OUTPUTS * panel.width];
                for (index, tile) in tiles.clone().enumerate() {
                    let sums = &room.sums[nth * PLACES * step + index * panel.width..];
                    kernels.back(sums, step, panel.width, outputs);
                    self.finish((n, tile), &panel, outputs, (desk, kernels));
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::exec::cpu::isa::Isa;
    use crate::exec::planner::Kind;

    #[test]
    fn kernels_in_less_room_are_the_same_kernels() {
        let (columns, inputs, room) = (41, 96, &mut vec![0.0; TAPS * DEPTH * PANEL]);
        let weight = |output: usize, row: usize| ((output * 31 + row * 7) % 255) as f32 - 127.0;
        let exact = Panels::new(Kind::F32, columns, TAPS * inputs, weight);
        let halves = Panels::halves(columns, TAPS * inputs, |o, row| f16::from_f32(weight(o, row)));
        let small = Panels::small(Kind::F32, TAPS * inputs, vec![1.0; columns], |o, row| weight(o, row) as i8);
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            for (index, part) in [(0, (0, DEPTH)), (1, (DEPTH, inputs - DEPTH))] {
                let expected = taps(&exact.panel(index), inputs, part, &kernels, &mut []).map(<[f32]>::to_vec);
                for panels in [&halves, &small] {
                    assert_eq!(taps(&panels.panel(index), inputs, part, &kernels, room), expected);
                }
                let at = (4 * inputs + part.0 + 3, 2);
                assert_eq!(expected[4][3 * exact.panel(index).width + at.1], weight(index * PANEL + at.1, at.0));
            }
        }
    }
}
