//! One op made ready: its weights found, its numbers worked out.

use candle_core::{Result, Tensor, bail};

use super::attention::attention;
use super::conv::{Conv, Linear};
use super::elements::{Elements, for_rows, tensor};
use super::norm::Norm;
use super::packed::CandlePacked;
use super::{norm, pointwise};
use crate::exec::ExecError;
use crate::exec::pixels::{from_pixels, to_pixels};
use crate::graph::{Activation, Graph, Mask, Node, Op, Shape, WeightId};

/// An op with its weights.
pub enum Kernel {
    /// Set from outside.
    Input,
    /// A value made at compile time.
    Constant(Tensor),
    Embedding(Tensor),
    Conv(Conv),
    Linear(Linear),
    GroupNorm(Norm, usize),
    LayerNorm(Norm),
    Activate(Activation),
    Geglu,
    Attention {
        heads: usize,
        mask: Mask,
    },
    Add,
    Mul,
    Affine {
        scale: f32,
        shift: f32,
    },
    Concat,
    Upsample,
    Reshape,
    FromPixels,
    ToPixels,
}

impl Kernel {
    /// Finds the weights of `node`.
    pub fn new(graph: &Graph, node: &Node, packed: &CandlePacked) -> std::result::Result<Self, ExecError> {
        let weight = |id: WeightId| packed.get(graph.weight(id));
        Ok(match node.op {
            Op::Input { .. } => Self::Input,
            Op::Table { weight: table } => {
                Self::Constant(weight(table)?.narrow(0, 0, node.shape.positions())?.unsqueeze(0)?)
            }
            Op::Embedding { weight: table } => Self::Embedding(weight(table)?),
            Op::Conv2d { weight: matrix, bias, stride, padding } => {
                let kernel = graph.weight(matrix).shape[2];
                let linear = Linear { matrix: weight(matrix)?, bias: bias.map(weight).transpose()? };
                Self::Conv(Conv { linear, kernel, stride, padding })
            }
            Op::Linear { weight: matrix, bias } => {
                Self::Linear(Linear { matrix: weight(matrix)?, bias: bias.map(weight).transpose()? })
            }
            Op::GroupNorm { weight: scale, bias, groups, eps } => {
                Self::GroupNorm(Norm { scale: weight(scale)?, shift: weight(bias)?, eps }, groups)
            }
            Op::LayerNorm { weight: scale, bias, eps } => {
                Self::LayerNorm(Norm { scale: weight(scale)?, shift: weight(bias)?, eps })
            }
            Op::Activate(activation) => Self::Activate(activation),
            Op::Geglu => Self::Geglu,
            Op::Attention { heads, mask } => Self::Attention { heads, mask },
            Op::Add => Self::Add,
            Op::Mul => Self::Mul,
            Op::Affine { scale, shift } => Self::Affine { scale, shift },
            Op::Concat => Self::Concat,
            Op::Upsample => Self::Upsample,
            Op::Reshape => Self::Reshape,
            Op::FromPixels => Self::FromPixels,
            Op::ToPixels => Self::ToPixels,
        })
    }

    /// Makes a value of `shape`.
    pub fn run(&self, x: &[Tensor], shape: &Shape) -> Result<Tensor> {
        match (self, x) {
            (Self::Constant(value), []) => Ok(value.clone()),
            (Self::Embedding(table), [ids]) => embedding(table, ids, shape),
            (Self::Conv(conv), [x]) => conv.run(x, shape),
            (Self::Linear(linear), [x]) => linear.run(x, shape),
            (Self::GroupNorm(norm, groups), [x]) => norm::group_norm(norm, *groups, x),
            (Self::LayerNorm(norm), [x]) => norm::layer_norm(norm, x),
            (Self::Activate(activation), [x]) => pointwise::activate(*activation, x),
            (Self::Geglu, [x]) => pointwise::geglu(x, shape),
            (Self::Attention { heads, mask }, [q, k, v]) => attention(q, k, v, *heads, *mask),
            (Self::Add, [a, b]) => pointwise::elementwise(a, b, |a, b| a + b),
            (Self::Mul, [a, b]) => pointwise::elementwise(a, b, |a, b| a * b),
            (Self::Affine { scale, shift }, [x]) => pointwise::affine(*scale, *shift, x),
            (Self::Concat, values) => Tensor::cat(values, shape.rank() - 1),
            (Self::Upsample, [x]) => upsample(x, shape),
            (Self::Reshape, [x]) => x.reshape(shape.dims()),
            (Self::FromPixels, [x]) => pixels(x, shape, from_pixels),
            (Self::ToPixels, [x]) => pixels(x, shape, to_pixels),
            _ => bail!("an op got {} values", x.len()),
        }
    }
}

fn embedding(table: &Tensor, ids: &Tensor, shape: &Shape) -> Result<Tensor> {
    let (table, ids, width) = (Elements::of(table)?, Elements::of(ids)?, shape.channels());
    let mut out = Vec::with_capacity(shape.len());
    for &id in ids.iter() {
        let row = table.chunks_exact(width).nth(id as usize).filter(|_| id >= 0.0 && id.fract() == 0.0);
        let Some(row) = row else { bail!("{id} is not a row of a table of {}", table.len() / width) };
        out.extend_from_slice(row);
    }
    tensor(out, shape.dims())
}

fn pixels(x: &Tensor, shape: &Shape, convert: fn(&[f32], &mut [f32])) -> Result<Tensor> {
    let mut out = vec![0.0; shape.len()];
    convert(&Elements::of(x)?, &mut out);
    tensor(out, shape.dims())
}

fn upsample(x: &Tensor, shape: &Shape) -> Result<Tensor> {
    let ((_, h, w, c), Some([_, height, width, _])) = (x.dims4()?, shape.as_map()) else {
        bail!("upsampling makes a feature map, not {shape}")
    };
    let values = Elements::of(x)?;
    let mut out = vec![0.0; shape.len()];
    for_rows(&mut out, width * c, |first, out| {
        for (row, out) in out.chunks_exact_mut(width * c).enumerate() {
            let (sample, y) = ((first + row) / height, (first + row) % height);
            let from = &values[(sample * h + y * h / height) * w * c..][..w * c];
            for (column, out) in out.chunks_exact_mut(c).enumerate() {
                out.copy_from_slice(&from[column * w / width * c..][..c]);
            }
        }
    });
    tensor(out, shape.dims())
}
