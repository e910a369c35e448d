//! The transforms of [`super::strip`] in vector registers, for processors that round to bf16 themselves: with AVX-512 and NEON, from the
//! same text.

/// The transforms, with some processor features, a type of register and its operations: of f32 and of bf16 to be read, and to write
/// those of two registers as bf16.
macro_rules! strips {
    ($features:literal, $register:ident of $lanes:literal, $load:ident, $store:ident, $widened:ident, $narrowed:ident) => {
        use half::bf16;

        use crate::exec::cpu::kernels::strip::{Strips, TAPS};
        use crate::exec::cpu::kernels::winograd::{OUTPUTS, SIDE};

        /// Strips of a map of bf16; see [`strip::input_transform`](crate::exec::cpu::kernels::strip::input_transform).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads take pointers")]
        pub fn input_transform_bf16(strips: &Strips<'_, bf16>, out: &mut [bf16]) {
            // SAFETY: `input_transform` asks for numbers of the row.
            input_transform(strips, out, |values| unsafe { $widened(values) });
        }

        /// The same of a map of f32.
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads take pointers")]
        pub fn input_transform_f32(strips: &Strips<'_, f32>, out: &mut [bf16]) {
            // SAFETY: `input_transform` asks for numbers of the row.
            input_transform(strips, out, |values| unsafe { $load(values) });
        }

        /// Strips whose numbers `load` reads, a register at a time.
        #[inline]
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector stores take pointers")]
        fn input_transform<T>(strips: &Strips<'_, T>, out: &mut [bf16], load: impl Fn(*const T) -> $register) {
            strips.check(out);
            let Strips { values, pixel, channels, count } = *strips;
            for strip in 0..count {
                for first in (0..channels).step_by(2 * $lanes) {
                    // SAFETY: `check` has seen that the pixels of all strips lie in `values`, and all places of all strips in `out`;
                    // channels are whole blocks.
                    unsafe {
                        let begin = values.as_ptr().add(OUTPUTS * strip * pixel + first);
                        let half = |from: usize| -> [$register; SIDE] {
                            input(&std::array::from_fn(|at| load(begin.add(at * pixel + from))))
                        };
                        let (low, high) = (half(0), half($lanes));
                        for place in 0..SIDE {
                            let at = out.as_mut_ptr().add((place * count + strip) * channels + first);
                            $narrowed(low[place], high[place], at);
                        }
                    }
                }
            }
        }

        /// See [`strip::filter_transform`](crate::exec::cpu::kernels::strip::filter_transform).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn filter_transform(taps: &[&[bf16]; TAPS], step: usize, out: &mut [bf16]) {
            let len = taps[0].len();
            assert!(
                len.is_multiple_of(2 * $lanes)
                    && taps.iter().all(|tap| tap.len() == len)
                    && out.len() >= (SIDE - 1) * step + len,
                "a kernel reaches outside its weights"
            );
            for first in (0..len).step_by(2 * $lanes) {
                // SAFETY: every tap has `len` numbers, every place `len` of `out` from a multiple of `step` on, and a pair of
                // registers' numbers from `first` on are below `len`.
                unsafe {
                    let half = |from: usize| -> [$register; SIDE] {
                        kernel(&std::array::from_fn(|tap| $widened(taps[tap].as_ptr().add(first + from))))
                    };
                    let (low, high) = (half(0), half($lanes));
                    for place in 0..SIDE {
                        $narrowed(low[place], high[place], out.as_mut_ptr().add(place * step + first));
                    }
                }
            }
        }

        /// See [`strip::output_transform`](crate::exec::cpu::kernels::strip::output_transform).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn output_transform(sums: &[f32], count: usize, width: usize, out: &mut [f32]) {
            assert!(
                width.is_multiple_of($lanes)
                    && sums.len() >= SIDE * count * width
                    && out.len() >= OUTPUTS * count * width,
                "strips reach outside their sums"
            );
            for strip in 0..count {
                for first in (0..width).step_by($lanes) {
                    // SAFETY: every place of every strip has `width` of `sums`, every output `width` of `out`.
                    unsafe {
                        let at = |place: usize| sums.as_ptr().add((place * count + strip) * width + first);
                        let places: [$register; SIDE] = std::array::from_fn(|place| $load(at(place)));
                        for (place, values) in output(&places).into_iter().enumerate() {
                            $store(out.as_mut_ptr().add((OUTPUTS * strip + place) * width + first), values);
                        }
                    }
                }
            }
        }
    };
}

/// Thirty-two numbers at a time.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512bh, _mm256_loadu_si256, _mm512_castsi512_ps, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh,
        _mm512_loadu_ps, _mm512_slli_epi32, _mm512_storeu_ps,
    };

    use crate::exec::cpu::kernels::vector_winograd::avx512::{input, kernel, output};

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

    /// Sixteen numbers, then sixteen more, as bf16.
    ///
    /// # Safety
    /// There is room for so many from `out` on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    unsafe fn narrowed(low: __m512, high: __m512, out: *mut bf16) {
        // SAFETY: the caller has promised that.
        unsafe { out.cast::<__m512bh>().write_unaligned(_mm512_cvtne2ps_pbh(high, low)) };
    }

    strips! { "avx512f,avx512bf16", __m512 of 16, _mm512_loadu_ps, _mm512_storeu_ps, widened, narrowed }
}

/// Eight numbers at a time.
#[cfg(target_arch = "aarch64")]
pub mod neon {
    use std::arch::aarch64::{
        float32x4_t, vld1_u16, vld1q_f32, vreinterpretq_f32_u32, vshll_n_u16, vst1q_f32, vst1q_u16,
    };

    use crate::exec::cpu::kernels::neon_bf16::narrowed as rounded;
    use crate::exec::cpu::kernels::vector_winograd::neon::{input, kernel, output};

    /// Four numbers of bf16 as f32.
    ///
    /// # Safety
    /// There are so many from `values` on.
    #[inline]
    #[target_feature(enable = "neon")]
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe fn widened(values: *const bf16) -> float32x4_t {
        // SAFETY: the caller has promised that.
        vreinterpretq_f32_u32(vshll_n_u16::<16>(unsafe { vld1_u16(values.cast()) }))
    }

    /// Four numbers, then four more, as bf16.
    ///
    /// # Safety
    /// There is room for so many from `out` on.
    #[inline]
    #[target_feature(enable = "neon,bf16")]
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    unsafe fn narrowed(low: float32x4_t, high: float32x4_t, out: *mut bf16) {
        // SAFETY: the caller has promised that.
        unsafe { vst1q_u16(out.cast(), rounded(low, high)) };
    }

    strips! { "neon,bf16", float32x4_t of 4, vld1q_f32, vst1q_f32, widened, narrowed }
}
