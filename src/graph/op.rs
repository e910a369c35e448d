//! The ops.

use std::fmt;

/// Which weight of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeightId(pub(super) u32);

impl WeightId {
    /// The weight's place in [`super::Graph::weights`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node does. Values are channels last; every op keeps the batch dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A value given at each run.
    Input {
        /// Its name.
        name: String,
    },
    /// The first rows of a table: [1, t, c] from a weight [rows, c].
    Table {
        /// The table.
        weight: WeightId,
    },
    /// Row lookup: ids [n, t] to [n, t, c] from a weight [rows, c]. Ids are integers below `rows`.
    Embedding {
        /// The table.
        weight: WeightId,
    },
    /// Two-dimensional convolution of a feature map; weight [out, in, kernel, kernel].
    Conv2d {
        /// The kernels.
        weight: WeightId,
        /// One number per output channel.
        bias: Option<WeightId>,
        /// Step between outputs, in pixels.
        stride: usize,
        /// Zeros around the input.
        padding: Padding,
    },
    /// Matrix product over the channels; weight [out, in].
    Linear {
        /// The matrix.
        weight: WeightId,
        /// One number per output channel.
        bias: Option<WeightId>,
    },
    /// Normalisation over groups of channels and all positions of a sample.
    GroupNorm {
        /// Scale per channel.
        weight: WeightId,
        /// Shift per channel.
        bias: WeightId,
        /// Number of groups.
        groups: usize,
        /// Added to the variance.
        eps: f32,
    },
    /// Normalisation over the channels of each position.
    LayerNorm {
        /// Scale per channel.
        weight: WeightId,
        /// Shift per channel.
        bias: WeightId,
        /// Added to the variance.
        eps: f32,
    },
    /// A function of each element.
    Activate(Activation),
    /// [.., 2c] to [.., c]: the first half times the exact GELU of the second.
    Geglu,
    /// softmax(q k^T / sqrt(c / heads)) v per head, over q [n, t, c], k [n, s, c], v [n, s, c].
    Attention {
        /// Number of heads; the channels are split evenly.
        heads: usize,
        /// Who sees whom.
        mask: Mask,
    },
    /// Sum. A dimension of the second value may have length 1 and is then repeated.
    Add,
    /// Product, repeated like a sum.
    Mul,
    /// Each element times `scale` plus `shift`.
    Affine {
        /// Factor.
        scale: f32,
        /// Summand.
        shift: f32,
    },
    /// All channels of the first value, then all of the next, and so on.
    Concat,
    /// A feature map repeated to a larger size: pixel (y, x) is taken from (y*h/H, x*w/W), rounded down.
    Upsample,
    /// The same elements under another shape. Free.
    Reshape,
    /// A picture as it is shown, [n, h, w, 1], to one as networks see it, [n, h, w, 3] in -1..=1. The bits of each element are
    /// a pixel: red, green, blue, alpha, the first in the lowest byte. Alpha is not looked at.
    FromPixels,
    /// The way back: -1..=1 to 0..=255, halves to even, all beyond cut off, alpha 255. A pixel that is not finite is black
    /// and has alpha 0.
    ToPixels,
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// x * sigmoid(x).
    Silu,
    /// x * Phi(x), with the exact error function.
    Gelu,
    /// x * sigmoid(1.702 x), as the first CLIP has it.
    QuickGelu,
    /// max(x, 0).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

/// Who sees whom in attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Every query sees every key.
    None,
    /// A query sees keys up to its own position.
    Causal,
}

/// Zeros around a feature map, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The same on all sides.
    pub fn all(pixels: usize) -> Self {
        Self { top: pixels, left: pixels, bottom: pixels, right: pixels }
    }
}

/// Whether a layer adds a number per output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bias {
    /// It does.
    With,
    /// It does not.
    Without,
}

/// A convolution layer, for [`super::GraphBuilder::conv2d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Output channels.
    pub out: usize,
    /// Side of the kernel, in pixels.
    pub kernel: usize,
    /// Step between outputs, in pixels.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
    /// Whether a bias is added.
    pub bias: Bias,
}

impl Conv {
    /// A layer with bias that keeps height and width (the kernel's side is odd).
    pub fn same(out: usize, kernel: usize) -> Self {
        Self { out, kernel, stride: 1, padding: Padding::all(kernel / 2), bias: Bias::With }
    }

    /// The same layer without bias.
    pub fn without_bias(self) -> Self {
        Self { bias: Bias::Without, ..self }
    }

    /// The same layer with another step and other zeros around.
    pub fn strided(self, stride: usize, padding: Padding) -> Self {
        Self { stride, padding, ..self }
    }
}

impl Op {
    /// The op's name in dumps and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Table { .. } => "table",
            Self::Embedding { .. } => "embedding",
            Self::Conv2d { .. } => "conv2d",
            Self::Linear { .. } => "linear",
            Self::GroupNorm { .. } => "group_norm",
            Self::LayerNorm { .. } => "layer_norm",
            Self::Activate(activation) => activation.name(),
            Self::Geglu => "geglu",
            Self::Attention { .. } => "attention",
            Self::Add => "add",
            Self::Mul => "mul",
            Self::Affine { .. } => "affine",
            Self::Concat => "concat",
            Self::Upsample => "upsample",
            Self::Reshape => "reshape",
            Self::FromPixels => "from_pixels",
            Self::ToPixels => "to_pixels",
        }
    }

    /// The same with other weights in the place of each.
    pub(super) fn with_weights(mut self, other: impl Fn(WeightId) -> WeightId) -> Self {
        match &mut self {
            Self::Table { weight } | Self::Embedding { weight } => *weight = other(*weight),
            Self::Conv2d { weight, bias, .. } | Self::Linear { weight, bias } => {
                *weight = other(*weight);
                *bias = bias.map(other);
            }
            Self::GroupNorm { weight, bias, .. } | Self::LayerNorm { weight, bias, .. } => {
                *weight = other(*weight);
                *bias = other(*bias);
            }
            _ => {}
        }
        self
    }

    /// The weights it reads.
    pub fn weights(&self) -> impl Iterator<Item = WeightId> + use<> {
        let (first, second) = match *self {
            Self::Table { weight } | Self::Embedding { weight } => (Some(weight), None),
            Self::Conv2d { weight, bias, .. } | Self::Linear { weight, bias } => (Some(weight), bias),
            Self::GroupNorm { weight, bias, .. } | Self::LayerNorm { weight, bias, .. } => (Some(weight), Some(bias)),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}

impl Activation {
    /// Its name in dumps and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::QuickGelu => "quick_gelu",
            Self::Relu => "relu",
            Self::Tanh => "tanh",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Input { name } => write!(f, " `{name}`"),
            Self::Conv2d { stride, padding: Padding { top, left, bottom, right }, .. } => {
                write!(f, " stride {stride} pad {top},{left},{bottom},{right}")
            }
            Self::GroupNorm { groups, eps, .. } => write!(f, " groups {groups} eps {eps:e}"),
            Self::LayerNorm { eps, .. } => write!(f, " eps {eps:e}"),
            Self::Attention { heads, mask: Mask::None } => write!(f, " heads {heads}"),
            Self::Attention { heads, mask: Mask::Causal } => write!(f, " heads {heads} causal"),
            Self::Affine { scale, shift } => write!(f, " *{scale} +{shift}"),
            _ => Ok(()),
        }
    }
}
