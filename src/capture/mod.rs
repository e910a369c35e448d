//! Where live pictures come from: webcams, picture files, a moving test pattern. Each source has its own defended thread.
//!
//! A [`Capture`] is one open source. It never blocks its owner, says in [`CaptureState`]s how it is, and puts frames into
//! a newest-wins slot. It knows nothing of canvases or models.

mod error;
mod outlet;
mod pattern;
mod picture;
mod snapshot;
#[cfg(feature = "camera")]
mod webcam;
#[cfg(not(feature = "camera"))]
#[path = "webcam_off.rs"]
mod webcam;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::outlet::{FrameOutlet, Outlet, Wake};
use crate::flow::channel::{Receiver, Sender, bounded, unbounded};
use crate::flow::{LatestReceiver, Worker, latest};
use crate::frame::{Frame, Size};

pub use error::CaptureError;
pub use snapshot::snapshot;

/// How long a closing source may keep its owner waiting.
const CLOSE_PATIENCE: Duration = Duration::from_millis(300);

/// A saved description of a source to open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceSpec {
    /// No source: the drawing on its background.
    #[default]
    Drawing,
    /// A webcam, by its id (`/dev/video0`, or an index elsewhere).
    Camera {
        /// The id that [`CameraInfo`] gives.
        id: String,
        /// Flip left and right, as in a mirror.
        mirror: bool,
    },
    /// A picture file.
    Picture {
        /// The file.
        path: PathBuf,
    },
    /// The built-in moving test pattern.
    Pattern,
}

impl SourceSpec {
    /// Whether both are one device, perhaps seen differently.
    pub fn is_same_device(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Camera { id, .. }, Self::Camera { id: other, .. }) => id == other,
            _ => self == other,
        }
    }
}

/// A webcam that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// Stable within one boot; goes into [`SourceSpec::Camera`].
    pub id: String,
    /// What the device calls itself.
    pub name: String,
}

/// How a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureState {
    /// It was asked for and has not answered yet.
    Opening,
    /// Pictures of this size come.
    Live(Size),
    /// No pictures come, and why. The source goes on trying by itself.
    Trouble(CaptureError),
}

/// The webcams of this machine, sorted by number. A machine without any has an empty list.
///
/// # Errors
/// [`CaptureError::NotBuilt`] without the feature `camera`; the system's words when it cannot list them.
pub fn cameras() -> Result<Vec<CameraInfo>, CaptureError> {
    webcam::cameras()
}

/// One open source. Dropping it closes it within 300 ms; a thread that a broken driver holds is let go, never waited for.
///
/// ```
/// use std::sync::Arc;
/// use afterimage::capture::{Capture, SourceSpec};
/// let capture = Capture::open(SourceSpec::Pattern, Arc::new(|| ()));
/// capture.frames().wake().recv().unwrap();
/// assert_eq!(capture.frames().take().unwrap().size().width, 256);
/// ```
pub struct Capture {
    spec: SourceSpec,
    frames: LatestReceiver<Frame>,
    states: Receiver<CaptureState>,
    worker: Option<Worker>,
    quit: Option<Sender<()>>,
    /// Whether a camera's frames are flipped.
    mirror: Arc<AtomicBool>,
    /// Keeps both channels open when a source's thread has ended, so that nobody's `select!` spins on a closed one.
    _open: (FrameOutlet, Sender<CaptureState>),
}

impl Capture {
    /// Starts opening a source and returns at once. `wake` is called from its threads after each frame and state.
    pub fn open(spec: SourceSpec, wake: Wake) -> Self {
        let (frame_sender, frames) = latest();
        let (state_sender, states) = unbounded();
        let (quit, quit_receiver) = bounded(0);
        let frame_outlet = FrameOutlet::new(frame_sender, wake);
        let open = (frame_outlet.clone(), state_sender.clone());
        let mirror = Arc::new(AtomicBool::new(matches!(spec, SourceSpec::Camera { mirror: true, .. })));
        let outlet = Outlet::new(frame_outlet, state_sender);
        let worker = start(spec.clone(), mirror.clone(), outlet, quit_receiver);
        Self { spec, frames, states, worker, quit: Some(quit), mirror, _open: open }
    }

    /// Becomes what `spec` describes if the open device can do so at its next frame; otherwise stays as it is and says `false`.
    pub fn become_like(&mut self, spec: &SourceSpec) -> bool {
        if !self.spec.is_same_device(spec) {
            return false;
        }
        self.spec = spec.clone();
        self.mirror.store(matches!(spec, SourceSpec::Camera { mirror: true, .. }), Ordering::Relaxed);
        true
    }

    /// What was opened.
    pub fn spec(&self) -> &SourceSpec {
        &self.spec
    }

    /// The newest frame. Ids count up from 1; `taken` is when it arrived.
    pub fn frames(&self) -> &LatestReceiver<Frame> {
        &self.frames
    }

    /// Every change of state, in order.
    pub fn states(&self) -> &Receiver<CaptureState> {
        &self.states
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // The threads wait on this channel: closing it wakes them wherever they are waiting of their own will.
        self.quit = None;
        let Some(worker) = self.worker.take() else { return };
        if !worker.stop_within(CLOSE_PATIENCE) {
            log::warn!("a source did not close in {} ms; its thread is left behind", CLOSE_PATIENCE.as_millis());
        }
    }
}

fn start(spec: SourceSpec, mirror: Arc<AtomicBool>, mut outlet: Outlet, quit: Receiver<()>) -> Option<Worker> {
    let mut spare = outlet.twin();
    let worker = match spec {
        SourceSpec::Drawing => return None,
        SourceSpec::Camera { id, .. } => Worker::spawn("camera", move |_| webcam::run(id, mirror, &mut outlet, &quit)),
        SourceSpec::Picture { path } => Worker::spawn("picture", move |_| picture::run(&path, &mut outlet, &quit)),
        SourceSpec::Pattern => Worker::spawn("pattern", move |_| pattern::run(&mut outlet, &quit)),
    };
    match worker {
        Ok(worker) => Some(worker),
        Err(error) => {
            spare.state(CaptureState::Trouble(CaptureError::Thread { reason: error.to_string() }));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_drawing_has_no_frames_and_no_closed_channels() {
        let capture = Capture::open(SourceSpec::Drawing, Arc::new(|| ()));
        let patience = Duration::from_millis(1);
        assert!(matches!(
            capture.frames().wake().recv_timeout(patience),
            Err(crate::flow::channel::RecvTimeoutError::Timeout)
        ));
        assert!(matches!(
            capture.states().recv_timeout(patience),
            Err(crate::flow::channel::RecvTimeoutError::Timeout)
        ));
    }

    #[test]
    fn frames_are_numbered_and_the_owner_is_woken() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let capture = Capture::open(SourceSpec::Pattern, Arc::new(move || _ = count.fetch_add(1, Ordering::Relaxed)));
        let mut last = 0;
        for _ in 0..3 {
            capture.frames().wake().recv_timeout(Duration::from_secs(10)).unwrap();
            let frame = capture.frames().take().unwrap();
            assert!(frame.id > last);
            last = frame.id;
        }
        assert!(woken.load(Ordering::Relaxed) >= 3);
        assert_eq!(capture.states().try_recv(), Ok(CaptureState::Live(pattern::SIZE)));
        let closing = Instant::now();
        drop(capture);
        assert!(closing.elapsed() < CLOSE_PATIENCE);
    }

    #[test]
    fn only_the_same_camera_becomes_a_mirror_without_being_opened_again() {
        let camera = |id: &str, mirror| SourceSpec::Camera { id: id.into(), mirror };
        let mut capture = Capture::open(camera("no such camera", true), Arc::new(|| ()));
        assert!(capture.become_like(&camera("no such camera", false)));
        assert!(!capture.mirror.load(Ordering::Relaxed));
        assert_eq!(capture.spec(), &camera("no such camera", false));
        assert!(!capture.become_like(&camera("another", false)));
        assert!(!capture.become_like(&SourceSpec::Pattern));
        assert_eq!(capture.spec(), &camera("no such camera", false));
    }

    #[test]
    fn every_error_has_a_remedy() {
        let id = || "/dev/video0".to_owned();
        for error in [
            CaptureError::NoCamera,
            CaptureError::NotFound { id: id() },
            CaptureError::Busy { id: id() },
            CaptureError::Denied { id: id() },
            CaptureError::Unplugged { id: id() },
            CaptureError::Stalled { id: id(), seconds: 2 },
            CaptureError::Unsupported { id: id() },
            CaptureError::NotBuilt,
        ] {
            assert!(error.remedy().len() > 10 && !error.to_string().ends_with('.'), "{error}");
        }
    }
}
