//! Between 8-bit pixels and the networks' numbers, by the reference's rules.

use super::EngineError;
use crate::exec::Tensor;
use crate::exec::pixels::{byte, from_bytes, to_bytes};
use crate::frame::{Frame, FrameError};

/// A frame as [1, h, w, 1], each element the four bytes of a pixel. What is transparent lies on white.
pub fn pixels_from_frame(frame: &Frame) -> Tensor {
    let (size, bytes) = (frame.size(), frame.pixels());
    let data = if frame.is_opaque() {
        from_bytes(bytes)
    } else {
        let seen = |pixel: &[u8; 4]| {
            let [r, g, b] = on_white(pixel);
            f32::from_bits(u32::from_le_bytes([r, g, b, u8::MAX]))
        };
        bytes.as_chunks().0.iter().map(seen).collect()
    };
    Tensor::new([1, size.height as usize, size.width as usize, 1], data)
}

/// The picture of [1, h, w, 1], each element the four bytes of a pixel.
///
/// # Errors
/// [`EngineError::NotFinite`] when a pixel says so.
pub fn frame_from_pixels(tensor: &Tensor) -> Result<Frame, EngineError> {
    let size = crate::frame::Size::new(tensor.shape[2] as u32, tensor.shape[1] as u32);
    let frame = Frame::new(size, to_bytes(&tensor.data))?;
    // Any other pixel is opaque.
    if frame.is_opaque() { Ok(frame) } else { Err(EngineError::NotFinite { what: "the picture", step: None }) }
}

/// The first picture of [n, h, w, 3] in 0..=1 as a frame; halves are rounded to even.
///
/// # Errors
/// [`FrameError`] when the tensor holds no picture.
pub fn frame_from_tensor(tensor: &Tensor) -> Result<Frame, FrameError> {
    let side = |axis: usize| tensor.shape.get(axis).map_or(0, |n| *n as u32);
    let size = crate::frame::Size::new(side(2), side(1));
    // No pixels at all, which no frame takes, where there are values for fewer than the shape says.
    let whole_picture = tensor.data.len() >= 3 * size.area();
    let mut pixels = vec![u8::MAX; if whole_picture { 4 * size.area() } else { 0 }];
    for (pixel, rgb) in pixels.chunks_exact_mut(4).zip(tensor.data.chunks_exact(3)) {
        for c in 0..3 {
            pixel[c] = byte(rgb[c]);
        }
    }
    Frame::new(size, pixels)
}

fn on_white(pixel: &[u8; 4]) -> [u8; 3] {
    let alpha = u32::from(pixel[3]);
    [0, 1, 2].map(|c| ((u32::from(pixel[c]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

/// Values in NCHW order as [n, h, w, c].
pub fn nhwc(values: &[f32], [n, c, h, w]: [usize; 4]) -> Tensor {
    let mut data = Vec::with_capacity(values.len());
    for sample in 0..n {
        for position in 0..h * w {
            data.extend((0..c).map(|channel| values[(sample * c + channel) * h * w + position]));
        }
    }
    Tensor::new([n, h, w, c], data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::pixels::unsigned;
    use crate::frame::Size;

    #[test]
    fn a_frame_comes_back() {
        let pixels: Vec<u8> = (0..=255).flat_map(|v| [v, 255 - v, v / 2, 255]).collect();
        let frame = Frame::new(Size::square(16), pixels.clone()).unwrap();
        let mut tensor = pixels_from_frame(&frame);
        assert_eq!(tensor.shape, [1, 16, 16, 1]);
        assert_eq!(frame_from_pixels(&tensor).unwrap().pixels(), pixels);
        tensor.data[100] = 0.0;
        let error = frame_from_pixels(&tensor).unwrap_err().to_string();
        assert!(error.contains("the picture"), "{error}");
    }

    #[test]
    fn transparent_is_white_and_halves_are_even() {
        let frame = Frame::filled(Size::square(1), [10, 20, 30, 0]);
        assert_eq!(pixels_from_frame(&frame).data[0].to_bits(), u32::MAX);
        let half = Frame::filled(Size::square(1), [0, 100, 255, 128]);
        assert_eq!(pixels_from_frame(&half).data[0].to_bits().to_le_bytes(), [127, 177, 255, 255]);
        let tensor = Tensor::new([1, 1, 1, 3], vec![0.5 / 255.0, 1.5 / 255.0, 2.0]);
        assert_eq!(frame_from_tensor(&tensor).unwrap().pixel(0, 0), [0, 2, 255, 255]);
        for value in 0..=510 {
            let value = value as f32 / 510.0;
            let tensor = Tensor::new([1, 1, 1, 3], vec![value; 3]);
            let expected = (value * 255.0).round_ties_even() as u8;
            assert_eq!(frame_from_tensor(&tensor).unwrap().pixel(0, 0)[0], expected);
        }
        assert!(unsigned(f32::NAN).is_nan());
    }

    #[test]
    fn noise_changes_its_layout() {
        let tensor = nhwc(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1, 2, 2, 2]);
        assert_eq!(tensor.data, [1.0, 5.0, 2.0, 6.0, 3.0, 7.0, 4.0, 8.0]);
    }
}
