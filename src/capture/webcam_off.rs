//! The twin of `webcam` for a build without cameras: the same functions, and a polite error.

use super::outlet::Outlet;
use super::{CameraInfo, CaptureError, CaptureState};
use crate::flow::channel::Receiver;

pub(super) fn cameras() -> Result<Vec<CameraInfo>, CaptureError> {
    Err(CaptureError::NotBuilt)
}

#[expect(clippy::needless_pass_by_value, reason = "the same signature as its twin")]
pub(super) fn run(_id: String, _mirror: bool, outlet: &mut Outlet, _quit: &Receiver<()>) {
    outlet.state(CaptureState::Trouble(CaptureError::NotBuilt));
}
