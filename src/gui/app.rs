//! The window as eframe sees it: what it owns, and the rhythm of a frame.

use std::time::{Duration, Instant};

use egui::{Context, Ui};

use super::action::Action;
use super::beat::Beat;
use super::command_palette::{CommandPalette, Stays, command_palette_ui};
use super::cx::{Cx, Session};
use super::dialogs::Dialogs;
use super::explore::Explore;
use super::keeping::{Keeping, Then};
use super::layout::Room;
use super::look;
use super::new_drawing::{Answer, new_drawing_ui};
use super::notices::Notices;
use super::rescue::Rescue;
use super::stage::Stage;
use super::theme::Theme;
use crate::canvas::{Backdrop, Document, SAMPLE_PROMPT};
use crate::engine::{Params, Picture};
use crate::frame::{Frame, Size};
use crate::studio::{self, Notice, Places, Settings, Studio};
use crate::tablet::Tablet;
use crate::weights::ModelSource;

/// Makes the studio, once there is a window to wake.
pub type StudioMaker = Box<dyn FnOnce(&Settings, Places, studio::Wake) -> std::io::Result<Studio>>;

/// News are drawn at once, and once: egui draws twice when it is asked without a delay, which is twice the work for each
/// picture of a camera.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// What the window starts with.
pub struct AppOptions {
    /// How it begins.
    pub settings: Settings,
    /// What is kept on disk; what differs is kept, too, in a moment.
    pub kept: Settings,
    /// Where files live.
    pub places: Places,
    /// What is worth a card from the beginning.
    pub notices: Vec<Notice>,
    /// What draws the window, for people.
    pub renderer: String,
    /// The pens, where the window's events do not know them.
    pub tablet: Tablet,
    /// When frames are drawn, where that takes the engine's time.
    pub beat: Option<Beat>,
    /// Makes the studio; tests bring their own.
    pub studio: StudioMaker,
}

impl AppOptions {
    /// With the model that `settings` name.
    pub fn new(settings: Settings, places: Places) -> Self {
        let studio: StudioMaker = Box::new(Studio::start);
        let (notices, renderer, tablet) = (Vec::new(), "egui".into(), Tablet::default());
        let kept = settings.clone();
        Self { settings, kept, places, notices, renderer, tablet, beat: None, studio }
    }
}

/// What was sent to the studio or written to disk last; differences are sent after each frame.
pub(super) struct Sent {
    pub(super) params: Params,
    pub(super) stream: bool,
    /// What else was to be painted.
    pub(super) explored: Vec<Params>,
    pub(super) source: crate::capture::SourceSpec,
    pub(super) ink: Option<SentInk>,
    pub(super) saved: Settings,
    /// Settings as they were a frame ago, and when they are written if they stay so.
    pub(super) seen: Settings,
    pub(super) save_at: Option<f64>,
    /// The look that egui has.
    pub(super) look: Option<(bool, f32)>,
}

/// Which ink was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SentInk {
    /// Of the drawing.
    pub(super) revision: u64,
    pub(super) size: Size,
    /// What lies under it.
    pub(super) backdrop: Backdrop,
}

/// The window.
pub struct App {
    pub(super) settings: Settings,
    pub(super) document: Document,
    pub(super) studio: Studio,
    pub(super) stage: Stage,
    pub(super) notices: Notices,
    pub(super) session: Session,
    pub(super) explore: Explore,
    pub(super) dialogs: Dialogs,
    pub(super) keeping: Keeping,
    pub(super) rescue: Rescue,
    /// The size that is being chosen for a new drawing.
    pub(super) new_drawing: Option<Size>,
    /// So many places are looked for, for recordings that nobody wants any more.
    pub(super) vain_places: usize,
    /// What shall be done is being asked.
    pub(super) command_palette: Option<CommandPalette>,
    pub(super) picture: Option<Picture>,
    /// When it came.
    pub(super) picture_came: Instant,
    pub(super) source_frame: Option<Frame>,
    pub(super) sent: Sent,
    /// Open the first camera of the next list.
    pub(super) wants_camera: bool,
    /// Take over the numbers the next model suggests.
    pub(super) wants_suggested: bool,
    /// The model that was kept from the last time.
    pub(super) first_model: ModelSource,
    /// The prompt that was not typed: by chance, or chosen from a list.
    pub(super) given_prompt: String,
    /// The focus was moved with the keyboard.
    pub(super) keyboard: bool,
    /// The pointer moved after the focus did.
    pub(super) pointing: bool,
    beat: Option<Beat>,
}

impl App {
    /// The window's contents; the studio begins to load while the first frame is drawn.
    ///
    /// # Errors
    /// The system's error when the studio gets no threads.
    pub fn new(cc: &eframe::CreationContext<'_>, options: AppOptions) -> std::io::Result<Self> {
        let AppOptions { mut settings, kept, places, notices, renderer, tablet, beat, studio } = options;
        super::fonts::install(&cc.egui_ctx);
        if cc.gl.is_some() {
            cc.egui_ctx.add_plugin(super::nearest::Nearest);
        }
        let document = first_document(&mut settings);
        let ctx = cc.egui_ctx.clone();
        let wake: studio::Wake = std::sync::Arc::new(move || ctx.request_repaint_after(AT_ONCE));
        let first_model = kept.model.clone();
        let pictures = places.pictures.display().to_string();
        let dialogs = Dialogs::new(places.pictures.clone(), wake.clone());
        let studio = studio(&settings, places, wake)?;
        let mut app = Self {
            sent: Sent {
                params: settings.params.clone(),
                stream: settings.stream,
                explored: Vec::new(),
                source: settings.source.clone(),
                ink: None,
                saved: kept,
                seen: settings.clone(),
                save_at: Some(1.0),
                look: None,
            },
            keeping: Keeping::of(&document),
            rescue: Rescue::default(),
            new_drawing: None,
            vain_places: 0,
            command_palette: None,
            document,
            studio,
            stage: Stage::new(cc, tablet),
            notices: Notices::default(),
            session: Session { renderer, pictures, ..Session::default() },
            explore: Explore::default(),
            dialogs,
            picture: None,
            picture_came: Instant::now(),
            source_frame: None,
            wants_camera: false,
            // Of another model the numbers are not what this one suggests.
            wants_suggested: settings.model != first_model,
            first_model,
            given_prompt: settings.params.prompt.clone(),
            keyboard: false,
            pointing: false,
            beat,
            settings,
        };
        for notice in notices {
            app.notices.add(notice, 0.0);
        }
        app.refresh_look(&cc.egui_ctx);
        app.studio.send(studio::Command::FindLost);
        // The pictures alone are no way to begin, though the window may have been closed so.
        cc.egui_ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(false));
        Ok(app)
    }

    /// The settings as they are.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The drawing.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The live loop.
    pub fn studio(&self) -> &Studio {
        &self.studio
    }

    /// The texts of the cards that show.
    pub fn notices(&self) -> Vec<String> {
        self.notices.texts()
    }

    /// The newest painting.
    pub fn picture(&self) -> Option<&Picture> {
        self.picture.as_ref()
    }

    /// Shows the card that wants an answer, if there is one.
    fn cards_ui(&mut self, ctx: &Context) {
        let theme = Theme::of(self.settings.window.light);
        if let Some(mut size) = self.new_drawing {
            let model = self.studio.snapshot().model.as_ref();
            let side = self.settings.params.size.longer_side();
            let answer = new_drawing_ui(ctx, &mut size, (side, model.map_or(1, |model| model.multiple)), &theme);
            self.new_drawing = (answer == Answer::Open).then_some(size);
            if answer == Answer::Create {
                self.leave_drawing(ctx, Then::New(size));
            }
        }
        self.question_ui(ctx, &theme);
        for action in self.command_palette_ui(ctx, &theme) {
            self.apply(ctx, action);
        }
    }

    /// Shows the palette, if it is open: in the frame of its key already, so that what is typed next is its own. Gives what was chosen.
    fn command_palette_ui(&mut self, ctx: &Context, theme: &Theme) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(palette) = &mut self.command_palette else { return actions };
        let whole = ctx.content_rect();
        let mut cx = Cx {
            theme,
            room: Room { width: whole.width(), height: whole.height() },
            settings: &mut self.settings,
            document: &mut self.document,
            snapshot: self.studio.snapshot(),
            session: &mut self.session,
            explore: &mut self.explore,
            actions: &mut actions,
        };
        if command_palette_ui(ctx, palette, &mut cx) == Stays::Closed {
            self.command_palette = None;
        }
        actions
    }

    /// Puts the theme into egui when it changed.
    pub(super) fn refresh_look(&mut self, ctx: &Context) {
        let wanted = (self.settings.window.light, self.settings.window.zoom);
        if self.sent.look != Some(wanted) {
            look::apply(ctx, &Theme::of(wanted.0), wanted.1);
            self.sent.look = Some(wanted);
        }
    }
}

/// The sample on the very first start, else an empty sheet.
fn first_document(settings: &mut Settings) -> Document {
    let size = settings.canvas;
    if settings.welcomed {
        return Document::new(size, settings.tools.background);
    }
    settings.welcomed = true;
    if settings.params.prompt.is_empty() {
        settings.params.prompt = SAMPLE_PROMPT.to_owned();
    }
    Document::sample(size)
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_news(ctx);
        self.watch_blank();
        self.keep_drawing(ctx);
        self.watch_close(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.take_gifts(&ctx);
        for action in self.rooms_ui(ui) {
            self.apply(&ctx, action);
        }
        self.cards_ui(&ctx);
        self.send_differences(&ctx);
    }

    fn raw_input_hook(&mut self, _ctx: &Context, input: &mut egui::RawInput) {
        if let Some(beat) = &mut self.beat {
            let snapshot = self.studio.snapshot();
            beat.wait(&snapshot.state, &snapshot.stages);
        }
        self.stage.follow_pens(input);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.take_last_places();
        self.save_settings();
        self.forget_drawing();
    }

    fn persist_egui_memory(&self) -> bool {
        // Only the window's place is kept; everything else is in our own settings.
        false
    }

    /// The stage's colour: [`Stage::ui`] relies on it.
    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        Theme::of(self.settings.window.light).stage.to_normalized_gamma_f32()
    }
}
