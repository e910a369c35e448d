//! What U-Nets and autoencoders have in common.

use crate::graph::{Activation, Bias, Conv, GraphBuilder, GraphError, NodeId, Padding, Shape};

/// A residual block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resnet {
    /// Output channels.
    pub out: usize,
    /// Groups of its norms.
    pub groups: usize,
    /// Epsilon of its norms.
    pub eps: f32,
}

/// Two convolutions around a shortcut. `time` is the activated embedding of the timestep, [n, channels], if the network has one.
///
/// # Errors
/// [`GraphError`] when channels and groups do not fit.
pub fn resnet(
    b: &mut GraphBuilder,
    path: &str,
    x: NodeId,
    time: Option<NodeId>,
    Resnet { out, groups, eps }: Resnet,
) -> Result<NodeId, GraphError> {
    b.module(path, |b| {
        let h = b.group_norm("norm1", x, groups, eps)?;
        let h = b.activate(h, Activation::Silu)?;
        let mut h = b.conv2d("conv1", h, Conv::same(out, 3))?;
        if let Some(time) = time {
            let shift = b.linear("time_emb_proj", time, out, Bias::With)?;
            let shift = b.reshape(shift, Shape::map(b.shape(shift).batch(), 1, 1, out))?;
            h = b.add(h, shift)?;
        }
        let h = b.group_norm("norm2", h, groups, eps)?;
        let h = b.activate(h, Activation::Silu)?;
        b.mark("nonlinearity", h);
        b.mark("dropout", h);
        let h = b.conv2d("conv2", h, Conv::same(out, 3))?;
        let shortcut = if b.shape(x).channels() == out { x } else { b.conv2d("conv_shortcut", x, Conv::same(out, 1))? };
        b.add(shortcut, h)
    })
}

/// Halves height and width with a strided convolution.
pub fn downsample(b: &mut GraphBuilder, x: NodeId, padding: Padding) -> Result<NodeId, GraphError> {
    let conv = Conv::same(b.shape(x).channels(), 3).strided(2, padding);
    b.module("downsamplers.0", |b| b.conv2d("conv", x, conv))
}

/// Repeats pixels to `height` x `width` and convolves.
pub fn upsample(b: &mut GraphBuilder, x: NodeId, [height, width]: [usize; 2]) -> Result<NodeId, GraphError> {
    b.module("upsamplers.0", |b| {
        let x = b.upsample(x, height, width)?;
        b.conv2d("conv", x, Conv::same(b.shape(x).channels(), 3))
    })
}

/// The end of most networks: norm, activation, convolution.
pub fn finish(b: &mut GraphBuilder, x: NodeId, groups: usize, eps: f32, conv: Conv) -> Result<NodeId, GraphError> {
    let x = b.group_norm("conv_norm_out", x, groups, eps)?;
    let x = b.activate(x, Activation::Silu)?;
    b.mark("conv_act", x);
    b.conv2d("conv_out", x, conv)
}

/// Height and width of a feature map.
pub fn size(b: &GraphBuilder, x: NodeId) -> [usize; 2] {
    b.shape(x).as_map().map_or([1, 1], |[_, height, width, _]| [height, width])
}
