//! What a plan is made of: steps whose tasks any thread may do in any order.

mod attention;
mod conv;
mod copy;
mod epilogue;
mod keys;
mod layer;
mod lookup;
mod map;
mod norm;
mod pixels;
mod strips;
mod winograd;

use std::cell::RefCell;
use std::ops::Range;

pub use attention::Attention;
pub use conv::Conv;
pub use copy::{Border, Copy};
pub use epilogue::Epilogue;
pub use keys::{PackKeys, PackedKeys};
pub use layer::{Kernel, Layer, keeps_int16};
pub use lookup::Lookup;
pub use map::{Geglu, Map};
pub use norm::{Factors, GroupNorm, LayerNorm, Moments, Norm};
pub use pixels::Pixels;
pub use strips::StripConv;
pub use winograd::{Cut, Winograd};

use super::aligned_vec::AlignedVec;
use super::kernels::{Kernels, MAX_ROWS, Post};
use super::memory::MemoryRef;
use super::panels::Panel;
use crate::exec::planner::{Kind, View};
use crate::graph::Activation;

/// Work that a pass through the plan does at one place. No task writes what another task of the same step reads or writes.
pub trait Step: Send + Sync {
    /// How many tasks it has.
    fn tasks(&self) -> usize;
    /// Does one of them.
    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels);
    /// Which rows of its result, or of that of the step it packs for, a task makes, where there is one sample.
    fn rows(&self, task: usize) -> Range<usize> {
        let _ = task;
        0..usize::MAX
    }
}

/// A post-op: something done to each element of a result, with the place of the other value.
#[derive(Clone)]
pub enum PostView {
    /// A function of it.
    Activate(Activation),
    /// Times `scale` plus `shift`.
    Affine { scale: f32, shift: f32 },
    /// Plus another value, repeated to the size of the result.
    Add(View),
    /// Times another value, repeated to the size of the result.
    Mul(View),
}

impl PostView {
    /// Whether it reads another value.
    fn reads(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Mul(_))
    }

    /// Where the other value's channels from `first` on begin for each of the pixels `at` (sample, row, column).
    fn offsets(&self, first: usize, at: &[[usize; 3]], offsets: &mut [usize; MAX_ROWS]) {
        if let Self::Add(view) | Self::Mul(view) = self {
            let (mut row, mut begin) = ([usize::MAX; 2], 0);
            for (offset, &[n, y, x]) in offsets.iter_mut().zip(at) {
                // Most are of one row.
                if row != [n, y] {
                    (row, begin) = ([n, y], view.at(n, y, 0) - view.offset + first);
                }
                *offset = begin + x * view.pixel;
            }
        }
    }

    /// Asks for the other value's channels for the pixels `at`, unless it has the same for all.
    fn prefetch(&self, memory: MemoryRef<'_>, panel: &Panel<'_>, at: &[[usize; 3]]) {
        if let Self::Add(view) | Self::Mul(view) = self
            && view.pixel > 0
        {
            for &[n, y, x] in at {
                memory.prefetch(view.at(n, y, x) + panel.first, panel.columns);
            }
        }
    }

    /// The same for a kernel.
    fn at<'a>(&self, memory: MemoryRef<'a>, offsets: &'a [usize]) -> Post<'a> {
        match self {
            Self::Activate(activation) => Post::Activate(*activation),
            Self::Affine { scale, shift } => Post::Affine { scale: *scale, shift: *shift },
            Self::Add(view) => Post::Add { values: memory.read(view.offset..view.end()), offsets },
            Self::Mul(view) => Post::Mul { values: memory.read(view.offset..view.end()), offsets },
        }
    }
}

/// Applies `posts` to rows, [`MAX_ROWS`] at most, that belong to the pixels `at` (sample, row, column): `columns` channels from `first`.
fn finish(
    (kernels, memory): (&Kernels, MemoryRef<'_>),
    posts: &[PostView],
    rows: (&mut [f32], usize),
    at: &[[usize; 3]],
    (first, columns): (usize, usize),
) {
    for post in posts {
        let mut offsets = [0; MAX_ROWS];
        post.offsets(first, at, &mut offsets);
        let post = post.at(memory, &offsets[..at.len()]);
        kernels.finish(&mut *rows.0, rows.1, columns, std::slice::from_ref(&post));
    }
}

thread_local! {
    /// Where each thread keeps numbers on their way from or to bf16.
    static STAGE: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::EMPTY) };
}

/// Lets `make` write `len` elements of `view` from `at` on: where they belong, or, if they are stored as bf16, beside them and
/// then rounded.
fn write(
    view: &View,
    at: usize,
    len: usize,
    (memory, kernels): (MemoryRef<'_>, &Kernels),
    make: impl FnOnce(&mut [f32]),
) {
    match view.kind {
        Kind::F32 => make(memory.write(at, len)),
        Kind::Half => STAGE.with_borrow_mut(|stage| {
            stage.make_room(len);
            make(&mut stage[..len]);
            kernels.narrow(&stage[..len], memory.write_bf16(at, len));
        }),
    }
}

/// The `index`-th of pieces of `size` of `total` things.
fn piece(index: usize, size: usize, total: usize) -> Range<usize> {
    (index * size).min(total)..((index + 1) * size).min(total)
}
