//! From straight to premultiplied alpha, which is what may be interpolated and blended without dark fringes.

use std::borrow::Cow;

/// `pixels` (RGBA, straight alpha) with the colours multiplied by alpha; borrowed unchanged when all are opaque.
pub fn premultiplied(pixels: &[u8]) -> Cow<'_, [u8]> {
    if pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255) {
        return Cow::Borrowed(pixels);
    }
    let mut pixels = pixels.to_vec();
    for [r, g, b, a] in pixels.as_chunks_mut::<4>().0 {
        for channel in [r, g, b] {
            *channel = ((u16::from(*channel) * u16::from(*a) + 127) / 255) as u8;
        }
    }
    Cow::Owned(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opaque_pixels_are_not_copied() {
        let opaque = [1, 2, 3, 255, 4, 5, 6, 255];
        assert!(matches!(premultiplied(&opaque), Cow::Borrowed(_)));
    }

    #[test]
    fn colours_shrink_with_alpha() {
        assert_eq!(premultiplied(&[255, 100, 0, 128, 9, 9, 9, 0]).as_ref(), [128, 50, 0, 128, 0, 0, 0, 0]);
    }
}
