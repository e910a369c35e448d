//! Work on rows of numbers, in plain Rust. It is compiled once for each instruction set ([`super::sets`]), and the compiler
//! makes vector code of it.

use super::math;
use crate::graph::Activation;

/// Numbers handled at once where an order of summation must be fixed.
const LANES: usize = 16;

/// What happens to a row after it was computed.
pub enum Post<'a> {
    /// One number per channel is added.
    Bias(&'a [f32]),
    /// A function of each element.
    Activate(Activation),
    /// Each element times `scale` plus `shift`.
    Affine { scale: f32, shift: f32 },
    /// Row `r` of other values, at `offsets[r]`, is added.
    Add { values: &'a [f32], offsets: &'a [usize] },
    /// Row `r` of other values, at `offsets[r]`, is multiplied.
    Mul { values: &'a [f32], offsets: &'a [usize] },
}

/// A function of each element.
#[inline(always)]
pub fn activate(activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Silu => x.iter_mut().for_each(|v| *v *= math::sigmoid(*v)),
        Activation::Gelu => x.iter_mut().for_each(|v| *v = math::gelu(*v)),
        Activation::QuickGelu => x.iter_mut().for_each(|v| *v *= math::sigmoid(1.702 * *v)),
        Activation::Relu => x.iter_mut().for_each(|v| *v = if *v < 0.0 { 0.0 } else { *v }),
        Activation::Tanh => x.iter_mut().for_each(|v| *v = math::tanh(*v)),
    }
}

/// Applies `posts` to the first `columns` of each row of `tile`, whose rows are `width` apart.
#[inline(always)]
pub fn finish(tile: &mut [f32], width: usize, columns: usize, posts: &[Post<'_>]) {
    for post in posts {
        match *post {
            Post::Bias(bias) => {
                for row in tile.chunks_exact_mut(width) {
                    with_row(row, bias, columns, |v, b| *v += b);
                }
            }
            // The columns that nobody reads may be computed too: it is quicker than finding them.
            Post::Activate(activation) => activate(activation, tile),
            Post::Affine { scale, shift } => tile.iter_mut().for_each(|v| *v = *v * scale + shift),
            Post::Add { values, offsets } => {
                for (row, &offset) in tile.chunks_exact_mut(width).zip(offsets) {
                    with_row(row, &values[offset..], columns, |v, o| *v += o);
                }
            }
            Post::Mul { values, offsets } => {
                for (row, &offset) in tile.chunks_exact_mut(width).zip(offsets) {
                    with_row(row, &values[offset..], columns, |v, o| *v *= o);
                }
            }
        }
    }
}

/// Calls `f` with each of the first `columns` of a row and of another. The usual number of them is known to the compiler.
#[inline(always)]
fn with_row(row: &mut [f32], other: &[f32], columns: usize, f: impl Fn(&mut f32, f32)) {
    const USUAL: usize = 2 * LANES;
    let (row, other) = (&mut row[..columns], &other[..columns]);
    match (row.first_chunk_mut::<USUAL>(), other.first_chunk::<USUAL>()) {
        (Some(row), Some(other)) if columns == USUAL => row.iter_mut().zip(other).for_each(|(v, o)| f(v, *o)),
        _ => row.iter_mut().zip(other).for_each(|(v, o)| f(v, *o)),
    }
}

/// The first half of `x` times the GELU of the second.
#[inline(always)]
pub fn geglu(x: &[f32], out: &mut [f32]) {
    let (factor, gate) = x.split_at(out.len());
    out.iter_mut().zip(factor).zip(gate).for_each(|((o, f), g)| *o = f * math::gelu(*g));
}

/// Adds the differences of some pixels from `origin`, and their squares, to two sums per channel. Pixels are `step` apart.
#[inline(always)]
pub fn moments(pixels: &[f32], step: usize, origin: &[f32], sums: &mut [f32], squares: &mut [f32]) {
    let channels = origin.len();
    let (sums, squares) = (&mut sums[..channels], &mut squares[..channels]);
    for pixel in pixels.chunks(step) {
        let pixel = &pixel[..channels];
        for c in 0..channels {
            let difference = pixel[c] - origin[c];
            sums[c] += difference;
            squares[c] += difference * difference;
        }
    }
}

/// `x * scale + shift` per channel of pixels `step` apart, into `out`, where they lie side by side.
#[inline(always)]
pub fn scale_shift(x: &[f32], step: usize, [scale, shift]: [&[f32]; 2], out: &mut [f32]) {
    let channels = scale.len();
    let shift = &shift[..channels];
    for (x, out) in x.chunks(step).zip(out.chunks_exact_mut(channels)) {
        let x = &x[..channels];
        for c in 0..channels {
            out[c] = x[c] * scale[c] + shift[c];
        }
    }
}

/// Normalises a row to mean 0 and deviation 1, then scales and shifts it. Two passes, so that a large mean costs no digits.
#[inline(always)]
pub fn layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, out: &mut [f32]) {
    let count = x.len() as f32;
    let mean = sum(x, |v| v) / count;
    let variance = sum(x, |v| (v - mean) * (v - mean)) / count;
    let factor = 1.0 / (variance + eps).sqrt();
    let (x, scale, shift) = (&x[..out.len()], &scale[..out.len()], &shift[..out.len()]);
    for c in 0..out.len() {
        out[c] = (x[c] - mean) * factor * scale[c] + shift[c];
    }
}

/// The running state of one query's softmax.
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// The largest score so far.
    pub largest: f32,
    /// The sum of e^(score - largest) so far.
    pub total: f32,
}

impl Softmax {
    /// Before the first score.
    pub const START: Self = Self { largest: f32::NEG_INFINITY, total: 0.0 };
}

/// Turns the first `seen` scores into e^(score * scale - largest), the rest into 0, and returns the factor by which what
/// was gathered before must shrink.
#[inline(always)]
pub fn softmax(scores: &mut [f32], seen: usize, scale: f32, state: &mut Softmax) -> f32 {
    let (scores, unseen) = scores.split_at_mut(seen);
    unseen.fill(0.0);
    let mut largest = [f32::NEG_INFINITY; LANES];
    let chunks = scores.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            largest[i] = if chunk[i] > largest[i] { chunk[i] } else { largest[i] };
        }
    }
    let highest = largest.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| a.max(*b)) * scale;
    let highest = if highest > state.largest { highest } else { state.largest };
    if highest == f32::NEG_INFINITY {
        return 1.0;
    }
    scores.iter_mut().for_each(|score| *score = math::exp(*score * scale - highest));
    let shrink = math::exp(state.largest - highest);
    state.total = state.total * shrink + sum(scores, |v| v);
    state.largest = highest;
    shrink
}

/// Each element times `factor`.
#[inline(always)]
pub fn scale(x: &mut [f32], factor: f32) {
    x.iter_mut().for_each(|v| *v *= factor);
}

/// The sum of `f` over a row, in lanes.
#[inline(always)]
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += f(chunk[i]);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += f(*v);
    }
    lanes.iter().sum()
}
