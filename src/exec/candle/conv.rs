//! Convolutions and linear layers: both are matrix products with a bias.
//!
//! A convolution gathers the patch under each output pixel into a row (channels last makes that `kernel` copies per row of
//! pixels) and multiplies a few hundred rows at a time, so that the patches stay in the cache and never exist all at once.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};
use rayon::prelude::*;

use super::elements::{Elements, for_rows, tensor};
use crate::graph::{Padding, Shape};

/// Elements of patches gathered at a time: 1 MiB.
const PATCHES: usize = 1 << 18;

/// A matrix [out, in] (or [in, out] for patches) and a bias.
pub struct Linear {
    pub matrix: Tensor,
    pub bias: Option<Tensor>,
}

/// A two-dimensional convolution.
pub struct Conv {
    pub linear: Linear,
    pub kernel: usize,
    pub stride: usize,
    pub padding: Padding,
}

impl Linear {
    /// The product over the channels of `x`, of shape `shape`.
    pub fn run(&self, x: &Tensor, shape: &Shape) -> Result<Tensor> {
        let channels = x.dims().last().copied().unwrap_or(1);
        let product = x.reshape(((), channels))?.matmul(&self.matrix.t()?)?.reshape(shape.dims())?;
        match &self.bias {
            Some(bias) => add_bias(&product, bias),
            None => Ok(product),
        }
    }
}

fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (values, bias) = (Elements::of(x)?, Elements::of(bias)?);
    let mut out = vec![0.0; values.len()];
    let width = bias.len();
    for_rows(&mut out, width, |first, out| {
        let rows = out.chunks_exact_mut(width).zip(values[first * width..].chunks_exact(width));
        for (out, values) in rows {
            for ((out, value), bias) in out.iter_mut().zip(values).zip(bias.iter()) {
                *out = value + bias;
            }
        }
    });
    tensor(out, x.dims())
}

impl Conv {
    /// The convolution of `x`, of shape `shape`.
    pub fn run(&self, x: &Tensor, shape: &Shape) -> Result<Tensor> {
        if self.kernel == 1 && self.stride == 1 && self.padding == Padding::all(0) {
            return self.linear.run(x, shape);
        }
        let Some([_, out_h, out_w, out_c]) = shape.as_map() else { bail!("a convolution makes no {shape}") };
        let (_, h, w, c) = x.dims4()?;
        let patches = Patches { conv: self, values: &Elements::of(x)?, size: [h, w, c], out: [out_h, out_w] };
        let depth = self.kernel * self.kernel * c;
        let matrix = if self.kernel == 1 { self.linear.matrix.t()?.contiguous()? } else { self.linear.matrix.clone() };
        let (matrix, matrix_layout) = matrix.storage_and_layout();
        let Storage::Cpu(matrix) = &*matrix else { bail!("a weight is not on the CPU") };
        let bias = self.linear.bias.as_ref().map(Elements::of).transpose()?;
        let rows = (PATCHES / depth).max(1);
        let mut out = vec![0.0; shape.len()];
        out.par_chunks_mut(rows * out_c).enumerate().try_for_each(|(piece, out)| {
            let count = out.len() / out_c;
            let gathered = CpuStorage::F32(patches.gather(piece * rows, count, depth));
            let layout = Layout::contiguous((count, depth));
            let product = gathered.matmul(matrix, (1, count, out_c, depth), &layout, matrix_layout)?;
            store(out, product.as_slice()?, bias.as_deref());
            Result::Ok(())
        })?;
        tensor(out, shape.dims())
    }
}

/// Copies a product to its place, adding the bias to each row.
fn store(out: &mut [f32], product: &[f32], bias: Option<&[f32]>) {
    let Some(bias) = bias else { return out.copy_from_slice(product) };
    for (out, product) in out.chunks_exact_mut(bias.len()).zip(product.chunks_exact(bias.len())) {
        for ((out, product), bias) in out.iter_mut().zip(product).zip(bias) {
            *out = product + bias;
        }
    }
}

/// The input of a convolution, seen from its outputs.
struct Patches<'a> {
    conv: &'a Conv,
    values: &'a [f32],
    /// Height, width and channels of the input.
    size: [usize; 3],
    /// Height and width of the output.
    out: [usize; 2],
}

impl Patches<'_> {
    /// Rows of [kernel, kernel, channels], `depth` elements each, for `count` output pixels from number `first` on.
    fn gather(&self, first: usize, count: usize, depth: usize) -> Vec<f32> {
        let mut rows = vec![0.0; count * depth];
        for (pixel, row) in (first..).zip(rows.chunks_exact_mut(depth)) {
            self.patch(pixel, row);
        }
        rows
    }

    /// The patch under one output pixel; what lies outside stays zero.
    fn patch(&self, pixel: usize, row: &mut [f32]) {
        let Conv { kernel, stride, padding, .. } = *self.conv;
        let ([h, w, c], [out_h, out_w]) = (self.size, self.out);
        let (sample, y, x) = (pixel / (out_h * out_w), pixel / out_w % out_h, pixel % out_w);
        let left = (x * stride).max(padding.left);
        let right = (x * stride + kernel).min(w + padding.left);
        let skipped = left - x * stride;
        for (ky, row) in row.chunks_exact_mut(kernel * c).enumerate() {
            let below = y * stride + ky;
            if below < padding.top || below >= h + padding.top || left >= right {
                continue;
            }
            let start = ((sample * h + below - padding.top) * w + left - padding.left) * c;
            let length = (right - left) * c;
            row[skipped * c..][..length].copy_from_slice(&self.values[start..][..length]);
        }
    }
}
