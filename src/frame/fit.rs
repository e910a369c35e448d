//! How one picture goes into another: cropped to cover, mirrored, or laid over.

use super::scale::{Crop, scale};
use super::{Frame, Size};

/// The largest part of `frame` around its middle that has the shape of `size`, at that size.
pub fn cover_crop(frame: &Frame, size: Size) -> Frame {
    let size = at_least_one(size);
    let [from_width, from_height] = [frame.size().width, frame.size().height].map(f64::from);
    let by = (from_width / f64::from(size.width)).min(from_height / f64::from(size.height));
    let (width, height) = (f64::from(size.width) * by, f64::from(size.height) * by);
    let crop = Crop {
        x: ((from_width - width) / 2.0).max(0.0),
        y: ((from_height - height) / 2.0).max(0.0),
        width: width.min(from_width),
        height: height.min(from_height),
    };
    scale(frame, crop, size)
}

/// The size with `longer` as its longer side and the shape of `input`, both sides rounded down to `multiple` (at least one of it).
pub fn fit_longer_side(input: Size, longer: u32, multiple: u32) -> Size {
    let input = at_least_one(input);
    let multiple = multiple.max(1);
    let whole = u64::from(input.longer_side());
    let side = |length: u32| {
        let exact = (u64::from(length) * u64::from(longer) + whole / 2) / whole;
        (exact as u32 / multiple * multiple).max(multiple)
    };
    Size::new(side(input.width), side(input.height))
}

/// Left and right changed, as in a mirror.
pub fn flip_horizontal(frame: &Frame) -> Frame {
    let mut flipped = frame.clone();
    let row_bytes = frame.size().width as usize * 4;
    for row in flipped.pixels_mut().chunks_exact_mut(row_bytes) {
        row.as_chunks_mut::<4>().0.reverse();
    }
    flipped
}

/// `ink` laid over `base`, on encoded values with straight alpha; number and time of `base` stay. Ink of another size is fitted to
/// the base first.
pub fn blend_over(base: &Frame, ink: &Frame) -> Frame {
    let fitted;
    let ink = if ink.size() == base.size() {
        ink
    } else {
        fitted = scale(ink, Crop::whole(ink.size()), base.size());
        &fitted
    };
    let mut blended = base.clone();
    let pairs = blended.pixels_mut().as_chunks_mut::<4>().0.iter_mut().zip(ink.pixels().as_chunks::<4>().0);
    for (under, over) in pairs {
        match (over[3], under[3]) {
            (0, _) => {}
            (255, _) => *under = *over,
            (alpha, 255) => {
                for channel in 0..3 {
                    under[channel] = mix(under[channel], over[channel], alpha);
                }
            }
            _ => *under = over_transparent(*under, *over),
        }
    }
    blended
}

/// From `under` towards `over` by `alpha` of 255, rounded.
fn mix(under: u8, over: u8, alpha: u8) -> u8 {
    let (under, over, alpha) = (u32::from(under), u32::from(over), u32::from(alpha));
    ((over * alpha + under * (255 - alpha) + 127) / 255) as u8
}

/// The general case, where what lies under is not opaque either.
fn over_transparent(under: [u8; 4], over: [u8; 4]) -> [u8; 4] {
    let (top, bottom) = (u32::from(over[3]) * 255, u32::from(under[3]) * (255 - u32::from(over[3])));
    let sum = top + bottom;
    if sum == 0 {
        return [0; 4];
    }
    let channel = |i: usize| ((u32::from(over[i]) * top + u32::from(under[i]) * bottom + sum / 2) / sum) as u8;
    [channel(0), channel(1), channel(2), ((sum + 127) / 255) as u8]
}

fn at_least_one(size: Size) -> Size {
    Size::new(size.width.max(1), size.height.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(colours: &[u8], height: u32) -> Frame {
        let row: Vec<u8> = colours.iter().flat_map(|c| [*c, *c, *c, 255]).collect();
        Frame::new(Size::new(colours.len() as u32, height), row.repeat(height as usize)).unwrap()
    }

    #[test]
    fn covering_takes_the_middle() {
        let wide = columns(&[1, 2, 3, 4, 5, 6], 2);
        let square = cover_crop(&wide, Size::square(2));
        assert_eq!([square.pixel(0, 0)[0], square.pixel(1, 1)[0]], [3, 4]);
        assert_eq!(cover_crop(&wide, Size::new(600, 200)).size(), Size::new(600, 200));
        assert_eq!(cover_crop(&wide, Size::new(1, 1000)).size(), Size::new(1, 1000));
    }

    #[test]
    fn odd_sizes_never_leave_the_picture() {
        for (w, h) in [(1, 1), (3, 7), (97, 31), (640, 480)] {
            let frame = Frame::filled(Size::new(w, h), [9, 9, 9, 255]);
            for to in [Size::new(1, 9), Size::new(13, 5), Size::new(100, 37), Size::square(64)] {
                let out = cover_crop(&frame, to);
                assert!(out.pixels().as_chunks().0.iter().all(|p| *p == [9, 9, 9, 255]), "{w}x{h} to {to}");
            }
        }
    }

    #[test]
    fn longer_sides() {
        assert_eq!(fit_longer_side(Size::new(1280, 720), 256, 8), Size::new(256, 144));
        assert_eq!(fit_longer_side(Size::new(1000, 3), 256, 8), Size::new(256, 8));
        assert_eq!(fit_longer_side(Size::new(45, 70), 70, 8), Size::new(40, 64));
        assert_eq!(fit_longer_side(Size::new(0, 0), 0, 0), Size::new(1, 1));
        assert_eq!(fit_longer_side(Size::new(u32::MAX, 1), 512, 8), Size::new(512, 8));
        assert_eq!(fit_longer_side(Size::new(640, 480), 256, 8), Size::new(256, 192));
        assert_eq!(fit_longer_side(Size::new(480, 640), 100, 8), Size::new(72, 96));
        assert_eq!(fit_longer_side(Size::new(4000, 10), 256, 8), Size::new(256, 8));
        assert_eq!(fit_longer_side(Size::square(256), 500, 8), Size::square(496));
        assert_eq!(fit_longer_side(Size::new(512, 256), 256, 8), Size::new(256, 128));
        assert_eq!(fit_longer_side(Size::new(512, 2), 64, 8), Size::new(64, 8));
    }

    #[test]
    fn mirrors() {
        let flipped = flip_horizontal(&columns(&[1, 2, 3], 2));
        assert_eq!([0, 1, 2].map(|x| flipped.pixel(x, 1)[0]), [3, 2, 1]);
    }

    #[test]
    fn ink_lies_over() {
        let base = Frame::filled(Size::square(2), [100, 100, 100, 255]);
        let mut ink = Frame::filled(Size::square(2), [0; 4]);
        ink.pixels_mut()[4..12].copy_from_slice(&[200, 0, 50, 255, 200, 0, 50, 128]);
        let out = blend_over(&base, &ink);
        assert_eq!(out.pixel(0, 0), [100, 100, 100, 255]);
        assert_eq!(out.pixel(1, 0), [200, 0, 50, 255]);
        assert_eq!(out.pixel(0, 1), [150, 50, 75, 255]);
    }

    #[test]
    fn ink_over_glass_keeps_its_colour() {
        let base = Frame::filled(Size::square(1), [0, 0, 0, 0]);
        let ink = Frame::filled(Size::square(1), [200, 0, 50, 128]);
        assert_eq!(blend_over(&base, &ink).pixel(0, 0), [200, 0, 50, 128]);
    }

    #[test]
    fn ink_of_another_size_is_fitted() {
        let base = Frame::filled(Size::new(4, 2), [0, 0, 0, 255]);
        let out = blend_over(&base, &Frame::filled(Size::square(1), [7, 8, 9, 255]));
        assert_eq!((out.size(), out.pixel(3, 1)), (Size::new(4, 2), [7, 8, 9, 255]));
    }
}
