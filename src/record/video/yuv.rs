//! Pixels as video has them: one luma value each and one pair of chroma values for four, ITU-R BT.709, 16 to 235 and 16 to 240.
//!
//! The encoder's own conversion is BT.601, which players of videos of today's sizes take for BT.709.

use openh264::formats::YUVSource;

use crate::frame::{Frame, Size};

/// Parts of red and of blue in luma (BT.709).
const RED: f64 = 0.2126;
const BLUE: f64 = 0.0722;
/// Fractions have so many bits.
const BITS: u32 = 16;

/// Weights of red, green and blue in luma, and in the two chroma values.
const WEIGHTS: [[i32; 3]; 3] = {
    let luma = [RED, 1.0 - RED - BLUE, BLUE];
    let blue = [-RED, RED + BLUE - 1.0, 1.0 - BLUE];
    let red = [1.0 - RED, RED + BLUE - 1.0, -BLUE];
    [fixed(luma, 219.0), fixed(blue, 112.0 / (1.0 - BLUE)), fixed(red, 112.0 / (1.0 - RED))]
};

/// In fixed point, for bytes: `range` values for the whole of it.
const fn fixed(parts: [f64; 3], range: f64) -> [i32; 3] {
    let scale = range / 255.0 * (1 << BITS) as f64;
    [round(parts[0] * scale), round(parts[1] * scale), round(parts[2] * scale)]
}

const fn round(value: f64) -> i32 {
    (value + if value < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// A picture in three planes, of which the second and third have half the sides.
pub(super) struct Yuv420 {
    size: Size,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
    /// Of a picture that is enlarged.
    small: Vec<u8>,
    /// A row between two rows, in quarters.
    between: Vec<u16>,
}

impl Yuv420 {
    /// A black one, with even sides.
    pub(super) fn new(size: Size) -> Self {
        assert!(size.width.is_multiple_of(2) && size.height.is_multiple_of(2), "{size} has odd sides");
        let (luma, chroma) = (vec![16; size.area()], vec![128; size.area() / 4]);
        Self { size, luma, blue: chroma.clone(), red: chroma, small: Vec::new(), between: Vec::new() }
    }

    /// Width and height.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Becomes `frame`, which has the same size.
    pub(super) fn fill(&mut self, frame: &Frame) {
        let width = self.size.width as usize;
        let pixels = frame.pixels().as_chunks::<4>().0;
        weigh(pixels, &mut self.luma, 0);
        let chroma = self.blue.chunks_exact_mut(width / 2).zip(self.red.chunks_exact_mut(width / 2));
        for (rows, (blue, red)) in pixels.chunks_exact(2 * width).zip(chroma) {
            let (upper, lower) = rows.split_at(width);
            let blocks = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for (([a, b], [c, d]), (blue, red)) in blocks.zip(blue.iter_mut().zip(red)) {
                let sum = |channel: usize| [a, b, c, d].map(|pixel| i32::from(pixel[channel])).iter().sum();
                let block = [sum(0), sum(1), sum(2)];
                (*blue, *red) = (value(block, 1, BITS + 2), value(block, 2, BITS + 2));
            }
        }
    }

    /// Becomes `frame`, which has half the sides, enlarged smoothly. Its colours are as many as there is room for, and stay as they
    /// are.
    pub(super) fn fill_doubled(&mut self, frame: &Frame) {
        let pixels = frame.pixels().as_chunks::<4>().0;
        weigh(pixels, &mut self.blue, 1);
        weigh(pixels, &mut self.red, 2);
        self.small.resize(pixels.len(), 0);
        weigh(pixels, &mut self.small, 0);
        let (width, height) = (frame.size().width as usize, frame.size().height as usize);
        self.between.resize(width, 0);
        let row = |y: usize| &self.small[y * width..][..width];
        for (y, out) in self.luma.chunks_exact_mut(2 * width).enumerate() {
            // Rows of a doubled picture lie a quarter of a row away from the nearest one.
            let near = y / 2;
            let far = if y % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(height - 1) };
            for ((between, near), far) in self.between.iter_mut().zip(row(near)).zip(row(far)) {
                *between = 3 * u16::from(*near) + u16::from(*far);
            }
            double_row(&self.between, out);
        }
    }
}

/// Twice as wide, from quarters to bytes.
fn double_row(quarters: &[u16], out: &mut [u8]) {
    let mixed = |near: u16, far: u16| ((3 * near + far + 8) >> 4) as u8;
    let (Some(first), Some(last)) = (quarters.first(), quarters.last()) else { return };
    let count = out.len();
    (out[0], out[count - 1]) = (mixed(*first, *first), mixed(*last, *last));
    for (pair, out) in quarters.windows(2).zip(out[1..count - 1].as_chunks_mut::<2>().0) {
        *out = [mixed(pair[0], pair[1]), mixed(pair[1], pair[0])];
    }
}

/// One of the three values of each pixel.
fn weigh(pixels: &[[u8; 4]], out: &mut [u8], which: usize) {
    for ([r, g, b, _], out) in pixels.iter().zip(out) {
        *out = value([*r, *g, *b].map(i32::from), which, BITS);
    }
}

/// One of the three values of `sum`, which is of so many pixels that it has `bits` of fraction. Rounded.
fn value(sum: [i32; 3], which: usize, bits: u32) -> u8 {
    let weights = WEIGHTS[which];
    let least = if which == 0 { 16 } else { 128 } << bits;
    let weighted = sum[0] * weights[0] + sum[1] * weights[1] + sum[2] * weights[2];
    ((weighted + least + (1 << (bits - 1))) >> bits) as u8
}

impl YUVSource for Yuv420 {
    fn dimensions(&self) -> (usize, usize) {
        (self.size.width as usize, self.size.height as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let width = self.size.width as usize;
        (width, width / 2, width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.luma
    }

    fn u(&self) -> &[u8] {
        &self.blue
    }

    fn v(&self) -> &[u8] {
        &self.red
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(rgb: [u8; 3]) -> [u8; 3] {
        let mut yuv = Yuv420::new(Size::square(2));
        yuv.fill(&Frame::filled(Size::square(2), [rgb[0], rgb[1], rgb[2], 255]));
        [yuv.luma[3], yuv.blue[0], yuv.red[0]]
    }

    #[test]
    fn colours_are_those_of_the_standard() {
        // ITU-R BT.709-6 and BT.1361: black, white, and the bars of 100 %.
        assert_eq!(one([0, 0, 0]), [16, 128, 128]);
        assert_eq!(one([255, 255, 255]), [235, 128, 128]);
        assert_eq!(one([255, 0, 0]), [63, 102, 240]);
        assert_eq!(one([0, 255, 0]), [173, 42, 26]);
        assert_eq!(one([0, 0, 255]), [32, 240, 118]);
        assert_eq!(one([255, 255, 0]), [219, 16, 138]);
    }

    #[test]
    fn every_grey_is_grey_and_rounded() {
        for grey in 0..=255 {
            let luma = (16.0 + f64::from(grey) * 219.0 / 255.0).round() as u8;
            assert_eq!(one([grey; 3]), [luma, 128, 128], "{grey}");
        }
    }

    #[test]
    fn four_pixels_share_their_mean_colour() {
        let size = Size::new(4, 2);
        let mut frame = Frame::filled(size, [255, 255, 255, 255]);
        // Red and black, one over the other, in the left half.
        for (at, rgb) in [(0, [255, 0, 0]), (1, [255, 0, 0]), (4, [0, 0, 0]), (5, [0, 0, 0])] {
            frame.pixels_mut()[4 * at..][..3].copy_from_slice(&rgb);
        }
        let mut yuv = Yuv420::new(size);
        yuv.fill(&frame);
        assert_eq!(yuv.luma, [63, 63, 235, 235, 16, 16, 235, 235]);
        // Half of what red has beside grey.
        assert_eq!((yuv.blue, yuv.red), (vec![115, 128], vec![184, 128]));
    }

    #[test]
    fn enlarging_is_smooth_and_keeps_colours() {
        let size = Size::new(3, 2);
        let mut frame = Frame::filled(size, [0, 0, 0, 255]);
        for (at, grey) in [(1, 255), (2, 255), (4, 255), (5, 255)] {
            frame.pixels_mut()[4 * at..][..3].fill(grey);
        }
        frame.pixels_mut()[12..15].copy_from_slice(&[255, 0, 0]);
        let mut yuv = Yuv420::new(Size::new(6, 4));
        yuv.fill_doubled(&frame);
        // From 16 to 235 in the first row, from 63 in the second: a quarter and three quarters of the way.
        assert_eq!(yuv.luma[..6], [16, 71, 180, 235, 235, 235]);
        assert_eq!(yuv.luma[18..], [63, 106, 192, 235, 235, 235]);
        let rows: Vec<u8> = yuv.luma.iter().step_by(6).copied().collect();
        assert_eq!(rows, [16, 28, 51, 63]);
        assert_eq!((yuv.blue, yuv.red), (vec![128, 128, 128, 102, 128, 128], vec![128, 128, 128, 240, 128, 128]));
    }

    #[test]
    fn a_plane_stays_one_when_it_is_enlarged() {
        for grey in [0, 1, 77, 254, 255] {
            let mut doubled = Yuv420::new(Size::new(10, 6));
            doubled.fill_doubled(&Frame::filled(Size::new(5, 3), [grey, grey, grey, 255]));
            let mut plain = Yuv420::new(Size::new(10, 6));
            plain.fill(&Frame::filled(Size::new(10, 6), [grey, grey, grey, 255]));
            assert!(doubled.luma == plain.luma && doubled.red == plain.red && doubled.blue == plain.blue, "{grey}");
        }
    }
}
