//! Pixels as they are shown and numbers as networks see them, by the reference's rules. In a tensor a pixel is one element,
//! whose bits are its four bytes, so that a picture takes the room it takes on the screen.

/// Largest value of a channel.
const FULL: f32 = 255.0;
/// What is below 2^22 is rounded by adding this and taking it away; `round_ties_even` is a call where there is no instruction
/// for it.
const ROUND: f32 = 1.5 * (1 << 23) as f32;
/// Marks a channel that is none.
const UNSOUND: u32 = 256;
/// Pixels of a row that are put together at once.
const AT_ONCE: usize = 64;

/// An 8-bit channel as a number in -1..=1.
#[inline(always)]
pub fn signed(channel: u8) -> f32 {
    2.0 * (f32::from(channel) / FULL) - 1.0
}

/// A decoder's output, brought to 0..=1. NaN stays NaN.
#[inline(always)]
pub fn unsigned(value: f32) -> f32 {
    (value / 2.0 + 0.5).clamp(0.0, 1.0)
}

/// A number in 0..=1 as an 8-bit channel, halves to even; 0 of what is no number.
#[inline(always)]
pub fn byte(value: f32) -> u8 {
    (value * FULL + ROUND - ROUND) as u8
}

/// Red, green and blue of a pixel, in -1..=1.
#[inline(always)]
pub fn from_pixel(pixel: f32) -> [f32; 3] {
    let [r, g, b, _] = pixel.to_bits().to_le_bytes();
    [signed(r), signed(g), signed(b)]
}

/// The pixel of red, green and blue about -1..=1; black with alpha 0 if any of them is infinite or no number.
#[inline(always)]
pub fn to_pixel(rgb: [f32; 3]) -> f32 {
    joined(rgb.map(channel))
}

/// A number about -1..=1 as an 8-bit channel, [`UNSOUND`] if it is infinite or none.
#[inline(always)]
fn channel(value: f32) -> u32 {
    // After the addition the number's last bits are the integer, so that nothing is converted.
    let byte = (unsigned(value) * FULL + ROUND).to_bits() & 0xff;
    if value.is_finite() { byte } else { UNSOUND }
}

#[inline(always)]
fn joined([r, g, b]: [u32; 3]) -> f32 {
    f32::from_bits(if r | g | b < UNSOUND { r | g << 8 | b << 16 | 0xff00_0000 } else { 0 })
}

/// Bytes, four to a pixel, as a tensor has them.
pub fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|pixel| f32::from_bits(u32::from_le_bytes(*pixel))).collect()
}

/// The way back.
pub fn to_bytes(pixels: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 4 * pixels.len()];
    for (bytes, pixel) in bytes.as_chunks_mut().0.iter_mut().zip(pixels) {
        *bytes = pixel.to_bits().to_le_bytes();
    }
    bytes
}

/// Pixels [`from_pixel`] for a row: three numbers for each.
#[inline(always)]
pub fn from_pixels(pixels: &[f32], out: &mut [f32]) {
    for (rgb, pixel) in out.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
        *rgb = from_pixel(*pixel);
    }
}

/// Pixels [`to_pixel`] for a row of three numbers each.
#[inline(always)]
pub fn to_pixels(values: &[f32], out: &mut [f32]) {
    // All numbers first, as if they were no triples: vectors know nothing of three.
    let mut channels = [0; 3 * AT_ONCE];
    for (pixels, values) in out.chunks_mut(AT_ONCE).zip(values.chunks(3 * AT_ONCE)) {
        channels.iter_mut().zip(values).for_each(|(to, value)| *to = channel(*value));
        pixels.iter_mut().zip(channels.as_chunks().0).for_each(|(pixel, rgb)| *pixel = joined(*rgb));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for channel in 0..=255 {
            let pixel = f32::from_bits(u32::from_le_bytes([channel, 255 - channel, channel / 2, 255]));
            assert_eq!(to_pixel(from_pixel(pixel)).to_bits(), pixel.to_bits());
        }
    }

    #[test]
    fn what_is_no_number_is_marked() {
        for at in 0..3 {
            let mut rgb = [0.5; 3];
            rgb[at] = f32::NAN;
            assert_eq!(to_pixel(rgb).to_bits(), 0);
        }
        assert_eq!(to_pixel([0.0, f32::INFINITY, 0.0]).to_bits(), 0);
        // Where one is, and where only others are.
        let mut rows = [0.25; 3 * 70];
        rows[3 * 66 + 1] = f32::NEG_INFINITY;
        let mut pixels = [7.0; 70];
        to_pixels(&rows, &mut pixels);
        for (at, pixel) in pixels.iter().enumerate() {
            assert_eq!(pixel.to_bits(), if at == 66 { 0 } else { to_pixel([0.25; 3]).to_bits() }, "pixel {at}");
        }
        let beyond = to_pixel([1e30, -7.0, 1.5]).to_bits().to_le_bytes();
        assert_eq!(beyond, [255, 0, 255, 255]);
    }
}
