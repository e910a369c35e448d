//! AutoencoderKL: the full autoencoder of Stable Diffusion. Its encoder gives a distribution, not a point.

use serde_json::json;

use super::blocks::{Resnet, downsample, finish, resnet, size, upsample};
use super::config::{ConfigError, Fields, WIDTHS};
use crate::graph::{Bias, Conv, Graph, GraphBuilder, GraphError, Mask, NodeId, Padding, Shape, Stage};

/// Epsilon of all norms.
const EPS: f32 = 1e-6;

/// The shape of an AutoencoderKL.
#[derive(Clone, Debug, PartialEq)]
pub struct KlConfig {
    /// Channels of a picture.
    pub channels: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Channels of each level, the largest picture first.
    pub widths: Vec<usize>,
    /// Residual blocks of a level in the encoder; the decoder has one more.
    pub layers: usize,
    /// Groups of the norms.
    pub groups: usize,
    /// Whether pixels attend to each other in the middle.
    pub mid_attention: bool,
    /// Whether a 1x1 convolution follows the encoder.
    pub quant_conv: bool,
    /// Whether one precedes the decoder.
    pub post_quant_conv: bool,
    /// Latents times this go to the network.
    pub scale: f64,
    /// Taken from the latents before.
    pub shift: f64,
    /// Whether its values may be too large for f16, as those of the XL family's first one are.
    pub force_upcast: bool,
}

impl KlConfig {
    /// Reads a config.json; `file` is what messages call it.
    ///
    /// # Errors
    /// [`ConfigError`] with the key, what was expected and what was found.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        Self::from_fields(&Fields::parse(file, bytes)?)
    }

    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Self, ConfigError> {
        fields.must_be("_class_name", &[json!("AutoencoderKL")])?;
        fields.must_be("act_fn", &[json!("silu"), json!("swish")])?;
        fields.must_be("latents_mean", &[])?;
        fields.must_be("latents_std", &[])?;
        let widths = fields.list("block_out_channels", &[64], 8, 1..=1 << 14)?;
        let groups = fields.whole("norm_num_groups", 32, WIDTHS)?;
        if widths.iter().any(|width| !width.is_multiple_of(groups)) {
            return Err(fields.refuse("block_out_channels", &format!("multiples of norm_num_groups, {groups}")));
        }
        for (key, name) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
            if fields.get(key).is_some() || widths.len() != 1 {
                fields.names(key, widths.len(), &[(name, ())])?;
            }
        }
        let channels = fields.whole("in_channels", 3, 1..=64)?;
        if fields.whole("out_channels", 3, 1..=64)? != channels {
            return Err(fields.refuse("out_channels", &format!("as many as in_channels, {channels}")));
        }
        Ok(Self {
            channels,
            latent_channels: fields.whole("latent_channels", 4, 1..=1024)?,
            widths,
            layers: fields.whole("layers_per_block", 1, 1..=16)?,
            groups,
            mid_attention: fields.flag("mid_block_add_attention", true)?,
            quant_conv: fields.flag("use_quant_conv", true)?,
            post_quant_conv: fields.flag("use_post_quant_conv", true)?,
            scale: fields.number("scaling_factor", 0.18215, 1e-6..=1e6)?,
            shift: fields.number("shift_factor", 0.0, -1e6..=1e6)?,
            force_upcast: fields.flag("force_upcast", true)?,
        })
    }

    /// Pixels to a side of one latent.
    pub fn factor(&self) -> usize {
        1 << (self.widths.len() - 1)
    }

    /// A residual block with `out` channels.
    pub fn resnet(&self, out: usize) -> Resnet {
        Resnet { out, groups: self.groups, eps: EPS }
    }

    fn widest(&self) -> usize {
        self.widths.last().copied().unwrap_or(1)
    }
}

/// Describes the encoder: `pixels` [n, h, w, c] in -1..=1 to `moments`, means and logarithms of variances.
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn encoder(config: &KlConfig, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("encoder", "vae");
    let pixels = b.input("pixels", Shape::map(batch, height, width, config.channels), Stage::Frame)?;
    let mut moments = b.module("encoder", |b| {
        let mut x = b.conv2d("conv_in", pixels, Conv::same(config.widths[0], 3))?;
        for (level, &width) in config.widths.iter().enumerate() {
            x = b.module(&format!("down_blocks.{level}"), |b| {
                for layer in 0..config.layers {
                    x = resnet(b, &format!("resnets.{layer}"), x, None, config.resnet(width))?;
                }
                if level + 1 == config.widths.len() {
                    return Ok(x);
                }
                downsample(b, x, Padding { top: 0, left: 0, bottom: 1, right: 1 })
            })?;
        }
        let x = mid(b, config, x)?;
        finish(b, x, config.groups, EPS, Conv::same(2 * config.latent_channels, 3))
    })?;
    if config.quant_conv {
        moments = b.conv2d("quant_conv", moments, Conv::same(2 * config.latent_channels, 1))?;
    }
    b.output("moments", moments);
    Ok(b.finish())
}

/// Describes the decoder: `latents` [n, h, w, c] to `pixels`, about -1..=1.
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn decoder(config: &KlConfig, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("decoder", "vae");
    let mut latents = b.input("latents", Shape::map(batch, height, width, config.latent_channels), Stage::Frame)?;
    if config.post_quant_conv {
        latents = b.conv2d("post_quant_conv", latents, Conv::same(config.latent_channels, 1))?;
    }
    let pixels = b.module("decoder", |b| {
        let x = b.conv2d("conv_in", latents, Conv::same(config.widest(), 3))?;
        let mut x = mid(b, config, x)?;
        for (level, &width) in config.widths.iter().rev().enumerate() {
            x = b.module(&format!("up_blocks.{level}"), |b| {
                for layer in 0..=config.layers {
                    x = resnet(b, &format!("resnets.{layer}"), x, None, config.resnet(width))?;
                }
                if level + 1 == config.widths.len() {
                    return Ok(x);
                }
                let double = size(b, x).map(|length| 2 * length);
                upsample(b, x, double)
            })?;
        }
        finish(b, x, config.groups, EPS, Conv::same(config.channels, 3))
    })?;
    b.output("pixels", pixels);
    Ok(b.finish())
}

fn mid(b: &mut GraphBuilder, config: &KlConfig, x: NodeId) -> Result<NodeId, GraphError> {
    let form = config.resnet(config.widest());
    b.module("mid_block", |b| {
        let mut x = resnet(b, "resnets.0", x, None, form)?;
        if config.mid_attention {
            x = attention(b, "attentions.0", x, config.groups)?;
        }
        resnet(b, "resnets.1", x, None, form)
    })
}

/// All pixels attend to all, with one head.
///
/// # Errors
/// [`GraphError`] when channels and groups do not fit.
pub fn attention(b: &mut GraphBuilder, path: &str, x: NodeId, groups: usize) -> Result<NodeId, GraphError> {
    let map = b.shape(x);
    let channels = map.channels();
    b.module(path, |b| {
        let y = b.group_norm("group_norm", x, groups, EPS)?;
        let y = b.reshape(y, Shape::tokens(map.batch(), map.positions(), channels))?;
        let q = b.linear("to_q", y, channels, Bias::With)?;
        let k = b.linear("to_k", y, channels, Bias::With)?;
        let v = b.linear("to_v", y, channels, Bias::With)?;
        let y = b.attention([q, k, v], 1, Mask::None)?;
        let y = b.linear("to_out.0", y, channels, Bias::With)?;
        let y = b.reshape(y, map)?;
        b.add(y, x)
    })
}
