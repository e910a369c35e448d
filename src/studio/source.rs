//! The thread between a source and everybody who looks at it: forwards each frame to the engine and to the window.
//!
//! It exists so that closing a stalled camera blocks neither of them, and so that the window shows the camera at its own
//! rate while the engine is busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Event, Notice, SourceState, Wake};
use crate::capture::{Capture, CaptureState, SourceSpec};
use crate::flow::channel::{Receiver, Sender, never, select};
use crate::flow::{LatestSender, Worker};
use crate::frame::Frame;

/// What the thread holds.
pub(super) struct SourcePump {
    /// Which source to open next; closed to end the thread.
    pub specs: Receiver<SourceSpec>,
    /// To the engine; `None` says that there is no source any more.
    pub engine: LatestSender<Option<Frame>>,
    /// To the window.
    pub preview: LatestSender<Frame>,
    /// To the studio's owner.
    pub events: Sender<Event>,
    /// Counts frames, for the input rate.
    pub seen: Arc<AtomicU64>,
    /// Counts frames that the source passed over: stale, damaged or overtaken.
    pub lost: Arc<AtomicU64>,
    /// Called on news.
    pub wake: Wake,
}

impl SourcePump {
    /// Starts the thread.
    pub(super) fn spawn(self) -> std::io::Result<Worker> {
        Worker::spawn("source", move |_| self.run())
    }

    fn run(self) {
        let mut capture: Option<Capture> = None;
        let mut counted = 0;
        let (no_frames, no_states) = (never(), never());
        loop {
            let frames = capture.as_ref().map_or(&no_frames, |open| open.frames().wake());
            let states = capture.as_ref().map_or(&no_states, Capture::states);
            select! {
                recv(self.specs) -> spec => match spec {
                    Ok(spec) => {
                        capture = self.open(spec, capture.take());
                        counted = 0;
                    }
                    Err(_) => return,
                },
                recv(frames) -> news => match (news, capture.as_ref().and_then(|open| open.frames().take())) {
                    (_, Some(frame)) => {
                        let dropped = capture.as_ref().map_or(0, |open| open.frames().dropped());
                        self.lost.fetch_add(dropped.saturating_sub(counted), Ordering::Relaxed);
                        counted = dropped;
                        self.forward(frame);
                    }
                    (Ok(()), None) => {}
                    (Err(_), None) => capture = None,
                },
                recv(states) -> state => match state {
                    Ok(state) => self.tell(state),
                    Err(_) => capture = None,
                },
            }
        }
    }

    fn open(&self, spec: SourceSpec, old: Option<Capture>) -> Option<Capture> {
        drop(old);
        // Whatever was on its way from the old source is not wanted any more.
        self.engine.send(None);
        if spec == SourceSpec::Drawing {
            self.events.send(Event::Source(SourceState::Drawing)).ok();
            (self.wake)();
            return None;
        }
        self.events.send(Event::Source(SourceState::Opening)).ok();
        // News are passed on by this thread, which hears of them through its channels.
        Some(Capture::open(spec, Arc::new(|| {})))
    }

    fn forward(&self, frame: Frame) {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.preview.send(frame.clone());
        self.engine.send(Some(frame));
        (self.wake)();
    }

    fn tell(&self, state: CaptureState) {
        let state = match state {
            CaptureState::Opening => SourceState::Opening,
            CaptureState::Live(size) => SourceState::Live(size),
            CaptureState::Trouble(error) => SourceState::Trouble(Notice::warning(error.to_string(), error.remedy())),
        };
        self.events.send(Event::Source(state)).ok();
        (self.wake)();
    }
}
