//! Products of whole numbers: 13 bits each with their sign, and a scale for each row and each column.
//!
//! A processor that multiplies pairs of 16-bit numbers and adds them (`vpmaddwd`) makes twice as many products at once as of f32.
//! Rows of values and columns of weights become whole numbers of which the largest is [`MOST`]: [`DEEP`] products of two of them
//! fit into a sum of 32 bits, which is then added to an f32.

use super::PANEL;

/// The largest of the whole numbers, and minus the smallest.
pub const MOST: i16 = 4095;
/// Products that are summed as whole numbers: `DEEP * MOST * MOST` is less than 2^31.
pub const DEEP: usize = 128;

/// Added to a small number, this rounds it to the nearest whole one.
const ROUND: f32 = 1.5 * (1 << 23) as f32;
/// Values below this are nothing: the inverse of what they would be multiplied by is out of range.
const LEAST: f32 = 1e-30;

/// Values as whole numbers of which the largest is `most`, and what these times are the values: nothing where all are next to
/// nothing, and not a number where one of them is none or infinite, so that what is broken is seen in the result.
#[inline(always)]
pub fn whole(x: &[f32], most: i16, out: &mut [i16]) -> f32 {
    let count = out.len();
    let x = &x[..count];
    // As long as the sign is taken off, bits are in the order of the numbers, and those of what is no number are the largest.
    let (panels, rest) = x.as_chunks::<PANEL>();
    let mut largest = [0; PANEL];
    for panel in panels {
        for (largest, v) in largest.iter_mut().zip(panel) {
            *largest = v.abs().to_bits().max(*largest);
        }
    }
    let largest = largest.into_iter().chain(rest.iter().map(|v| v.abs().to_bits())).fold(0, u32::max);
    let (largest, most) = (f32::from_bits(largest), f32::from(most));
    if !(LEAST..f32::INFINITY).contains(&largest) {
        out.fill(0);
        return if largest < LEAST { 0.0 } else { f32::NAN };
    }
    let inverse = most / largest;
    for i in 0..count {
        // The last bits of what is added are those of the whole number.
        out[i] = (x[i] * inverse + ROUND).to_bits() as i16;
    }
    largest / most
}

#[cfg(target_arch = "x86_64")]
pub use vectors::{plain, vnni, wide};

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_dpwssd_avx_epi32, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_setzero_si256, _mm256_storeu_ps, _mm512_cvtepi32_ps, _mm512_dpwssd_epi32, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_setzero_si512, _mm512_storeu_ps,
    };

    use super::super::{LANES, Tile, VECTOR_ROWS, avx2};
    use super::DEEP;

    /// Rows whose sums fit into the sixteen registers of AVX2.
    const FEW_ROWS: usize = 6;

    /// The tile with some instructions on registers of so many numbers, of which those of so many rows fit; `$add` adds the
    /// products of pairs to sums.
    macro_rules! tile {
        (
            $name:ident, $features:literal, $most:expr, $register:expr, $add:expr,
            $load:ident, $all:ident, $none:ident, $float:ident,
            $load_floats:ident, $all_floats:ident, $no_floats:ident, $fmadd:ident, $store_floats:ident
        ) => {
            /// The tile of whole numbers; see [`Tile`]. Row `r` is multiplied by `scales[r]`.
            #[target_feature(enable = $features)]
            pub fn $name(tile: &Tile<'_, i16>, scales: &[f32], out: &mut [f32]) {
                const REGISTER: usize = $register;

                #[target_feature(enable = $features)]
                #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
                fn rows<const ROWS: usize, const PARTS: usize>(
                    tile: &Tile<'_, i16>,
                    scales: &[f32],
                    (first, column): (usize, usize),
                    out: &mut [f32],
                ) {
                    // Missing rows are computed as the last again, and not stored.
                    let last = ROWS.min(tile.pixels.len() - first) - 1;
                    let scales: [f32; ROWS] = std::array::from_fn(|row| scales[first + row.min(last)]);
                    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and
                    // all rows in `out`; runs are whole pairs.
                    unsafe {
                        let base: [*const i16; ROWS] =
                            std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[first + row.min(last)]));
                        let place = out.as_mut_ptr().add(first * tile.width + column);
                        let mut weights = tile.weights.as_ptr().add(2 * column);
                        let mut begun = false;
                        for &tap in tile.taps {
                            let values: [*const i16; ROWS] = std::array::from_fn(|row| base[row].add(tap));
                            for block in (0..tile.run).step_by(DEEP) {
                                let mut sums = [[$none(); PARTS]; ROWS];
                                for pair in block / 2..tile.run.min(block + DEEP) / 2 {
                                    let columns: [_; PARTS] =
                                        std::array::from_fn(|part| $load(weights.add(part * 2 * REGISTER).cast()));
                                    for row in 0..ROWS {
                                        let value = values[row].add(2 * pair).cast::<i32>().read_unaligned();
                                        let value = $all(value);
                                        for part in 0..PARTS {
                                            sums[row][part] = $add(sums[row][part], value, columns[part]);
                                        }
                                    }
                                    weights = weights.add(2 * tile.width);
                                }
                                // By constant places alone, so that the sums stay in registers.
                                for row in 0..ROWS {
                                    if row > last {
                                        break;
                                    }
                                    let scale = $all_floats(scales[row]);
                                    for part in 0..PARTS {
                                        let place = place.add(row * tile.width + part * REGISTER);
                                        let before = if begun { $load_floats(place) } else { $no_floats() };
                                        $store_floats(place, $fmadd($float(sums[row][part]), scale, before));
                                    }
                                }
                                begun = true;
                            }
                        }
                    }
                }

                #[target_feature(enable = $features)]
                fn columns<const PARTS: usize>(tile: &Tile<'_, i16>, scales: &[f32], column: usize, out: &mut [f32]) {
                    let mut first = 0;
                    while first < tile.pixels.len() {
                        let count = tile.together(first, $most);
                        match count {
                            1 => rows::<1, PARTS>(tile, scales, (first, column), out),
                            2 => rows::<2, PARTS>(tile, scales, (first, column), out),
                            3 => rows::<3, PARTS>(tile, scales, (first, column), out),
                            4 => rows::<4, PARTS>(tile, scales, (first, column), out),
                            5 => rows::<5, PARTS>(tile, scales, (first, column), out),
                            6 => rows::<6, PARTS>(tile, scales, (first, column), out),
                            7 | 8 => rows::<8, PARTS>(tile, scales, (first, column), out),
                            9 | 10 => rows::<10, PARTS>(tile, scales, (first, column), out),
                            _ => rows::<12, PARTS>(tile, scales, (first, column), out),
                        }
                        first += count;
                    }
                }

                tile.check(out);
                assert!(
                    tile.run.is_multiple_of(2) && !tile.hold,
                    "a tile of whole numbers has odd runs, or holds sums"
                );
                if tile.width == REGISTER {
                    return columns::<1>(tile, scales, 0, out);
                }
                for column in (0..tile.width).step_by(2 * REGISTER) {
                    columns::<2>(tile, scales, column, out);
                }
            }
        };
    }

    tile! {
        plain, "avx2,fma", FEW_ROWS, avx2::REGISTER,
        |sum, values, weights| _mm256_add_epi32(sum, _mm256_madd_epi16(values, weights)),
        _mm256_loadu_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_cvtepi32_ps,
        _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_fmadd_ps, _mm256_storeu_ps
    }
    tile! {
        vnni, "avx2,fma,avxvnni", FEW_ROWS, avx2::REGISTER,
        |sum, values, weights| _mm256_dpwssd_avx_epi32(sum, values, weights),
        _mm256_loadu_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_cvtepi32_ps,
        _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_fmadd_ps, _mm256_storeu_ps
    }
    tile! {
        wide, "avx512f,avx512vnni", VECTOR_ROWS, LANES,
        |sum, values, weights| _mm512_dpwssd_epi32(sum, values, weights),
        _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_cvtepi32_ps,
        _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_fmadd_ps, _mm512_storeu_ps
    }
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use super::super::tests::Noise;
    use super::super::{LANES, Tile, emulator};
    use super::*;
    use crate::exec::cpu::isa::Isa;

    /// On the processor's own AVX-VNNI or on an emulator.
    #[test]
    #[expect(unsafe_code, reason = "functions compiled for a processor feature need it at run time")]
    fn one_instruction_does_what_two_do() {
        if !Isa::Avx2.is_here() || !(is_x86_feature_detected!("avxvnni") || emulator::for_vnni()) {
            println!("skipped: this processor neither has AVX-VNNI nor can it be emulated");
            return;
        }
        let mut noise = Noise(47);
        for rows in 1..=13 {
            for (run, width) in [(2, LANES), (64, PANEL), (130, LANES), (300, PANEL)] {
                let mut number = |_| noise.below(2 * MOST as usize + 1) as i16 - MOST;
                let input: Vec<i16> = (0..rows * run).map(&mut number).collect();
                let weights: Vec<i16> = (0..run * width).map(&mut number).collect();
                let pixels: Vec<usize> = (0..rows).map(|row| row * run).collect();
                let scales = noise.values(rows);
                let (input, pixels, weights, taps) = (&input[..], &pixels[..], &weights[..], &[0][..]);
                let tile = Tile { input, pixels, taps, run, weights, width, hold: false, ahead: &[] };
                let [mut found, mut expected] = [0, 1].map(|_| vec![f32::NAN; rows * width]);
                // SAFETY: AVX2 is there, and AVX-VNNI or somebody who does its work.
                unsafe {
                    vnni(&tile, &scales, &mut found);
                    plain(&tile, &scales, &mut expected);
                }
                assert_eq!(found, expected, "{rows} rows of {run} numbers, {width} outputs");
            }
        }
    }
}
