//! The twin of `webcam` for a build without cameras: the same functions, and a polite error.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::outlet::Outlet;
use super::{CameraInfo, CaptureError, CaptureState};
use crate::flow::channel::Receiver;

pub(super) fn cameras() -> Result<Vec<CameraInfo>, CaptureError> {
    Err(CaptureError::NotBuilt)
}

pub(super) fn run(_id: String, _mirror: Arc<AtomicBool>, outlet: &mut Outlet, _quit: &Receiver<()>) {
    outlet.state(CaptureState::Trouble(CaptureError::NotBuilt));
}
