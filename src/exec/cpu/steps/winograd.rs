//! Convolutions of 3 x 3 the short way: tiles of pixels are taken to a space where they are products, and back.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::{Ending, Step, piece};
use crate::exec::cpu::kernels::winograd::{OUTPUTS, PLACES, SIDE};
use crate::exec::cpu::kernels::{Kernels, PANEL, Tile, VECTOR_ROWS};
use crate::exec::cpu::memory::Desk;
use crate::exec::cpu::panels::Panels;
use crate::exec::planner::View;
use crate::graph::Padding;

/// Numbers on their way that a task keeps: they stay in the second-level cache.
const KEPT: usize = 3 << 15;
/// Tiles of a task at least, so that weights are not read too often, and at most.
const TILES: Range<usize> = 2 * VECTOR_ROWS..4 * VECTOR_ROWS;
/// Numbers between the places of a tile beyond its own: a cache line, since steps of a power of two would all fall on the same
/// few lines of the cache.
const GAP: usize = 16;
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
}

thread_local! {
    /// Where each thread keeps the numbers of its task: tiles in the other space, then sums, then outputs.
    static KEEP: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Winograd {
    /// Plans a layer with `panels` in the other space, over `input` for so many threads.
    pub fn new(
        input: View,
        panels: Arc<Panels>,
        (padding, doubled): (Padding, bool),
        ending: Ending,
        threads: usize,
    ) -> Self {
        let tiles = [ending.output.h.div_ceil(OUTPUTS), ending.output.w.div_ceil(OUTPUTS)];
        let (all, count) = (tiles[0] * tiles[1], panels.count());
        let kept = KEPT / (PLACES * (input.c + ending.output.c.min(4 * PANEL)));
        let wanted = kept.clamp(TILES.start, TILES.end).next_multiple_of(VECTOR_ROWS);
        let chunks = all.div_ceil(wanted);
        let groups = (TASKS_PER_THREAD * threads).div_ceil(chunks * input.n).min(count);
        let chunk = all.div_ceil(chunks).next_multiple_of(VECTOR_ROWS);
        Self { input, panels, padding, doubled, ending, tiles, chunk, group: count.div_ceil(groups) }
    }

    /// How often each loop of the tasks goes round: samples, chunks, groups.
    fn counts(&self) -> [usize; 3] {
        let chunks = (self.tiles[0] * self.tiles[1]).div_ceil(self.chunk);
        [self.input.n, chunks, self.panels.count().div_ceil(self.group)]
    }

    /// The first row and column of a tile of outputs.
    fn corner(&self, tile: usize) -> [usize; 2] {
        [tile / self.tiles[1] * OUTPUTS, tile % self.tiles[1] * OUTPUTS]
    }

    /// The channels of the inputs under a tile; `zeros` where there are none.
    fn pixels<'a>(&self, n: usize, tile: usize, desk: Desk<'a>, zeros: &'a [f32]) -> [&'a [f32]; PLACES] {
        let View { offset, h, w, c, image, row, pixel, .. } = self.input;
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
                desk.read(at..at + c)
            }
            _ => zeros,
        })
    }

    /// The sums of some tiles in the other space for the panels `group`: of panel `i` of it, place `p` and tile `t` at
    /// `(i * PLACES + p) * step + t * width`, where a step has room for [`PANEL`] columns and a gap.
    fn multiply(&self, values: &[f32], count: usize, group: Range<usize>, kernels: &Kernels, sums: &mut [f32]) {
        let inputs = self.input.c;
        let mut rows = [0; VECTOR_ROWS];
        for place in 0..PLACES {
            for (nth, index) in group.clone().enumerate() {
                let (panel, weights) = (self.panels.panel(index), self.panels.exact(index));
                let weights = &weights[place * inputs * panel.width..][..inputs * panel.width];
                let sums = &mut sums[(nth * PLACES + place) * (count * PANEL + GAP)..][..count * PANEL];
                for first in (0..count).step_by(VECTOR_ROWS) {
                    let here = VECTOR_ROWS.min(count - first);
                    for (row, at) in rows[..here].iter_mut().enumerate() {
                        *at = place * (count * inputs + GAP) + (first + row) * inputs;
                    }
                    let (width, pixels, taps, run, hold) = (panel.width, &rows[..here], &[0][..], inputs, false);
                    let tile = Tile { input: values, pixels, taps, run, weights, width, hold };
                    kernels.tile(&tile, &mut sums[first * width..][..here * width]);
                }
            }
        }
    }

    /// Finishes the outputs of a tile.
    fn finish(&self, n: usize, tile: usize, index: usize, outputs: &mut [f32], (desk, kernels): (Desk<'_>, &Kernels)) {
        let View { h, w, pixel, .. } = self.ending.output;
        let (panel, [top, left]) = (self.panels.panel(index), self.corner(tile));
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
            self.ending.store((desk, kernels), (outputs, &panel), &at[..count], &to[..count]);
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
        let (count, inputs) = (tiles.len(), self.input.c);
        KEEP.with_borrow_mut(|keep| {
            let steps = [count * inputs + GAP, count * PANEL + GAP];
            let lens = [PLACES * steps[0], PLACES * steps[1] * group.len(), OUTPUTS * OUTPUTS * PANEL, inputs];
            if keep.len() < lens.iter().sum() {
                keep.resize(lens.iter().sum(), 0.0);
            }
            let (values, rest) = keep.split_at_mut(lens[0]);
            let (sums, rest) = rest.split_at_mut(lens[1]);
            let (outputs, zeros) = rest.split_at_mut(lens[2]);
            let zeros = &mut zeros[..inputs];
            zeros.fill(0.0);
            for (index, tile) in tiles.clone().enumerate() {
                let pixels = self.pixels(n, tile, desk, zeros);
                kernels.forth(&pixels, steps[0], &mut values[index * inputs..]);
            }
            self.multiply(values, count, group.clone(), kernels, sums);
            for (nth, panel) in group.enumerate() {
                let width = self.panels.panel(panel).width;
                let sums = &sums[nth * PLACES * steps[1]..];
                for (index, tile) in tiles.clone().enumerate() {
                    kernels.back(&sums[index * width..], steps[1], width, outputs);
                    self.finish(n, tile, panel, outputs, (desk, kernels));
                }
            }
        });
    }
}
