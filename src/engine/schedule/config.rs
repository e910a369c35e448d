//! What `scheduler_config.json` says. A config written for another scheduler (PNDM, DDIM, Euler) is taken by keeping
//! the keys this one knows, as the reference does.

use crate::engine::EngineError;
use crate::engine::fields::Fields;

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
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, EngineError> {
        let fields = Fields::parse(file, bytes)?;
        let is_beta = |x: f64| x > 0.0 && x < 1.0;
        let train_steps = fields.count("num_train_timesteps", 1000, 1..=100_000)?;
        let trained_betas = fields.numbers("trained_betas")?;
        if trained_betas.as_ref().is_some_and(|betas| betas.len() != train_steps || !betas.iter().all(|b| is_beta(*b)))
        {
            return Err(fields.refuse("trained_betas", &format!("{train_steps} numbers between 0 and 1")));
        }
        let curves = [
            ("linear", BetaCurve::Linear),
            ("scaled_linear", BetaCurve::ScaledLinear),
            ("squaredcos_cap_v2", BetaCurve::SquaredCosine),
        ];
        let predictions =
            [("epsilon", Prediction::Epsilon), ("v_prediction", Prediction::Velocity), ("sample", Prediction::Sample)];
        let clip = fields.number("clip_sample_range", 1.0, "a number above 0", |x| x > 0.0)?;
        let ratio =
            fields.number("dynamic_thresholding_ratio", 0.995, "a share from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        let limit = fields.number("sample_max_value", 1.0, "a number above 0", |x| x > 0.0)?;
        Ok(Self {
            train_steps,
            beta_start: fields.number("beta_start", 0.00085, "a number between 0 and 1", is_beta)?,
            beta_end: fields.number("beta_end", 0.012, "a number between 0 and 1", is_beta)?,
            curve: fields.choice("beta_schedule", BetaCurve::ScaledLinear, &curves)?,
            trained_betas,
            zero_terminal_snr: fields.flag("rescale_betas_zero_snr", false)?,
            original_steps: fields.count("original_inference_steps", 50.min(train_steps), 1..=train_steps)?,
            prediction: fields.choice("prediction_type", Prediction::Epsilon, &predictions)?,
            timestep_scaling: fields.number("timestep_scaling", 10.0, "a number above 0", |x| x > 0.0)?,
            clip: fields.flag("clip_sample", false)?.then_some(clip),
            threshold: fields.flag("thresholding", false)?.then_some((ratio, limit)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ScheduleConfig, EngineError> {
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
