//! The threads that touch disks and devices, so that the window never does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recipe::{describe, recipe};
use super::{Arrival, Event, ModelInfo, Notice, Origin, Places, Settings, Wake, rescue};
use crate::canvas::{Backdrop, Document, FittedPicture};
use crate::capture;
use crate::engine::{Params, Picture};
use crate::flow::channel::{Receiver, Sender, unbounded};
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
    Save(Box<Picture>, Option<Arc<ModelInfo>>, PathBuf),
    /// Write the settings.
    Settings(Box<Settings>),
    /// Keep a drawing that is not saved.
    Keep(Box<Document>),
    /// Forget the one that was kept.
    Forget,
    /// Look for a drawing that was lost.
    FindLost,
    /// Read one that was found.
    BringBack(PathBuf),
}

impl Errand {
    /// What it is about, for people.
    fn about(&self) -> String {
        match self {
            Self::Open(path, _) | Self::SaveDrawing(.., path) | Self::Save(.., path) | Self::BringBack(path) => {
                format!("`{}`", path.display())
            }
            Self::Fit(picture, _) => format!("`{}`", picture.name),
            Self::Cameras => "the list of cameras".into(),
            Self::Settings(_) => "the settings".into(),
            Self::Keep(_) | Self::Forget | Self::FindLost => "the unsaved drawing".into(),
        }
    }
}

/// The ways errands go. A file or a camera that does not answer holds up its own kind, never what is to be saved.
pub(super) struct Errands {
    writing: Sender<Errand>,
    reading: Sender<Errand>,
    cameras: Sender<Errand>,
}

impl Errands {
    /// Starts a thread for each way; they end when this is dropped, after the errands that were given.
    pub(super) fn spawn(places: &Places, events: &Sender<Event>, wake: &Wake) -> std::io::Result<(Self, [Worker; 3])> {
        let start = |name| -> std::io::Result<_> {
            let (sender, errands) = unbounded();
            Ok((sender, spawn(name, places.clone(), errands, events.clone(), wake.clone())?))
        };
        let [(writing, first), (reading, second), (cameras, third)] =
            [start("files")?, start("pictures")?, start("cameras")?];
        Ok((Self { writing, reading, cameras }, [first, second, third]))
    }

    /// Has it done, after those of its kind that came before.
    pub(super) fn give(&self, errand: Errand) {
        let way = match errand {
            Errand::Cameras => &self.cameras,
            Errand::Open(..) | Errand::Fit(..) => &self.reading,
            _ => &self.writing,
        };
        way.send(errand).ok();
    }
}

fn spawn(
    name: &'static str,
    places: Places,
    errands: Receiver<Errand>,
    events: Sender<Event>,
    wake: Wake,
) -> std::io::Result<Worker> {
    Worker::spawn(name, move |_| {
        let (mut trouble, mut lost) = (String::new(), String::new());
        for errand in errands {
            let (about, is_drawing) = (errand.about(), matches!(errand, Errand::SaveDrawing(..)));
            let run = || match errand {
                Errand::Cameras => Some(cameras()),
                Errand::Open(path, canvas) => Some(open(&path, canvas)),
                Errand::Fit(picture, canvas) => Some(fit(picture, canvas)),
                Errand::SaveDrawing(drawing, backdrop, path) => Some(save_drawing(&drawing, backdrop, path)),
                Errand::Save(picture, model, path) => Some(save(&picture, model.as_deref(), path)),
                Errand::Settings(settings) => write_settings(&settings, &places.settings(), &mut trouble),
                Errand::Keep(drawing) => keep(&drawing, &places, &mut lost),
                Errand::Forget => {
                    rescue::forget(&places);
                    None
                }
                Errand::FindLost => rescue::find(&places).map(Event::LostFound),
                Errand::BringBack(path) => Some(bring_back(&path, &places)),
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
        Ok(frame) => fit(Arrival { frame, name, origin: Origin::File, recipe: written(path) }, canvas),
        Err(error) => Event::Notice(Notice::error(error.to_string(), error.remedy())),
    }
}

/// The parameters in a painting's file.
fn written(path: &Path) -> Option<Box<Params>> {
    let bytes = std::fs::read(path).ok()?;
    recipe(&record::read_pairs(&bytes)).map(Box::new)
}

/// A drawing that was lost, for a canvas of its own size.
fn bring_back(path: &Path, places: &Places) -> Event {
    match frame::open(path) {
        Ok(frame) => {
            rescue::adopt(path, places);
            let canvas = frame.size();
            fit(Arrival { frame, name: "Brought back".into(), origin: Origin::Lost, recipe: None }, canvas)
        }
        Err(error) => Event::Notice(Notice::error(error.to_string(), error.remedy())),
    }
}

/// The first failure of a kind is told: nobody asked for this, and a full disk stays full.
fn keep(drawing: &Document, places: &Places, trouble: &mut String) -> Option<Event> {
    let Err(error) = rescue::keep(drawing, places) else {
        trouble.clear();
        return None;
    };
    let text = error.to_string();
    (std::mem::replace(trouble, text.clone()) != text).then(|| Event::Notice(Notice::warning(text, error.remedy())))
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
        Ok(()) => Event::DrawingSaved { path, version: drawing.version(), whole: !drawing.has_hidden() },
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
