//! `unet/config.json`.

use serde_json::{Value, json};

use super::added::Added;
use crate::nn::config::{ConfigError, Fields, WIDTHS};

/// Most levels, and layers in a level, that are believed.
const MOST_LEVELS: usize = 8;
const MOST_LAYERS: usize = 16;
/// Most blocks in a transformer that are believed.
const MOST_DEPTH: usize = 32;

/// The shape of a UNet2DConditionModel.
#[derive(Clone, Debug, PartialEq)]
pub struct UNetConfig {
    /// Channels of the latents that go in.
    pub in_channels: usize,
    /// Channels of the prediction.
    pub out_channels: usize,
    /// Height and width of the latents it was trained on, if the file says.
    pub sample_size: Option<[usize; 2]>,
    /// Levels on the way down, the largest first.
    pub down: Vec<Block>,
    /// Attention in the middle; without it the middle is one residual block.
    pub mid: Option<Attention>,
    /// Levels on the way up, the smallest first.
    pub up: Vec<Block>,
    /// Width of the text's states.
    pub context: usize,
    /// Groups of the group norms.
    pub groups: usize,
    /// Epsilon of the residual blocks' norms.
    pub eps: f32,
    /// Whether transformers project with linear layers.
    pub linear_projection: bool,
    /// Width of the guidance embedding, if the network has a place for one.
    pub guidance_width: Option<usize>,
    /// What is added to the timestep's embedding: the whole text and the picture's framing, if the network is told of them.
    pub added: Option<Added>,
    /// Whether the cosines come first in the timestep's sinusoids.
    pub flip_sin_to_cos: bool,
    /// Shift of the sinusoids' frequencies.
    pub freq_shift: f32,
    /// Side of the first kernel.
    pub conv_in_kernel: usize,
    /// Side of the last kernel.
    pub conv_out_kernel: usize,
}

/// One level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Channels.
    pub channels: usize,
    /// Residual blocks, each followed by a transformer if there is attention.
    pub layers: usize,
    /// Its attention, if any.
    pub attention: Option<Attention>,
}

/// A level's transformers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Heads.
    pub heads: usize,
    /// Blocks in the transformer of each layer.
    pub depths: Vec<usize>,
}

impl Attention {
    /// Blocks in the transformer of a layer.
    pub fn depth(&self, layer: usize) -> usize {
        debug_assert!(layer < self.depths.len(), "layer {layer} of {}", self.depths.len());
        self.depths.get(layer).copied().unwrap_or(1)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    CrossAttention,
}

impl UNetConfig {
    /// Reads a config.json; `file` is what messages call it.
    ///
    /// # Errors
    /// [`ConfigError`] with the key, what was expected and what was found.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let fields = Fields::parse(file, bytes)?;
        refuse_other_networks(&fields)?;
        let channels = fields.list("block_out_channels", &[320, 640, 1280, 1280], MOST_LEVELS, 1..=1 << 14)?;
        let groups = fields.whole("norm_num_groups", 32, WIDTHS)?;
        if channels.iter().any(|channels| !channels.is_multiple_of(groups)) {
            return Err(fields.refuse("block_out_channels", &format!("multiples of norm_num_groups, {groups}")));
        }
        let (down, mid, up) = levels(&fields, &channels)?;
        let added = Added::from_fields(&fields)?;
        let widths = [channels[0]].into_iter().chain(added.map(|added| added.id_width));
        Ok(Self {
            in_channels: fields.whole("in_channels", 4, 1..=1024)?,
            out_channels: fields.whole("out_channels", 4, 1..=1024)?,
            sample_size: sample_size(&fields)?,
            down,
            mid,
            up,
            context: context(&fields, channels.len())?,
            groups,
            eps: fields.number("norm_eps", 1e-5, 1e-12..=1.0)? as f32,
            linear_projection: fields.flag("use_linear_projection", false)?,
            guidance_width: fields.optional("time_cond_proj_dim", WIDTHS)?,
            added,
            flip_sin_to_cos: fields.flag("flip_sin_to_cos", true)?,
            freq_shift: freq_shift(&fields, widths)?,
            conv_in_kernel: kernel(&fields, "conv_in_kernel")?,
            conv_out_kernel: kernel(&fields, "conv_out_kernel")?,
        })
    }

    /// Channels of the first level, also the width of the timestep's sinusoids.
    pub fn first_channels(&self) -> usize {
        self.down.first().map_or(1, |block| block.channels)
    }
}

/// The levels down, the middle, the levels up.
type Levels = (Vec<Block>, Option<Attention>, Vec<Block>);

fn levels(fields: &Fields<'_>, channels: &[usize]) -> Result<Levels, ConfigError> {
    let count = channels.len();
    let down = [("DownBlock2D", Kind::Plain), ("CrossAttnDownBlock2D", Kind::CrossAttention)];
    let up = [("UpBlock2D", Kind::Plain), ("CrossAttnUpBlock2D", Kind::CrossAttention)];
    let mid = [("UNetMidBlock2D", Kind::Plain), ("UNetMidBlock2DCrossAttn", Kind::CrossAttention)];
    let mid = fields.name("mid_block_type", Kind::CrossAttention, &mid)?;
    let down = kinds(fields, "down_block_types", count, &down)?;
    let up = kinds(fields, "up_block_types", count, &up)?;
    let layers = fields.per_level("layers_per_block", 2, count, 1..=MOST_LAYERS)?;
    // The files say "dim" and mean the number of heads.
    let heads = fields.per_level("attention_head_dim", 8, count, 1..=1024)?;
    let (depths_down, depths_up) = depths(fields, &layers)?;

    let attention = |level: usize, kind: Kind, depths: &[usize]| -> Result<Option<Attention>, ConfigError> {
        if kind == Kind::Plain {
            return Ok(None);
        }
        if !channels[level].is_multiple_of(heads[level]) {
            let expected = format!("numbers of heads that divide block_out_channels, {channels:?}");
            return Err(fields.refuse("attention_head_dim", &expected));
        }
        Ok(Some(Attention { heads: heads[level], depths: depths.into() }))
    };
    let block = |level: usize, kind: Kind, depths: &[usize]| {
        Ok(Block { channels: channels[level], layers: depths.len(), attention: attention(level, kind, depths)? })
    };
    let lowest = count - 1;
    // As in the reference, the middle is as deep as the first layer of the lowest level.
    let mid = attention(lowest, mid, &depths_down[lowest][..1])?;
    let down = (0..count).map(|level| block(level, down[level], &depths_down[level]));
    let down = down.collect::<Result<_, ConfigError>>()?;
    let up = (0..count).map(|step| block(lowest - step, up[step], &depths_up[step]));
    Ok((down, mid, up.collect::<Result<_, ConfigError>>()?))
}

/// Blocks in the transformer of each layer of each level.
type Depths = Vec<Vec<usize>>;

/// The depths on the way down and on the way up, each in the order of its levels. A level has one
/// layer more on the way up, so a level with a list of its own cannot be turned around: the way up must have one too.
fn depths(fields: &Fields<'_>, layers: &[usize]) -> Result<(Depths, Depths), ConfigError> {
    const DOWN: &str = "transformer_layers_per_block";
    const UP: &str = "reverse_transformer_layers_per_block";
    // Levels without attention have a number too, which nobody reads; some files say 0 there.
    const DEPTHS: std::ops::RangeInclusive<usize> = 0..=MOST_DEPTH;
    let down = fields.per_layer(DOWN, 1, layers, DEPTHS)?;
    let layers_up: Vec<usize> = layers.iter().rev().map(|count| count + 1).collect();
    if fields.get(UP).is_some() {
        return Ok((down, fields.per_layer(UP, 1, &layers_up, DEPTHS)?));
    }
    let nested = fields.get(DOWN).and_then(Value::as_array).is_some_and(|list| list.iter().any(Value::is_array));
    if nested {
        return Err(fields.refuse(UP, &format!("given, for {DOWN} has lists of its own")));
    }
    let up = down.iter().rev().zip(&layers_up).map(|(level, count)| vec![level[0]; *count]).collect();
    Ok((down, up))
}

/// Kinds of the blocks; the usual four when the file says nothing.
fn kinds(fields: &Fields<'_>, key: &str, count: usize, known: &[(&str, Kind); 2]) -> Result<Vec<Kind>, ConfigError> {
    if fields.get(key).is_some() || count != 4 {
        return fields.names(key, count, known);
    }
    let plain_at = if key.starts_with("down") { 3 } else { 0 };
    Ok((0..4).map(|level| if level == plain_at { Kind::Plain } else { Kind::CrossAttention }).collect())
}

fn context(fields: &Fields<'_>, count: usize) -> Result<usize, ConfigError> {
    let widths = fields.per_level("cross_attention_dim", 1280, count, WIDTHS)?;
    match widths.iter().all(|width| *width == widths[0]) {
        true => Ok(widths[0]),
        false => Err(fields.refuse("cross_attention_dim", "one number for all levels")),
    }
}

fn sample_size(fields: &Fields<'_>) -> Result<Option<[usize; 2]>, ConfigError> {
    match fields.get("sample_size") {
        None => Ok(None),
        Some(_) => match fields.per_level("sample_size", 0, 2, 1..=1 << 14)?[..] {
            [height, width] => Ok(Some([height, width])),
            _ => Ok(None),
        },
    }
}

/// A kernel's side: odd, so that it has a middle.
fn kernel(fields: &Fields<'_>, key: &str) -> Result<usize, ConfigError> {
    match fields.whole(key, 3, 1..=15)? {
        side if side % 2 == 1 => Ok(side),
        _ => Err(fields.refuse(key, "an odd number")),
    }
}

/// The shift of sinusoids of these `widths`.
fn freq_shift(fields: &Fields<'_>, mut widths: impl Iterator<Item = usize>) -> Result<f32, ConfigError> {
    let shift = fields.number("freq_shift", 0.0, -1e6..=1e6)?;
    if let Some(width) = widths.find(|width| (width / 2) as f64 == shift) {
        return Err(fields.refuse("freq_shift", &format!("another number than half of the sinusoids' width, {width}")));
    }
    Ok(shift as f32)
}

/// Refuses values that stand for parts this network does not have.
fn refuse_other_networks(fields: &Fields<'_>) -> Result<(), ConfigError> {
    let usual: [(&str, &[Value]); 25] = [
        ("_class_name", &[json!("UNet2DConditionModel")]),
        ("act_fn", &[json!("silu"), json!("swish")]),
        ("attention_type", &[json!("default")]),
        ("center_input_sample", &[json!(false)]),
        ("class_embed_type", &[]),
        ("class_embeddings_concat", &[json!(false)]),
        ("cross_attention_norm", &[]),
        ("downsample_padding", &[json!(1)]),
        ("dual_cross_attention", &[json!(false)]),
        ("encoder_hid_dim", &[]),
        ("encoder_hid_dim_type", &[]),
        ("mid_block_only_cross_attention", &[json!(false)]),
        ("mid_block_scale_factor", &[json!(1)]),
        ("num_attention_heads", &[]),
        ("num_class_embeds", &[]),
        ("resnet_out_scale_factor", &[json!(1)]),
        ("resnet_skip_time_act", &[json!(false)]),
        ("resnet_time_scale_shift", &[json!("default")]),
        ("time_embedding_act_fn", &[]),
        ("time_embedding_dim", &[]),
        ("time_embedding_type", &[json!("positional")]),
        ("timestep_post_act", &[]),
        ("use_motion_mid_block", &[]),
        ("motion_modules", &[]),
        ("conv_act_fn", &[]),
    ];
    usual.iter().try_for_each(|(key, allowed)| fields.must_be(key, allowed))?;
    match fields.get("only_cross_attention") {
        Some(Value::Array(list)) if list.iter().all(|value| value == false) => Ok(()),
        _ => fields.must_be("only_cross_attention", &[json!(false)]),
    }
}
