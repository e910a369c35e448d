//! Pictures with their times to a video file: H.264 in MP4, which plays everywhere.
//!
//! ```text
//! Frame -> yuv (4:2:0, BT.709) -> h264 (OpenH264) -> mp4 (pieces of two seconds) -> file
//! ```
//!
//! Each picture stays until the next one comes, so one that does not change takes no room. The file can be played up to the
//! last piece that was written, whatever happens to the program.

mod h264;
mod mp4;
#[cfg(test)]
pub(crate) mod playback;
mod yuv;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::h264::Encoder;
use self::mp4::{Mp4, Track};
use self::yuv::Yuv420;
use super::{RecordError, VideoLabel};
use crate::frame::{Frame, Size};

/// Whether videos can be written by this build.
pub const CAN_WRITE_VIDEO: bool = true;

/// A picture that can be jumped to comes this often, and a piece of the file with it.
const PIECE: Duration = Duration::from_secs(2);

/// How large pictures become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlarge {
    /// As they are.
    Not,
    /// Twice as wide and high, smoothly: many times cheaper here than before.
    Twice,
}

/// A video file that is being written. Finish it: one that is dropped has no index, so some programs cannot jump in it.
pub struct VideoWriter {
    path: PathBuf,
    /// Of the pictures that are given.
    size: Size,
    enlarge: Enlarge,
    label: VideoLabel,
    encoder: Encoder,
    /// There from the first picture on.
    file: Option<Mp4>,
    /// What the file will be written to.
    empty: Option<File>,
    picture: Yuv420,
    /// When the last piece began.
    piece: Duration,
}

impl VideoWriter {
    /// Begins a video of pictures of `size`, whose sides must be even, in the empty or new file `path`.
    ///
    /// # Errors
    /// [`RecordError`] naming the path: there is something in it already, or it cannot be written.
    pub fn create(path: &Path, size: Size, enlarge: Enlarge, label: VideoLabel) -> Result<Self, RecordError> {
        let empty = Some(open_empty(path)?);
        let encoder = Encoder::new().map_err(|error| RecordError::io(path, &error))?;
        let picture = Yuv420::new(match enlarge {
            Enlarge::Not => size,
            Enlarge::Twice => Size::new(2 * size.width, 2 * size.height),
        });
        let path = path.to_owned();
        Ok(Self { path, size, enlarge, label, encoder, file: None, empty, picture, piece: Duration::ZERO })
    }

    /// Adds a picture that is seen from `at` on, later than the one before. Its alpha is not looked at.
    ///
    /// # Errors
    /// [`RecordError`] naming the path: the disk is full, or the encoder gave up. What was written before can be played.
    ///
    /// # Panics
    /// When the picture is not of the size that was said: that is a mistake in the program.
    pub fn write(&mut self, picture: &Frame, at: Duration) -> Result<(), RecordError> {
        assert_eq!(picture.size(), self.size, "a picture of the size that was said");
        match self.enlarge {
            Enlarge::Not => self.picture.fill(picture),
            Enlarge::Twice => self.picture.fill_doubled(picture),
        }
        let written = self.encode(at);
        self.named(written)
    }

    fn encode(&mut self, at: Duration) -> io::Result<()> {
        let begins_piece = self.file.is_none() || at >= self.piece + PIECE;
        let encoded = self.encoder.encode(&self.picture, at, begins_piece)?;
        let Some(unit) = encoded else { return Ok(()) };
        if unit.is_key {
            self.piece = at;
        }
        if let Some(file) = self.empty.take() {
            let (sps, pps) = self.encoder.parameter_sets();
            let track = Track { size: self.picture.size(), sps, pps };
            self.file = Some(Mp4::begin(file, track, &self.label)?);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.add(unit.bytes, at, unit.is_key))
    }

    /// Writes what is held back, as seen until `now`; the last picture may stay longer nevertheless.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn flush(&mut self, now: Duration) -> Result<(), RecordError> {
        let flushed = self.file.as_mut().map_or(Ok(()), |file| file.flush(now));
        self.named(flushed)
    }

    /// Ends the video at `end`; its last picture is seen until then. After an error of [`Self::write`], too: so what was written
    /// before gets its index. A file without a picture is removed.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(mut self, end: Duration) -> Result<(), RecordError> {
        let finished = self.file.as_mut().map_or(Ok(()), |file| file.finish(end));
        if !self.file.as_ref().is_some_and(Mp4::has_pictures) {
            std::fs::remove_file(&self.path).ok();
        }
        self.named(finished)
    }

    /// The bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.file.as_ref().map_or(0, Mp4::bytes)
    }

    fn named(&self, result: io::Result<()>) -> Result<(), RecordError> {
        result.map_err(|error| RecordError::io(&self.path, &error))
    }
}

/// A file with nothing in it, made if there is none.
fn open_empty(path: &Path) -> Result<File, RecordError> {
    let failed = |error: io::Error| RecordError::io(path, &error);
    let shown = || path.display().to_string();
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(RecordError::NotPlain { path: shown() });
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.metadata().map_err(failed)?.len() {
        0 => Ok(file),
        _ => Err(RecordError::NotEmpty { path: shown() }),
    }
}

#[cfg(test)]
mod tests;
