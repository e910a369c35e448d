//! What a plan is made of: steps whose tasks any thread may do in any order.

mod attention;
mod conv;
mod copy;
mod lookup;
mod map;
mod norm;

use std::sync::Arc;

pub use attention::{Attention, PackKeys, PackedKeys};
pub use conv::{Conv, Layer};
pub use copy::{Border, Copy};
pub use lookup::Lookup;
pub use map::{Geglu, Map};
pub use norm::{Factors, GroupNorm, LayerNorm, Moments, Norm};

use super::kernels::{Kernels, MAX_ROWS, Post};
use super::memory::Desk;
use super::view::View;
use crate::graph::Activation;

/// Work that a pass through the plan does at one place. No task writes what another task of the same step reads or writes.
pub trait Step: Send + Sync {
    /// How many tasks it has.
    fn tasks(&self) -> usize;
    /// Does one of them.
    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels);
}

/// Something done to each element of a result, with the place of the other value.
#[derive(Clone)]
pub enum PostView {
    /// One number per channel is added.
    Bias(Arc<Vec<f32>>),
    /// A function of it.
    Activate(Activation),
    /// Times `scale` plus `shift`.
    Affine { scale: f32, shift: f32 },
    /// Plus another value, repeated to the size of the result.
    Add(View),
    /// Times another value, repeated to the size of the result.
    Mul(View),
}

/// Applies `posts` to rows, [`MAX_ROWS`] at most, that belong to the pixels `at` (sample, row, column): `columns` channels from `first`.
fn finish(
    (kernels, desk): (&Kernels, Desk<'_>),
    posts: &[PostView],
    rows: (&mut [f32], usize),
    at: &[[usize; 3]],
    (first, columns): (usize, usize),
) {
    for post in posts {
        let mut offsets = [0; MAX_ROWS];
        if let PostView::Add(view) | PostView::Mul(view) = post {
            for (offset, &[n, y, x]) in offsets.iter_mut().zip(at) {
                *offset = view.at(n, y, x) - view.offset + first;
            }
        }
        let offsets = &offsets[..at.len()];
        let post = match post {
            PostView::Bias(bias) => Post::Bias(&bias[first..]),
            PostView::Activate(activation) => Post::Activate(*activation),
            PostView::Affine { scale, shift } => Post::Affine { scale: *scale, shift: *shift },
            PostView::Add(view) => Post::Add { values: desk.read(view.offset..view.end()), offsets },
            PostView::Mul(view) => Post::Mul { values: desk.read(view.offset..view.end()), offsets },
        };
        kernels.finish(&mut *rows.0, rows.1, columns, std::slice::from_ref(&post));
    }
}

/// The `index`-th of pieces of `size` of `total` things.
fn piece(index: usize, size: usize, total: usize) -> std::ops::Range<usize> {
    (index * size).min(total)..((index + 1) * size).min(total)
}
