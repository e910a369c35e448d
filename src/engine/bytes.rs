//! An autoencoder between bytes and a network's latents: what pictures that are shown go through.

use super::programs::Extent;
use crate::graph::{Graph, GraphBuilder, GraphError, Shape, Stage};
use crate::nn::AutoencoderConfig;

/// The encoder behind pictures of bytes: `picture` [n, h, w, 1] to what the encoder gives. `at` is the size of the latents.
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn seeing(autoencoder: &AutoencoderConfig, at: Extent) -> Result<Graph, GraphError> {
    let (batch, factor) = (at.batch, autoencoder.factor());
    let (height, width) = (at.height * factor, at.width * factor);
    let mut b = GraphBuilder::new("encoder", "");
    let picture = b.input("picture", Shape::map(batch, height, width, 1), Stage::Frame)?;
    let pixels = b.from_pixels(picture)?;
    let encoder = autoencoder.encoder(batch, height, width)?;
    for ((name, _), value) in encoder.outputs().iter().zip(b.append(&encoder, &[("pixels", pixels)])?) {
        b.output(name, value);
    }
    Ok(b.finish())
}

/// The decoder of a network's scaled `latents` [n, h, w, c], and `picture` of bytes [n, 8h, 8w, 1] behind it (or whatever the
/// autoencoder's factor is).
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn showing(autoencoder: &AutoencoderConfig, at: Extent) -> Result<Graph, GraphError> {
    let Extent { batch, height, width } = at;
    let mut b = GraphBuilder::new("decoder", "");
    let latents = Shape::map(batch, height, width, autoencoder.latent_channels());
    let latents = b.input("latents", latents, Stage::Frame)?;
    let plain = b.affine(latents, 1.0 / autoencoder.scale() as f32, autoencoder.shift() as f32)?;
    let decoder = autoencoder.decoder(batch, height, width)?;
    for image in b.append(&decoder, &[("latents", plain)])? {
        let picture = b.to_pixels(image)?;
        b.output("picture", picture);
    }
    Ok(b.finish())
}
