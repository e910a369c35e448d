//! Convolutions and matrix products. A matrix product over channels is a convolution with a kernel of one pixel.

mod few_pixels;
mod int16;

use std::cell::{Cell, RefCell};
use std::ops::Range;

use half::bf16;

use super::layer::{Layer, Part};
use super::{Epilogue, Step, piece};
use crate::exec::cpu::aligned_vec::AlignedVec;
use crate::exec::cpu::kernels::int16::Scales;
use crate::exec::cpu::kernels::{Kernels, LANES, MAX_ROWS, NARROW, PANEL, Sums, Tile};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::{Factor, Numbers, Panel};
use crate::exec::planner::{Kind, View};

/// Arithmetic worth a task of its own: some ten microseconds.
const TASK_FLOPS: usize = 1 << 20;
/// Tasks for each thread at most.
const TASKS_PER_THREAD: usize = 8;
/// Numbers of input that a task works through before it turns to the next panel: they stay in the L2 cache.
const CHUNK_VALUES: usize = 1 << 17;

/// Weights for each value from which on tasks share out panels instead of outputs, where each quantizes the values for itself.
const ALONE: usize = 8;

/// A convolution and what follows it.
pub struct Conv {
    input: View,
    epilogue: Epilogue,
    layer: Layer,
    /// Where the runs of values under a kernel begin, and their length.
    taps: Vec<usize>,
    run: usize,
    /// Outputs of a task at most.
    chunk: usize,
    /// Panels of a task.
    group: usize,
    /// Whether weights are more than values: then those who share the tasks share the panels.
    heavy: bool,
    /// By part of the layer: the first of its tasks, then the end of all.
    firsts: Vec<usize>,
}

/// What a task does: some panels of a part of the layer for some outputs of sample `n`.
struct Task<'a> {
    part: &'a Part,
    n: usize,
    pixels: Range<usize>,
    group: usize,
}

/// What a task reads, as its weights want it.
#[derive(Clone, Copy)]
struct Input<'a> {
    /// Where it begins in memory.
    first: usize,
    exact: &'a [f32],
    rounded: &'a [bf16],
    /// Integers, and by what those are to be multiplied that each output of the task has under each row of the kernel: of all
    /// outputs for one row after the other.
    int16: (&'a [i16], &'a [f32]),
}

/// Outputs one after the other: of a part of the layer, for sample `n`. Their places are counted so that nothing need be added to
/// them: a vector read from numbers just written one by one would wait for all of them.
struct Outputs<'a> {
    part: &'a Part,
    n: usize,
    /// Where in memory the input of the task begins.
    input: usize,
    /// The first output of the panel.
    output: usize,
}

/// Where the next output is: its row and column in the grid of its part, where its values begin in the input, and where it belongs.
struct Cursor {
    y: usize,
    x: usize,
    from: usize,
    to: usize,
}

/// Of each pixel of a tile: where its values begin, where its results go, and which it is, if somebody asks.
struct Spots {
    from: [usize; MAX_ROWS],
    to: [usize; MAX_ROWS],
    at: [[usize; 3]; MAX_ROWS],
}

impl Spots {
    const NONE: Self = Self { from: [0; MAX_ROWS], to: [0; MAX_ROWS], at: [[0; 3]; MAX_ROWS] };
}

thread_local! {
    /// Where each thread keeps the rounded values of its task.
    static ROUNDED: RefCell<AlignedVec<bf16>> = const { RefCell::new(AlignedVec::EMPTY) };
    /// The same as integers, with the scale of each row.
    static INT16: RefCell<int16::Room> = const { RefCell::new((AlignedVec::EMPTY, AlignedVec::EMPTY)) };
    /// Where each thread keeps the panel it works with and its gates, if they are kept in less room.
    static WIDE: Cell<[Wide; 2]> = const { Cell::new([Wide::NONE, Wide::NONE]) };
}

/// A panel that is kept in less room, as the kernels want it. Made once for all outputs of a task, it costs a few hundredths of them.
struct Wide {
    exact: AlignedVec<f32>,
    rounded: AlignedVec<bf16>,
    int16: AlignedVec<i16>,
}

impl Default for Wide {
    fn default() -> Self {
        Self::NONE
    }
}

/// Weights as they are multiplied.
#[derive(Clone, Copy)]
enum Factors<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    Int16(&'a [i16]),
}

impl Wide {
    const NONE: Self = Self { exact: AlignedVec::EMPTY, rounded: AlignedVec::EMPTY, int16: AlignedVec::EMPTY };

    /// `panel` as it is multiplied, with its weights as `factor`s, which most are.
    fn take<'a>(&'a mut self, panel: Panel<'a>, factor: Factor, kernels: &Kernels) -> (Panel<'a>, Factors<'a>) {
        match panel.weights {
            Numbers::Bf16(weights) if panel.width <= NARROW && kernels.fills => {
                let rows = weights.len() / panel.width;
                (Panel { width: LANES, ..panel }, Factors::Bf16(self.fill(weights, rows)))
            }
            _ => (panel, self.weights(&panel, factor, kernels)),
        }
    }

    /// Outputs of `rows` weights, one after the other, as a panel of [`LANES`], most of them zeros.
    fn fill(&mut self, weights: &[bf16], rows: usize) -> &[bf16] {
        let panel = self.rounded.room(rows * LANES);
        panel.fill(bf16::ZERO);
        for (output, weights) in weights.chunks_exact(rows).enumerate() {
            for (pair, place) in weights.chunks_exact(2).zip(panel.chunks_exact_mut(2 * LANES)) {
                place[2 * output..][..2].copy_from_slice(pair);
            }
        }
        panel
    }

    fn weights<'a>(&'a mut self, panel: &Panel<'a>, factor: Factor, kernels: &Kernels) -> Factors<'a> {
        match (panel.weights, factor) {
            (Numbers::F32(weights), _) => Factors::F32(weights),
            (Numbers::Bf16(weights), _) => Factors::Bf16(weights),
            (Numbers::Int16(weights), _) => Factors::Int16(weights),
            (Numbers::F16(weights), _) => {
                let exact = self.exact.room(weights.len());
                kernels.widen_f16(weights, exact);
                Factors::F32(exact)
            }
            (Numbers::Int8(weights), Factor::F32) => {
                let exact = self.exact.room(weights.len());
                kernels.widen(weights, exact);
                Factors::F32(exact)
            }
            (Numbers::Int8(weights), Factor::Int16) => {
                let int16 = self.int16.room(weights.len());
                kernels.widen_int16(weights, int16);
                Factors::Int16(int16)
            }
            (Numbers::Int8(weights), Factor::Bf16) => {
                let rounded = self.rounded.room(weights.len());
                kernels.widen_bf16(weights, rounded);
                Factors::Bf16(rounded)
            }
        }
    }
}

impl Conv {
    /// Plans a layer over `input` (with its zeros around) for so many threads and tiles of so many rows.
    pub fn new(input: View, layer: Layer, epilogue: Epilogue, (threads, rows): (usize, usize)) -> Self {
        let (taps, run) = taps(&input, layer.side);
        let pixels = layer.parts.iter().map(|part| part.grid[0] * part.grid[1]);
        let (all, most) = (pixels.clone().sum::<usize>(), pixels.fold(1, usize::max));
        let (depth, outputs, count) = (taps.len() * run, epilogue.output.c, count(&layer));
        let int16 = input.kind == Kind::F32 && layer.parts[0].panels.factor() == Factor::Int16;
        let wanted = (2 * input.n * all * depth * outputs / TASK_FLOPS).clamp(1, TASKS_PER_THREAD * threads);
        // Parts are of one size, but for those at edges, which are small.
        let wanted = wanted.div_ceil(input.n * (all / most).max(1));
        let heavy = depth * outputs > most * input.c * if int16 { ALONE } else { 1 };
        let groups = if heavy { wanted.min(count) } else { 1 };
        // Each panel is read once, if that leaves the same work for all.
        let chunks = if heavy && groups.is_multiple_of(threads) { 1 } else { wanted.div_ceil(groups) };
        let chunks = chunks.min(most.div_ceil(rows));
        let groups = if heavy { groups } else { wanted.div_ceil(chunks).min(count) };
        let cached = (CHUNK_VALUES / (input.c * layer.stride * layer.stride)).max(4 * rows);
        let chunk = most.div_ceil(chunks).min(cached).next_multiple_of(rows);
        let group = count.div_ceil(groups);
        let mut conv = Self { input, epilogue, layer, taps, run, chunk, group, heavy, firsts: vec![0] };
        for part in 0..conv.layer.parts.len() {
            let tasks = input.n * conv.chunks(&conv.layer.parts[part]) * count.div_ceil(group);
            conv.firsts.push(conv.firsts[part] + tasks);
        }
        conv
    }

    /// Panels of results.
    fn count(&self) -> usize {
        count(&self.layer)
    }

    /// Into how many pieces the outputs of a part are cut.
    fn chunks(&self, part: &Part) -> usize {
        (part.grid[0] * part.grid[1]).div_ceil(self.chunk)
    }

    /// Where the values under a kernel begin for the output at a row and column of a part for sample `n`.
    fn origin(&self, part: &Part, n: usize, [y, x]: [usize; 2]) -> usize {
        let View { offset, image, row, pixel, .. } = self.input;
        let Layer { stride, padding, .. } = self.layer;
        let from = [y * stride + part.from[0], x * stride + part.from[1]];
        offset + n * image + from[0] * row + from[1] * pixel - padding.top * row - padding.left * pixel
    }

    /// Row and column of an output of a part.
    fn output(&self, part: &Part, [y, x]: [usize; 2]) -> [usize; 2] {
        [part.first[0] + y * self.layer.spread, part.first[1] + x * self.layer.spread]
    }

    /// Where an output is.
    fn cursor(&self, outputs: &Outputs<'_>, [y, x]: [usize; 2]) -> Cursor {
        let [row, column] = self.output(outputs.part, [y, x]);
        let from = self.origin(outputs.part, outputs.n, [y, x]) - outputs.input;
        Cursor { y, x, from, to: self.epilogue.output.at(outputs.n, row, column) + outputs.output }
    }

    /// The next `count` outputs, and the cursor behind them. Row by row of the grid: finding each output anew would cost as much
    /// as its products.
    fn advance(&self, outputs: &Outputs<'_>, mut cursor: Cursor, count: usize, spots: &mut Spots) -> Cursor {
        let (spread, columns) = (self.layer.spread, outputs.part.grid[1]);
        let steps = [self.layer.stride * self.input.pixel, spread * self.epilogue.output.pixel];
        let (mut done, looks) = (0, self.epilogue.looks());
        while done < count {
            let run = (columns - cursor.x).min(count - done);
            let places = spots.from[done..][..run].iter_mut().zip(&mut spots.to[done..][..run]).enumerate();
            for (i, (from, to)) in places {
                (*from, *to) = (cursor.from + i * steps[0], cursor.to + i * steps[1]);
            }
            if looks {
                let [y, x] = self.output(outputs.part, [cursor.y, cursor.x]);
                for (i, at) in spots.at[done..][..run].iter_mut().enumerate() {
                    *at = [outputs.n, y, x + i * spread];
                }
            }
            done += run;
            (cursor.x, cursor.from, cursor.to) =
                (cursor.x + run, cursor.from + run * steps[0], cursor.to + run * steps[1]);
            if cursor.x == columns {
                cursor = self.cursor(outputs, [cursor.y + 1, 0]);
            }
        }
        cursor
    }

    /// Does a task. What it reads lies in one range, which is rounded first when the weights are bf16 and it is not.
    fn work(&self, task: &Task<'_>, (memory, kernels): (MemoryRef<'_>, &Kernels)) {
        let Task { part, n, pixels, .. } = task;
        let reach = self.taps.iter().fold(0, |reach: usize, tap| reach.max(*tap)) + self.run;
        let [first, last] = [pixels.start, pixels.end - 1].map(|output| self.origin(part, *n, part.place(output)));
        let range = first..last + reach;
        let input = Input { first: range.start, exact: &[], rounded: &[], int16: (&[], &[]) };
        let work = |input: &Input<'_>| self.multiply(task, input, (memory, kernels));
        match (self.input.kind, part.panels.factor()) {
            (Kind::Half, _) => work(&Input { rounded: memory.read_bf16(range), ..input }),
            (Kind::F32, Factor::F32) => work(&Input { exact: memory.read(range), ..input }),
            (Kind::F32, Factor::Int16) => {
                INT16.with_borrow_mut(|room| work(&self.quantize(task, (memory, kernels), room)));
            }
            (Kind::F32, Factor::Bf16) => ROUNDED.with_borrow_mut(|rounded| {
                let values = memory.read(range);
                let rounded = rounded.room(values.len());
                kernels.narrow(values, rounded);
                work(&Input { rounded, ..input });
            }),
        }
    }

    /// The products, and what follows them.
    fn multiply(&self, task: &Task<'_>, input: &Input<'_>, (memory, kernels): (MemoryRef<'_>, &Kernels)) {
        if self.has_few_pixels(task) {
            return self.multiply_few_pixels(task, input, (memory, kernels));
        }
        let Task { part, n, ref pixels, group } = *task;
        let (mut sums, mut gates, mut spots) = (Sums::ZERO, Sums::ZERO, Spots::NONE);
        // A narrow panel is no matter of registers: as many rows as there is room for, for what is done once a tile.
        let most = if self.epilogue.output.c <= NARROW { MAX_ROWS } else { kernels.rows };
        let tiles = pixels.len().div_ceil(most);
        let rows = pixels.len().div_ceil(tiles);
        let mut wide = WIDE.take();
        let [own, other] = &mut wide;
        let panels = piece(group, self.group, self.count());
        for index in panels.clone() {
            // What this thread multiplies next, most likely.
            let next = index + 1;
            let ahead = |first: usize| {
                if next < self.count() { part.panels.panel(first + next).weights.bytes() } else { &[] }
            };
            let factor = part.panels.factor();
            let (panel, weights) = own.take(part.panels.panel(index), factor, kernels);
            let factors = (weights, ahead(0));
            let gate = self.layer.gate.as_ref().map(|biases| {
                let (panel, weights) = other.take(part.panels.panel(self.count() + index), factor, kernels);
                (panel, (weights, ahead(self.count())), biases)
            });
            let outputs = Outputs { part, n, input: input.first, output: panel.first };
            let mut cursor = self.cursor(&outputs, part.place(pixels.start));
            for (nth, first) in pixels.clone().step_by(rows).enumerate() {
                let count = rows.min(pixels.end - first);
                cursor = self.advance(&outputs, cursor, count, &mut spots);
                self.epilogue.prefetch(memory, &panel, &spots.at[..count], &spots.to[..count]);
                let out = &mut sums.0[..count * panel.width];
                let product = |(weights, ahead): (Factors<'_>, &[u8]), panel: &Panel<'_>, out: &mut [f32]| {
                    let ahead = &ahead[piece(nth, ahead.len().div_ceil(tiles), ahead.len())];
                    let (places, taps, run, width, hold) =
                        (&spots.from[..count], &*self.taps, self.run, panel.width, false);
                    match weights {
                        Factors::F32(weights) => {
                            let tile =
                                Tile { input: input.exact, pixels: places, taps, run, weights, width, hold, ahead };
                            if width <= NARROW { kernels.dots(&tile, out) } else { kernels.tile(&tile, out) }
                        }
                        Factors::Int16(weights) => {
                            let (input, scales) = input.int16;
                            let tile = Tile { input, pixels: places, taps, run, weights, width, hold, ahead };
                            let (rows, step) = (&scales[first - pixels.start..], pixels.len());
                            return kernels.tile_int16(&tile, Scales { rows, step, columns: panel.scales }, out);
                        }
                        Factors::Bf16(weights) => {
                            let tile =
                                Tile { input: input.rounded, pixels: places, taps, run, weights, width, hold, ahead };
                            if width <= NARROW { kernels.dots_bf16(&tile, out) } else { kernels.tile_bf16(&tile, out) }
                        }
                    }
                    if !panel.scales.is_empty() {
                        kernels.scale_columns(out, panel.scales);
                    }
                };
                product(factors, &panel, out);
                if let Some((other, factors, biases)) = &gate {
                    let gates = &mut gates.0[..count * other.width];
                    product(*factors, other, gates);
                    kernels.gate(out, gates, [&biases[panel.first..][..PANEL], &biases[other.first..][..PANEL]]);
                }
                self.epilogue.store(
                    (memory, kernels),
                    (out, &panel, &part.bias),
                    &spots.at[..count],
                    &spots.to[..count],
                );
            }
        }
        WIDE.set(wide);
    }

    /// What a task does.
    fn split(&self, task: usize) -> Task<'_> {
        let index = self.firsts.partition_point(|first| *first <= task) - 1;
        let (part, task) = (&self.layer.parts[index], task - self.firsts[index]);
        let (groups, chunks) = (self.count().div_ceil(self.group), self.chunks(part));
        // Threads have tasks that lie together: some rows of the map, or some panels.
        let places = self.input.n * chunks;
        let (group, place) = if self.heavy { (task / places, task % places) } else { (task % groups, task / groups) };
        let pixels = piece(place % chunks, self.chunk, part.grid[0] * part.grid[1]);
        Task { part, n: place / chunks, pixels, group }
    }
}

impl Step for Conv {
    fn tasks(&self) -> usize {
        self.firsts.last().copied().unwrap_or_default()
    }

    fn rows(&self, task: usize) -> Range<usize> {
        let Task { part, pixels, .. } = self.split(task);
        let [first, last] = [pixels.start, pixels.end - 1].map(|output| self.output(part, part.place(output))[0]);
        first..last + 1
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        self.work(&self.split(task), (memory, kernels));
    }
}

/// Panels of the results of each part. A gate's panels are as many more.
fn count(layer: &Layer) -> usize {
    layer.parts[0].panels.count() / if layer.gate.is_some() { 2 } else { 1 }
}

/// Where the runs of values under a kernel begin, and their length: whole rows of the kernel where pixels touch.
fn taps(input: &View, side: usize) -> (Vec<usize>, usize) {
    if input.pixel == input.c || side == 1 {
        return ((0..side).map(|y| y * input.row).collect(), side * input.c);
    }
    let taps = (0..side * side).map(|tap| tap / side * input.row + tap % side * input.pixel);
    (taps.collect(), input.c)
}
