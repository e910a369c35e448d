//! One opening of a camera, from the supervisor's side: starts the device thread, listens to it, keeps time, ends it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::device::{self, Order, Report};
use super::interrupt::Interrupt;
use super::policy::{BAD_IN_A_ROW, CLOSE_PATIENCE, FIRST_FRAME_PATIENCE, RESCUE_PATIENCE, STREAM_PATIENCE, TICK};
use crate::capture::outlet::Outlet;
use crate::capture::{CaptureError, CaptureState};
use crate::flow::Worker;
use crate::flow::channel::{Receiver, select, unbounded};

/// How a session ended.
pub(super) enum End {
    /// The source was closed.
    Closed,
    /// The camera failed; `was_live` when it had shown a picture before.
    Trouble { error: CaptureError, was_live: bool },
}

/// An opening of a camera.
pub(super) struct CameraSession<'a> {
    id: &'a str,
    outlet: &'a mut Outlet,
    device: Worker,
    reports: Receiver<Report>,
    interrupt: Interrupt,
    last_sign: Instant,
    patience: Duration,
    bad_in_a_row: u32,
    was_live: bool,
    /// Why the device thread was asked to end. Whatever it still says, that is why it ends.
    stopping: Option<CaptureError>,
}

impl<'a> CameraSession<'a> {
    /// Starts to open the camera `id`.
    pub(super) fn new(id: &'a str, mirror: &Arc<AtomicBool>, outlet: &'a mut Outlet) -> Result<Self, CaptureError> {
        let (sender, reports) = unbounded();
        let interrupt = Interrupt::default();
        let order = Order { id: id.to_owned(), mirror: mirror.clone(), frames: outlet.frames.clone(), reports: sender };
        let theirs = interrupt.clone();
        let device = Worker::spawn("camera-device", move |stop| {
            let _reachable = theirs.here();
            device::run(&order, &stop);
        })
        .map_err(|error| CaptureError::Thread { reason: error.to_string() })?;
        Ok(Self {
            id,
            outlet,
            device,
            reports,
            interrupt,
            last_sign: Instant::now(),
            patience: FIRST_FRAME_PATIENCE,
            bad_in_a_row: 0,
            was_live: false,
            stopping: None,
        })
    }

    /// Watches until the camera fails or `quit` closes. A thread that cannot be ended goes to `left_behind`.
    pub(super) fn run(mut self, quit: &Receiver<()>, left_behind: &mut Vec<Worker>) -> End {
        let reports = self.reports.clone();
        loop {
            select! {
                recv(quit) -> _ => {
                    self.close();
                    return End::Closed;
                }
                recv(reports) -> report => {
                    let report = report.unwrap_or_else(|_| Report::Ended(self.silent_end()));
                    if let Some(error) = self.hear(report) {
                        return End::Trouble { error, was_live: self.was_live };
                    }
                }
                default(TICK) => {}
            }
            if let Some(error) = self.look_at_the_clock() {
                log::warn!("{error}; its thread is left behind");
                left_behind.push(self.device);
                return End::Trouble { error, was_live: self.was_live };
            }
        }
    }

    fn hear(&mut self, report: Report) -> Option<CaptureError> {
        if let Report::Ended(error) = report {
            // An interrupted wait is our own doing: what is wrong is the stall.
            return Some(self.stopping.take().unwrap_or(error));
        }
        self.last_sign = Instant::now();
        match report {
            Report::Opened => self.patience = FIRST_FRAME_PATIENCE,
            Report::Frame(size) => {
                self.patience = STREAM_PATIENCE;
                self.bad_in_a_row = 0;
                self.was_live = true;
                // The last frame of a thread that is about to end is no sign of life.
                if self.stopping.is_none() {
                    self.outlet.state(CaptureState::Live(size));
                }
            }
            Report::BadFrame => {
                self.bad_in_a_row += 1;
                if self.bad_in_a_row == BAD_IN_A_ROW {
                    let error = CaptureError::BadFrames { id: self.id.to_owned(), in_a_row: BAD_IN_A_ROW };
                    self.outlet.state(CaptureState::Trouble(error));
                }
            }
            Report::Ended(_) => {}
        }
        None
    }

    /// Notices a stall and tries to end it. The error comes when that does not help either.
    fn look_at_the_clock(&mut self) -> Option<CaptureError> {
        let silence = self.last_sign.elapsed();
        if silence < self.patience {
            return None;
        }
        let error = CaptureError::Stalled { id: self.id.to_owned(), seconds: self.patience.as_secs() };
        self.outlet.state(CaptureState::Trouble(error.clone()));
        self.stopping = Some(error.clone());
        self.device.stop_token().stop();
        self.interrupt.send();
        (silence > self.patience + RESCUE_PATIENCE).then_some(error)
    }

    fn silent_end(&self) -> CaptureError {
        CaptureError::Backend { id: self.id.to_owned(), reason: "its thread ended without a word".into() }
    }

    /// Ends the device thread, or leaves it behind when it does not listen.
    fn close(self) {
        self.device.stop_token().stop();
        let deadline = Instant::now() + CLOSE_PATIENCE;
        while !self.device.is_finished() && Instant::now() < deadline {
            self.interrupt.send();
            std::thread::sleep(Duration::from_millis(4));
        }
        if !self.device.is_finished() {
            log::warn!("the camera {} does not answer; its thread is left behind", self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::outlet::FrameOutlet;
    use crate::flow::latest;
    use crate::frame::Size;

    #[test]
    fn a_stall_is_the_reason_whatever_came_late() {
        let (states, heard) = unbounded();
        let mut outlet = Outlet::new(FrameOutlet::new(latest().0, Arc::new(|| ())), states);
        let (late, reports) = unbounded();
        let mut session = CameraSession {
            id: "0",
            outlet: &mut outlet,
            device: Worker::spawn("camera-device", |_| ()).unwrap(),
            reports,
            interrupt: Interrupt::default(),
            last_sign: Instant::now().checked_sub(STREAM_PATIENCE).unwrap(),
            patience: STREAM_PATIENCE,
            bad_in_a_row: 0,
            was_live: true,
            stopping: None,
        };
        assert_eq!(session.look_at_the_clock(), None, "it may still end by itself");
        // This was on its way when the clock struck, and then the thread ends as it was told to, without a word.
        late.send(Report::Frame(Size::square(8))).unwrap();
        drop(late);
        let End::Trouble { error, .. } = session.run(&unbounded().1, &mut Vec::new()) else { panic!("it was closed") };
        let stalled = CaptureError::Stalled { id: "0".into(), seconds: STREAM_PATIENCE.as_secs() };
        assert_eq!(error, stalled);
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [CaptureState::Trouble(stalled)], "it did not live again");
    }
}
