//! Work on one element at a time.

use candle_core::{Result, Tensor, bail};

use super::elements::{Elements, for_rows, map, tensor};
use crate::graph::{Activation, Shape};

/// A function of each element.
pub fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Silu => map(x, |v| v * sigmoid(v)),
        Activation::Gelu => map(x, gelu),
        Activation::QuickGelu => map(x, |v| v * sigmoid(1.702 * v)),
        Activation::Relu => map(x, |v| if v < 0.0 { 0.0 } else { v }),
        Activation::Tanh => map(x, f32::tanh),
    }
}

/// Each element times `scale` plus `shift`.
pub fn affine(scale: f32, shift: f32, x: &Tensor) -> Result<Tensor> {
    map(x, |v| v * scale + shift)
}

/// The first half of the channels times the GELU of the second.
pub fn geglu(x: &Tensor, shape: &Shape) -> Result<Tensor> {
    let (values, width) = (Elements::of(x)?, shape.channels());
    let mut out = vec![0.0; shape.len()];
    for_rows(&mut out, width, |first, out| {
        let rows = out.chunks_exact_mut(width).zip(values[first * 2 * width..].chunks_exact(2 * width));
        for (out, values) in rows {
            let (factor, gate) = values.split_at(width);
            for ((out, factor), gate) in out.iter_mut().zip(factor).zip(gate) {
                *out = factor * gelu(*gate);
            }
        }
    });
    tensor(out, shape.dims())
}

/// `f` of the elements of `a` and `b`; a dimension of `b` of length 1 is repeated.
pub fn elementwise(a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor> {
    let (left, right) = (Elements::of(a)?, Elements::of(b)?);
    let (Some(&width), Some(&part)) = (a.dims().last(), b.dims().last()) else { bail!("a value has no dimensions") };
    let row_of = RowOf::new(a.dims(), b.dims());
    let mut out = vec![0.0; left.len()];
    for_rows(&mut out, width, |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
            let left = &left[row * width..][..width];
            let right = &right[row_of.row(row) * part..][..part];
            if part == width {
                out.iter_mut().zip(left).zip(right).for_each(|((out, a), b)| *out = f(*a, *b));
            } else {
                out.iter_mut().zip(left).for_each(|(out, a)| *out = f(*a, right[0]));
            }
        }
    });
    tensor(out, a.dims())
}

/// Finds the row of the second value that belongs to a row of the first. (A row is all channels of a position.)
struct RowOf {
    /// Length in the first value and step in the second of each dimension but the last, last first.
    steps: Vec<[usize; 2]>,
}

impl RowOf {
    fn new(a: &[usize], b: &[usize]) -> Self {
        let mut step = 1;
        let pairs = a.iter().zip(b).rev().skip(1);
        let steps = pairs.map(|(&whole, &part)| {
            let here = if part == 1 { 0 } else { step };
            step *= part;
            [whole, here]
        });
        Self { steps: steps.collect() }
    }

    fn row(&self, mut row: usize) -> usize {
        let mut found = 0;
        for [length, step] in &self.steps {
            found += row % length * step;
            row /= length;
        }
        found
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// x * Phi(x) with the exact error function.
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}
