//! What the fake camera shows: a grey ramp, dark on the left, a bright bar that moves, and on top two rows of 16 cells of
//! 16 by 16 pixels, the lowest bit first, bright for 1: the frame's number, and the wall clock's milliseconds when it was
//! made. So a test can tell order, and age.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Format;

/// What a frame carries.
#[derive(Clone, Copy)]
pub struct Mark {
    /// Its number.
    pub number: u32,
    /// The lowest 16 bits of the wall clock's milliseconds.
    pub clock_ms: u32,
}

impl Mark {
    /// The mark of a frame made now.
    pub fn now(number: u32) -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { number, clock_ms: (clock.as_millis() & 0xffff) as u32 }
    }
}

/// The luma of a pixel (16..=235) in a frame.
pub fn luma(x: usize, y: usize, width: usize, mark: Mark) -> u8 {
    if y < 32 && x < 256 {
        let bits = if y < 16 { mark.number } else { mark.clock_ms };
        return if bits >> (x / 16) & 1 == 1 { 235 } else { 16 };
    }
    let bar = (mark.number as usize * 8) % width;
    if x.abs_diff(bar) < 6 { 235 } else { (16 + x * 200 / width) as u8 }
}

/// Draws an uncompressed frame into `out`, which has room for it.
pub fn draw(format: &Format, mark: Mark, out: &mut [u8]) {
    let (width, height) = (format.width as usize, format.height as usize);
    let at = |x, y| luma(x, y, width, mark);
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
