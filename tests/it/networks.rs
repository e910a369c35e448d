//! Networks as a whole: a second opinion on CLIP from candle's own, and the default model's three networks from its files.

use std::collections::HashMap;
use std::sync::Arc;

use afterimage::exec::{Candle, Executor, Tensor, Value};
use afterimage::graph::{Activation, Graph};
use afterimage::nn::AutoencoderConfig;
use afterimage::nn::text::clip::{self, ClipConfig, Output};
use afterimage::nn::unet::{self, Guidance, UNetConfig, UNetSize};
use afterimage::weights::{ModelFiles, Weights};
use candle_core::{DType, Device};
use candle_transformers::models::clip::text_model::{self, ClipTextConfig, ClipTextTransformer};
use libtest_mimic::{Failed, Trial};

use crate::support;

pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("networks::clip_agrees_with_candles_own", clip_agrees),
        Trial::test("networks::the_default_model_runs_at_any_size", default_model),
    ]
}

/// Numbers that look random, from -1 to 1.
fn noise(seed: usize, len: usize) -> Vec<f32> {
    let mut state = seed as u64 * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn tensor(seed: usize, shape: &[usize]) -> Tensor {
    Tensor::new(shape, noise(seed, shape.iter().product()))
}

fn run(executor: &Candle, graph: Graph, weights: &Weights, inputs: &[(&str, &Tensor)]) -> Result<Tensor, Failed> {
    let packed = executor.load(weights).map_err(|error| error.to_string())?;
    let mut program = executor.compile(Arc::new(graph), &packed, &[]).map_err(|error| error.to_string())?;
    let values: Vec<Value<'_>> = inputs.iter().map(|&(name, tensor)| Value { name, revision: 0, tensor }).collect();
    Ok(program.run(&values, 0).map_err(|error| error.to_string())?.remove(0))
}

fn clip_agrees() -> Result<(), Failed> {
    let config = ClipConfig {
        vocabulary: 50,
        positions: 12,
        width: 24,
        layers: 3,
        heads: 4,
        inner: 40,
        activation: Activation::QuickGelu,
        eps: 1e-5,
        end: 49,
        projection: 24,
    };
    let (batch, tokens) = (2, 9);
    let ids: Vec<u32> = (0..batch * tokens).map(|i| (i * 7 % 50) as u32).collect();
    let graph = clip::build(&config, [batch, tokens], 0, Output::Last).map_err(|error| error.to_string())?;

    let mut theirs = HashMap::new();
    let mut ours = Vec::new();
    for (seed, weight) in graph.weights().iter().enumerate() {
        let values = tensor(seed, &weight.shape).data;
        let key = weight.key.trim_start_matches("text_encoder.text_model.").to_owned();
        let value = candle_core::Tensor::from_vec(values.clone(), weight.shape.as_slice(), &Device::Cpu)?;
        theirs.insert(key, value);
        ours.push((weight.key.clone(), weight.shape.clone(), values));
    }
    let input = Tensor::new([batch, tokens], ids.iter().map(|id| *id as f32).collect());
    let executor = Candle::new(1).map_err(|error| error.to_string())?;
    let found = run(&executor, graph, &Weights::from_values(ours), &[("input_ids", &input)])?;

    let second = ClipTextConfig {
        vocab_size: config.vocabulary,
        embed_dim: config.width,
        activation: text_model::Activation::QuickGelu,
        intermediate_size: config.inner,
        max_position_embeddings: config.positions,
        pad_with: None,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        projection_dim: config.width,
    };
    let builder = candle_nn::VarBuilder::from_tensors(theirs, DType::F32, &Device::Cpu);
    let network = ClipTextTransformer::new(builder, &second)?;
    let ids = candle_core::Tensor::from_vec(ids, (batch, tokens), &Device::Cpu)?;
    let expected: Vec<f32> = network.forward_with_mask(&ids, usize::MAX)?.flatten_all()?.to_vec1()?;

    let error = found.data.iter().zip(&expected).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
    let largest = expected.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
    if found.data.len() != expected.len() || error.is_nan() || error > 1e-5 * largest || largest < 0.1 {
        return Err(format!("they differ by {error}, the largest value is {largest}").into());
    }
    Ok(())
}

fn default_model() -> Result<(), Failed> {
    let files = ModelFiles::folder(&support::root().join("assets/model")).map_err(|error| error.to_string())?;
    let executor = Candle::new(0).map_err(|error| error.to_string())?;
    let read = |component: &str| -> Result<(String, Vec<u8>, Weights), Failed> {
        let file = format!("{component}/config.json");
        let tensors = files.tensors(component).map_err(|error| error.to_string())?;
        let weights = Weights::open(&[(component, tensors)]).map_err(|error| error.to_string())?;
        Ok((files.label(&file), files.read_small(&file).map_err(|error| error.to_string())?, weights))
    };

    let (file, config, weights) = read("unet")?;
    let config = UNetConfig::parse(&file, &config).map_err(|error| error.to_string())?;
    // 13 x 7 latents halve unevenly at every level.
    let at = UNetSize { batch: 2, height: 13, width: 7, tokens: 5 };
    let graph = unet::build(&config, at, Guidance::Embedded).map_err(|error| error.to_string())?;
    if let Some(key) = weights.keys().find(|key| graph.weights().iter().all(|weight| weight.key != *key)) {
        return Err(format!("the network has no place for `{key}`").into());
    }
    let shapes: Vec<(String, Tensor)> = graph
        .inputs()
        .enumerate()
        .map(|(seed, (name, id))| (name.to_owned(), tensor(seed, graph.node(id).shape.dims())))
        .collect();
    let inputs: Vec<(&str, &Tensor)> = shapes.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let out = run(&executor, graph, &weights, &inputs)?;
    sound("the prediction", &out, &[2, 13, 7, config.out_channels])?;

    let (file, config, weights) = read("vae")?;
    let config = AutoencoderConfig::parse(&file, &config).map_err(|error| error.to_string())?;
    let pixels = tensor(1, &[1, 40, 24, 3]);
    let graph = config.encoder(1, 40, 24).map_err(|error| error.to_string())?;
    let latents = run(&executor, graph, &weights, &[("pixels", &pixels)])?;
    sound("the latents", &latents, &[1, 5, 3, config.latent_channels()])?;
    let graph = config.decoder(1, 5, 3).map_err(|error| error.to_string())?;
    sound("the picture", &run(&executor, graph, &weights, &[("latents", &latents)])?, &[1, 40, 24, 3])
}

fn sound(what: &str, value: &Tensor, shape: &[usize]) -> Result<(), Failed> {
    if value.shape != shape {
        return Err(format!("{what} is of shape {:?} instead of {shape:?}", value.shape).into());
    }
    if !value.data.iter().all(|v| v.is_finite() && v.abs() < 1e3) || value.data.iter().all(|v| *v == value.data[0]) {
        return Err(format!("{what} is not sound").into());
    }
    Ok(())
}
