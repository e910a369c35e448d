//! What `scheduler_config.json` says. A config written for another scheduler (PNDM, DDIM, Euler) is taken by keeping
//! the keys this one knows, as the reference does.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::nn::{ConfigError, Fields};

/// Betas that mean anything.
const BETAS: RangeInclusive<f64> = 1e-9..=0.9999;
/// Factors and limits that mean anything.
const FACTORS: RangeInclusive<f64> = 1e-6..=1e6;

/// How betas rise over the timesteps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BetaCurve {
    /// Evenly.
    Linear,
    /// Their square roots evenly.
    ScaledLinear,
    /// By a squared cosine, at most 0.999.
    SquaredCosine,
}

/// What the network's output means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// The noise.
    Epsilon,
    /// The velocity.
    Velocity,
    /// The clean sample.
    Sample,
}

/// The shape of a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// Timesteps of the training schedule.
    pub train_steps: usize,
    /// First beta.
    pub beta_start: f64,
    /// Last beta.
    pub beta_end: f64,
    /// The curve between them.
    pub curve: BetaCurve,
    /// Betas given one by one instead.
    pub trained_betas: Option<Vec<f64>>,
    /// Whether the last timestep is bent to hold no signal at all.
    pub zero_terminal_snr: bool,
    /// Steps of the distillation schedule.
    pub original_steps: usize,
    /// What the network's output means.
    pub prediction: Prediction,
    /// Factor of the timestep in the boundary condition.
    pub timestep_scaling: f64,
    /// Limit of clean samples, when they are clipped.
    pub clip: Option<f64>,
    /// Quantile and upper limit of dynamic thresholding, when it is on.
    pub threshold: Option<(f64, f64)>,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            train_steps: 1000,
            beta_start: 0.00085,
            beta_end: 0.012,
            curve: BetaCurve::ScaledLinear,
            trained_betas: None,
            zero_terminal_snr: false,
            original_steps: 50,
            prediction: Prediction::Epsilon,
            timestep_scaling: 10.0,
            clip: None,
            threshold: None,
        }
    }
}

impl ScheduleConfig {
    /// Reads the config in `bytes`; `file` is the name that messages use.
    ///
    /// # Errors
    /// A value that is absurd or unknown, by file and key.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let fields = Fields::parse(file, bytes)?;
        let train_steps = fields.whole("num_train_timesteps", 1000, 1..=100_000)?;
        let clip = fields.number("clip_sample_range", 1.0, FACTORS)?;
        let quantile = fields.number("dynamic_thresholding_ratio", 0.995, 0.0..=1.0)?;
        let limit = fields.number("sample_max_value", 1.0, FACTORS)?;
        Ok(Self {
            train_steps,
            beta_start: fields.number("beta_start", 0.00085, BETAS)?,
            beta_end: fields.number("beta_end", 0.012, BETAS)?,
            curve: fields.name("beta_schedule", BetaCurve::ScaledLinear, &CURVES)?,
            trained_betas: trained_betas(&fields, train_steps)?,
            zero_terminal_snr: fields.flag("rescale_betas_zero_snr", false)?,
            original_steps: fields.whole("original_inference_steps", 50.min(train_steps), 1..=train_steps)?,
            prediction: fields.name("prediction_type", Prediction::Epsilon, &PREDICTIONS)?,
            timestep_scaling: fields.number("timestep_scaling", 10.0, FACTORS)?,
            clip: fields.flag("clip_sample", false)?.then_some(clip),
            threshold: fields.flag("thresholding", false)?.then_some((quantile, limit)),
        })
    }
}

const CURVES: [(&str, BetaCurve); 3] = [
    ("linear", BetaCurve::Linear),
    ("scaled_linear", BetaCurve::ScaledLinear),
    ("squaredcos_cap_v2", BetaCurve::SquaredCosine),
];

const PREDICTIONS: [(&str, Prediction); 3] =
    [("epsilon", Prediction::Epsilon), ("v_prediction", Prediction::Velocity), ("sample", Prediction::Sample)];

/// Betas given one by one: one for each timestep.
fn trained_betas(fields: &Fields<'_>, count: usize) -> Result<Option<Vec<f64>>, ConfigError> {
    let Some(value) = fields.get("trained_betas") else { return Ok(None) };
    let list = value.as_array().filter(|list| list.len() == count);
    let beta = |value: &Value| value.as_f64().filter(|beta| BETAS.contains(beta));
    let betas = list.and_then(|list| list.iter().map(beta).collect::<Option<Vec<f64>>>());
    betas.map(Some).ok_or_else(|| fields.refuse("trained_betas", &format!("{count} numbers between 0 and 1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ScheduleConfig, ConfigError> {
        ScheduleConfig::parse("scheduler/scheduler_config.json", text.as_bytes())
    }

    #[test]
    fn an_empty_config_is_the_default() {
        assert_eq!(parse("{}").unwrap(), ScheduleConfig::default());
    }

    #[test]
    fn configs_of_other_schedulers_are_taken() {
        let pndm = r#"{"_class_name": "PNDMScheduler", "skip_prk_steps": true, "steps_offset": 1, "beta_end": 0.012,
            "trained_betas": null, "clip_sample": false, "set_alpha_to_one": false, "num_train_timesteps": 1000}"#;
        let euler = r#"{"_class_name": "EulerDiscreteScheduler", "interpolation_type": "linear",
            "timestep_spacing": "trailing", "prediction_type": "v_prediction"}"#;
        assert_eq!(parse(pndm).unwrap(), ScheduleConfig::default());
        assert_eq!(parse(euler).unwrap().prediction, Prediction::Velocity);
    }

    #[test]
    fn absurd_values_are_refused_by_name() {
        for (text, key) in [
            (r#"{"num_train_timesteps": 0}"#, "num_train_timesteps"),
            (r#"{"num_train_timesteps": 1e30}"#, "num_train_timesteps"),
            (r#"{"beta_end": -1}"#, "beta_end"),
            (r#"{"beta_schedule": "sigmoid"}"#, "beta_schedule"),
            (r#"{"prediction_type": 3}"#, "prediction_type"),
            (r#"{"original_inference_steps": 1001}"#, "original_inference_steps"),
            (r#"{"trained_betas": [0.1]}"#, "trained_betas"),
            (r#"{"thresholding": "yes"}"#, "thresholding"),
            (r#"{"timestep_scaling": 0}"#, "timestep_scaling"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("scheduler_config.json"), "{error}");
        }
    }
}
