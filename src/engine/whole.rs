//! A whole picture as one graph: encode, every step, decode, bytes in and bytes out. For executors that lose time whenever the
//! host has a hand in it.
//!
//! The scheduler's arithmetic is two factors and a sum for each step, so it is part of the graph; the factors are inputs. What
//! all steps make of the text is made once, and the memory of one step is that of the next.

use super::configs::Configs;
use super::guidance;
use super::networks::Begin;
use super::programs::{Course, Extent};
use super::prompt::States;
use super::schedule::{LcmScheduler, Timesteps};
use crate::exec::Tensor;
use crate::graph::{Graph, GraphBuilder, GraphError, NodeId, Shape, Stage};
use crate::nn::unet::{self, Guidance, UNetSize};

/// More steps than this are painted one by one: the graph would only be long.
const MOST_STEPS: usize = 16;

/// An input of the graph that holds a factor.
pub type Factor = (String, f32);

/// Describes the picture.
///
/// # Shapes
/// - `picture` [1, h, w, 1], frame, if there is one to begin with: [`crate::graph::Op::FromPixels`]
/// - `noise.0`, `noise.1`, ... latents, frame: as many as are drawn
/// - `timestep_embedding.0`, ..., and the factors of [`factors`] [1, 1, 1, c], schedule
/// - `guidance_embedding`, `encoder_hidden_states`, `text_embeds` and `framing_embedding` as in [`unet::build`]; if each step
///   predicts twice, also `negative.encoder_hidden_states` and `negative.text_embeds`
/// - `picture` [1, h, w, 1]: [`crate::graph::Op::ToPixels`]
///
/// # Errors
/// [`GraphError`] when the sizes are empty or absurd.
pub fn build(configs: &Configs, course: Course) -> Result<Graph, GraphError> {
    let (autoencoder, at) = (&configs.autoencoder, course.extent);
    let (factor, channels) = (autoencoder.factor(), autoencoder.latent_channels());
    let mut b = GraphBuilder::new("picture", "");
    let latents = Shape::map(1, at.height, at.width, channels);
    let mut noises = 0;
    let mut noise = |b: &mut GraphBuilder| {
        noises += 1;
        b.input(&format!("noise.{}", noises - 1), latents, Stage::Frame)
    };
    let mut x = if course.from_picture {
        let picture = Shape::map(1, at.height * factor, at.width * factor, 1);
        let picture = b.input("picture", picture, Stage::Frame)?;
        let pixels = b.from_pixels(picture)?;
        let encoder = autoencoder.encoder(1, at.height * factor, at.width * factor)?;
        let encoded = only(b.append(&encoder, &[("pixels", pixels)])?, &b, pixels)?;
        let (scale, shift) = (autoencoder.scale() as f32, autoencoder.shift() as f32);
        let clean = b.affine(encoded, scale, -scale * shift)?;
        let fresh = noise(&mut b)?;
        mixed(&mut b, "start", clean, fresh, channels)?
    } else {
        noise(&mut b)?
    };
    let size = UNetSize { batch: 1, height: at.height, width: at.width, tokens: configs.tokens() };
    let network = unet::build(&configs.unet, size, Guidance::Embedded)?;
    let guidance = if course.guided { Some(ClassifierFree::new(&mut b, &network, channels)?) } else { None };
    let width = configs.unet.first_channels();
    for step in 0..course.steps as usize {
        let time = b.input(&format!("timestep_embedding.{step}"), Shape::rows(1, width), Stage::Schedule)?;
        // A value of its own, which the network may round; the latents keep their digits.
        let seen = b.affine(x, 1.0, 0.0)?;
        let inputs = [("sample", seen), ("timestep_embedding", time)];
        let mut output = only(b.append(&network, &inputs)?, &b, x)?;
        if let Some(guidance) = &guidance {
            output = guidance.guided(&mut b, &network, &inputs, output)?;
        }
        let clean = mixed(&mut b, &format!("step.{step}"), x, output, channels)?;
        x = if course.is_noised(step) {
            let fresh = noise(&mut b)?;
            mixed(&mut b, &format!("noise.{step}"), clean, fresh, channels)?
        } else {
            clean
        };
    }
    let plain = b.affine(x, 1.0 / autoencoder.scale() as f32, autoencoder.shift() as f32)?;
    let decoder = autoencoder.decoder(1, at.height, at.width)?;
    let image = only(b.append(&decoder, &[("latents", plain)])?, &b, plain)?;
    let picture = b.to_pixels(image)?;
    b.output("picture", picture);
    Ok(b.finish())
}

/// Classifier-free guidance: the second prediction of each step.
struct ClassifierFree {
    /// What stands for the inputs that come from words.
    negative: Vec<(&'static str, NodeId)>,
    /// What weighs the two predictions.
    factors: [NodeId; 2],
}

impl ClassifierFree {
    fn new(b: &mut GraphBuilder, network: &Graph, channels: usize) -> Result<Self, GraphError> {
        let mut negative = Vec::new();
        for name in WORDED {
            if let Some((_, id)) = network.inputs().find(|(input, _)| *input == name) {
                negative.push((name, b.input(&format!("{NEGATIVE}{name}"), network.node(id).shape, Stage::Prompt)?));
            }
        }
        Ok(Self { negative, factors: pair(b, "guidance", channels)? })
    }

    fn guided(
        &self,
        b: &mut GraphBuilder,
        network: &Graph,
        inputs: &[(&str, NodeId)],
        with: NodeId,
    ) -> Result<NodeId, GraphError> {
        let inputs: Vec<(&str, NodeId)> = inputs.iter().chain(&self.negative).copied().collect();
        let without = only(b.append(network, &inputs)?, b, with)?;
        weighed(b, [without, with], self.factors)
    }
}

/// The inputs of a network that come from words.
const WORDED: [&str; 2] = ["encoder_hidden_states", "text_embeds"];
/// What their opposites are called.
const NEGATIVE: &str = "negative.";

/// The inputs that come from `states` of one prompt, by name.
pub fn texts(states: &States) -> Vec<(String, Tensor)> {
    let tensors = [Some(&states.tensor), states.pooled.as_ref()];
    let given = WORDED.iter().zip(tensors).filter_map(|(name, tensor)| Some((*name, tensor?)));
    let each = |(name, tensor): (&str, &Tensor)| {
        let mut shape = tensor.shape.clone();
        shape[0] = 1;
        let one = |data: &[f32]| Tensor::new(shape.clone(), data.to_vec());
        match tensor.data.split_at(tensor.data.len() / 2) {
            (without, with) if states.guided => {
                vec![(format!("{NEGATIVE}{name}"), one(without)), (name.into(), one(with))]
            }
            _ => vec![(name.into(), one(&tensor.data))],
        }
    };
    given.flat_map(each).collect()
}

/// Two factors that are given at each run.
fn pair(b: &mut GraphBuilder, name: &str, channels: usize) -> Result<[NodeId; 2], GraphError> {
    let row = Shape::map(1, 1, 1, channels);
    let first = b.input(&format!("{name}.first"), row, Stage::Schedule)?;
    Ok([first, b.input(&format!("{name}.second"), row, Stage::Schedule)?])
}

/// Two values, each times its factor, added.
fn weighed(b: &mut GraphBuilder, values: [NodeId; 2], factors: [NodeId; 2]) -> Result<NodeId, GraphError> {
    let (first, second) = (b.mul(values[0], factors[0])?, b.mul(values[1], factors[1])?);
    b.add(second, first)
}

/// `first` times a factor of its own plus `second` times another.
fn mixed(
    b: &mut GraphBuilder,
    name: &str,
    first: NodeId,
    second: NodeId,
    channels: usize,
) -> Result<NodeId, GraphError> {
    let factors = pair(b, name, channels)?;
    weighed(b, [first, second], factors)
}

fn only(outputs: Vec<NodeId>, b: &GraphBuilder, value: NodeId) -> Result<NodeId, GraphError> {
    outputs.first().copied().ok_or_else(|| b.refusal("append", &[value], "a network without a result"))
}

/// The course of a picture with these timesteps, if it can be painted in one go: not with a scheduler that clips, not with an
/// autoencoder that draws its latents, and not in very many steps.
pub fn course(
    configs: &Configs,
    scheduler: &LcmScheduler,
    timesteps: &Timesteps,
    extent: Extent,
    begin: Begin,
) -> Option<Course> {
    let list = timesteps.list();
    let drawn = begin.from_picture && configs.autoencoder.has_posterior();
    if drawn || list.is_empty() || list.len() > MOST_STEPS {
        return None;
    }
    scheduler.linear(list[0])?;
    let noised = (0..list.len()).filter(|step| timesteps.is_noised(*step)).fold(0, |bits, step| bits | 1 << step);
    Some(Course { extent, steps: list.len() as u32, noised, from_picture: begin.from_picture, guided: begin.guided })
}

/// The factors that belong to the inputs of [`build`], each with its name.
pub fn factors(scheduler: &LcmScheduler, timesteps: &Timesteps, course: Course, guidance: f64) -> Vec<Factor> {
    let mut factors = Vec::new();
    let mut pair = |name: String, [first, second]: [f32; 2]| {
        factors.push((format!("{name}.first"), first));
        factors.push((format!("{name}.second"), second));
    };
    let list = timesteps.list();
    if course.guided {
        pair("guidance".into(), guidance::weights(guidance));
    }
    if course.from_picture {
        pair("start".into(), scheduler.noising(list[0]));
    }
    for (step, &timestep) in list.iter().enumerate() {
        pair(format!("step.{step}"), scheduler.linear(timestep).unwrap_or_default());
        if course.is_noised(step) {
            pair(format!("noise.{step}"), scheduler.noising(timesteps.after(step)));
        }
    }
    factors
}

/// A factor for each channel of latents.
pub fn row(factor: f32, channels: usize) -> Tensor {
    Tensor::new([1, 1, 1, channels], vec![factor; channels])
}
