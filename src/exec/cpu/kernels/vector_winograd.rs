//! The transforms of [`super::winograd`] in vector registers: one register of channels at a time, eight with AVX2, sixteen with
//! AVX-512 and four with NEON, from the same text.

/// The transforms, with some processor features and a type of register and its operations.
macro_rules! transforms {
    (
        $features:literal, $register:ident of $lanes:literal,
        $load:ident, $store:ident, $all:ident, $add:ident, $sub:ident, $mul:ident, $max:ident,
        $fmadd:ident, $fnmadd:ident, $fnmsub:ident
    ) => {
        use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

        use crate::exec::cpu::kernels::winograd::{Inputs, OUTPUTS, PLACES, SIDE, Taps, TileEpilogue};

        /// See [`winograd::input_transform`](crate::exec::cpu::kernels::winograd::input_transform).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn input_transform(inputs: &Inputs<'_>, step: usize, out: &mut [f32]) {
            inputs.check(step, out);
            let Inputs { numbers, rows, columns, channels } = *inputs;
            let mut between = [[$all(0.0); SIDE]; SIDE];
            for first in (0..channels).step_by($lanes) {
                // SAFETY: `check` has seen that `channels` of each pixel are in `numbers`, and of each place in `out` from a multiple
                // of `step` on; a register's numbers from `first` on are below `channels`, which are whole registers.
                unsafe {
                    for x in 0..SIDE {
                        let column: [$register; SIDE] =
                            std::array::from_fn(|y| $load(numbers.as_ptr().add(rows[y] + columns[x] + first)));
                        for (row, value) in between.iter_mut().zip(input(&column)) {
                            row[x] = value;
                        }
                    }
                    for (y, row) in between.iter().enumerate() {
                        for (x, value) in input(row).into_iter().enumerate() {
                            $store(out.as_mut_ptr().add((y * SIDE + x) * step + first), value);
                        }
                    }
                }
            }
        }

        /// See [`winograd::output_transform`](crate::exec::cpu::kernels::winograd::output_transform).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn output_transform(sums: &[f32], step: usize, width: usize, out: &mut [f32]) {
            assert!(out.len() >= OUTPUTS * OUTPUTS * width, "a tile reaches outside its outputs");
            outputs(sums, step, width, |output, first, values| {
                for (x, value) in values.into_iter().enumerate() {
                    // SAFETY: every output has `width` of `out`, and `outputs` names registers of these.
                    unsafe { $store(out.as_mut_ptr().add((output + x) * width + first), value) };
                }
            });
        }

        /// See [`winograd::output_transform_store`](crate::exec::cpu::kernels::winograd::output_transform_store).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn output_transform_store(sums: &[f32], step: usize, epilogue: &TileEpilogue<'_>) {
            let TileEpilogue { bias, relu, .. } = *epilogue;
            let to = epilogue.places().map(<[f32]>::as_mut_ptr);
            let others = epilogue.others().map(|others| others.map(<[f32]>::as_ptr));
            // Of this and what is no number, the larger is what comes second: that is not lost.
            let least = $all(if relu { 0.0 } else { f32::NEG_INFINITY });
            outputs(sums, step, bias.len(), |output, first, values| {
                // SAFETY: every output has as many numbers to be written and to be added as there are biases, and `outputs` names
                // registers of these.
                unsafe {
                    let bias = $load(bias.as_ptr().add(first));
                    for (x, value) in values.into_iter().enumerate() {
                        let mut value = $add(value, bias);
                        if let Some(others) = &others {
                            value = $add(value, $load(others[output + x].add(first)));
                        }
                        $store(to[output + x].add(first), $max(least, value));
                    }
                }
            });
        }

        /// Hands the outputs of a tile to `put`, a row of them at a time for a register of channels: from which output and which of the
        /// `width` channels on.
        #[inline]
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads take pointers")]
        fn outputs(sums: &[f32], step: usize, width: usize, mut put: impl FnMut(usize, usize, [$register; OUTPUTS])) {
            assert!(
                width.is_multiple_of($lanes) && sums.len() >= (PLACES - 1) * step + width,
                "a tile reaches outside its values"
            );
            let mut between = [[$all(0.0); SIDE]; OUTPUTS];
            for first in (0..width).step_by($lanes) {
                for x in 0..SIDE {
                    let place = |y: usize| (y * SIDE + x) * step + first;
                    // SAFETY: every place has `width` of `sums` from a multiple of `step` on, of which a register's from `first` on are.
                    let column = unsafe { std::array::from_fn(|y| $load(sums.as_ptr().add(place(y)))) };
                    for (row, value) in between.iter_mut().zip(output(&column)) {
                        row[x] = value;
                    }
                }
                for (y, row) in between.iter().enumerate() {
                    put(y * OUTPUTS, first, output(row));
                }
            }
        }

        /// See [`winograd::filter_transform`](crate::exec::cpu::kernels::winograd::filter_transform).
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
        pub fn filter_transform(taps: &Taps<'_>, step: usize, out: &mut [f32]) {
            let len = taps[0].len();
            assert!(
                len.is_multiple_of($lanes)
                    && taps.iter().all(|tap| tap.len() == len)
                    && out.len() >= (PLACES - 1) * step + len,
                "a kernel reaches outside its weights"
            );
            let mut between = [[$all(0.0); 3]; SIDE];
            for first in (0..len).step_by($lanes) {
                // SAFETY: every tap has `len` numbers, every place `len` of `out` from a multiple of `step` on, and a register's
                // numbers from `first` on are below `len`.
                unsafe {
                    for x in 0..3 {
                        let column: [$register; 3] =
                            std::array::from_fn(|y| $load(taps[y * 3 + x].as_ptr().add(first)));
                        for (row, value) in between.iter_mut().zip(kernel(&column)) {
                            row[x] = value;
                        }
                    }
                    for (y, row) in between.iter().enumerate() {
                        for (x, value) in kernel(row).into_iter().enumerate() {
                            $store(out.as_mut_ptr().add((y * SIDE + x) * step + first), value);
                        }
                    }
                }
            }
        }

        /// The kernel's matrix times three numbers, in each lane.
        #[inline]
        #[target_feature(enable = $features)]
        pub fn kernel(&[g0, g1, g2]: &[$register; 3]) -> [$register; SIDE] {
            let [third, sixth, most] = [1.0 / 3.0, 1.0 / 6.0, 2.0 / 3.0].map(|v| $all(v));
            let [near, far] = [2.0 / 3.0 * FRAC_1_SQRT_2, SQRT_2 / 6.0].map(|v| $all(v));
            let last = $mul(third, g2);
            let (even, even_far) = ($fnmsub(most, g0, last), $fmadd(sixth, g0, last));
            [
                g0,
                $fnmadd(near, g1, even),
                $fmadd(near, g1, even),
                $fmadd(far, g1, even_far),
                $fnmadd(far, g1, even_far),
                g2,
            ]
        }

        /// The input's matrix times six numbers, in each lane.
        #[inline]
        #[target_feature(enable = $features)]
        pub fn input(&[d0, d1, d2, d3, d4, d5]: &[$register; SIDE]) -> [$register; SIDE] {
            let [half, two, most] = [0.5, 2.0, 2.5].map(|v| $all(v));
            let [near, far] = [FRAC_1_SQRT_2, SQRT_2].map(|v| $all(v));
            let (even, odd) = ($fnmadd(two, d2, d4), $fnmadd(two, d1, d3));
            let (even_far, odd_far) = ($fnmadd(half, d2, d4), $fnmadd(half, d1, d3));
            [
                $fnmadd(most, d2, $add(d0, d4)),
                $fmadd(near, odd, even),
                $fnmadd(near, odd, even),
                $fmadd(far, odd_far, even_far),
                $fnmadd(far, odd_far, even_far),
                $fnmadd(most, d3, $add(d1, d5)),
            ]
        }

        /// The output's matrix times six numbers, in each lane.
        #[inline]
        #[target_feature(enable = $features)]
        pub fn output(&[m0, m1, m2, m3, m4, m5]: &[$register; SIDE]) -> [$register; OUTPUTS] {
            let [half, two] = [0.5, 2.0].map(|v| $all(v));
            let [near, far] = [FRAC_1_SQRT_2, SQRT_2].map(|v| $all(v));
            let [cubed, cubed_far] = [0.5 * FRAC_1_SQRT_2, 2.0 * SQRT_2].map(|v| $all(v));
            let (sum, difference) = ($add(m1, m2), $sub(m1, m2));
            let (sum_far, difference_far) = ($add(m3, m4), $sub(m3, m4));
            [
                $add(m0, $add(sum, sum_far)),
                $fmadd(near, difference, $mul(far, difference_far)),
                $fmadd(half, sum, $mul(two, sum_far)),
                $fmadd(cubed, difference, $fmadd(cubed_far, difference_far, m5)),
            ]
        }
    };
}

/// Eight channels at a time.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm256_add_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_fnmsub_ps, _mm256_loadu_ps, _mm256_max_ps,
        _mm256_mul_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm256_sub_ps,
    };

    transforms! {
        "avx2,fma", __m256 of 8,
        _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps,
        _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_max_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_fnmsub_ps
    }
}

/// Sixteen channels at a time.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use std::arch::x86_64::{
        __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_fnmsub_ps, _mm512_loadu_ps, _mm512_max_ps,
        _mm512_mul_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
    };

    transforms! {
        "avx512f", __m512 of 16,
        _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps,
        _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_max_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_fnmsub_ps
    }
}

/// Four channels at a time.
#[cfg(target_arch = "aarch64")]
pub mod neon {
    use std::arch::aarch64::{
        float32x4_t, vaddq_f32, vdupq_n_f32, vld1q_f32, vmaxq_f32, vmulq_f32, vst1q_f32, vsubq_f32,
    };

    use crate::exec::cpu::kernels::neon::operations::{multiply_add, negative_sum, subtract_product};

    transforms! {
        "neon", float32x4_t of 4,
        vld1q_f32, vst1q_f32, vdupq_n_f32,
        vaddq_f32, vsubq_f32, vmulq_f32, vmaxq_f32, multiply_add, subtract_product, negative_sum
    }
}
