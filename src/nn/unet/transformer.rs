//! The transformer between a U-Net's residual blocks: pixels attend to each other, then to the text.

use crate::graph::{Bias, Conv, GraphBuilder, GraphError, Mask, NodeId, Shape};

/// Epsilon of the group norm before a transformer. Fixed in the reference, unlike that of the residual blocks.
const GROUP_EPS: f32 = 1e-6;
/// Epsilon of the layer norms of a transformer.
pub const LAYER_EPS: f32 = 1e-5;

/// The form of a transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transformer {
    /// Attention heads.
    pub heads: usize,
    /// Blocks one after the other.
    pub depth: usize,
    /// Groups of its group norm.
    pub groups: usize,
    /// Whether the projections before and after are linear layers on tokens, as in SD 2, or 1x1 convolutions, as in SD 1.
    pub linear_projection: bool,
}

/// A transformer over the pixels of `x` and the text's states `context`.
///
/// # Errors
/// [`GraphError`] when channels, groups and heads do not fit.
pub fn transformer(
    b: &mut GraphBuilder,
    path: &str,
    x: NodeId,
    context: NodeId,
    form: Transformer,
) -> Result<NodeId, GraphError> {
    let map = b.shape(x);
    let channels = map.channels();
    let tokens = Shape::tokens(map.batch(), map.positions(), channels);
    b.module(path, |b| {
        let mut y = b.group_norm("norm", x, form.groups, GROUP_EPS)?;
        if form.linear_projection {
            y = b.reshape(y, tokens)?;
            y = b.linear("proj_in", y, channels, Bias::With)?;
        } else {
            y = b.conv2d("proj_in", y, Conv::same(channels, 1))?;
            y = b.reshape(y, tokens)?;
        }
        for index in 0..form.depth {
            y = block(b, &format!("transformer_blocks.{index}"), y, context, form.heads)?;
        }
        if form.linear_projection {
            y = b.linear("proj_out", y, channels, Bias::With)?;
            y = b.reshape(y, map)?;
        } else {
            y = b.reshape(y, map)?;
            y = b.conv2d("proj_out", y, Conv::same(channels, 1))?;
        }
        b.add(x, y)
    })
}

fn block(b: &mut GraphBuilder, path: &str, x: NodeId, context: NodeId, heads: usize) -> Result<NodeId, GraphError> {
    b.module(path, |b| {
        let y = b.layer_norm("norm1", x, LAYER_EPS)?;
        let y = attend(b, "attn1", y, y, heads)?;
        let x = b.add(x, y)?;
        let y = b.layer_norm("norm2", x, LAYER_EPS)?;
        let y = attend(b, "attn2", y, context, heads)?;
        let x = b.add(x, y)?;
        let y = b.layer_norm("norm3", x, LAYER_EPS)?;
        let y = feed_forward(b, y)?;
        b.add(x, y)
    })
}

/// Attention of `x` over `over`, with its projections.
fn attend(b: &mut GraphBuilder, path: &str, x: NodeId, over: NodeId, heads: usize) -> Result<NodeId, GraphError> {
    let channels = b.shape(x).channels();
    b.module(path, |b| {
        let q = b.linear("to_q", x, channels, Bias::Without)?;
        let k = b.linear("to_k", over, channels, Bias::Without)?;
        let v = b.linear("to_v", over, channels, Bias::Without)?;
        let y = b.attention([q, k, v], heads, Mask::None)?;
        let y = b.linear("to_out.0", y, channels, Bias::With)?;
        b.mark("to_out.1", y);
        Ok(y)
    })
}

fn feed_forward(b: &mut GraphBuilder, x: NodeId) -> Result<NodeId, GraphError> {
    let channels = b.shape(x).channels();
    b.module("ff", |b| {
        let y = b.module("net.0", |b| {
            let y = b.linear("proj", x, 8 * channels, Bias::With)?;
            b.geglu(y)
        })?;
        b.mark("net.1", y);
        b.linear("net.2", y, channels, Bias::With)
    })
}
