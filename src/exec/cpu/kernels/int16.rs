//! Products of integers: 13 bits each with their sign, and a scale for each row and each column.
//!
//! A processor that multiplies pairs of 16-bit numbers and adds them (`vpmaddwd`) makes twice as many products at once as of f32.
//! Rows of values and columns of weights become integers of which the largest is [`MOST`]: [`DEEP`] products of two of them
//! fit into a sum of 32 bits, which is then added to an f32.

use super::winograd::{self, PLACES, REACH, SIDE, Taps};
use super::{LANES, PANEL, math::fma};

/// The largest of the integers, and minus the smallest.
pub const MOST: i16 = 4095;
/// Products that are summed as integers: `DEEP * MOST * MOST` is less than 2^31.
pub const DEEP: usize = 128;
/// The largest of the integers of kernels in the Winograd domain, for half as many products.
pub const KERNEL_MOST: i16 = 2 * MOST;

/// Added to a small number, this rounds it to the nearest integer.
pub(super) const ROUND: f32 = 1.5 * (1 << 23) as f32;
/// Values below this are nothing: the inverse of what they would be multiplied by is out of range.
const LEAST: f32 = 1e-30;

/// What the sums of a tile are multiplied by.
#[derive(Clone, Copy, Debug)]
pub struct Scales<'a> {
    /// Of each of its rows: for the first tap, and `step` further for each of the next.
    pub rows: &'a [f32],
    /// From a row's scale for one tap to that for the next.
    pub step: usize,
    /// Of each of its columns.
    pub columns: &'a [f32],
}

/// By what values whose largest has these bits are multiplied so that they become integers up to `most`, and what these times are
/// the values: nothing where all are next to nothing, and not a number where one of them is none or infinite, so that what is broken is
/// seen in the result.
#[inline(always)]
pub fn factors(largest: u32, most: f32) -> [f32; 2] {
    let largest = f32::from_bits(largest);
    let broken = if largest < LEAST { 0.0 } else { f32::NAN };
    if (LEAST..f32::INFINITY).contains(&largest) { [most / largest, largest / most] } else { [0.0, broken] }
}

/// A number whose last 16 bits are those of the integer nearest to `x * inverse`.
#[inline(always)]
pub(super) fn nearest<const FUSED: bool>(x: f32, inverse: f32) -> u32 {
    fma::<FUSED>(x, inverse, ROUND).to_bits()
}

/// Values as integers of which the largest is [`MOST`], and what these times are the values; see [`factors`].
#[inline(always)]
pub fn quantize<const FUSED: bool>(x: &[f32], out: &mut [i16]) -> f32 {
    quantize_up_to::<FUSED>(x, MOST, out)
}

/// The same with another largest number.
#[inline(always)]
pub fn quantize_up_to<const FUSED: bool>(x: &[f32], most: i16, out: &mut [i16]) -> f32 {
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
    let [inverse, scale] = factors(largest, most.into());
    for i in 0..count {
        out[i] = nearest::<FUSED>(x[i], inverse) as i16;
    }
    scale
}

/// Where integers go, and their scales.
pub struct Quantized<'a> {
    /// The numbers.
    pub numbers: &'a mut [i16],
    /// What they times these are the values.
    pub scales: &'a mut [f32],
}

/// The `len` values of a tile at each place of the Winograd domain as integers with a scale for each place,
/// times what [`filter_transform_int16`] divides by. From place to place there are so many steps of values, integers and scales.
#[inline(always)]
pub fn quantize_places<const FUSED: bool>(x: &[f32], out: Quantized<'_>, [from, to, step]: [usize; 3], len: usize) {
    let Quantized { numbers: out, scales } = out;
    for place in 0..PLACES {
        let scale = quantize::<FUSED>(&x[place * from..][..len], &mut out[place * to..][..len]);
        scales[place * step] = scale * reach(place);
    }
}

/// What a weight at a place of that domain is at most, if all that it is made of are 1 at most.
pub(super) fn reach(place: usize) -> f32 {
    REACH[place / SIDE] * REACH[place % SIDE]
}

/// Takes weights there, as [`winograd::filter_transform`] does, and quantizes them: of each column those at place `p` are divided by how
/// far they [`reach`] and multiplied by `inverse`. Two rows lie interleaved, as weights do.
#[inline(always)]
pub fn filter_transform_int16(taps: &Taps<'_>, inverse: &[f32], step: usize, out: &mut [i16]) {
    const BLOCK: usize = winograd::BLOCK;
    let width = inverse.len();
    for first in (0..taps[0].len()).step_by(BLOCK) {
        let (row, column) = (first / width, first % width);
        let mut between = [[[0.0; BLOCK]; 3]; SIDE];
        for x in 0..3 {
            let numbers = |y: usize| std::array::from_fn(|lane| taps[y * 3 + x][first + lane]);
            let column = winograd::kernel(&std::array::from_fn(numbers));
            between.iter_mut().zip(column).for_each(|(row, values)| row[x] = values);
        }
        for (y, between) in between.iter().enumerate() {
            for (x, values) in winograd::kernel(between).iter().enumerate() {
                let out = &mut out[(y * SIDE + x) * step..];
                for (lane, value) in values.iter().enumerate() {
                    let factor = inverse[column + lane] / reach(y * SIDE + x);
                    out[(row / 2 * width + column + lane) * 2 + row % 2] = nearest::<false>(*value, factor) as i16;
                }
            }
        }
    }
}

/// Rows of as many values as there are `scales` as integers, each column with a scale of its own. Two rows lie interleaved, as
/// weights do; a last odd one beside zeros.
#[inline(always)]
pub fn quantize_columns<const FUSED: bool>(x: &[f32], scales: &mut [f32], out: &mut [i16]) {
    let (width, most) = (scales.len(), f32::from(MOST));
    for column in (0..width).step_by(LANES) {
        let row = |row: &[f32]| -> [f32; LANES] { std::array::from_fn(|lane| row[column..][..LANES][lane]) };
        let mut largest = [0; LANES];
        for values in x.chunks_exact(width) {
            largest.iter_mut().zip(row(values)).for_each(|(largest, v)| *largest = v.abs().to_bits().max(*largest));
        }
        let factors = largest.map(|largest| factors(largest, most));
        scales[column..][..LANES].copy_from_slice(&factors.map(|[_, scale]| scale));
        let inverse = factors.map(|[inverse, _]| inverse);
        for (rows, out) in x.chunks(2 * width).zip(out.chunks_exact_mut(2 * width)) {
            let (first, second) = (row(rows), if rows.len() > width { row(&rows[width..]) } else { [0.0; LANES] });
            let out: &mut [u32] = bytemuck::cast_slice_mut(&mut out[2 * column..][..2 * LANES]);
            for lane in 0..LANES {
                let [first, second] = [first, second].map(|row| nearest::<FUSED>(row[lane], inverse[lane]));
                out[lane] = (first & 0xffff | second << 16).to_le();
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub use vectors::{plain, vnni, wide};

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        _MM_HINT_T1, _mm_prefetch, _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_dpwssd_avx_epi32, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_setzero_si256, _mm256_storeu_ps, _mm512_cvtepi32_ps, _mm512_dpwssd_epi32,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps,
    };

    use super::super::{LANES, PANEL, Tile, VECTOR_ROWS, avx2};
    use super::{DEEP, Scales};

    /// Rows whose sums fit into the sixteen registers of AVX2.
    const AVX2_ROWS: usize = 6;

    /// The tile with some instructions on registers of so many numbers, of which those of so many rows fit; `$add` adds the
    /// products of pairs to sums.
    macro_rules! tile {
        (
            $name:ident, $features:literal, $most:expr, $register:expr, $add:expr,
            $load:ident, $all:ident, $none:ident, $float:ident,
            $load_floats:ident, $all_floats:ident, $no_floats:ident, $mul:ident, $fmadd:ident, $store_floats:ident
        ) => {
            /// The tile of integers; see [`Tile`].
            #[target_feature(enable = $features)]
            pub fn $name(tile: &Tile<'_, i16>, scales: Scales<'_>, out: &mut [f32]) {
                const REGISTER: usize = $register;

                #[target_feature(enable = $features)]
                #[expect(unsafe_code, reason = "vector loads and stores take pointers")]
                fn rows<const ROWS: usize, const PARTS: usize, const WIDTH: usize, const AHEAD: bool>(
                    tile: &Tile<'_, i16>,
                    scales: Scales<'_>,
                    (first, count, column): (usize, usize, usize),
                    out: &mut [f32],
                ) {
                    // Missing rows are computed as the last again, and not stored.
                    let last = ROWS.min(count) - 1;
                    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and
                    // all rows in `out`; runs are whole pairs, and columns, and rows for each tap, have scales.
                    unsafe {
                        let base: [*const i16; ROWS] =
                            std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[first + row.min(last)]));
                        let place = out.as_mut_ptr().add(first * WIDTH + column);
                        let mut weights = tile.weights.as_ptr().add(2 * column);
                        let mut begun = tile.hold;
                        let (mut ahead, step) =
                            (tile.ahead.as_ptr().cast(), tile.ahead.len().div_ceil(tile.rows() / 2));
                        let mut row_scales = scales.rows.as_ptr().add(first);
                        for &tap in tile.taps {
                            for block in (0..tile.run).step_by(DEEP) {
                                let mut sums = [[$none(); PARTS]; ROWS];
                                // From here on all is a constant away, so that the pointers stay in registers.
                                let values: [*const i32; ROWS] =
                                    std::array::from_fn(|row| base[row].add(tap + block).cast());
                                for pair in 0..(tile.run - block).min(DEEP) / 2 {
                                    let columns: [_; PARTS] =
                                        std::array::from_fn(|part| $load(weights.add(part * 2 * REGISTER).cast()));
                                    for row in 0..ROWS {
                                        let value = $all(values[row].add(pair).read_unaligned());
                                        for part in 0..PARTS {
                                            sums[row][part] = $add(sums[row][part], value, columns[part]);
                                        }
                                    }
                                    weights = weights.add(2 * WIDTH);
                                    if AHEAD {
                                        _mm_prefetch::<_MM_HINT_T1>(ahead);
                                        ahead = ahead.wrapping_add(step);
                                    }
                                }
                                let columns: [_; PARTS] = std::array::from_fn(|part| {
                                    $load_floats(scales.columns.as_ptr().add(column + part * REGISTER))
                                });
                                // By constant places alone, so that the sums stay in registers.
                                for row in 0..ROWS {
                                    if row > last {
                                        break;
                                    }
                                    let scale = $all_floats(*row_scales.add(row));
                                    for part in 0..PARTS {
                                        let place = place.add(row * WIDTH + part * REGISTER);
                                        let before = if begun { $load_floats(place) } else { $no_floats() };
                                        let sum = $mul($float(sums[row][part]), columns[part]);
                                        $store_floats(place, $fmadd(sum, scale, before));
                                    }
                                }
                                begun = true;
                            }
                            row_scales = row_scales.wrapping_add(scales.step);
                        }
                    }
                }

                #[target_feature(enable = $features)]
                fn columns<const PARTS: usize, const WIDTH: usize, const AHEAD: bool>(
                    tile: &Tile<'_, i16>,
                    scales: Scales<'_>,
                    column: usize,
                    out: &mut [f32],
                ) {
                    let mut first = 0;
                    while first < tile.pixels.len() {
                        let count = tile.together(first, $most);
                        let place = (first, count, column);
                        match count {
                            1 => rows::<1, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            2 => rows::<2, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            3 => rows::<3, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            4 => rows::<4, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            5 => rows::<5, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            6 => rows::<6, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            7 | 8 => rows::<8, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            9 | 10 => rows::<10, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                            _ => rows::<12, PARTS, WIDTH, AHEAD>(tile, scales, place, out),
                        }
                        first += count;
                    }
                }

                tile.check(out);
                assert!(
                    tile.run.is_multiple_of(2)
                        && scales.columns.len() >= tile.width
                        && scales.rows.len() >= tile.taps.len().saturating_sub(1) * scales.step + tile.pixels.len(),
                    "a tile of integers has odd runs, or rows or columns without a scale"
                );
                match (tile.width, tile.width / REGISTER) {
                    (LANES, 1) => columns::<1, LANES, false>(tile, scales, 0, out),
                    (LANES, _) => columns::<2, LANES, false>(tile, scales, 0, out),
                    _ => {
                        // What is ahead is asked for once.
                        if tile.asks(tile.rows() / 2) {
                            columns::<2, PANEL, true>(tile, scales, 0, out);
                        } else {
                            columns::<2, PANEL, false>(tile, scales, 0, out);
                        }
                        if 2 * REGISTER < PANEL {
                            columns::<2, PANEL, false>(tile, scales, 2 * REGISTER, out);
                        }
                    }
                }
            }
        };
    }

    tile! {
        plain, "avx2,fma", AVX2_ROWS, avx2::REGISTER,
        |sum, values, weights| _mm256_add_epi32(sum, _mm256_madd_epi16(values, weights)),
        _mm256_loadu_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_cvtepi32_ps,
        _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_mul_ps, _mm256_fmadd_ps, _mm256_storeu_ps
    }
    tile! {
        vnni, "avx2,fma,avxvnni", AVX2_ROWS, avx2::REGISTER,
        |sum, values, weights| _mm256_dpwssd_avx_epi32(sum, values, weights),
        _mm256_loadu_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_cvtepi32_ps,
        _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_mul_ps, _mm256_fmadd_ps, _mm256_storeu_ps
    }
    tile! {
        wide, "avx512f,avx512vnni", VECTOR_ROWS, LANES,
        |sum, values, weights| _mm512_dpwssd_epi32(sum, values, weights),
        _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_cvtepi32_ps,
        _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_mul_ps, _mm512_fmadd_ps, _mm512_storeu_ps
    }
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use super::super::tests::Noise;
    use super::super::{LANES, PANEL, Tile, emulator};
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
                let scales = [rows, width].map(|count| noise.values(count));
                let scales = Scales { rows: &scales[0], step: 0, columns: &scales[1] };
                let (input, pixels, weights, taps) = (&input[..], &pixels[..], &weights[..], &[0][..]);
                let tile = Tile { input, pixels, taps, run, weights, width, hold: false, ahead: &[] };
                let [mut found, mut expected] = [0, 1].map(|_| vec![f32::NAN; rows * width]);
                // SAFETY: AVX2 is there, and AVX-VNNI or somebody who does its work.
                unsafe {
                    vnni(&tile, scales, &mut found);
                    plain(&tile, scales, &mut expected);
                }
                assert_eq!(found, expected, "{rows} rows of {run} numbers, {width} outputs");
            }
        }
    }
}
