//! Group and layer normalisation.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{PostView, Step, finish, piece, write};
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::planner::{Kind, View};
use crate::graph::Activation;

/// Scale and shift per channel, and what is added to the variance.
#[derive(Clone)]
pub struct Norm {
    /// Factor per channel.
    pub scale: Arc<Vec<f32>>,
    /// Summand per channel.
    pub shift: Arc<Vec<f32>>,
    /// Added to the variance.
    pub eps: f32,
}

/// Pixels summed in f32, or up to twice as many, before their sum goes to f64.
const RUN: usize = 64;

/// Factor and summand of each channel of each sample, from the step that measures to the step that normalises.
pub struct Factors {
    /// For each sample all factors, then all summands, as the bits of f32.
    bits: Vec<AtomicU32>,
    channels: usize,
}

impl Factors {
    /// Room for so many samples and channels.
    pub fn new(samples: usize, channels: usize) -> Self {
        Self { bits: (0..2 * samples * channels).map(|_| AtomicU32::new(0)).collect(), channels }
    }

    fn put(&self, n: usize, channel: usize, [factor, summand]: [f32; 2]) {
        let at = 2 * n * self.channels + channel;
        self.bits[at].store(factor.to_bits(), Ordering::Relaxed);
        self.bits[at + self.channels].store(summand.to_bits(), Ordering::Relaxed);
    }

    /// All factors of a sample, then all summands.
    fn take(&self, n: usize, out: &mut Vec<f32>) {
        let of = 2 * n * self.channels..2 * (n + 1) * self.channels;
        out.clear();
        out.extend(self.bits[of].iter().map(|bits| f32::from_bits(bits.load(Ordering::Relaxed))));
    }
}

/// Room for the numbers of a task.
struct Room {
    /// Of each channel the sum, and that of the squares.
    totals: [Vec<f64>; 2],
    /// The same of a run.
    sums: [Vec<f32>; 2],
    /// Factors and summands.
    factors: Vec<f32>,
}

thread_local! {
    /// Where each thread keeps the numbers of its task. Asking for zeros in each task, threads would wait for each other longer than
    /// a small one takes: allocators have a lock.
    static KEEP: RefCell<Room> = const {
        RefCell::new(Room { totals: [Vec::new(), Vec::new()], sums: [Vec::new(), Vec::new()], factors: Vec::new() })
    };
}

/// So many zeros.
fn zeros<T: Copy + Default>(numbers: &mut Vec<T>, count: usize) -> &mut [T] {
    numbers.clear();
    numbers.resize(count, T::default());
    numbers
}

/// Measures each sample over all positions and the channels of each group. A task does some groups of a sample.
///
/// It reads once more what the step before has just written, which is quick: a fortieth of a step of the default model and less
/// than a hundredth of one of Stable Diffusion 1.5. Sums taken while tiles are stored would save a part of that and have to
/// follow every way a map can be made: concatenated, doubled, rounded, cut into tasks.
pub struct Moments {
    /// What is measured.
    pub input: View,
    /// The numbers.
    pub norm: Norm,
    /// Groups.
    pub groups: usize,
    /// Groups of a task.
    pub per_task: usize,
    /// Where to.
    pub factors: Arc<Factors>,
}

impl Moments {
    /// The channels `first..first + count` of sample `n`. Differences from the first pixel are summed, so that a large mean
    /// costs no digits; runs in f32, their sums in f64.
    fn measure(
        &self,
        n: usize,
        (first, count): (usize, usize),
        (memory, kernels): (MemoryRef<'_>, &Kernels),
        Room { totals, sums, .. }: &mut Room,
    ) {
        let View { h, w, .. } = self.input;
        let start = self.input.at(n, 0, 0) + first;
        let origin = memory.read(start..start + count);
        let [totals, total_squares] = totals.each_mut().map(|totals| zeros(totals, count));
        let [sums, squares] = sums.each_mut().map(|sums| zeros(sums, count));
        let mut summed = 0;
        for y in 0..h {
            for x in (0..w).step_by(RUN) {
                let last = (x + RUN).min(w) - 1;
                let (begin, end) = (self.input.at(n, y, x) + first, self.input.at(n, y, last) + first + count);
                kernels.moments(memory.read(begin..end), self.input.pixel, origin, sums, squares);
                summed += last + 1 - x;
                // Of a narrow map several rows are one run: going to f64 costs as much as some pixels.
                if summed < RUN && y + 1 < h {
                    continue;
                }
                summed = 0;
                for (total, sum) in totals.iter_mut().zip(&mut *sums) {
                    *total += f64::from(std::mem::take(sum));
                }
                for (total, sum) in total_squares.iter_mut().zip(&mut *squares) {
                    *total += f64::from(std::mem::take(sum));
                }
            }
        }
        let (pixels, width) = ((h * w) as f64, self.input.c / self.groups);
        // From sums to the mean of each channel, and its sum of squared differences from that.
        let share = 1.0 / pixels;
        for ((total, squares), origin) in totals.iter_mut().zip(&mut *total_squares).zip(origin) {
            *squares -= *total * *total * share;
            *total = f64::from(*origin) + *total * share;
        }
        for group in (0..count).step_by(width) {
            let channels = group..group + width;
            let (means, squares) = (&totals[channels.clone()], &total_squares[channels.clone()]);
            let mean = means.iter().sum::<f64>() / width as f64;
            let between: f64 = means.iter().map(|own| (own - mean) * (own - mean)).sum();
            let variance = (squares.iter().sum::<f64>() + pixels * between) / (pixels * width as f64);
            let factor = 1.0 / (variance.max(0.0) + f64::from(self.norm.eps)).sqrt();
            for c in channels {
                let scale = factor * f64::from(self.norm.scale[first + c]);
                let shift = f64::from(self.norm.shift[first + c]) - mean * scale;
                self.factors.put(n, first + c, [scale as f32, shift as f32]);
            }
        }
    }
}

impl Step for Moments {
    fn tasks(&self) -> usize {
        self.input.n * self.groups.div_ceil(self.per_task)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let parts = self.groups.div_ceil(self.per_task);
        let (n, groups) = (task / parts, piece(task % parts, self.per_task, self.groups));
        let width = self.input.c / self.groups;
        let channels = (groups.start * width, groups.len() * width);
        KEEP.with_borrow_mut(|room| self.measure(n, channels, (memory, kernels), room));
    }
}

/// Gives each channel of each sample its measured factor and summand. A task does some rows of a sample.
pub struct GroupNorm {
    /// What is normalised.
    pub input: View,
    /// Where to.
    pub output: View,
    /// What was measured.
    pub factors: Arc<Factors>,
    /// What follows: functions of each element.
    pub posts: Vec<PostView>,
    /// Rows of a task.
    pub per_task: usize,
}

impl Step for GroupNorm {
    fn tasks(&self) -> usize {
        self.input.n * self.input.h.div_ceil(self.per_task)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let View { h, w, c, pixel, .. } = self.input;
        let parts = h.div_ceil(self.per_task);
        let n = task / parts;
        KEEP.with_borrow_mut(|Room { factors, .. }| {
            self.factors.take(n, factors);
            let (scale, shift) = factors.split_at(c);
            // Pixels in one go.
            let run = if self.output.pixels_touch() { w } else { 1 };
            // The usual end is no pass of its own.
            let silu = matches!(self.posts.first(), Some(PostView::Activate(Activation::Silu)));
            let posts = &self.posts[usize::from(silu)..];
            for y in piece(task % parts, self.per_task, h) {
                for x in (0..w).step_by(run) {
                    let from = self.input.at(n, y, x);
                    let values = memory.read(from..from + (run - 1) * pixel + c);
                    let (to, len) = (self.output.at(n, y, x), run * c);
                    if self.output.kind == Kind::Half && posts.is_empty() {
                        kernels.scale_shift_bf16(values, pixel, [scale, shift], silu, memory.write_bf16(to, len));
                        continue;
                    }
                    write(&self.output, to, len, (memory, kernels), |out| {
                        kernels.scale_shift(values, pixel, [scale, shift], silu, out);
                        finish((kernels, memory), posts, (out, len), &[[n, y, x]], (0, len));
                    });
                }
            }
        });
    }
}

/// Normalises each position over its channels. A task does some positions.
pub struct LayerNorm {
    /// What is normalised.
    pub input: View,
    /// Where to.
    pub output: View,
    /// The numbers.
    pub norm: Norm,
    /// Positions of a task.
    pub per_task: usize,
}

impl Step for LayerNorm {
    fn tasks(&self) -> usize {
        (self.input.n * self.input.positions()).div_ceil(self.per_task)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let View { n, h, w, c, .. } = self.input;
        for position in piece(task, self.per_task, n * h * w) {
            let (n, y, x) = (position / (h * w), position / w % h, position % w);
            let from = self.input.at(n, y, x);
            let Norm { scale, shift, eps } = &self.norm;
            write(&self.output, self.output.at(n, y, x), c, (memory, kernels), |out| {
                kernels.layer_norm(memory.read(from..from + c), scale, shift, *eps, out);
            });
        }
    }
}
