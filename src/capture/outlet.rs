//! The way out of a source's threads: frames, states and the wake call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::CaptureState;
use crate::flow::LatestSender;
use crate::flow::channel::Sender;
use crate::frame::Frame;

/// Called whenever there is news.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// Where frames go. Clones share the numbering.
#[derive(Clone)]
pub(super) struct FrameOutlet {
    frames: LatestSender<Frame>,
    count: Arc<AtomicU64>,
    wake: Wake,
}

impl FrameOutlet {
    pub(super) fn new(frames: LatestSender<Frame>, wake: Wake) -> Self {
        Self { frames, count: Arc::default(), wake }
    }

    /// Sends `frame`, numbered from 1 and stamped with its arrival.
    pub(super) fn send(&self, frame: Frame, taken: Instant) {
        let id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        self.frames.send(frame.stamped(id, taken));
        (self.wake)();
    }

    /// Counts a frame that was too old to be sent.
    #[cfg_attr(not(feature = "camera"), expect(dead_code, reason = "only a camera is ever too slow"))]
    pub(super) fn count_dropped(&self) {
        self.frames.count_dropped();
    }
}

/// Where a source's only writer of states puts them.
pub(super) struct Outlet {
    pub(super) frames: FrameOutlet,
    states: Sender<CaptureState>,
    last: Option<CaptureState>,
}

impl Outlet {
    pub(super) fn new(frames: FrameOutlet, states: Sender<CaptureState>) -> Self {
        Self { frames, states, last: None }
    }

    /// A second way out for the same states, for the time before the thread runs.
    pub(super) fn twin(&self) -> Self {
        Self { frames: self.frames.clone(), states: self.states.clone(), last: None }
    }

    /// Says `state` if it is news.
    pub(super) fn state(&mut self, state: CaptureState) {
        if self.last.as_ref() == Some(&state) {
            return;
        }
        if let CaptureState::Trouble(error) = &state {
            log::info!("{error}");
        }
        self.last = Some(state.clone());
        // Nobody listens any more when the owner is gone; then there is nothing to tell.
        self.states.send(state).ok();
        (self.frames.wake)();
    }
}
