//! The tile of a narrow panel in vector registers, with AVX2, AVX-512 and NEON, from the same text.

/// The tile, with some processor features, a type of register and its operations, and how many rows of four columns have their sums
/// in registers.
macro_rules! narrow_tile {
    (
        $features:literal, $register:ident of $lanes:literal, $quad:literal,
        $load:ident, $all:ident, $fmadd:ident, $four_sums:ident
    ) => {
        use crate::exec::cpu::kernels::Tile;

        /// The tile of a narrow panel: sums run over lanes. Some rows are computed together, since each of their weights is read once.
        #[target_feature(enable = $features)]
        pub fn dots(tile: &Tile<'_>, out: &mut [f32]) {
            tile.check_narrow(out);
            match tile.width {
                1 => narrow::<4, 1>(tile, out),
                2 => narrow::<4, 2>(tile, out),
                3 => narrow::<4, 3>(tile, out),
                _ => narrow::<{ $quad }, 4>(tile, out),
            }
        }

        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector loads take pointers")]
        fn narrow<const ROWS: usize, const COLUMNS: usize>(tile: &Tile<'_>, out: &mut [f32]) {
            let whole = tile.run - tile.run % $lanes;
            for (pixels, out) in tile.pixels.chunks(ROWS).zip(out.chunks_mut(ROWS * COLUMNS)) {
                let mut sums = [[$all(0.0); COLUMNS]; ROWS];
                let mut rest = [[0.0; COLUMNS]; ROWS];
                // Missing rows are computed as the last again.
                let at: [usize; ROWS] = std::array::from_fn(|row| pixels[row.min(pixels.len() - 1)]);
                for (index, tap) in tile.taps.iter().enumerate() {
                    for k in (0..whole).step_by($lanes) {
                        // SAFETY: `check_narrow` has seen that every run of every pixel lies in `input`, and all weights in
                        // `weights`; `k` and what follows it lie in the run.
                        unsafe {
                            let weights: [$register; COLUMNS] = std::array::from_fn(|column| {
                                $load(tile.weights.as_ptr().add(column * tile.rows() + index * tile.run + k))
                            });
                            for row in 0..ROWS {
                                let values = $load(tile.input.as_ptr().add(at[row] + tap + k));
                                for column in 0..COLUMNS {
                                    sums[row][column] = $fmadd(values, weights[column], sums[row][column]);
                                }
                            }
                        }
                    }
                    for k in whole..tile.run {
                        for (rest, at) in rest.iter_mut().zip(at) {
                            for (column, rest) in rest.iter_mut().enumerate() {
                                let weight = tile.weights[column * tile.rows() + index * tile.run + k];
                                *rest += tile.input[at + tap + k] * weight;
                            }
                        }
                    }
                }
                // By value, so that the sums stay in registers.
                for first in (0..ROWS * COLUMNS).step_by(4) {
                    let place = |i: usize| ((first + i) / COLUMNS, (first + i) % COLUMNS);
                    let four = $four_sums(std::array::from_fn(|i| sums[place(i).0][place(i).1]));
                    for (i, out) in out.iter_mut().skip(first).take(4).enumerate() {
                        *out = four[i] + rest[place(i).0][place(i).1];
                    }
                }
            }
        }
    };
}

/// Eight values at a time.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use std::arch::x86_64::{__m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps};

    use crate::exec::cpu::kernels::avx2::four_sums;

    narrow_tile! { "avx2,fma", __m256 of 8, 2, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, four_sums }
}

/// Sixteen values at a time.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use std::arch::x86_64::{__m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps};

    use crate::exec::cpu::kernels::avx512::four_sums;

    narrow_tile! { "avx512f", __m512 of 16, 4, _mm512_loadu_ps, _mm512_set1_ps, _mm512_fmadd_ps, four_sums }
}

/// Four values at a time.
#[cfg(target_arch = "aarch64")]
pub mod neon {
    use std::arch::aarch64::{float32x4_t, vdupq_n_f32, vld1q_f32};

    use crate::exec::cpu::kernels::neon::operations::{four_sums, multiply_add};

    narrow_tile! { "neon", float32x4_t of 4, 4, vld1q_f32, vdupq_n_f32, multiply_add, four_sums }
}
