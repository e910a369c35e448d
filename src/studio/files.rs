//! The threads that touch disks and devices, so that the window never does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recipe::{describe, recipe};
use super::{
    Arrival, Event, ModelInfo, Notice, OpenedFrom, Origin, Places, SavedPart, Settings, SettingsError, Wake, layered,
    rescue,
};
use crate::canvas::{Backdrop, Document, FittedPicture};
use crate::capture;
use crate::engine::Picture;
use crate::flow::channel::{Receiver, Sender, unbounded};
use crate::flow::{LatestReceiver, LatestSender, Worker, latest, panic_text};
use crate::frame::{self, Frame, Size};
use crate::record::{self, RecordError};

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
    /// Remove an empty file.
    LeavePlace(PathBuf),
    /// Write the settings.
    Settings(Box<Settings>),
    /// See to the drawing that is not saved, as was wished last.
    Unsaved,
    /// Clear away what ended runs left half written in our folders.
    ClearLeft,
    /// Look for a drawing that was lost.
    FindLost,
    /// Read one that was found.
    BringBack(PathBuf),
    /// Forget one that was found.
    ForgetLost(PathBuf),
}

impl Errand {
    /// What it is about, for people.
    fn about(&self) -> String {
        match self {
            Self::Open(path, _)
            | Self::SaveDrawing(.., path)
            | Self::Save(.., path)
            | Self::LeavePlace(path)
            | Self::BringBack(path) => format!("`{}`", path.display()),
            Self::Fit(picture, _) => format!("`{}`", picture.name),
            Self::Cameras => "the list of cameras".into(),
            Self::Settings(_) => "the settings".into(),
            Self::Unsaved | Self::FindLost | Self::ForgetLost(_) => "the unsaved drawing".into(),
            Self::ClearLeft => "what ended runs left".into(),
        }
    }
}

/// What is to become of the drawing that is not saved: keep this one, or none.
type Unsaved = Option<Box<Document>>;

/// The ways errands go. A file or a camera that does not answer holds up its own kind, never what is to be saved.
pub(super) struct Errands {
    writing: Sender<Errand>,
    reading: Sender<Errand>,
    cameras: Sender<Errand>,
    /// Only the newest wish waits: a disk that hangs would gather a whole drawing every few seconds.
    unsaved: LatestSender<Unsaved>,
}

impl Errands {
    /// Starts a thread for each way; they end when this is dropped, after the errands that were given.
    pub(super) fn spawn(places: &Places, events: &Sender<Event>, wake: &Wake) -> std::io::Result<(Self, [Worker; 3])> {
        let (unsaved, wish) = latest();
        let start = |name| -> std::io::Result<_> {
            let (sender, errands) = unbounded();
            let clerk = Clerk {
                places: places.clone(),
                unsaved: wish.clone(),
                settings_trouble: String::new(),
                keeping_trouble: String::new(),
            };
            Ok((sender, clerk.spawn(name, errands, events.clone(), wake.clone())?))
        };
        let (writing, first) = start("files")?;
        let (reading, second) = start("pictures")?;
        let (cameras, third) = start("cameras")?;
        writing.send(Errand::ClearLeft).ok();
        Ok((Self { writing, reading, cameras, unsaved }, [first, second, third]))
    }

    /// Has it done, after those of its kind that came before.
    pub(super) fn give(&self, errand: Errand) {
        let way = match errand {
            Errand::Cameras => &self.cameras,
            Errand::Open(..) | Errand::Fit(..) => &self.reading,
            // Also what reads in our own folder: its order with what is kept and forgotten there counts.
            _ => &self.writing,
        };
        way.send(errand).ok();
    }

    /// Keeps a drawing that is not saved, or forgets the one that was kept; a wish that nobody saw to yet is void.
    pub(super) fn keep(&self, drawing: Unsaved) {
        // What is replaced has its errand under way, which will find this one.
        if self.unsaved.replace(drawing).is_none() {
            self.give(Errand::Unsaved);
        }
    }
}

/// Who does the errands of one kind, one after the other.
struct Clerk {
    places: Places,
    unsaved: LatestReceiver<Unsaved>,
    /// What was told of settings that could not be written.
    settings_trouble: String,
    /// What was told of an unsaved drawing that could not be kept.
    keeping_trouble: String,
}

impl Clerk {
    /// Starts the thread.
    fn spawn(
        mut self,
        name: &'static str,
        errands: Receiver<Errand>,
        events: Sender<Event>,
        wake: Wake,
    ) -> std::io::Result<Worker> {
        Worker::spawn(name, move |_| {
            for errand in errands {
                for event in self.see_to(errand) {
                    events.send(event).ok();
                    wake();
                }
            }
        })
    }

    /// Does an errand and says what came of it; a mistake inside is trouble like any other.
    fn see_to(&mut self, errand: Errand) -> Vec<Event> {
        let about = errand.about();
        let drawing = if let Errand::SaveDrawing(drawing, ..) = &errand { Some(drawing.version()) } else { None };
        catch_unwind(AssertUnwindSafe(|| self.run(errand))).unwrap_or_else(|panic| {
            let what = format!("{about} could not be worked on: {}", panic_text(panic.as_ref()));
            let notice = Notice::error(what, "try another file, and please report this");
            // Who waits for a drawing to be saved must not wait for ever.
            vec![match drawing {
                Some(version) => Event::DrawingNotSaved { version, notice },
                None => Event::Notice(notice),
            }]
        })
    }

    fn run(&mut self, errand: Errand) -> Vec<Event> {
        let places = &self.places;
        match errand {
            Errand::Cameras => vec![cameras()],
            Errand::Open(path, canvas) => vec![open(&path, canvas)],
            Errand::Fit(picture, canvas) => vec![fit(picture, canvas)],
            Errand::SaveDrawing(drawing, backdrop, path) => vec![save_drawing(&drawing, backdrop, path)],
            Errand::Save(picture, model, path) => vec![save(&picture, model.as_deref(), path)],
            Errand::LeavePlace(path) => {
                leave_place(&path);
                Vec::new()
            }
            Errand::Settings(settings) => {
                let written = settings.write(&places.settings());
                told_once(&mut self.settings_trouble, written, SettingsError::remedy)
            }
            Errand::Unsaved => match self.unsaved.take() {
                Some(Some(drawing)) => {
                    told_once(&mut self.keeping_trouble, rescue::keep(&drawing, places), RecordError::remedy)
                }
                Some(None) => {
                    rescue::forget_own(places);
                    Vec::new()
                }
                None => Vec::new(),
            },
            Errand::ClearLeft => {
                [&places.data, &places.config].into_iter().for_each(|folder| record::clear_left(folder));
                Vec::new()
            }
            Errand::FindLost => rescue::find(places).map(Event::LostFound).into_iter().collect(),
            Errand::BringBack(path) => vec![bring_back(&path)],
            Errand::ForgetLost(path) => {
                rescue::forget(&path);
                Vec::new()
            }
        }
    }
}

fn cameras() -> Event {
    match capture::cameras() {
        Ok(list) => Event::Cameras(list),
        Err(error) => Event::CamerasNotListed(Notice::error(error.to_string(), error.remedy())),
    }
}

fn open(path: &Path, canvas: Size) -> Event {
    let name = path.file_name().map_or_else(|| "Picture".into(), |name| name.to_string_lossy().into_owned());
    let bytes = match frame::read(path) {
        Ok(bytes) if record::is_ora_name(path) || record::is_ora(&bytes) => {
            return open_layered(path, &bytes, |differs| OpenedFrom::File { differs });
        }
        read => read,
    };
    let read = bytes.and_then(|bytes| Ok((frame::decode(&bytes, &path.display().to_string())?, bytes)));
    match read {
        Ok((frame, bytes)) => {
            let recipe = recipe(&record::read_pairs(&bytes)).map(Box::new);
            fit(Arrival { frame, name, origin: Origin::File, recipe }, canvas)
        }
        Err(error) => Event::Notice(Notice::error(error.to_string(), error.remedy())),
    }
}

fn open_layered(path: &Path, bytes: &[u8], from: impl FnOnce(Vec<String>) -> OpenedFrom) -> Event {
    match layered::read(bytes, &path.display().to_string()) {
        Ok((drawing, differs)) => {
            Event::DrawingOpened { path: path.to_owned(), drawing: Box::new(drawing), from: from(differs) }
        }
        Err(error) => Event::Notice(Notice::error(error.to_string(), error.remedy())),
    }
}

/// A drawing that was lost, as it was.
fn bring_back(path: &Path) -> Event {
    match frame::read(path) {
        // What we wrote is not otherwise here.
        Ok(bytes) => open_layered(path, &bytes, |_| OpenedFrom::Crash),
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
    let keeps_layers = record::is_ora_name(&path);
    let saved = match keeps_layers {
        true => written(&path, layered::save(&path, drawing, backdrop)),
        false => write(&path, &drawing.frame(backdrop), &[("kind", "drawing")]),
    };
    let version = drawing.version();
    let part = if keeps_layers || !drawing.has_hidden() { SavedPart::Whole } else { SavedPart::Visible };
    match saved {
        Ok(()) => Event::DrawingSaved { path, version, part },
        Err(notice) => Event::DrawingNotSaved { version, notice },
    }
}

fn write(path: &Path, frame: &Frame, pairs: &[(&str, &str)]) -> Result<(), Notice> {
    written(path, record::save_png(path, frame, pairs))
}

/// What came of writing the file at `path`.
fn written(path: &Path, result: Result<(), RecordError>) -> Result<(), Notice> {
    result.map_err(|error| {
        leave_place(path);
        Notice::error(error.to_string(), error.remedy())
    })
}

/// A name that was taken by an empty file, which nobody wants now, is free again.
pub(super) fn leave_place(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0) {
        std::fs::remove_file(path).ok();
    }
}

/// The first failure of a kind is told; the same one again is not.
fn told_once<E: std::fmt::Display, R: Into<String>>(
    trouble: &mut String,
    result: Result<(), E>,
    remedy: impl FnOnce(&E) -> R,
) -> Vec<Event> {
    let text = result.as_ref().map_or_else(ToString::to_string, |()| String::new());
    match result {
        Err(error) if *trouble != text => {
            let notice = Notice::warning(text.clone(), remedy(&error));
            *trouble = text;
            vec![Event::Notice(notice)]
        }
        _ => {
            *trouble = text;
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_unsaved_drawings_only_the_newest_waits() {
        let (writing, errands) = unbounded();
        let (unsaved, wish) = latest();
        let ways = Errands { writing, reading: unbounded().0, cameras: unbounded().0, unsaved };
        let keep = |side| ways.keep(Some(Box::new(Document::new(Size::square(side), [255; 3]))));
        let next = || wish.take().map(|drawing| drawing.map(|drawing| drawing.size().width));
        (64..70).for_each(keep);
        assert_eq!((errands.len(), next()), (1, Some(Some(69))), "a disk that hangs");
        // The errand is under way, and finds nothing any more; what comes now needs another.
        keep(80);
        ways.keep(None);
        assert_eq!((errands.len(), next()), (2, Some(None)), "it was saved meanwhile");
        ways.keep(None);
        keep(90);
        assert_eq!((errands.len(), next()), (3, Some(Some(90))), "and then drawn on");
    }
}
