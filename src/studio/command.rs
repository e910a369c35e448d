//! Orders into a studio, and the facts that come out of it.

use std::path::PathBuf;
use std::time::Duration;

use super::{Notice, RecordingSettings, Settings};
use crate::canvas::{Backdrop, Document, FittedPicture, Version};
use crate::capture::{CameraInfo, SourceSpec};
use crate::engine::{ModelInfo, Params, Picture};
use crate::frame::{Frame, Size};
use crate::weights::ModelSource;

/// Which model runs where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSpec {
    /// The model's files.
    pub model: ModelSource,
    /// Who computes: one of [`crate::exec::NAMES`].
    pub executor: String,
    /// Threads to compute with; 0 means all cores.
    pub threads: usize,
}

impl EngineSpec {
    /// More threads than this are a mistake.
    pub const MAX_THREADS: usize = 256;
}

impl Default for EngineSpec {
    fn default() -> Self {
        Self { model: ModelSource::Default, executor: "auto".into(), threads: 0 }
    }
}

/// An order into a studio. Whole values travel, never differences.
#[derive(Clone, Debug)]
pub enum Command {
    /// Paint with these parameters from the next frame on.
    SetParams(Params),
    /// Look somewhere else.
    SetSource(SourceSpec),
    /// Stop painting (`true`) or go on.
    Pause(bool),
    /// While paused: paint one picture.
    Step,
    /// Paint without end, a new seed each picture.
    Dream(bool),
    /// Paint several pictures side by side, each one step further than the next (`true`), or one after the other.
    Stream(bool),
    /// Paint these of the same input too, in what time is left, and no others; answered by [`Studio::take_previews`](super::Studio::take_previews).
    Explore(Vec<Params>),
    /// Load a model in the background; the old one paints on until it is there, or until a GPU has no room for both.
    Load(EngineSpec),
    /// The same of a model that will paint with what it suggests: it is made ready for that, and not for the present parameters.
    LoadNew {
        /// Which model runs where.
        spec: EngineSpec,
        /// The size of the canvas, whose shape the paintings have.
        canvas: Size,
    },
    /// Give up the load that is under way.
    CancelLoad,
    /// Start the engine again after it failed.
    Restart,
    /// List the cameras; answered by [`Event::Cameras`].
    ListCameras,
    /// Read a picture file and make it ready for a canvas; answered by [`Event::PictureReady`], or, if it is a layered drawing, by
    /// [`Event::DrawingOpened`].
    OpenPicture {
        /// The file.
        path: PathBuf,
        /// The size of the canvas it is for.
        canvas: Size,
    },
    /// Make a picture that is here already ready for a canvas; answered by [`Event::PictureReady`].
    FitPicture {
        /// The picture.
        picture: Arrival,
        /// The size of the canvas it is for.
        canvas: Size,
    },
    /// Write a drawing, with its layers where the name ends in `.ora`, else flat as PNG; answered by [`Event::DrawingSaved`] or
    /// [`Event::DrawingNotSaved`].
    SaveDrawing {
        /// What to write, as it is now.
        drawing: Box<Document>,
        /// What lies under its layers in the file.
        backdrop: Backdrop,
        /// Where to; an existing file is replaced only when it was written whole.
        path: PathBuf,
    },
    /// Write a painted picture as PNG with its parameters inside; answered by [`Event::Saved`].
    SavePicture {
        /// What to write.
        picture: Box<Picture>,
        /// Where to; an existing file is replaced only when it was written whole.
        path: PathBuf,
    },
    /// Record what is painted from now on, until [`Command::EndRecording`]; answered in the end by [`Event::Recorded`] or
    /// [`Event::NotRecorded`]. A recording under way ends.
    Record {
        /// Where to: an empty file, or none.
        path: PathBuf,
        /// What is to be seen in it, in words.
        description: String,
        /// How it is made.
        settings: RecordingSettings,
    },
    /// End the recording.
    EndRecording,
    /// A place that was taken by an empty file is not needed.
    LeavePlace(PathBuf),
    /// Write the settings.
    SaveSettings(Box<Settings>),
    /// Keep a drawing that is not saved where it is found again, should the program end without asking.
    KeepDrawing(Box<Document>),
    /// Forget the drawing that was kept: it is saved, or not wanted.
    ForgetDrawing,
    /// Look for a drawing that was kept by a run that ended so; answered by [`Event::LostFound`] if there is one.
    FindLost,
    /// Read a drawing that was found; answered by [`Event::DrawingOpened`].
    BringBack(PathBuf),
    /// Forget a drawing that was found.
    ForgetLost(PathBuf),
}

/// A fact out of a studio.
#[derive(Clone, Debug)]
pub enum Event {
    /// A load is under way.
    Loading {
        /// What is being done, for example "reading unet".
        what: String,
        /// 0..=1.
        fraction: f32,
        /// Since the load began.
        elapsed: Duration,
    },
    /// A model paints from now on.
    Loaded(Box<ModelInfo>),
    /// The load was given up by order.
    LoadCancelled,
    /// A model could not be loaded; the old one, if any, paints on.
    LoadFailed(Notice),
    /// The GPU that was to paint is not there, or cannot; the model was not loaded for it, and the old one, if any, paints on, or is
    /// loaded again if it made room.
    NoDevice(Notice),
    /// A picture could not be painted; the engine goes on with the next one.
    RenderFailed(Notice),
    /// The engine broke; it paints again after [`Command::Restart`].
    EngineStopped(Notice),
    /// What the source does.
    Source(SourceState),
    /// The cameras there are.
    Cameras(Vec<CameraInfo>),
    /// The cameras could not be listed.
    CamerasNotListed(Notice),
    /// A picture can become a layer.
    PictureReady {
        /// What it was.
        picture: Arrival,
        /// What it is for the canvas that was named.
        fitted: FittedPicture,
    },
    /// A layered drawing was read.
    DrawingOpened {
        /// The file.
        path: PathBuf,
        /// What is in it.
        drawing: Box<Document>,
        /// Why it was there.
        from: OpenedFrom,
    },
    /// A picture was written.
    Saved(PathBuf),
    /// A recording ended and is on disk.
    Recorded {
        /// The file.
        path: PathBuf,
        /// How long it is.
        length: Duration,
    },
    /// A recording ended too early, or there is nothing in it.
    NotRecorded {
        /// The file.
        path: PathBuf,
        /// Why, and what is in it.
        notice: Notice,
    },
    /// A drawing was written.
    DrawingSaved {
        /// The file.
        path: PathBuf,
        /// The state of the drawing that is in it.
        version: Version,
        /// How much of it is.
        part: SavedPart,
    },
    /// A drawing could not be written.
    DrawingNotSaved {
        /// The state that was to be written.
        version: Version,
        /// Why not.
        notice: Notice,
    },
    /// A drawing of an earlier run was never saved.
    LostFound(PathBuf),
    /// Anything else worth a line.
    Notice(Notice),
}

/// Why a drawing was in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenedFrom {
    /// It was saved.
    File {
        /// What of the file is not in the drawing, or is otherwise, in sentences without a stop.
        differs: Vec<String>,
    },
    /// A run of the program ended before it was saved.
    Crash,
}

/// How much of a drawing is in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedPart {
    /// All of it.
    Whole,
    /// What shows: hidden layers are in no flat picture.
    Visible,
}

/// A picture on its way to the canvas.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The picture as it came.
    pub frame: Frame,
    /// What its layer will be called.
    pub name: String,
    /// Where it came from.
    pub origin: Origin,
    /// What it was painted with, if it is a painting that says so.
    pub recipe: Option<Box<Params>>,
}

/// Where a picture for the canvas came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, which still has it.
    File,
    /// The clipboard.
    Clipboard,
    /// The live source.
    Source,
    /// The painting.
    Painting,
}

/// The newest frame of a source.
#[derive(Clone, Debug)]
pub struct SourceFrame {
    /// As it came, of any size.
    pub whole: Frame,
    /// What it was taken from.
    pub source: SourceSpec,
    /// For showing: no side is longer than [`Document::MAX_SIDE`].
    pub shown: Frame,
}

/// What a source does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// No source is open: the drawing alone.
    Drawing,
    /// Being opened.
    Opening,
    /// Delivers pictures of this size.
    Live(Size),
    /// Delivers nothing for now; the notice says why and what to do. It is tried again by itself.
    Trouble(Notice),
}
