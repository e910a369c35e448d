//! Live resizing: area average when a picture gets smaller, bilinear when it gets larger, each axis for itself. Works on a
//! rectangle of the picture. Made for every frame of a camera; [`super::resample`] has the reference's exact filters.

use super::{Frame, Size};

/// The part of a picture that is wanted, in pixels, possibly with fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Pixels across.
    pub width: f64,
    /// Pixels down.
    pub height: f64,
}

impl Crop {
    /// The whole of a picture.
    pub fn whole(size: Size) -> Self {
        Self { x: 0.0, y: 0.0, width: size.width.into(), height: size.height.into() }
    }
}

/// The part `from` of `frame`, resized to `to`; number and time stay. `from` must lie within the frame.
pub fn scale(frame: &Frame, from: Crop, to: Size) -> Frame {
    let to = Size::new(to.width.max(1), to.height.max(1));
    if from == Crop::whole(frame.size()) && to == frame.size() {
        return frame.clone();
    }
    let columns = Axis::new(from.x, from.width, frame.size().width, to.width);
    let rows = Axis::new(from.y, from.height, frame.size().height, to.height);
    let mut scaled = Frame::filled(to, [0; 4]).stamped(frame.id, frame.taken);
    let strip = columns.reach(frame.size().width as usize);
    let opaque = frame.is_opaque();
    let mut sums = vec![0.0_f32; strip.len() * 4];
    for (weights, row) in rows.spans.iter().zip(scaled.pixels_mut().chunks_exact_mut(to.width as usize * 4)) {
        add_rows(frame, weights, &strip, opaque, &mut sums);
        for (span, pixel) in columns.spans.iter().zip(row.as_chunks_mut().0) {
            let mut value = [0.0; 4];
            let cells = sums.as_chunks().0[span.first - strip.start..].iter();
            for (weight, cell) in span.weights.iter().zip(cells) {
                let cell: &[f32; 4] = cell;
                for channel in 0..4 {
                    value[channel] += weight * cell[channel];
                }
            }
            *pixel = if opaque { value.map(rounded) } else { straight(value) };
        }
    }
    scaled
}

/// Sums the rows of one output row, weighted. Colours are multiplied by their alpha unless all are opaque.
fn add_rows(frame: &Frame, span: &Span, strip: &std::ops::Range<usize>, opaque: bool, sums: &mut [f32]) {
    sums.fill(0.0);
    let row_bytes = frame.size().width as usize * 4;
    for (i, weight) in span.weights.iter().enumerate() {
        let row = &frame.pixels()[(span.first + i) * row_bytes..][strip.start * 4..strip.end * 4];
        if opaque {
            for (sum, byte) in sums.iter_mut().zip(row) {
                *sum += weight * f32::from(*byte);
            }
        } else {
            for (sum, pixel) in sums.as_chunks_mut::<4>().0.iter_mut().zip(row.as_chunks::<4>().0) {
                let alpha = weight * f32::from(pixel[3]) / 255.0;
                for channel in 0..3 {
                    sum[channel] += alpha * f32::from(pixel[channel]);
                }
                sum[3] += alpha * 255.0;
            }
        }
    }
}

fn rounded(value: f32) -> u8 {
    (value + 0.5) as u8
}

/// Straight alpha from sums of colour times alpha.
fn straight([r, g, b, a]: [f32; 4]) -> [u8; 4] {
    let by = if a > 0.0 { 255.0 / a } else { 0.0 };
    [rounded(r * by), rounded(g * by), rounded(b * by), rounded(a)]
}

/// Which pixels of one axis make up each output pixel.
struct Axis {
    spans: Vec<Span>,
}

struct Span {
    first: usize,
    weights: Vec<f32>,
}

impl Axis {
    fn new(start: f64, length: f64, limit: u32, to: u32) -> Self {
        let step = length / f64::from(to);
        let span = |i| match step >= 1.0 {
            true => Span::average(start + f64::from(i) * step, start + f64::from(i + 1) * step, limit),
            false => Span::between(start + (f64::from(i) + 0.5) * step - 0.5, limit),
        };
        Self { spans: (0..to).map(span).collect() }
    }

    /// The pixels that any span touches.
    fn reach(&self, limit: usize) -> std::ops::Range<usize> {
        let start = self.spans.iter().map(|span| span.first).min().unwrap_or(0);
        let end = self.spans.iter().map(|span| span.first + span.weights.len()).max().unwrap_or(limit);
        start..end
    }
}

impl Span {
    /// Each pixel by how much of it lies between `from` and `to`.
    fn average(from: f64, to: f64, limit: u32) -> Self {
        let first = (from + 1e-6).floor().clamp(0.0, f64::from(limit - 1)) as usize;
        let end = ((to - 1e-6).ceil().max(0.0) as usize).clamp(first + 1, limit as usize);
        let parts: Vec<f64> =
            (first..end).map(|at| (to.min(at as f64 + 1.0) - from.max(at as f64)).clamp(0.0, 1.0)).collect();
        let sum: f64 = parts.iter().sum();
        let weights = match sum > 0.0 {
            true => parts.iter().map(|part| (part / sum) as f32).collect(),
            false => vec![1.0],
        };
        Self { first, weights }
    }

    /// The two pixels on either side of `at`.
    fn between(at: f64, limit: u32) -> Self {
        let at = at.clamp(0.0, f64::from(limit - 1));
        let first = at.floor();
        let part = (at - first) as f32;
        let weights = if part > 0.0 { vec![1.0 - part, part] } else { vec![1.0] };
        Self { first: first as usize, weights }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(width: u32, height: u32) -> Frame {
        let pixels = (0..width * height).flat_map(|i| [(i * 10) as u8, 0, 255, 255]).collect();
        Frame::new(Size::new(width, height), pixels).unwrap()
    }

    #[test]
    fn halves_are_averages() {
        let frame = steps(4, 2);
        let half = scale(&frame, Crop::whole(frame.size()), Size::new(2, 1));
        assert_eq!(half.pixel(0, 0), [(10 + 40 + 50_u32).div_ceil(4) as u8, 0, 255, 255]);
        assert_eq!(half.pixel(1, 0)[0], (20 + 30 + 60 + 70) / 4);
    }

    #[test]
    fn broken_ratios_weigh_by_area() {
        let frame = steps(3, 1);
        let two = scale(&frame, Crop::whole(frame.size()), Size::new(2, 1));
        assert_eq!([two.pixel(0, 0)[0], two.pixel(1, 0)[0]], [3, 17]);
    }

    #[test]
    fn one_colour_stays_itself() {
        let frame = Frame::filled(Size::new(37, 23), [255, 254, 1, 255]);
        for to in [Size::new(7, 5), Size::new(100, 90), Size::new(1, 1), Size::new(64, 3)] {
            let scaled = scale(&frame, Crop { x: 1.3, y: 0.7, width: 33.3, height: 20.1 }, to);
            assert!(scaled.pixels().as_chunks().0.iter().all(|p| *p == [255, 254, 1, 255]), "{to}");
        }
    }

    #[test]
    fn enlarging_is_bilinear() {
        let frame = Frame::new(Size::new(2, 1), vec![0, 0, 0, 255, 200, 0, 0, 255]).unwrap();
        let wide = scale(&frame, Crop::whole(frame.size()), Size::new(4, 1));
        assert_eq!([0, 1, 2, 3].map(|x| wide.pixel(x, 0)[0]), [0, 50, 150, 200]);
    }

    #[test]
    fn transparent_colours_do_not_bleed() {
        let frame = Frame::new(Size::new(2, 1), vec![255, 0, 0, 255, 0, 255, 0, 0]).unwrap();
        let one = scale(&frame, Crop::whole(frame.size()), Size::new(1, 1));
        assert_eq!(one.pixel(0, 0), [255, 0, 0, 128]);
    }

    #[test]
    fn the_same_size_shares_the_pixels() {
        let frame = steps(4, 2).stamped(7, std::time::Instant::now());
        let same = scale(&frame, Crop::whole(frame.size()), frame.size());
        assert_eq!((same.id, same.pixels().as_ptr()), (7, frame.pixels().as_ptr()));
    }
}
