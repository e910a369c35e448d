//! The transforms of [`super::winograd`] with AVX2 and FMA, eight channels at a time.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_fnmsub_ps, _mm256_loadu_ps, _mm256_mul_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_sub_ps,
};
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::winograd::{OUTPUTS, PLACES, SIDE, TAPS};

/// Numbers in a register.
const REGISTER: usize = 8;

/// See [`super::winograd::forth`].
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn forth(pixels: &[&[f32]; PLACES], step: usize, out: &mut [f32]) {
    let channels = pixels[0].len();
    assert!(
        channels.is_multiple_of(REGISTER)
            && pixels.iter().all(|pixel| pixel.len() == channels)
            && out.len() >= (PLACES - 1) * step + channels,
        "a tile reaches outside its values"
    );
    let mut between = [[_mm256_setzero_ps(); SIDE]; SIDE];
    for first in (0..channels).step_by(REGISTER) {
        // SAFETY: every pixel has `channels` numbers, every place `channels` of `out` from a multiple of `step` on, and
        // `first` and the seven after it are below `channels`.
        unsafe {
            for x in 0..SIDE {
                let column: [__m256; SIDE] =
                    std::array::from_fn(|y| _mm256_loadu_ps(pixels[y * SIDE + x].as_ptr().add(first)));
                for (row, value) in between.iter_mut().zip(input(&column)) {
                    row[x] = value;
                }
            }
            for (y, row) in between.iter().enumerate() {
                for (x, value) in input(row).into_iter().enumerate() {
                    _mm256_storeu_ps(out.as_mut_ptr().add((y * SIDE + x) * step + first), value);
                }
            }
        }
    }
}

/// See [`super::winograd::back`].
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn back(sums: &[f32], step: usize, width: usize, out: &mut [f32]) {
    assert!(
        width.is_multiple_of(REGISTER)
            && sums.len() >= (PLACES - 1) * step + width
            && out.len() >= OUTPUTS * OUTPUTS * width,
        "a tile reaches outside its values"
    );
    let mut between = [[_mm256_setzero_ps(); SIDE]; OUTPUTS];
    for first in (0..width).step_by(REGISTER) {
        // SAFETY: every place has `width` of `sums` from a multiple of `step` on, every output `width` of `out`, and `first`
        // and the seven after it are below `width`.
        unsafe {
            for x in 0..SIDE {
                let column: [__m256; SIDE] =
                    std::array::from_fn(|y| _mm256_loadu_ps(sums.as_ptr().add((y * SIDE + x) * step + first)));
                for (row, value) in between.iter_mut().zip(output(&column)) {
                    row[x] = value;
                }
            }
            for (y, row) in between.iter().enumerate() {
                for (x, value) in output(row).into_iter().enumerate() {
                    _mm256_storeu_ps(out.as_mut_ptr().add((y * OUTPUTS + x) * width + first), value);
                }
            }
        }
    }
}

/// See [`super::winograd::lift`].
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn lift(taps: &[&[f32]; TAPS], step: usize, out: &mut [f32]) {
    let len = taps[0].len();
    assert!(
        len.is_multiple_of(REGISTER)
            && taps.iter().all(|tap| tap.len() == len)
            && out.len() >= (PLACES - 1) * step + len,
        "a kernel reaches outside its weights"
    );
    let mut between = [[_mm256_setzero_ps(); 3]; SIDE];
    for first in (0..len).step_by(REGISTER) {
        // SAFETY: every tap has `len` numbers, every place `len` of `out` from a multiple of `step` on, and `first` and the seven
        // after it are below `len`.
        unsafe {
            for x in 0..3 {
                let column: [__m256; 3] = std::array::from_fn(|y| _mm256_loadu_ps(taps[y * 3 + x].as_ptr().add(first)));
                for (row, value) in between.iter_mut().zip(kernel(&column)) {
                    row[x] = value;
                }
            }
            for (y, row) in between.iter().enumerate() {
                for (x, value) in kernel(row).into_iter().enumerate() {
                    _mm256_storeu_ps(out.as_mut_ptr().add((y * SIDE + x) * step + first), value);
                }
            }
        }
    }
}

/// The kernel's matrix times three numbers, in each lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn kernel(&[g0, g1, g2]: &[__m256; 3]) -> [__m256; SIDE] {
    let [third, sixth, most] = [1.0 / 3.0, 1.0 / 6.0, 2.0 / 3.0].map(|v| _mm256_set1_ps(v));
    let [near, far] = [2.0 / 3.0 * FRAC_1_SQRT_2, SQRT_2 / 6.0].map(|v| _mm256_set1_ps(v));
    let tail = _mm256_mul_ps(third, g2);
    let (even, even_far) = (_mm256_fnmsub_ps(most, g0, tail), _mm256_fmadd_ps(sixth, g0, tail));
    [
        g0,
        _mm256_fnmadd_ps(near, g1, even),
        _mm256_fmadd_ps(near, g1, even),
        _mm256_fmadd_ps(far, g1, even_far),
        _mm256_fnmadd_ps(far, g1, even_far),
        g2,
    ]
}

/// The input's matrix times six numbers, in each lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn input(&[d0, d1, d2, d3, d4, d5]: &[__m256; SIDE]) -> [__m256; SIDE] {
    let [half, two, most] = [0.5, 2.0, 2.5].map(|v| _mm256_set1_ps(v));
    let [near, far] = [FRAC_1_SQRT_2, SQRT_2].map(|v| _mm256_set1_ps(v));
    let (even, odd) = (_mm256_fnmadd_ps(two, d2, d4), _mm256_fnmadd_ps(two, d1, d3));
    let (even_far, odd_far) = (_mm256_fnmadd_ps(half, d2, d4), _mm256_fnmadd_ps(half, d1, d3));
    [
        _mm256_fnmadd_ps(most, d2, _mm256_add_ps(d0, d4)),
        _mm256_fmadd_ps(near, odd, even),
        _mm256_fnmadd_ps(near, odd, even),
        _mm256_fmadd_ps(far, odd_far, even_far),
        _mm256_fnmadd_ps(far, odd_far, even_far),
        _mm256_fnmadd_ps(most, d3, _mm256_add_ps(d1, d5)),
    ]
}

/// The output's matrix times six numbers, in each lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn output(&[m0, m1, m2, m3, m4, m5]: &[__m256; SIDE]) -> [__m256; OUTPUTS] {
    let [half, two] = [0.5, 2.0].map(|v| _mm256_set1_ps(v));
    let [near, far] = [FRAC_1_SQRT_2, SQRT_2].map(|v| _mm256_set1_ps(v));
    let [cubed, cubed_far] = [0.5 * FRAC_1_SQRT_2, 2.0 * SQRT_2].map(|v| _mm256_set1_ps(v));
    let (sum, difference) = (_mm256_add_ps(m1, m2), _mm256_sub_ps(m1, m2));
    let (sum_far, difference_far) = (_mm256_add_ps(m3, m4), _mm256_sub_ps(m3, m4));
    [
        _mm256_add_ps(m0, _mm256_add_ps(sum, sum_far)),
        _mm256_fmadd_ps(near, difference, _mm256_mul_ps(far, difference_far)),
        _mm256_fmadd_ps(half, sum, _mm256_mul_ps(two, sum_far)),
        _mm256_fmadd_ps(cubed, difference, _mm256_fmadd_ps(cubed_far, difference_far, m5)),
    ]
}
