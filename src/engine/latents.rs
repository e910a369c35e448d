//! From what an autoencoder's encoder gives to the latents a network works on.

use super::EngineError;
use crate::exec::Tensor;
use crate::nn::AutoencoderConfig;

/// Bounds of the log variance: beyond them exp would overflow or vanish.
const LOG_VARIANCE: (f32, f32) = (-30.0, 20.0);

/// Gives noise of a shape [n, h, w, c].
pub type Draw<'a> = dyn FnMut(&[usize]) -> Result<Tensor, EngineError> + 'a;

/// The network's latents from what the encoder gave. A full autoencoder gives a distribution: a sample of it is drawn, as
/// the reference does.
///
/// # Errors
/// Those of `draw`.
pub fn network_latents(
    config: &AutoencoderConfig,
    encoded: &Tensor,
    draw: &mut Draw<'_>,
) -> Result<Tensor, EngineError> {
    let mut latents = encoded.clone();
    if config.has_posterior() {
        let mut shape = encoded.shape.clone();
        shape[3] = config.latent_channels();
        latents = posterior(encoded, draw(&shape)?);
    }
    let (scale, shift) = (config.scale() as f32, config.shift() as f32);
    latents.data.iter_mut().for_each(|value| *value = scale * (*value - shift));
    Ok(latents)
}

/// The decoder's latents from the network's.
pub fn decoder_latents(config: &AutoencoderConfig, latents: &Tensor) -> Tensor {
    let (scale, shift) = (config.scale() as f32, config.shift() as f32);
    Tensor::new(latents.shape.clone(), latents.data.iter().map(|value| value / scale + shift).collect())
}

/// A sample of the distribution whose means, then log variances, are the channels of `moments`.
fn posterior(moments: &Tensor, mut noise: Tensor) -> Tensor {
    let channels = noise.shape[3].max(1);
    let positions = noise.data.chunks_exact_mut(channels).zip(moments.data.chunks_exact(2 * channels));
    for (values, moments) in positions {
        let (means, variances) = moments.split_at(channels);
        for ((value, mean), log_variance) in values.iter_mut().zip(means).zip(variances) {
            *value = mean + (0.5 * log_variance.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1)).exp() * *value;
        }
    }
    noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_mean_plus_spread_times_noise() {
        let moments = Tensor::new([1, 1, 2, 4], vec![1.0, 2.0, 0.0, -100.0, 3.0, 4.0, 100.0, 0.0]);
        let noise = Tensor::new([1, 1, 2, 2], vec![0.5, 1.0, 0.0, -1.0]);
        let sample = posterior(&moments, noise);
        assert_eq!(sample.data, [1.5, 2.0 + (-15f32).exp(), 3.0, 3.0]);
    }

    #[test]
    fn latents_are_scaled_there_and_back() {
        let bytes = br#"{"_class_name": "AutoencoderTiny", "scaling_factor": 0.5, "shift_factor": 0.25}"#;
        let config = AutoencoderConfig::parse("vae/config.json", bytes).unwrap();
        let encoded = Tensor::new([1, 1, 1, 2], vec![1.0, -2.0]);
        let latents = network_latents(&config, &encoded, &mut |_| panic!("a tiny autoencoder needs no noise")).unwrap();
        assert_eq!(latents.data, [0.375, -1.125]);
        assert_eq!(decoder_latents(&config, &latents), encoded);
    }
}
