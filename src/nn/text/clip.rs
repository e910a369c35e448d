//! CLIP's text encoder: token ids in, one state per token out.

use serde_json::json;

use crate::graph::{Activation, Bias, Graph, GraphBuilder, GraphError, Mask, NodeId, Shape, Stage};
use crate::nn::config::{ConfigError, Fields, WIDTHS};

/// The id that published configs name as the end of a text, although their tokenizers use another.
const WRONG_END: usize = 2;

/// The shape of a CLIPTextModel.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipConfig {
    /// Ids are below this.
    pub vocabulary: usize,
    /// Longest text, in tokens.
    pub positions: usize,
    /// Width of the states.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward networks.
    pub inner: usize,
    /// Between their layers.
    pub activation: Activation,
    /// Epsilon of the norms.
    pub eps: f32,
    /// The id that ends a text; 2 means "the largest id of the text".
    pub end: usize,
    /// Width of the text's vector, of an encoder that gives one ([`Output::Pooled`]).
    pub projection: usize,
}

/// What a network wants of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// The states after the last layer and the final norm: Stable Diffusion 1.x and 2.x.
    Last,
    /// The states before the last layer, as they are: the first encoder of Stable Diffusion XL.
    Penultimate,
    /// The same, and the states after the final norm projected, of which one stands for the whole text: the second encoder.
    Pooled,
}

impl ClipConfig {
    /// Reads a config.json; `file` is what messages call it.
    ///
    /// # Errors
    /// [`ConfigError`] with the key, what was expected and what was found.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let fields = Fields::parse(file, bytes)?;
        fields.must_be("model_type", &[json!("clip_text_model"), json!("clip")])?;
        let width = fields.whole("hidden_size", 512, WIDTHS)?;
        let heads = fields.whole("num_attention_heads", 8, 1..=1024)?;
        if !width.is_multiple_of(heads) {
            return Err(fields.refuse("num_attention_heads", &format!("a divisor of hidden_size, {width}")));
        }
        let activations = [("quick_gelu", Activation::QuickGelu), ("gelu", Activation::Gelu)];
        Ok(Self {
            vocabulary: fields.whole("vocab_size", 49408, 1..=1 << 20)?,
            positions: fields.whole("max_position_embeddings", 77, 2..=1 << 14)?,
            width,
            layers: fields.whole("num_hidden_layers", 12, 1..=128)?,
            heads,
            inner: fields.whole("intermediate_size", 2048, WIDTHS)?,
            activation: fields.name("hidden_act", Activation::QuickGelu, &activations)?,
            eps: fields.number("layer_norm_eps", 1e-5, 1e-12..=1.0)? as f32,
            end: fields.whole("eos_token_id", 49407, 0..=1 << 20)?,
            projection: fields.whole("projection_dim", 512, WIDTHS)?,
        })
    }

    /// The place whose state stands for the whole text.
    pub fn end_position(&self, ids: &[u32]) -> usize {
        let largest = ids.iter().copied().max().unwrap_or(0);
        let end = if self.end == WRONG_END { largest } else { self.end as u32 };
        ids.iter().position(|id| *id == end).unwrap_or(0)
    }
}

/// Describes the encoder. Its last `skip` layers are left out of the states; the vectors of [`Output::Pooled`] come from all.
///
/// The states before each layer and after the last have the paths `hidden_states.0` and so on.
///
/// # Shapes
/// - `input_ids` [n, t], integers, prompt
/// - `hidden_states` [n, t, width]
/// - `text_embeds` [n, t, projection], for [`Output::Pooled`]: that at [`ClipConfig::end_position`] stands for the text. The
///   others are projected for nothing, which costs a thousandth of the encoder and spares an operation that picks one.
///
/// # Errors
/// [`GraphError`] when the text is longer than the model's positions, or more layers are skipped than there are.
pub fn build(
    config: &ClipConfig,
    [batch, tokens]: [usize; 2],
    skip: usize,
    output: Output,
) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("text_encoder", "text_encoder");
    let ids = b.input("input_ids", Shape::rows(batch, tokens), Stage::Prompt)?;
    let left_out = skip + usize::from(output != Output::Last);
    let Some(last) = config.layers.checked_sub(left_out) else {
        return Err(b.refusal("clip_skip", &[ids], &format!("{left_out} of {} layers are skipped", config.layers)));
    };
    let layers = if output == Output::Pooled { config.layers } else { last };
    let mut states = Vec::new();
    let end = b.module("text_model", |b| {
        let mut x = embed(b, config, ids, tokens)?;
        states.push(x);
        for layer in 0..layers {
            x = b.module(&format!("encoder.layers.{layer}"), |b| write_layer(b, config, x))?;
            states.push(x);
        }
        if output == Output::Penultimate { Ok(x) } else { b.layer_norm("final_layer_norm", x, config.eps) }
    })?;
    for (index, state) in states.iter().enumerate() {
        b.mark(&format!("hidden_states.{index}"), *state);
    }
    b.output("hidden_states", if output == Output::Last { end } else { states[last] });
    if output == Output::Pooled {
        let vectors = b.linear("text_projection", end, config.projection, Bias::Without)?;
        b.output("text_embeds", vectors);
    }
    Ok(b.finish())
}

fn embed(b: &mut GraphBuilder, config: &ClipConfig, ids: NodeId, tokens: usize) -> Result<NodeId, GraphError> {
    b.module("embeddings", |b| {
        let words = b.embedding("token_embedding", ids, config.vocabulary, config.width)?;
        let places = b.table("position_embedding", config.positions, tokens, config.width)?;
        b.add(words, places)
    })
}

fn write_layer(b: &mut GraphBuilder, config: &ClipConfig, x: NodeId) -> Result<NodeId, GraphError> {
    let y = b.layer_norm("layer_norm1", x, config.eps)?;
    let y = b.module("self_attn", |b| {
        let q = b.linear("q_proj", y, config.width, Bias::With)?;
        let k = b.linear("k_proj", y, config.width, Bias::With)?;
        let v = b.linear("v_proj", y, config.width, Bias::With)?;
        let y = b.attention([q, k, v], config.heads, Mask::Causal)?;
        b.linear("out_proj", y, config.width, Bias::With)
    })?;
    let x = b.add(x, y)?;
    let y = b.layer_norm("layer_norm2", x, config.eps)?;
    let y = b.module("mlp", |b| {
        let y = b.linear("fc1", y, config.inner, Bias::With)?;
        let y = b.activate(y, config.activation)?;
        b.linear("fc2", y, config.width, Bias::With)
    })?;
    b.add(x, y)
}
