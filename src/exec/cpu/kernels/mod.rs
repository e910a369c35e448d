//! The inner loops, one set for each instruction set, behind one table.
//!
//! Almost all arithmetic of these networks is one thing: rows of values times a panel of weights. [`Tile`] is that thing, the GEMM
//! microkernel.
//! The rest is work on rows of numbers ([`rows`]), written once in plain Rust and compiled for each instruction set.

pub mod int16;
mod math;
mod portable;
mod rows;
pub mod strip;
pub mod winograd;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512bf16;
#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod emulator;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_bf16;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector_dots;
#[cfg(target_arch = "x86_64")]
mod vector_int16;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector_strip;
#[cfg(target_arch = "x86_64")]
mod vector_transpose;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector_winograd;

mod sets;

pub use rows::{Places, Post, Softmax};
pub use sets::Kernels;

#[cfg(target_arch = "x86_64")]
use super::aligned_vec::LINE;

/// Columns of a panel of weights come in multiples of this.
pub const LANES: usize = 16;
/// Columns of a panel at most.
pub const PANEL: usize = 2 * LANES;
/// Columns of a narrow panel at most.
pub const NARROW: usize = 4;
/// Rows of a tile at most. Each instruction set says how many are quickest, and takes no more ([`Kernels::rows`]).
pub const MAX_ROWS: usize = 32;
/// Rows of a tile whose sums are in vector registers.
pub const VECTOR_ROWS: usize = 12;

/// The sums of a tile, in whole lines of the cache.
#[repr(align(64))]
pub struct Sums(pub [f32; MAX_ROWS * PANEL]);

impl Sums {
    /// All zero.
    pub const ZERO: Self = Self([0.0; MAX_ROWS * PANEL]);
}

/// Some rows of values times one panel of weights.
///
/// Row `r` is the values at `pixels[r] + tap .. + run` for each of the `taps` in turn, all in `input`; the panel has `width`
/// columns and one row of weights for each value, in that order. `out` gets `pixels.len()` rows of `width` sums.
///
/// Of bf16 numbers, which are multiplied exactly and summed in f32, two rows of weights lie interleaved (the two weights of a
/// column side by side), and `run` is even. So do those of [`int16`].
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a, T = f32> {
    /// Where the values lie.
    pub input: &'a [T],
    /// Where each row begins; 1 to [`MAX_ROWS`] of them.
    pub pixels: &'a [usize],
    /// Where each run of values begins, seen from the row's beginning.
    pub taps: &'a [usize],
    /// Values in a run.
    pub run: usize,
    /// `taps.len() * run` rows of `width` weights.
    pub weights: &'a [T],
    /// 16 or 32; of a narrow panel, whose weights lie column after column, 1 to [`NARROW`].
    pub width: usize,
    /// Whether the sums begin with what `out` holds; never those of a narrow panel.
    pub hold: bool,
    /// What is needed soon, if anything: some kernels ask for it bit by bit, so that it comes closer while they multiply.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "no other kernels do that"))]
    pub ahead: &'a [u8],
}

impl<T> Tile<'_, T> {
    /// Refuses what would read or write outside, and widths that have no tile.
    ///
    /// # Panics
    /// That is how it refuses: it would be a mistake in the plan.
    #[inline(always)]
    fn check(&self, out: &[f32]) {
        self.check_width();
        self.check_reach(furthest(self.pixels), out);
    }

    /// The same of the width alone.
    #[inline(always)]
    fn check_width(&self) {
        assert!([LANES, PANEL].contains(&self.width), "a tile is {} wide", self.width);
    }

    /// The same for a narrow panel.
    #[inline(always)]
    fn check_narrow(&self, out: &[f32]) {
        assert!((1..=NARROW).contains(&self.width) && !self.hold, "a narrow tile is {} wide", self.width);
        self.check_reach(furthest(self.pixels), out);
    }

    /// How many rows from `first` on are computed together where `most` can be. The parts are even: a few rows left over would cost as
    /// much as many.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline(always)]
    fn together(&self, first: usize, most: usize) -> usize {
        let left = self.pixels.len() - first;
        left.div_ceil(left.div_ceil(most))
    }

    /// Rows of weights.
    #[inline(always)]
    fn rows(&self) -> usize {
        self.taps.len() * self.run
    }

    /// Whether it pays off to ask in so many steps for what is [`ahead`](Self::ahead): for a line in sixteen at least.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn asks(&self, steps: usize) -> bool {
        !self.ahead.is_empty() && 16 * self.ahead.len() >= LINE * steps
    }

    /// The same of what is read and written, where the last row begins at `last`.
    #[inline(always)]
    fn check_reach(&self, last: usize, out: &[f32]) {
        let end = last + furthest(self.taps) + self.run;
        assert!(
            end <= self.input.len()
                && (1..=MAX_ROWS).contains(&self.pixels.len())
                && self.weights.len() >= self.rows() * self.width
                && out.len() >= self.pixels.len() * self.width,
            "a tile reaches outside its values"
        );
    }
}

/// The largest of some places.
#[inline(always)]
fn furthest(places: &[usize]) -> usize {
    places.iter().fold(0, |a: usize, b| a.max(*b))
}

#[cfg(test)]
mod tests;
