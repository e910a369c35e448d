//! What a panel gets: the look, the settings it may change, the facts of the moment, and a place for actions.

use std::collections::VecDeque;

use super::action::Action;
use super::explore::Explore;
use super::layout::Room;
use super::theme::Theme;
use crate::canvas::Document;
use crate::capture::CameraInfo;
use crate::studio::{Settings, Snapshot};
use crate::weights::ModelCard;

/// Whether the user wants a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordingWish {
    /// No.
    #[default]
    Off,
    /// Yes; a place for it is looked for.
    Seeking,
    /// Yes, and it is being made.
    On,
}

/// What the window knows beyond settings and snapshot; gone when it closes.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Painting was stopped by order.
    pub paused: bool,
    /// Painting goes on without end.
    pub dreaming: bool,
    /// A recording is wanted.
    pub recording: RecordingWish,
    /// The cameras that were found last.
    pub cameras: Vec<CameraInfo>,
    /// Pen-to-picture times of the newest pictures in milliseconds, oldest first.
    pub latencies_ms: VecDeque<f32>,
    /// What draws the window.
    pub renderer: String,
    /// The folder that pictures are saved into.
    pub pictures: String,
    /// The drawing has changes that are in no file.
    pub unsaved: bool,
    /// There is a picture to save.
    pub has_picture: bool,
    /// The pictures alone, over the whole screen.
    pub alone: bool,
    /// The floating panel is open (narrow windows only).
    pub float_open: bool,
}

impl Session {
    /// How many latencies are remembered.
    pub const LATENCIES: usize = 96;

    /// Remembers one more latency.
    pub fn add_latency(&mut self, ms: f32) {
        if self.latencies_ms.len() == Self::LATENCIES {
            self.latencies_ms.pop_front();
        }
        self.latencies_ms.push_back(ms);
    }
}

/// What a panel gets.
pub struct Cx<'a> {
    /// The colours.
    pub theme: &'a Theme,
    /// How much room there is.
    pub room: Room,
    /// May be changed; the app acts on the difference.
    pub settings: &'a mut Settings,
    /// The drawing.
    pub document: &'a mut Document,
    /// The numbers of the moment.
    pub snapshot: &'a Snapshot,
    /// What the window knows.
    pub session: &'a mut Session,
    /// What other parameters give.
    pub explore: &'a mut Explore,
    /// What the user meant.
    pub actions: &'a mut Vec<Action>,
}

impl Cx<'_> {
    /// Notes what the user meant.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// The card of the model that paints.
    pub fn card(&self) -> Option<&ModelCard> {
        self.snapshot.model.as_ref()?.card.as_ref()
    }

    /// Whether the right panel shows.
    pub fn panel_open(&self) -> bool {
        if self.room.panel_floats() { self.session.float_open } else { self.settings.window.panel_open }
    }
}
