//! Winograd's convolution F(4 x 4, 3 x 3): sixteen outputs of a 3 x 3 kernel for 36 products instead of 144.
//!
//! A tile of 6 x 6 inputs and a kernel are taken to the Winograd domain, where a convolution is a product, place by place; the sum over
//! channels is done there, and 4 x 4 outputs come back. The points of interpolation are 0, ±√½, ±√2 and infinity: of the sets
//! that were tried (the usual 0, ±1, ±2 and infinity among them) it loses the fewest digits, twice what a plain sum loses
//! instead of four times, and its transforms are as short. Lavin and Gray, <https://arxiv.org/abs/1509.09308>.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::{LANES, math};
use crate::exec::cpu::memory::MemoryRef;

/// Inputs along a side of a tile.
pub const SIDE: usize = 6;
/// Outputs along a side of a tile.
pub const OUTPUTS: usize = 4;
/// Places of the Winograd domain, where a convolution is a product.
pub const PLACES: usize = SIDE * SIDE;

/// Weights of a kernel of 3 x 3.
pub const TAPS: usize = 9;
/// The weights of some kernels: those of one pixel after the other, row by row.
pub type Taps<'a> = [&'a [f32]; TAPS];

/// The L1 norm of each row of the kernel's matrix ([`kernel`]): along an axis, no weight there is larger than that times the
/// largest of those it is made of.
pub const REACH: [f32; SIDE] = {
    let (near, far) = (1.0 + 2.0 / 3.0 * FRAC_1_SQRT_2, 0.5 + SQRT_2 / 6.0);
    [1.0, near, near, far, far, 1.0]
};

/// Channels handled at once: few enough that all numbers on the way stay in registers.
pub(super) const BLOCK: usize = LANES / 2;

/// The inputs of a tile: some channels, whole blocks of 16, of 6 x 6 pixels.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// What they are among.
    pub numbers: &'a [f32],
    /// Where each row of pixels begins there.
    pub rows: [usize; SIDE],
    /// Where each pixel begins in its row.
    pub columns: [usize; SIDE],
    /// How many channels.
    pub channels: usize,
}

impl Inputs<'_> {
    /// Refuses inputs outside of their numbers, and places outside of `out`.
    ///
    /// # Panics
    /// That is how it refuses: it would be a mistake in the plan.
    #[inline]
    pub(super) fn check(&self, step: usize, out: &[f32]) {
        let [row, column] = [self.rows, self.columns].map(|at| at.into_iter().fold(0, usize::max));
        assert!(
            self.channels.is_multiple_of(LANES)
                && self.numbers.len() >= row + column + self.channels
                && out.len() >= (PLACES - 1) * step + self.channels,
            "a tile reaches outside its values"
        );
    }
}

/// Takes the inputs of a tile to the Winograd domain: place `p` of channel `c` goes to `out[p * step + c]`.
#[inline(always)]
pub fn input_transform(inputs: &Inputs<'_>, step: usize, out: &mut [f32]) {
    inputs.check(step, out);
    let Inputs { numbers, rows, columns, channels } = *inputs;
    // Made once: clearing it for every block would take as long as the arithmetic.
    let mut between = [[[0.0; BLOCK]; SIDE]; SIDE];
    for first in (0..channels).step_by(BLOCK) {
        for x in 0..SIDE {
            let column = input(&std::array::from_fn(|y| block(numbers, rows[y] + columns[x] + first)));
            between.iter_mut().zip(column).for_each(|(row, values)| row[x] = values);
        }
        for (row, out) in between.iter().zip(out.chunks_mut(SIDE * step)) {
            for (values, out) in input(row).iter().zip(out.chunks_mut(step)) {
                out[first..][..BLOCK].copy_from_slice(values);
            }
        }
    }
}

/// Takes weights there: `taps` are those of each pixel of kernels, row by row; place `p` of weight `w` goes to
/// `out[p * step + w]`. There are whole blocks of 16.
#[inline(always)]
pub fn filter_transform(taps: &Taps<'_>, step: usize, out: &mut [f32]) {
    let mut between = [[[0.0; BLOCK]; 3]; SIDE];
    for first in (0..taps[0].len()).step_by(BLOCK) {
        for x in 0..3 {
            let column = kernel(&std::array::from_fn(|y| block(taps[y * 3 + x], first)));
            between.iter_mut().zip(column).for_each(|(row, values)| row[x] = values);
        }
        for (row, out) in between.iter().zip(out.chunks_mut(SIDE * step)) {
            for (values, out) in kernel(row).iter().zip(out.chunks_mut(step)) {
                out[first..][..BLOCK].copy_from_slice(values);
            }
        }
    }
}

/// A block of numbers.
#[inline(always)]
fn block(numbers: &[f32], first: usize) -> [f32; BLOCK] {
    let mut block = [0.0; BLOCK];
    block.copy_from_slice(&numbers[first..][..BLOCK]);
    block
}

/// Takes sums back: place `p` of channel `c` is `sums[p * step + c]`; the `width` channels of output `o` of 4 x 4 go to
/// `out[o * width..]`. `width` is a multiple of 16.
#[inline(always)]
pub fn output_transform(sums: &[f32], step: usize, width: usize, out: &mut [f32]) {
    let mut between = [[[0.0; BLOCK]; SIDE]; OUTPUTS];
    for first in (0..width).step_by(BLOCK) {
        for x in 0..SIDE {
            let column = output(&std::array::from_fn(|y| block(sums, (y * SIDE + x) * step + first)));
            between.iter_mut().zip(column).for_each(|(row, values)| row[x] = values);
        }
        for (row, out) in between.iter().zip(out.chunks_mut(OUTPUTS * width)) {
            for (values, out) in output(row).iter().zip(out.chunks_mut(width)) {
                out[first..][..BLOCK].copy_from_slice(values);
            }
        }
    }
}

/// The epilogue of a tile: a bias is added, then other values if there are any, then ReLU if that is wanted.
#[derive(Clone, Copy)]
pub struct TileEpilogue<'a> {
    /// Of each channel, a multiple of 16 of them.
    pub bias: &'a [f32],
    /// Other values, and where among them the tile's first, each row and each pixel of a row begin.
    pub others: Option<(&'a [f32], [usize; 3])>,
    /// Whether ReLU follows.
    pub relu: bool,
    /// The memory the outputs go to.
    pub memory: MemoryRef<'a>,
    /// Where the tile's first begins there, then how far rows and pixels are from each other.
    pub to: [usize; 3],
}

impl<'a> TileEpilogue<'a> {
    /// The channels of each output, to be written.
    #[inline(always)]
    pub(super) fn places(&self) -> [&'a mut [f32]; OUTPUTS * OUTPUTS] {
        std::array::from_fn(|output| self.memory.write(place(self.to, output), self.bias.len()))
    }

    /// What is added to each.
    #[inline(always)]
    pub(super) fn others(&self) -> Option<[&'a [f32]; OUTPUTS * OUTPUTS]> {
        self.others.map(|(values, at)| std::array::from_fn(|output| &values[place(at, output)..][..self.bias.len()]))
    }
}

/// Where an output begins.
#[inline(always)]
fn place([first, row, pixel]: [usize; 3], output: usize) -> usize {
    first + output / OUTPUTS * row + output % OUTPUTS * pixel
}

/// [`output_transform`] and the epilogue.
#[inline(always)]
pub fn output_transform_store(sums: &[f32], step: usize, epilogue: &TileEpilogue<'_>) {
    let TileEpilogue { bias, relu, .. } = *epilogue;
    let mut outputs = [0.0; OUTPUTS * OUTPUTS * BLOCK];
    let (places, others) = (epilogue.places(), epilogue.others());
    for first in (0..bias.len()).step_by(BLOCK) {
        output_transform(&sums[first..], step, BLOCK, &mut outputs);
        for (output, values) in outputs.chunks_exact(BLOCK).enumerate() {
            let to = &mut places[output][first..][..BLOCK];
            for c in 0..BLOCK {
                let value = values[c] + bias[first + c];
                let value = others.map_or(value, |others| value + others[output][first + c]);
                to[c] = if relu { math::relu(value) } else { value };
            }
        }
    }
}

/// The input's matrix (B^T in the paper) times six numbers, for a block of channels.
#[inline(always)]
pub(super) fn input(d: &[[f32; BLOCK]; SIDE]) -> [[f32; BLOCK]; SIDE] {
    let mut out = [[0.0; BLOCK]; SIDE];
    for c in 0..BLOCK {
        let [d0, d1, d2, d3, d4, d5] = [d[0][c], d[1][c], d[2][c], d[3][c], d[4][c], d[5][c]];
        let (even, odd) = (d4 - 2.0 * d2, (d3 - 2.0 * d1) * FRAC_1_SQRT_2);
        let (even_far, odd_far) = (d4 - 0.5 * d2, (d3 - 0.5 * d1) * SQRT_2);
        out[0][c] = d0 + d4 - 2.5 * d2;
        out[1][c] = even + odd;
        out[2][c] = even - odd;
        out[3][c] = even_far + odd_far;
        out[4][c] = even_far - odd_far;
        out[5][c] = d1 + d5 - 2.5 * d3;
    }
    out
}

/// The output's matrix (A^T) times six numbers, for a block of channels.
#[inline(always)]
pub(super) fn output(m: &[[f32; BLOCK]; SIDE]) -> [[f32; BLOCK]; OUTPUTS] {
    let mut out = [[0.0; BLOCK]; OUTPUTS];
    for c in 0..BLOCK {
        let (sum, difference) = (m[1][c] + m[2][c], m[1][c] - m[2][c]);
        let (sum_far, difference_far) = (m[3][c] + m[4][c], m[3][c] - m[4][c]);
        out[0][c] = m[0][c] + sum + sum_far;
        out[1][c] = FRAC_1_SQRT_2 * difference + SQRT_2 * difference_far;
        out[2][c] = 0.5 * sum + 2.0 * sum_far;
        out[3][c] = (0.5 * FRAC_1_SQRT_2) * difference + (2.0 * SQRT_2) * difference_far + m[5][c];
    }
    out
}

/// The kernel's matrix (G) times three numbers, for a block of weights.
#[inline(always)]
pub(super) fn kernel(g: &[[f32; BLOCK]; 3]) -> [[f32; BLOCK]; SIDE] {
    let mut out = [[0.0; BLOCK]; SIDE];
    for c in 0..BLOCK {
        let [g0, g1, g2] = [g[0][c], g[1][c], g[2][c]];
        let (even, odd) = (-2.0 / 3.0 * g0 - 1.0 / 3.0 * g2, 2.0 / 3.0 * FRAC_1_SQRT_2 * g1);
        let (even_far, odd_far) = (1.0 / 6.0 * g0 + 1.0 / 3.0 * g2, SQRT_2 / 6.0 * g1);
        out[0][c] = g0;
        out[1][c] = even - odd;
        out[2][c] = even + odd;
        out[3][c] = even_far + odd_far;
        out[4][c] = even_far - odd_far;
        out[5][c] = g2;
    }
    out
}
