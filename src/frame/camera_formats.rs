//! Uncompressed camera formats to RGBA. YUV is BT.601 with limited range (16..=235), which is what webcams mean by it.

use super::{Frame, PictureError, Size};

/// YUYV (YUY2): two pixels in four bytes. Rows have an even number of pixels in memory.
///
/// # Errors
/// [`PictureError::Short`] when bytes are missing.
pub fn yuyv_to_rgba(bytes: &[u8], size: Size, name: &str) -> Result<Frame, PictureError> {
    let row = size.width.div_ceil(2) as usize * 4;
    let bytes = enough(bytes, row * size.height as usize, name)?;
    build(size, name, |pixels| {
        for (from, to) in bytes.chunks_exact(row).zip(pixels.chunks_exact_mut(size.width as usize * 4)) {
            for (pair, to) in from.as_chunks().0.iter().zip(to.chunks_mut(8)) {
                let [y0, u, y1, v] = *pair;
                let chroma = Chroma::new(u, v);
                for (y, to) in [y0, y1].into_iter().zip(to.chunks_exact_mut(4)) {
                    to.copy_from_slice(&chroma.with_luma(y));
                }
            }
        }
    })
}

/// NV12: a plane of luma, then a plane of chroma pairs at half size.
///
/// # Errors
/// [`PictureError::Short`] when bytes are missing.
pub fn nv12_to_rgba(bytes: &[u8], size: Size, name: &str) -> Result<Frame, PictureError> {
    let width = size.width as usize;
    let chroma_row = size.width.div_ceil(2) as usize * 2;
    let bytes = enough(bytes, size.area() + chroma_row * size.height.div_ceil(2) as usize, name)?;
    let (luma, chroma) = bytes.split_at(size.area());
    build(size, name, |pixels| {
        for (y, to) in pixels.chunks_exact_mut(width * 4).enumerate() {
            let luma = &luma[y * width..][..width];
            let chroma = &chroma[y / 2 * chroma_row..][..chroma_row];
            for ((luma, uv), to) in luma.chunks(2).zip(chroma.as_chunks().0).zip(to.chunks_mut(8)) {
                let [u, v] = *uv;
                let chroma = Chroma::new(u, v);
                for (y, to) in luma.iter().zip(to.chunks_exact_mut(4)) {
                    to.copy_from_slice(&chroma.with_luma(*y));
                }
            }
        }
    })
}

/// RGB with three bytes a pixel.
///
/// # Errors
/// [`PictureError::Short`] when bytes are missing.
pub fn rgb3_to_rgba(bytes: &[u8], size: Size, name: &str) -> Result<Frame, PictureError> {
    let bytes = enough(bytes, size.area() * 3, name)?;
    build(size, name, |pixels| {
        for ([r, g, b], to) in bytes.as_chunks().0.iter().zip(pixels.chunks_exact_mut(4)) {
            to.copy_from_slice(&[*r, *g, *b, 255]);
        }
    })
}

/// The part of a colour that two or four pixels share, in 1/256.
struct Chroma {
    red: i32,
    green: i32,
    blue: i32,
}

impl Chroma {
    fn new(u: u8, v: u8) -> Self {
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        Self { red: 409 * v + 128, green: -100 * u - 208 * v + 128, blue: 516 * u + 128 }
    }

    fn with_luma(&self, y: u8) -> [u8; 4] {
        let y = 298 * (i32::from(y) - 16);
        let byte = |value: i32| (value >> 8).clamp(0, 255) as u8;
        [byte(y + self.red), byte(y + self.green), byte(y + self.blue), 255]
    }
}

/// Exactly `expected` bytes; drivers may send more.
fn enough<'a>(bytes: &'a [u8], expected: usize, name: &str) -> Result<&'a [u8], PictureError> {
    bytes.get(..expected).ok_or_else(|| PictureError::Short { name: name.into(), expected, found: bytes.len() })
}

fn build(size: Size, name: &str, fill: impl FnOnce(&mut [u8])) -> Result<Frame, PictureError> {
    if size.area() == 0 {
        return Err(PictureError::Empty { name: name.into(), size });
    }
    let mut frame = Frame::filled(size, [0, 0, 0, 255]);
    fill(frame.pixels_mut());
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: [u8; 4] = [0, 0, 0, 255];
    const WHITE: [u8; 4] = [255; 4];

    #[test]
    fn yuyv_has_shared_chroma() {
        let frame = yuyv_to_rgba(&[16, 128, 235, 128, 81, 90, 81, 240], Size::new(2, 2), "cam").unwrap();
        assert_eq!([frame.pixel(0, 0), frame.pixel(1, 0)], [BLACK, WHITE]);
        let [r, g, b, _] = frame.pixel(0, 1);
        assert!(r >= 254 && g <= 1 && b <= 1, "{:?}", frame.pixel(0, 1));
        assert_eq!(frame.pixel(1, 1), frame.pixel(0, 1));
    }

    #[test]
    fn nv12_with_odd_sides() {
        let luma = [16, 235, 16, 235, 16, 235, 16, 235, 16];
        let chroma = [128; 8];
        let frame = nv12_to_rgba(&[luma.as_slice(), &chroma].concat(), Size::new(3, 3), "cam").unwrap();
        assert_eq!([frame.pixel(1, 0), frame.pixel(2, 2), frame.pixel(0, 1)], [WHITE, BLACK, WHITE]);
    }

    #[test]
    fn odd_yuyv_rows_are_padded_to_pairs() {
        let frame = yuyv_to_rgba(&[235, 128, 16, 128, 235, 128, 0, 128], Size::new(3, 1), "cam").unwrap();
        assert_eq!([frame.pixel(0, 0), frame.pixel(1, 0), frame.pixel(2, 0)], [WHITE, BLACK, WHITE]);
    }

    #[test]
    fn short_or_empty_frames_are_refused() {
        let size = Size::new(2, 2);
        let short = |expected, found| PictureError::Short { name: "cam".into(), expected, found };
        assert_eq!(yuyv_to_rgba(&[0; 7], size, "cam").unwrap_err(), short(8, 7));
        assert_eq!(nv12_to_rgba(&[0; 5], size, "cam").unwrap_err(), short(6, 5));
        assert_eq!(rgb3_to_rgba(&[0; 11], size, "cam").unwrap_err(), short(12, 11));
        assert!(rgb3_to_rgba(&[0; 13], size, "cam").is_ok());
        assert!(rgb3_to_rgba(&[], Size::new(0, 5), "cam").is_err());
    }
}
