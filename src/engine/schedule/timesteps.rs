//! Which timesteps are visited: evenly spaced ones of the distillation schedule, or a list of the caller's.

use super::{ScheduleConfig, ScheduleError};

/// How many steps, or which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steps {
    /// This many, evenly spaced over the original steps.
    Count(usize),
    /// These timesteps, falling.
    Custom(Vec<usize>),
}

/// What a list of timesteps is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRequest {
    /// How many steps, or which.
    pub steps: Steps,
    /// Original steps instead of the config's.
    pub original_steps: Option<usize>,
    /// How much of the schedule is used, 0..=1; 1 when painting from noise.
    pub strength: f64,
}

impl StepRequest {
    /// `count` steps over the whole schedule.
    pub fn count(count: usize) -> Self {
        Self { steps: Steps::Count(count), original_steps: None, strength: 1.0 }
    }
}

/// The timesteps to visit, falling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timesteps {
    list: Vec<usize>,
    /// The number of steps asked for. A custom list cut short by strength keeps its full length here, and therefore gets
    /// fresh noise even on its last step: the reference does so, and its pictures show it.
    asked: usize,
}

impl Timesteps {
    /// The timesteps, falling.
    pub fn list(&self) -> &[usize] {
        &self.list
    }

    /// Whether fresh noise is added after step `index`.
    pub fn is_noised(&self, index: usize) -> bool {
        index + 1 != self.asked
    }

    /// The timestep to which the latents are noised after step `index`.
    pub fn after(&self, index: usize) -> usize {
        self.list.get(index + 1).or(self.list.get(index)).copied().unwrap_or_default()
    }
}

/// How many original steps remain at `strength`. The product is truncated as f64, so 50 · 0.58 is 28.
pub fn remaining(original_steps: usize, strength: f64) -> usize {
    (original_steps as f64 * strength) as usize
}

/// The timesteps `request` asks for.
///
/// # Errors
/// What the reference refuses, and a strength outside 0..=1 or one that leaves nothing.
pub fn timesteps(config: &ScheduleConfig, request: &StepRequest) -> Result<Timesteps, ScheduleError> {
    let original = request.original_steps.unwrap_or(config.original_steps);
    if !(0.0..=1.0).contains(&request.strength) {
        return Err(ScheduleError::Strength { strength: request.strength });
    }
    if original > config.train_steps {
        return Err(ScheduleError::Original { original, train: config.train_steps });
    }
    match &request.steps {
        Steps::Count(count) => spaced(config, *count, original, request.strength),
        Steps::Custom(list) => custom(config, list, request.strength),
    }
}

fn spaced(config: &ScheduleConfig, count: usize, original: usize, strength: f64) -> Result<Timesteps, ScheduleError> {
    let remaining = remaining(original, strength);
    if count == 0 {
        return Err(ScheduleError::NoSteps);
    }
    if count > remaining {
        return Err(ScheduleError::TooMany { steps: count, strength, remaining });
    }
    let stride = config.train_steps / original;
    // The step is rounded before it is multiplied, as numpy's linspace does.
    let step = remaining as f64 / count as f64;
    let list = (0..count).map(|i| (remaining - (i as f64 * step) as usize) * stride - 1).collect();
    Ok(Timesteps { list, asked: count })
}

fn custom(config: &ScheduleConfig, list: &[usize], strength: f64) -> Result<Timesteps, ScheduleError> {
    let Some(&first) = list.first() else { return Err(ScheduleError::NoSteps) };
    if let Some(pair) = list.windows(2).find(|pair| pair[1] >= pair[0]) {
        return Err(ScheduleError::Order { previous: pair[0], next: pair[1] });
    }
    if first >= config.train_steps {
        return Err(ScheduleError::Beyond { timestep: first, train: config.train_steps });
    }
    let kept = remaining(list.len(), strength).min(list.len());
    if kept == 0 {
        return Err(ScheduleError::NothingLeft { given: list.len(), strength });
    }
    Ok(Timesteps { list: list[list.len() - kept..].to_vec(), asked: list.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(request: &StepRequest) -> Result<Vec<usize>, ScheduleError> {
        timesteps(&ScheduleConfig::default(), request).map(|t| t.list)
    }

    #[test]
    fn published_lists() {
        assert_eq!(list(&StepRequest::count(4)).unwrap(), [999, 759, 499, 259]);
        let weak = StepRequest { strength: 0.58, ..StepRequest::count(2) };
        assert_eq!(list(&weak).unwrap(), [559, 279]);
    }

    #[test]
    fn nonsense_is_refused() {
        for count in [0, 51, 1000, usize::MAX] {
            assert!(list(&StepRequest::count(count)).is_err(), "{count}");
        }
        for strength in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
            let request = StepRequest { strength, ..StepRequest::count(1) };
            assert!(matches!(list(&request), Err(ScheduleError::Strength { .. })), "{strength}");
        }
        for original in [0, 1001] {
            let request = StepRequest { original_steps: Some(original), ..StepRequest::count(1) };
            assert!(list(&request).is_err(), "{original}");
        }
        assert!(list(&StepRequest { strength: 0.0, ..StepRequest::count(1) }).is_err());
    }

    #[test]
    fn a_shortened_custom_list_is_noised_to_the_end() {
        let steps = Steps::Custom(vec![999, 759, 499, 259]);
        let request = StepRequest { steps, original_steps: None, strength: 0.5 };
        let timesteps = timesteps(&ScheduleConfig::default(), &request).unwrap();
        assert_eq!(timesteps.list(), [499, 259]);
        assert!(timesteps.is_noised(1));
        assert_eq!((timesteps.after(0), timesteps.after(1)), (259, 259));
    }
}
