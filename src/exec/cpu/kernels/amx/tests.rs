//! The tile of AMX against its portable twin, on the processor's own AMX or on an emulator.

use std::arch::asm;

use super::registers::tiles;
use super::*;
use crate::exec::cpu::isa::Isa;
use crate::exec::cpu::kernels::tests::{Noise, close};
use crate::exec::cpu::kernels::{MAX_ROWS, emulator, portable};

/// Whether there is AMX of some kind.
fn is_here() -> bool {
    let here = Isa::Amx.is_here() || emulator::for_amx();
    if !here {
        println!("skipped: this processor neither has AMX nor can it be emulated");
    }
    here
}

/// Numbers that look random, in bf16, among others that are none: whoever reads those gets NaN.
fn among_nan(noise: &mut Noise, len: usize) -> Vec<bf16> {
    let mut values = vec![bf16::NAN; len + 2 * DEEP];
    portable::narrow(&noise.values(len), &mut values[DEEP..DEEP + len]);
    values
}

/// Calls the kernel, which needs AVX2.
#[expect(unsafe_code, reason = "functions compiled for a processor feature need it at run time")]
fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    // SAFETY: both kinds of AMX are only where AVX2 is.
    unsafe { super::tile_bf16(tile, out) }
}

/// How pixels lie: side by side, further apart, backwards, all the same, in two rows of a map, or anyhow.
fn pixels(noise: &mut Noise, rows: usize) -> Vec<usize> {
    let step = 2 + noise.below(40);
    (0..rows)
        .map(|row| match step % 6 {
            0 | 1 => row * step,
            2 => (rows - row) * step,
            3 => step,
            4 => row * step + if row > rows / 2 { 77 } else { 0 },
            _ => noise.below(1500),
        })
        .collect()
}

#[test]
fn tiles_of_all_shapes_equal_their_twin() {
    if !is_here() {
        return;
    }
    let mut noise = Noise(11);
    for round in 0..400 {
        let rows = if round < 32 { round + 1 } else { 1 + noise.below(MAX_ROWS) };
        let run = 2 + 2 * if noise.below(4) == 0 { noise.below(80) } else { noise.below(24) };
        let width = LANES * (1 + noise.below(2));
        let pixels = pixels(&mut noise, rows);
        let taps: Vec<usize> = (0..1 + noise.below(4)).map(|_| noise.below(400)).collect();
        // As long as need be, so that the last pixel ends with the values.
        let end = pixels.iter().max().unwrap() + taps.iter().max().unwrap() + run;
        let (input, weights) = (among_nan(&mut noise, end), among_nan(&mut noise, taps.len() * run * width));
        let (input, weights) = (&input[DEEP..DEEP + end], &weights[DEEP..weights.len() - DEEP]);
        let hold = noise.below(2) == 1;
        let ahead = &[7; 5000][..noise.below(2) * noise.below(5000)];
        let tile = Tile { input, pixels: &pixels, taps: &taps, run, weights, width, hold, ahead };
        let mut expected = noise.values(rows * width);
        let mut found = expected.clone();
        found.resize(rows * width + PANEL, 7.0);
        portable::tile_bf16(&tile, &mut expected);
        tile_bf16(&tile, &mut found);
        close(&found[..rows * width], &expected, 2e-5);
        assert_eq!(found[rows * width..], [7.0; PANEL], "sums behind the last row");
    }
}

#[test]
fn tiles_that_reach_outside_are_refused() {
    let values = [bf16::ONE; 128];
    for (pixels, taps, run) in
        [(&[120][..], &[0][..], 10), (&[0], &[127], 2), (&[], &[0], 2), (&[0; 33], &[0], 2), (&[0], &[0], 3)]
    {
        let tile = Tile { input: &values, pixels, taps, run, weights: &values, width: 16, hold: false, ahead: &[] };
        assert!(std::panic::catch_unwind(|| tile_bf16(&tile, &mut [0.0; 16 * 40])).is_err());
    }
}

/// The instructions themselves, as words, against a plain product. It also says whether an emulator does what AMX does.
#[test]
#[expect(unsafe_code, reason = "assembler")]
fn instructions_give_a_plain_product() {
    const DEPTH: usize = 10;
    const ROWS: usize = 5;
    if !is_here() {
        return;
    }
    let mut noise = Noise(12);
    let [mut values, mut weights] = [ROWS * DEPTH, DEPTH * SIDE].map(|len| {
        let mut rounded = vec![bf16::ZERO; len];
        portable::narrow(&noise.values(len), &mut rounded);
        rounded
    });
    // A denormal factor counts as zero, and so does a product too small for a normal number.
    values[0] = bf16::from_bits(0x0040);
    (values[DEPTH], weights[0]) = (bf16::from_f32(1e-20), bf16::from_f32(1e-19));
    let sum = |row: usize, column: usize| -> f32 {
        let product = |k: usize| {
            let (value, weight) = (values[row * DEPTH + k], weights[(k / 2 * SIDE + column) * 2 + k % 2]);
            if value.to_f32() < f32::MIN_POSITIVE && row == 0 && k == 0 {
                0.0
            } else {
                value.to_f32() * weight.to_f32()
            }
        };
        1.0 + (0..DEPTH).map(product).sum::<f32>()
    };
    let mut sums = [1.0f32; ROWS * SIDE];
    configure(Shape::of(ROWS, DEPTH));
    // SAFETY: rows are as far apart as the strides say and as many as the configuration says.
    unsafe {
        // Addresses in registers that have a form of their own.
        tiles!(
            "tileloadd tmm0, [r12 + r9]",
            "tileloadd tmm4, [r13 + r8]",
            "tileloadd tmm6, [r11 + 2 * r10]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tilestored [r12 + r9], tmm0",
            in("r12") sums.as_mut_ptr(), in("r9") ROW,
            in("r13") values.as_ptr(), in("r8") 2 * DEPTH,
            in("r11") weights.as_ptr(), in("r10") ROW / 2,
        );
        tiles!("tilerelease",);
    }
    // The registers of this thread are no longer what its next tile would think.
    THREAD.with_borrow_mut(|thread| thread.shape = Shape::NONE);
    for (at, found) in sums.iter().enumerate() {
        close(&[*found], &[sum(at / SIDE, at % SIDE)], 1e-6);
    }
}
