//! The product tile with AVX2 and FMA: up to 6 rows of 16 columns in 12 registers.

use std::arch::x86_64::{
    __m256, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::{LANES, Tile};

/// Numbers in a register.
const REGISTER: usize = 8;
/// Registers across the columns.
const COLUMNS: usize = LANES / REGISTER;

/// See [`Tile`].
#[target_feature(enable = "avx2,fma")]
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    tile.check(out);
    for column in (0..tile.width).step_by(LANES) {
        let mut first = 0;
        while first < tile.pixels.len() {
            first += match tile.pixels.len() - first {
                1 => rows::<1>(tile, first, column, out),
                2 => rows::<2>(tile, first, column, out),
                3 => rows::<3>(tile, first, column, out),
                4 => rows::<4>(tile, first, column, out),
                5 => rows::<5>(tile, first, column, out),
                _ => rows::<6>(tile, first, column, out),
            };
        }
    }
}

/// Rows `first..first + ROWS`, 16 columns from `column`. Returns how many rows that was.
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows<const ROWS: usize>(tile: &Tile<'_>, first: usize, column: usize, out: &mut [f32]) -> usize {
    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and all rows in `out`.
    unsafe {
        let base: [*const f32; ROWS] = std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[first + row]));
        let place = out.as_mut_ptr().add(first * tile.width + column);
        let mut sums = [[_mm256_setzero_ps(); COLUMNS]; ROWS];
        if tile.hold {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (part, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm256_loadu_ps(place.add(row * tile.width + part * REGISTER));
                }
            }
        }
        let mut weights = tile.weights.as_ptr().add(column);
        for &tap in tile.taps {
            let values: [*const f32; ROWS] = std::array::from_fn(|row| base[row].add(tap));
            for k in 0..tile.run {
                let columns: [__m256; COLUMNS] =
                    std::array::from_fn(|part| _mm256_loadu_ps(weights.add(part * REGISTER)));
                for row in 0..ROWS {
                    let value = _mm256_broadcast_ss(&*values[row].add(k));
                    for part in 0..COLUMNS {
                        sums[row][part] = _mm256_fmadd_ps(value, columns[part], sums[row][part]);
                    }
                }
                weights = weights.add(tile.width);
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (part, sum) in sums.iter().enumerate() {
                _mm256_storeu_ps(place.add(row * tile.width + part * REGISTER), *sum);
            }
        }
    }
    ROWS
}
