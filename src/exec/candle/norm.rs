//! Group and layer normalisation. Means and variances are summed in two passes, so that a large mean costs no digits.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::elements::{Elements, for_rows, tensor};

/// Scale and shift per channel, and what is added to the variance.
pub struct Norm {
    pub scale: Tensor,
    pub shift: Tensor,
    pub eps: f32,
}

/// Normalises each position over its channels.
pub fn layer_norm(norm: &Norm, x: &Tensor) -> Result<Tensor> {
    let (values, scale, shift) = (Elements::of(x)?, Elements::of(&norm.scale)?, Elements::of(&norm.shift)?);
    let width = scale.len();
    let mut out = vec![0.0; values.len()];
    for_rows(&mut out, width, |first, out| {
        let rows = out.chunks_exact_mut(width).zip(values[first * width..].chunks_exact(width));
        for (out, values) in rows {
            let mean = sum(values.iter().copied()) / width as f32;
            let variance = sum(values.iter().map(|v| (v - mean) * (v - mean))) / width as f32;
            let factor = 1.0 / (variance + norm.eps).sqrt();
            for (channel, (out, value)) in out.iter_mut().zip(values).enumerate() {
                *out = (value - mean) * factor * scale[channel] + shift[channel];
            }
        }
    });
    tensor(out, x.dims())
}

/// Normalises each sample over all positions and the channels of each group.
pub fn group_norm(norm: &Norm, groups: usize, x: &Tensor) -> Result<Tensor> {
    let (values, scale, shift) = (Elements::of(x)?, Elements::of(&norm.scale)?, Elements::of(&norm.shift)?);
    let width = scale.len();
    let sample = values.len() / x.dim(0)?;
    let affine: Vec<Vec<[f32; 2]>> = values
        .chunks_exact(sample)
        .map(|values| {
            let statistics = group_statistics(values, width, groups, norm.eps);
            let channel = |c: usize| {
                let [mean, factor] = statistics[c / (width / groups)];
                [factor * scale[c], shift[c] - mean * factor * scale[c]]
            };
            (0..width).map(channel).collect()
        })
        .collect();
    let mut out = vec![0.0; values.len()];
    for_rows(&mut out, width, |first, out| {
        let rows = out.chunks_exact_mut(width).zip(values[first * width..].chunks_exact(width));
        for (row, (out, values)) in rows.enumerate() {
            let affine = &affine[(first + row) * width / sample];
            for ((out, value), [factor, shift]) in out.iter_mut().zip(values).zip(affine) {
                *out = value * factor + shift;
            }
        }
    });
    tensor(out, x.dims())
}

/// Mean and reciprocal deviation of each group of one sample.
fn group_statistics(values: &[f32], width: usize, groups: usize, eps: f32) -> Vec<[f32; 2]> {
    let count = (values.len() / groups) as f64;
    let sums = channel_sums(values, width, |_, value| value);
    let per_group = |sums: &[f64]| -> Vec<f64> {
        sums.chunks_exact(width / groups).map(|group| group.iter().sum::<f64>() / count).collect()
    };
    let means = per_group(&sums);
    let channel_means: Vec<f32> = (0..width).map(|c| means[c / (width / groups)] as f32).collect();
    let squares = channel_sums(values, width, |c, value| (value - channel_means[c]) * (value - channel_means[c]));
    let reciprocal = |variance: f64| (1.0 / (variance + f64::from(eps)).sqrt()) as f32;
    means.iter().zip(per_group(&squares)).map(|(mean, variance)| [*mean as f32, reciprocal(variance)]).collect()
}

/// The sum over all positions of `f(channel, value)`, per channel: f32 within a few rows, f64 between them.
fn channel_sums(values: &[f32], width: usize, f: impl Fn(usize, f32) -> f32 + Sync) -> Vec<f64> {
    const ROWS: usize = 64;
    let add = |mut total: Vec<f64>, part: Vec<f64>| {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        total
    };
    let run = |values: &[f32]| {
        let mut sums = vec![0.0f32; width];
        for row in values.chunks_exact(width) {
            for (c, (sum, value)) in sums.iter_mut().zip(row).enumerate() {
                *sum += f(c, *value);
            }
        }
        sums.into_iter().map(f64::from).collect::<Vec<f64>>()
    };
    let piece = |values: &[f32]| values.chunks(ROWS * width).map(run).fold(vec![0.0; width], add);
    // Pieces of a fixed size added in a fixed order: the same numbers on any count of threads.
    let parts: Vec<Vec<f64>> = values.par_chunks(ROWS * width * 8).map(piece).collect();
    parts.into_iter().fold(vec![0.0; width], add)
}

fn sum(values: impl Iterator<Item = f32>) -> f32 {
    values.map(f64::from).sum::<f64>() as f32
}
