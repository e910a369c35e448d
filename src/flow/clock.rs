//! Time as a value that tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Says what time it is. Clones of a manual clock share their time.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    manual_us: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The machine's monotonic clock.
    pub fn system() -> Self {
        Self { start: Instant::now(), manual_us: None }
    }

    /// A clock that stands still until [`Clock::advance`].
    pub fn manual() -> Self {
        Self { start: Instant::now(), manual_us: Some(Arc::default()) }
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        match &self.manual_us {
            None => Instant::now(),
            Some(us) => self.start + Duration::from_micros(us.load(Ordering::Relaxed)),
        }
    }

    /// Moves a manual clock forward; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let Some(us) = &self.manual_us {
            us.fetch_add(by.as_micros() as u64, Ordering::Relaxed);
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.clone().advance(Duration::from_millis(5));
        assert_eq!(clock.now() - before, Duration::from_millis(5));
    }
}
