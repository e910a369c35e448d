//! Integers, and products of them.

use super::super::int16::{self, KERNEL_MOST, Quantized};
use super::super::int16::{DEEP, MOST, Scales};
use super::super::winograd::{PLACES, REACH, SIDE, TAPS};
use super::super::{LANES, PANEL, Tile, portable};
use super::{Kernels, Noise, sets};
use crate::exec::cpu::isa::Isa;

#[test]
fn int16_tiles_equal_their_twin() {
    let mut noise = Noise(41);
    for round in 0..300 {
        let (rows, run, width) = (1 + noise.below(18), 2 + 2 * noise.below(200), LANES * (1 + noise.below(2)));
        // In some rounds as large as can be: sums are at their limit.
        let mut number = |_| match (round % 3, noise.below(2)) {
            (0, _) => noise.below(2 * MOST as usize + 1) as i16 - MOST,
            (1, 0) => -MOST,
            _ => MOST,
        };
        let weights: Vec<i16> = (0..2 * run * width).map(&mut number).collect();
        let input: Vec<i16> = (0..rows * run + 500).map(&mut number).collect();
        let (pixels, taps): (Vec<usize>, _) = ((0..rows).map(|row| row * run).collect(), [0, 400]);
        let taps = &taps[..1 + round % 2];
        // Rows have scales of their own for each tap, or the same for all.
        let step = if round % 4 < 2 { rows + 3 } else { 0 };
        let [row_scales, column_scales] = [2 * rows + 3, width].map(|count| noise.values(count));
        let scales = Scales { rows: &row_scales, step, columns: &column_scales };
        let hold = round % 5 == 0;
        let tile = Tile { input: &input, pixels: &pixels, taps, run, weights: &weights, width, hold, ahead: &[] };
        let before = if hold { noise.values(rows * width) } else { vec![f32::NAN; rows * width] };
        let mut expected = before.clone();
        portable::tile_int16(&tile, scales, &mut expected);
        let (row, column) = (noise.below(rows), noise.below(width));
        let sum: f64 = (0..tile.taps.len() * run)
            .map(|k| {
                let weight = weights[(k / 2 * width + column) * 2 + k % 2];
                let product = i32::from(input[pixels[row] + tile.taps[k / run] + k % run]) * i32::from(weight);
                f64::from(product) * f64::from(row_scales[k / run * step + row])
            })
            .sum();
        let exact = sum * f64::from(column_scales[column]);
        let exact = exact + if hold { f64::from(before[row * width + column]) } else { 0.0 };
        let most = f64::from(MOST).powi(2) * (tile.taps.len() * run) as f64;
        assert!((f64::from(expected[row * width + column]) - exact).abs() <= 1e-6 * most, "{exact}");
        for kernels in sets() {
            let mut found = before.clone();
            kernels.tile_int16(&tile, scales, &mut found);
            let far = |(a, b): (&f32, &f32)| f64::from((a - b).abs()) / most;
            let furthest =
                found.iter().zip(&expected).map(far).fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
            assert!(furthest <= 8e-7, "{furthest} with {rows} rows of {run}, {width} wide, hold: {hold}");
        }
    }
    assert!(DEEP as i64 * i64::from(MOST) * i64::from(MOST) <= i64::from(i32::MAX));
}

#[test]
fn int16_values_are_near() {
    let mut noise = Noise(43);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for len in [2, 8, 31, 64, 200] {
            let x: Vec<f32> = noise.values(len).iter().map(|v| v * 1e3).collect();
            let mut quantized = vec![0; len];
            let scale = kernels.quantize(&x, &mut quantized);
            let error = |(x, quantized): (&f32, &i16)| (x - f32::from(*quantized) * scale).abs();
            assert!(x.iter().zip(&quantized).all(|pair| error(pair) <= 0.501 * scale));
            assert_eq!(quantized.iter().map(|v| v.abs()).max(), Some(MOST));
            for (nothing, scale) in [(0.0, 0.0), (-0.0, 0.0), (1e-40, 0.0), (-1e-31, 0.0)] {
                assert_eq!(kernels.quantize(&vec![nothing; len], &mut quantized), scale);
                assert!(quantized.iter().all(|v| *v == 0));
            }
            for broken in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut x = x.clone();
                x[noise.below(len)] = broken;
                assert!(kernels.quantize(&x, &mut quantized).is_nan());
            }
            let largest = kernels.quantize(&vec![f32::MAX; len], &mut quantized);
            assert!(largest.is_finite() && quantized.iter().all(|v| *v == MOST));
            let small: Vec<i8> = (0..len).map(|_| noise.below(255) as u8 as i8).collect();
            kernels.widen_int16(&small, &mut quantized);
            assert!(quantized.iter().zip(&small).all(|(a, b)| *a == i16::from(*b)));
        }
    }
}

#[test]
fn places_have_scales_of_their_own() {
    let mut noise = Noise(53);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for len in [LANES, 2 * LANES, 3 * LANES, 4 * LANES] {
            // More of each than what is used.
            let (from, to, step) = (len + LANES, len + 7, 3);
            let x: Vec<f32> = noise.values(PLACES * from).iter().zip(1..).map(|(v, i)| v * i as f32).collect();
            let (mut out, mut scales) = (vec![i16::MIN; PLACES * to], vec![f32::NAN; PLACES * step]);
            let places = Quantized { numbers: &mut out, scales: &mut scales };
            kernels.quantize_places(&x, places, [from, to, step], len);
            for place in 0..PLACES {
                let (scale, x) = (scales[place * step], &x[place * from..][..len]);
                let (quantized, rest) = out[place * to..][..to].split_at(len);
                let scale = scale / (REACH[place / SIDE] * REACH[place % SIDE]);
                assert!(
                    quantized
                        .iter()
                        .zip(x)
                        .all(|(quantized, x)| (f32::from(*quantized) * scale - x).abs() <= 0.502 * scale)
                );
                assert!(
                    quantized.iter().any(|quantized| quantized.abs() == MOST) && rest.iter().all(|v| *v == i16::MIN)
                );
            }
        }
    }
}

#[test]
fn columns_have_scales_of_their_own() {
    let mut noise = Noise(59);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for (rows, width) in [(1, LANES), (2, PANEL), (5, PANEL), (64, LANES), (97, PANEL)] {
            let mut x: Vec<f32> =
                noise.values(rows * width).iter().zip(0..).map(|(v, i)| v * (1 + i % width) as f32).collect();
            let (nothing, broken) = (3, 7);
            x.iter_mut().skip(nothing).step_by(width).for_each(|x| *x = 1e-35);
            x[(rows - 1) * width + broken] = [f32::NAN, f32::INFINITY][rows % 2];
            let pairs = rows.next_multiple_of(2);
            let (mut out, mut scales) = (vec![i16::MIN; pairs * width], vec![-1.0; width]);
            kernels.quantize_columns(&x, &mut scales, &mut out);
            let quantized = |row: usize, column: usize| out[(row / 2 * width + column) * 2 + row % 2];
            for (column, scale) in scales.iter().enumerate() {
                if column == broken {
                    assert!(scale.is_nan());
                    continue;
                }
                let near = |row: usize| (f32::from(quantized(row, column)) * scale - x[row * width + column]).abs();
                assert!((0..rows).all(|row| near(row) <= (0.501 * scale).max(1e-35)));
                let most = (0..rows).map(|row| quantized(row, column).abs()).max();
                assert_eq!(most, Some(if column == nothing { 0 } else { MOST }));
                assert!((rows..pairs).all(|row| quantized(row, column) == 0), "a last odd row is alone");
            }
        }
    }
}

#[test]
fn int16_kernels_of_the_winograd_domain_are_within_reach() {
    let mut noise = Noise(61);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for (depth, width) in [(2, LANES), (64, PANEL), (16, LANES)] {
            let len = depth * width;
            // In the first column all are as large as can be, so that at some places everything adds up.
            let signs: Vec<f32> = noise.values(TAPS * len).iter().map(|v| v.signum()).collect();
            let mut numbers = noise.values(TAPS * len);
            numbers.iter_mut().zip(&signs).step_by(width).for_each(|(number, sign)| *number = *sign);
            let taps: [&[f32]; TAPS] = std::array::from_fn(|tap| &numbers[tap * len..][..len]);
            let largest = |column: usize| {
                taps.iter().flat_map(|tap| tap[column..].iter().step_by(width)).fold(0.0f32, |a, b| a.max(b.abs()))
            };
            let scales: Vec<f32> =
                (0..width).map(|c| int16::factors(largest(c).to_bits(), KERNEL_MOST.into())[1]).collect();
            let inverse: Vec<f32> = scales.iter().map(|scale| 1.0 / scale).collect();
            let step = len + 2 * LANES;
            let (mut transformed, mut found) = (vec![0.0; PLACES * step], vec![i16::MIN; PLACES * step]);
            kernels.filter_transform(&taps, step, &mut transformed);
            kernels.filter_transform_int16(&taps, &inverse, step, &mut found);
            for (place, found) in found.chunks_exact(step).enumerate() {
                let reach = REACH[place / SIDE] * REACH[place % SIDE];
                for (row, column) in (0..depth).flat_map(|row| (0..width).map(move |column| (row, column))) {
                    let quantized = found[(row / 2 * width + column) * 2 + row % 2];
                    let expected = transformed[place * step + row * width + column];
                    let error = (f32::from(quantized) * scales[column] * reach - expected).abs();
                    assert!(error <= 0.51 * scales[column] * reach && quantized.abs() <= KERNEL_MOST + 1);
                }
                assert!(found[len..].iter().all(|number| *number == i16::MIN));
            }
        }
    }
    // Half as many as are summed of other numbers, and one more for what is rounded up.
    assert!((DEEP / 2) as i64 * i64::from(MOST) * i64::from(KERNEL_MOST + 1) <= i64::from(i32::MAX));
}
