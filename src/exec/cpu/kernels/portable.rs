//! The product tiles in plain Rust: the twins that all other kernels are tested against.
#![forbid(unsafe_code)]

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::int16::{DEEP, Scales};
use super::{PANEL, Softmax, Tile, rows};

/// Rows of weights used together, so that sums are read and written less often.
const TOGETHER: usize = 4;

/// See [`Tile`]. Every sum runs over the taps in order.
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    tile.check(out);
    if !tile.hold {
        out[..tile.pixels.len() * tile.width].fill(0.0);
    }
    for (tap, weights) in tile.taps.iter().zip(tile.weights.chunks_exact(tile.run * tile.width)) {
        for (k, weights) in (0..).step_by(TOGETHER).zip(weights.chunks(TOGETHER * tile.width)) {
            for (pixel, sums) in tile.pixels.iter().zip(out.chunks_exact_mut(tile.width)) {
                let values = &tile.input[pixel + tap + k..];
                match values.first_chunk::<TOGETHER>().filter(|_| weights.len() == TOGETHER * tile.width) {
                    Some(values) => add_four(*values, weights, sums),
                    None => values.iter().zip(weights.chunks_exact(tile.width)).for_each(|(v, w)| add_one(*v, w, sums)),
                }
            }
        }
    }
}

/// Adds four values times their rows of weights. Equal slices with one index are what the compiler makes vector code of.
fn add_four([a, b, c, d]: [f32; TOGETHER], weights: &[f32], sums: &mut [f32]) {
    let width = sums.len();
    let row = |index: usize| &weights[index * width..][..width];
    let (first, second, third, fourth) = (row(0), row(1), row(2), row(3));
    for lane in 0..width {
        sums[lane] += a * first[lane] + b * second[lane] + (c * third[lane] + d * fourth[lane]);
    }
}

fn add_one(value: f32, weights: &[f32], sums: &mut [f32]) {
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum += value * weight;
    }
}

/// The tile of bf16 numbers. Every sum runs over the taps in order.
pub fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    for (pixel, out) in tile.pixels.iter().zip(out.chunks_exact_mut(tile.width)) {
        if !tile.hold {
            out.fill(0.0);
        }
        for (tap, weights) in tile.taps.iter().zip(tile.weights.chunks_exact(tile.run * tile.width)) {
            let values = tile.input[pixel + tap..][..tile.run].chunks_exact(2);
            for (values, weights) in values.zip(weights.chunks_exact(2 * tile.width)) {
                for (sum, weights) in out.iter_mut().zip(weights.chunks_exact(2)) {
                    *sum += values[0].to_f32() * weights[0].to_f32() + values[1].to_f32() * weights[1].to_f32();
                }
            }
        }
    }
}

/// The tile of integers.
pub fn tile_int16(tile: &Tile<'_, i16>, scales: Scales<'_>, out: &mut [f32]) {
    for (row, (pixel, out)) in tile.pixels.iter().zip(out.chunks_exact_mut(tile.width)).enumerate() {
        if !tile.hold {
            out.fill(0.0);
        }
        for ((nth, tap), weights) in tile.taps.iter().enumerate().zip(tile.weights.chunks_exact(tile.run * tile.width))
        {
            let (values, scale) = (&tile.input[pixel + tap..][..tile.run], scales.rows[nth * scales.step + row]);
            for (values, weights) in values.chunks(DEEP).zip(weights.chunks(DEEP * tile.width)) {
                let mut sums = [0i32; PANEL];
                for (values, weights) in values.chunks_exact(2).zip(weights.chunks_exact(2 * tile.width)) {
                    let [first, second] = [values[0], values[1]].map(i32::from);
                    for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(2)) {
                        *sum += first * i32::from(weights[0]) + second * i32::from(weights[1]);
                    }
                }
                for ((out, sum), column) in out.iter_mut().zip(sums).zip(scales.columns) {
                    *out += sum as f32 * column * scale;
                }
            }
        }
    }
}

/// The tile of a narrow panel of bf16 numbers.
pub fn dots_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    rows::dots(tile, out);
}

/// Of no keys: scores come first.
pub fn fused_probs(_: &[bf16], _: &[bf16], _: &mut Softmax, _: &mut [bf16]) -> usize {
    0
}

/// Rounds to the nearest, ties to even.
pub fn narrow(x: &[f32], out: &mut [bf16]) {
    rows::narrow(x, out);
}

/// Rows of so many `columns` as columns: those are rows of `step` then, filled up with zeros.
pub fn transpose(from: &[u32], columns: usize, to: &mut [u32], step: usize) {
    for (column, out) in to.chunks_exact_mut(step).take(columns).enumerate() {
        out.fill(0);
        out.iter_mut().zip(from[column..].iter().step_by(columns)).for_each(|(place, value)| *place = *value);
    }
}

/// Numbers of f16 as f32, as many as there is room for.
pub fn widen_f16(x: &[f16], out: &mut [f32]) {
    x[..out.len()].convert_to_f32_slice(out);
}
