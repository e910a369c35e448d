//! Classifier-free guidance, of a network that was not taught its scale: it predicts with the words and with their opposite, and
//! the picture follows the difference ([Ho and Salimans](https://arxiv.org/abs/2207.12598)).

use crate::exec::Tensor;

/// What weighs the two predictions of guidance scale `guidance`: that with the opposite, and that with the words.
pub fn weights(guidance: f64) -> [f32; 2] {
    [(1.0 - guidance) as f32, guidance as f32]
}

/// The same latents [n, h, w, c] twice, [2n, h, w, c].
pub fn twice(latents: &Tensor) -> Tensor {
    let mut shape = latents.shape.clone();
    shape[0] *= 2;
    Tensor::new(shape, latents.data.repeat(2))
}

/// One prediction [n, h, w, c] of two, [2n, h, w, c]: those with the opposite come first.
pub fn guided(both: &Tensor, guidance: f64) -> Tensor {
    let mut shape = both.shape.clone();
    shape[0] /= 2;
    let (without, with) = both.data.split_at(both.data.len() / 2);
    let scale = guidance as f32;
    // Not by the weights above: of large scales those lose digits, and this is the reference's way.
    let data = without.iter().zip(with).map(|(without, with)| without + scale * (with - without));
    Tensor::new(shape, data.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_counts() {
        let latents = Tensor::new([1, 1, 1, 2], vec![1.0, 2.0]);
        assert_eq!(twice(&latents).data, [1.0, 2.0, 1.0, 2.0]);
        let both = Tensor::new([2, 1, 1, 2], vec![1.0, 5.0, 3.0, 4.0]);
        assert_eq!(guided(&both, 1.5), Tensor::new([1, 1, 1, 2], vec![4.0, 3.5]));
        assert_eq!(guided(&both, 1.0).data, [3.0, 4.0]);
        assert_eq!(weights(1.5), [-0.5, 1.5]);
    }
}
