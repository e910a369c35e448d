//! The product tile of bf16 numbers with AVX-512: up to 12 rows of 32 columns in 24 registers, two products a lane.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, __mmask32, _CMP_GT_OQ, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_cmp_ps_mask,
    _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_epi16, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi16, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_permutexvar_epi16, _mm512_rcp14_ps,
    _mm512_reduce_ps, _mm512_scalef_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    _mm512_sub_ps,
};
use std::mem::transmute;

use half::bf16;

use super::avx512::four_sums;
use super::rows::{self, Places, Post, Softmax};
use super::{LANES, PANEL, Tile, VECTOR_ROWS, portable};
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

/// What [`rows::store`] does. The usual epilogues of whole panels are written here, since rounding one by one takes three times as
/// long as all else that is done to a number.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
pub fn store_bf16(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>) {
    let whole = width == PANEL && places.columns == PANEL;
    match *posts {
        [] if whole => place::<false, false>(tile, bias, (&[], &[]), places),
        [Post::Activate(Activation::Relu)] if whole => place::<false, true>(tile, bias, (&[], &[]), places),
        [Post::Add { values, offsets }] if whole => place::<true, false>(tile, bias, (values, offsets), places),
        [Post::Add { values, offsets }, Post::Activate(Activation::Relu)] if whole => {
            place::<true, true>(tile, bias, (values, offsets), places);
        }
        _ => rows::store::<bf16, true>(tile, width, bias, posts, places),
    }
}

/// Each row of a whole panel plus `bias` (and row `r` of other values, at `offsets[r]`), and nothing below zero, to its place.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn place<const ADD: bool, const RELU: bool>(
    tile: &[f32],
    bias: &[f32],
    (others, offsets): (&[f32], &[usize]),
    &Places { memory, at, .. }: &Places<'_>,
) {
    let bias = &bias[..PANEL];
    for (r, at) in at.iter().enumerate() {
        let (values, row) = (&tile[r * PANEL..][..PANEL], memory.write_bf16(*at, PANEL));
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

/// What [`rows::probs_bf16`] does, in half the instructions: exponentials are good to 1e-4 of their value, where rounding takes 2e-3.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn probs(scores: &mut [f32], state: &mut Softmax, out: &mut [bf16]) {
    let count = scores.len() / PANEL;
    assert!(out.len() >= count.next_multiple_of(2) * PANEL, "probabilities reach outside");
    // SAFETY: there are PANEL of each; of scores and probabilities, `count` was seen to be there.
    unsafe {
        for column in [0, LANES] {
            let (base, mut totals) = (_mm512_loadu_ps(state.base.as_ptr().add(column)), _mm512_setzero_ps());
            let mut prob = |key: usize| {
                let prob = exp2(_mm512_sub_ps(_mm512_loadu_ps(scores.as_ptr().add(key * PANEL + column)), base));
                totals = _mm512_add_ps(totals, prob);
                prob
            };
            for key in (0..count).step_by(2) {
                let first = prob(key);
                let second = if key + 1 < count { prob(key + 1) } else { _mm512_setzero_ps() };
                let place = out.as_mut_ptr().add(key * PANEL + 2 * column);
                place.cast::<__m512bh>().write_unaligned(beside(first, second));
            }
            let place = state.totals.as_mut_ptr().add(column);
            _mm512_storeu_ps(place, _mm512_add_ps(_mm512_loadu_ps(place), totals));
        }
    }
}

/// The probabilities of as many keys as it can, whole tiles, without their scores leaving the registers: until a score is so far
/// above the base of its query that this must rise first. `keys` are of as many channels as the panel of `queries` has. Returns how
/// many keys.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn fused_probs(keys: &[bf16], queries: &[bf16], state: &mut Softmax, out: &mut [bf16]) -> usize {
    let width = queries.len() / PANEL;
    assert!(width > 0 && width.is_multiple_of(2), "keys of {width} channels are no pairs");
    let tiles = keys.len() / width / VECTOR_ROWS;
    assert!(out.len() >= tiles * VECTOR_ROWS * PANEL, "probabilities reach outside");
    // More than that cannot be the sum of a tile unless a score is above the slack.
    let most = _mm512_set1_ps(VECTOR_ROWS as f32 * 2.0 * Softmax::SLACK.exp2());
    let halves = [0, LANES];
    // SAFETY: there are PANEL bases and totals; `width` rows of PANEL queries; of keys and probabilities, whole tiles were counted.
    unsafe {
        let below = halves.map(|at| _mm512_sub_ps(_mm512_setzero_ps(), _mm512_loadu_ps(state.base.as_ptr().add(at))));
        let mut totals = [_mm512_setzero_ps(); 2];
        let mut done = 0;
        while done < tiles {
            let first = keys.as_ptr().add(done * VECTOR_ROWS * width);
            let mut sums = [below; VECTOR_ROWS];
            for pair in 0..width / 2 {
                let weights = queries.as_ptr().add(2 * pair * PANEL);
                let columns: [__m512bh; 2] = halves.map(|at| transmute(_mm512_loadu_si512(weights.add(2 * at).cast())));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = first.add(row * width + 2 * pair).cast::<i32>().read_unaligned();
                    let value: __m512bh = transmute(_mm512_set1_epi32(value));
                    for column in 0..2 {
                        sums[column] = _mm512_dpbf16_ps(sums[column], value, columns[column]);
                    }
                }
            }
            let mut here = [_mm512_setzero_ps(); 2];
            for row in (0..VECTOR_ROWS).step_by(2) {
                for column in 0..2 {
                    let (one, other) = (exp2(sums[row][column]), exp2(sums[row + 1][column]));
                    here[column] = _mm512_add_ps(here[column], _mm512_add_ps(one, other));
                    let place = out.as_mut_ptr().add((done * VECTOR_ROWS + row) * PANEL + 2 * halves[column]);
                    place.cast::<__m512bh>().write_unaligned(beside(one, other));
                }
            }
            if here.into_iter().any(|total| _mm512_cmp_ps_mask::<_CMP_GT_OQ>(total, most) != 0) {
                break;
            }
            totals = [_mm512_add_ps(totals[0], here[0]), _mm512_add_ps(totals[1], here[1])];
            done += 1;
        }
        for (at, total) in halves.into_iter().zip(totals) {
            let place = state.totals.as_mut_ptr().add(at);
            _mm512_storeu_ps(place, _mm512_add_ps(_mm512_loadu_ps(place), total));
        }
        done * VECTOR_ROWS
    }
}

/// Each number of `first` beside that of `second`, rounded.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[expect(unsafe_code, reason = "two names of the same bits")]
fn beside(first: __m512, second: __m512) -> __m512bh {
    const ORDER: [u16; ROUNDED] = {
        let mut order = [0; ROUNDED];
        let mut at = 0;
        while at < LANES {
            (order[2 * at], order[2 * at + 1]) = (at as u16, (LANES + at) as u16);
            at += 1;
        }
        order
    };
    // SAFETY: both are 32 times 16 bits.
    unsafe {
        let order = _mm512_loadu_epi16(ORDER.as_ptr().cast());
        transmute(_mm512_permutexvar_epi16(order, transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first))))
    }
}

/// What [`rows::gate`] does, with as many digits as rounding leaves: good to 2e-4 of the value, and 1e-4 of the factor near zero.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16,avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn gate(tile: &mut [f32], gates: &[f32], [bias, gate_bias]: [&[f32]; 2]) {
    let width = bias.len();
    assert!(
        width > 0
            && width.is_multiple_of(LANES)
            && gate_bias.len() == width
            && gates.len() == tile.len()
            && tile.len().is_multiple_of(width),
        "gates of another shape"
    );
    for row in (0..tile.len()).step_by(width) {
        for column in (0..width).step_by(LANES) {
            // SAFETY: tile and gates are whole rows of whole vectors, and so is a row of biases.
            unsafe {
                let biased = |values: &[f32], bias: &[f32]| {
                    let value = _mm512_loadu_ps(values.as_ptr().add(row + column));
                    _mm512_add_ps(value, _mm512_loadu_ps(bias.as_ptr().add(column)))
                };
                let (value, gate) = (biased(tile, bias), gelu(biased(gates, gate_bias)));
                _mm512_storeu_ps(tile.as_mut_ptr().add(row + column), _mm512_mul_ps(value, gate));
            }
        }
    }
}

/// What [`rows::scale_shift`] does, with as many digits as rounding leaves.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
pub fn scale_shift(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [bf16]) {
    if !factors[0].len().is_multiple_of(ROUNDED) {
        rows::scale_shift::<bf16, true>(x, step, factors, silu, out);
    } else if silu {
        normalise(x, step, factors, out, |x| {
            let exp = exp2(_mm512_mul_ps(x, _mm512_set1_ps(-std::f32::consts::LOG2_E)));
            _mm512_mul_ps(x, _mm512_rcp14_ps(_mm512_add_ps(_mm512_set1_ps(1.0), exp)))
        });
    } else {
        normalise(x, step, factors, out, |x| x);
    }
}

/// `x * scale + shift` of whole vectors of channels, through `f`.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn normalise(x: &[f32], step: usize, [scale, shift]: [&[f32]; 2], out: &mut [bf16], f: impl Fn(__m512) -> __m512) {
    let channels = scale.len();
    assert!(channels > 0 && shift.len() == channels, "factors of other channels");
    for (x, out) in x.chunks(step).zip(out.chunks_exact_mut(channels)) {
        let x = &x[..channels];
        for first in (0..channels).step_by(ROUNDED) {
            // SAFETY: each has `channels` numbers, a multiple of those that are read and written from `first` on.
            unsafe {
                let value = |at: usize| {
                    let [x, scale, shift] = [x, scale, shift].map(|slice| _mm512_loadu_ps(slice.as_ptr().add(at)));
                    f(_mm512_fmadd_ps(x, scale, shift))
                };
                let rounded = _mm512_cvtne2ps_pbh(value(first + LANES), value(first));
                out.as_mut_ptr().add(first).cast::<__m512bh>().write_unaligned(rounded);
            }
        }
    }
}

/// x times the standard normal distribution function, within 1e-4 of the larger of x and 0. That function is 1 / (1 + 2^-y), where y
/// is nearly a polynomial.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn gelu(x: __m512) -> __m512 {
    // A fit for x from -5 to 5. Beyond, y goes on in a line, and the function is 0 or 1.
    let coefficients = [-1.011_753_2e-3, 0.106_463_335, 2.301_893_7].map(|v| _mm512_set1_ps(v));
    let square = _mm512_min_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(25.0));
    let slope = _mm512_fmadd_ps(_mm512_fmadd_ps(coefficients[0], square, coefficients[1]), square, coefficients[2]);
    let exp = exp2(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_mul_ps(x, slope)));
    _mm512_mul_ps(x, _mm512_rcp14_ps(_mm512_add_ps(_mm512_set1_ps(1.0), exp)))
}

/// 2^x, good to 1e-4 of the value.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exp2(x: __m512) -> __m512 {
    // 2^x for x from 0 to 1.
    let coefficients = [7.802_452e-2, 2.260_671_6e-1, 6.958_335_6e-1, 9.999_252e-1].map(|v| _mm512_set1_ps(v));
    // What is above the integer below x.
    let rest = _mm512_reduce_ps::<1>(x);
    let mut fraction = coefficients[0];
    for coefficient in &coefficients[1..] {
        fraction = _mm512_fmadd_ps(fraction, rest, *coefficient);
    }
    _mm512_scalef_ps(fraction, x)
}

/// See [`Tile`].
#[target_feature(enable = "avx512f,avx512bf16")]
pub fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    match tile.width / LANES {
        1 => by_rows::<1, false>(tile, out),
        _ if tile.ahead.is_empty() => by_rows::<2, false>(tile, out),
        _ => by_rows::<2, true>(tile, out),
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn by_rows<const COLUMNS: usize, const AHEAD: bool>(tile: &Tile<'_, bf16>, out: &mut [f32]) {
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

#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows<const ROWS: usize, const COLUMNS: usize, const AHEAD: bool>(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    tile.check(out);
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
        // What is ahead is asked for in as many steps as there are pairs.
        let (mut ahead, step) = (tile.ahead.as_ptr().cast(), tile.ahead.len().div_ceil(tile.rows() / 2));
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
