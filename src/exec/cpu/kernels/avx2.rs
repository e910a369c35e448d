//! The product tiles with AVX2 and FMA: up to 6 rows of 16 columns in 12 registers.

use std::arch::x86_64::{
    __m256, _MM_HINT_T1, _mm_add_ps, _mm_loadu_si128, _mm_prefetch, _mm_storeu_ps, _mm256_broadcast_ss,
    _mm256_castps256_ps128, _mm256_cvtph_ps, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_hadd_ps, _mm256_loadu_ps,
    _mm256_setzero_ps, _mm256_storeu_ps,
};

use half::f16;

use super::{LANES, Tile, portable};

/// Numbers in a register.
pub const REGISTER: usize = 8;
/// Registers of a row.
const PARTS: usize = LANES / REGISTER;
/// Rows whose sums fit into the registers.
const MOST_ROWS: usize = 6;
/// Rows of a tile that are quickest: they divide well into parts of six, of five, and of four.
pub const ROWS: usize = 3 * MOST_ROWS;

/// See [`Tile`].
#[target_feature(enable = "avx2,fma")]
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    tile.check(out);
    for column in (0..tile.width).step_by(LANES) {
        // What is ahead is asked for once.
        if column == 0 && tile.asks(tile.rows()) {
            by_rows::<true>(tile, column, out);
        } else {
            by_rows::<false>(tile, column, out);
        }
    }
}

/// All rows, two registers from `column` on.
#[target_feature(enable = "avx2,fma")]
fn by_rows<const AHEAD: bool>(tile: &Tile<'_>, column: usize, out: &mut [f32]) {
    let mut first = 0;
    while first < tile.pixels.len() {
        first += match tile.together(first, MOST_ROWS) {
            1 => rows::<1, AHEAD>(tile, first, column, out),
            2 => rows::<2, AHEAD>(tile, first, column, out),
            3 => rows::<3, AHEAD>(tile, first, column, out),
            4 => rows::<4, AHEAD>(tile, first, column, out),
            5 => rows::<5, AHEAD>(tile, first, column, out),
            _ => rows::<6, AHEAD>(tile, first, column, out),
        };
    }
}

/// Rows `first..first + ROWS`, two registers from `column` on. Returns how many rows that was.
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows<const ROWS: usize, const AHEAD: bool>(tile: &Tile<'_>, first: usize, column: usize, out: &mut [f32]) -> usize {
    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and all rows in `out`.
    unsafe {
        let base: [*const f32; ROWS] = std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[first + row]));
        let place = out.as_mut_ptr().add(first * tile.width + column);
        let mut sums = [[_mm256_setzero_ps(); PARTS]; ROWS];
        if tile.hold {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (part, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm256_loadu_ps(place.add(row * tile.width + part * REGISTER));
                }
            }
        }
        let mut weights = tile.weights.as_ptr().add(column);
        let (mut ahead, step) = (tile.ahead.as_ptr().cast(), tile.ahead.len().div_ceil(tile.rows()));
        for &tap in tile.taps {
            let values: [*const f32; ROWS] = std::array::from_fn(|row| base[row].add(tap));
            for k in 0..tile.run {
                let columns: [__m256; PARTS] =
                    std::array::from_fn(|part| _mm256_loadu_ps(weights.add(part * REGISTER)));
                for row in 0..ROWS {
                    let value = _mm256_broadcast_ss(&*values[row].add(k));
                    for part in 0..PARTS {
                        sums[row][part] = _mm256_fmadd_ps(value, columns[part], sums[row][part]);
                    }
                }
                weights = weights.add(tile.width);
                if AHEAD {
                    _mm_prefetch::<_MM_HINT_T1>(ahead);
                    ahead = ahead.wrapping_add(step);
                }
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

/// The sum of all lanes of each of four registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "the vector store takes a pointer")]
pub fn four_sums([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
    // Of each a sum in both halves, beside those of the others.
    let halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    let sums = _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps::<1>(halves));
    let mut out = [0.0; 4];
    // SAFETY: there is room for four numbers.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), sums) };
    out
}

/// Numbers of f16 as f32, as many as there is room for.
#[target_feature(enable = "avx2,fma,f16c")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn widen_f16(x: &[f16], out: &mut [f32]) {
    let x = &x[..out.len()];
    let whole = x.len() - x.len() % REGISTER;
    for at in (0..whole).step_by(REGISTER) {
        // SAFETY: `at` and the seven after it lie in both slices, which are of one length.
        unsafe {
            let eight = _mm_loadu_si128(x.as_ptr().add(at).cast());
            _mm256_storeu_ps(out.as_mut_ptr().add(at), _mm256_cvtph_ps(eight));
        }
    }
    portable::widen_f16(&x[whole..], &mut out[whole..]);
}
