//! `lcm_step`, `lcm_add_noise`, `lcm_tables`, `lcm_timesteps`: the scheduler.

use serde_json::Value;

use crate::engine::schedule::{LcmScheduler, ScheduleConfig, StepRequest, Steps};
use crate::exec::Tensor;
use crate::verify::{Case, Checks, VerifyError};

/// Every step of a trace, each from the reference's own sample.
pub fn step(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let config = parse(&case.entry.file, &case.meta("config").to_string())?;
    let scheduler = LcmScheduler::new(config);
    let timesteps = scheduler.timesteps(&request(case.meta("set_timesteps"))?).map_err(VerifyError::other)?;
    let list: Vec<i64> = timesteps.list().iter().map(|t| *t as i64).collect();
    checks.ints(case, "timesteps", &list)?;
    for (i, t) in timesteps.list().iter().enumerate() {
        let sample = case.float(&format!("sample.{i}"))?;
        let output = case.float(&format!("model_output.{i}"))?;
        let shape = sample.shape;
        let denoised = scheduler.denoise(&sample.data, &output.data, *t, shape[0]);
        let noise = format!("noise.{i}");
        checks.fact(&noise, case.has(&noise) == timesteps.is_noised(i), "noise is drawn on another step");
        let next = if timesteps.is_noised(i) {
            scheduler.add_noise(&denoised, &case.float(&noise)?.data, timesteps.after(i))
        } else {
            denoised.clone()
        };
        checks.float(case, &format!("denoised.{i}"), &Tensor::new(shape.clone(), denoised))?;
        checks.float(case, &format!("sample.{}", i + 1), &Tensor::new(shape, next))?;
    }
    Ok(())
}

/// Noising, one timestep for each sample.
pub fn add_noise(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let scheduler = LcmScheduler::new(ScheduleConfig::default());
    let (clean, noise, timesteps) = (case.float("x0")?, case.float("noise")?, case.ints("timesteps")?);
    let length = clean.data.len() / timesteps.len().max(1);
    let samples = clean.data.chunks(length.max(1)).zip(noise.data.chunks(length.max(1))).zip(timesteps);
    let noisy = samples.flat_map(|((x, z), t)| scheduler.add_noise(x, z, usize::try_from(*t).unwrap_or(usize::MAX)));
    let noisy = noisy.collect();
    checks.float(case, "noisy", &Tensor::new(clean.shape, noisy))
}

/// Betas and signal shares of every curve, and the boundary condition.
pub fn tables(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let names: Vec<&str> = case.names().collect();
    let default = LcmScheduler::new(ScheduleConfig::default());
    for name in names {
        let values = match name.split_once('.') {
            Some(("betas", curve)) => curve_of(curve)?.betas().to_vec(),
            Some(("alphas_cumprod", curve)) => curve_of(curve)?.alphas_cumprod().to_vec(),
            None if name == "c_skip" => (0..1000).map(|t| default.boundary(t).0).collect(),
            None if name == "c_out" => (0..1000).map(|t| default.boundary(t).1).collect(),
            _ => return Err(VerifyError::Other(format!("`{name}` names no table"))),
        };
        checks.float(case, name, &Tensor::new([values.len()], values))?;
    }
    Ok(())
}

/// The scheduler of a named table. The configs are the published ones; the file names them only by curve.
fn curve_of(name: &str) -> Result<LcmScheduler, VerifyError> {
    let config = match name {
        "scaled_linear" => "{}",
        "scaled_linear_zsnr" => r#"{"rescale_betas_zero_snr": true}"#,
        "linear" => r#"{"beta_schedule": "linear"}"#,
        "linear_i2v" => r#"{"beta_schedule": "linear", "beta_end": 0.014}"#,
        "cosine" => r#"{"beta_schedule": "squaredcos_cap_v2"}"#,
        _ => return Err(VerifyError::Other(format!("`{name}` names no curve"))),
    };
    Ok(LcmScheduler::new(parse(name, config)?))
}

/// Combinations of arguments and their timesteps or refusals.
pub fn timesteps(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let bytes = std::fs::read(case.path()).map_err(VerifyError::other)?;
    let list: Vec<Value> = serde_json::from_slice(&bytes).map_err(VerifyError::other)?;
    let scheduler = LcmScheduler::new(ScheduleConfig::default());
    for entry in &list {
        let args = &entry["args"];
        let found = scheduler.timesteps(&request(args)?);
        let expected = entry["timesteps"].as_array().map(|list| list.iter().filter_map(whole).collect::<Vec<_>>());
        let holds = match (&found, &expected) {
            (Ok(found), Some(expected)) => found.list() == expected.as_slice(),
            (Err(_), None) => true,
            _ => false,
        };
        checks.fact(&args.to_string(), holds, format!("{found:?}"));
    }
    Ok(())
}

fn parse(name: &str, config: &str) -> Result<ScheduleConfig, VerifyError> {
    ScheduleConfig::parse(name, config.as_bytes()).map_err(VerifyError::other)
}

/// The arguments of a `set_timesteps` call.
fn request(args: &Value) -> Result<StepRequest, VerifyError> {
    let odd = || VerifyError::Meta { key: "set_timesteps".into(), found: args.to_string() };
    let steps = match (&args["timesteps"], &args["num_inference_steps"]) {
        (Value::Array(list), Value::Null) => {
            Steps::Custom(list.iter().map(whole).collect::<Option<_>>().ok_or_else(odd)?)
        }
        (Value::Null, count) => Steps::Count(whole(count).ok_or_else(odd)?),
        _ => return Err(odd()),
    };
    let original_steps = whole(&args["original_inference_steps"]);
    Ok(StepRequest { steps, original_steps, strength: args["strength"].as_f64().unwrap_or(1.0) })
}

fn whole(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}
