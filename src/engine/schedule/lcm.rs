//! One step of a latent consistency model, and the noising that starts and separates steps.

use super::config::Prediction;
use super::timesteps::{remaining, timesteps};
use super::{ScheduleConfig, ScheduleError, StepRequest, Timesteps, betas};

/// Spread of the data in the boundary condition.
const SIGMA_DATA: f64 = 0.5;

/// The scheduler: tables of a config, and what a step does.
///
/// ```
/// use afterimage::engine::schedule::{LcmScheduler, ScheduleConfig, StepRequest};
/// let scheduler = LcmScheduler::new(ScheduleConfig::default());
/// assert_eq!(scheduler.timesteps(&StepRequest::count(2)).unwrap().list(), [999, 499]);
/// ```
#[derive(Clone, Debug)]
pub struct LcmScheduler {
    config: ScheduleConfig,
    betas: Vec<f32>,
    alphas_cumprod: Vec<f32>,
}

impl LcmScheduler {
    /// The scheduler of `config`.
    pub fn new(config: ScheduleConfig) -> Self {
        let betas = betas::betas(&config);
        let alphas_cumprod = betas::alphas_cumprod(&betas);
        Self { config, betas, alphas_cumprod }
    }

    /// The config.
    pub fn config(&self) -> &ScheduleConfig {
        &self.config
    }

    /// Noise added at each timestep of the training schedule.
    pub fn betas(&self) -> &[f32] {
        &self.betas
    }

    /// Share of signal (squared) left at each timestep.
    pub fn alphas_cumprod(&self) -> &[f32] {
        &self.alphas_cumprod
    }

    /// The timesteps `request` asks for.
    ///
    /// # Errors
    /// What the reference refuses; a strength that leaves nothing.
    pub fn timesteps(&self, request: &StepRequest) -> Result<Timesteps, ScheduleError> {
        timesteps(&self.config, request)
    }

    /// How many steps are possible at `strength` with the config's original steps.
    pub fn steps_at(&self, strength: f64) -> usize {
        remaining(self.config.original_steps, strength)
    }

    /// The least strength at which a step is possible, just above it: 49 · (1/49) is less than 1.
    pub fn least_strength(&self) -> f64 {
        ((1.0 + 1e-9) / self.config.original_steps as f64).min(1.0)
    }

    /// Weights of the input and of the prediction in the boundary condition at timestep `t`: (c_skip, c_out).
    pub fn boundary(&self, t: usize) -> (f32, f32) {
        let scaled = t as f64 * self.config.timestep_scaling;
        let sum = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
        ((SIGMA_DATA * SIGMA_DATA / sum) as f32, (scaled / sum.sqrt()) as f32)
    }

    /// Mixes `clean` with `noise` as much as timestep `t` says.
    pub fn add_noise(&self, clean: &[f32], noise: &[f32], t: usize) -> Vec<f32> {
        let (signal, spread) = self.weights(t);
        clean.iter().zip(noise).map(|(x, z)| signal * x + spread * z).collect()
    }

    /// The clean latents that `output` of the network predicts from `sample` at timestep `t`. The values of one sample are
    /// contiguous; `batch` is the number of samples.
    pub fn denoise(&self, sample: &[f32], output: &[f32], t: usize, batch: usize) -> Vec<f32> {
        let mut clean = self.predict(sample, output, t);
        if let Some((quantile, limit)) = self.config.threshold {
            let length = clean.len() / batch.max(1);
            clean.chunks_mut(length.max(1)).for_each(|values| threshold(values, quantile, limit));
        } else if let Some(limit) = self.config.clip {
            clean.iter_mut().for_each(|x| *x = x.clamp(-limit as f32, limit as f32));
        }
        let (skip, out) = self.boundary(t);
        clean.iter().zip(sample).map(|(x0, x)| out * x0 + skip * x).collect()
    }

    /// The factors of sample and output whose sum is what [`Self::denoise`] gives at timestep `t`; none if it clips.
    pub fn linear(&self, t: usize) -> Option<[f32; 2]> {
        if self.config.threshold.is_some() || self.config.clip.is_some() {
            return None;
        }
        let ((signal, spread), (skip, out)) = (self.weights(t), self.boundary(t));
        Some(match self.config.prediction {
            Prediction::Epsilon => [out / signal + skip, -out * spread / signal],
            Prediction::Velocity => [out * signal + skip, -out * spread],
            Prediction::Sample => [skip, out],
        })
    }

    /// The factors of clean latents and noise in [`Self::add_noise`].
    pub fn noising(&self, t: usize) -> [f32; 2] {
        let (signal, spread) = self.weights(t);
        [signal, spread]
    }

    fn predict(&self, sample: &[f32], output: &[f32], t: usize) -> Vec<f32> {
        let (signal, spread) = self.weights(t);
        let pairs = sample.iter().zip(output);
        match self.config.prediction {
            Prediction::Epsilon => pairs.map(|(x, e)| (x - spread * e) / signal).collect(),
            Prediction::Velocity => pairs.map(|(x, v)| signal * x - spread * v).collect(),
            Prediction::Sample => output.to_vec(),
        }
    }

    fn weights(&self, t: usize) -> (f32, f32) {
        let left = self.alphas_cumprod[t.min(self.alphas_cumprod.len() - 1)];
        (left.sqrt(), (1.0 - left).sqrt())
    }
}

/// Clips `values` at the given quantile of their sizes (at least 1, at most `limit`) and divides by it.
fn threshold(values: &mut [f32], share: f64, limit: f64) {
    let bound = quantile(values.iter().map(|x| x.abs()).collect(), share as f32).max(1.0).min(limit as f32);
    values.iter_mut().for_each(|x| *x = x.clamp(-bound, bound) / bound);
}

/// The `share`-quantile with linear interpolation; 0 of nothing.
fn quantile(mut values: Vec<f32>, share: f32) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let rank = share * values.len().saturating_sub(1) as f32;
    let at = |i: usize| values.get(i.min(values.len().saturating_sub(1))).copied().unwrap_or_default();
    let (low, high) = (at(rank.floor() as usize), at(rank.ceil() as usize));
    low + (high - low) * (rank - rank.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_condition_holds_at_zero() {
        let scheduler = LcmScheduler::new(ScheduleConfig::default());
        assert_eq!(scheduler.boundary(0), (1.0, 0.0));
        assert!(scheduler.boundary(19).0 < 7e-6);
    }

    #[test]
    fn a_step_is_two_factors() {
        let (sample, output) = ([0.5, -1.5, 2.0], [1.0, 0.25, -0.5]);
        for prediction in [Prediction::Epsilon, Prediction::Velocity, Prediction::Sample] {
            let scheduler = LcmScheduler::new(ScheduleConfig { prediction, ..ScheduleConfig::default() });
            for t in [19, 499, 999] {
                let [first, second] = scheduler.linear(t).unwrap();
                let expected = scheduler.denoise(&sample, &output, t, 1);
                for ((x, y), expected) in sample.iter().zip(output).zip(expected) {
                    let found = first * x + second * y;
                    assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{found} {expected}");
                }
            }
        }
        let clipping = ScheduleConfig { clip: Some(1.0), ..ScheduleConfig::default() };
        assert!(LcmScheduler::new(clipping).linear(499).is_none());
    }

    #[test]
    fn what_was_noised_is_found_again() {
        let clean = [0.5, -1.5, 2.0];
        let noise = [1.0, 0.25, -0.5];
        let scheduler = LcmScheduler::new(ScheduleConfig::default());
        let noisy = scheduler.add_noise(&clean, &noise, 499);
        let found = scheduler.denoise(&noisy, &noise, 499, 1);
        assert!(found.iter().zip(clean).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?}");
    }

    #[test]
    fn the_least_strength_is_enough_for_a_step() {
        for original_steps in 1..=1000 {
            let scheduler = LcmScheduler::new(ScheduleConfig { original_steps, ..ScheduleConfig::default() });
            assert_eq!(scheduler.steps_at(scheduler.least_strength()), 1, "{original_steps}");
        }
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(vec![3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(vec![0.0, 1.0], 0.25), 0.25);
        assert_eq!(quantile(vec![], 0.5), 0.0);
    }

    #[test]
    fn nan_survives_thresholding() {
        let mut values = [f32::NAN, 1.0];
        threshold(&mut values, 0.9, 2.0);
        assert!(values.iter().any(|x| x.is_nan()), "a broken network must not look like a picture");
    }
}
