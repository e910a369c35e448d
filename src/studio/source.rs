//! The thread between a source and everybody who looks at it: forwards each frame to the engine and to the window.
//!
//! It exists so that closing a stalled camera blocks neither of them, and so that the window shows the camera at its own
//! rate while the engine is busy.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::tally::Tally;
use super::{Event, Notice, SourceFrame, SourceState, Wake};
use crate::canvas::Document;
use crate::capture::{Capture, CaptureState, SourceSpec};
use crate::flow::channel::{Receiver, Sender, never, select};
use crate::flow::{LatestSender, Worker, panic_text};
use crate::frame::{self, Frame, fit_longer_side};

/// What the thread holds.
pub(super) struct SourcePump {
    /// Which source to open next; closed to end the thread.
    pub specs: Receiver<SourceSpec>,
    /// To the engine; `None` says that there is no source any more.
    pub engine: LatestSender<Option<Frame>>,
    /// To the window.
    pub frames: LatestSender<SourceFrame>,
    /// To the studio's owner.
    pub events: Sender<Event>,
    /// Where inputs went.
    pub tally: Arc<Tally>,
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
                    Ok(spec) if capture.as_mut().is_some_and(|open| open.become_like(&spec)) => {}
                    Ok(spec) => {
                        if let Some(old) = &capture {
                            self.count_lost(old, &mut counted);
                        }
                        capture = self.open(spec, capture.take());
                        counted = 0;
                    }
                    Err(_) => return,
                },
                recv(frames) -> news => match (news, capture.as_ref().and_then(|open| open.frames().take())) {
                    (_, Some(frame)) => {
                        if let Some(open) = &capture {
                            self.count_lost(open, &mut counted);
                            self.forward(frame, open.spec().clone());
                        }
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
        self.send_to_engine(None);
        if spec == SourceSpec::Drawing {
            self.events.send(Event::Source(SourceState::Drawing)).ok();
            (self.wake)();
            return None;
        }
        self.events.send(Event::Source(SourceState::Opening)).ok();
        // News are passed on by this thread, which hears of them through its channels.
        Some(Capture::open(spec, Arc::new(|| {})))
    }

    /// Adds what `open` passed over since `counted`.
    fn count_lost(&self, open: &Capture, counted: &mut u64) {
        let dropped = open.frames().dropped();
        self.tally.lose(dropped.saturating_sub(*counted));
        *counted = dropped;
    }

    /// The end of a source is no input, so only a frame counts when it is overtaken.
    fn send_to_engine(&self, base: Option<Frame>) {
        if self.engine.replace(base).flatten().is_some() {
            self.tally.overtake(1);
        }
    }

    fn forward(&self, frame: Frame, source: SourceSpec) {
        self.tally.arrive();
        // The engine first: making a large picture small enough to show takes a while.
        self.send_to_engine(Some(frame.clone()));
        match catch_unwind(AssertUnwindSafe(|| shown(&frame))) {
            Ok(shown) => _ = self.frames.send(SourceFrame { whole: frame, source, shown }),
            Err(panic) => {
                let what = format!("The source's picture cannot be shown: {}", panic_text(panic.as_ref()));
                let notice = Notice::error(what, "choose another source, and please report this");
                self.events.send(Event::Notice(notice)).ok();
            }
        }
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

/// `frame` with no side longer than a canvas may have, which every graphics card can show. The window is not asked to do
/// this: it would stand still for a large photograph.
fn shown(frame: &Frame) -> Frame {
    let size = frame.size();
    if size.longer_side() <= Document::MAX_SIDE {
        return frame.clone();
    }
    let small = fit_longer_side(size, Document::MAX_SIDE, 1);
    frame::scale(frame, frame::Crop::whole(size), small)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn what_is_shown_is_never_too_large() {
        for (size, wanted) in [((5000, 2500), (2048, 1024)), ((2048, 7), (2048, 7)), ((60_000, 1), (2048, 1))] {
            let frame = Frame::filled(Size::new(size.0, size.1), [1, 2, 3, 255]);
            let small = shown(&frame);
            assert_eq!(small.size(), Size::new(wanted.0, wanted.1));
            assert_eq!(small.pixel(0, 0), [1, 2, 3, 255]);
        }
    }
}
