//! The product tile of bf16 numbers with AVX-512: up to 12 rows of 32 columns in 24 registers, two products a lane.

use std::arch::x86_64::{
    __m512, __m512bh, __mmask16, __mmask32, _mm_storeu_ps, _mm512_add_ps, _mm512_castps512_ps128, _mm512_cvtne2ps_pbh,
    _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_max_ps,
    _mm512_maskz_loadu_epi16, _mm512_maskz_scalef_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_permute_ps,
    _mm512_permutexvar_ps, _mm512_reduce_max_ps, _mm512_reduce_ps, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setr_epi32, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_sub_ps,
};
use std::mem::transmute;

use half::bf16;

use super::rows::{self, Post, Softmax};
use super::{LANES, PANEL, Tile, math, portable};
use crate::graph::Activation;

/// Numbers rounded at once.
const ROUNDED: usize = 2 * LANES;
/// Rows of a narrow tile computed together.
const NARROW_ROWS: usize = 4;

/// Rounds to the nearest, ties to even; denormal numbers become zero.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn narrow(x: &[f32], out: &mut [bf16]) {
    let count = x.len().min(out.len());
    let whole = count - count % ROUNDED;
    for at in (0..whole).step_by(ROUNDED) {
        // SAFETY: `at + ROUNDED` is at most `count`, the length of the shorter slice.
        unsafe {
            let (low, high) = (_mm512_loadu_ps(x.as_ptr().add(at)), _mm512_loadu_ps(x.as_ptr().add(at + LANES)));
            out.as_mut_ptr().add(at).cast::<__m512bh>().write_unaligned(_mm512_cvtne2ps_pbh(high, low));
        }
    }
    portable::narrow(&x[whole..count], &mut out[whole..count]);
}

/// What [`rows::store`] does. The usual endings of whole panels are written here, since rounding one by one takes three times as
/// long as all else that is done to a number.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
pub fn store_bf16(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], rows: &mut [&mut [bf16]]) {
    let whole = width == PANEL && rows.iter().all(|row| row.len() == PANEL);
    match *posts {
        [] if whole => place::<false, false>(tile, bias, (&[], &[]), rows),
        [Post::Activate(Activation::Relu)] if whole => place::<false, true>(tile, bias, (&[], &[]), rows),
        [Post::Add { values, offsets }] if whole => place::<true, false>(tile, bias, (values, offsets), rows),
        [Post::Add { values, offsets }, Post::Activate(Activation::Relu)] if whole => {
            place::<true, true>(tile, bias, (values, offsets), rows);
        }
        _ => rows::store::<_, true>(tile, width, bias, posts, rows),
    }
}

/// Each row of a whole panel plus `bias` (and row `r` of other values, at `offsets[r]`), and nothing below zero, to its place.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn place<const ADD: bool, const RELU: bool>(
    tile: &[f32],
    bias: &[f32],
    (others, offsets): (&[f32], &[usize]),
    rows: &mut [&mut [bf16]],
) {
    let bias = &bias[..PANEL];
    for (r, row) in rows.iter_mut().enumerate() {
        let (values, row) = (&tile[r * PANEL..][..PANEL], &mut row[..PANEL]);
        let other = if ADD { &others[offsets[r]..][..PANEL] } else { values };
        let vector = |at: usize| -> __m512 {
            // SAFETY: each slice has PANEL numbers, and `at` is 0 or half of that.
            let [value, bias, other] =
                unsafe { [values, bias, other].map(|slice| _mm512_loadu_ps(slice.as_ptr().add(at))) };
            let sum = _mm512_add_ps(value, bias);
            let sum = if ADD { _mm512_add_ps(sum, other) } else { sum };
            // Of two numbers one of which is none, it is the second.
            if RELU { _mm512_max_ps(_mm512_setzero_ps(), sum) } else { sum }
        };
        let rounded = _mm512_cvtne2ps_pbh(vector(LANES), vector(0));
        // SAFETY: the row has room for PANEL numbers.
        unsafe { row.as_mut_ptr().cast::<__m512bh>().write_unaligned(rounded) };
    }
}

/// What [`rows::softmax_bf16`] does, in half the instructions: powers are good to 3e-6 of their value, where rounding takes 2e-3.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn softmax(scores: &mut [f32], (step, seen): (usize, usize), state: &mut Softmax, chances: &mut [bf16]) -> f32 {
    let panels = scores.len().div_ceil(step);
    assert!(
        step >= PANEL
            && panels > 0
            && scores.len() >= (panels - 1) * step + PANEL
            && chances.len() >= (panels - 1) * step + PANEL,
        "scores reach outside"
    );
    // Which of the lanes of half a panel are seen.
    let mask =
        |first: usize| -> __mmask16 { if seen >= first + LANES { !0 } else { !(!0 << seen.saturating_sub(first)) } };
    let halves = |panel: usize| [(panel * PANEL, panel * step), (panel * PANEL + LANES, panel * step + LANES)];
    let mut largest = _mm512_set1_ps(f32::NEG_INFINITY);
    for panel in 0..panels {
        for (first, at) in halves(panel) {
            // SAFETY: each panel has PANEL numbers from `panel * step` on.
            let values = unsafe { _mm512_loadu_ps(scores.as_ptr().add(at)) };
            largest = _mm512_mask_max_ps(largest, mask(first), values, largest);
        }
    }
    let (highest, mut shrink) = (_mm512_reduce_max_ps(largest), 1.0);
    if highest > state.base + Softmax::SLACK {
        shrink = math::exp2::<true>(state.base - highest);
        state.base = highest;
    }
    let base = _mm512_set1_ps(state.base);
    // 2^x for x from 0 to 1: a fit that is good to 2.6e-6 of the value.
    let factors =
        [1.353_416_8e-2, 5.201_146e-2, 2.414_427_5e-1, 6.930_038_3e-1, 1.000_002_6].map(|v| _mm512_set1_ps(v));
    // SAFETY: there are LANES totals.
    let mut totals = unsafe { _mm512_mul_ps(_mm512_loadu_ps(state.totals.as_ptr()), _mm512_set1_ps(shrink)) };
    for panel in 0..panels {
        let [low, high] = halves(panel).map(|(first, at)| {
            // SAFETY: each panel has PANEL numbers from `panel * step` on.
            let values = unsafe { _mm512_loadu_ps(scores.as_ptr().add(at)) };
            let x = _mm512_sub_ps(values, base);
            // What is above the whole number below x.
            let rest = _mm512_reduce_ps::<1>(x);
            let mut power = factors[0];
            for factor in &factors[1..] {
                power = _mm512_fmadd_ps(power, rest, *factor);
            }
            let power = _mm512_maskz_scalef_ps(mask(first), power, x);
            totals = _mm512_add_ps(totals, power);
            power
        });
        // SAFETY: each panel has PANEL numbers from `panel * step` on.
        unsafe {
            let place = chances.as_mut_ptr().add(panel * step);
            place.cast::<__m512bh>().write_unaligned(_mm512_cvtne2ps_pbh(high, low));
        }
    }
    // SAFETY: there are LANES totals.
    unsafe { _mm512_storeu_ps(state.totals.as_mut_ptr(), totals) };
    shrink
}

/// See [`Tile`].
#[target_feature(enable = "avx512f,avx512bf16")]
pub fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    match tile.width / LANES {
        1 => by_rows::<1>(tile, out),
        _ => by_rows::<2>(tile, out),
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn by_rows<const COLUMNS: usize>(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    match tile.pixels.len() {
        1 => rows::<1, COLUMNS>(tile, out),
        2 => rows::<2, COLUMNS>(tile, out),
        3..=4 => rows::<4, COLUMNS>(tile, out),
        5..=6 => rows::<6, COLUMNS>(tile, out),
        7..=8 => rows::<8, COLUMNS>(tile, out),
        9..=10 => rows::<10, COLUMNS>(tile, out),
        _ => rows::<12, COLUMNS>(tile, out),
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows<const ROWS: usize, const COLUMNS: usize>(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    tile.check(LANES, out);
    assert!(tile.pixels.len() <= ROWS, "a tile has more rows than registers");
    assert!(tile.run.is_multiple_of(2), "a run of bf16 numbers is odd");
    let last = tile.pixels.len() - 1;
    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and all rows in `out`;
    // runs are whole pairs.
    unsafe {
        let base: [*const bf16; ROWS] = std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[row.min(last)]));
        let mut sums = [[_mm512_setzero_ps(); COLUMNS]; ROWS];
        if tile.hold {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_loadu_ps(out.as_ptr().add(row.min(last) * tile.width + column * LANES));
                }
            }
        }
        let mut weights = tile.weights.as_ptr();
        for &tap in tile.taps {
            let values: [*const bf16; ROWS] = std::array::from_fn(|row| base[row].add(tap));
            for pair in 0..tile.run / 2 {
                let columns: [__m512bh; COLUMNS] =
                    std::array::from_fn(|column| transmute(_mm512_loadu_si512(weights.add(column * 2 * LANES).cast())));
                for row in 0..ROWS {
                    let value = values[row].add(2 * pair).cast::<i32>().read_unaligned();
                    let value: __m512bh = transmute(_mm512_set1_epi32(value));
                    for column in 0..COLUMNS {
                        sums[row][column] = _mm512_dpbf16_ps(sums[row][column], value, columns[column]);
                    }
                }
                weights = weights.add(COLUMNS * 2 * LANES);
            }
        }
        for (row, sums) in sums.iter().enumerate().take(last + 1) {
            for (column, sum) in sums.iter().enumerate() {
                _mm512_storeu_ps(out.as_mut_ptr().add(row * tile.width + column * LANES), *sum);
            }
        }
    }
}

/// The tile of a narrow panel: sums run over lanes.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub fn dots_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    match tile.width {
        1 => dots::<1>(tile, out),
        2 => dots::<2>(tile, out),
        3 => dots::<3>(tile, out),
        _ => dots::<4>(tile, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn dots<const COLUMNS: usize>(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    tile.check_narrow(out);
    for (pixels, out) in tile.pixels.chunks(NARROW_ROWS).zip(out.chunks_mut(NARROW_ROWS * COLUMNS)) {
        let mut sums = [[_mm512_setzero_ps(); COLUMNS]; NARROW_ROWS];
        // Missing rows are computed as the last again.
        let base: [usize; NARROW_ROWS] = std::array::from_fn(|row| pixels[row.min(pixels.len() - 1)]);
        for (index, tap) in tile.taps.iter().enumerate() {
            for k in (0..tile.run).step_by(ROUNDED) {
                let mask: __mmask32 = if tile.run - k < ROUNDED { (1 << (tile.run - k)) - 1 } else { !0 };
                // SAFETY: `check_narrow` has seen that every run of every pixel lies in `input`, and all weights in
                // `weights`; the mask ends with the run.
                unsafe {
                    let weights: [__m512bh; COLUMNS] = std::array::from_fn(|column| {
                        let at = column * tile.rows() + index * tile.run + k;
                        transmute(_mm512_maskz_loadu_epi16(mask, tile.weights.as_ptr().add(at).cast()))
                    });
                    for row in 0..NARROW_ROWS {
                        let values = tile.input.as_ptr().add(base[row] + tap + k).cast();
                        let values: __m512bh = transmute(_mm512_maskz_loadu_epi16(mask, values));
                        for column in 0..COLUMNS {
                            sums[row][column] = _mm512_dpbf16_ps(sums[row][column], values, weights[column]);
                        }
                    }
                }
            }
        }
        // By value, so that the sums stay in registers.
        let columns: [[__m512; NARROW_ROWS]; COLUMNS] =
            std::array::from_fn(|column| std::array::from_fn(|row| sums[row][column]));
        for (column, four) in columns.into_iter().enumerate() {
            for (row, sum) in four_sums(four).into_iter().enumerate() {
                if let Some(out) = out.get_mut(row * COLUMNS + column) {
                    *out = sum;
                }
            }
        }
    }
}

/// The sum of all lanes of each of four registers, in half the instructions of four sums.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the vector store takes a pointer")]
fn four_sums([a, b, c, d]: [__m512; 4]) -> [f32; 4] {
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
