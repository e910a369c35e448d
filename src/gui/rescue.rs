//! A drawing that is not saved survives the end of the program all the same: it is kept on disk while it is worked on.

use std::path::PathBuf;

use egui::Context;

use super::action::Action;
use super::app::App;
use crate::canvas::Version;
use crate::studio::{Command, Notice};

/// At most this much work is lost.
const AFTER_S: f64 = 10.0;

/// What is kept of the drawing, beside what is saved.
#[derive(Default)]
pub(super) struct Rescue {
    /// The state that is kept.
    kept: Option<Version>,
    /// When the next one is.
    due: Option<f64>,
}

impl App {
    /// Has the drawing kept every few seconds while it changes, and forgotten once it is safe.
    pub(super) fn keep_drawing(&mut self, ctx: &Context) {
        if !self.has_unsaved() {
            self.rescue.due = None;
            if self.rescue.kept.take().is_some() {
                self.studio.send(Command::ForgetDrawing);
            }
            return;
        }
        let version = self.document.version();
        if self.rescue.kept == Some(version) {
            return;
        }
        let now = ctx.input(|input| input.time);
        let due = *self.rescue.due.get_or_insert(now + AFTER_S);
        if now < due {
            ctx.request_repaint_after_secs((due - now) as f32 + 0.02);
        } else if !self.document.is_stroking() {
            self.rescue = Rescue { kept: Some(version), due: None };
            self.studio.send(Command::KeepDrawing(Box::new(self.document.clone())));
        }
    }

    /// The drawing as it is was kept by an earlier run, and is this run's now.
    pub(super) fn note_kept(&mut self) {
        self.rescue.kept = Some(self.document.version());
    }

    /// Before the end: what was saved, or thrown away by choice, is not to come back.
    pub(super) fn forget_drawing(&mut self) {
        if self.keeping.leaving || !self.has_unsaved() {
            self.studio.send(Command::ForgetDrawing);
        }
    }

    /// Says that a drawing was lost.
    pub(super) fn offer_lost(&mut self, ctx: &Context, path: PathBuf) {
        let what = "Afterimage ended before a drawing was saved";
        let notice = Notice::warning(what, "It is still there, but for the last seconds");
        self.notices.add_offer(notice, "Bring it back", Action::BringBack(path), ctx.input(|input| input.time));
    }
}
