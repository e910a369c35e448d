//! The product tiles in plain Rust: the twins that all other kernels are tested against.
#![forbid(unsafe_code)]

use half::bf16;

use super::{Tile, rows};

/// Rows computed together: with 8 columns, their sums fill half of 16 registers of 4 numbers.
const ROWS: usize = 4;
/// Columns computed together.
const COLUMNS: usize = 8;

/// See [`Tile`]. Every sum runs over the taps in order.
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    for (pixels, out) in tile.pixels.chunks(ROWS).zip(out.chunks_mut(ROWS * tile.width)) {
        for column in (0..tile.width).step_by(COLUMNS) {
            sum_rows(tile, pixels, column, out);
        }
    }
}

fn sum_rows(tile: &Tile<'_>, pixels: &[usize], column: usize, out: &mut [f32]) {
    let mut sums = [[0.0f32; COLUMNS]; ROWS];
    if tile.hold {
        for (sums, out) in sums.iter_mut().zip(out.chunks(tile.width)) {
            sums.copy_from_slice(&out[column..][..COLUMNS]);
        }
    }
    for (&tap, weights) in tile.taps.iter().zip(tile.weights.chunks_exact(tile.run * tile.width)) {
        // Missing rows are computed as the last again.
        let values: [&[f32]; ROWS] =
            std::array::from_fn(|row| &tile.input[pixels[row.min(pixels.len() - 1)] + tap..][..tile.run]);
        for (k, weights) in weights.chunks_exact(tile.width).enumerate() {
            let Some(weights) = weights[column..].first_chunk::<COLUMNS>() else { break };
            for row in 0..ROWS {
                let value = values[row][k];
                for lane in 0..COLUMNS {
                    sums[row][lane] += value * weights[lane];
                }
            }
        }
    }
    for (sums, out) in sums.iter().zip(out.chunks_mut(tile.width)) {
        out[column..][..COLUMNS].copy_from_slice(sums);
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

/// The tile of a narrow panel of bf16 numbers.
pub fn dots_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    rows::dots(tile, out);
}

/// Rounds to the nearest, ties to even.
pub fn narrow(x: &[f32], out: &mut [bf16]) {
    rows::narrow(x, out);
}
