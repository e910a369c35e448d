//! Which cameras there are. On Linux by our own look at /dev, because nokhwa's panics on odd names and lists nodes that
//! give no pictures.

use crate::capture::{CameraInfo, CaptureError};

/// Every camera, sorted by number.
pub(in crate::capture) fn cameras() -> Result<Vec<CameraInfo>, CaptureError> {
    system::cameras()
}

/// The camera that is wanted, by its id and, once it was seen, by its name.
pub(super) struct Target {
    id: String,
    name: Option<String>,
    seen: bool,
}

impl Target {
    pub(super) fn new(id: String) -> Self {
        Self { id, name: None, seen: false }
    }

    /// The id to open now: another one when only the name is left.
    pub(super) fn find(&mut self) -> String {
        let Some(info) = self.look() else { return self.id.clone() };
        self.seen = true;
        self.name = Some(info.name);
        info.id
    }

    /// Whether opening it would fail for want of a camera.
    pub(super) fn is_away(&self) -> bool {
        cameras().is_ok() && self.look().is_none()
    }

    /// The error in view of what is plugged in: a camera that was there before was unplugged, whatever the system says.
    pub(super) fn what_it_means(&self, error: CaptureError) -> CaptureError {
        let Ok(list) = cameras() else { return error };
        if self.find_in(&list).is_some() || !is_absence(&error) {
            return error;
        }
        match (self.seen, list.is_empty()) {
            (true, _) => CaptureError::Unplugged { id: self.id.clone() },
            (false, true) => CaptureError::NoCamera,
            (false, false) => CaptureError::NotFound { id: self.id.clone() },
        }
    }

    fn look(&self) -> Option<CameraInfo> {
        self.find_in(&cameras().ok()?).cloned()
    }

    fn find_in<'a>(&self, list: &'a [CameraInfo]) -> Option<&'a CameraInfo> {
        let same_name = || list.iter().find(|info| self.name.as_ref() == Some(&info.name));
        list.iter().find(|info| info.id == self.id).or_else(same_name)
    }
}

/// Errors that a camera gives which is not there any more. A stall is not one: it keeps its own words.
fn is_absence(error: &CaptureError) -> bool {
    use CaptureError::{Backend, NotFound, Stalled, Unplugged, Unsupported};
    matches!(error, Backend { .. } | NotFound { .. } | Unplugged { .. } | Stalled { .. } | Unsupported { .. })
}

#[cfg(target_os = "linux")]
mod system {
    use super::{CameraInfo, CaptureError};

    pub(super) fn cameras() -> Result<Vec<CameraInfo>, CaptureError> {
        let Ok(entries) = std::fs::read_dir("/dev") else { return Ok(Vec::new()) };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut numbers: Vec<u32> = names.filter_map(|name| name.strip_prefix("video")?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers.into_iter().filter_map(camera).collect())
    }

    fn camera(number: u32) -> Option<CameraInfo> {
        let about = |what: &str| {
            let text = std::fs::read_to_string(format!("/sys/class/video4linux/video{number}/{what}")).ok()?;
            Some(text.trim().to_owned())
        };
        // A camera has several nodes; all but the first carry data about the pictures.
        if about("index").is_some_and(|index| index != "0") {
            return None;
        }
        let id = format!("/dev/video{number}");
        let name = about("name").filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone());
        Some(CameraInfo { id, name })
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use nokhwa::utils::ApiBackend;

    use super::{CameraInfo, CaptureError};
    use crate::capture::webcam::guard::guarded;

    pub(super) fn cameras() -> Result<Vec<CameraInfo>, CaptureError> {
        let failed = |reason: String| CaptureError::Backend { id: "list".into(), reason };
        let list =
            guarded(|| nokhwa::query(ApiBackend::Auto)).map_err(failed)?.map_err(|error| failed(error.to_string()))?;
        let mut cameras: Vec<CameraInfo> =
            list.into_iter().map(|info| CameraInfo { id: info.index().as_string(), name: info.human_name() }).collect();
        cameras.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(cameras)
    }
}
