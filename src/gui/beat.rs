//! How often the window is drawn where software draws it: each frame takes the engine's time then.

use std::time::{Duration, Instant};

use crate::engine::StageTimes;
use crate::flow::Pace;
use crate::studio::LiveState;

/// A picture that takes longer follows no pen, however much time the engine has.
const FOLLOWS_MS: f64 = 500.0;

/// Frames at a distance that leaves the engine most of the time.
#[derive(Clone, Debug)]
pub struct Beat(Pace);

impl Beat {
    /// For so many cores that draw the window and paint.
    pub fn new(cores: usize) -> Self {
        Self(Pace::new(distance(cores)))
    }

    /// Waits until the next frame may be drawn: not at all where nobody paints, or where the newest picture took too long.
    pub fn wait(&mut self, state: &LiveState, newest: &StageTimes) {
        if matches!(state, LiveState::Live | LiveState::Exploring) && newest.whole_ms() < FOLLOWS_MS {
            std::thread::sleep(self.0.wait(Instant::now()));
        }
    }
}

/// A frame takes some 40 ms of a core: so two fifths of the cores' time go to the window, and not, as soon as a pen moves, all of it.
fn distance(cores: usize) -> Duration {
    Duration::from_millis(100 / cores as u64).clamp(Duration::from_millis(16), Duration::from_millis(66))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_keeps_most_of_the_processor() {
        assert_eq!([1, 2, 4, 8, 64].map(|cores| distance(cores).as_millis()), [66, 50, 25, 16, 16]);
    }

    #[test]
    fn frames_wait_for_pictures_that_come_fast_alone() {
        let picture =
            |ms| StageTimes { encode_ms: ms, step_ms: vec![2.0 * ms; 2], decode_ms: ms, ..Default::default() };
        // The first frame never waits.
        let five = |state: &LiveState, ms: f64| {
            let (mut beat, begun) = (Beat::new(4), Instant::now());
            (0..5).for_each(|_| beat.wait(state, &picture(ms)));
            begun.elapsed()
        };
        assert!(five(&LiveState::Live, 5.0) >= Duration::from_millis(100));
        for (state, ms) in [(LiveState::Live, 100.0), (LiveState::Idle, 5.0), (LiveState::Paused, 5.0)] {
            let took = five(&state, ms);
            assert!(took < Duration::from_millis(80), "{took:?} in {state:?}, pictures of {} ms", 6.0 * ms);
        }
    }
}
