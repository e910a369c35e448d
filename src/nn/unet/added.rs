//! What Stable Diffusion XL adds to the timestep's embedding: the whole text as one vector, and how the picture was framed.
//!
//! The network was told of each training picture its size, where it was cropped, and the size it was cropped to, so that small
//! and badly cut ones could be used ([SDXL](https://arxiv.org/abs/2307.01952), section 2.2).

use crate::graph::{Activation, Bias, GraphBuilder, GraphError, NodeId, Shape, Stage};
use crate::nn::config::{ConfigError, Fields, WIDTHS};
use crate::nn::timestep_embedding;

/// Numbers of a framing.
const IDS: usize = 6;

/// Widths of what is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Width of the text's vector.
    pub pooled: usize,
    /// Width of the sinusoids of each number of the framing.
    pub id_width: usize,
}

/// How a picture is framed, in pixels; each pair is height and width, or top and left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Framing {
    /// Size of the picture before it was cropped.
    pub original: [u32; 2],
    /// Where the crop begins.
    pub crop: [u32; 2],
    /// Size of what is seen.
    pub target: [u32; 2],
}

impl Framing {
    /// The whole of a picture of this height and width.
    pub fn whole(size: [u32; 2]) -> Self {
        Self { original: size, crop: [0, 0], target: size }
    }

    fn ids(&self) -> [f32; IDS] {
        let [a, b, c] = [self.original, self.crop, self.target];
        [a[0], a[1], b[0], b[1], c[0], c[1]].map(|id| id as f32)
    }
}

impl Added {
    /// Reads the keys of a config.json; `None` when nothing is added.
    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Option<Self>, ConfigError> {
        const WIDTH: &str = "projection_class_embeddings_input_dim";
        const ID_WIDTH: &str = "addition_time_embed_dim";
        if fields.name("addition_embed_type", false, &[("text_time", true)])? {
            // Two at least, so that there is a frequency.
            let needed = |key: &str| {
                let missing = || fields.refuse(key, "a whole number, for addition_embed_type is \"text_time\"");
                fields.optional(key, 2..=*WIDTHS.end())?.ok_or_else(missing)
            };
            let (width, id_width) = (needed(WIDTH)?, needed(ID_WIDTH)?);
            let expected = || format!("more than {IDS} times {ID_WIDTH}, {id_width}");
            let pooled = width.checked_sub(IDS * id_width).filter(|pooled| *pooled > 0);
            return Ok(Some(Self { pooled: pooled.ok_or_else(|| fields.refuse(WIDTH, &expected()))?, id_width }));
        }
        fields.must_be(WIDTH, &[])?;
        fields.must_be(ID_WIDTH, &[])?;
        Ok(None)
    }

    /// Width of a framing's sinusoids.
    pub fn framing_width(&self) -> usize {
        IDS * self.id_width
    }

    /// The sinusoids of a framing, [`framing_width`](Self::framing_width) values: the rule is that of the timestep.
    pub fn framing(&self, framing: &Framing, flip_sin_to_cos: bool, freq_shift: f32) -> Vec<f32> {
        timestep_embedding(&framing.ids(), self.id_width, flip_sin_to_cos, freq_shift)
    }

    /// The embedding of `text_embeds` [n, pooled] and `framing_embedding` [n, `framing_width`], both of the prompt stage,
    /// [n, `out`].
    pub(super) fn input(&self, b: &mut GraphBuilder, batch: usize, out: usize) -> Result<NodeId, GraphError> {
        let text = b.input("text_embeds", Shape::rows(batch, self.pooled), Stage::Prompt)?;
        let framing = b.input("framing_embedding", Shape::rows(batch, self.framing_width()), Stage::Prompt)?;
        let both = b.concat(&[text, framing])?;
        b.module("add_embedding", |b| {
            let x = b.linear("linear_1", both, out, Bias::With)?;
            let x = b.activate(x, Activation::Silu)?;
            b.linear("linear_2", x, out, Bias::With)
        })
    }
}
