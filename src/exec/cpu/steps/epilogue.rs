//! The epilogue: what follows the products of a layer. Bias, other values, functions, and the store.

use super::PostView;
use crate::exec::cpu::kernels::{Kernels, MAX_ROWS, Places, Post};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::Panel;
use crate::exec::planner::MAX_POSTS;
use crate::exec::planner::{Kind, View};
use crate::graph::Activation;

/// What is done to the sums of a layer.
pub struct Epilogue {
    /// Where results go.
    pub output: View,
    /// What is done then.
    pub posts: Vec<PostView>,
}

impl Epilogue {
    /// Whether it must know which pixels a tile has, to find other values.
    pub fn looks(&self) -> bool {
        self.posts.iter().any(PostView::reads)
    }

    /// Asks for what [`store`](Self::store) will read and write: it would wait for memory when the products are ready.
    pub fn prefetch(&self, memory: MemoryRef<'_>, panel: &Panel<'_>, at: &[[usize; 3]], to: &[usize]) {
        match self.output.kind {
            Kind::F32 => to.iter().for_each(|to| memory.prefetch(*to, panel.columns)),
            Kind::Half => to.iter().for_each(|to| memory.prefetch(to / 2, panel.columns / 2)),
        }
        for post in &self.posts {
            post.prefetch(memory, panel, at);
        }
    }

    /// The other value that is added, if any, and whether ReLU follows, where f32 are written and that is all.
    pub fn plain(&self) -> Option<(Option<&View>, bool)> {
        if self.output.kind != Kind::F32 {
            return None;
        }
        match &self.posts[..] {
            [] => Some((None, false)),
            [PostView::Add(other)] => Some((Some(other), false)),
            [PostView::Activate(Activation::Relu)] => Some((None, true)),
            [PostView::Add(other), PostView::Activate(Activation::Relu)] => Some((Some(other), true)),
            _ => None,
        }
    }

    /// Finishes the rows of a tile, sums of the outputs of `panel` to which their part of `bias` is added, that belong to the pixels
    /// `at` (sample, row, column), and puts them to `to`.
    pub fn store(
        &self,
        how: (MemoryRef<'_>, &Kernels),
        what: (&mut [f32], &Panel<'_>, &[f32]),
        at: &[[usize; 3]],
        to: &[usize],
    ) {
        // A tile is small: making room for posts that are not there would cost as much as its products.
        match self.posts.len() {
            0 => self.store_after::<0>(how, what, at, to),
            1 => self.store_after::<1>(how, what, at, to),
            2 => self.store_after::<2>(how, what, at, to),
            _ => self.store_after::<MAX_POSTS>(how, what, at, to),
        }
    }

    fn store_after<const POSTS: usize>(
        &self,
        (memory, kernels): (MemoryRef<'_>, &Kernels),
        (tile, panel, bias): (&mut [f32], &Panel<'_>, &[f32]),
        at: &[[usize; 3]],
        to: &[usize],
    ) {
        let mut offsets = [[0; MAX_ROWS]; POSTS];
        for (post, offsets) in self.posts.iter().zip(&mut offsets) {
            post.offsets(panel.first, at, offsets);
        }
        let nothing = Post::Affine { scale: 1.0, shift: 0.0 };
        let posts: [Post<'_>; POSTS] = std::array::from_fn(|index| match self.posts.get(index) {
            Some(post) => post.at(memory, &offsets[index][..to.len()]),
            None => nothing,
        });
        let (bias, posts) = (&bias[panel.first..], &posts[..self.posts.len()]);
        let places = Places { memory, at: to, columns: panel.columns };
        match self.output.kind {
            Kind::F32 => kernels.store(tile, panel.width, bias, posts, &places),
            Kind::Half => kernels.store_bf16(tile, panel.width, bias, posts, &places),
        }
    }
}
