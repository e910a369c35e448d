//! The conductor: one handle that ties sources, mixer, engine, files and numbers together. The faces only talk to this.

mod command;
mod notice;
mod settings;
mod snapshot;

use std::sync::Arc;

pub use command::{Command, EngineSpec, Event, ModelInfo, SourceState};
pub use notice::{Notice, NoticeKind};
pub use settings::{Settings, ToolSettings, WindowSettings};
pub use snapshot::{LiveState, Snapshot};

use crate::engine::{Picture, Render};
use crate::frame::Frame;

/// Called from any thread whenever there is news; the window passes its repaint request.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What lies over the source: the ink, at any size, straight alpha.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The ink. Its `id` and `taken` are those of the newest change of the drawing.
    pub frame: Frame,
}

/// A running live loop. Owned by one face; dropping it stops and joins its threads.
pub struct Studio {}

impl Studio {
    /// Starts the threads and loads the model that `settings` name.
    pub fn start(settings: &Settings, wake: Wake) -> Self {
        let _ = (settings, wake);
        todo!()
    }

    /// Starts with a renderer of the caller's instead of a model: tests and demos.
    pub fn with_render(settings: &Settings, render: Box<dyn Render>, info: ModelInfo, wake: Wake) -> Self {
        let _ = (settings, render, info, wake);
        todo!()
    }

    /// Gives an order. Never waits.
    pub fn send(&self, command: Command) {
        let _ = command;
    }

    /// Puts new ink over the source. Newest wins. Never waits.
    pub fn draw(&self, overlay: Overlay) {
        let _ = overlay;
    }

    /// The events since the last call, at most a few milliseconds' worth. Updates the snapshot.
    pub fn events(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// The newest painted picture, once. Counts it as shown now.
    pub fn take_picture(&mut self) -> Option<Picture> {
        None
    }

    /// The newest frame of the source, once, for showing under the ink.
    pub fn take_source_frame(&mut self) -> Option<Frame> {
        None
    }

    /// The numbers of the moment.
    pub fn snapshot(&self) -> &Snapshot {
        todo!()
    }
}
