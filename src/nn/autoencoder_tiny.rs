//! AutoencoderTiny: a few convolutions between pictures and latents ([TAESD](https://github.com/madebyollin/taesd)).

use serde_json::json;

use super::blocks::size;
use super::config::{ConfigError, Fields};
use crate::graph::{Activation, Conv, Graph, GraphBuilder, GraphError, NodeId, Padding, Shape, Stage};

/// The shape of an AutoencoderTiny.
#[derive(Clone, Debug, PartialEq)]
pub struct TinyConfig {
    /// Channels of a picture.
    pub channels: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Channels and number of blocks of each level of the encoder, the largest first.
    pub encoder: Vec<[usize; 2]>,
    /// Channels and number of blocks of each level of the decoder, the smallest first.
    pub decoder: Vec<[usize; 2]>,
    /// Between the convolutions.
    pub activation: Activation,
    /// Latents times this go to the network.
    pub scale: f64,
    /// Taken from the latents before.
    pub shift: f64,
    /// Largest latent expected, for [`TinyConfig::byte_range`].
    pub magnitude: f64,
    /// Where latent 0 lies in that range.
    pub middle: f64,
}

impl TinyConfig {
    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Self, ConfigError> {
        fields.must_be("_class_name", &[json!("AutoencoderTiny")])?;
        fields.must_be("upsampling_scaling_factor", &[json!(2)])?;
        fields.must_be("upsample_fn", &[json!("nearest")])?;
        let channels = fields.whole("in_channels", 3, 1..=64)?;
        if fields.whole("out_channels", 3, 1..=64)? != channels {
            return Err(fields.refuse("out_channels", &format!("as many as in_channels, {channels}")));
        }
        let encoder = levels(fields, "encoder_block_out_channels", "num_encoder_blocks", [1, 3, 3, 3])?;
        let decoder = levels(fields, "decoder_block_out_channels", "num_decoder_blocks", [3, 3, 3, 1])?;
        if encoder.len() != decoder.len() {
            let expected = format!("as many levels as the encoder has, {}", encoder.len());
            return Err(fields.refuse("num_decoder_blocks", &expected));
        }
        let activations = [
            ("relu", Activation::Relu),
            ("silu", Activation::Silu),
            ("swish", Activation::Silu),
            ("gelu", Activation::Gelu),
        ];
        Ok(Self {
            channels,
            latent_channels: fields.whole("latent_channels", 4, 1..=1024)?,
            encoder,
            decoder,
            activation: fields.name("act_fn", Activation::Relu, &activations)?,
            scale: fields.number("scaling_factor", 1.0, 1e-6..=1e6)?,
            shift: fields.number("shift_factor", 0.0, -1e6..=1e6)?,
            magnitude: fields.number("latent_magnitude", 3.0, 1e-6..=1e6)?,
            middle: fields.number("latent_shift", 0.5, -1e6..=1e6)?,
        })
    }

    /// Pixels to a side of one latent.
    pub fn factor(&self) -> usize {
        1 << (self.encoder.len() - 1)
    }

    /// A latent as a number from 0 to 1, as it would be kept in a picture file.
    pub fn to_unit(&self, latent: f32) -> f32 {
        (latent / (2.0 * self.magnitude as f32) + self.middle as f32).clamp(0.0, 1.0)
    }

    /// The latent of such a number.
    pub fn from_unit(&self, unit: f32) -> f32 {
        (unit - self.middle as f32) * (2.0 * self.magnitude as f32)
    }
}

fn levels(
    fields: &Fields<'_>,
    widths: &str,
    counts: &str,
    default: [usize; 4],
) -> Result<Vec<[usize; 2]>, ConfigError> {
    let channels = fields.list(widths, &[64; 4], 8, 1..=1 << 14)?;
    let counts_found = fields.list(counts, &default, 8, 0..=64)?;
    if counts_found.len() != channels.len() {
        return Err(fields.refuse(counts, &format!("one number for each of {widths}, {}", channels.len())));
    }
    if channels.iter().any(|width| *width != channels[0]) {
        return Err(fields.refuse(widths, "the same number for all levels"));
    }
    Ok(channels.into_iter().zip(counts_found).map(|(channels, count)| [channels, count]).collect())
}

/// Describes the encoder: `pixels` [n, h, w, c] in -1..=1 to `latents`.
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn encoder(config: &TinyConfig, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("encoder", "vae");
    let pixels = b.input("pixels", Shape::map(batch, height, width, config.channels), Stage::Frame)?;
    let latents = b.module("encoder", |b| {
        let mut layers = Layers { index: 0, activation: config.activation };
        let mut x = b.affine(pixels, 0.5, 0.5)?;
        for (level, &[channels, count]) in config.encoder.iter().enumerate() {
            let conv = match level {
                0 => Conv::same(channels, 3),
                _ => Conv::same(channels, 3).strided(2, Padding::all(1)).without_bias(),
            };
            x = layers.conv(b, x, conv)?;
            x = layers.blocks(b, x, count, channels)?;
        }
        layers.conv(b, x, Conv::same(config.latent_channels, 3))
    })?;
    b.output("latents", latents);
    Ok(b.finish())
}

/// Describes the decoder: `latents` [n, h, w, c] to `pixels`, about -1..=1.
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn decoder(config: &TinyConfig, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("decoder", "vae");
    let latents = b.input("latents", Shape::map(batch, height, width, config.latent_channels), Stage::Frame)?;
    let pixels = b.module("decoder", |b| {
        let mut layers = Layers { index: 0, activation: config.activation };
        // Latents far outside what the encoder gives are pulled back softly.
        let x = b.affine(latents, 1.0 / 3.0, 0.0)?;
        let x = b.activate(x, Activation::Tanh)?;
        let x = b.affine(x, 3.0, 0.0)?;
        let x = layers.conv(b, x, Conv::same(config.decoder[0][0], 3))?;
        let mut x = layers.activate(b, x)?;
        for &[channels, count] in &config.decoder[..config.decoder.len() - 1] {
            x = layers.blocks(b, x, count, channels)?;
            x = layers.double(b, x)?;
            x = layers.conv(b, x, Conv::same(channels, 3).without_bias())?;
        }
        if let Some(&[channels, count]) = config.decoder.last() {
            x = layers.blocks(b, x, count, channels)?;
        }
        let x = layers.conv(b, x, Conv::same(config.channels, 3))?;
        b.affine(x, 2.0, -1.0)
    })?;
    b.output("pixels", pixels);
    Ok(b.finish())
}

/// Counts the entries of the reference's flat list, in which activations and upsampling have places too.
struct Layers {
    index: usize,
    activation: Activation,
}

impl Layers {
    fn next(&mut self) -> String {
        self.index += 1;
        format!("layers.{}", self.index - 1)
    }

    fn conv(&mut self, b: &mut GraphBuilder, x: NodeId, conv: Conv) -> Result<NodeId, GraphError> {
        b.conv2d(&self.next(), x, conv)
    }

    fn activate(&mut self, b: &mut GraphBuilder, x: NodeId) -> Result<NodeId, GraphError> {
        let activation = self.activation;
        b.module(&self.next(), |b| b.activate(x, activation))
    }

    fn double(&mut self, b: &mut GraphBuilder, x: NodeId) -> Result<NodeId, GraphError> {
        let [height, width] = size(b, x);
        b.module(&self.next(), |b| b.upsample(x, 2 * height, 2 * width))
    }

    fn blocks(
        &mut self,
        b: &mut GraphBuilder,
        mut x: NodeId,
        count: usize,
        channels: usize,
    ) -> Result<NodeId, GraphError> {
        for _ in 0..count {
            x = self.block(b, x, channels)?;
        }
        Ok(x)
    }

    /// Three convolutions around a shortcut. The last activation is always ReLU.
    fn block(&mut self, b: &mut GraphBuilder, x: NodeId, channels: usize) -> Result<NodeId, GraphError> {
        let activation = self.activation;
        b.module(&self.next(), |b| {
            let y = b.conv2d("conv.0", x, Conv::same(channels, 3))?;
            let y = b.activate(y, activation)?;
            let y = b.conv2d("conv.2", y, Conv::same(channels, 3))?;
            let y = b.activate(y, activation)?;
            let y = b.conv2d("conv.4", y, Conv::same(channels, 3))?;
            let y = b.add(y, x)?;
            b.activate(y, Activation::Relu)
        })
    }
}
