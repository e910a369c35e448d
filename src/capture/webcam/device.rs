//! The device thread: opens the camera with nokhwa, drains it, decodes what is fresh.
//!
//! Every call into nokhwa is guarded, the closing too: it panics on errors, and a panic while a camera is being dropped
//! during another panic would end the program. Its decoders are not used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};
use nokhwa::{Buffer, Camera, NokhwaError};

use super::choice::{READABLE, WANTED, choose};
use super::guard::guarded;
use super::policy::is_stale;
use crate::capture::CaptureError;
use crate::capture::outlet::FrameOutlet;
use crate::flow::StopToken;
use crate::flow::channel::Sender;
use crate::frame::{self, Frame, PictureError, Size};

/// The kernel's queue: more than this many old frames in a row are no backlog but a camera that is always late.
const QUEUED_FRAMES: u32 = 4;

/// What a device thread is to do.
pub(super) struct Order {
    pub(super) id: String,
    /// Whether frames are flipped; may change at any time.
    pub(super) mirror: Arc<AtomicBool>,
    pub(super) frames: FrameOutlet,
    pub(super) reports: Sender<Report>,
}

/// What it says to the supervisor.
pub(super) enum Report {
    /// The camera is open and was asked for pictures.
    Opened,
    /// A picture came and was sent on.
    Frame(Size),
    /// A picture came and could not be read.
    BadFrame,
    /// It is over.
    Ended(CaptureError),
}

/// Shows the camera until it fails or is stopped.
pub(super) fn run(order: &Order, stop: &StopToken) {
    if let Err(error) = show(order, stop) {
        order.say(Report::Ended(error));
    }
}

fn show(order: &Order, stop: &StopToken) -> Result<(), CaptureError> {
    let mut device = Device::open(&order.id)?;
    order.say(Report::Opened);
    let mut skipped = 0;
    while !stop.is_stopped() {
        let (buffer, waited) = device.frame()?;
        let taken = Instant::now();
        if skipped < QUEUED_FRAMES && is_stale(age(&buffer), waited, device.period()) {
            skipped += 1;
            order.frames.count_dropped();
            continue;
        }
        skipped = 0;
        match guarded(|| decode(&buffer, &order.id)).unwrap_or_else(|text| Err(broken(&order.id, text))) {
            // A thread that was given up while it waited must not show an old picture.
            Ok(_) if stop.is_stopped() => break,
            Ok(frame) => {
                let frame = if order.mirror.load(Ordering::Relaxed) { frame::flip_horizontal(&frame) } else { frame };
                let size = frame.size();
                order.frames.send(frame, taken);
                order.say(Report::Frame(size));
            }
            Err(error) => {
                log::debug!("{error}");
                order.frames.count_dropped();
                order.say(Report::BadFrame);
            }
        }
    }
    Ok(())
}

impl Order {
    fn say(&self, report: Report) {
        // A supervisor that has gone needs no reports.
        self.reports.send(report).ok();
    }
}

/// How long ago the frame was taken, if the driver says and the clock agrees.
fn age(buffer: &Buffer) -> Option<Duration> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    now.checked_sub(buffer.capture_timestamp()?)
}

fn decode(buffer: &Buffer, id: &str) -> Result<Frame, PictureError> {
    let size = Size::new(buffer.resolution().width(), buffer.resolution().height());
    let bytes = buffer.buffer();
    match buffer.source_frame_format() {
        FrameFormat::YUYV => frame::yuyv_to_rgba(bytes, size, id),
        FrameFormat::NV12 => frame::nv12_to_rgba(bytes, size, id),
        FrameFormat::MJPEG => frame::decode_mjpeg(bytes, size, id),
        FrameFormat::RAWRGB => frame::rgb3_to_rgba(bytes, size, id),
        other => Err(broken(id, format!("nobody asked for {other}"))),
    }
}

fn broken(id: &str, text: String) -> PictureError {
    PictureError::Broken { name: id.to_owned(), text }
}

/// An open camera whose every call is guarded.
struct Device<'a> {
    camera: Option<Camera>,
    id: &'a str,
    fps: u32,
}

impl<'a> Device<'a> {
    fn open(id: &'a str) -> Result<Self, CaptureError> {
        let mut device = Self { camera: None, id, fps: 30 };
        let wanted = RequestedFormat::with_formats(RequestedFormatType::None, &READABLE);
        device.camera = Some(device.guard(|| Camera::new(index(id), wanted))?);
        device.choose_format()?;
        device.call(Camera::open_stream)?;
        Ok(device)
    }

    /// Sets the best format. One that the camera refuses is no reason to fail: it then keeps another that can be read.
    fn choose_format(&mut self) -> Result<(), CaptureError> {
        let offers = self.call(Camera::compatible_camera_formats)?;
        match choose(&offers) {
            Some(best) => self.try_format(best),
            // Some systems list nothing and deliver all the same.
            None if offers.is_empty() => {}
            None => return Err(CaptureError::Unsupported { id: self.id.to_owned() }),
        }
        let format = self.call(Camera::refresh_camera_format)?;
        if !READABLE.contains(&format.format()) {
            return Err(CaptureError::Unsupported { id: self.id.to_owned() });
        }
        self.fps = format.frame_rate().max(1);
        log::info!("camera {}: {format}", self.id);
        Ok(())
    }

    fn try_format(&mut self, best: CameraFormat) {
        let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(best), &READABLE);
        if let Err(error) = self.call(|camera| camera.set_camera_requset(exact)) {
            log::debug!("camera {} does not take {best}: {error}", self.id);
        }
        if best.width() > 4 * WANTED.width || best.width() < WANTED.width / 4 {
            // Cameras with any size between two limits list only the limits.
            let size = Resolution::new(WANTED.width, WANTED.height);
            self.call(|camera| camera.set_resolution(size)).ok();
        }
    }

    /// The next frame in the queue, and how long it let us wait.
    fn frame(&mut self) -> Result<(Buffer, Duration), CaptureError> {
        let asked = Instant::now();
        let buffer = self.call(Camera::frame)?;
        Ok((buffer, asked.elapsed()))
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1) / self.fps
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Camera) -> Result<T, NokhwaError>) -> Result<T, CaptureError> {
        let Some(mut camera) = self.camera.take() else { return Err(self.backend("it is closed".into())) };
        let result = guarded(|| call(&mut camera));
        self.camera = Some(camera);
        result.map_err(|text| self.backend(text))?.map_err(|error| self.meaning(&error))
    }

    fn guard<T>(&self, call: impl FnOnce() -> Result<T, NokhwaError>) -> Result<T, CaptureError> {
        guarded(call).map_err(|text| self.backend(text))?.map_err(|error| self.meaning(&error))
    }

    fn backend(&self, reason: String) -> CaptureError {
        CaptureError::Backend { id: self.id.to_owned(), reason }
    }

    /// nokhwa hands on the system's error only as text, so the text is what there is to read.
    fn meaning(&self, error: &NokhwaError) -> CaptureError {
        let id = self.id.to_owned();
        let text = error.to_string();
        match os_error(&text) {
            Some(2 | 6) => CaptureError::NotFound { id },
            Some(1 | 13) => CaptureError::Denied { id },
            Some(16) => CaptureError::Busy { id },
            Some(19) => CaptureError::Unplugged { id },
            None if text.contains("Failed to Fufill") || text.contains("FrameFormat: unsupported") => {
                CaptureError::Unsupported { id }
            }
            _ => self.backend(text),
        }
    }
}

impl Drop for Device<'_> {
    fn drop(&mut self) {
        let camera = self.camera.take();
        if let Err(text) = guarded(|| drop(camera)) {
            log::warn!("closing the camera {} failed: {text}", self.id);
        }
    }
}

/// The number in "... (os error 16)"; Unix numbers only, other systems' mean other things.
fn os_error(text: &str) -> Option<i32> {
    if !cfg!(unix) {
        return None;
    }
    let (_, number) = text.rsplit_once("(os error ")?;
    number.split(')').next()?.parse().ok()
}

fn index(id: &str) -> CameraIndex {
    let number = id.strip_prefix("/dev/video").unwrap_or(id);
    number.parse().map_or_else(|_| CameraIndex::String(id.to_owned()), CameraIndex::Index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn errors_are_read_from_their_words() {
        let device = Device { camera: None, id: "/dev/video0", fps: 30 };
        let open =
            |text: &str| device.meaning(&NokhwaError::OpenDeviceError("0".into(), format!("V4L2 Error: {text}")));
        let id = || "/dev/video0".to_owned();
        assert_eq!(open("No such file or directory (os error 2)"), CaptureError::NotFound { id: id() });
        assert_eq!(open("Permission denied (os error 13)"), CaptureError::Denied { id: id() });
        assert_eq!(open("Device or resource busy (os error 16)"), CaptureError::Busy { id: id() });
        assert_eq!(open("No such device (os error 19)"), CaptureError::Unplugged { id: id() });
        assert!(matches!(open("Input/output error (os error 5)"), CaptureError::Backend { .. }));
    }

    #[test]
    fn ids_are_paths_or_numbers() {
        assert_eq!(index("/dev/video12"), CameraIndex::Index(12));
        assert_eq!(index("3"), CameraIndex::Index(3));
        assert_eq!(index("built-in"), CameraIndex::String("built-in".into()));
    }
}
