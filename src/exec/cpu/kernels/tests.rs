//! Every kernel against its portable twin.

use half::bf16;

use super::*;
use crate::exec::cpu::isa::Isa;
use crate::exec::cpu::memory::Memory;
use crate::graph::Activation;

mod int16;
mod softmax;

/// Numbers that look random.
pub struct Noise(pub u64);

impl Noise {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub fn values(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0).collect()
    }
}

/// All sets of kernels that this processor has, but the portable one.
fn sets() -> Vec<Kernels> {
    Isa::ALL.into_iter().filter(|isa| *isa != Isa::Portable).filter_map(Kernels::of).collect()
}

pub fn close(found: &[f32], expected: &[f32], limit: f32) {
    assert_eq!(found.len(), expected.len());
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= limit * (1.0 + b.abs()), "element {index}: {a} instead of {b}");
    }
}

#[test]
fn tiles_equal_their_twin() {
    let mut noise = Noise(1);
    for _ in 0..500 {
        let (rows, run, width) = (1 + noise.below(VECTOR_ROWS), 1 + noise.below(40), LANES * (1 + noise.below(2)));
        let input = noise.values(2000);
        let pixels: Vec<usize> = (0..rows).map(|_| noise.below(900)).collect();
        let taps: Vec<usize> = (0..1 + noise.below(9)).map(|_| noise.below(1000)).collect();
        let weights = noise.values(taps.len() * run * width);
        let hold = noise.below(2) == 1;
        let tile =
            Tile { input: &input, pixels: &pixels, taps: &taps, run, weights: &weights, width, hold, ahead: &[] };
        let start = noise.values(rows * width);
        let mut expected = start.clone();
        portable::tile(&tile, &mut expected);
        // The twin itself, against the sum it says.
        let (row, column) = (noise.below(rows), noise.below(width));
        let mut sum = if hold { f64::from(start[row * width + column]) } else { 0.0 };
        for (tap, at) in taps.iter().enumerate() {
            for k in 0..run {
                let weight = weights[(tap * run + k) * width + column];
                sum += f64::from(input[pixels[row] + at + k]) * f64::from(weight);
            }
        }
        close(&[expected[row * width + column]], &[sum as f32], 2e-5);
        for kernels in sets() {
            let mut found = start.clone();
            kernels.tile(&tile, &mut found);
            close(&found, &expected, 2e-5);
        }
    }
}

#[test]
fn tiles_of_bf16_equal_their_twin() {
    let mut noise = Noise(3);
    for _ in 0..300 {
        let (rows, run, width) = (1 + noise.below(VECTOR_ROWS), 2 + 2 * noise.below(20), LANES * (1 + noise.below(2)));
        let mut rounded = |len: usize| {
            let mut out = vec![bf16::ZERO; len];
            portable::narrow(&noise.values(len), &mut out);
            out
        };
        let taps: Vec<usize> = (0..9).map(|tap| tap * 111).collect();
        let (input, weights) = (rounded(2000), rounded(taps.len() * run * width));
        let pixels: Vec<usize> = (0..rows).map(|_| noise.below(900)).collect();
        let hold = noise.below(2) == 1;
        let tile =
            Tile { input: &input, pixels: &pixels, taps: &taps, run, weights: &weights, width, hold, ahead: &[] };
        let start = noise.values(rows * width);
        let mut expected = start.clone();
        portable::tile_bf16(&tile, &mut expected);
        let (row, column) = (noise.below(rows), noise.below(width));
        let mut sum = if hold { f64::from(start[row * width + column]) } else { 0.0 };
        for (tap, at) in taps.iter().enumerate() {
            for k in 0..run {
                let weight = weights[((tap * run + k) / 2 * width + column) * 2 + k % 2];
                sum += input[pixels[row] + at + k].to_f64() * weight.to_f64();
            }
        }
        close(&[expected[row * width + column]], &[sum as f32], 2e-5);
        for kernels in sets() {
            let mut found = start.clone();
            kernels.tile_bf16(&tile, &mut found);
            close(&found, &expected, 2e-5);
        }
    }
}

#[test]
fn narrow_tiles_equal_the_sums_they_say() {
    let mut noise = Noise(5);
    for _ in 0..300 {
        let (rows, run, width) = (1 + noise.below(MAX_ROWS), 1 + noise.below(100), 1 + noise.below(NARROW));
        let taps: Vec<usize> = (0..1 + noise.below(9)).map(|_| noise.below(1000)).collect();
        let pixels: Vec<usize> = (0..rows).map(|_| noise.below(900)).collect();
        let (input, weights) = (noise.values(2000), noise.values(taps.len() * run * width));
        let (taps, pixels) = (&taps[..], &pixels[..]);
        let [mut rounded_input, mut rounded_weights] = [&input, &weights].map(|x| vec![bf16::ZERO; x.len()]);
        portable::narrow(&input, &mut rounded_input);
        portable::narrow(&weights, &mut rounded_weights);
        let expected = |input: &dyn Fn(usize) -> f64, weight: &dyn Fn(usize) -> f64| -> Vec<f32> {
            let sum = |row: usize, column: usize| -> f64 {
                let at = |tap: usize, k: usize| input(pixels[row] + taps[tap] + k);
                let product = |i: usize| at(i / run, i % run) * weight(column * taps.len() * run + i);
                (0..taps.len() * run).map(product).sum()
            };
            (0..rows * width).map(|i| sum(i / width, i % width) as f32).collect()
        };
        let exact = expected(&|i| f64::from(input[i]), &|i| f64::from(weights[i]));
        let rounded = expected(&|i| rounded_input[i].to_f64(), &|i| rounded_weights[i].to_f64());
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            let mut found = vec![f32::NAN; rows * width];
            let tile = Tile { input: &input, pixels, taps, run, weights: &weights, width, hold: false, ahead: &[] };
            kernels.dots(&tile, &mut found);
            close(&found, &exact, 2e-5);
            let (input, weights) = (&rounded_input[..], &rounded_weights[..]);
            kernels.dots_bf16(&Tile { input, pixels, taps, run, weights, width, hold: false, ahead: &[] }, &mut found);
            close(&found, &rounded, 2e-5);
        }
    }
}

#[test]
#[expect(unsafe_code, reason = "memory is reached by a promise")]
fn stored_rows_are_finished_rows() {
    let mut noise = Noise(6);
    let twin = Kernels::of(Isa::Portable).unwrap();
    for _ in 0..200 {
        let (count, width) = (1 + noise.below(MAX_ROWS), [3, LANES, PANEL][noise.below(3)]);
        let columns = 1 + noise.below(width);
        let columns = if noise.below(2) == 0 { width } else { columns };
        let [tile, others] = [count * width, 500].map(|len| noise.values(len));
        let bias = noise.values(PANEL);
        let offsets: Vec<usize> = (0..count).map(|_| noise.below(400)).collect();
        let add = Post::Add { values: &others, offsets: &offsets };
        let activation = [Activation::Relu, Activation::Silu, Activation::Gelu, Activation::Tanh][noise.below(4)];
        let (act, affine) = (Post::Activate(activation), Post::Affine { scale: 0.5, shift: 0.1 });
        for posts in [&[][..], &[add], &[act], &[add, act], &[act, add], &[add, add, affine, act]] {
            let mut expected = tile.clone();
            twin.finish(&mut expected, width, columns, &[Post::Bias(&bias)]);
            twin.finish(&mut expected, width, columns, posts);
            let expected: Vec<f32> = expected.chunks(width).flat_map(|row| row[..columns].to_vec()).collect();
            for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
                // The last row first, and nothing between them is touched.
                let (at, memory): (Vec<usize>, _) =
                    ((0..count).rev().map(|row| row * (columns + 1)).collect(), Memory::new(count * (columns + 1)));
                // SAFETY: nobody else has a reference, and nothing is read before all is written.
                let memory = unsafe { memory.shared() };
                let places = Places { memory, at: &at, columns };
                let rows = |read: &dyn Fn(usize) -> f32| -> Vec<f32> {
                    assert!((0..count).all(|row| read(row * (columns + 1) + columns) == 0.0));
                    at.iter().flat_map(|at| (*at..at + columns).map(read)).collect()
                };
                kernels.store_bf16(&mut tile.clone(), width, &bias, posts, &places);
                let rounded = rows(&|at| memory.read_bf16(at..at + 1)[0].to_f32());
                memory.write(0, count * (columns + 1)).fill(0.0);
                kernels.store(&mut tile.clone(), width, &bias, posts, &places);
                let found = rows(&|at| memory.read(at..at + 1)[0]);
                close(&found, &expected, 3e-6);
                assert!(rounded.iter().zip(&found).all(|(a, b)| *a == bf16::from_f32(*b).to_f32()));
            }
        }
    }
}

#[test]
fn rounding_equals_its_twin() {
    let mut noise = Noise(4);
    for kernels in sets() {
        for len in 0..100 {
            let mut x = noise.values(len);
            x.iter_mut().step_by(7).for_each(|v| *v *= 1e30);
            let special = [f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0, f32::MAX];
            x.iter_mut().skip(3).step_by(9).zip(special).for_each(|(v, special)| *v = special);
            let [mut found, mut expected] = [0, 1].map(|_| vec![bf16::ZERO; len]);
            kernels.narrow(&x, &mut found);
            portable::narrow(&x, &mut expected);
            assert_eq!(found, expected);
            assert!(x.iter().zip(expected).all(|(x, rounded)| bf16::from_f32(*x) == rounded));
        }
        let mut nan = [bf16::ZERO; 40];
        kernels.narrow(&[f32::NAN; 40], &mut nan);
        assert!(nan.iter().all(|v| v.is_nan()));
    }
}

#[test]
fn tiles_that_reach_outside_are_refused() {
    let values = [0.0; 64];
    for kernels in sets() {
        for (pixels, taps, run) in [(&[60][..], &[0][..], 8), (&[0], &[64], 1), (&[], &[0], 1)] {
            let tile = Tile { input: &values, pixels, taps, run, weights: &values, width: 16, hold: false, ahead: &[] };
            let run = || kernels.tile(&tile, &mut [0.0; 16 * MAX_ROWS]);
            assert!(std::panic::catch_unwind(run).is_err());
        }
    }
}

#[test]
fn rows_equal_their_twins() {
    let twin = Kernels::of(Isa::Portable).unwrap();
    let mut noise = Noise(2);
    for kernels in sets() {
        for _ in 0..100 {
            let len = 1 + noise.below(200);
            let [x, scale, shift] = [0; 3].map(|_| noise.values(len));
            let run = |of: &Kernels| {
                let mut out = Vec::new();
                for activation in
                    [Activation::Silu, Activation::Gelu, Activation::QuickGelu, Activation::Relu, Activation::Tanh]
                {
                    let mut y: Vec<f32> = x.iter().map(|v| v * 8.0).collect();
                    of.finish(&mut y, len, len, &[Post::Activate(activation)]);
                    out.extend(y);
                }
                let mut y = vec![0.0; len];
                of.scale_shift(&x, len, [&scale, &shift], false, &mut y);
                out.extend(&y);
                let third = len.div_ceil(3);
                let factors = [&scale[..third / 2 + 1], &shift[..third / 2 + 1]];
                of.scale_shift(&x, third, factors, false, &mut y[..third / 2 + 1]);
                out.extend(&y);
                of.layer_norm(&x, &scale, &shift, 1e-5, &mut y);
                out.extend(&y);
                let mut y = vec![0.0; len / 2];
                of.geglu(&x[..len / 2 * 2], &mut y);
                out.extend(y);
                let (mut sums, mut squares) = (scale.clone(), shift.clone());
                of.moments(&x, len, &scale, &mut sums, &mut squares);
                let step = len.div_ceil(3);
                let channels = if len.is_multiple_of(step) { step } else { len % step };
                of.moments(&x, step, &scale[..channels], &mut sums, &mut squares);
                out.extend(sums.into_iter().chain(squares));
                let mut y = x.clone();
                let offsets = [0];
                let posts = [
                    Post::Bias(&scale),
                    Post::Add { values: &shift, offsets: &offsets },
                    Post::Affine { scale: 0.5, shift: 1.0 },
                    Post::Mul { values: &scale, offsets: &offsets },
                    Post::Activate(Activation::Silu),
                ];
                of.finish(&mut y, len, len, &posts);
                of.scale(&mut y, 0.3);
                out.append(&mut y);
                let rounded: Vec<bf16> = x.iter().map(|v| bf16::from_f32(*v)).collect();
                y.resize(len, f32::NAN);
                of.scale_bf16(&rounded[..len], 0.3, &mut y);
                out.extend(y);
                out
            };
            close(&run(&kernels), &run(&twin), 3e-6);
        }
    }
}

#[test]
fn gates_are_gelu() {
    let mut noise = Noise(19);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for rows in [1, 7, 12] {
            let (values, bias, gate_bias) = (noise.values(rows * PANEL), noise.values(PANEL), noise.values(PANEL));
            // From far below zero, where nothing passes, to far above, where all does.
            let gates: Vec<f32> = noise.values(rows * PANEL).iter().map(|v| 16.0 * v).collect();
            let mut found = values.clone();
            kernels.gate(&mut found, &gates, [&bias, &gate_bias]);
            for (at, found) in found.iter().enumerate() {
                let factor = values[at] + bias[at % PANEL];
                let mut gate = [gates[at] + gate_bias[at % PANEL]];
                rows::activate::<true>(Activation::Gelu, &mut gate);
                let limit = factor.abs() * (2e-4 * gate[0].abs() + 1e-4) + 1e-7;
                assert!((found - factor * gate[0]).abs() <= limit, "{found} instead of {}", factor * gate[0]);
            }
            let mut broken = [f32::NAN; PANEL];
            kernels.gate(&mut broken, &gates[..PANEL], [&bias, &gate_bias]);
            assert!(broken.iter().all(|v| v.is_nan()));
            let mut values = [1.0; PANEL];
            kernels.gate(&mut values, &[f32::NAN; PANEL], [&bias, &gate_bias]);
            assert!(values.iter().all(|v| v.is_nan()));
        }
    }
}

#[test]
fn pixels_are_normalised_and_measured() {
    let mut noise = Noise(18);
    for round in 0..200 {
        let (channels, pixels) = ([32, 64, 320, 1 + noise.below(100)][round % 4], 1 + noise.below(9));
        let step = channels + noise.below(2) * noise.below(50);
        let x: Vec<f32> = noise.values((pixels - 1) * step + channels).iter().map(|v| v * 9.0).collect();
        let [scale, shift] = [0; 2].map(|_| noise.values(channels));
        let silu = noise.below(2) == 1;
        let expected: Vec<f32> = (0..pixels * channels)
            .map(|at| {
                let (pixel, channel) = (at / channels, at % channels);
                let y = f64::from(x[pixel * step + channel]) * f64::from(scale[channel]) + f64::from(shift[channel]);
                (if silu { y / (1.0 + (-y).exp()) } else { y }) as f32
            })
            .collect();
        let sums = |of: fn(f64) -> f64| -> Vec<f32> {
            let sum = |c: usize| {
                let differences = (0..pixels).map(|pixel| f64::from(x[pixel * step + c]) - f64::from(scale[c]));
                f64::from(shift[c]) + differences.map(of).sum::<f64>()
            };
            (0..channels).map(|c| sum(c) as f32).collect()
        };
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            let mut found = vec![f32::NAN; expected.len()];
            kernels.scale_shift(&x, step, [&scale, &shift], silu, &mut found);
            close(&found, &expected, 3e-6);
            let mut rounded = vec![bf16::NAN; expected.len()];
            kernels.scale_shift_bf16(&x, step, [&scale, &shift], silu, &mut rounded);
            let near = |(found, expected): (&bf16, &f32)| {
                (found.to_f32() - expected).abs() <= expected.abs() * (1.0 / 256.0 + 2e-4) + 1e-4
            };
            assert!(rounded.iter().zip(&expected).all(near), "{channels} channels, {step} apart");
            let broken = vec![f32::NAN; x.len()];
            kernels.scale_shift_bf16(&broken, step, [&scale, &shift], silu, &mut rounded);
            assert!(rounded.iter().all(|v| v.is_nan()));
            let (mut found, mut squares) = (shift.clone(), shift.clone());
            kernels.moments(&x, step, &scale, &mut found, &mut squares);
            close(&found, &sums(|d| d), 3e-6);
            close(&squares, &sums(|d| d * d), 3e-6);
        }
    }
}

#[test]
fn rows_become_columns() {
    let mut noise = Noise(17);
    for _ in 0..200 {
        let (rows, columns) = (1 + noise.below(PANEL), 1 + noise.below(90));
        let step = rows + noise.below(2) * noise.below(40);
        let from: Vec<u32> = (0..rows * columns).map(|_| noise.below(1 << 30) as u32).collect();
        let expected = |at: usize| if at % step < rows { from[at % step * columns + at / step] } else { 0 };
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            // What is behind is not touched.
            let mut to = vec![u32::MAX; columns * step + 9];
            kernels.transpose(&from, columns, &mut to, step);
            let (to, behind) = to.split_at(columns * step);
            assert!(
                to.iter().enumerate().all(|(at, found)| *found == expected(at)),
                "{rows} x {columns}, {step} apart"
            );
            assert!(behind.iter().all(|number| *number == u32::MAX));
        }
    }
}

#[test]
fn winograd_is_a_convolution() {
    use winograd::{Inputs, OUTPUTS, PLACES, SIDE, TAPS};
    let mut noise = Noise(21);
    let channels = 2 * LANES;
    let (values, kernel) = (noise.values(PLACES * channels), noise.values(TAPS * channels));
    let [rows, columns] = [SIDE * channels, channels].map(|step| std::array::from_fn(|at| at * step));
    let inputs = Inputs { numbers: &values, rows, columns, channels };
    let taps: [&[f32]; TAPS] = std::array::from_fn(|tap| &kernel[tap * channels..][..channels]);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        // One output a channel: places of the kernel times places of the values, channel by channel.
        let step = channels + 5;
        let (mut there, mut transformed) = (vec![0.0; PLACES * step], vec![0.0; PLACES * step]);
        kernels.input_transform(&inputs, step, &mut there);
        kernels.filter_transform(&taps, step, &mut transformed);
        there.iter_mut().zip(&transformed).for_each(|(value, weight)| *value *= weight);
        let mut found = vec![0.0; OUTPUTS * OUTPUTS * channels];
        kernels.output_transform(&there, step, channels, &mut found);
        let expected: Vec<f32> = (0..OUTPUTS * OUTPUTS * channels)
            .map(|at| {
                let (output, channel) = (at / channels, at % channels);
                let sum: f64 = (0..TAPS)
                    .map(|tap| {
                        let place = (output / OUTPUTS + tap / 3) * SIDE + output % OUTPUTS + tap % 3;
                        f64::from(values[place * channels + channel]) * f64::from(kernel[tap * channels + channel])
                    })
                    .sum();
                sum as f32
            })
            .collect();
        close(&found, &expected, 5e-6);
    }
}

#[test]
#[expect(unsafe_code, reason = "memory is reached by a promise")]
fn tiles_are_stored_finished() {
    use winograd::{OUTPUTS, PLACES, TileEpilogue};
    let mut noise = Noise(23);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for (width, relu, added) in [LANES, PANEL].into_iter().flat_map(|width| {
            [(false, false), (false, true), (true, false), (true, true)].map(|(relu, added)| (width, relu, added))
        }) {
            let (step, [row, pixel]) = (width + 3, [5 * (width + 2), width + 2]);
            let (sums, bias, values) = (noise.values(PLACES * step), noise.values(width), noise.values(7 + 10 * width));
            let spread = [7, 2 * width, width];
            let outputs = || (0..OUTPUTS * OUTPUTS).map(|output| [output / OUTPUTS, output % OUTPUTS]);
            let mut expected = vec![0.0; OUTPUTS * OUTPUTS * width];
            kernels.output_transform(&sums, step, width, &mut expected);
            let offsets: Vec<usize> = outputs().map(|[y, x]| spread[0] + y * spread[1] + x * spread[2]).collect();
            let posts = [
                added.then_some(Post::Add { values: &values, offsets: &offsets }),
                relu.then_some(Post::Activate(Activation::Relu)),
            ];
            let posts: Vec<_> = [Post::Bias(&bias)].into_iter().chain(posts.into_iter().flatten()).collect();
            kernels.finish(&mut expected, width, width, &posts);
            let memory = Memory::new(1 + OUTPUTS * row);
            // SAFETY: nobody else has a reference, and nothing is read before all is written.
            let memory = unsafe { memory.shared() };
            let others = added.then_some((&values[..], spread));
            kernels.output_transform_store(
                &sums,
                step,
                &TileEpilogue { bias: &bias, others, relu, memory, to: [1, row, pixel] },
            );
            let mut written = 0;
            for ([y, x], expected) in outputs().zip(expected.chunks(width)) {
                let first = 1 + y * row + x * pixel;
                assert_eq!(memory.read(first..first + width), expected, "{width} {relu} {added} at {y}, {x}");
                written += expected.iter().filter(|value| **value != 0.0).count();
            }
            // Between them nothing is touched.
            assert_eq!(memory.read(0..1 + OUTPUTS * row).iter().filter(|value| **value != 0.0).count(), written);
        }
    }
}

#[test]
fn strips_are_convolutions() {
    use strip::{CHANNELS, Strips, TAPS};
    use winograd::{OUTPUTS, SIDE};
    let mut noise = Noise(22);
    let twin = Kernels::of(Isa::Portable).unwrap();
    for (count, channels, gap) in [(1, CHANNELS, 0), (5, 2 * CHANNELS, 16), (12, CHANNELS, 7)] {
        let pixel = channels + gap;
        let values = noise.values((OUTPUTS * count + SIDE - OUTPUTS) * pixel);
        let kernel = noise.values(TAPS * channels);
        let [values_16, kernel_16] =
            [&values, &kernel].map(|x| x.iter().map(|v| bf16::from_f32(*v)).collect::<Vec<_>>());
        let taps: [&[bf16]; TAPS] = std::array::from_fn(|tap| &kernel_16[tap * channels..][..channels]);
        let run = |kernels: &Kernels, rounded: bool| {
            let mut there = vec![bf16::NAN; SIDE * count * channels];
            if rounded {
                kernels.strip_input_transform_bf16(&Strips { values: &values_16, pixel, channels, count }, &mut there);
            } else {
                kernels.strip_input_transform(&Strips { values: &values, pixel, channels, count }, &mut there);
            }
            let step = channels + 32;
            let mut transformed = vec![bf16::NAN; SIDE * step];
            kernels.strip_filter_transform(&taps, step, &mut transformed);
            // One output a channel: places of the kernel times places of the values, channel by channel.
            let product =
                |at: usize| there[at].to_f32() * transformed[at / channels / count * step + at % channels].to_f32();
            let sums: Vec<f32> = (0..there.len()).map(product).collect();
            let mut found = vec![f32::NAN; OUTPUTS * count * channels];
            kernels.strip_output_transform(&sums, count, channels, &mut found);
            found
        };
        let expected: Vec<f32> = (0..OUTPUTS * count * channels)
            .map(|at| {
                let (output, channel) = (at / channels, at % channels);
                (0..TAPS).map(|tap| values[(output + tap) * pixel + channel] * kernel[tap * channels + channel]).sum()
            })
            .collect();
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            for rounded in [false, true] {
                let found = run(&kernels, rounded);
                close(&found, &expected, 0.05);
                close(&found, &run(&twin, rounded), 0.02);
            }
        }
    }
}

#[test]
#[should_panic(expected = "strips reach outside")]
fn strips_that_reach_outside_are_refused() {
    let kernels = Kernels::of(Isa::best()).unwrap();
    let strips = strip::Strips { values: &[0.0; 5 * 32], pixel: 32, channels: 32, count: 1 };
    kernels.strip_input_transform(&strips, &mut [bf16::ZERO; 6 * 32]);
}

#[test]
fn numbers_in_less_room_are_widened() {
    let mut noise = Noise(31);
    for len in [1, 8, 13, 200] {
        let f16s: Vec<half::f16> = noise.values(len).into_iter().map(half::f16::from_f32).collect();
        let int8s: Vec<i8> = (0..len).map(|_| (noise.below(255) as i16 - 127) as i8).collect();
        for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
            let (mut exact, mut rounded) = (vec![0.0; len], vec![bf16::ZERO; len]);
            kernels.widen_f16(&f16s, &mut exact);
            assert!(exact.iter().zip(&f16s).all(|(a, b)| *a == b.to_f32()));
            kernels.widen(&int8s, &mut exact);
            kernels.widen_bf16(&int8s, &mut rounded);
            assert!(exact.iter().zip(&int8s).all(|(a, b)| *a == f32::from(*b)));
            assert!(rounded.iter().zip(&int8s).all(|(a, b)| a.to_f32() == f32::from(*b)));
        }
    }
}
