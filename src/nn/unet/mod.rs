//! UNet2DConditionModel: latents, a timestep and a text in, a prediction of the noise (or of what the scheduler makes of it) out.

mod added;
mod config;
mod transformer;

pub use added::{Added, Framing};
pub use config::{Attention, Block, UNetConfig};
pub use transformer::{LAYER_EPS, Transformer, transformer};

use super::blocks::{Resnet, downsample, finish, resnet, size, upsample};
use crate::graph::{Activation, Bias, Conv, Graph, GraphBuilder, GraphError, NodeId, Padding, Shape, Stage};

/// Sizes a U-Net is described for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UNetSize {
    /// Pictures at once.
    pub batch: usize,
    /// Height of the latents.
    pub height: usize,
    /// Width of the latents.
    pub width: usize,
    /// Length of the text's states.
    pub tokens: usize,
}

/// Whether the embedding of the guidance scale is an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guidance {
    /// It is, if the network has a place for it ([`UNetConfig::guidance_width`]).
    Embedded,
    /// It is not; the network then behaves as the base model.
    Absent,
}

/// Describes the network.
///
/// # Shapes
/// - `sample` [n, h, w, in_channels], frame
/// - `timestep_embedding` [n, channels of the first block], schedule: [`timestep_embedding`](super::timestep_embedding)
/// - `guidance_embedding` [n, guidance_width], schedule, if asked for
/// - `encoder_hidden_states` [n, t, context], prompt
/// - `text_embeds` [n, pooled] and `framing_embedding` [n, [`Added::framing_width`]], prompt, if the network is told of them
/// - `out` [n, h, w, out_channels]
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn build(config: &UNetConfig, at: UNetSize, guidance: Guidance) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("unet", "unet");
    let sample = Shape::map(at.batch, at.height, at.width, config.in_channels);
    let sample = b.input("sample", sample, Stage::Frame)?;
    let context = Shape::tokens(at.batch, at.tokens, config.context);
    let context = b.input("encoder_hidden_states", context, Stage::Prompt)?;
    let mut time = time_input(&mut b, config, at.batch, guidance)?;
    if let Some(added) = &config.added {
        let added = added.input(&mut b, at.batch, 4 * config.first_channels())?;
        time = b.add(time, added)?;
    }
    let time = b.activate(time, Activation::Silu)?;

    let writer = Writer { config, time, context };
    let x = b.conv2d("conv_in", sample, Conv::same(config.first_channels(), config.conv_in_kernel))?;
    let mut skips = vec![x];
    let x = writer.down(&mut b, x, &mut skips)?;
    let x = writer.mid(&mut b, x)?;
    let x = writer.up(&mut b, x, &mut skips)?;
    let conv = Conv::same(config.out_channels, config.conv_out_kernel);
    let out = finish(&mut b, x, config.groups, config.eps, conv)?;
    b.mark("", out);
    b.output("out", out);
    Ok(b.finish())
}

/// Describes the embedding of time and guidance alone, with the inputs of [`build`].
///
/// # Errors
/// [`GraphError`] when the batch is empty or absurd.
pub fn build_time_embedding(config: &UNetConfig, batch: usize, guidance: Guidance) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("time_embedding", "unet");
    let out = time_input(&mut b, config, batch, guidance)?;
    b.output("out", out);
    Ok(b.finish())
}

fn time_input(
    b: &mut GraphBuilder,
    config: &UNetConfig,
    batch: usize,
    guidance: Guidance,
) -> Result<NodeId, GraphError> {
    let width = config.first_channels();
    let mut x = b.input("timestep_embedding", Shape::rows(batch, width), Stage::Schedule)?;
    let guidance = match (guidance, config.guidance_width) {
        (Guidance::Embedded, Some(width)) => {
            Some(b.input("guidance_embedding", Shape::rows(batch, width), Stage::Schedule)?)
        }
        _ => None,
    };
    b.module("time_embedding", |b| {
        if let Some(guidance) = guidance {
            let guidance = b.linear("cond_proj", guidance, width, Bias::Without)?;
            x = b.add(x, guidance)?;
        }
        let x = b.linear("linear_1", x, 4 * width, Bias::With)?;
        let x = b.activate(x, Activation::Silu)?;
        b.linear("linear_2", x, 4 * width, Bias::With)
    })
}

/// What every block needs.
struct Writer<'a> {
    config: &'a UNetConfig,
    /// The activated embedding of the timestep.
    time: NodeId,
    /// The text's states.
    context: NodeId,
}

impl Writer<'_> {
    /// The way down. What each layer gives is kept for the way up.
    fn down(&self, b: &mut GraphBuilder, mut x: NodeId, skips: &mut Vec<NodeId>) -> Result<NodeId, GraphError> {
        for (level, block) in self.config.down.iter().enumerate() {
            x = b.module(&format!("down_blocks.{level}"), |b| {
                for layer in 0..block.layers {
                    x = self.layer(b, x, layer, block)?;
                    skips.push(x);
                }
                if level + 1 < self.config.down.len() {
                    x = downsample(b, x, Padding::all(1))?;
                    skips.push(x);
                }
                Ok(x)
            })?;
        }
        Ok(x)
    }

    fn mid(&self, b: &mut GraphBuilder, x: NodeId) -> Result<NodeId, GraphError> {
        let channels = b.shape(x).channels();
        b.module("mid_block", |b| {
            let x = self.resnet(b, x, 0, channels)?;
            let Some(attention) = &self.config.mid else { return Ok(x) };
            let x = self.transformer(b, x, 0, attention)?;
            self.resnet(b, x, 1, channels)
        })
    }

    /// The way up. Each layer also sees what the layer at its height gave on the way down.
    fn up(&self, b: &mut GraphBuilder, mut x: NodeId, skips: &mut Vec<NodeId>) -> Result<NodeId, GraphError> {
        for (level, block) in self.config.up.iter().enumerate() {
            x = b.module(&format!("up_blocks.{level}"), |b| {
                for layer in 0..block.layers {
                    let both: Vec<NodeId> = [x].into_iter().chain(skips.pop()).collect();
                    x = b.concat(&both)?;
                    x = self.layer(b, x, layer, block)?;
                }
                // To the size of what comes next: sizes that do not halve evenly on the way down fit again.
                match skips.last() {
                    Some(&next) if level + 1 < self.config.up.len() => upsample(b, x, size(b, next)),
                    _ => Ok(x),
                }
            })?;
        }
        Ok(x)
    }

    fn layer(&self, b: &mut GraphBuilder, x: NodeId, layer: usize, block: &Block) -> Result<NodeId, GraphError> {
        let x = self.resnet(b, x, layer, block.channels)?;
        match &block.attention {
            Some(attention) => self.transformer(b, x, layer, attention),
            None => Ok(x),
        }
    }

    fn resnet(&self, b: &mut GraphBuilder, x: NodeId, layer: usize, out: usize) -> Result<NodeId, GraphError> {
        let UNetConfig { groups, eps, .. } = *self.config;
        resnet(b, &format!("resnets.{layer}"), x, Some(self.time), Resnet { out, groups, eps })
    }

    fn transformer(
        &self,
        b: &mut GraphBuilder,
        x: NodeId,
        layer: usize,
        attention: &Attention,
    ) -> Result<NodeId, GraphError> {
        let UNetConfig { groups, linear_projection, .. } = *self.config;
        let form = Transformer { heads: attention.heads, depth: attention.depth(layer), groups, linear_projection };
        transformer(b, &format!("attentions.{layer}"), x, self.context, form)
    }
}

#[cfg(test)]
mod tests;
