//! A steady beat that does not drift and does not hurry to catch up.

use std::time::{Duration, Instant};

/// Says how long to wait for the next beat.
#[derive(Clone, Debug)]
pub struct Pace {
    period: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// A beat every `period`.
    pub fn new(period: Duration) -> Self {
        Self { period, next: None }
    }

    /// How long from `now` to the next beat. Beats that were missed are left out; the rhythm stays.
    pub fn wait(&mut self, now: Instant) -> Duration {
        let mut next = self.next.map_or(now, |last| last + self.period);
        if next + self.period < now {
            next = now;
        }
        self.next = Some(next);
        next.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beat_does_not_drift_and_does_not_hurry() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        let mut pace = Pace::new(ms(50));
        assert_eq!(pace.wait(start), ms(0));
        assert_eq!(pace.wait(start + ms(7)), ms(43), "the work took 7 ms");
        assert_eq!(pace.wait(start + ms(60)), ms(40), "10 ms late: the rhythm stays");
        assert_eq!(pace.wait(start + ms(1000)), ms(0), "far too late: from here on");
        assert_eq!(pace.wait(start + ms(1000)), ms(50));
    }
}
