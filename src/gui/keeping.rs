//! Saving the drawing, and the question before one that is not saved is thrown away.

use std::path::{Path, PathBuf};

use egui::{Button, Context, ViewportCommand};

use super::app::App;
use super::dialogs::Picked;
use super::ledger::Ledger;
use super::modal::{buttons_ui, enter, modal_ui};
use super::names;
use super::theme::Theme;
use super::widgets::{note, primary_button, quiet};
use crate::canvas::{Backdrop, Document, Version};
use crate::frame::{Size, fit_longer_side};
use crate::record::is_ora_name;
use crate::studio::{Command, Notice, OpenedFrom, SavedPart, ToolSettings};

/// A drawing as it was when it was to be saved.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Its layers; the pixels are shared with the drawing that goes on.
    pub document: Box<Document>,
    /// What lies under them in the file.
    pub backdrop: Backdrop,
}

/// What would throw the drawing away.
pub(super) enum Then {
    /// Closing the window.
    Close,
    /// Another drawing, of this size.
    New(Size),
    /// The drawing that was opened.
    Open(Box<Opened>),
}

/// A drawing that was read from a file.
pub(super) struct Opened {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its layers.
    pub(super) document: Document,
    /// Why it was there.
    pub(super) from: OpenedFrom,
}

/// How the drawing is kept.
pub(super) struct Keeping {
    ledger: Ledger,
    /// What was saved while a place was looked for, and the state that this place is for: it goes there, too.
    waiting: Vec<(Version, Drawing)>,
    /// The question that is being asked.
    question: Option<Then>,
    /// Nothing is asked any more: the window closes.
    pub(super) leaving: bool,
}

enum Answer {
    Open,
    Save,
    Discard,
    Cancel,
}

impl Keeping {
    /// A drawing of which nothing is worth a file yet.
    pub(super) fn of(document: &Document) -> Self {
        let ledger = Ledger::of(document.version());
        Self { ledger, waiting: Vec::new(), question: None, leaving: false }
    }

    /// The drawing's file, if it is one for a drawing with layers, or without. In a flat file that nobody asked for, layers would be lost.
    fn file_for(&self, layered: bool) -> Option<&Path> {
        let keeps = |file: &&Path| !layered || is_ora_name(file) || self.ledger.is_chosen(file);
        self.ledger.file().filter(keeps)
    }
}

impl App {
    /// Whether the user made something that is in no file.
    pub(super) fn has_unsaved(&self) -> bool {
        let document = &self.document;
        let changed = document.is_stroking() || !self.keeping.ledger.is_safe(document.version());
        changed && !document.is_sample() && !document.is_blank()
    }

    /// What is drawn on an emptied canvas is another drawing: it does not replace the file of the one before.
    pub(super) fn watch_blank(&mut self) {
        if self.document.is_blank() {
            self.keeping.ledger.leave_file();
            self.leave_lost();
        }
    }

    /// Whether a card in the middle waits for an answer.
    pub(super) fn is_asking(&self) -> bool {
        self.keeping.question.is_some() || self.new_drawing.is_some() || self.command_palette.is_some()
    }

    /// Takes `document` instead of the drawing; what was not saved is gone.
    pub(super) fn begin(&mut self, document: Document) {
        self.keeping = Keeping::of(&document);
        self.leave_lost();
        self.document = document;
        self.sent.ink = None;
    }

    /// The drawing as it is came from a file.
    pub(super) fn note_on_disk(&mut self) {
        self.keeping.ledger.note_on_disk(self.document.version());
    }

    /// The window stays open until it is clear what becomes of the drawing.
    pub(super) fn watch_close(&mut self, ctx: &Context) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        if asked && !self.keeping.leaving && self.has_unsaved() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            // Closed from a task bar, the window may not be seen.
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(ViewportCommand::Focus);
            self.leave_drawing(ctx, Then::Close);
        }
    }

    /// Does `then` at once, or after asking what becomes of the drawing.
    pub(super) fn leave_drawing(&mut self, ctx: &Context, then: Then) {
        if !self.has_unsaved() {
            return self.finish(ctx, then);
        }
        self.new_drawing = None;
        self.command_palette = None;
        self.keeping.question = Some(then);
        ctx.request_repaint();
    }

    /// Does what the question is about, if one is asked.
    fn finish_asked(&mut self, ctx: &Context) {
        if let Some(then) = self.keeping.question.take() {
            self.finish(ctx, then);
        }
    }

    fn finish(&mut self, ctx: &Context, then: Then) {
        self.keeping.question = None;
        match then {
            Then::Close => {
                self.keeping.leaving = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Then::New(size) => {
                self.forget_lost();
                self.begin_new(size);
            }
            Then::Open(opened) => {
                self.forget_lost();
                self.begin_opened(ctx, *opened);
            }
        }
    }

    /// A layered drawing was read: it takes the place of this one, unless the user is about to close the window.
    pub(super) fn take_opened(&mut self, ctx: &Context, opened: Opened) {
        if !matches!(self.keeping.question, Some(Then::Close)) {
            self.leave_drawing(ctx, Then::Open(Box::new(opened)));
        }
    }

    fn begin_opened(&mut self, ctx: &Context, opened: Opened) {
        let Opened { path, document, from } = opened;
        let version = document.version();
        self.begin_on(document);
        let differs = match from {
            OpenedFrom::File { differs } => differs,
            OpenedFrom::Crash => {
                self.keeping.ledger = Ledger::unsaved();
                return self.note_brought_back(path);
            }
        };
        if differs.is_empty() {
            // Under another name it would be saved as something else.
            if is_ora_name(&path) {
                self.keeping.ledger = Ledger::opened(version, path);
            }
            return;
        }
        // Saving must not take from the file what is not in the drawing.
        let shown =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let what = format!("{shown} looks a little different here: {}", names::listed(&differs));
        self.tell(ctx, Notice::warning(what, "It stays as it is; saving the drawing makes another file"));
    }

    /// An empty canvas of `size`.
    pub(super) fn begin_new(&mut self, size: Size) {
        self.begin_on(Document::new(size, self.settings.tools.background));
    }

    /// Another drawing, perhaps of another size; the painting takes its shape, and the brush keeps its width on the screen.
    fn begin_on(&mut self, document: Document) {
        let size = document.size();
        let ratio = size.longer_side() as f32 / self.document.size().longer_side() as f32;
        let (tools, range) = (&mut self.settings.tools, ToolSettings::DIAMETER_PX);
        tools.diameter_px = (tools.diameter_px * ratio).round().clamp(*range.start(), *range.end());
        self.settings.canvas = size;
        self.begin(document);
        let multiple = self.studio.snapshot().model.as_ref().map_or(1, |model| model.multiple);
        let params = &mut self.settings.params;
        params.size = fit_longer_side(size, params.size.longer_side(), multiple);
        self.stage.reset_view();
    }

    /// Asks the question, if there is one.
    pub(super) fn question_ui(&mut self, ctx: &Context, theme: &Theme) {
        let loses = match &self.keeping.question {
            None => return,
            Some(Then::Close) => "Closing the window throws away what you have not saved.",
            Some(Then::New(_)) => "A new drawing takes the place of this one, which is not saved.",
            Some(Then::Open(_)) => "The drawing that you open takes the place of this one, which is not saved.",
        };
        let saving = self.is_saving();
        let layered = self.document.is_layered();
        let file = self.keeping.file_for(layered);
        let place = file.unwrap_or(self.dialogs.folder());
        let kind = if file.map_or(layered, is_ora_name) { "all layers" } else { "a PNG" };
        let (answer, away) = modal_ui(ctx, "Save your drawing?", 340.0, theme, |ui| {
            ui.label(quiet(loses, theme));
            ui.label(note(format!("Save writes {kind} to {}", place.display()), theme));
            buttons_ui(ui, |ui| {
                if saving {
                    ui.add_enabled(false, Button::new("Saving…"));
                } else if primary_button(ui, "Save", theme).clicked() || enter(ui) {
                    return Answer::Save;
                } else if ui.button("Discard").clicked() {
                    return Answer::Discard;
                }
                if ui.button("Cancel").clicked() { Answer::Cancel } else { Answer::Open }
            })
        });
        match if away { Answer::Cancel } else { answer } {
            Answer::Open => {}
            Answer::Save => self.save_drawing(ctx),
            Answer::Discard => self.finish_asked(ctx),
            Answer::Cancel => self.keeping.question = None,
        }
    }

    /// Whether the drawing as it is will be in a file in a moment.
    fn is_saving(&self) -> bool {
        !self.document.is_stroking() && self.keeping.ledger.is_on_its_way(self.document.version())
    }

    /// Writes the drawing into its file, or into a new one in the pictures folder.
    pub(super) fn save_drawing(&mut self, ctx: &Context) {
        let Some(drawing) = self.drawing_to_save(ctx) else { return };
        let version = drawing.document.version();
        let file = self.keeping.file_for(drawing.document.is_layered()).map(Path::to_owned);
        let first = self.keeping.ledger.seeking();
        self.keeping.ledger.send(version, file.clone());
        match (first, file) {
            // Two searches would find two places.
            (Some(first), _) => self.keeping.waiting.push((first, drawing)),
            (None, Some(path)) => self.write_drawing(drawing, path),
            (None, None) => self.seek_place(drawing),
        }
    }

    /// Finds a place for a drawing in the pictures folder.
    fn seek_place(&self, drawing: Drawing) {
        let version = drawing.document.version();
        let name = names::of_drawing(&self.settings.params.prompt, drawing.document.is_layered());
        let found = move |path| Picked::SaveDrawing(drawing, path);
        self.dialogs.find_quick_place(name, found, move |notice| Picked::DrawingNotSaved(version, notice));
    }

    /// Asks where to write the drawing as it is now.
    pub(super) fn ask_save_drawing(&mut self, ctx: &Context) {
        let Some(drawing) = self.drawing_to_save(ctx) else { return };
        // What has a file with layers goes on having layers.
        let layered = drawing.document.is_layered() || self.keeping.ledger.file().is_some_and(is_ora_name);
        let name = names::of_drawing(&self.settings.params.prompt, layered);
        self.keeping.ledger.ask(drawing.document.version());
        let picked = |path| Picked::SaveDrawing(drawing, path);
        self.dialogs.ask_place("Save the drawing", &name, names::extensions(layered), picked);
    }

    fn drawing_to_save(&mut self, ctx: &Context) -> Option<Drawing> {
        self.document.end_stroke();
        if self.document.is_blank() {
            self.tell(ctx, Notice::warning("There is no drawing to save yet", "Draw something first"));
            return None;
        }
        // Over a live source the drawing has no background on the screen either.
        let transparent = self.settings.transparent || self.source_frame.is_some();
        let backdrop = if transparent { Backdrop::Transparent } else { Backdrop::Document };
        Some(Drawing { document: Box::new(self.document.snapshot()), backdrop })
    }

    /// A place was found or chosen for a drawing; what waited for the same place goes there after it, unless it has layers and the
    /// place has none.
    pub(super) fn place_drawing(&mut self, drawing: Drawing, path: PathBuf) {
        let waiting = self.take_waiting(drawing.document.version());
        self.write_placed(drawing, path.clone());
        let mut first = None;
        for drawing in waiting {
            if is_ora_name(&path) || !drawing.document.is_layered() {
                self.write_placed(drawing, path.clone());
            } else if let Some(first) = first {
                self.keeping.waiting.push((first, drawing));
            } else {
                first = Some(drawing.document.version());
                self.seek_place(drawing);
            }
        }
    }

    fn write_placed(&mut self, drawing: Drawing, path: PathBuf) {
        self.keeping.ledger.placed(drawing.document.version(), path.clone());
        self.write_drawing(drawing, path);
    }

    /// What waits for the place of `version`.
    fn take_waiting(&mut self, version: Version) -> Vec<Drawing> {
        self.keeping.waiting.extract_if(.., |(first, _)| *first == version).map(|(_, drawing)| drawing).collect()
    }

    fn write_drawing(&mut self, drawing: Drawing, path: PathBuf) {
        let Drawing { document, backdrop } = drawing;
        self.studio.send(Command::SaveDrawing { drawing: document, backdrop, path });
    }

    /// A file holds the state `version`, or a part of it.
    pub(super) fn note_saved(&mut self, ctx: &Context, path: PathBuf, version: Version, part: SavedPart) {
        let notice = match part {
            SavedPart::Whole => Notice::done(format!("Saved {}", path.display())),
            SavedPart::Visible => {
                let what = format!("Saved {} without the hidden layers", path.display());
                Notice::warning(what, "Show them and save again to have them in a file, too")
            }
        };
        self.tell(ctx, notice);
        self.keeping.ledger.confirmed(version, path, part);
        if !self.has_unsaved() {
            self.finish_asked(ctx);
        }
    }

    /// The state `version` was not saved, so nothing is thrown away.
    pub(super) fn note_not_saved(&mut self, ctx: &Context, version: Version, notice: Notice) {
        let was_saving = self.is_saving();
        self.keeping.ledger.failed(version);
        for drawing in self.take_waiting(version) {
            self.keeping.ledger.failed(drawing.document.version());
        }
        if was_saving && !self.is_saving() {
            self.keeping.question = None;
        }
        self.tell(ctx, notice);
    }
}
