//! One picture from a camera, for those who wait: the command line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Capture, CaptureError, CaptureState, SourceSpec, cameras};
use crate::frame::Frame;

/// A camera's first pictures are dark: it has to find its exposure.
const WARM_UP: Duration = Duration::from_millis(600);

/// Takes one picture with the camera `id`, or with the first camera there is. Waits at most `timeout`.
///
/// # Errors
/// Why no picture came; trouble that does not pass by itself is reported at once.
pub fn snapshot(id: Option<&str>, timeout: Duration) -> Result<Frame, CaptureError> {
    let id = match id {
        Some(id) => id.to_owned(),
        None => cameras()?.into_iter().next().ok_or(CaptureError::NoCamera)?.id,
    };
    let start = Instant::now();
    let capture = Capture::open(SourceSpec::Camera { id: id.clone(), mirror: false }, Arc::new(|| ()));
    let mut newest: Option<(Frame, Instant)> = None;
    let mut trouble = CaptureError::Stalled { id, seconds: timeout.as_secs() };
    while start.elapsed() < timeout {
        if capture.frames().wake().recv_timeout(Duration::from_millis(50)).is_ok()
            && let Some(frame) = capture.frames().take()
        {
            let first = newest.map_or_else(Instant::now, |(_, first)| first);
            newest = Some((frame, first));
        }
        for state in capture.states().try_iter() {
            let CaptureState::Trouble(error) = state else { continue };
            if !passes(&error) && newest.is_none() {
                return Err(error);
            }
            trouble = error;
        }
        if newest.as_ref().is_some_and(|(_, first)| first.elapsed() >= WARM_UP) {
            break;
        }
    }
    newest.map(|(frame, _)| frame).ok_or(trouble)
}

/// Whether waiting may help.
fn passes(error: &CaptureError) -> bool {
    matches!(error, CaptureError::Stalled { .. } | CaptureError::BadFrames { .. } | CaptureError::Backend { .. })
}
