//! The guidance embedding: how a consistency model is told its guidance scale.

/// The embedding of guidance scale `guidance`, `dim` values: sines, then cosines of `1000 (g - 1) f`, an odd `dim` ends
/// with a zero.
///
/// w = g - 1 is formed in f64 and then rounded, everything after it in f32: so the reference does it, and at 1000 w the
/// last bit of w shows. [The paper](https://arxiv.org/abs/2310.04378) calls this w-embedding.
///
/// ```
/// let row = afterimage::engine::guidance_embedding(1.0, 4);
/// assert_eq!(row, [0.0, 0.0, 1.0, 1.0]);
/// ```
pub fn guidance_embedding(guidance: f64, dim: usize) -> Vec<f32> {
    let half = dim / 2;
    let scaled = (guidance - 1.0) as f32 * 1000.0;
    let decay = libm::log(10_000.0) as f32 / (half.max(2) - 1) as f32;
    let arguments: Vec<f64> =
        (0..half).map(|j| f64::from(scaled * libm::exp(f64::from(-decay * j as f32)) as f32)).collect();
    let mut row: Vec<f32> = arguments.iter().map(|x| libm::sin(*x) as f32).collect();
    row.extend(arguments.iter().map(|x| libm::cos(*x) as f32));
    row.resize(dim, 0.0);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_widths_are_padded_and_tiny_ones_finite() {
        let row = guidance_embedding(7.5, 255);
        assert_eq!(row.len(), 255);
        assert_eq!(row[254], 0.0);
        for dim in 0..4 {
            assert!(guidance_embedding(7.5, dim).iter().all(|v| v.is_finite()), "dim {dim}");
        }
    }
}
