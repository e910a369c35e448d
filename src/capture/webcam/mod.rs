//! Webcams: a supervisor thread that opens, watches and reopens, and a device thread that is all nokhwa ever sees.
//!
//! nokhwa can hang, panic and hand out old frames, so nothing else touches it: the device thread drains the camera and
//! decodes, the supervisor only listens to it and keeps time. What it decides is in [`policy`].

mod choice;
mod device;
mod guard;
mod interrupt;
mod list;
mod policy;
mod session;

pub(super) use list::cameras;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use self::policy::retry_after;
use self::session::{CameraSession, End};
use super::outlet::Outlet;
use super::{CaptureError, CaptureState};
use crate::flow::Worker;
use crate::flow::channel::{Receiver, RecvTimeoutError};

/// How many device threads may hang in a broken driver before no new one is started.
const MAX_LEFT_BEHIND: usize = 2;
/// How often a camera that is not there is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Shows the camera `id` until `quit` closes.
pub(super) fn run(id: String, mirror: Arc<AtomicBool>, outlet: &mut Outlet, quit: &Receiver<()>) {
    outlet.state(CaptureState::Opening);
    let mut left_behind: Vec<Worker> = Vec::new();
    let mut failures = 0;
    // A camera may come back under another number; then its name says that it is the same.
    let mut target = list::Target::new(id);
    loop {
        let id = target.find();
        let end = CameraSession::new(&id, &mirror, outlet)
            .map_or_else(End::from, |session| session.run(quit, &mut left_behind));
        let End::Trouble { error, was_live } = end else { return };
        failures = if was_live { 1 } else { failures + 1 };
        let pause = retry_after(&error, failures);
        outlet.state(CaptureState::Trouble(target.what_it_means(error)));
        if !pause_unless(quit, pause) {
            return;
        }
        left_behind.retain(|worker| !worker.is_finished());
        while target.is_away() || left_behind.len() > MAX_LEFT_BEHIND {
            if !pause_unless(quit, LOOK_EVERY) {
                return;
            }
            left_behind.retain(|worker| !worker.is_finished());
        }
    }
}

/// Waits; `false` as soon as the source is closed.
fn pause_unless(quit: &Receiver<()>, pause: Duration) -> bool {
    quit.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
}

impl From<CaptureError> for End {
    fn from(error: CaptureError) -> Self {
        Self::Trouble { error, was_live: false }
    }
}
