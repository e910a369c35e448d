//! Between 8-bit pixels and the networks' numbers, by the reference's rules.

use crate::exec::Tensor;
use crate::frame::{Frame, FrameError};

/// Largest value of a channel.
const FULL: f32 = 255.0;

/// A frame as [1, h, w, 3] in -1..=1. What is transparent lies on white.
pub fn tensor_from_frame(frame: &Frame) -> Tensor {
    let size = frame.size();
    let known: [f32; 256] = std::array::from_fn(|channel| signed(channel as u8));
    let mut data = vec![0.0; 3 * size.area()];
    for (values, pixel) in data.chunks_exact_mut(3).zip(frame.pixels().chunks_exact(4)) {
        let seen = if pixel[3] == u8::MAX { [pixel[0], pixel[1], pixel[2]] } else { on_white(pixel) };
        values.copy_from_slice(&seen.map(|channel| known[usize::from(channel)]));
    }
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
    // What is below 2^22 is rounded by adding this and taking it away; `round_ties_even` is a call where there is no
    // instruction for it.
    let far = 12_582_912.0;
    let byte = |value: f32| (value * FULL + far - far) as u8;
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
        let half = Frame::filled(Size::square(1), [0, 100, 255, 128]);
        assert_eq!(tensor_from_frame(&half).data, [127, 177, 255].map(signed));
        for value in 0..=510 {
            let value = value as f32 / 510.0;
            let tensor = Tensor::new([1, 1, 1, 3], vec![value; 3]);
            let expected = (value * FULL).round_ties_even() as u8;
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
