//! Convolutions of 3 x 3 of bf16 numbers by Winograd along rows ([`strip`](crate::exec::cpu::kernels::strip)).
//!
//! A task takes the rows of a block of the map to the Winograd domain, multiplies them there with some panels of kernels, and takes the
//! sums back, a few strips at a time, so that these never leave the L1 cache. Kernels of small layers are taken there once, those
//! of large ones whenever they are used: there they are twice as many numbers.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use half::bf16;

use super::{Epilogue, Step, piece};
use crate::exec::cpu::aligned_vec::AlignedVec;
use crate::exec::cpu::kernels::strip::{Strips, TAPS};
use crate::exec::cpu::kernels::winograd::{OUTPUTS, SIDE};
use crate::exec::cpu::kernels::{Kernels, MAX_ROWS, PANEL, Tile, VECTOR_ROWS};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::{Numbers, Panel, Panels};
use crate::exec::planner::{Kind, View};

/// Channels that are handled at a time, so that their kernels and values in the Winograd domain stay in the L2 cache.
const DEPTH: usize = 128;
/// Numbers of the values of a block in the Winograd domain at most.
const VALUES: usize = 1 << 17;
/// Strips of a block in a row at most.
const COLUMNS: usize = 16;
/// Strips worth a task of its own.
const STRIPS: usize = 64;
/// Tasks for each thread at least where there are so many strips, so that none waits long for the last.
const TASKS_PER_THREAD: usize = 4;
/// Sums of a task at most where they are read and written for each [`DEPTH`] channels.
const SUMS: usize = 1 << 18;
/// Numbers of kernels in the Winograd domain that a layer keeps at most: they stay in a cache that all threads share.
const KEPT: usize = 1 << 20;
/// Outputs of some strips at most.
const MOST: usize = OUTPUTS * VECTOR_ROWS;
/// Sums of some strips at all places.
const BLOCK: usize = SIDE * VECTOR_ROWS * PANEL;

/// A convolution and what follows it.
pub struct StripConv {
    input: View,
    panels: Arc<Panels>,
    bias: Arc<Vec<f32>>,
    epilogue: Epilogue,
    /// Rows and strips of a block.
    block: [usize; 2],
    /// Panels of a task.
    group: usize,
    /// Kernels in the Winograd domain, panel after panel and in each part after part of the channels, once the first task asked for
    /// them.
    kept: OnceLock<AlignedVec<bf16>>,
}

/// What a task makes: of a sample, some rows and some strips of them, with some panels.
struct Task {
    n: usize,
    rows: Range<usize>,
    strips: Range<usize>,
    group: Range<usize>,
}

impl Task {
    /// How many strips that is.
    fn count(&self) -> usize {
        self.rows.len() * self.strips.len()
    }

    /// Row and column of the first output of a strip.
    fn corner(&self, strip: usize) -> [usize; 2] {
        let [y, x] = [strip / self.strips.len(), strip % self.strips.len()];
        [self.rows.start + y, OUTPUTS * (self.strips.start + x)]
    }

    /// The strips, as evenly as it goes, in pieces of [`VECTOR_ROWS`] at most.
    fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let count = self.count();
        let size = count.div_ceil(count.div_ceil(VECTOR_ROWS));
        (0..count).step_by(size).map(move |first| first..count.min(first + size))
    }
}

/// Of each output of some strips, which it is, if somebody asks, and where it goes.
struct Spots {
    at: [[usize; 3]; MOST],
    to: [usize; MOST],
}

thread_local! {
    /// Where each thread keeps the numbers of its task.
    static KEEP: RefCell<Room> = const { RefCell::new(Room { rounded: AlignedVec::EMPTY, sums: AlignedVec::EMPTY }) };
}

/// Room for the numbers of a task.
struct Room {
    /// Values in the Winograd domain, kernels there, and those that are kept in less room as they are taken there.
    rounded: AlignedVec<bf16>,
    /// Sums in the Winograd domain, and a few outputs.
    sums: AlignedVec<f32>,
}

/// Numbers of the kernels of a panel over a part of so many channels in the Winograd domain.
fn transformed_len(channels: usize) -> usize {
    SIDE * TAPS * DEPTH.min(channels) * PANEL
}

/// Whether a layer over so many channels keeps its kernels there.
fn keeps(panels: &Panels, channels: usize) -> bool {
    panels.count() * channels.div_ceil(DEPTH) * transformed_len(channels) <= KEPT
}

impl StripConv {
    /// Plans a layer with these kernels and biases over `input`, with a pixel of zeros around it, for so many threads.
    pub fn new(input: View, (panels, bias): (Arc<Panels>, Arc<Vec<f32>>), epilogue: Epilogue, threads: usize) -> Self {
        let (strips, depth) = (input.w / OUTPUTS, DEPTH.min(input.c));
        let columns = strips.div_ceil(strips.div_ceil(COLUMNS));
        let across = input.n * strips.div_ceil(columns);
        let most = (VALUES / (columns * SIDE * depth)).saturating_sub(TAPS - 1).clamp(1, input.h);
        let wanted = (input.n * input.h * strips / STRIPS).clamp(1, TASKS_PER_THREAD * threads);
        // Kernels are taken to the Winograd domain for each block, unless they are kept there; values for each group of panels, which
        // takes a fraction of that.
        let wanted = if keeps(&panels, input.c) { wanted } else { wanted.div_ceil(panels.count()) };
        let rows = input.h.div_ceil(wanted.div_ceil(across)).clamp(1, most);
        let rows = input.h.div_ceil(input.h.div_ceil(rows));
        let block = [rows, columns];
        let blocks = input.h.div_ceil(rows) * across;
        let whole = input.c <= DEPTH;
        let group = if whole { panels.count() } else { (SUMS / (rows * columns * SIDE * PANEL)).max(1) };
        let tasks = (TASKS_PER_THREAD * threads).div_ceil(blocks).max(panels.count().div_ceil(group));
        let group = panels.count().div_ceil(tasks.min(panels.count()));
        Self { input, panels, bias, epilogue, block, group, kept: OnceLock::new() }
    }

    /// How often each loop of the tasks goes round: samples, rows of blocks, blocks of a row, groups of panels.
    fn counts(&self) -> [usize; 4] {
        let View { n, h, w, .. } = self.input;
        [n, h.div_ceil(self.block[0]), (w / OUTPUTS).div_ceil(self.block[1]), self.panels.count().div_ceil(self.group)]
    }

    fn task(&self, task: usize) -> Task {
        let [_, rows, columns, groups] = self.counts();
        let (group, rest) = (task % groups, task / groups);
        let (column, rest) = (rest % columns, rest / columns);
        Task {
            n: rest / rows,
            rows: piece(rest % rows, self.block[0], self.input.h),
            strips: piece(column, self.block[1], self.input.w / OUTPUTS),
            group: piece(group, self.group, self.panels.count()),
        }
    }

    /// Takes some channels of the rows of a task to the Winograd domain, with the row before and the one behind: of row `r`, place `p`
    /// and strip `s` they begin at `((r * SIDE + p) * strips + s) * channels`.
    fn input_transform(
        &self,
        task: &Task,
        channels: Range<usize>,
        (memory, kernels): (MemoryRef<'_>, &Kernels),
        out: &mut [bf16],
    ) {
        let View { kind, offset, image, row, pixel, .. } = self.input;
        let (count, channels, begin) = (task.strips.len(), channels.len(), offset + channels.start);
        let len = (OUTPUTS * count + 1) * pixel + channels;
        let rows = out.chunks_exact_mut(SIDE * count * channels).take(task.rows.len() + TAPS - 1);
        for (y, out) in (task.rows.start..).zip(rows) {
            let from = begin + task.n * image + y * row + OUTPUTS * task.strips.start * pixel - row - pixel;
            match kind {
                Kind::F32 => {
                    let values = memory.read(from..from + len);
                    kernels.strip_input_transform(&Strips { values, pixel, channels, count }, out);
                }
                Kind::Half => {
                    let values = memory.read_bf16(from..from + len);
                    kernels.strip_input_transform_bf16(&Strips { values, pixel, channels, count }, out);
                }
            }
        }
    }

    /// Takes some channels of the kernels of a panel to the Winograd domain: those of place `p` begin at `p * TAPS * channels * width`,
    /// and are of one row of the kernel after the other.
    fn filter_transform(
        &self,
        panel: &Panel<'_>,
        channels: Range<usize>,
        kernels: &Kernels,
        widened: &mut [bf16],
        out: &mut [bf16],
    ) {
        let len = channels.len() * panel.width;
        for row in 0..TAPS {
            let range = |column: usize| {
                let first = ((row * TAPS + column) * self.input.c + channels.start) * panel.width;
                first..first + len
            };
            let out = &mut out[row * len..];
            match panel.weights {
                Numbers::Bf16(weights) => {
                    kernels.strip_filter_transform(
                        &std::array::from_fn(|column| &weights[range(column)]),
                        TAPS * len,
                        out,
                    );
                }
                Numbers::Int8(weights) => {
                    let rooms = widened.chunks_exact_mut(len).take(TAPS).enumerate();
                    rooms.for_each(|(column, room)| kernels.widen_bf16(&weights[range(column)], room));
                    kernels.strip_filter_transform(
                        &std::array::from_fn(|tap| &widened[tap * len..][..len]),
                        TAPS * len,
                        out,
                    );
                }
                // Such layers are not planned this way.
                Numbers::F32(_) | Numbers::F16(_) | Numbers::Int16(_) => out.fill(bf16::NAN),
            }
        }
    }

    /// Which kernels of a task are taken to the Winograd domain after those of a panel and a part, if any.
    fn next(&self, task: &Task, index: usize, part: usize) -> Option<(Panel<'_>, Range<usize>)> {
        let last = index + 1 == task.group.end;
        let (index, part) = if last { (task.group.start, part + 1) } else { (index + 1, part) };
        (part < self.parts() && !self.keeps()).then(|| (self.panels.panel(index), self.channels(part)))
    }

    /// The `nth` of `of` pieces of what [`filter_transform`](Self::filter_transform) reads. Asked for while others are multiplied,
    /// kernels come as fast as they are used; all at once, they would not.
    fn ahead<'a>(&self, (panel, channels): &(Panel<'a>, Range<usize>), nth: usize, of: usize) -> &'a [u8] {
        const KERNEL: usize = TAPS * TAPS;
        let bytes = panel.weights.bytes();
        let row = bytes.len() / (KERNEL * self.input.c);
        let tap = nth * KERNEL / of;
        let [first, behind] = [tap, tap + 1].map(|tap| (tap * of).div_ceil(KERNEL));
        let here = piece(nth - first, (channels.len() * row).div_ceil(behind - first), channels.len() * row);
        &bytes[(tap * self.input.c + channels.start) * row..][here]
    }

    /// Into how many parts the channels are cut.
    fn parts(&self) -> usize {
        self.input.c.div_ceil(DEPTH)
    }

    /// The channels of a part.
    fn channels(&self, part: usize) -> Range<usize> {
        piece(part, DEPTH, self.input.c)
    }

    /// Numbers of the kernels of a panel and a part in the Winograd domain.
    fn transformed_len(&self) -> usize {
        transformed_len(self.input.c)
    }

    /// Whether all kernels are kept in the Winograd domain.
    fn keeps(&self) -> bool {
        keeps(&self.panels, self.input.c)
    }

    /// All kernels in the Winograd domain, if the layer keeps them.
    fn kept(&self, kernels: &Kernels) -> Option<&[bf16]> {
        let (parts, one) = (self.parts(), self.transformed_len());
        let len = self.panels.count() * parts * one;
        self.keeps().then(|| {
            &self.kept.get_or_init(|| {
                let (mut transformed, mut widened) = (AlignedVec::zeros(len), AlignedVec::zeros(one));
                for (index, transformed) in transformed.chunks_exact_mut(one).enumerate() {
                    let (panel, channels) = (self.panels.panel(index / parts), self.channels(index % parts));
                    self.filter_transform(&panel, channels, kernels, &mut widened, transformed);
                }
                transformed
            })[..]
        })
    }

    /// The sums of some strips at all places, of place `p` and strip `s` at `(p * strips + s) * width`.
    fn multiply<'a>(
        &self,
        (task, strips): (&Task, &Range<usize>),
        (values, channels): (&[bf16], usize),
        (weights, width, hold): (&[bf16], usize, bool),
        kernels: &Kernels,
        sums: &mut [f32],
        ahead: impl Fn(usize) -> &'a [u8],
    ) {
        let (across, count) = (task.strips.len(), strips.len());
        let row = SIDE * across * channels;
        let taps: [usize; TAPS] = std::array::from_fn(|tap| tap * row);
        let mut pixels = [0; VECTOR_ROWS];
        for (pixel, strip) in pixels.iter_mut().zip(strips.clone()) {
            *pixel = strip / across * row + strip % across * channels;
        }
        let weights = weights.chunks_exact(TAPS * channels * width);
        for (place, (weights, sums)) in weights.zip(sums.chunks_exact_mut(count * width)).take(SIDE).enumerate() {
            let ahead = ahead(place);
            let (input, pixels, run) = (&values[place * across * channels..], &pixels[..count], channels);
            kernels.tile_bf16(&Tile { input, pixels, taps: &taps, run, weights, width, hold, ahead }, sums);
        }
    }

    /// Finds where the outputs of some strips with the panel whose first is `first` belong.
    fn find(&self, task: &Task, strips: &Range<usize>, first: usize, spots: &mut Spots) {
        let looks = self.epilogue.looks();
        let places = spots.at.chunks_exact_mut(OUTPUTS).zip(spots.to.chunks_exact_mut(OUTPUTS));
        for (strip, (at, to)) in strips.clone().zip(places) {
            let [y, x] = task.corner(strip);
            let begin = self.epilogue.output.at(task.n, y, x) + first;
            to.iter_mut().enumerate().for_each(|(nth, to)| *to = begin + nth * self.epilogue.output.pixel);
            if looks {
                at.iter_mut().enumerate().for_each(|(nth, at)| *at = [task.n, y, x + nth]);
            }
        }
    }

    /// Takes the sums of so many strips back and finishes their outputs.
    fn finish(
        &self,
        (spots, count): (&Spots, usize),
        panel: &Panel<'_>,
        (sums, outputs): (&[f32], &mut [f32]),
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) {
        kernels.strip_output_transform(sums, count, panel.width, outputs);
        let outputs = &mut outputs[..count * OUTPUTS * panel.width];
        if !panel.scales.is_empty() {
            kernels.scale_columns(outputs, panel.scales);
        }
        let together = OUTPUTS * count.div_ceil(count.div_ceil(MAX_ROWS / OUTPUTS));
        let places = spots.at.chunks(together).zip(spots.to.chunks(together));
        for (outputs, (at, to)) in outputs.chunks_mut(together * panel.width).zip(places) {
            let count = outputs.len() / panel.width;
            self.epilogue.store((memory, kernels), (outputs, panel, &self.bias), &at[..count], &to[..count]);
        }
    }
}

impl Step for StripConv {
    fn tasks(&self) -> usize {
        self.counts().iter().product()
    }

    fn rows(&self, task: usize) -> Range<usize> {
        self.task(task).rows
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let (task, parts, one) = (self.task(task), self.parts(), self.transformed_len());
        let (kept, pieces) = (self.kept(kernels), task.count().div_ceil(VECTOR_ROWS));
        let held = if parts > 1 { task.group.len() * pieces } else { 1 };
        let len = (task.rows.len() + TAPS - 1) * SIDE * task.strips.len() * DEPTH.min(self.input.c);
        let mut spots = Spots { at: [[0; 3]; MOST], to: [0; MOST] };
        KEEP.with_borrow_mut(|Room { rounded, sums }| {
            rounded.make_room(len + 2 * one);
            sums.make_room((held + 1) * BLOCK);
            let (values, rest) = rounded.split_at_mut(len);
            let (transformed, widened) = rest.split_at_mut(one);
            let (outputs, sums) = sums.split_at_mut(BLOCK);
            for part in 0..parts {
                let channels = self.channels(part);
                self.input_transform(&task, channels.clone(), (memory, kernels), values);
                for (nth, index) in task.group.clone().enumerate() {
                    let panel = self.panels.panel(index);
                    let next = self.next(&task, index, part);
                    let transformed = match kept {
                        Some(kept) => &kept[(index * parts + part) * one..][..one],
                        None => {
                            self.filter_transform(&panel, channels.clone(), kernels, widened, transformed);
                            &*transformed
                        }
                    };
                    for (piece, strips) in task.pieces().enumerate() {
                        let sums = &mut sums[(nth * pieces + piece) % held * BLOCK..][..BLOCK];
                        let factors = (transformed, panel.width, part > 0);
                        let ahead = |place: usize| match &next {
                            Some(next) => self.ahead(next, piece * SIDE + place, pieces * SIDE),
                            None => &[],
                        };
                        let (last, count) = (part + 1 == parts, OUTPUTS * strips.len());
                        if last {
                            self.find(&task, &strips, panel.first, &mut spots);
                            let Spots { at, to } = &spots;
                            self.epilogue.prefetch(memory, &panel, &at[..count], &to[..count]);
                        }
                        self.multiply((&task, &strips), (values, channels.len()), factors, kernels, sums, ahead);
                        if last {
                            self.finish((&spots, strips.len()), &panel, (sums, outputs), (memory, kernels));
                        }
                    }
                }
            }
        });
    }
}
