//! `unet`: whole forward passes, with the activations inside; and the embedding of time and guidance alone.

use super::networks::{Network, compare, extent};
use crate::exec::Tensor;
use crate::nn::timestep_embedding;
use crate::nn::unet::{self, Framing, Guidance, UNetConfig, UNetSize};
use crate::verify::{Case, Checks, VerifyError};

/// Runs `sample`, `timestep`, `encoder_hidden_states` and, if the case has them, `timestep_cond`, `text_embeds` and `time_ids`;
/// compares `out` and `act.*`.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let network = Network::open(case, "unet", "unet")?;
    let config = config(&network)?;
    let sample = case.nhwc("sample")?;
    let states = case.float("encoder_hidden_states")?;
    let [batch, height, width] = extent(&sample);
    let time = sinusoids(&config, &timesteps(case, batch)?);
    let mut inputs = vec![("sample", &sample), ("encoder_hidden_states", &states), ("timestep_embedding", &time)];
    let guidance = guidance(case)?;
    inputs.extend(guidance.iter().map(|tensor| ("guidance_embedding", tensor)));
    let added = added(case, &config, batch)?;
    inputs.extend(added.iter().map(|(name, tensor)| (*name, tensor)));
    let size = UNetSize { batch, height, width, tokens: states.shape[1] };
    let graph = unet::build(&config, size, embedded(guidance.as_ref())).map_err(VerifyError::other)?;
    let out = network.run_tapped(checks, graph, &inputs, "")?;
    checks.nhwc(case, "out", &out)
}

/// Compares `time_embedding_no_cond` and `time_embedding_cond`, for all timesteps of the case at once.
pub fn time_embedding(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let network = Network::open(case, "unet", "unet")?;
    let config = config(&network)?;
    let timesteps: Vec<f32> = case.ints("timesteps")?.iter().map(|t| *t as f32).collect();
    let time = sinusoids(&config, &timesteps);
    let guidance = case.float("w_emb")?;
    for (name, guidance) in [("time_embedding_no_cond", None), ("time_embedding_cond", Some(&guidance))] {
        let graph = unet::build_time_embedding(&config, timesteps.len(), embedded(guidance));
        let mut inputs = vec![("timestep_embedding", &time)];
        inputs.extend(guidance.map(|tensor| ("guidance_embedding", tensor)));
        let out = network.run(graph.map_err(VerifyError::other)?, &inputs, &[])?;
        compare(case, checks, name, &out[0])?;
    }
    Ok(())
}

fn config(network: &Network<'_>) -> Result<UNetConfig, VerifyError> {
    UNetConfig::parse(&network.config_file, &network.config).map_err(VerifyError::other)
}

/// The text's vectors and the framings' sinusoids, of a network that is told of them.
fn added(case: &Case<'_>, config: &UNetConfig, batch: usize) -> Result<Vec<(&'static str, Tensor)>, VerifyError> {
    let Some(added) = &config.added else { return Ok(Vec::new()) };
    let ids = case.float("time_ids")?;
    let odd = || VerifyError::Other(format!("time_ids has the shape {:?}", ids.shape));
    let framing = |ids: &[f32]| match ids.iter().map(|id| *id as u32).collect::<Vec<_>>()[..] {
        [a, b, c, d, e, f] => Ok(Framing { original: [a, b], crop: [c, d], target: [e, f] }),
        _ => Err(odd()),
    };
    let mut rows = Vec::new();
    for ids in ids.data.chunks(ids.data.len().div_ceil(batch).max(1)) {
        rows.extend(added.framing(&framing(ids)?, config.flip_sin_to_cos, config.freq_shift));
    }
    let framings = Tensor::new([batch, added.framing_width()], rows);
    Ok(vec![("text_embeds", case.float("text_embeds")?), ("framing_embedding", framings)])
}

/// The guidance embedding, unless the case runs without the one it has.
fn guidance(case: &Case<'_>) -> Result<Option<Tensor>, VerifyError> {
    let used = case.has("timestep_cond") && case.meta("uses_timestep_cond") != &serde_json::Value::Bool(false);
    used.then(|| case.float("timestep_cond")).transpose()
}

fn embedded(guidance: Option<&Tensor>) -> Guidance {
    if guidance.is_some() { Guidance::Embedded } else { Guidance::Absent }
}

fn sinusoids(config: &UNetConfig, timesteps: &[f32]) -> Tensor {
    let width = config.first_channels();
    let rows = timestep_embedding(timesteps, width, config.flip_sin_to_cos, config.freq_shift);
    Tensor::new([timesteps.len(), width], rows)
}

/// One timestep for each sample: a tensor or parameter of them, or one for all.
fn timesteps(case: &Case<'_>, batch: usize) -> Result<Vec<f32>, VerifyError> {
    let list: Vec<f32> = if case.has("timestep") {
        case.ints("timestep")?.iter().map(|t| *t as f32).collect()
    } else {
        let value = case.meta("timestep");
        let error = || VerifyError::Meta { key: "timestep".into(), found: value.to_string() };
        let one = std::slice::from_ref(value);
        let values = value.as_array().map_or(one, Vec::as_slice);
        values.iter().map(|t| t.as_f64().map(|t| t as f32)).collect::<Option<_>>().ok_or_else(error)?
    };
    Ok(if let [timestep] = list[..] { vec![timestep; batch] } else { list })
}
