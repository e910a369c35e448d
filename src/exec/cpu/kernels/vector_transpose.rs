//! Transposition in vector registers, sixteen numbers at a time with AVX-512 and eight with AVX2, from the same text.

/// The transposition, with some processor features and a type of register of so many lanes; then half of them, a quarter, and so
/// on to one.
macro_rules! transposition {
    ($features:literal, $register:ident of $lanes:literal, $($apart:literal)*) => {
        use super::without;

        /// See [`rows::transpose`](crate::exec::cpu::kernels::rows::transpose).
        #[target_feature(enable = $features)]
        pub fn transpose(from: &[u32], columns: usize, to: &mut [u32], step: usize) {
            let rows = from.len() / columns;
            for column in (0..columns).step_by($lanes) {
                let width = $lanes.min(columns - column);
                for row in (0..step).step_by($lanes) {
                    let mut square = [load(&[]); $lanes];
                    for index in 0..$lanes {
                        if row + index < rows {
                            square[index] = load(&from[(row + index) * columns + column..][..width]);
                        }
                    }
                    // Of a square, two quarters change places; then two of each quarter; and so on.
                    $(for pair in 0..$lanes / 2 {
                        let index = without(pair, $apart);
                        let [first, second] = [square[index], square[index + $apart]];
                        square[index] = merge::<$apart, 0>(first, second);
                        square[index + $apart] = merge::<$apart, $apart>(second, first);
                    })*
                    // By index, so that the square stays in registers.
                    for index in 0..$lanes {
                        if index < width {
                            store(square[index], &mut to[(column + index) * step..][row..step.min(row + $lanes)]);
                        }
                    }
                }
            }
        }

        /// For each lane, the one `APART` from it, before or behind.
        const fn places<const APART: usize>() -> [u32; $lanes] {
            let mut places = [0; $lanes];
            let mut lane = 0;
            while lane < $lanes {
                places[lane] = (lane ^ APART) as u32;
                lane += 1;
            }
            places
        }
    };
}

/// The `nth` number that lacks a `bit`.
const fn without(nth: usize, bit: usize) -> usize {
    nth / bit * 2 * bit + nth % bit
}

/// Eight numbers at a time.
pub mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_blendv_epi8, _mm256_loadu_si256, _mm256_maskload_epi32, _mm256_maskstore_epi32,
        _mm256_permutevar8x32_epi32,
    };

    transposition! { "avx2", __m256i of 8, 4 2 1 }

    /// All bits of the first lanes, then none of as many.
    const FIRST: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    /// The first lanes.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    fn first(count: usize) -> __m256i {
        // SAFETY: eight numbers are read, from the first to the ninth on.
        unsafe { _mm256_loadu_si256(FIRST[8 - count..][..8].as_ptr().cast()) }
    }

    /// Some numbers, then zeros.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    fn load(numbers: &[u32]) -> __m256i {
        // SAFETY: only the lanes of `numbers` are read.
        unsafe { _mm256_maskload_epi32(numbers.as_ptr().cast(), first(numbers.len())) }
    }

    /// As many numbers as there is room for.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    fn store(numbers: __m256i, out: &mut [u32]) {
        // SAFETY: only the lanes of `out` are written.
        unsafe { _mm256_maskstore_epi32(out.as_mut_ptr().cast(), first(out.len()), numbers) }
    }

    /// The lanes of `own` whose number has `KEPT` of the bit `APART`; the others from `other`, so far away.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    fn merge<const APART: usize, const KEPT: usize>(own: __m256i, other: __m256i) -> __m256i {
        let others: [i32; 8] = const {
            let mut others = [0; 8];
            let mut lane = 0;
            while lane < 8 {
                others[lane] = if lane & APART == KEPT { 0 } else { -1 };
                lane += 1;
            }
            others
        };
        // SAFETY: both have eight numbers.
        let [others, places] = unsafe {
            [_mm256_loadu_si256(others.as_ptr().cast()), _mm256_loadu_si256(places::<APART>().as_ptr().cast())]
        };
        _mm256_blendv_epi8(own, _mm256_permutevar8x32_epi32(other, places), others)
    }
}

/// Sixteen numbers at a time.
pub mod avx512 {
    use std::arch::x86_64::{
        __m512i, __mmask16, _mm512_loadu_si512, _mm512_mask_permutexvar_epi32, _mm512_mask_storeu_epi32,
        _mm512_maskz_loadu_epi32,
    };

    transposition! { "avx512f", __m512i of 16, 8 4 2 1 }

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

    /// The lanes of `own` whose number has `KEPT` of the bit `APART`; the others from `other`, so far away.
    #[inline]
    #[target_feature(enable = "avx512f")]
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    fn merge<const APART: usize, const KEPT: usize>(own: __m512i, other: __m512i) -> __m512i {
        let others: __mmask16 = const {
            let (mut others, mut lane) = (0, 0);
            while lane < 16 {
                others |= ((lane & APART != KEPT) as __mmask16) << lane;
                lane += 1;
            }
            others
        };
        // SAFETY: there are sixteen places.
        let places = unsafe { _mm512_loadu_si512(places::<APART>().as_ptr().cast()) };
        _mm512_mask_permutexvar_epi32(own, others, places, other)
    }
}
