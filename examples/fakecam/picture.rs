//! What the fake camera shows: a grey ramp, dark on the left, a bright bar that moves, and in the top 16 rows the frame's
//! number as 16 cells of 16 pixels, the lowest bit first: bright is 1.

use crate::config::Format;

/// The luma of a pixel (16..=235) in frame `number`.
pub fn luma(x: usize, y: usize, width: usize, number: u32) -> u8 {
    if y < 16 && x < 256 {
        return if number >> (x / 16) & 1 == 1 { 235 } else { 16 };
    }
    let bar = (number as usize * 8) % width;
    if x.abs_diff(bar) < 6 { 235 } else { (16 + x * 200 / width) as u8 }
}

/// Draws an uncompressed frame into `out`, which has room for it.
pub fn draw(format: &Format, number: u32, out: &mut [u8]) {
    let (width, height) = (format.width as usize, format.height as usize);
    let at = |x, y| luma(x, y, width, number);
    match &format.fourcc.to_le_bytes() {
        b"YUYV" => {
            for (i, pair) in out[..width * height * 2].chunks_exact_mut(4).enumerate() {
                let (x, y) = (i * 2 % width, i * 2 / width);
                pair.copy_from_slice(&[at(x, y), 90, at(x + 1, y), 160]);
            }
        }
        b"NV12" => {
            plane(&mut out[..width * height], width, 1, at);
            out[width * height..width * height * 3 / 2].fill(128);
        }
        b"GREY" => plane(&mut out[..width * height], width, 1, at),
        _ => plane(&mut out[..width * height * 3], width, 3, at),
    }
}

/// Fills a plane whose pixels are `bytes` equal bytes.
pub fn plane(out: &mut [u8], width: usize, bytes: usize, at: impl Fn(usize, usize) -> u8) {
    for (i, pixel) in out.chunks_exact_mut(bytes).enumerate() {
        pixel.fill(at(i % width, i / width));
    }
}
