//! Carrying out what the user meant, after the pass in which it was meant.

use std::path::PathBuf;

use egui::{Context, ViewportCommand};

use super::action::Action;
use super::app::App;
use super::command_palette::CommandPalette;
use super::cx::RecordingWish;
use super::dialogs::Picked;
use super::explore::Chosen;
use super::notices::Offer;
use super::stage::Refused;
use super::{look, names, numbers, words};
use crate::canvas::Document;
use crate::capture::SourceSpec;
use crate::engine::{Params, Picture};
use crate::record::CAN_WRITE_VIDEO;
use crate::studio::{Arrival, Command, EngineSpec, Notice, Origin, PanelTab, Settings};
use crate::weights::ModelSource;

/// How many model folders the menu remembers.
const RECENT: usize = 5;

impl App {
    /// Does what the user meant.
    pub(super) fn apply(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::UseDrawing => self.use_source(SourceSpec::Drawing),
            Action::UseCamera(id) => self.use_camera(id),
            Action::ListCameras => self.studio.send(Command::ListCameras),
            Action::AskSource => self.dialogs.ask_source(),
            Action::UsePattern => self.use_source(SourceSpec::Pattern),
            Action::Freeze => self.freeze(ctx),
            Action::TakePainting => self.take_painting(ctx),
            Action::TogglePause => {
                self.session.paused = !self.session.paused;
                self.studio.send(Command::Pause(self.session.paused));
            }
            Action::Step => self.studio.send(Command::Step),
            Action::ToggleDream => self.toggle_dream(),
            Action::ToggleRecording => self.toggle_recording(ctx),
            Action::AskCommand => self.command_palette = Some(CommandPalette::default()),
            Action::Undo => _ = self.document.undo(),
            Action::Redo => _ = self.document.redo(),
            Action::ClearDrawing => self.document.clear(),
            Action::TakeTool(tool) => self.settings.tools.tool = tool,
            Action::View(view) => self.settings.window.view = view,
            Action::ToggleLook => self.settings.window.light = !self.settings.window.light,
            Action::AskModel => self.dialogs.ask_model(),
            Action::LoadModel(model) => self.load_model(model),
            Action::Reload => self.load(),
            Action::CancelLoad => self.studio.send(Command::CancelLoad),
            Action::Restart => {
                self.notices.restarted();
                self.studio.send(Command::Restart);
            }
            Action::NewDrawing => self.new_drawing = Some(self.document.size()),
            Action::SaveDrawing => self.save_drawing(ctx),
            Action::AskSaveDrawing => self.ask_save_drawing(ctx),
            Action::QuickSave => self.quick_save(ctx),
            Action::AskSave => self.ask_save(ctx),
            Action::CopyPainting => self.copy_painting(ctx),
            Action::AskOpen => self.dialogs.ask_open(),
            Action::Open(path) => self.open_picture(path),
            Action::ShowTab(tab) => self.show_tab(ctx, tab),
            Action::TogglePanel => self.toggle_panel(ctx),
            Action::StartFresh => self.start_fresh(),
            Action::Zoom(way) => self.settings.window.zoom = look::next_zoom(self.settings.window.zoom, way),
            Action::RandomPrompt => self.random_prompt(ctx),
            Action::RandomSeed => self.settings.params.seed = random_seed(),
            Action::SuggestedNumbers => self.take_suggested(),
            Action::Subject(subject) => self.paint_subject(ctx, &subject),
            Action::TakeRecipe(recipe) => self.take_recipe(*recipe),
            Action::BringBack(path) => self.studio.send(Command::BringBack(path)),
            Action::ForgetLost(path) => self.studio.send(Command::ForgetLost(path)),
            Action::ToggleAlone => {
                self.session.alone = !self.session.alone;
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.session.alone));
            }
            Action::Refuse(refused) => self.refuse(ctx, refused),
            Action::ShowLayer => self.show_layer(),
            Action::Hide(layers) => layers.into_iter().for_each(|layer| _ = self.document.set_visible(layer, false)),
            Action::DrawOn(layer) => _ = self.document.set_active(layer),
            Action::Prompt(prompt) => self.settings.params.prompt = prompt,
            Action::ReplacePrompt(prompt) => self.replace_prompt(ctx, prompt),
            Action::Adopt(chosen) => self.adopt(ctx, chosen),
            Action::TakeBackChoice => {
                let now = Chosen::of(&self.settings.params);
                if let Some(before) = self.explore.step_back(&now) {
                    self.choose(ctx, before);
                }
            }
        }
        // What was done shows in the next frame.
        ctx.request_repaint();
    }

    /// Shows a card.
    pub(super) fn tell(&mut self, ctx: &Context, notice: Notice) {
        self.notices.add(notice, ctx.input(|input| input.time));
    }

    /// Shows a card with buttons, the likeliest first.
    pub(super) fn offer(&mut self, ctx: &Context, notice: Notice, offers: Vec<Offer>) {
        self.notices.add_offer(notice, offers, ctx.input(|input| input.time));
    }

    /// Looks there; a camera that is still being looked for is not wanted any more.
    pub(super) fn use_source(&mut self, source: SourceSpec) {
        self.wants_camera = false;
        self.settings.source = source;
    }

    fn use_camera(&mut self, id: Option<String>) {
        match id {
            Some(id) => self.use_source(SourceSpec::Camera { id, mirror: self.settings.camera.mirror }),
            None => {
                self.wants_camera = true;
                self.studio.send(Command::ListCameras);
            }
        }
    }

    fn freeze(&mut self, ctx: &Context) {
        let Some(frame) = self.source_frame.clone() else {
            return self
                .tell(ctx, Notice::warning("There is no picture to freeze yet", "Wait for the source to go live"));
        };
        let name = match &self.settings.source {
            SourceSpec::Camera { .. } => "Camera (frozen)",
            SourceSpec::Pattern => "Pattern (frozen)",
            _ => "Picture (frozen)",
        };
        // The source stays until the layer is there.
        self.fit_picture(Arrival { frame, name: name.into(), origin: Origin::Source, recipe: None });
    }

    fn take_painting(&mut self, ctx: &Context) {
        let Some(picture) = self.seen_picture() else { return self.tell_no_picture(ctx) };
        let (frame, name) = (picture.frame.clone(), "Painting".to_owned());
        self.fit_picture(Arrival { frame, name, origin: Origin::Painting, recipe: None });
    }

    fn toggle_dream(&mut self) {
        self.session.dreaming = !self.session.dreaming;
        self.studio.send(Command::Dream(self.session.dreaming));
        if let Some(picture) = self.picture.as_ref().filter(|_| !self.session.dreaming) {
            // The dream ends on the picture that is seen, not on the one it began with.
            self.settings.params.seed = picture.params.seed;
        }
    }

    fn toggle_recording(&mut self, ctx: &Context) {
        match std::mem::take(&mut self.session.recording) {
            RecordingWish::Off => {}
            RecordingWish::Seeking => return self.vain_places += 1,
            RecordingWish::On => return self.studio.send(Command::EndRecording),
        }
        if !CAN_WRITE_VIDEO {
            let what = "This program was built without videos";
            return self.tell(ctx, Notice::warning(what, "Build it with the feature `video`"));
        }
        self.session.recording = RecordingWish::Seeking;
        let name = names::of_recording(&self.settings.params.prompt);
        // Nobody chooses where recordings go.
        let failed = |notice| Picked::NotRecorded(Notice { remedy: "Make room for it".into(), ..notice });
        self.dialogs.find_quick_place(name, Picked::RecordTo, failed);
    }

    /// A place was found for a recording, or there is none. Where one was wished for in vain, it does not matter which of them.
    pub(super) fn take_place(&mut self, ctx: &Context, place: Result<PathBuf, Notice>) {
        if self.vain_places > 0 {
            self.vain_places -= 1;
            return place.into_iter().for_each(|path| self.studio.send(Command::LeavePlace(path)));
        }
        match place {
            Ok(path) => {
                self.session.recording = RecordingWish::On;
                let (description, settings) = (self.settings.params.prompt.clone(), self.settings.recording.clone());
                self.studio.send(Command::Record { path, description, settings });
            }
            Err(notice) => {
                self.session.recording = RecordingWish::Off;
                self.tell(ctx, notice);
            }
        }
    }

    /// It may have ended by itself; one that was ended by order may tell of it after the next was wished for.
    pub(super) fn note_recording_ended(&mut self) {
        if self.session.recording == RecordingWish::On && self.studio.snapshot().recording.is_none() {
            self.session.recording = RecordingWish::Off;
        }
    }

    fn load_model(&mut self, model: ModelSource) {
        self.wants_suggested = true;
        self.settings.model = model;
        self.load();
    }

    /// Loads the model that the settings name, for the pictures that it will paint.
    fn load(&mut self) {
        let (spec, canvas) = (EngineSpec::of(&self.settings), self.document.size());
        let suggested = self.wants_suggested;
        self.studio.send(if suggested { Command::LoadNew { spec, canvas } } else { Command::Load(spec) });
    }

    /// Puts a folder on top of the menu's list.
    pub(super) fn remember_model(&mut self) {
        let ModelSource::Dir(folder) = &self.settings.model else { return };
        let folder = folder.to_string_lossy().into_owned();
        let recent = &mut self.settings.recent_models;
        recent.retain(|other| *other != folder);
        recent.insert(0, folder);
        recent.truncate(RECENT);
    }

    /// After a load that came to nothing the settings name the model that still paints.
    pub(super) fn name_present_model(&mut self) {
        self.wants_suggested = false;
        let present = self.studio.snapshot().model.as_ref().map(|model| model.source.clone());
        // Where nobody paints, the next start tries what painted the last time.
        self.settings.model = present.unwrap_or_else(|| self.first_model.clone());
    }

    /// The painting, or what is seen in its place.
    fn seen_picture(&self) -> Option<&Picture> {
        self.explore.pointed().map(|pointed| &pointed.picture).or(self.picture.as_ref())
    }

    fn quick_save(&mut self, ctx: &Context) {
        let Some(picture) = self.seen_picture().cloned() else { return self.tell_no_picture(ctx) };
        let name = names::of_painting(&picture.params.prompt, picture.params.seed);
        self.dialogs.find_quick_place(name, |path| Picked::SaveTo(Box::new(picture), path), Picked::Trouble);
    }

    fn ask_save(&mut self, ctx: &Context) {
        let Some(picture) = self.seen_picture().cloned() else { return self.tell_no_picture(ctx) };
        let name = names::of_painting(&picture.params.prompt, picture.params.seed);
        let picked = |path| Picked::SaveTo(Box::new(picture), path);
        self.dialogs.ask_place("Save the painting", &name, names::PAINTING, picked);
    }

    fn copy_painting(&mut self, ctx: &Context) {
        let Some(picture) = self.seen_picture() else { return self.tell_no_picture(ctx) };
        let size = picture.frame.size();
        let size = [size.width as usize, size.height as usize];
        ctx.copy_image(egui::ColorImage::from_rgba_unmultiplied(size, picture.frame.pixels()));
        self.tell(ctx, Notice::done("The painting is copied"));
    }

    fn tell_no_picture(&mut self, ctx: &Context) {
        self.tell(ctx, Notice::warning("There is no painting yet", "Draw something first"));
    }

    fn floats(ctx: &Context) -> bool {
        let rect = ctx.content_rect();
        super::layout::Room { width: rect.width(), height: rect.height() }.panel_floats()
    }

    fn show_tab(&mut self, ctx: &Context, tab: PanelTab) {
        let floats = Self::floats(ctx);
        let open = if floats { &mut self.session.float_open } else { &mut self.settings.window.panel_open };
        *open = true;
        self.settings.window.panel = tab;
    }

    fn toggle_panel(&mut self, ctx: &Context) {
        let floats = Self::floats(ctx);
        let open = if floats { &mut self.session.float_open } else { &mut self.settings.window.panel_open };
        *open = !*open;
    }

    /// An empty sheet instead of the sample.
    pub(super) fn start_fresh(&mut self) {
        self.begin(Document::new(self.document.size(), self.settings.tools.background));
    }

    fn random_prompt(&mut self, ctx: &Context) {
        let model = self.studio.snapshot().model.as_ref();
        let Some(card) = model.and_then(|model| model.card.as_ref()) else { return };
        let prompt = card.random_prompt(chance(), &self.settings.params.prompt);
        self.replace_prompt(ctx, prompt);
        if !self.settings.seed_locked {
            self.settings.params.seed = random_seed();
        }
    }

    fn paint_subject(&mut self, ctx: &Context, subject: &str) {
        let model = self.studio.snapshot().model.as_ref();
        let Some(card) = model.and_then(|model| model.card.as_ref()) else { return };
        let prompt = words::with_subject(&self.settings.params.prompt, subject, card);
        self.replace_prompt(ctx, prompt);
    }

    fn adopt(&mut self, ctx: &Context, chosen: Chosen) {
        let before = Chosen::of(&self.settings.params);
        if before != chosen {
            self.explore.remember(before, chosen.clone());
            self.choose(ctx, chosen);
        }
    }

    /// What was changed meanwhile by others stays.
    fn choose(&mut self, ctx: &Context, Chosen { prompt, seed, strength }: Chosen) {
        (self.settings.params.seed, self.settings.params.strength) = (seed, strength);
        if prompt != self.settings.params.prompt {
            self.replace_prompt(ctx, prompt);
        }
    }

    /// Puts `prompt` in the place of the old one; words that were typed can be had again.
    fn replace_prompt(&mut self, ctx: &Context, prompt: String) {
        let old = std::mem::replace(&mut self.settings.params.prompt, prompt.clone());
        let given = std::mem::replace(&mut self.given_prompt, prompt);
        if old != given && !old.trim().is_empty() {
            let notice = Notice::info(format!("Instead of “{}”", words::shortened(&old, 60)));
            self.offer(ctx, notice, vec![("Back to my words", Action::Prompt(old))]);
        }
    }

    fn refuse(&mut self, ctx: &Context, refused: Refused) {
        match refused {
            Refused::Hidden => {
                let (active, layers) = (self.document.active(), self.document.layers());
                let name = layers.iter().find(|layer| layer.id() == active).map_or("", |layer| layer.name());
                let what = format!("“{name}” is hidden, so nothing can be drawn on it");
                self.offer(ctx, Notice::info(what), vec![("Show it", Action::ShowLayer)]);
            }
            Refused::PaintingOnly => {
                let what = "Only the painting is shown, so nothing can be drawn";
                self.tell(ctx, Notice::info(what));
            }
            Refused::NothingToErase(other) => {
                let name = |id| self.document.layers().iter().find(|layer| layer.id() == id).map_or("", |l| l.name());
                let active = name(self.document.active());
                let what = format!("There is nothing to erase on “{active}” there: it is on “{}”", name(other));
                self.offer(ctx, Notice::info(what), vec![("Go to that layer", Action::DrawOn(other))]);
            }
        }
    }

    /// Says when nothing of a live picture can be seen through the layers.
    pub(super) fn tell_covered(&mut self, ctx: &Context) {
        let layers = self.document.layers().iter().filter(|layer| layer.covers_all());
        let covering: Vec<_> = layers.map(|layer| layer.id()).collect();
        if self.settings.source != SourceSpec::Drawing && !covering.is_empty() {
            let notice = Notice::info("Your layers cover the live picture");
            self.offer(ctx, notice, vec![("Hide what covers it", Action::Hide(covering))]);
        }
    }

    fn show_layer(&mut self) {
        let layer = self.document.active();
        self.document.set_visible(layer, true);
        if !self.document.is_active_visible() {
            self.document.set_opacity(layer, 1.0);
        }
    }

    /// The numbers the model suggests.
    pub(super) fn take_suggested(&mut self) {
        let model = self.studio.snapshot().model.as_ref();
        let wanted = numbers::suggested_by(model);
        let params = &mut self.settings.params;
        params.steps = wanted.steps;
        params.strength = wanted.strength;
        params.guidance = wanted.guidance;
    }

    /// The prompt and the numbers of a painting; its size stays that of the canvas.
    fn take_recipe(&mut self, recipe: Params) {
        let (size, seed) = (self.settings.params.size, recipe.seed.min(numbers::LARGEST_SEED));
        let params = Params { size, seed, prompt: words::tamed(&recipe.prompt), ..recipe };
        self.settings.params = Settings::sound_recipe(params);
    }
}

/// A seed that can be read and told.
fn random_seed() -> u64 {
    chance() % 1_000_000
}

/// A number nobody can guess; good enough for seeds.
fn chance() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // Every RandomState has fresh keys from the system's own randomness.
    std::hash::RandomState::new().build_hasher().finish()
}
