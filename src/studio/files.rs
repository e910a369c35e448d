//! The thread that touches the disk, so that the window never does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::{Arrival, Event, ModelInfo, Notice, Origin, Places, Settings, Wake};
use crate::canvas::{Backdrop, Document, FittedPicture};
use crate::capture;
use crate::engine::Picture;
use crate::flow::channel::{Receiver, Sender};
use crate::flow::{Worker, panic_text};
use crate::frame::{self, Frame, Size};
use crate::record;

/// Something to do with files or devices that may take a while.
pub(super) enum Errand {
    /// List the cameras.
    Cameras,
    /// Read a picture for a canvas of this size.
    Open(PathBuf, Size),
    /// Make a picture ready for a canvas of this size.
    Fit(Arrival, Size),
    /// Write a drawing.
    SaveDrawing(Box<Document>, Backdrop, PathBuf),
    /// Write a picture with its parameters.
    Save(Box<Picture>, Option<Box<ModelInfo>>, PathBuf),
    /// Write the settings.
    Settings(Box<Settings>),
}

impl Errand {
    /// What it is about, for people.
    fn about(&self) -> String {
        match self {
            Self::Open(path, _) | Self::SaveDrawing(.., path) | Self::Save(.., path) => format!("`{}`", path.display()),
            Self::Fit(picture, _) => format!("`{}`", picture.name),
            Self::Cameras => "the list of cameras".into(),
            Self::Settings(_) => "the settings".into(),
        }
    }
}

/// Starts the thread; it ends when the channel closes, after the errands that were given.
pub(super) fn spawn(
    places: Places,
    errands: Receiver<Errand>,
    events: Sender<Event>,
    wake: Wake,
) -> std::io::Result<Worker> {
    Worker::spawn("files", move |_| {
        let mut trouble = String::new();
        for errand in errands {
            let (about, is_drawing) = (errand.about(), matches!(errand, Errand::SaveDrawing(..)));
            let run = || match errand {
                Errand::Cameras => Some(cameras()),
                Errand::Open(path, canvas) => Some(open(&path, canvas)),
                Errand::Fit(picture, canvas) => Some(fit(picture, canvas)),
                Errand::SaveDrawing(drawing, backdrop, path) => Some(save_drawing(&drawing, backdrop, path)),
                Errand::Save(picture, model, path) => Some(save(&picture, model.as_deref(), path)),
                Errand::Settings(settings) => write_settings(&settings, &places.settings(), &mut trouble),
            };
            let event = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
                let what = format!("{about} could not be worked on: {}", panic_text(panic.as_ref()));
                let notice = Notice::error(what, "try another file, and please report this");
                // Who waits for a drawing to be saved must not wait for ever.
                Some(if is_drawing { Event::DrawingNotSaved(notice) } else { Event::Notice(notice) })
            });
            if let Some(event) = event {
                events.send(event).ok();
                wake();
            }
        }
    })
}

fn cameras() -> Event {
    match capture::cameras() {
        Ok(list) => Event::Cameras(list),
        Err(error) => Event::CamerasNotListed(Notice::error(error.to_string(), error.remedy())),
    }
}

fn open(path: &Path, canvas: Size) -> Event {
    let name = path.file_name().map_or_else(|| "Picture".into(), |name| name.to_string_lossy().into_owned());
    match frame::open(path) {
        Ok(frame) => fit(Arrival { frame, name, origin: Origin::File }, canvas),
        Err(error) => Event::Notice(Notice::error(error.to_string(), error.remedy())),
    }
}

fn fit(picture: Arrival, canvas: Size) -> Event {
    let fitted = FittedPicture::covering(&picture.frame, canvas);
    Event::PictureReady { picture, fitted }
}

fn save(picture: &Picture, model: Option<&ModelInfo>, path: PathBuf) -> Event {
    let described = describe(picture, model);
    let pairs: Vec<(&str, &str)> = described.iter().map(|(key, value)| (*key, value.as_str())).collect();
    match write(&path, &picture.frame, &pairs) {
        Ok(()) => Event::Saved(path),
        Err(notice) => Event::Notice(notice),
    }
}

fn save_drawing(drawing: &Document, backdrop: Backdrop, path: PathBuf) -> Event {
    match write(&path, &drawing.frame(backdrop), &[("kind", "drawing")]) {
        Ok(()) => Event::DrawingSaved { path, version: drawing.version() },
        Err(notice) => Event::DrawingNotSaved(notice),
    }
}

fn write(path: &Path, frame: &Frame, pairs: &[(&str, &str)]) -> Result<(), Notice> {
    record::save_png(path, frame, pairs).map_err(|error| {
        // The name may have been taken by an empty file, which nobody wants now.
        if std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0) {
            std::fs::remove_file(path).ok();
        }
        Notice::error(error.to_string(), error.remedy())
    })
}

/// What is written into a saved picture: one pair per parameter.
pub fn describe(picture: &Picture, model: Option<&ModelInfo>) -> Vec<(&'static str, String)> {
    let params = &picture.params;
    vec![
        ("prompt", params.prompt.clone()),
        ("seed", params.seed.to_string()),
        ("steps", params.steps.to_string()),
        ("strength", params.strength.to_string()),
        ("guidance", params.guidance.to_string()),
        ("size", format!("{}x{}", params.size.width, params.size.height)),
        ("clip_skip", params.clip_skip.to_string()),
        ("model", model.map(|model| model.name.clone()).unwrap_or_default()),
        ("executor", model.map(|model| model.executor.clone()).unwrap_or_default()),
    ]
}

/// The first failure of a kind is told; the same one again is not.
fn write_settings(settings: &Settings, path: &Path, trouble: &mut String) -> Option<Event> {
    let Err(error) = settings.write(path) else {
        trouble.clear();
        return None;
    };
    let text = error.to_string();
    if *trouble == text {
        return None;
    }
    trouble.clone_from(&text);
    Some(Event::Notice(Notice::warning(text, error.remedy())))
}
