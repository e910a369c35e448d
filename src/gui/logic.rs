//! News in, differences out: what the studio says, what is dropped or pasted, and what changed since the last frame.

use std::path::PathBuf;
use std::time::Instant;

use egui::Context;

use super::action::Action;
use super::app::{App, SentInk};
use super::dialogs::Picked;
use super::earlier::Earlier;
use super::keeping::Opened;
use super::{status, words};
use crate::canvas::{Backdrop, Document, FittedPicture};
use crate::capture::SourceSpec;
use crate::engine::Params;
use crate::frame::{Size, fit_longer_side};
use crate::studio::{Arrival, CameraSettings, Command, EngineSpec, Event, Notice, Origin, Overlay};
use crate::weights::ModelSource;

/// A small picture gets a canvas of this many pixels along its longer side.
const SMALL_PICTURE_CANVAS: u32 = 256;
/// A photograph gets a canvas of this many: it is painted much smaller, and a larger one is slow to draw on.
const PHOTO_CANVAS: u32 = 1024;
/// Settings are written when they stayed the same for this long.
const SAVE_AFTER_S: f64 = 1.0;

/// The canvas for an opened picture: its own size, so that a drawing comes back as it was saved; less for what no canvas can
/// be as large as, which are photographs.
fn canvas_for(picture: Size) -> Size {
    let longer = match picture.longer_side() {
        longer if longer > Document::MAX_SIDE => PHOTO_CANVAS,
        longer => longer.max(SMALL_PICTURE_CANVAS),
    };
    fit_longer_side(picture, longer, 1)
}

/// Whether more than a seam of a picture is lost where it covers a canvas.
fn is_cut(picture: Size, canvas: Size) -> bool {
    let [pw, ph, cw, ch] = [picture.width, picture.height, canvas.width, canvas.height].map(f64::from);
    let shape = (pw * ch) / (ph * cw);
    shape.max(1.0 / shape) > 1.02
}

impl App {
    /// Takes what the studio and the dialogs have to say.
    pub(super) fn take_news(&mut self, ctx: &Context) {
        for picked in self.dialogs.answers() {
            self.take_picked(ctx, picked);
        }
        for event in self.studio.events() {
            self.take_event(ctx, event);
        }
        // One that was on its way when the source changed belongs to nobody.
        let frame = self.studio.take_source_frame();
        if let Some(frame) = frame.filter(|frame| frame.source.is_same_device(&self.settings.source)) {
            self.stage.set_source(Some(frame.shown));
            self.source_frame = Some(frame.whole);
        }
        if let Some(previews) = self.studio.take_previews() {
            self.explore.take(previews);
        }
        if let Some(picture) = self.studio.take_picture() {
            if let Some(ms) = self.studio.latencies_ms().last().filter(|_| picture.stamps.was_waited_for()) {
                self.session.add_latency(ms as f32);
            }
            self.note_earlier();
            self.picture = Some(picture);
            self.session.has_picture = true;
            self.picture_came = Instant::now();
            // Whoever looks on shall see it among those that stayed.
            ctx.request_repaint_after(Earlier::STAYS);
        }
        self.note_earlier();
    }

    /// What stayed long enough is kept.
    fn note_earlier(&mut self) {
        if let Some(picture) = &self.picture {
            self.explore.earlier().notice(picture, self.picture_came.elapsed());
        }
    }

    /// The window goes: what has a place now is written all the same.
    pub(super) fn take_last_places(&mut self) {
        for picked in self.dialogs.last_answers() {
            match picked {
                Picked::SaveTo(picture, path) => self.studio.send(Command::SavePicture { picture, path }),
                Picked::SaveDrawing(drawing, path) => self.place_drawing(drawing, path),
                Picked::RecordTo(path) => self.studio.send(Command::LeavePlace(path)),
                Picked::Trouble(notice) | Picked::NotRecorded(notice) | Picked::DrawingNotSaved(_, notice) => {
                    log::warn!("{}", notice.what);
                }
                Picked::Open(_) | Picked::Source(_) | Picked::Model(_) | Picked::Pasted(_) => {}
            }
        }
    }

    fn take_picked(&mut self, ctx: &Context, picked: Picked) {
        match picked {
            Picked::Open(path) => self.open_picture(path),
            Picked::Source(path) => self.use_source(SourceSpec::Picture { path }),
            Picked::Model(path) => self.apply(ctx, Action::LoadModel(ModelSource::Dir(path))),
            Picked::SaveTo(picture, path) => self.studio.send(Command::SavePicture { picture, path }),
            Picked::SaveDrawing(drawing, path) => self.place_drawing(drawing, path),
            Picked::DrawingNotSaved(version, notice) => self.note_not_saved(ctx, version, notice),
            Picked::RecordTo(path) => self.take_place(ctx, Ok(path)),
            Picked::NotRecorded(notice) => self.take_place(ctx, Err(notice)),
            Picked::Pasted(frame) => {
                self.fit_picture(Arrival { frame, name: "Pasted".into(), origin: Origin::Clipboard, recipe: None });
            }
            Picked::Trouble(notice) => self.tell(ctx, notice),
        }
    }

    fn take_event(&mut self, ctx: &Context, event: Event) {
        match event {
            Event::Loading { .. } => {}
            Event::Loaded(_) => self.take_model(ctx),
            Event::LoadCancelled => {
                self.name_present_model();
                self.tell(ctx, Notice::info("Loading was cancelled"));
            }
            Event::LoadFailed(notice) => {
                self.name_present_model();
                self.tell(ctx, notice);
            }
            Event::NoDevice(notice) => {
                // The model that was asked for is loaded all the same, for another painter.
                self.tell(ctx, Notice::warning(notice.what, "the fastest engine that can paints instead"));
                self.settings.executor = EngineSpec::default().executor;
                self.apply(ctx, Action::Reload);
            }
            Event::EngineStopped(notice) => self.notices.add_stopped(notice, ctx.input(|input| input.time)),
            Event::RenderFailed(notice) | Event::Notice(notice) => self.tell(ctx, notice),
            // The stage shows how the source is.
            Event::Source(_) => {}
            Event::Cameras(cameras) => {
                self.session.cameras = cameras;
                self.open_wanted_camera(ctx);
            }
            Event::CamerasNotListed(notice) => {
                self.wants_camera = false;
                self.tell(ctx, notice);
            }
            Event::PictureReady { picture, fitted } => self.put_picture(ctx, picture, fitted),
            Event::DrawingOpened { path, drawing, from } => {
                self.take_opened(ctx, Opened { path, document: *drawing, from });
            }
            Event::LostFound(path) => self.offer_lost(ctx, path),
            Event::DrawingSaved { path, version, part } => self.note_saved(ctx, path, version, part),
            Event::DrawingNotSaved { version, notice } => self.note_not_saved(ctx, version, notice),
            Event::Recorded { path, length } => {
                self.note_recording_ended();
                let length = status::clock(length);
                self.tell(ctx, Notice::done(format!("Recorded {} ({length})", path.display())));
            }
            Event::NotRecorded { notice, .. } => {
                self.note_recording_ended();
                self.tell(ctx, notice);
            }
            Event::Saved(path) => self.tell(ctx, Notice::done(format!("Saved {}", path.display()))),
        }
    }

    /// A model paints now: its sides, its numbers if it was asked for, its place in the menu.
    fn take_model(&mut self, ctx: &Context) {
        self.notices.restarted();
        self.explore.forget();
        let Some(model) = self.studio.snapshot().model.as_ref() else { return };
        let (name, native, multiple) = (model.name.clone(), model.size, model.multiple);
        let params = &mut self.settings.params;
        // The painting has the shape of the canvas.
        let canvas = self.document.size();
        params.size = fit_longer_side(canvas, params.size.longer_side(), multiple);
        if std::mem::take(&mut self.wants_suggested) {
            self.settings.params.size = fit_longer_side(canvas, native.longer_side(), multiple);
            self.take_suggested();
            self.remember_model();
            self.tell(ctx, Notice::done(format!("{name} paints now")));
        }
    }

    fn open_wanted_camera(&mut self, ctx: &Context) {
        if !std::mem::take(&mut self.wants_camera) {
            return;
        }
        let cameras = &self.session.cameras;
        let last = cameras.iter().find(|camera| camera.id == self.settings.camera.id);
        match last.or(cameras.first()) {
            Some(camera) => {
                let (id, mirror) = (camera.id.clone(), self.settings.camera.mirror);
                self.use_source(SourceSpec::Camera { id, mirror });
            }
            None => self.tell(
                ctx,
                Notice::warning(
                    "No camera was found",
                    "Plug one in and choose Camera again; `afterimage doctor` says more",
                ),
            ),
        }
    }

    /// Reads a file for the canvas.
    pub(super) fn open_picture(&mut self, path: PathBuf) {
        self.studio.send(Command::OpenPicture { path, canvas: self.document.size() });
    }

    /// Has a picture made ready for the canvas.
    pub(super) fn fit_picture(&mut self, picture: Arrival) {
        self.studio.send(Command::FitPicture { picture, canvas: self.document.size() });
    }

    /// Puts a picture onto the canvas as a layer; the sample makes way for it.
    fn put_picture(&mut self, ctx: &Context, picture: Arrival, fitted: FittedPicture) {
        if self.document.is_sample() {
            self.start_fresh();
        }
        let alone = self.document.is_blank();
        // An empty canvas takes the shape of what is opened, so that nothing of it is cut off.
        let own = match picture.origin {
            Origin::File => canvas_for(picture.frame.size()),
            Origin::Clipboard | Origin::Source | Origin::Painting => self.document.size(),
        };
        if alone && self.document.size() != own {
            self.begin_new(own);
        }
        let added = match picture.origin {
            Origin::Source => self.document.add_fitted_below(fitted, &picture.name),
            Origin::Painting => self.document.add_fitted_above(fitted, &picture.name),
            Origin::File | Origin::Clipboard => self.document.add_fitted(fitted, &picture.name),
        };
        if added.is_none() {
            // The canvas became another one meanwhile.
            return self.fit_picture(picture);
        }
        let (whole, canvas) = (picture.frame.size(), self.document.size());
        if picture.origin != Origin::Source && is_cut(whole, canvas) {
            let what = format!("“{}” was cut to the shape of the canvas", picture.name);
            self.tell(ctx, Notice::info(what));
        }
        match picture.origin {
            Origin::File if alone => self.note_on_disk(),
            // What covers it all, or is it, leaves nothing of the source to be seen.
            Origin::Source | Origin::Painting => self.settings.source = SourceSpec::Drawing,
            Origin::File | Origin::Clipboard => {}
        }
        if let Some(recipe) = picture.recipe {
            self.offer_recipe(ctx, recipe);
        }
    }

    fn offer_recipe(&mut self, ctx: &Context, recipe: Box<Params>) {
        let prompt = words::shortened(&words::tamed(&recipe.prompt), 80);
        let notice = Notice::info(format!("This was painted as “{prompt}”, seed {}", recipe.seed));
        self.offer(ctx, notice, vec![("Take prompt and numbers", Action::TakeRecipe(recipe))]);
    }

    /// Takes files that were dropped and pictures that were pasted.
    pub(super) fn take_gifts(&mut self, ctx: &Context) {
        let (dropped, pasted) = ctx.input(|input| {
            let dropped: Vec<PathBuf> = input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect();
            let pasted: Vec<_> = input.events.iter().filter_map(pasted_image).collect();
            (dropped, pasted)
        });
        for path in dropped {
            self.open_picture(path);
        }
        for image in pasted {
            self.dialogs.unpack(image);
        }
    }

    /// Sends what changed: parameters, source, ink, look, settings.
    pub(super) fn send_differences(&mut self, ctx: &Context) {
        // The next drawing begins with the background of this one.
        if !self.document.is_sample() {
            self.settings.tools.background = self.document.background();
        }
        if let SourceSpec::Camera { id, mirror } = &self.settings.source {
            self.settings.camera = CameraSettings { id: id.clone(), mirror: *mirror };
        }
        if self.settings.source != self.sent.source {
            if !self.settings.source.is_same_device(&self.sent.source) {
                self.source_frame = None;
                self.stage.set_source(None);
                self.tell_covered(ctx);
            }
            self.sent.source = self.settings.source.clone();
            self.studio.send(Command::SetSource(self.sent.source.clone()));
        }
        if self.settings.params != self.sent.params {
            self.sent.params = self.settings.params.clone();
            self.studio.send(Command::SetParams(self.sent.params.clone()));
        }
        if self.settings.stream != self.sent.stream {
            self.sent.stream = self.settings.stream;
            self.studio.send(Command::Stream(self.sent.stream));
        }
        if self.explore.seen() != self.sent.explored {
            self.sent.explored = self.explore.seen().to_vec();
            self.studio.send(Command::Explore(self.sent.explored.clone()));
        }
        self.send_ink();
        self.refresh_look(ctx);
        self.save_later(ctx);
    }

    fn send_ink(&mut self) {
        // As the stage shows it: until a source delivers, the drawing lies on its own background.
        let backdrop = if self.source_frame.is_some() { Backdrop::Transparent } else { Backdrop::Document };
        let (revision, size) = (self.document.revision(), self.settings.params.size);
        let ink = SentInk { revision, size, backdrop };
        if self.sent.ink == Some(ink) {
            return;
        }
        // Only new ink has the time of its change; the same ink for another purpose is as new as now.
        let same_ink = self.sent.ink.is_some_and(|sent| sent.revision == revision);
        self.sent.ink = Some(ink);
        let frame = self.document.overlay(size, backdrop);
        let id = frame.id;
        let frame = if same_ink { frame.stamped(id, Instant::now()) } else { frame };
        self.studio.draw(Overlay { frame });
    }

    fn save_later(&mut self, ctx: &Context) {
        let now = ctx.input(|input| input.time);
        if self.settings != self.sent.seen {
            self.sent.seen = self.settings.clone();
            self.sent.save_at = Some(now + SAVE_AFTER_S);
        }
        match self.sent.save_at {
            Some(at) if now >= at => self.save_settings(),
            Some(at) => ctx.request_repaint_after_secs((at - now) as f32 + 0.02),
            None => {}
        }
    }

    /// Writes the settings if they differ from what is on disk.
    pub(super) fn save_settings(&mut self) {
        self.sent.save_at = None;
        if self.settings != self.sent.saved {
            self.sent.saved = self.settings.clone();
            self.studio.send(Command::SaveSettings(Box::new(self.settings.clone())));
        }
    }
}

fn pasted_image(event: &egui::Event) -> Option<std::sync::Arc<egui::ColorImage>> {
    match event {
        egui::Event::PasteImage(image) => Some(image.clone()),
        _ => None,
    }
}
