//! `guidance_embedding`: row i embeds guidance scale i, at several widths.

use crate::engine::guidance_embedding;
use crate::exec::Tensor;
use crate::verify::{Case, Checks, VerifyError};

/// Compares every `emb_WIDTH` of the case.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let odd = || VerifyError::Meta { key: "guidance_scale".into(), found: case.meta("guidance_scale").to_string() };
    // From the parameters, not from the tensor: that is f32, and w is formed in f64.
    let list = case.meta("guidance_scale").as_array().ok_or_else(odd)?;
    let scales = list.iter().map(|scale| scale.as_f64()).collect::<Option<Vec<f64>>>().ok_or_else(odd)?;
    let widths: Vec<(&str, usize)> =
        case.names().filter_map(|name| Some((name, name.strip_prefix("emb_")?.parse().ok()?))).collect();
    for (name, width) in widths {
        let rows: Vec<f32> = scales.iter().flat_map(|scale| guidance_embedding(*scale, width)).collect();
        let arguments: Vec<f64> = scales.iter().flat_map(|scale| arguments(scale - 1.0, width)).collect();
        checks.sinusoid(case, name, &Tensor::new([scales.len(), width], rows), &arguments)?;
    }
    Ok(())
}

fn arguments(w: f64, width: usize) -> Vec<f64> {
    let half = width / 2;
    let frequency = move |j: usize| (-(10_000f64.ln()) * j as f64 / (half.max(2) - 1) as f64).exp();
    let mut row: Vec<f64> = (0..half).chain(0..half).map(|j| 1000.0 * w * frequency(j)).collect();
    row.resize(width, 0.0);
    row
}
