//! Group and layer normalisation.

use std::sync::Arc;

use super::{PostView, Step, finish, piece};
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::Desk;
use crate::exec::cpu::view::View;

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

/// Pixels summed in f32 before their sum goes to f64.
const RUN: usize = 64;

/// Normalises each sample over all positions and the channels of each group. A task does some groups of a sample.
pub struct GroupNorm {
    /// What is normalised.
    pub input: View,
    /// Where to.
    pub output: View,
    /// The numbers.
    pub norm: Norm,
    /// Groups.
    pub groups: usize,
    /// Groups of a task.
    pub per_task: usize,
    /// What follows: functions of each element.
    pub posts: Vec<PostView>,
}

impl GroupNorm {
    /// Factor and summand of each of the channels `first..first + count` of sample `n`. Differences from the first pixel are
    /// summed, so that a large mean costs no digits; runs in f32, their sums in f64.
    fn factors(&self, n: usize, first: usize, count: usize, desk: Desk<'_>, kernels: &Kernels) -> [Vec<f32>; 2] {
        let View { h, w, .. } = self.input;
        let start = self.input.at(n, 0, 0) + first;
        let origin = desk.read(start..start + count);
        let (mut totals, mut total_squares) = (vec![0.0f64; count], vec![0.0f64; count]);
        let (mut sums, mut squares) = (vec![0.0f32; count], vec![0.0f32; count]);
        for y in 0..h {
            for x in (0..w).step_by(RUN) {
                let begin = self.input.at(n, y, x) + first;
                let end = self.input.at(n, y, (x + RUN).min(w) - 1) + first + count;
                kernels.moments(desk.read(begin..end), self.input.pixel, origin, &mut sums, &mut squares);
                for (total, sum) in totals.iter_mut().zip(&mut sums) {
                    *total += f64::from(std::mem::take(sum));
                }
                for (total, sum) in total_squares.iter_mut().zip(&mut squares) {
                    *total += f64::from(std::mem::take(sum));
                }
            }
        }
        let (pixels, width) = ((h * w) as f64, self.input.c / self.groups);
        let mut factors = [vec![0.0; count], vec![0.0; count]];
        for group in (0..count).step_by(width) {
            let channels = group..group + width;
            let mean_of = |c: usize| f64::from(origin[c]) + totals[c] / pixels;
            let mean = channels.clone().map(mean_of).sum::<f64>() / width as f64;
            let spread = |c: usize| {
                let own = total_squares[c] - totals[c] * totals[c] / pixels;
                own + pixels * (mean_of(c) - mean) * (mean_of(c) - mean)
            };
            let variance = channels.clone().map(spread).sum::<f64>() / (pixels * width as f64);
            let factor = 1.0 / (variance.max(0.0) + f64::from(self.norm.eps)).sqrt();
            for c in channels {
                let scale = factor * f64::from(self.norm.scale[first + c]);
                factors[0][c] = scale as f32;
                factors[1][c] = (f64::from(self.norm.shift[first + c]) - mean * scale) as f32;
            }
        }
        factors
    }
}

impl Step for GroupNorm {
    fn tasks(&self) -> usize {
        self.input.n * self.groups.div_ceil(self.per_task)
    }

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let parts = self.groups.div_ceil(self.per_task);
        let (n, groups) = (task / parts, piece(task % parts, self.per_task, self.groups));
        let width = self.input.c / self.groups;
        let (first, count) = (groups.start * width, groups.len() * width);
        let [scale, shift] = self.factors(n, first, count, desk, kernels);
        let whole_rows = count == self.output.c && self.output.pixels_touch();
        for y in 0..self.input.h {
            for x in 0..self.input.w {
                let from = self.input.at(n, y, x) + first;
                let out = desk.write(self.output.at(n, y, x) + first, count);
                kernels.scale_shift(desk.read(from..from + count), &scale, &shift, out);
                if !whole_rows {
                    finish((kernels, desk), &self.posts, (out, count), &[[n, y, x]], (first, count));
                }
            }
            if whole_rows {
                let len = self.input.w * count;
                let row = desk.write(self.output.at(n, y, 0), len);
                finish((kernels, desk), &self.posts, (row, len), &[[n, y, 0]], (0, len));
            }
        }
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

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let View { n, h, w, c, .. } = self.input;
        for position in piece(task, self.per_task, n * h * w) {
            let (n, y, x) = (position / (h * w), position / w % h, position % w);
            let from = self.input.at(n, y, x);
            let out = desk.write(self.output.at(n, y, x), c);
            kernels.layer_norm(desk.read(from..from + c), &self.norm.scale, &self.norm.shift, self.norm.eps, out);
        }
    }
}
