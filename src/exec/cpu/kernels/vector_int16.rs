//! How values are quantized ([`super::int16`]) in vector registers, with AVX2 and AVX-512, from the same text. (Of the plain
//! text the compiler makes code that takes one number after the other.)

/// The kernels, with some processor features, a type of register and its operations.
macro_rules! whole_numbers {
    (
        $set:ident, $features:literal, $register:ident of $lanes:literal,
        $load:ident, $all:ident, $mul:ident, $fmadd:ident,
        $cast:ident, $none:ident, $all_bits:ident, $and:ident, $larger:ident, $store:ident
    ) => {
        use crate::exec::cpu::kernels::int16::{self, MOST, Quantized, ROUND};
        use crate::exec::cpu::kernels::vector_winograd::$set::kernel;
        use crate::exec::cpu::kernels::winograd::{PLACES, REACH, SIDE, Taps};

        /// See [`int16::quantize`].
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn quantize(x: &[f32], out: &mut [i16]) -> f32 {
            let (count, end) = (out.len(), out.len() - out.len() % $lanes);
            assert!(x.len() >= count, "fewer values than integers");
            let mut largest = $none();
            for at in (0..end).step_by($lanes) {
                // SAFETY: `end` values are there.
                largest = $larger(largest, bits(unsafe { $load(x.as_ptr().add(at)) }));
            }
            let largest = x[end..count].iter().fold(most(largest), |most, x| x.abs().to_bits().max(most));
            let [inverse, scale] = int16::factors(largest, MOST.into());
            for at in (0..end).step_by($lanes) {
                // SAFETY: there is room for as many numbers as there are values.
                unsafe { put(nearest($load(x.as_ptr().add(at)), $all(inverse)), out.as_mut_ptr().add(at)) };
            }
            for (x, out) in x[end..count].iter().zip(&mut out[end..]) {
                *out = int16::nearest::<true>(*x, inverse) as i16;
            }
            scale
        }

        /// See [`int16::quantize_places`].
        #[target_feature(enable = $features)]
        pub fn quantize_places(x: &[f32], out: Quantized<'_>, [from, to, step]: [usize; 3], len: usize) {
            let Quantized { numbers: out, scales } = out;
            for place in 0..PLACES {
                let scale = quantize(&x[place * from..][..len], &mut out[place * to..][..len]);
                scales[place * step] = scale * int16::reach(place);
            }
        }

        /// See [`int16::filter_transform_int16`].
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn filter_transform_int16(taps: &Taps<'_>, inverse: &[f32], step: usize, out: &mut [i16]) {
            let (len, width) = (taps[0].len(), inverse.len());
            assert!(
                width.is_multiple_of($lanes)
                    && len.is_multiple_of(2 * width)
                    && taps.iter().all(|tap| tap.len() == len)
                    && out.len() >= (PLACES - 1) * step + len,
                "a kernel reaches outside its weights"
            );
            for column in (0..width).step_by($lanes) {
                // SAFETY: `column` is that of the first of a register's numbers of `width`.
                let inverse = unsafe { $load(inverse.as_ptr().add(column)) };
                // Along both axes there are no more kinds of rows than these.
                let factors = [0, 1, 3].map(|y| [0, 1, 3].map(|x| $mul(inverse, $all(1.0 / (REACH[y] * REACH[x])))));
                const KIND: [usize; SIDE] = [0, 1, 1, 2, 2, 0];
                for first in (0..len).step_by(2 * width) {
                    let mut numbers = [[$none(); SIDE]; SIDE];
                    for row in 0..2 {
                        let mut between = [[$all(0.0); 3]; SIDE];
                        for x in 0..3 {
                            let weight = |y: usize| {
                                let place = first + row * width + column;
                                // SAFETY: every tap has whole pairs of rows of `width` numbers.
                                unsafe { $load(taps[y * 3 + x].as_ptr().add(place)) }
                            };
                            let transformed = kernel(&[weight(0), weight(1), weight(2)]);
                            between.iter_mut().zip(transformed).for_each(|(between, value)| between[x] = value);
                        }
                        for y in 0..SIDE {
                            let transformed = kernel(&between[y]);
                            for x in 0..SIDE {
                                let number = nearest(transformed[x], factors[KIND[y]][KIND[x]]);
                                if row == 0 {
                                    numbers[y][x] = number;
                                } else {
                                    // SAFETY: every place has `len` numbers of `out` from a multiple of `step` on.
                                    unsafe {
                                        let place = out.as_mut_ptr().add((y * SIDE + x) * step + first + 2 * column);
                                        $store(place.cast(), beside(numbers[y][x], number));
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        /// See [`int16::quantize_columns`].
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn quantize_columns(x: &[f32], scales: &mut [f32], out: &mut [i16]) {
            let width = scales.len();
            let rows = x.len() / width;
            assert!(
                width.is_multiple_of($lanes) && out.len() >= rows.next_multiple_of(2) * width,
                "columns reach outside"
            );
            for column in (0..width).step_by($lanes) {
                // SAFETY: each of `rows` has `width` values, and those of a register from `column` on are among them.
                let row = |row: usize| unsafe { $load(x.as_ptr().add(row * width + column)) };
                // Two, so that none waits for the one before.
                let mut largest = [$none(); 2];
                for first in (0..rows).step_by(2) {
                    largest[0] = $larger(largest[0], bits(row(first)));
                    largest[1] = $larger(largest[1], bits(row((first + 1).min(rows - 1))));
                }
                let mut all = [0u32; $lanes];
                // SAFETY: there are as many as a register has.
                unsafe { $store(all.as_mut_ptr().cast(), $larger(largest[0], largest[1])) };
                let factors = all.map(|largest| int16::factors(largest, MOST.into()));
                scales[column..][..$lanes].copy_from_slice(&factors.map(|[_, scale]| scale));
                // SAFETY: the same.
                let inverse = unsafe { $load(factors.map(|[inverse, _]| inverse).as_ptr()) };
                for first in (0..rows).step_by(2) {
                    let last = if first + 1 < rows { row(first + 1) } else { $all(0.0) };
                    let pairs = beside(nearest(row(first), inverse), nearest(last, inverse));
                    // SAFETY: there is room for whole pairs of rows.
                    unsafe { $store(out.as_mut_ptr().add(first * width + 2 * column).cast(), pairs) };
                }
            }
        }

        /// The bits of values without their signs: in the order of the numbers.
        #[inline]
        #[target_feature(enable = $features)]
        fn bits(x: $register) -> Numbers {
            $and($cast(x), $all_bits(0x7fff_ffff))
        }

        /// Numbers whose last 16 bits are those of the nearest integers.
        #[inline]
        #[target_feature(enable = $features)]
        fn nearest(x: $register, inverse: $register) -> Numbers {
            $cast($fmadd(x, inverse, $all(ROUND)))
        }
    };
}

/// Eight values at a time.
pub mod avx2 {
    use std::arch::x86_64::{
        __m256, __m256i, _mm_cvtsi128_si32, _mm_max_epu32, _mm_shuffle_epi32, _mm_storeu_si128, _mm256_and_si256,
        _mm256_blend_epi16, _mm256_castps_si256, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_max_epu32, _mm256_mul_ps, _mm256_packus_epi32, _mm256_permute4x64_epi64,
        _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_storeu_si256,
    };

    /// Eight integers.
    type Numbers = __m256i;

    whole_numbers! {
        avx2, "avx2,fma", __m256 of 8,
        _mm256_loadu_ps, _mm256_set1_ps, _mm256_mul_ps, _mm256_fmadd_ps,
        _mm256_castps_si256, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_and_si256, _mm256_max_epu32, _mm256_storeu_si256
    }

    /// The largest of all.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn most(x: Numbers) -> u32 {
        let four = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
        let two = _mm_max_epu32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
        _mm_cvtsi128_si32(_mm_max_epu32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two))) as u32
    }

    /// The last 16 bits of each, one after the other.
    ///
    /// # Safety
    /// There is room for eight.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "the vector store takes a pointer")]
    unsafe fn put(x: Numbers, out: *mut i16) {
        let x = _mm256_and_si256(x, _mm256_set1_epi32(0xffff));
        let x = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(x, x));
        // SAFETY: the caller's.
        unsafe { _mm_storeu_si128(out.cast(), _mm256_castsi256_si128(x)) };
    }

    /// The last 16 bits of each beside those of another.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn beside(first: Numbers, second: Numbers) -> Numbers {
        _mm256_blend_epi16::<0b1010_1010>(first, _mm256_slli_epi32::<16>(second))
    }
}

/// Sixteen values at a time.
pub mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512i, _mm256_storeu_si256, _mm512_and_si512, _mm512_castps_si512, _mm512_cvtepi32_epi16,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_epi16, _mm512_max_epu32, _mm512_mul_ps,
        _mm512_reduce_max_epu32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_slli_epi32,
        _mm512_storeu_si512,
    };

    /// Sixteen integers.
    type Numbers = __m512i;

    whole_numbers! {
        avx512, "avx512f,avx512bw", __m512 of 16,
        _mm512_loadu_ps, _mm512_set1_ps, _mm512_mul_ps, _mm512_fmadd_ps,
        _mm512_castps_si512, _mm512_setzero_si512, _mm512_set1_epi32, _mm512_and_si512, _mm512_max_epu32, _mm512_storeu_si512
    }

    /// The largest of all.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn most(x: Numbers) -> u32 {
        _mm512_reduce_max_epu32(x)
    }

    /// The last 16 bits of each, one after the other.
    ///
    /// # Safety
    /// There is room for sixteen.
    #[inline]
    #[target_feature(enable = "avx512f")]
    #[expect(unsafe_code, reason = "the vector store takes a pointer")]
    unsafe fn put(x: Numbers, out: *mut i16) {
        // SAFETY: the caller's.
        unsafe { _mm256_storeu_si256(out.cast(), _mm512_cvtepi32_epi16(x)) };
    }

    /// The last 16 bits of each beside those of another.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn beside(first: Numbers, second: Numbers) -> Numbers {
        _mm512_mask_blend_epi16(0xaaaa_aaaa, first, _mm512_slli_epi32::<16>(second))
    }
}
