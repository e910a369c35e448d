//! The tables of a schedule: betas, and the share of signal left at each timestep.

use super::config::{BetaCurve, ScheduleConfig};

/// Betas of `config` in f32, formed as the reference forms them.
pub fn betas(config: &ScheduleConfig) -> Vec<f32> {
    let betas = match &config.trained_betas {
        Some(given) => given.iter().map(|b| *b as f32).collect(),
        None => curve(config),
    };
    if config.zero_terminal_snr { without_terminal_signal(&betas) } else { betas }
}

/// The running product of 1 - beta, accumulated in f64.
pub fn alphas_cumprod(betas: &[f32]) -> Vec<f32> {
    let product = |left: &mut f64, beta: &f32| {
        *left *= f64::from(1.0 - beta);
        Some(*left as f32)
    };
    betas.iter().scan(1.0, product).collect()
}

fn curve(config: &ScheduleConfig) -> Vec<f32> {
    let (start, end, count) = (config.beta_start, config.beta_end, config.train_steps);
    match config.curve {
        BetaCurve::Linear => linspace(start as f32, end as f32, count),
        BetaCurve::ScaledLinear => {
            linspace(start.sqrt() as f32, end.sqrt() as f32, count).iter().map(|root| root * root).collect()
        }
        BetaCurve::SquaredCosine => squared_cosine(count),
    }
}

/// Even steps from both ends towards the middle, so that both ends are exact.
fn linspace(start: f32, end: f32, count: usize) -> Vec<f32> {
    let step = (end - start) / (count.max(2) - 1) as f32;
    let value = |i| if i < count / 2 { start + step * i as f32 } else { end - step * (count - i - 1) as f32 };
    if count == 1 { vec![start] } else { (0..count).map(value).collect() }
}

fn squared_cosine(count: usize) -> Vec<f32> {
    let signal = |i: usize| {
        let u = i as f64 / count as f64;
        libm::cos((u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).powi(2)
    };
    (0..count).map(|i| (1.0 - signal(i + 1) / signal(i)).min(0.999) as f32).collect()
}

/// Bends the schedule so that the last timestep holds no signal ([Lin et al.](https://arxiv.org/abs/2305.08891)).
fn without_terminal_signal(betas: &[f32]) -> Vec<f32> {
    let roots: Vec<f32> = alphas_cumprod(betas).iter().map(|a| a.sqrt()).collect();
    let (Some(&first), Some(&last)) = (roots.first(), roots.last()) else { return Vec::new() };
    if first == last {
        return betas.to_vec();
    }
    let bent: Vec<f32> = roots.iter().map(|root| ((root - last) * (first / (first - last))).powi(2)).collect();
    let ratio = |i: usize| if i == 0 { bent[0] } else { bent[i] / bent[i - 1] };
    (0..bent.len()).map(|i| 1.0 - ratio(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_curve_are_exact() {
        let betas = betas(&ScheduleConfig { curve: BetaCurve::Linear, ..ScheduleConfig::default() });
        assert_eq!((betas[0], betas[999]), (0.00085, 0.012));
        assert_eq!(linspace(0.1, 0.2, 1), [0.1]);
    }

    #[test]
    fn a_bent_schedule_ends_without_signal() {
        let config = ScheduleConfig { zero_terminal_snr: true, ..ScheduleConfig::default() };
        let left = alphas_cumprod(&betas(&config));
        assert_eq!(left[999], 0.0);
        assert!(left[0] > 0.99);
    }
}
