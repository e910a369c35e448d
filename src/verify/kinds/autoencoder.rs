//! `vae`: pictures to latents and latents to pictures, for both kinds of autoencoder.

use super::networks::{Network, extent};
use crate::exec::Tensor;
use crate::nn::AutoencoderConfig;
use crate::nn::autoencoder_tiny::TinyConfig;
use crate::verify::{Case, Checks, VerifyError};

/// Bounds of the logarithm of the posterior's variance.
const LOGVAR: (f32, f32) = (-30.0, 20.0);

/// Encodes `image_u8`, decodes the case's latents, compares what the case has.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let network = Network::open(case, "vae", "vae")?;
    let config = AutoencoderConfig::parse(&network.config_file, &network.config).map_err(VerifyError::other)?;
    let pixels = pixels(case)?;
    let [batch, height, width] = extent(&pixels);
    let graph = config.encoder(batch, height, width).map_err(VerifyError::other)?;
    let encoded = network.run_tapped(checks, graph, &[("pixels", &pixels)], "encoder")?;
    let latents = match &config {
        AutoencoderConfig::Tiny(tiny) => {
            checks.nhwc(case, "encoded", &encoded)?;
            let latents = case.nhwc("z")?;
            units(case, checks, tiny, &latents)?;
            latents
        }
        AutoencoderConfig::Kl(_) => {
            posterior(case, checks, &config, &encoded)?;
            let unscaled = |v: f32| (f64::from(v) / config.scale() + config.shift()) as f32;
            map(&case.nhwc("z_scaled")?, unscaled)
        }
    };
    let [batch, height, width] = extent(&latents);
    let graph = config.decoder(batch, height, width).map_err(VerifyError::other)?;
    let decoded = network.run_tapped(checks, graph, &[("latents", &latents)], "decoder")?;
    checks.nhwc(case, "decoded", &decoded)
}

/// `image_u8` [n, c, h, w] as [n, h, w, c] in -1..=1.
fn pixels(case: &Case<'_>) -> Result<Tensor, VerifyError> {
    let shape = &case.raw("image_u8")?.shape;
    let bytes = case.bytes("image_u8")?;
    let &[n, c, h, w] = shape.as_slice() else {
        return Err(VerifyError::Other(format!("image_u8 has the shape {shape:?}")));
    };
    let at = |i: usize| {
        let (sample, pixel, channel) = (i / (h * w * c), i / c % (h * w), i % c);
        bytes[(sample * c + channel) * h * w + pixel]
    };
    let signed = |byte: u8| 2.0 * (f32::from(byte) / 255.0) - 1.0;
    Ok(Tensor::new([n, h, w, c], (0..bytes.len()).map(|i| signed(at(i))).collect()))
}

/// Mean and variance, and the latents of the mean.
fn posterior(
    case: &Case<'_>,
    checks: &mut Checks,
    config: &AutoencoderConfig,
    moments: &Tensor,
) -> Result<(), VerifyError> {
    let mean = half(moments, 0);
    checks.nhwc(case, "moments_mean", &mean)?;
    checks.nhwc(case, "mode", &mean)?;
    checks.nhwc(case, "moments_logvar", &map(&half(moments, 1), |v| v.clamp(LOGVAR.0, LOGVAR.1)))?;
    let scaled = |v: f32| ((f64::from(v) - config.shift()) * config.scale()) as f32;
    checks.nhwc(case, "latents_mode_scaled", &map(&mean, scaled))
}

/// The first or second half of the channels.
fn half(value: &Tensor, which: usize) -> Tensor {
    let width = value.shape[3] / 2;
    let data = value.data.chunks_exact(width).skip(which).step_by(2).flatten().copied().collect();
    Tensor::new([value.shape[0], value.shape[1], value.shape[2], width], data)
}

/// Latents as numbers from 0 to 1, and back.
fn units(case: &Case<'_>, checks: &mut Checks, config: &TinyConfig, latents: &Tensor) -> Result<(), VerifyError> {
    if !case.has("scaled01") {
        return Ok(());
    }
    let units = map(latents, |v| config.to_unit(v));
    checks.nhwc(case, "scaled01", &units)?;
    checks.nhwc(case, "unscaled", &map(&units, |v| config.from_unit(v)))
}

fn map(value: &Tensor, f: impl Fn(f32) -> f32) -> Tensor {
    Tensor::new(value.shape.clone(), value.data.iter().map(|v| f(*v)).collect())
}
