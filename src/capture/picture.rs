//! A picture file as a source: read on its own thread, delivered once, and again whenever the file changes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::CaptureState;
use super::outlet::Outlet;
use crate::flow::channel::{Receiver, RecvTimeoutError};
use crate::flow::panic_text;
use crate::frame::{self, Frame, PictureError};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells one version of a file from another.
type Version = Option<(SystemTime, u64)>;

pub(super) fn run(path: &Path, outlet: &mut Outlet, quit: &Receiver<()>) {
    outlet.state(CaptureState::Opening);
    let mut seen: Option<Version> = None;
    loop {
        let version = version(path);
        if seen != Some(version) {
            seen = Some(version);
            deliver(path, outlet);
        }
        if quit.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn deliver(path: &Path, outlet: &mut Outlet) {
    match guarded(path, frame::open) {
        Ok(frame) => {
            outlet.state(CaptureState::Live(frame.size()));
            outlet.frames.send(frame, Instant::now());
        }
        Err(error) => outlet.state(CaptureState::Trouble(error.into())),
    }
}

/// What `read` makes of the file; a decoder's own mistake is told as the file's.
fn guarded(path: &Path, read: impl FnOnce(&Path) -> Result<Frame, PictureError>) -> Result<Frame, PictureError> {
    catch_unwind(AssertUnwindSafe(|| read(path))).unwrap_or_else(|panic| {
        Err(PictureError::Broken { name: path.display().to_string(), text: panic_text(&*panic) })
    })
}

fn version(path: &Path) -> Version {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Capture, CaptureError, SourceSpec};
    use super::*;

    #[test]
    fn a_decoder_that_panics_is_trouble_that_names_the_file() {
        let error = guarded(Path::new("some/odd.png"), |_| panic!("index out of bounds")).unwrap_err().to_string();
        assert!(error.contains("odd.png") && error.contains("index out of bounds"), "{error}");
    }

    #[test]
    fn a_missing_file_is_trouble_that_names_it() {
        let capture = Capture::open(SourceSpec::Picture { path: "no/such/apple.png".into() }, Arc::new(|| ()));
        let next = || capture.states().recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(next(), CaptureState::Opening);
        let CaptureState::Trouble(error @ CaptureError::Picture(_)) = next() else { panic!("not in trouble") };
        assert!(error.to_string().contains("apple.png"), "{error}");
    }
}
