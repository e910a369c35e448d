//! A drawing that is not saved survives the end of the program all the same: it is kept on disk while it is worked on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::Context;

use super::action::Action;
use super::app::App;
use crate::canvas::Version;
use crate::studio::{Command, Notice};

/// At most this much work is lost.
const AFTER: Duration = Duration::from_secs(5);

/// What is kept of the drawing, beside what is saved.
#[derive(Default)]
pub(super) struct Rescue {
    /// The state that is kept.
    kept: Option<Version>,
    /// When the next one is.
    due: Option<Instant>,
    /// Where the drawing was lost, if it was brought back: until it is saved, it is safe only there.
    lost: Option<PathBuf>,
}

impl App {
    /// Has the drawing kept every few seconds while it changes, and forgotten once it is safe. Hidden windows do so, too.
    pub(super) fn keep_drawing(&mut self, ctx: &Context) {
        if !self.has_unsaved() {
            self.rescue.due = None;
            if self.rescue.kept.take().is_some() {
                self.studio.send(Command::ForgetDrawing);
            }
            self.forget_lost();
            return;
        }
        let version = self.document.version();
        if self.rescue.kept == Some(version) {
            return;
        }
        let due = *self.rescue.due.get_or_insert_with(|| Instant::now() + AFTER);
        let left = due.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            ctx.request_repaint_after(left + Duration::from_millis(20));
        } else if !self.document.is_stroking() {
            (self.rescue.kept, self.rescue.due) = (Some(version), None);
            self.studio.send(Command::KeepDrawing(Box::new(self.document.snapshot())));
        }
    }

    /// The drawing is one that was lost.
    pub(super) fn note_brought_back(&mut self, path: PathBuf) {
        self.rescue.lost = Some(path);
    }

    /// Before the end: what was saved, or thrown away by choice, is not to come back.
    pub(super) fn forget_drawing(&mut self) {
        if self.keeping.leaving {
            self.forget_lost();
        }
        if self.rescue.kept.is_some() && (self.keeping.leaving || !self.has_unsaved()) {
            self.studio.send(Command::ForgetDrawing);
        }
    }

    /// Forgets where the drawing was lost, which is safe now, or thrown away by choice.
    pub(super) fn forget_lost(&mut self) {
        if let Some(path) = self.rescue.lost.take() {
            self.studio.send(Command::ForgetLost(path));
        }
    }

    /// What is drawn now is another drawing: the one that was brought back stays where it was.
    pub(super) fn leave_lost(&mut self) {
        self.rescue.lost = None;
    }

    /// Says that a drawing was lost.
    pub(super) fn offer_lost(&mut self, ctx: &Context, path: PathBuf) {
        let what = "Afterimage ended before a drawing was saved";
        let notice = Notice::warning(what, "It is still there, but for the last seconds");
        let offers =
            vec![("Bring it back", Action::BringBack(path.clone())), ("Throw it away", Action::ForgetLost(path))];
        self.offer(ctx, notice, offers);
    }
}
