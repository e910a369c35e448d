//! Stand-ins for rooms that are being built; each goes away when its room is there.

use std::path::Path;

use crate::frame::{Frame, FrameError};

pub fn save_png(_: &Path, _: &Frame, _: &[(&str, &str)]) -> Result<(), FrameError> {
    Ok(())
}
