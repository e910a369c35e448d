//! The product tile in plain Rust: the twin that every other kernel is tested against.
#![forbid(unsafe_code)]

use super::Tile;

/// Rows computed together: with 8 columns, their sums fill half of 16 registers of 4 numbers.
const ROWS: usize = 4;
/// Columns computed together.
const COLUMNS: usize = 8;

/// See [`Tile`]. Every sum runs over the taps in order.
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    for (pixels, out) in tile.pixels.chunks(ROWS).zip(out.chunks_mut(ROWS * tile.width)) {
        for column in (0..tile.width).step_by(COLUMNS) {
            rows(tile, pixels, column, out);
        }
    }
}

fn rows(tile: &Tile<'_>, pixels: &[usize], column: usize, out: &mut [f32]) {
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
