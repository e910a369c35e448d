//! Builds without the feature `video`: the same functions, and a polite error.

use std::path::Path;
use std::time::Duration;

use super::{RecordError, VideoLabel};
use crate::frame::{Frame, Size};

/// Whether videos can be written by this build.
pub const CAN_WRITE_VIDEO: bool = false;

/// How large pictures become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlarge {
    /// As they are.
    Not,
    /// Twice as wide and high.
    Twice,
}

/// A video file; there is none in this build.
pub struct VideoWriter(std::convert::Infallible);

impl VideoWriter {
    /// Begins no video.
    ///
    /// # Errors
    /// Always [`RecordError::NoVideo`].
    pub fn create(path: &Path, _: Size, _: Enlarge, _: VideoLabel) -> Result<Self, RecordError> {
        Err(RecordError::NoVideo { path: path.display().to_string() })
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn write(&mut self, _: &Frame, _: Duration) -> Result<(), RecordError> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn flush(&mut self, _: Duration) -> Result<(), RecordError> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn finish(self, _: Duration) -> Result<(), RecordError> {
        match self.0 {}
    }

    /// Never called.
    pub fn bytes(&self) -> u64 {
        match self.0 {}
    }
}
