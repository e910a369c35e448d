//! `text_encoder_*`: ids to states, with every state on the way, and with layers skipped.

use super::networks::{Network, compare};
use crate::exec::Tensor;
use crate::nn::text::clip::{self, ClipConfig, Output};
use crate::verify::{Case, Checks, VerifyError};

/// Layers may be skipped by this prefix and their number.
const SKIP: &str = "clip_skip_";
/// States before each layer and after the last.
const STATES: &str = "hidden_states.";

/// Runs `input_ids`; compares `last_hidden_state`, `pooler_output`, `hidden_states.*` and `clip_skip_*`.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let network = Network::open(case, "text_encoder", "text_encoder")?;
    let config = ClipConfig::parse(&network.config_file, &network.config).map_err(VerifyError::other)?;
    let ids = case.ints("input_ids")?;
    let shape = case.raw("input_ids")?.shape.clone();
    let input = Tensor::new(shape.clone(), ids.iter().map(|id| *id as f32).collect());
    let build = |skip| clip::build(&config, [shape[0], shape[1]], skip, Output::Last).map_err(VerifyError::other);

    let states: Vec<&str> = case.names().filter(|name| name.starts_with(STATES)).collect();
    let values = network.run(build(0)?, &[("input_ids", &input)], &states)?;
    compare(case, checks, "last_hidden_state", &values[0])?;
    for (name, value) in states.iter().zip(&values[1..]) {
        compare(case, checks, name, value)?;
    }
    if case.has("pooler_output") {
        compare(case, checks, "pooler_output", &pooled(&config, ids, &values[0]))?;
    }
    let skips = case.names().filter_map(|name| Some((name, name.strip_prefix(SKIP)?.parse().ok()?)));
    for (name, skip) in skips {
        let value = network.run(build(skip)?, &[("input_ids", &input)], &[])?;
        compare(case, checks, name, &value[0])?;
    }
    Ok(())
}

/// The state at the end of each text.
fn pooled(config: &ClipConfig, ids: &[i64], states: &Tensor) -> Tensor {
    let (batch, tokens, width) = (states.shape[0], states.shape[1], states.shape[2]);
    let row = |sample: usize| {
        let ids: Vec<u32> = ids[sample * tokens..][..tokens].iter().map(|id| *id as u32).collect();
        let start = (sample * tokens + config.end_position(&ids)) * width;
        &states.data[start..][..width]
    };
    Tensor::new([batch, width], (0..batch).flat_map(row).copied().collect())
}
