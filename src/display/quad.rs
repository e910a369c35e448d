//! One rectangle of a picture on the screen: what the shader and every other way of drawing is told.

use super::Area;

/// How texels become pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Sampling {
    /// Each pixel shows one texel unchanged.
    Nearest = 0,
    /// Between the four nearest texels, for enlarging, and for reducing by so little that they are all there is under a pixel.
    Smooth = 1,
    /// The mean of all texels under a pixel, for reducing.
    Average = 2,
    /// No picture: the pattern under transparent ones. Texels count screen pixels.
    Checkers = 3,
}

/// Texels per pixel of which the four nearest are still enough.
const MOST_FOR_SMOOTH: f32 = 1.25;

impl Sampling {
    /// The rule for a picture shown with this many texels per pixel. At 1:1 nothing may change a byte. The mean is for more than
    /// [`MOST_FOR_SMOOTH`] alone: a drawing that changes with each frame would need it anew each time, which takes long without a
    /// graphics card.
    pub fn at(texels_per_pixel: f32, smooth: bool) -> Self {
        if (texels_per_pixel - 1.0).abs() < 1e-4 {
            return Self::Nearest;
        }
        match (texels_per_pixel > MOST_FOR_SMOOTH, texels_per_pixel > 1.0 || smooth) {
            (true, _) => Self::Average,
            (false, true) => Self::Smooth,
            (false, false) => Self::Nearest,
        }
    }
}

/// The pattern under transparent pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Checkers {
    /// Colour of the first square, encoded 0..=1.
    pub light: [f32; 3],
    /// Colour of the second square, encoded 0..=1.
    pub dark: [f32; 3],
    /// Side of a square in screen pixels.
    pub side_px: f32,
}

/// A rectangle of texels on a rectangle of screen pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quad {
    /// Where on the target, in physical pixels.
    pub dest: Area,
    /// Which part of the texture, in texels.
    pub texels: Area,
    /// How texels become pixels.
    pub sampling: Sampling,
    /// 0..=1.
    pub opacity: f32,
    /// Used by [`Sampling::Checkers`] only.
    pub checkers: Checkers,
}

impl Quad {
    /// Bytes of the WGSL struct `Quad` in `shaders/picture.wgsl`.
    pub(super) const BYTES: usize = 96;

    /// The WGSL struct `Quad` of `shaders/picture.wgsl`, field by field.
    pub(super) fn bytes(&self, target_px: [f32; 2]) -> [u8; Self::BYTES] {
        let [lr, lg, lb] = self.checkers.light;
        let [dr, dg, db] = self.checkers.dark;
        let words = [
            self.dest.min[0],
            self.dest.min[1],
            self.dest.max[0],
            self.dest.max[1],
            self.texels.min[0],
            self.texels.min[1],
            self.texels.max[0],
            self.texels.max[1],
            lr,
            lg,
            lb,
            1.0,
            dr,
            dg,
            db,
            1.0,
            target_px[0],
            target_px[1],
            self.opacity,
            self.checkers.side_px,
            // The mode is an integer; its bits travel as they are.
            f32::from_bits(self.sampling as u32),
        ];
        let mut bytes = [0; Self::BYTES];
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_ne_bytes();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_one_is_always_exact() {
        assert_eq!(Sampling::at(1.0, true), Sampling::Nearest);
        assert_eq!(Sampling::at(0.5, true), Sampling::Smooth);
        assert_eq!(Sampling::at(0.5, false), Sampling::Nearest);
        assert_eq!([Sampling::at(1.2, true), Sampling::at(1.2, false)], [Sampling::Smooth; 2]);
        assert_eq!([Sampling::at(1.3, true), Sampling::at(2.0, false)], [Sampling::Average; 2]);
    }

    #[test]
    fn the_mirror_has_every_field_in_place() {
        let quad = Quad {
            dest: Area::new([1.0, 2.0], [3.0, 4.0]),
            texels: Area::new([5.0, 6.0], [7.0, 8.0]),
            sampling: Sampling::Average,
            opacity: 0.5,
            checkers: Checkers { light: [0.1, 0.2, 0.3], dark: [0.4, 0.5, 0.6], side_px: 8.0 },
        };
        let bytes = quad.bytes([640.0, 480.0]);
        let float = |at: usize| f32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        assert_eq!([float(0), float(16), float(32), float(48)], [1.0, 5.0, 0.1, 0.4]);
        assert_eq!([float(64), float(68), float(72), float(76)], [640.0, 480.0, 0.5, 8.0]);
        assert_eq!(bytes[80..84], 2u32.to_ne_bytes());
    }
}
