//! Convolutions of 3 x 3 by Winograd: tiles of pixels and kernels are taken to the Winograd domain, where they are products, and back.
//!
//! Kernels of small layers are taken there once, those of large ones whenever they are used: there they are four times as many
//! numbers, and reading those from memory takes longer than making them. Pixels that many panels are multiplied with are taken
//! there once ([`PackTiles`]), else by the task that needs them.

mod block;
mod tiles;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use block::{Block, Layout};
use bytemuck::cast_slice_mut;
pub use tiles::{PackTiles, Tiles};

use super::{Epilogue, Step, piece};
use crate::exec::cpu::aligned_vec::AlignedVec;
use crate::exec::cpu::kernels::int16::{self, KERNEL_MOST};
use crate::exec::cpu::kernels::winograd::{OUTPUTS, PLACES, TAPS, TileEpilogue};
use crate::exec::cpu::kernels::{Kernels, PANEL, VECTOR_ROWS};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::{Factor, Numbers, Panel, Panels};
use crate::exec::cpu::winograd;
use crate::exec::planner::View;
use crate::graph::Padding;

/// Channels that are handled at a time, so that their kernels in the Winograd domain stay in the L2 cache.
const DEPTH: usize = 64;
/// Tiles that are handled at a time where a task takes its pixels to the Winograd domain, so that their values and sums stay there too.
const OWN_TILES: usize = 2 * VECTOR_ROWS;
/// The same where it takes the kernels there as well, which pays off for more.
const FILTER_TRANSFORM_TILES: usize = 4 * VECTOR_ROWS;
/// Tiles that are handled at a time where all panels share those values.
const SHARED_TILES: usize = 16 * VECTOR_ROWS;
/// Numbers of the values that panels share at most: those of larger maps would be read from memory again and again.
const SHARED: usize = 1 << 24;
/// Sums of a task at most: they are read and written once for each part of the channels.
const SUMS: usize = 1 << 18;
/// Tasks for each thread at least, so that none waits long for the last.
const TASKS_PER_THREAD: usize = 4;

/// How a layer is cut into tasks.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    tiles: Tiles,
    /// Panels of a task.
    group: usize,
    /// Whether all panels share the values of a tile.
    shared: bool,
}

impl Cut {
    /// Cuts a layer that reads `input` and makes maps of `h` x `w` with so many `panels`, for so many threads. Its products are of
    /// such `factor`s: of f32 or of integers.
    pub fn new(
        factor: Factor,
        input: View,
        (padding, doubled): (Padding, bool),
        [h, w]: [usize; 2],
        panels: usize,
        threads: usize,
    ) -> Self {
        let grid = [h.div_ceil(OUTPUTS), w.div_ceil(OUTPUTS)];
        let all = input.n * grid[0] * grid[1];
        let cut = |most: usize, shared: bool| {
            // The same for all threads where there are few, as long as that leaves enough for a tile.
            let chunks = all.div_ceil(most).next_multiple_of(threads).min((all / VECTOR_ROWS).max(1));
            let few = chunks <= TASKS_PER_THREAD * threads;
            let chunk = all.div_ceil(chunks).next_multiple_of(if few { 1 } else { VECTOR_ROWS });
            let tiles = Tiles { input, padding, doubled, grid, chunk, factor };
            let group = (SUMS / sums(chunk, PANEL).cells()).max(1);
            let groups = (TASKS_PER_THREAD * threads).div_ceil(tiles.chunks()).max(panels.div_ceil(group)).min(panels);
            Self { tiles, group: panels.div_ceil(groups), shared }
        };
        let transforming = cut(FILTER_TRANSFORM_TILES, false);
        let own = if transforming.keeps(panels) { cut(OWN_TILES, false) } else { transforming };
        if own.group >= panels {
            return own;
        }
        // Fewer tiles where there would be too few tasks.
        let chunks = (TASKS_PER_THREAD * threads).div_ceil(panels);
        let shared = cut(all.div_ceil(chunks).clamp(FILTER_TRANSFORM_TILES, SHARED_TILES), true);
        if shared.values().is_some_and(|len| len > SHARED) { own } else { shared }
    }

    /// How the kernels of a panel of `width` and a part of so many channels lie.
    fn kernels(&self, channels: usize, width: usize) -> Layout {
        Layout { factor: self.tiles.factor, len: channels * width, scales: 0 }
    }

    /// Numbers of memory that those take at most.
    fn block(&self) -> usize {
        self.kernels(self.tiles.depth(), PANEL).cells()
    }

    /// Numbers of memory that the kernels of so many panels take.
    fn kernel_cells(&self, panels: usize) -> usize {
        self.tiles.parts() * panels * self.block()
    }

    /// Whether those stay in the Winograd domain.
    fn keeps(&self, panels: usize) -> bool {
        winograd::keeps(self.tiles.factor, self.kernel_cells(panels))
    }

    /// Numbers of the values that all panels share, if they do.
    pub fn values(&self) -> Option<usize> {
        self.shared.then(|| self.tiles.chunks() * self.tiles.parts() * self.tiles.block())
    }

    /// The step that makes these values at `offset`.
    pub fn pack(&self, offset: usize) -> PackTiles {
        PackTiles { tiles: self.tiles, offset }
    }
}

/// A convolution and what follows it.
pub struct Winograd {
    cut: Cut,
    /// Where the values are that all panels share.
    values: usize,
    panels: Arc<Panels>,
    bias: Arc<Vec<f32>>,
    epilogue: Epilogue,
    /// What integers of each output's kernels are multiplied by, if they are such.
    scales: Vec<f32>,
    /// Kernels in the Winograd domain, block after block of some channels of a panel, once the first task asked for them.
    kept: OnceLock<AlignedVec<f32>>,
}

thread_local! {
    /// Where each thread keeps the numbers of its task.
    static KEEP: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::EMPTY) };
}

/// Room for so many numbers each.
fn with_kept<const N: usize>(lens: [usize; N], work: impl FnOnce([&mut [f32]; N])) {
    KEEP.with_borrow_mut(|keep| {
        keep.make_room(lens.iter().sum());
        let mut rest = &mut keep[..];
        work(lens.map(|len| rest.split_off_mut(..len).unwrap_or_default()));
    });
}

impl Winograd {
    /// Plans a layer with these kernels and biases. The values that its panels share, if they do, are at `values`.
    pub fn new(cut: Cut, values: usize, (panels, bias): (Arc<Panels>, Arc<Vec<f32>>), epilogue: Epilogue) -> Self {
        let largest = if cut.tiles.factor == Factor::Int16 { panels.largest() } else { Vec::new() };
        let scales =
            largest.into_iter().map(|largest| int16::factors(largest.to_bits(), KERNEL_MOST.into())[1]).collect();
        Self { cut, values, panels, bias, epilogue, scales, kept: OnceLock::new() }
    }

    /// How many groups of panels there are.
    fn groups(&self) -> usize {
        self.panels.count().div_ceil(self.cut.group)
    }

    /// All kernels in the Winograd domain, if the layer keeps them.
    fn kept(&self, kernels: &Kernels) -> Option<&[f32]> {
        let (parts, block, panels) = (self.cut.tiles.parts(), self.cut.block(), self.panels.count());
        self.cut.keeps(panels).then(|| {
            &self.kept.get_or_init(|| {
                let (mut transformed, mut room) =
                    (AlignedVec::zeros(self.cut.kernel_cells(panels)), AlignedVec::zeros(self.filter_transform_room()));
                for (index, block) in transformed.chunks_exact_mut(block).enumerate() {
                    self.filter_transform([index / parts, index % parts], kernels, &mut room, block);
                }
                transformed
            })[..]
        })
    }

    /// Numbers of memory that [`filter_transform`](Self::filter_transform) needs for itself.
    fn filter_transform_room(&self) -> usize {
        TAPS * self.cut.tiles.depth() * PANEL
    }

    /// Takes the kernels of a panel and of a part of the channels to the Winograd domain.
    fn filter_transform(&self, [panel, part]: [usize; 2], kernels: &Kernels, room: &mut [f32], out: &mut [f32]) {
        let panel = self.panels.panel(panel);
        let (channels, inputs) = (self.cut.tiles.channels(part), self.cut.tiles.input.c);
        let taps = taps(&panel, inputs, (channels.start, channels.len()), kernels, room);
        let layout = self.cut.kernels(channels.len(), panel.width);
        if self.cut.tiles.factor == Factor::Int16 {
            let inverse: [f32; PANEL] = std::array::from_fn(|column| match self.scales.get(panel.first + column) {
                // Nothing, or what is no number, becomes nothing, and has such a scale.
                Some(scale) if *scale > 0.0 => 1.0 / scale,
                _ => 0.0,
            });
            kernels.filter_transform_int16(&taps, &inverse[..panel.width], layout.step(), cast_slice_mut(out));
        } else {
            kernels.filter_transform(&taps, layout.step(), out);
        }
    }

    /// What follows the outputs of a panel, if they can go to where they belong in one go: the other value and ReLU of
    /// [`Epilogue::plain`].
    fn plain(&self, panel: &Panel<'_>) -> Option<(Option<&View>, bool)> {
        self.epilogue.plain().filter(|_| panel.columns == panel.width && panel.scales.is_empty())
    }

    /// Whether all outputs of the tile at a corner are on the map.
    fn is_whole(&self, [_, top, left]: [usize; 3]) -> bool {
        top + OUTPUTS <= self.epilogue.output.h && left + OUTPUTS <= self.epilogue.output.w
    }

    /// Takes the sums of such a tile, those of such a panel, there.
    fn output_transform_store(
        &self,
        [n, top, left]: [usize; 3],
        (panel, other, relu): (&Panel<'_>, Option<&View>, bool),
        (sums, step): (&[f32], usize),
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) {
        let place = |view: &View| [view.at(n, top, left) + panel.first, view.row, view.pixel];
        let others = other.map(|view| {
            let [first, row, pixel] = place(view);
            (memory.read(view.offset..view.end()), [first - view.offset, row, pixel])
        });
        let bias = &self.bias[panel.first..][..panel.width];
        kernels.output_transform_store(
            sums,
            step,
            &TileEpilogue { bias, others, relu, memory, to: place(&self.epilogue.output) },
        );
    }

    /// Finishes the outputs of the tile at a corner.
    fn finish(
        &self,
        [n, top, left]: [usize; 3],
        panel: &Panel<'_>,
        outputs: &mut [f32],
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) {
        if !panel.scales.is_empty() {
            kernels.scale_columns(outputs, panel.scales);
        }
        let View { h, w, pixel, .. } = self.epilogue.output;
        let [rows, columns] = [OUTPUTS.min(h - top), OUTPUTS.min(w - left)];
        // All at once, or row by row where some columns are outside.
        let together = if columns == OUTPUTS { rows } else { 1 };
        for first in (0..rows).step_by(together) {
            let (mut at, mut to) = ([[n, 0, 0]; OUTPUTS * OUTPUTS], [0; OUTPUTS * OUTPUTS]);
            for y in 0..together {
                let (row, begin) = (top + first + y, self.epilogue.output.at(n, top + first + y, left) + panel.first);
                let places = y * columns..(y + 1) * columns;
                for (x, to) in to[places.clone()].iter_mut().enumerate() {
                    *to = begin + x * pixel;
                }
                // Most epilogues do not ask which pixels these are.
                if self.epilogue.looks() {
                    for (x, at) in at[places].iter_mut().enumerate() {
                        *at = [n, row, left + x];
                    }
                }
            }
            let count = together * columns;
            let outputs = &mut outputs[first * OUTPUTS * panel.width..][..count * panel.width];
            self.epilogue.store((memory, kernels), (outputs, panel, &self.bias), &at[..count], &to[..count]);
        }
    }
}

/// How the sums of so many tiles with a panel of `width` lie.
fn sums(count: usize, width: usize) -> Layout {
    Layout { factor: Factor::F32, len: count * width, scales: 0 }
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
        Numbers::Bf16(_) | Numbers::Int16(_) => rooms.for_each(|room| room.fill(f32::NAN)),
    }
    let widened = &*widened;
    std::array::from_fn(|tap| &widened[tap * len..][..len])
}

/// Where the numbers of a task are.
struct Room<'a> {
    values: &'a mut [f32],
    transformed: &'a mut [f32],
    /// What their transforms need.
    scratch: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Winograd {
    /// The sums of a chunk of tiles for the panels `group`, of one after the other.
    fn sum(
        &self,
        chunk: usize,
        group: Range<usize>,
        room: &mut Room<'_>,
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) {
        let Cut { tiles, shared, .. } = self.cut;
        let (count, kept, parts, block) = (tiles.of(chunk).len(), self.kept(kernels), tiles.parts(), self.cut.block());
        let layout = sums(count, PANEL);
        for part in 0..parts {
            let depth = tiles.channels(part).len();
            let numbers = if shared {
                let begin = self.values + (chunk * parts + part) * tiles.block();
                memory.read(begin..begin + tiles.block())
            } else {
                tiles.input_transform(tiles.of(chunk), part, (memory, kernels), room.scratch, room.values);
                &*room.values
            };
            let values = tiles.values(count, part, numbers);
            for (nth, index) in group.clone().enumerate() {
                let transformed = match kept {
                    Some(kept) => &kept[(index * parts + part) * block..][..block],
                    None => {
                        self.filter_transform([index, part], kernels, room.scratch, room.transformed);
                        &*room.transformed
                    }
                };
                let Panel { first, width, .. } = self.panels.panel(index);
                let columns = self.scales.get(first..first + width).unwrap_or_default();
                let weights = Block { layout: self.cut.kernels(depth, width), cells: transformed };
                let sums = room.sums[nth * layout.cells()..].chunks_mut(layout.step());
                for (place, sums) in sums.take(PLACES).enumerate() {
                    values.multiply(place, (&weights, width, columns), part > 0, kernels, sums);
                }
            }
        }
    }
}

impl Step for Winograd {
    fn tasks(&self) -> usize {
        self.cut.tiles.chunks() * self.groups()
    }

    fn rows(&self, task: usize) -> Range<usize> {
        self.cut.tiles.rows(task / self.groups())
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let (chunk, group) = (task / self.groups(), task % self.groups());
        let group = piece(group, self.cut.group, self.panels.count());
        let tiles = self.cut.tiles.of(chunk);
        let layout = sums(tiles.len(), PANEL);
        let lens = [
            if self.cut.shared { 0 } else { self.cut.tiles.block() },
            self.cut.block(),
            self.filter_transform_room().max(self.cut.tiles.room()),
            layout.cells() * group.len(),
            OUTPUTS * OUTPUTS * PANEL,
        ];
        with_kept(lens, |[values, transformed, scratch, sums, outputs]| {
            let mut room = Room { values, transformed, scratch, sums };
            self.sum(chunk, group.clone(), &mut room, (memory, kernels));
            for (nth, index) in group.enumerate() {
                let panel = self.panels.panel(index);
                let (outputs, plain) = (&mut outputs[..OUTPUTS * OUTPUTS * panel.width], self.plain(&panel));
                for (index, corner) in self.cut.tiles.corners(tiles.clone()).enumerate() {
                    let sums = &room.sums[nth * layout.cells() + index * panel.width..];
                    match plain {
                        Some((other, relu)) if self.is_whole(corner) => {
                            self.output_transform_store(
                                corner,
                                (&panel, other, relu),
                                (sums, layout.step()),
                                (memory, kernels),
                            );
                        }
                        _ => {
                            kernels.output_transform(sums, layout.step(), panel.width, outputs);
                            self.finish(corner, &panel, outputs, (memory, kernels));
                        }
                    }
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
    use crate::graph::Shape;

    #[test]
    fn panels_share_pixels_if_they_are_many() {
        let cut = |side: usize, channels: usize, panels: usize, threads: usize| {
            let input = View::dense(0, &Shape::map(1, side, side, channels));
            Cut::new(Factor::F32, input, (Padding::all(1), false), [side; 2], panels, threads)
        };
        let shares = |cut: Cut| cut.values().is_some();
        assert!(shares(cut(64, 320, 10, 2)) && shares(cut(8, 1280, 40, 2)));
        assert!(!shares(cut(64, 320, 1, 2)), "one panel has nobody to share with");
        assert!(!shares(cut(256, 64, 2, 2)), "a task does both panels");
        assert!(!shares(cut(256, 640, 20, 2)), "there is no room for so many");
        // Shared or not, no thread is without work.
        for (side, channels, panels) in [(64, 320, 10), (32, 640, 20), (256, 640, 20)] {
            let cut = cut(side, channels, panels, 16);
            assert!(cut.tiles.chunks() * panels.div_ceil(cut.group) >= 32, "{cut:?}");
        }
    }

    #[test]
    fn tasks_that_make_kernels_do_more_tiles() {
        for (factor, channels, panels, tiles) in [
            (Factor::F32, 64, 2, OWN_TILES),
            (Factor::F32, 128, 4, FILTER_TRANSFORM_TILES),
            (Factor::Int16, 128, 4, OWN_TILES),
        ] {
            let input = View::dense(0, &Shape::map(1, 256, 256, channels));
            let cut = Cut::new(factor, input, (Padding::all(1), false), [256; 2], panels, 2);
            assert!(!cut.shared && cut.tiles.chunk == tiles, "{cut:?}");
            assert_eq!(cut.keeps(panels), tiles == OWN_TILES);
        }
    }

    #[test]
    fn threads_share_small_maps_evenly() {
        for (side, threads, chunks) in [(32, 1, 3), (32, 2, 4), (32, 3, 3), (64, 2, 11), (32, 16, 5), (8, 2, 1)] {
            let input = View::dense(0, &Shape::map(1, side, side, 32));
            let cut = Cut::new(Factor::F32, input, (Padding::all(1), false), [side; 2], 1, threads);
            assert_eq!(cut.tiles.chunks(), chunks, "{cut:?}");
            assert!(cut.tiles.count() + cut.tiles.chunk > chunks * cut.tiles.chunk, "{cut:?}");
        }
    }

    #[test]
    fn kernels_in_less_room_are_the_same_kernels() {
        let (columns, inputs, room) = (41, 96, &mut vec![0.0; TAPS * DEPTH * PANEL]);
        let weight = |output: usize, row: usize| ((output * 31 + row * 7) % 255) as f32 - 127.0;
        let exact = Panels::new(Kind::F32, columns, TAPS * inputs, weight);
        let f16s = Panels::f16(columns, TAPS * inputs, |o, row| f16::from_f32(weight(o, row)));
        let small = Panels::int8(Factor::F32, TAPS * inputs, vec![1.0; columns], |o, row| weight(o, row) as i8);
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            for (index, part) in [(0, (0, DEPTH)), (1, (DEPTH, inputs - DEPTH))] {
                let expected = taps(&exact.panel(index), inputs, part, &kernels, &mut []).map(<[f32]>::to_vec);
                for panels in [&f16s, &small] {
                    assert_eq!(taps(&panels.panel(index), inputs, part, &kernels, room), expected);
                }
                let at = (4 * inputs + part.0 + 3, 2);
                assert_eq!(expected[4][3 * exact.panel(index).width + at.1], weight(index * PANEL + at.1, at.0));
            }
        }
    }
}
