//! `afterimage camera`: what cameras there are, and one picture from one of them.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::request::{CameraJob, CameraRequest};
use super::{Code, Failure, output};
use crate::capture::{self, CameraInfo};
use crate::record;

/// How long a camera may take to give its first picture. Some need seconds to wake up.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Taken<'a> {
    camera: &'a str,
    path: &'a Path,
    width: u32,
    height: u32,
}

/// Lists the cameras or takes a picture.
///
/// # Errors
/// [`Code::NoCamera`] when there is none or it gives nothing; [`Code::Failed`] when the picture cannot be written.
pub fn run(request: &CameraRequest) -> Result<(), Failure> {
    let cameras = capture::cameras().map_err(|error| Failure::new(Code::NoCamera, &error, error.remedy()))?;
    match &request.what {
        CameraJob::List => list(&cameras, request.json),
        CameraJob::Snapshot { id, out } => snapshot(&cameras, id.as_deref(), out, request.json),
    }
}

fn list(cameras: &[CameraInfo], json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&cameras.iter().map(|c| Listed { id: &c.id, name: &c.name }).collect::<Vec<_>>());
    }
    if cameras.is_empty() {
        output::note("No camera was found: plug one in and try again.");
    }
    for camera in cameras {
        output::line(&format!("{}  {}", camera.id, camera.name));
    }
    Ok(())
}

fn snapshot(cameras: &[CameraInfo], id: Option<&str>, out: &Path, json: bool) -> Result<(), Failure> {
    let camera = choose(cameras, id)?;
    let frame = capture::snapshot(Some(&camera.id), PATIENCE)
        .map_err(|error| Failure::new(Code::NoCamera, &error, error.remedy()))?;
    record::save_png(out, &frame, &[("camera", &camera.name)])
        .map_err(|error| Failure::new(Code::Failed, &error, error.remedy()))?;
    if json {
        let (width, height) = (frame.size().width, frame.size().height);
        return output::json(&Taken { camera: &camera.id, path: out, width, height });
    }
    output::line(&out.display().to_string());
    Ok(())
}

fn choose<'a>(cameras: &'a [CameraInfo], id: Option<&str>) -> Result<&'a CameraInfo, Failure> {
    let found = match id {
        Some(id) => cameras.iter().find(|camera| camera.id == id),
        None => cameras.first(),
    };
    found.ok_or_else(|| match id {
        Some(id) if !cameras.is_empty() => {
            Failure::new(Code::NoCamera, format!("there is no camera {id}"), "`afterimage camera --list` shows them")
        }
        _ => Failure::new(Code::NoCamera, "no camera was found", "plug one in and try again"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_camera_or_the_named_one() {
        let cameras = ["/dev/video0", "/dev/video2"].map(|id| CameraInfo { id: id.into(), name: "a".into() });
        assert_eq!(choose(&cameras, None).unwrap().id, "/dev/video0");
        assert_eq!(choose(&cameras, Some("/dev/video2")).unwrap().id, "/dev/video2");
        assert!(choose(&cameras, Some("/dev/video9")).unwrap_err().remedy.contains("--list"));
        assert_eq!(choose(&[], None).unwrap_err().code, Code::NoCamera);
    }
}
