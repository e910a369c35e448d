//! Arithmetic of one pixel. Encoded values are blended as they are, like in other paint programs.

/// Full coverage of a stroke.
pub(super) const FULL: u32 = 65535;

/// `a * b / 255`, rounded, for values up to 255.
pub(super) const fn mul(a: u32, b: u32) -> u32 {
    let product = a * b + 128;
    (product + (product >> 8)) >> 8
}

/// Premultiplied `top` over premultiplied `under`.
pub(super) fn over(under: [u8; 4], top: [u8; 4]) -> [u8; 4] {
    let rest = 255 - u32::from(top[3]);
    std::array::from_fn(|c| top[c] + mul(u32::from(under[c]), rest) as u8)
}

/// A premultiplied pixel at `opacity` (0 to 255).
pub(super) fn faded(pixel: [u8; 4], opacity: u32) -> [u8; 4] {
    pixel.map(|value| mul(u32::from(value), opacity) as u8)
}

/// `colour` laid over a premultiplied pixel with `alpha` (0 to [`FULL`]).
pub(super) fn painted(pixel: [u8; 4], colour: [u8; 3], alpha: u32) -> [u8; 4] {
    let ink = [colour[0], colour[1], colour[2], 255];
    std::array::from_fn(|c| {
        ((u32::from(ink[c]) * alpha + u32::from(pixel[c]) * (FULL - alpha) + FULL / 2) / FULL) as u8
    })
}

/// `alpha` (0 to [`FULL`]) of a premultiplied pixel taken away.
pub(super) fn erased(pixel: [u8; 4], alpha: u32) -> [u8; 4] {
    pixel.map(|value| ((u32::from(value) * (FULL - alpha) + FULL / 2) / FULL) as u8)
}

/// Premultiplied from straight alpha.
pub(super) fn premultiplied(pixel: [u8; 4]) -> [u8; 4] {
    let alpha = u32::from(pixel[3]);
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(|value| mul(u32::from(value), alpha) as u8);
    [red, green, blue, pixel[3]]
}

/// Straight alpha from premultiplied; transparent black where nothing is.
pub(super) fn straight(pixel: [u8; 4]) -> [u8; 4] {
    let alpha = u32::from(pixel[3]);
    if alpha == 255 {
        return pixel;
    }
    if alpha == 0 {
        return [0; 4];
    }
    let [red, green, blue] =
        [pixel[0], pixel[1], pixel[2]].map(|value| ((u32::from(value) * 255 + alpha / 2) / alpha).min(255) as u8);
    [red, green, blue, pixel[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_and_back_is_the_same_pixel() {
        for alpha in 0..=255_u8 {
            for value in 0..=alpha {
                let pixel = [value, alpha, 0, alpha];
                assert_eq!(premultiplied(straight(pixel)), pixel);
            }
        }
    }

    #[test]
    fn colours_never_exceed_their_alpha() {
        for alpha in 0..=255_u8 {
            for under in (0..=255_u8).step_by(5) {
                let mixed = over([under; 4], [alpha; 4]);
                assert!(mixed[0] <= mixed[3], "{under} under {alpha}");
                let ink = painted([under / 2, 0, 0, under], [255, 0, 9], u32::from(alpha) * 257);
                assert!(ink[..3].iter().all(|&c| c <= ink[3]), "{ink:?}");
            }
        }
    }

    #[test]
    fn ends_are_exact() {
        assert_eq!(painted([9, 8, 7, 200], [1, 2, 3], FULL), [1, 2, 3, 255]);
        assert_eq!(painted([9, 8, 7, 200], [1, 2, 3], 0), [9, 8, 7, 200]);
        assert_eq!(erased([9, 8, 7, 200], FULL), [0; 4]);
        assert_eq!(over([9, 8, 7, 255], [0; 4]), [9, 8, 7, 255]);
        assert_eq!(faded([9, 8, 7, 200], 255), [9, 8, 7, 200]);
    }
}
