//! Between pixels of four bytes and three numbers each.

use std::ops::Range;

use super::{Step, piece};
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::planner::View;

/// Takes pictures apart, or puts them together. A task does some rows.
pub struct Pixels {
    /// What is read.
    pub input: View,
    /// Where to.
    pub output: View,
    /// Rows of a task.
    pub per_task: usize,
}

impl Step for Pixels {
    fn tasks(&self) -> usize {
        (self.input.n * self.input.h).div_ceil(self.per_task)
    }

    fn rows(&self, task: usize) -> Range<usize> {
        piece(task, self.per_task, self.input.h)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let (input, output) = (&self.input, &self.output);
        let (steps, width) = if input.pixels_touch() && output.pixels_touch() { (1, input.w) } else { (input.w, 1) };
        for row in piece(task, self.per_task, input.n * input.h) {
            let (n, y) = (row / input.h, row % input.h);
            for x in 0..steps {
                let from = memory.read(input.at(n, y, x)..input.at(n, y, x) + width * input.c);
                let to = memory.write(output.at(n, y, x), width * output.c);
                if input.c == 1 { kernels.unpack(from, to) } else { kernels.pack(from, to) }
            }
        }
    }
}
