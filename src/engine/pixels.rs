//! Between 8-bit pixels and the networks' numbers, by the reference's rules.

use crate::exec::Tensor;
use crate::frame::{Frame, FrameError};

/// Largest value of a channel.
const FULL: f32 = 255.0;

/// A frame as [1, h, w, 3] in -1..=1. What is transparent lies on white.
pub fn tensor_from_frame(frame: &Frame) -> Tensor {
    let size = frame.size();
    let data = frame.pixels().chunks_exact(4).flat_map(|pixel| on_white(pixel).map(signed)).collect();
    Tensor::new([1, size.height as usize, size.width as usize, 3], data)
}

/// An 8-bit channel as a number in -1..=1.
pub fn signed(channel: u8) -> f32 {
    2.0 * (f32::from(channel) / FULL) - 1.0
}

/// A decoder's output, brought to 0..=1. NaN stays NaN.
pub fn unsigned(value: f32) -> f32 {
    (value / 2.0 + 0.5).clamp(0.0, 1.0)
}

/// The first picture of [n, h, w, 3] in 0..=1 as a frame; halves are rounded to even.
///
/// # Errors
/// [`FrameError`] when the tensor holds no picture.
pub fn frame_from_tensor(tensor: &Tensor) -> Result<Frame, FrameError> {
    let side = |axis: usize| tensor.shape.get(axis).map_or(0, |n| *n as u32);
    let size = crate::frame::Size::new(side(2), side(1));
    let values = tensor.data.chunks_exact(3).take(size.area());
    let byte = |value: f32| (value * FULL).round_ties_even() as u8;
    Frame::new(size, values.flat_map(|rgb| [byte(rgb[0]), byte(rgb[1]), byte(rgb[2]), u8::MAX]).collect())
}

fn on_white(pixel: &[u8]) -> [u8; 3] {
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
    use crate::frame::Size;

    #[test]
    fn every_byte_comes_back() {
        let pixels: Vec<u8> = (0..=255).flat_map(|v| [v, 255 - v, v / 2, 255]).collect();
        let frame = Frame::new(Size::square(16), pixels.clone()).unwrap();
        let mut tensor = tensor_from_frame(&frame);
        assert_eq!((tensor.data[0], tensor.data[1]), (-1.0, 1.0));
        tensor.data.iter_mut().for_each(|v| *v = unsigned(*v));
        assert_eq!(frame_from_tensor(&tensor).unwrap().pixels(), pixels);
    }

    #[test]
    fn transparent_is_white_and_halves_are_even() {
        let frame = Frame::filled(Size::square(1), [10, 20, 30, 0]);
        assert_eq!(tensor_from_frame(&frame).data, [1.0, 1.0, 1.0]);
        let tensor = Tensor::new([1, 1, 1, 3], vec![0.5 / 255.0, 1.5 / 255.0, 2.0]);
        assert_eq!(frame_from_tensor(&tensor).unwrap().pixel(0, 0), [0, 2, 255, 255]);
        assert!(unsigned(f32::NAN).is_nan());
    }

    #[test]
    fn noise_changes_its_layout() {
        let tensor = nhwc(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1, 2, 2, 2]);
        assert_eq!(tensor.data, [1.0, 5.0, 2.0, 6.0, 3.0, 7.0, 4.0, 8.0]);
    }
}
