//! What the engine thread knows of the world, and what follows from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::IDLE_AFTER;
use super::film::Film;
use super::sheet::Sheet;
use crate::engine::{Job, Params, Picture, Render, Stamps};
use crate::flow::{LatestSender, Patience, Resident};
use crate::frame::Frame;
use crate::studio::mixer::Mixer;
use crate::studio::recorder::Shot;
use crate::studio::{LiveState, Preview};

/// Who paints.
#[derive(Default)]
pub(super) enum Painter {
    /// Nobody yet, or nobody who could be made.
    #[default]
    Missing,
    /// This renderer.
    Ready(Box<dyn Render>),
    /// Nobody: this renderer panicked, and paints again only if the user insists on it.
    Suspect(Box<dyn Render>),
    /// Nobody: the renderer was let go for another one, which is not there yet.
    LetGo,
}

impl Painter {
    /// After a panic.
    pub(super) fn distrust(&mut self) {
        *self = match std::mem::take(self) {
            Self::Ready(render) => Self::Suspect(render),
            other => other,
        };
    }

    /// The user insists.
    fn trust(&mut self) {
        *self = match std::mem::take(self) {
            Self::Suspect(render) => Self::Ready(render),
            other => other,
        };
    }

    /// Another one is about to be made, which may need the memory.
    pub(super) fn drop_suspect(&mut self) {
        if matches!(self, Self::Suspect(_)) {
            *self = Self::Missing;
        }
    }

    /// Lets a renderer go that holds memory which others need; says whether there was one.
    pub(super) fn make_room(&mut self) -> bool {
        let made = match self {
            Self::Ready(render) | Self::Suspect(render) => render.has_own_memory(),
            Self::Missing | Self::LetGo => false,
        };
        if made {
            *self = Self::LetGo;
        }
        made
    }

    /// Whether there was somebody who painted, and is no more.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Suspect(_) | Self::LetGo)
    }

    fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }
}

/// Whether painting goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playback {
    /// Whatever is new is painted.
    Running,
    /// Nothing is painted.
    Paused,
    /// One picture is painted, then nothing.
    OneStep,
}

/// What is painted next.
pub(super) enum Next {
    /// Nothing, before this time is over or there is news.
    Nothing(Option<Duration>),
    /// The picture.
    Picture,
    /// This one of the contact sheet.
    Preview(usize),
}

/// What the thread knows of the world.
pub(super) struct State {
    pub(super) painter: Painter,
    /// How many renderers were to be installed.
    pub(super) installs: u64,
    pub(super) mixer: Mixer,
    pub(super) params: Arc<Params>,
    revision: u64,
    /// The seed that was ordered last; a dream goes on from it.
    ordered_seed: u64,
    /// Input or parameters changed since the last picture, or some of those before are still to come.
    pub(super) dirty: bool,
    /// Some of those before are still to come.
    pub(super) is_behind: bool,
    /// When the parameters, the model or the wish to go on last changed: latency counts from the newest cause.
    pub(super) changed: Instant,
    playback: Playback,
    /// A new seed each picture, without end.
    pub(super) dream: bool,
    /// No picture of this seed was shown yet.
    is_fresh_seed: bool,
    /// Several pictures side by side.
    pub(super) stream: bool,
    /// Nothing is painted until the user decides, whoever is there to paint.
    pub(super) stopped: bool,
    /// Other parameters to try on the same input.
    pub(super) sheet: Sheet,
    /// What goes into recordings.
    pub(super) film: Film,
    /// When somebody drew or turned a number last.
    pub(super) moved: Instant,
    pub(super) last_panic: Option<Instant>,
    pub(super) last_picture: Option<Instant>,
    pub(super) resident: Resident,
    pub(super) told: LiveState,
    /// The last picture's; empty if it was painted.
    pub(super) last_error: String,
}

impl State {
    /// Nothing came yet; what is shown goes into the slot.
    pub(super) fn new(shown: LatestSender<Shot>) -> Self {
        Self {
            painter: Painter::Missing,
            installs: 0,
            mixer: Mixer::default(),
            params: Arc::default(),
            revision: 0,
            ordered_seed: 0,
            dirty: false,
            is_behind: false,
            changed: Instant::now(),
            playback: Playback::Running,
            dream: false,
            is_fresh_seed: true,
            stream: false,
            stopped: false,
            sheet: Sheet::default(),
            film: Film::new(shown),
            moved: Instant::now(),
            last_panic: None,
            last_picture: None,
            resident: Resident::default(),
            told: LiveState::Starting,
            last_error: String::new(),
        }
    }

    pub(super) fn set_params(&mut self, params: Arc<Params>, revision: u64) {
        let seed = (params.seed == self.ordered_seed && self.dream).then_some(self.params.seed);
        self.ordered_seed = params.seed;
        // A dream is further than whoever began it knows: another word or strength does not take it back.
        let params = match seed {
            Some(seed) => Arc::new(Params { seed, ..Params::clone(&params) }),
            None => params,
        };
        if params != self.params {
            self.dirty = true;
            self.changed = Instant::now();
            self.moved = self.changed;
        }
        self.is_fresh_seed |= params.seed != self.params.seed;
        self.params = params;
        self.revision = revision;
    }

    pub(super) fn pause(&mut self) {
        if self.playback == Playback::Running {
            self.playback = Playback::Paused;
        }
        self.changed = Instant::now();
    }

    pub(super) fn is_paused(&self) -> bool {
        self.playback == Playback::Paused
    }

    pub(super) fn go_on(&mut self) {
        self.sheet.wait_for_pictures();
        self.playback = Playback::Running;
        self.changed = Instant::now();
    }

    /// One picture, if the engine is paused.
    pub(super) fn step(&mut self) {
        if self.playback == Playback::Paused {
            self.playback = Playback::OneStep;
        }
        self.changed = Instant::now();
    }

    /// Who asks for one picture of nothing gets none, and not the first one of something either.
    pub(super) fn drop_vain_step(&mut self) {
        if !self.mixer.has_input() {
            self.end_step();
        }
    }

    fn end_step(&mut self) {
        if self.playback == Playback::OneStep {
            self.playback = Playback::Paused;
        }
    }

    /// `render` paints from now on.
    pub(super) fn install(&mut self, render: Box<dyn Render>) {
        self.painter = Painter::Ready(render);
        self.sheet.forget();
        self.stopped = false;
        self.dirty = true;
        self.last_error.clear();
    }

    /// The user wants to go on with whoever is there.
    pub(super) fn resume(&mut self) {
        self.sheet.wait_for_pictures();
        self.painter.trust();
        self.changed = Instant::now();
        self.stopped = false;
        self.dirty = true;
    }

    /// What is painted next.
    pub(super) fn next(&self) -> Next {
        let wants_picture = self.wants_picture();
        match self.wanted_preview() {
            None if wants_picture => Next::Picture,
            None => Next::Nothing(None),
            Some(_) if wants_picture && !self.sheet.has_earned() => Next::Picture,
            Some(at) => match self.sheet.rest_left(self.moved) {
                Duration::ZERO => Next::Preview(at),
                _ if wants_picture => Next::Picture,
                left => Next::Nothing(Some(left)),
            },
        }
    }

    /// The one of the contact sheet that would be painted next, if there is time.
    pub(super) fn wanted_preview(&self) -> Option<usize> {
        // Those on their way would be let go for another one.
        let paints = self.playback == Playback::Running && !self.is_behind && self.can_paint();
        self.sheet.stale(self.mixer.version()).filter(|_| paints)
    }

    /// The parameters are those of a picture that was painted lately: gives it, as the newest one. In a pause it may be of an
    /// earlier input, as the one is that is seen. With what it was painted over.
    pub(super) fn take_from_sheet(&mut self) -> Option<(Picture, Option<Frame>)> {
        if self.dream || !self.can_paint() || self.playback == Playback::OneStep {
            return None;
        }
        let (found, input) = self.sheet.picture(&self.params)?;
        let is_newest = input == self.mixer.version();
        if !is_newest && self.playback == Playback::Running {
            return None;
        }
        let stamps = Stamps { taken: self.changed, ..found.stamps };
        let picture = Picture { revision: self.revision, stamps, ..found.clone() };
        let over = self.sheet.input(input).cloned();
        self.last_error.clear();
        self.is_fresh_seed = false;
        if is_newest {
            self.begin_picture();
        }
        Some((picture, over))
    }

    pub(super) fn wants_picture(&self) -> bool {
        // A dream of a renderer that fails would spin.
        let dreams = self.dream && self.last_error.is_empty();
        let asked = match self.playback {
            Playback::Running => self.dirty || dreams,
            Playback::Paused => false,
            Playback::OneStep => true,
        };
        // So would one of nothing.
        asked && self.can_paint()
    }

    /// Whether there is something to paint over, and somebody who does.
    fn can_paint(&self) -> bool {
        self.mixer.has_input() && self.painter.is_ready() && !self.stopped
    }

    /// What is new is painted now.
    pub(super) fn begin_picture(&mut self) {
        (self.dirty, self.is_behind) = (false, false);
        self.end_step();
    }

    /// What is painted over `frame`.
    pub(super) fn job(&mut self, frame: Frame) -> Job {
        // A dream goes through the seed that was chosen, too.
        let is_fresh_seed = std::mem::take(&mut self.is_fresh_seed);
        if self.dream && !is_fresh_seed {
            self.changed = Instant::now();
            let mut params = Params::clone(&self.params);
            params.seed = params.seed.wrapping_add(1);
            self.params = Arc::new(params);
        }
        let (id, taken) = (frame.id, frame.taken.max(self.changed));
        // Who asks for one picture wants that one.
        let stream = self.stream && self.playback == Playback::Running;
        Job { stream, ..Job::new(Some(frame.stamped(id, taken)), self.params.clone(), self.revision) }
    }

    /// What one of the contact sheet makes of `frame`, if nothing else comes in between.
    pub(super) fn preview_job(&self, frame: Frame, params: Arc<Params>, patience: Patience) -> Job {
        Job { patience, ..Job::new(Some(frame), params, self.revision) }
    }

    /// The contact sheet as it is seen.
    pub(super) fn previews(&self) -> Vec<Preview> {
        // A source makes them old before they are seen.
        self.sheet.previews((!self.mixer.has_base()).then(|| self.mixer.version()))
    }

    pub(super) fn describe(&self) -> LiveState {
        if self.stopped {
            LiveState::Stopped
        } else if !self.painter.is_ready() {
            LiveState::Starting
        } else if self.playback != Playback::Running {
            LiveState::Paused
        } else if self.wants_picture() || self.last_picture.is_some_and(|last| last.elapsed() < IDLE_AFTER) {
            LiveState::Live
        } else if self.wanted_preview().is_some() {
            LiveState::Exploring
        } else {
            LiveState::Idle
        }
    }
}
