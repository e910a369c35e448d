//! Transposition with AVX-512, a square of 16 x 16 numbers in registers at a time.

use std::arch::x86_64::{
    __m512i, __mmask16, _mm512_loadu_si512, _mm512_mask_permutexvar_epi32, _mm512_mask_storeu_epi32,
    _mm512_maskz_loadu_epi32, _mm512_setzero_si512,
};

use super::LANES;

/// See [`portable::transpose`](super::portable::transpose).
#[target_feature(enable = "avx512f")]
pub fn transpose(from: &[u32], columns: usize, to: &mut [u32], step: usize) {
    let rows = from.len() / columns;
    for column in (0..columns).step_by(LANES) {
        let width = LANES.min(columns - column);
        for row in (0..step).step_by(LANES) {
            let mut square = [_mm512_setzero_si512(); LANES];
            for index in 0..LANES {
                if row + index < rows {
                    square[index] = load(&from[(row + index) * columns + column..][..width]);
                }
            }
            // Of a square, two quarters change places; then two of each quarter; and so on.
            exchange::<8>(&mut square);
            exchange::<4>(&mut square);
            exchange::<2>(&mut square);
            exchange::<1>(&mut square);
            // By index, so that the square stays in registers.
            for index in 0..LANES {
                if index < width {
                    store(square[index], &mut to[(column + index) * step..][row..step.min(row + LANES)]);
                }
            }
        }
    }
}

/// Of each two rows `APART`, the second half of the first changes places with the first half of the second: halves of runs of
/// twice as many lanes.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn exchange<const APART: usize>(square: &mut [__m512i; LANES]) {
    let (places, seconds): ([u32; LANES], __mmask16) = const {
        let (mut places, mut seconds, mut lane) = ([0; LANES], 0, 0);
        while lane < LANES {
            places[lane] = (lane ^ APART) as u32;
            seconds |= ((lane & APART != 0) as __mmask16) << lane;
            lane += 1;
        }
        (places, seconds)
    };
    // SAFETY: there are as many places as lanes.
    let places = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
    for pair in 0..LANES / 2 {
        let index = pair / APART * 2 * APART + pair % APART;
        let [first, second] = [square[index], square[index + APART]];
        square[index] = _mm512_mask_permutexvar_epi32(first, seconds, places, second);
        square[index + APART] = _mm512_mask_permutexvar_epi32(second, !seconds, places, first);
    }
}

/// The first lanes.
const fn first(count: usize) -> __mmask16 {
    ((1u32 << count) - 1) as __mmask16
}

/// Some numbers, then zeros.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn load(numbers: &[u32]) -> __m512i {
    // SAFETY: only the lanes of `numbers` are read.
    unsafe { _mm512_maskz_loadu_epi32(first(numbers.len()), numbers.as_ptr().cast()) }
}

/// As many numbers as there is room for.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector stores take pointers")]
fn store(numbers: __m512i, out: &mut [u32]) {
    // SAFETY: only the lanes of `out` are written.
    unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr().cast(), first(out.len()), numbers) }
}
