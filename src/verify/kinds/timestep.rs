//! `timestep_embedding`: the sinusoids of timesteps at several widths, whole and fractional ones.

use crate::exec::Tensor;
use crate::nn::timestep_embedding;
use crate::verify::{Case, Checks, VerifyError};

/// Compares every `emb_WIDTH` (whole timesteps) and `emb_f_WIDTH` (fractional ones) of the case.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let whole: Vec<f32> = case.ints("timesteps")?.iter().map(|t| *t as f32).collect();
    let fractional = case.float("timesteps_f")?.data;
    let names: Vec<&str> = case.names().filter(|name| name.starts_with("emb_")).collect();
    for name in names {
        let (timesteps, width) = match name.strip_prefix("emb_f_") {
            Some(width) => (&fractional, width),
            None => (&whole, &name["emb_".len()..]),
        };
        let width: usize = width.parse().map_err(VerifyError::other)?;
        let rows = timestep_embedding(timesteps, width, true, 0.0);
        let arguments: Vec<f64> = timesteps.iter().flat_map(|t| arguments(f64::from(*t), width)).collect();
        checks.sinusoid(case, name, &Tensor::new([timesteps.len(), width], rows), &arguments)?;
    }
    super::unet::time_embedding(case, checks)
}

fn arguments(t: f64, width: usize) -> impl Iterator<Item = f64> {
    let half = width / 2;
    (0..half).chain(0..half).map(move |j| t * (-(10_000f64.ln()) * j as f64 / half as f64).exp())
}
