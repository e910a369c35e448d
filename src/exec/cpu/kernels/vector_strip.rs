//! The transforms of [`super::strip`] in vector registers, for processors that round to bf16 themselves.

use std::arch::x86_64::{
    __m512, __m512bh, _mm256_loadu_si256, _mm512_castsi512_ps, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh,
    _mm512_loadu_ps, _mm512_slli_epi32, _mm512_storeu_ps,
};

use half::bf16;

use super::LANES;
use super::strip::{CHANNELS, Strips, TAPS};
use super::vector_winograd::avx512::{input, kernel, output};
use super::winograd::{OUTPUTS, SIDE};

/// Sixteen numbers of bf16 as f32.
///
/// # Safety
/// There are so many from `values` on.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
unsafe fn widened(values: *const bf16) -> __m512 {
    // SAFETY: the caller has promised that.
    let values = unsafe { _mm256_loadu_si256(values.cast()) };
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(values)))
}

/// Strips of a map of bf16; see [`strip::forth`](super::strip::forth).
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
pub fn forth_bf16(strips: &Strips<'_, bf16>, out: &mut [bf16]) {
    // SAFETY: `forth` asks for sixteen numbers of the row.
    forth(strips, out, |values| unsafe { widened(values) });
}

/// The same of a map of f32.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
pub fn forth_f32(strips: &Strips<'_, f32>, out: &mut [bf16]) {
    // SAFETY: `forth` asks for sixteen numbers of the row.
    forth(strips, out, |values| unsafe { _mm512_loadu_ps(values) });
}

/// Strips whose numbers `load` reads sixteen at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector stores take pointers")]
fn forth<T>(strips: &Strips<'_, T>, out: &mut [bf16], load: impl Fn(*const T) -> __m512) {
    strips.check(out);
    let Strips { values, pixel, channels, count } = *strips;
    for strip in 0..count {
        for first in (0..channels).step_by(CHANNELS) {
            // SAFETY: `check` has seen that the pixels of all strips lie in `values`, and all places of all strips in `out`;
            // channels are whole blocks.
            unsafe {
                let begin = values.as_ptr().add(OUTPUTS * strip * pixel + first);
                let half = |from: usize| -> [__m512; SIDE] {
                    input(&std::array::from_fn(|at| load(begin.add(at * pixel + from))))
                };
                let (low, high) = (half(0), half(LANES));
                for place in 0..SIDE {
                    let at = out.as_mut_ptr().add((place * count + strip) * channels + first);
                    at.cast::<__m512bh>().write_unaligned(_mm512_cvtne2ps_pbh(high[place], low[place]));
                }
            }
        }
    }
}

/// See [`strip::lift`](super::strip::lift).
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn lift(taps: &[&[bf16]; TAPS], step: usize, out: &mut [bf16]) {
    let len = taps[0].len();
    assert!(
        len.is_multiple_of(2 * LANES)
            && taps.iter().all(|tap| tap.len() == len)
            && out.len() >= (SIDE - 1) * step + len,
        "a kernel reaches outside its weights"
    );
    for first in (0..len).step_by(2 * LANES) {
        // SAFETY: every tap has `len` numbers, every place `len` of `out` from a multiple of `step` on, and a pair of registers'
        // numbers from `first` on are below `len`.
        unsafe {
            let half = |from: usize| -> [__m512; SIDE] {
                kernel(&std::array::from_fn(|tap| widened(taps[tap].as_ptr().add(first + from))))
            };
            let (low, high) = (half(0), half(LANES));
            for place in 0..SIDE {
                let at = out.as_mut_ptr().add(place * step + first);
                at.cast::<__m512bh>().write_unaligned(_mm512_cvtne2ps_pbh(high[place], low[place]));
            }
        }
    }
}

/// See [`strip::back`](super::strip::back).
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn back(sums: &[f32], count: usize, width: usize, out: &mut [f32]) {
    assert!(
        width.is_multiple_of(LANES) && sums.len() >= SIDE * count * width && out.len() >= OUTPUTS * count * width,
        "strips reach outside their sums"
    );
    for strip in 0..count {
        for first in (0..width).step_by(LANES) {
            // SAFETY: every place of every strip has `width` of `sums`, every output `width` of `out`.
            unsafe {
                let at = |place: usize| sums.as_ptr().add((place * count + strip) * width + first);
                let places: [__m512; SIDE] = std::array::from_fn(|place| _mm512_loadu_ps(at(place)));
                for (place, values) in output(&places).into_iter().enumerate() {
                    _mm512_storeu_ps(out.as_mut_ptr().add((OUTPUTS * strip + place) * width + first), values);
                }
            }
        }
    }
}
