//! Rates and percentiles over a short window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a [`Rate`] looks back.
const RATE_WINDOW: Duration = Duration::from_secs(2);
/// How many samples a [`Latency`] keeps.
const LATENCY_SAMPLES: usize = 256;

/// Events a second over the last two seconds, or between the last two events where those are further apart.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    times: VecDeque<Instant>,
}

impl Rate {
    /// Counts one event at `now`.
    pub fn tick(&mut self, now: Instant) {
        self.times.push_back(now);
        self.trim(now);
    }

    /// Events a second as of `now`; 0 until there were two. Once nothing comes any more it falls, but never to 0.
    pub fn per_second(&mut self, now: Instant) -> f64 {
        self.trim(now);
        let (Some(first), Some(last)) = (self.times.front(), self.times.back()) else { return 0.0 };
        // A pause after the last event counts once it is longer than the usual gap.
        let gap = last.duration_since(*first) / (self.times.len().max(2) - 1) as u32;
        let silence = now.saturating_duration_since(*last).saturating_sub(RATE_WINDOW.max(gap));
        let span = (last.duration_since(*first) + silence).as_secs_f64();
        if span <= 0.0 { 0.0 } else { (self.times.len() - 1) as f64 / span }
    }

    fn trim(&mut self, now: Instant) {
        // Two events stay, so that a rate below one in two seconds is still a rate.
        while self.times.len() > 2
            && self.times.front().is_some_and(|first| now.saturating_duration_since(*first) > RATE_WINDOW)
        {
            self.times.pop_front();
        }
    }
}

/// Percentiles of the last 256 durations.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    samples_ms: VecDeque<f64>,
}

impl Latency {
    /// Adds a duration.
    pub fn add(&mut self, duration: Duration) {
        if self.samples_ms.len() == LATENCY_SAMPLES {
            self.samples_ms.pop_front();
        }
        self.samples_ms.push_back(duration.as_secs_f64() * 1e3);
    }

    /// The `p`-th percentile (0..=100) in milliseconds by nearest rank; `None` without samples.
    pub fn percentile_ms(&self, p: f64) -> Option<f64> {
        if self.samples_ms.is_empty() {
            return None;
        }
        let mut sorted: Vec<f64> = self.samples_ms.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let rank = (p / 100.0 * sorted.len() as f64).ceil() as usize;
        Some(sorted[rank.clamp(1, sorted.len()) - 1])
    }

    /// The durations kept, oldest first, in milliseconds.
    pub fn samples_ms(&self) -> impl Iterator<Item = f64> + '_ {
        self.samples_ms.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_events_in_nine_tenths_of_a_second_are_ten_a_second() {
        let start = Instant::now();
        let mut rate = Rate::default();
        for i in 0..10 {
            rate.tick(start + Duration::from_millis(100 * i));
        }
        assert!((rate.per_second(start + Duration::from_millis(950)) - 10.0).abs() < 1e-9);
        assert!(rate.per_second(start + Duration::from_secs(60)) < 0.1);
    }

    #[test]
    fn a_slow_rate_is_still_a_rate() {
        let start = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(start), 0.0);
        for i in 0..5 {
            rate.tick(start + Duration::from_secs(5 * i));
            assert_eq!(rate.per_second(start + Duration::from_secs(5 * i)) > 0.0, i > 0, "two events make a rate");
        }
        assert!((rate.per_second(start + Duration::from_secs(21)) - 0.2).abs() < 1e-9);
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut latency = Latency::default();
        assert_eq!(latency.percentile_ms(50.0), None);
        for ms in 1..=100 {
            latency.add(Duration::from_millis(ms));
        }
        assert_eq!(latency.percentile_ms(50.0), Some(50.0));
        assert_eq!(latency.percentile_ms(95.0), Some(95.0));
    }
}
