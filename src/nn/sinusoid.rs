//! Sinusoids of a timestep: the one input of a U-Net that is computed on the host, because half precision cannot hold
//! the argument (up to 1000) exactly enough.

/// Sinusoids of `timesteps`, `dim` values for each, rows one after the other.
///
/// The frequency of pair `j` is `10000^(-j / (dim/2 - freq_shift))`. Without `flip_sin_to_cos` a row is all sines, then
/// all cosines; with it the cosines come first. An odd `dim` ends with a zero. Arguments are formed in f32, as the
/// reference does, so that a fractional timestep lands on the same argument.
///
/// ```
/// let row = afterimage::nn::timestep_embedding(&[0.0], 4, true, 0.0);
/// assert_eq!(row, [1.0, 1.0, 0.0, 0.0]);
/// ```
pub fn timestep_embedding(timesteps: &[f32], dim: usize, flip_sin_to_cos: bool, freq_shift: f32) -> Vec<f32> {
    let half = dim / 2;
    let frequencies: Vec<f32> = (0..half)
        .map(|j| libm::exp(f64::from(-libm::log(10_000.0) as f32 * j as f32 / (half as f32 - freq_shift))) as f32)
        .collect();
    let mut rows = Vec::with_capacity(timesteps.len() * dim);
    for t in timesteps {
        let arguments = || frequencies.iter().map(move |f| f64::from(t * f));
        if flip_sin_to_cos {
            rows.extend(arguments().map(|x| libm::cos(x) as f32));
            rows.extend(arguments().map(|x| libm::sin(x) as f32));
        } else {
            rows.extend(arguments().map(|x| libm::sin(x) as f32));
            rows.extend(arguments().map(|x| libm::cos(x) as f32));
        }
        rows.extend(std::iter::repeat_n(0.0, dim % 2));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_come_first_unless_flipped() {
        let plain = timestep_embedding(&[2.0], 4, false, 0.0);
        let flipped = timestep_embedding(&[2.0], 4, true, 0.0);
        assert_eq!(plain[..2], flipped[2..]);
        assert_eq!(plain[2..], flipped[..2]);
        assert!((plain[0] - 2f32.sin()).abs() < 1e-6);
        assert!((plain[1] - 0.02f32.sin()).abs() < 1e-6);
    }

    #[test]
    fn an_odd_width_ends_with_a_zero() {
        let rows = timestep_embedding(&[1.0, 2.0], 5, true, 0.0);
        assert_eq!(rows.len(), 10);
        assert_eq!((rows[4], rows[9]), (0.0, 0.0));
    }

    #[test]
    fn the_shift_stretches_the_frequencies() {
        let shifted = timestep_embedding(&[1.0], 4, false, 1.0);
        assert!((f64::from(shifted[1]) - 1e-4f64.sin()).abs() < 1e-9);
    }
}
