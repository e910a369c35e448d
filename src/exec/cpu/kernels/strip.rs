//! Winograd's convolution F(4, 3) along rows: four outputs in a row of a kernel of three pixels for six products instead of twelve,
//! with factors of bf16.
//!
//! A strip of six pixels and a row of a kernel are taken to the Winograd domain, where a convolution is a product, place by place.
//! The rows of a kernel are summed there, as channels are. Points and matrices are those of [`super::winograd`], which takes rows
//! and columns there; of factors rounded to eight bits, only one of the two loses few enough digits: one to two times what products
//! of rounded pixels and weights lose.

use half::bf16;

use super::LANES;
use super::rows::Number;
use super::winograd::{BLOCK, OUTPUTS, SIDE, input, kernel, output};

/// Pixels that a kernel has in a row.
pub const TAPS: usize = 3;
/// Channels that are taken there at once are a multiple of this.
pub const CHANNELS: usize = 2 * LANES;

/// The strips of a row of pixels: every fourth pixel begins one.
#[derive(Clone, Copy, Debug)]
pub struct Strips<'a, T> {
    /// The row, from the first channel of the pixel before the first output.
    pub values: &'a [T],
    /// From one pixel to the next.
    pub pixel: usize,
    /// Channels to be taken there, a multiple of [`CHANNELS`].
    pub channels: usize,
    /// How many strips.
    pub count: usize,
}

impl<T> Strips<'_, T> {
    /// Refuses what would read or write outside.
    ///
    /// # Panics
    /// That is how it refuses: it would be a mistake in the plan.
    #[inline(always)]
    pub fn check(&self, out: &[bf16]) {
        let last = (OUTPUTS * self.count + SIDE - OUTPUTS - 1) * self.pixel;
        assert!(
            self.count > 0
                && self.channels.is_multiple_of(CHANNELS)
                && self.values.len() >= last + self.channels
                && out.len() >= SIDE * self.count * self.channels,
            "strips reach outside their values"
        );
    }
}

/// Takes strips to the Winograd domain: place `p` of strip `s` has its channels at `(p * count + s) * channels`.
#[inline(always)]
pub fn input_transform<T: Number>(strips: &Strips<'_, T>, out: &mut [bf16]) {
    strips.check(out);
    let Strips { values, pixel, channels, count } = *strips;
    for strip in 0..count {
        for first in (0..channels).step_by(BLOCK) {
            let mut pixels = [[0.0; BLOCK]; SIDE];
            for (at, place) in pixels.iter_mut().enumerate() {
                let begin = (OUTPUTS * strip + at) * pixel + first;
                place.iter_mut().zip(&values[begin..][..BLOCK]).for_each(|(place, value)| *place = value.wide());
            }
            for (place, values) in input(&pixels).iter().enumerate() {
                let begin = (place * count + strip) * channels + first;
                out[begin..][..BLOCK].iter_mut().zip(values).for_each(|(place, value)| *place = bf16::of(*value));
            }
        }
    }
}

/// Takes weights there: `taps` are those of each pixel of a row of kernels, of place `p` what comes out begins at `p * step`. There
/// are whole blocks of 32.
#[inline(always)]
pub fn filter_transform(taps: &[&[bf16]; TAPS], step: usize, out: &mut [bf16]) {
    for first in (0..taps[0].len()).step_by(BLOCK) {
        let mut weights = [[0.0; BLOCK]; TAPS];
        for (place, tap) in weights.iter_mut().zip(taps) {
            place.iter_mut().zip(&tap[first..][..BLOCK]).for_each(|(place, weight)| *place = weight.wide());
        }
        for (values, out) in kernel(&weights).iter().zip(out.chunks_mut(step)) {
            out[first..][..BLOCK].iter_mut().zip(values).for_each(|(place, value)| *place = bf16::of(*value));
        }
    }
}

/// Takes the sums of `count` strips back: place `p` of strip `s` has its `width` columns at `(p * count + s) * width`, and output
/// `o` of strip `s` gets its own at `(OUTPUTS * s + o) * width`. `width` is a multiple of 16.
#[inline(always)]
pub fn output_transform(sums: &[f32], count: usize, width: usize, out: &mut [f32]) {
    for strip in 0..count {
        for first in (0..width).step_by(BLOCK) {
            let mut places = [[0.0; BLOCK]; SIDE];
            for (place, values) in places.iter_mut().enumerate() {
                values.copy_from_slice(&sums[(place * count + strip) * width + first..][..BLOCK]);
            }
            for (at, values) in output(&places).iter().enumerate() {
                out[(OUTPUTS * strip + at) * width + first..][..BLOCK].copy_from_slice(values);
            }
        }
    }
}
