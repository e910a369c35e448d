//! The product tile of bf16 numbers with AMX: up to 32 rows of 32 columns in four tile registers.
//!
//! One instruction multiplies 16 pixels by 16 columns, 32 values deep; weights go in just as they lie in a panel. Each step of the
//! loop loads two registers of values and two of weights and multiplies each by each. The sums stay in registers over all steps.
//! Weights of large layers come from memory at a third of the rate at which they are multiplied: so each step asks for a part of what is
//! needed next.

use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
use std::cell::RefCell;

use half::bf16;

use self::registers::{DEEP, ROW, Rows, SIDE, Shape, begin, configure, end, multiply};
pub use super::avx512bf16::{dots_bf16, narrow};
use super::{LANES, PANEL, Tile, VECTOR_ROWS, avx512, furthest};

mod registers;

#[cfg(test)]
mod tests;

/// The tile of f32 numbers, for which there is no AMX: some rows at a time in vector registers.
#[target_feature(enable = "avx512f")]
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    tile.check(out);
    for (pixels, out) in tile.pixels.chunks(VECTOR_ROWS).zip(out.chunks_mut(VECTOR_ROWS * tile.width)) {
        avx512::tile(&Tile { pixels, ..*tile }, out);
    }
}

/// See [`Tile`]. AVX2 is for copies only: every processor with AMX has it, and so have those that tests emulate AMX on.
#[target_feature(enable = "avx2")]
pub fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    tile.check_width();
    let (first, second) = tile.pixels.split_at(tile.pixels.len().min(SIDE));
    let groups = [Group::of(first), Group::of(second)];
    tile.check_reach(groups[0].last.max(groups[1].last), out);
    assert!(tile.run.is_multiple_of(2) && tile.run > 0, "a run of bf16 numbers is no whole pairs");
    let cut = Cut::of(tile.run);
    let shape = Shape::of(tile.pixels.len(), cut.depth);
    THREAD.with_borrow_mut(|thread| {
        thread.take(shape);
        match (tile.pixels.len() > SIDE, tile.width > LANES) {
            (false, false) => sums::<1, 1>(tile, groups, cut, &mut thread.scratch, out),
            (false, true) => sums::<1, 2>(tile, groups, cut, &mut thread.scratch, out),
            (true, false) => sums::<2, 1>(tile, groups, cut, &mut thread.scratch, out),
            (true, true) => sums::<2, 2>(tile, groups, cut, &mut thread.scratch, out),
        }
    });
}

/// Bytes that the processor fetches at once.
const LINE: usize = 64;

/// How a run is cut into steps of the loop: equal ones, so that short runs need no zeros, and the last may reach back into the
/// one before it.
#[derive(Clone, Copy)]
struct Cut {
    steps: usize,
    /// Values of a step.
    depth: usize,
    /// Values of the last step that the one before it has done.
    done: usize,
}

impl Cut {
    fn of(run: usize) -> Self {
        let steps = run.div_ceil(DEEP);
        let depth = 2 * (run / 2).div_ceil(steps);
        Self { steps, depth, done: steps * depth - run }
    }
}

/// Memory for what does not lie as tile registers want it.
#[repr(C, align(64))]
struct Scratch {
    /// Values of pixels that are not evenly spaced.
    values: [[[bf16; DEEP]; SIDE]; 2],
    /// Weights of a last step, behind zeros for what the step before it has done.
    weights: [bf16; DEEP * PANEL],
}

/// What a thread keeps between tiles.
///
/// Its registers stay as they are configured until a tile wants another shape, since configuring takes as long as several
/// steps. They are never released: the next tile follows at once, nothing else in this program uses them, and they end with
/// the thread. Until then they cost 8 KB more to save when the thread makes way for another; a processor that goes to sleep is
/// not kept from it, because Linux clears them first.
struct Thread {
    shape: Shape,
    scratch: Scratch,
}

thread_local! {
    static THREAD: RefCell<Thread> = const {
        let scratch = Scratch { values: [[[bf16::ZERO; DEEP]; SIDE]; 2], weights: [bf16::ZERO; DEEP * PANEL] };
        RefCell::new(Thread { shape: Shape::NONE, scratch })
    };
}

impl Thread {
    /// Configures the tile registers for a shape.
    #[inline(always)]
    fn take(&mut self, shape: Shape) {
        if self.shape != shape {
            configure(shape);
            self.shape = shape;
        }
    }
}

/// The rows of a register of values.
#[derive(Clone, Copy)]
struct Group<'a> {
    pixels: &'a [usize],
    /// Values from one row to the next, or `None` if they are not evenly spaced.
    spacing: Option<isize>,
    /// Where the last of all rows begins.
    last: usize,
}

impl<'a> Group<'a> {
    #[inline(always)]
    fn of(pixels: &'a [usize]) -> Self {
        let step = |pair: &[usize]| pair[1].wrapping_sub(pair[0]);
        let first = pixels.get(..2).map_or(0, step);
        // All differences at once, since stopping at the first would be slower.
        let odd = pixels.windows(2).fold(0, |odd, pair| odd | (step(pair) ^ first));
        let spacing = (odd == 0).then_some(first as isize);
        // Then the furthest is at one of the ends, unless places go round where numbers end.
        match (spacing, pixels) {
            (Some(step), [begin, .., end]) if after_steps(*begin, step, pixels.len() - 1) == Some(*end) => {
                Self { pixels, spacing, last: *begin.max(end) }
            }
            _ => Self { pixels, spacing: spacing.filter(|_| pixels.len() < 2), last: furthest(pixels) },
        }
    }
}

/// Where so many steps lead, if numbers do not end before.
#[inline(always)]
fn after_steps(begin: usize, step: isize, count: usize) -> Option<usize> {
    begin.checked_add_signed(step.checked_mul(count as isize)?)
}

/// The values `at` behind each of some pixels, copied side by side.
#[inline(always)]
fn gather(input: &[bf16], pixels: &[usize], at: usize, depth: usize, rows: &mut [[bf16; DEEP]; SIDE]) {
    for (pixel, row) in pixels.iter().zip(rows) {
        let values = &input[pixel + at..];
        // Too many are quicker than a number the compiler does not know; nobody reads those behind.
        match values.first_chunk() {
            Some(values) => *row = *values,
            None => row[..depth].copy_from_slice(&values[..depth]),
        }
    }
}

/// The sums of a tile in `TALL` times `WIDE` registers.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "tile registers are loaded from pointers")]
fn sums<const TALL: usize, const WIDE: usize>(
    tile: &Tile<'_, bf16>,
    groups: [Group<'_>; 2],
    Cut { steps, depth, done }: Cut,
    Scratch { values, weights: padded }: &mut Scratch,
    out: &mut [f32],
) {
    // SAFETY: `check_reach` has seen that all rows of `out` are there, and there are as many rows in registers.
    unsafe { begin::<TALL, WIDE>(out.as_mut_ptr(), tile.hold) };
    let mut weights = tile.weights;
    let mut ahead = tile.ahead.chunks(tile.ahead.len().div_ceil(tile.taps.len() * steps).max(1));
    for tap in tile.taps {
        for step in 0..steps {
            for line in ahead.next().unwrap_or_default().chunks(LINE) {
                _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
            }
            let done = if step + 1 == steps { done } else { 0 };
            let at = tap + step * depth - done;
            let mut rows = [Rows { first: tile.input.as_ptr(), stride: 0 }; 2];
            for ((rows, values), Group { pixels, spacing, .. }) in
                rows.iter_mut().zip(&mut *values).zip(groups).take(TALL)
            {
                *rows = match spacing {
                    Some(stride) => {
                        Rows { first: tile.input.as_ptr().wrapping_add(pixels[0] + at), stride: 2 * stride }
                    }
                    None => {
                        gather(tile.input, pixels, at, depth, values);
                        Rows { first: values.as_ptr().cast(), stride: ROW as isize }
                    }
                };
            }
            let (these, rest) = weights.split_at((depth - done) * tile.width);
            weights = rest;
            let panel = if done == 0 {
                these.as_ptr()
            } else {
                // Zeros for what is done already. Here and not among the values, of which there are more to copy.
                padded[..done * tile.width].fill(bf16::ZERO);
                padded[done * tile.width..][..these.len()].copy_from_slice(these);
                padded.as_ptr()
            };
            // SAFETY: `check_reach` has seen that every run of every pixel lies in `input`, no step leaves its run, and `panel` has
            // `depth` rows of weights.
            unsafe { multiply::<TALL, WIDE>(rows, panel) };
        }
    }
    // SAFETY: as at the beginning.
    unsafe { end::<TALL, WIDE>(out.as_mut_ptr()) };
}
