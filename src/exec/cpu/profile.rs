//! What this machine could do at best.

use std::time::Instant;

use super::aligned_vec::AlignedVec;
use super::kernels::int16::Scales;
use super::kernels::{Kernels, MAX_ROWS, PANEL, Sums, Tile};
use super::panels::Factor;
use super::team::Team;

/// Numbers under a tile when the arithmetic alone is timed: they and their weights stay in the L1 cache.
const RUN: usize = 128;
/// Rows of all tiles of that timing.
const ROWS: usize = 80_000;
/// Numbers each thread copies when memory is timed: more than the L2 cache.
const COPIED: usize = 1 << 22;

/// Operations a second of the innermost loop for such factors alone, on all threads. (Where they are integers, some convolutions
/// are of f32 still and get no further than half of it.)
pub fn flops_per_s(team: &Team, kernels: &Kernels, factor: Factor) -> f64 {
    use half::bf16;
    let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| row * RUN);
    let (rows, taps) = (kernels.rows, [0]);
    let numbers = |len: usize| AlignedVec::from(&vec![0.5; len][..]);
    let (input, weights) = (numbers(MAX_ROWS * RUN), numbers(RUN * PANEL));
    let rounded = |len: usize| AlignedVec::from(&vec![bf16::ONE; len][..]);
    let (bf16_input, bf16_weights) = (rounded(MAX_ROWS * RUN), rounded(RUN * PANEL));
    let (int16_input, int16_weights) =
        (AlignedVec::from(&[1; MAX_ROWS * RUN][..]), AlignedVec::from(&[1; RUN * PANEL][..]));
    let pixels = &pixels[..rows];
    let tiles = ROWS / rows;
    let work = || {
        let mut out = Sums::ZERO;
        let mut tiles_done = |hold: bool| {
            let (taps, run, width) = (&taps, RUN, PANEL);
            match factor {
                Factor::Bf16 => {
                    let (input, weights) = (&bf16_input[..], &bf16_weights[..]);
                    kernels.tile_bf16(&Tile { input, pixels, taps, run, weights, width, hold, ahead: &[] }, &mut out.0);
                }
                Factor::Int16 => {
                    let (input, weights) = (&int16_input[..], &int16_weights[..]);
                    let tile = Tile { input, pixels, taps, run, weights, width, hold: false, ahead: &[] };
                    let scales = Scales { rows: &[1.0; MAX_ROWS], step: 0, columns: &[1.0; PANEL] };
                    kernels.tile_int16(&tile, scales, &mut out.0);
                }
                Factor::F32 => {
                    let (input, weights) = (&input[..], &weights[..]);
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead: &[] }, &mut out.0);
                }
            }
        };
        (0..tiles).for_each(|tile| tiles_done(tile % 2 == 1));
        std::hint::black_box(out.0[0]);
    };
    // The first time a thread uses them, the system makes room for its registers and the processor wakes what multiplies.
    team.together(work);
    let seconds = team.together(work);
    (2 * rows * RUN * PANEL * tiles * team.threads()) as f64 / seconds
}

/// Bytes a second, read and written, of a copy on all threads.
pub fn bytes_per_s(team: &Team) -> f64 {
    let copy = || {
        let (from, mut to) = (vec![1.0f32; COPIED], vec![0.0f32; COPIED]);
        // The first time the system makes the pages.
        to.copy_from_slice(&from);
        let begun = Instant::now();
        for _ in 0..8 {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
        }
        begun.elapsed().as_secs_f64() / 8.0
    };
    let seconds = team.each(copy).into_iter().fold(0.0, f64::max);
    (2 * size_of::<f32>() * COPIED * team.threads()) as f64 / seconds
}
