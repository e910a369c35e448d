//! Resizing exactly as Pillow does it for 8-bit pictures, so that a picture given to the reference and to us is the same.
//!
//! Pillow weighs in 32-bit fixed point with 22 bits of fraction, first along rows, then along columns, with 8-bit values in
//! between. The crate `fast_image_resize` has 16-bit weights and differs in a quarter of all values; hence this file.

use super::Size;

/// How pixels are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The pixel at the place.
    Nearest,
    /// A triangle.
    Bilinear,
    /// A cubic with a = -0.5.
    Bicubic,
    /// A windowed sinc over three pixels.
    Lanczos,
}

const FRACTION_BITS: u32 = 32 - 8 - 2;

/// Resizes interleaved 8-bit `pixels` of any number of channels.
///
/// # Panics
/// When the pixels are not of size `from`: that is a mistake in the program, not in its input.
pub fn resample(pixels: &[u8], channels: usize, from: Size, to: Size, filter: Filter) -> Vec<u8> {
    assert_eq!(pixels.len(), from.area() * channels, "pixels of {from}");
    if filter == Filter::Nearest {
        return nearest(pixels, channels, from, to);
    }
    let rows =
        if from.width == to.width { pixels.to_vec() } else { along_rows(pixels, channels, from, to.width, filter) };
    if from.height == to.height {
        return rows;
    }
    along_columns(&rows, to.width as usize * channels, from.height, to.height, filter)
}

fn along_rows(pixels: &[u8], channels: usize, from: Size, width: u32, filter: Filter) -> Vec<u8> {
    let spans = spans(from.width, width, filter);
    let mut out = Vec::with_capacity(width as usize * channels * from.height as usize);
    for row in pixels.chunks_exact(from.width as usize * channels) {
        for Span { first, weights } in &spans {
            for channel in 0..channels {
                let cells = row[first * channels + channel..].iter().step_by(channels);
                let sum: i32 = weights.iter().zip(cells).map(|(w, c)| w * i32::from(*c)).sum();
                out.push(byte(sum));
            }
        }
    }
    out
}

fn along_columns(pixels: &[u8], row_bytes: usize, from: u32, to: u32, filter: Filter) -> Vec<u8> {
    let mut out = Vec::with_capacity(row_bytes * to as usize);
    let mut sums = vec![0_i32; row_bytes];
    for Span { first, weights } in spans(from, to, filter) {
        sums.fill(0);
        for (weight, row) in weights.iter().zip(pixels[first * row_bytes..].chunks_exact(row_bytes)) {
            for (sum, cell) in sums.iter_mut().zip(row) {
                *sum += weight * i32::from(*cell);
            }
        }
        out.extend(sums.iter().map(|sum| byte(*sum)));
    }
    out
}

/// A sum in fixed point, rounded to a byte.
fn byte(sum: i32) -> u8 {
    ((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS).clamp(0, 255) as u8
}

/// The pixels that make up one output pixel, and their weights in fixed point.
struct Span {
    first: usize,
    weights: Vec<i32>,
}

fn spans(from: u32, to: u32, filter: Filter) -> Vec<Span> {
    let scale = f64::from(from) / f64::from(to);
    let wide = scale.max(1.0);
    let support = filter.support() * wide;
    (0..to)
        .map(|x| {
            let center = (f64::from(x) + 0.5) * scale;
            let first = ((center - support + 0.5) as i64).max(0);
            let end = ((center + support + 0.5) as i64).min(from.into());
            let raw: Vec<f64> =
                (first..end).map(|at| filter.weight((at as f64 - center + 0.5) * (1.0 / wide))).collect();
            let sum: f64 = raw.iter().sum();
            let weights = raw.into_iter().map(|weight| fixed(if sum == 0.0 { weight } else { weight / sum })).collect();
            Span { first: first as usize, weights }
        })
        .collect()
}

/// A weight in fixed point, rounded away from zero at the half.
fn fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << FRACTION_BITS);
    (if weight < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
}

impl Filter {
    /// How far it reaches, in pixels of the smaller picture.
    fn support(self) -> f64 {
        match self {
            Self::Nearest => 0.0,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            Self::Nearest => 1.0,
            Self::Bilinear => (1.0 - distance).max(0.0),
            Self::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Self::Bicubic if distance < 2.0 => -0.5 * (((distance - 5.0) * distance + 8.0) * distance - 4.0),
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Bicubic | Self::Lanczos => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * std::f64::consts::PI;
    libm::sin(x) / x
}

fn nearest(pixels: &[u8], channels: usize, from: Size, to: Size) -> Vec<u8> {
    // Pillow adds up the steps instead of multiplying them.
    let places = |from: u32, to: u32| -> Vec<usize> {
        let step = f64::from(from) / f64::from(to);
        let mut at = step * 0.5;
        let mut next = || {
            let here = at.min(f64::from(from - 1)) as usize;
            at += step;
            here
        };
        (0..to).map(|_| next()).collect()
    };
    let columns = places(from.width, to.width);
    let mut out = Vec::with_capacity(to.area() * channels);
    for y in places(from.height, to.height) {
        let row = &pixels[y * from.width as usize * channels..][..from.width as usize * channels];
        for x in &columns {
            out.extend_from_slice(&row[x * channels..][..channels]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_colour_stays_itself() {
        let (size, pixel) = (Size::new(33, 21), [255, 3, 128, 255]);
        let pixels = pixel.repeat(size.area());
        for filter in [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            for to in [Size::new(8, 16), Size::new(100, 64), Size::square(1)] {
                let out = resample(&pixels, 4, size, to, filter);
                assert!(out.as_chunks().0.iter().all(|p| *p == pixel), "{filter:?} {to}");
            }
        }
    }
}
