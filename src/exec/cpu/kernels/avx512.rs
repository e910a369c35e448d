//! The product tile with AVX-512: up to 12 rows of 32 columns in 24 registers.

use std::arch::x86_64::{
    __m512, _MM_HINT_T1, _mm_prefetch, _mm_storeu_ps, _mm512_add_ps, _mm512_castps512_ps128, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_permute_ps, _mm512_permutexvar_ps, _mm512_set1_ps, _mm512_setr_epi32, _mm512_setzero_ps,
    _mm512_shuffle_f32x4, _mm512_storeu_ps,
};

use super::{LANES, Tile};

/// See [`Tile`].
#[target_feature(enable = "avx512f")]
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    match tile.width / LANES {
        1 => by_rows::<1, false>(tile, out),
        _ if tile.asks(tile.rows()) => by_rows::<2, true>(tile, out),
        _ => by_rows::<2, false>(tile, out),
    }
}

#[target_feature(enable = "avx512f")]
fn by_rows<const COLUMNS: usize, const AHEAD: bool>(tile: &Tile<'_>, out: &mut [f32]) {
    match tile.pixels.len() {
        1 => rows::<1, COLUMNS, AHEAD>(tile, out),
        2 => rows::<2, COLUMNS, AHEAD>(tile, out),
        3..=4 => rows::<4, COLUMNS, AHEAD>(tile, out),
        5..=6 => rows::<6, COLUMNS, AHEAD>(tile, out),
        7..=8 => rows::<8, COLUMNS, AHEAD>(tile, out),
        9..=10 => rows::<10, COLUMNS, AHEAD>(tile, out),
        _ => rows::<12, COLUMNS, AHEAD>(tile, out),
    }
}

#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows<const ROWS: usize, const COLUMNS: usize, const AHEAD: bool>(tile: &Tile<'_>, out: &mut [f32]) {
    tile.check(out);
    assert!(tile.pixels.len() <= ROWS, "a tile has more rows than registers");
    let last = tile.pixels.len() - 1;
    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and all rows in `out`.
    unsafe {
        let base: [*const f32; ROWS] = std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[row.min(last)]));
        let mut sums = [[_mm512_setzero_ps(); COLUMNS]; ROWS];
        if tile.hold {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_loadu_ps(out.as_ptr().add(row.min(last) * tile.width + column * LANES));
                }
            }
        }
        let mut weights = tile.weights.as_ptr();
        let (mut ahead, step) = (tile.ahead.as_ptr().cast(), tile.ahead.len().div_ceil(tile.rows()));
        for &tap in tile.taps {
            let values: [*const f32; ROWS] = std::array::from_fn(|row| base[row].add(tap));
            for k in 0..tile.run {
                let columns: [__m512; COLUMNS] =
                    std::array::from_fn(|column| _mm512_loadu_ps(weights.add(column * LANES)));
                for row in 0..ROWS {
                    let value = _mm512_set1_ps(*values[row].add(k));
                    for column in 0..COLUMNS {
                        sums[row][column] = _mm512_fmadd_ps(value, columns[column], sums[row][column]);
                    }
                }
                weights = weights.add(COLUMNS * LANES);
                if AHEAD {
                    _mm_prefetch::<_MM_HINT_T1>(ahead);
                    ahead = ahead.wrapping_add(step);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate().take(last + 1) {
            for (column, sum) in sums.iter().enumerate() {
                _mm512_storeu_ps(out.as_mut_ptr().add(row * tile.width + column * LANES), *sum);
            }
        }
    }
}

/// The sum of all lanes of each of four registers, in half the instructions of four sums.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the vector store takes a pointer")]
pub fn four_sums([a, b, c, d]: [__m512; 4]) -> [f32; 4] {
    // Halves of each beside those of another, then quarters, then what is within a quarter.
    let halves = |a: __m512, b: __m512| {
        _mm512_add_ps(_mm512_shuffle_f32x4::<0b01_00_01_00>(a, b), _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b))
    };
    let (ab, cd) = (halves(a, b), halves(c, d));
    let quarters =
        _mm512_add_ps(_mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd), _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd));
    let pairs = _mm512_add_ps(quarters, _mm512_permute_ps::<0b01_00_11_10>(quarters));
    let sums = _mm512_add_ps(pairs, _mm512_permute_ps::<0b10_11_00_01>(pairs));
    let first = _mm512_castps512_ps128(_mm512_permutexvar_ps(
        _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        sums,
    ));
    let mut out = [0.0; 4];
    // SAFETY: there is room for four numbers.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), first) };
    out
}
