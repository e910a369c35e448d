//! When to be patient, when to say so, when to try again: the numbers of the supervisor, apart from its threads.

use std::time::Duration;

use crate::capture::CaptureError;

/// Silence after which a camera that was sending counts as stalled.
pub(super) const STREAM_PATIENCE: Duration = Duration::from_secs(2);
/// Silence that is allowed before the first picture: opening can take seconds on a sleeping USB port.
pub(super) const FIRST_FRAME_PATIENCE: Duration = Duration::from_secs(5);
/// How long a stalled device may resist being interrupted before its thread is left behind.
pub(super) const RESCUE_PATIENCE: Duration = Duration::from_secs(3);
/// How often the supervisor looks at the clock.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// How long a device thread may take to close when the source is closed.
pub(super) const CLOSE_PATIENCE: Duration = Duration::from_millis(240);
/// How many damaged pictures in a row are worth a word. Single ones are normal, above all just after opening.
pub(super) const BAD_IN_A_ROW: u32 = 30;

/// How long to wait before opening again, after this many failures without a picture in between (from 1).
pub(super) fn retry_after(error: &CaptureError, failures: u32) -> Duration {
    match error {
        CaptureError::Unplugged { .. } => Duration::from_secs(1),
        CaptureError::NoCamera | CaptureError::NotFound { .. } => Duration::from_secs(1),
        CaptureError::Busy { .. } | CaptureError::Denied { .. } => Duration::from_secs(2),
        _ => Duration::from_secs(1 << (failures.clamp(1, 4) - 1)),
    }
}

/// Whether a frame of this age is one the device had queued while we were busy. Frames older than their period have a
/// successor, so they are skipped, unless they had to be waited for: then the camera itself is late, and there is none newer.
/// Without a trustworthy age, a frame that came without waiting is taken for queued.
pub(super) fn is_stale(age: Option<Duration>, waited: Duration, period: Duration) -> bool {
    match age {
        Some(age) if age < Duration::from_secs(2) => waited < period / 4 && age > period + Duration::from_millis(4),
        _ => waited < Duration::from_millis(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_for_stalls_and_not_for_busy_cameras() {
        let id = || "0".to_owned();
        let stalled = CaptureError::Stalled { id: id(), seconds: 2 };
        let seconds: Vec<u64> = (1..7).map(|n| retry_after(&stalled, n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 8, 8]);
        assert_eq!(retry_after(&CaptureError::Busy { id: id() }, 9).as_secs(), 2);
        assert_eq!(retry_after(&CaptureError::Unplugged { id: id() }, 9).as_secs(), 1);
    }

    #[test]
    fn queued_frames_are_stale() {
        let ms = Duration::from_millis;
        assert!(!is_stale(Some(ms(10)), ms(0), ms(33)));
        assert!(is_stale(Some(ms(70)), ms(0), ms(33)) && is_stale(Some(ms(70)), ms(8), ms(33)));
        assert!(!is_stale(Some(ms(70)), ms(30), ms(33)), "a camera that is always late");
        assert!(is_stale(None, ms(0), ms(33)));
        assert!(!is_stale(None, ms(20), ms(33)));
        assert!(!is_stale(Some(Duration::from_secs(3600)), ms(20), ms(33)), "a clock that means something else");
    }
}
