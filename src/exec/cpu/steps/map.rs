//! Work on one element at a time.

use std::ops::Range;

use super::{PostView, Step, finish, piece, write};
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::planner::View;

/// Copies a value and does something to each element. A task does some rows.
pub struct Map {
    /// What is read.
    pub input: View,
    /// Where to.
    pub output: View,
    /// What is done.
    pub posts: Vec<PostView>,
    /// Rows of a task.
    pub per_task: usize,
}

impl Map {
    /// Whether a row of pixels can be handled like one pixel with many channels.
    fn is_flat(&self) -> bool {
        let plain = |post: &PostView| match post {
            PostView::Activate(_) | PostView::Affine { .. } => true,
            PostView::Add(view) | PostView::Mul(view) => {
                view.c == self.input.c && view.pixels_touch() && view.pixel != 0
            }
        };
        self.input.pixels_touch() && self.output.pixels_touch() && self.posts.iter().all(plain)
    }
}

impl Step for Map {
    fn tasks(&self) -> usize {
        (self.input.n * self.input.h).div_ceil(self.per_task)
    }

    fn rows(&self, task: usize) -> Range<usize> {
        piece(task, self.per_task, self.input.h)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let View { n, h, w, c, .. } = self.input;
        let (steps, count) = if self.is_flat() { (1, w * c) } else { (w, c) };
        for row in piece(task, self.per_task, n * h) {
            let (n, y) = (row / h, row % h);
            for x in 0..steps {
                let from = self.input.at(n, y, x);
                let out = memory.write(self.output.at(n, y, x), count);
                let from = memory.read(from..from + count);
                let posts = match &self.posts[..] {
                    // While it is copied: what was stored a moment ago could not be loaded again before it has reached the cache.
                    [PostView::Affine { scale, shift }, rest @ ..] => {
                        out.iter_mut().zip(from).for_each(|(out, v)| *out = v * scale + shift);
                        rest
                    }
                    all => {
                        out.copy_from_slice(from);
                        all
                    }
                };
                for post in posts {
                    match post {
                        // One number for all channels.
                        PostView::Add(view) if view.c == 1 && c != 1 => {
                            let other = memory.read(view.at(n, y, x)..view.at(n, y, x) + 1)[0];
                            out.iter_mut().for_each(|v| *v += other);
                        }
                        PostView::Mul(view) if view.c == 1 && c != 1 => {
                            let other = memory.read(view.at(n, y, x)..view.at(n, y, x) + 1)[0];
                            kernels.scale(out, other);
                        }
                        post => {
                            let post = std::slice::from_ref(post);
                            finish((kernels, memory), post, (&mut *out, count), &[[n, y, x]], (0, count));
                        }
                    }
                }
            }
        }
    }
}

/// The first half of the channels times the GELU of the second. A task does some positions.
pub struct Geglu {
    /// What is read, twice as wide.
    pub input: View,
    /// Where to.
    pub output: View,
    /// Positions of a task.
    pub per_task: usize,
}

impl Step for Geglu {
    fn tasks(&self) -> usize {
        (self.input.n * self.input.positions()).div_ceil(self.per_task)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let View { n, h, w, c, .. } = self.input;
        for position in piece(task, self.per_task, n * h * w) {
            let (n, y, x) = (position / (h * w), position / w % h, position % w);
            let from = self.input.at(n, y, x);
            write(&self.output, self.output.at(n, y, x), self.output.c, (memory, kernels), |out| {
                kernels.geglu(memory.read(from..from + c), out);
            });
        }
    }
}
