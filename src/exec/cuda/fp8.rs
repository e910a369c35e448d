//! Fp8 numbers, E4M3: four significant bits, up to 448, no infinity. Weights become such numbers with a scale for each output.

/// The largest.
const LARGEST: f32 = 448.0;

/// The nearest such number's bits, to even where two are as near; the largest for what exceeds it.
pub fn bits(value: f32) -> u8 {
    let (sign, size) = ((value.to_bits() >> 24) as u8 & 0x80, value.abs());
    if size.is_nan() {
        return 0x7f;
    }
    let rounded = if size < 0.015_625 {
        // Below 2^-6 they are so many times 2^-9: that is where the digits of a sum with 2^14 end.
        (size + 16384.0).to_bits() - 16384.0f32.to_bits()
    } else {
        // An f32 of three digits behind the point, whose exponent counts from another one.
        let bits = size.min(LARGEST).to_bits() - (120 << 23);
        (bits + 0x7_ffff + (bits >> 20 & 1)) >> 20
    };
    // 448 is 0x7e.
    sign | rounded as u8
}

/// Of the weights of an output: as such numbers, the largest as large as can be; returns what they are times.
pub fn quantized(row: impl Iterator<Item = f32> + Clone, to: &mut [u8]) -> f32 {
    let largest = row.clone().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    let scale = if largest > 0.0 && largest.is_finite() { largest / LARGEST } else { 1.0 };
    // A picture made with weights that are not finite must not look like one.
    let number = |weight: f32| bits(if weight.is_finite() { weight / scale } else { f32::NAN });
    to.iter_mut().zip(row).for_each(|(to, weight)| *to = number(weight));
    scale
}

/// Weights of norms and biases with NaN for what is infinite. Results that are rounded to fp8 lose infinities, which become the
/// largest number, and keep NaN; of networks whose weights are finite, norms make none, whatever they read, and products neither.
pub fn without_infinities(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| if value.is_finite() { *value } else { f32::NAN }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the format's definition.
    fn value(bits: u8) -> f32 {
        let (exponent, rest) = (i32::from(bits >> 3 & 15), f32::from(bits & 7));
        let size = if exponent == 0 { rest * 2f32.powi(-9) } else { (8.0 + rest) * 2f32.powi(exponent - 10) };
        if bits & 0x7f == 0x7f { f32::NAN } else { size.copysign(if bits & 0x80 == 0 { 1.0 } else { -1.0 }) }
    }

    #[test]
    fn every_number_is_itself() {
        for byte in (0..=255).filter(|byte| byte & 0x7f != 0x7f) {
            assert_eq!(bits(value(byte)), byte, "{}", value(byte));
        }
    }

    #[test]
    fn others_go_to_the_nearest_and_the_middle_to_even() {
        for byte in 0..0x7e {
            let (low, high) = (value(byte), value(byte + 1));
            let middle = (low + high) / 2.0;
            let even = byte + (byte & 1);
            assert_eq!(
                [bits(low * 0.51 + high * 0.49), bits(middle), bits(low * 0.49 + high * 0.51)],
                [byte, even, byte + 1]
            );
            assert_eq!(bits(-middle), even | 0x80);
        }
        assert_eq!([bits(449.0), bits(1e9), bits(f32::INFINITY), bits(-500.0)], [0x7e, 0x7e, 0x7e, 0xfe]);
        assert_eq!([bits(1e-9), bits(-1e-9), bits(f32::NAN)], [0, 0x80, 0x7f]);
    }

    #[test]
    fn what_is_infinite_becomes_nan() {
        let found = without_infinities(&[1.5, f32::INFINITY, -0.0, f32::NEG_INFINITY, f32::NAN]);
        assert_eq!(found.iter().map(|value| value.is_nan()).collect::<Vec<_>>(), [false, true, false, true, true]);
        assert_eq!([found[0], found[2]], [1.5, 0.0]);
    }

    #[test]
    fn the_largest_weight_of_an_output_is_the_largest_number() {
        let row = [0.5f32, -2.0, 0.25, 0.0];
        let mut numbers = [0; 4];
        let scale = quantized(row.into_iter(), &mut numbers);
        assert_eq!(numbers.map(|number| value(number) * scale), row, "these lose nothing");
        assert_eq!(numbers[1], 0xfe);
        assert_eq!(quantized([0.0; 4].into_iter(), &mut numbers), 1.0);
        for broken in [f32::NAN, f32::INFINITY] {
            let scale = quantized([broken, 1.0].into_iter(), &mut numbers);
            assert!(value(numbers[0]).is_nan() && scale.is_finite());
        }
    }
}
