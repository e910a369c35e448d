//! The window as eframe sees it: what it owns, and the rhythm of a frame.

use egui::{CentralPanel, Context, Frame as Fill, Margin, Panel, Rect, Stroke, Ui};

use super::action::Action;
use super::cx::{Cx, Session};
use super::dialogs::Dialogs;
use super::layout::{PANEL, RAIL, Room, STATUS, TOP};
use super::notices::Notices;
use super::stage::{Stage, StageResponse};
use super::theme::Theme;
use super::{captions, dock, look, panels, shortcuts, status, topbar};
use crate::canvas::{Document, SAMPLE_PROMPT};
use crate::engine::{Params, Picture};
use crate::frame::{Frame, Size};
use crate::studio::{self, Notice, Places, Settings, Studio};

/// Pixels on a side of the canvas.
pub(super) const CANVAS: u32 = 512;

/// Makes the studio, once there is a window to wake.
pub type StudioMaker = Box<dyn FnOnce(&Settings, Places, studio::Wake) -> std::io::Result<Studio>>;

/// What the window starts with.
pub struct AppOptions {
    /// What was kept from the last time.
    pub settings: Settings,
    /// Where files live.
    pub places: Places,
    /// What is worth a card from the beginning.
    pub notices: Vec<Notice>,
    /// What draws the window, for people.
    pub renderer: String,
    /// Makes the studio; tests bring their own.
    pub studio: StudioMaker,
}

impl AppOptions {
    /// With the model that `settings` name.
    pub fn new(settings: Settings, places: Places) -> Self {
        let studio: StudioMaker = Box::new(Studio::start);
        Self { settings, places, notices: Vec::new(), renderer: "egui".into(), studio }
    }
}

/// What was sent to the studio or written to disk last; differences are sent after each frame.
pub(super) struct Sent {
    pub(super) params: Params,
    pub(super) source: crate::capture::SourceSpec,
    /// Revision, size and whether the ink is transparent.
    pub(super) ink: Option<(u64, Size, bool)>,
    pub(super) saved: Settings,
    /// Settings as they were a frame ago, and when they are written if they stay so.
    pub(super) seen: Settings,
    pub(super) save_at: Option<f64>,
    /// The look that egui has.
    pub(super) look: Option<(bool, f32)>,
}

/// The window.
pub struct App {
    pub(super) settings: Settings,
    pub(super) document: Document,
    pub(super) studio: Studio,
    pub(super) stage: Stage,
    pub(super) notices: Notices,
    pub(super) session: Session,
    pub(super) dialogs: Dialogs,
    pub(super) picture: Option<Picture>,
    pub(super) source_frame: Option<Frame>,
    pub(super) sent: Sent,
    /// Open the first camera of the next list.
    pub(super) wants_camera: bool,
    /// Take over the numbers the next model suggests.
    pub(super) wants_suggested: bool,
    /// The focus was moved with the keyboard.
    keyboard: bool,
}

impl App {
    /// The window's contents; the studio begins to load while the first frame is drawn.
    ///
    /// # Errors
    /// The system's error when the studio gets no threads.
    pub fn new(cc: &eframe::CreationContext<'_>, options: AppOptions) -> std::io::Result<Self> {
        let AppOptions { mut settings, places, notices, renderer, studio } = options;
        super::fonts::install(&cc.egui_ctx);
        let saved = settings.clone();
        let document = first_document(&mut settings);
        let ctx = cc.egui_ctx.clone();
        let wake: studio::Wake = std::sync::Arc::new(move || ctx.request_repaint());
        let dialogs = Dialogs::new(places.pictures.clone(), wake.clone());
        let studio = studio(&settings, places, wake)?;
        let mut app = Self {
            sent: Sent {
                params: settings.params.clone(),
                source: settings.source.clone(),
                ink: None,
                saved,
                seen: settings.clone(),
                save_at: Some(1.0),
                look: None,
            },
            document,
            studio,
            stage: Stage::new(cc),
            notices: Notices::default(),
            session: Session { renderer, ..Session::default() },
            dialogs,
            picture: None,
            source_frame: None,
            wants_camera: false,
            wants_suggested: false,
            keyboard: false,
            settings,
        };
        for notice in notices {
            app.notices.add(notice, 0.0);
        }
        app.refresh_look(&cc.egui_ctx);
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

    /// Puts the theme into egui when it changed.
    pub(super) fn refresh_look(&mut self, ctx: &Context) {
        let wanted = (self.settings.window.light, self.settings.window.zoom);
        if self.sent.look != Some(wanted) {
            look::apply(ctx, &Theme::of(wanted.0), wanted.1);
            self.sent.look = Some(wanted);
        }
    }

    /// Shows all rooms; gives what the user meant.
    fn rooms_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let theme = Theme::of(self.settings.window.light);
        let ctx = ui.ctx().clone();
        let mut actions = shortcuts::actions(&ctx);
        let whole = ui.max_rect();
        let mut cx = Cx {
            theme: &theme,
            room: Room { width: whole.width(), height: whole.height() },
            settings: &mut self.settings,
            document: &mut self.document,
            snapshot: self.studio.snapshot(),
            session: &mut self.session,
            actions: &mut actions,
        };
        let bar = Fill::new().fill(theme.panel);
        Panel::top("top")
            .exact_size(TOP)
            .frame(bar.inner_margin(Margin::symmetric(8, 0)))
            .show(ui, |ui| topbar::topbar_ui(ui, &mut cx));
        Panel::bottom("status")
            .exact_size(STATUS)
            .frame(bar.fill(theme.well))
            .show(ui, |ui| status::status_ui(ui, &mut cx));
        Panel::bottom("dock").exact_size(cx.room.dock()).frame(bar).show(ui, |ui| dock::dock_ui(ui, &mut cx));
        Panel::left("rail").exact_size(RAIL).resizable(false).frame(bar).show(ui, |ui| {
            super::rail::ui(ui, cx.document, &mut cx.settings.tools, cx.theme);
        });
        let (open, floats) = (cx.panel_open(), cx.room.panel_floats());
        if open && !floats {
            let frame = bar.inner_margin(Margin::symmetric(12, 8));
            Panel::right("panel")
                .exact_size(PANEL)
                .resizable(false)
                .frame(frame)
                .show(ui, |ui| panels::panel_ui(ui, &mut cx));
        }
        let middle = CentralPanel::no_frame().frame(Fill::new().fill(theme.stage)).show(ui, |ui| {
            let rect = ui.max_rect();
            let response = show_stage(ui, &mut self.stage, &mut cx, self.picture.as_ref());
            (rect, response)
        });
        let (rect, response) = middle.inner;
        if let Some(divider) = response.divider {
            cx.settings.window.divider = divider;
        }
        captions::sample_ui(&ctx, rect, &mut cx);
        if open && floats {
            floating_panel_ui(&ctx, rect, &mut cx);
        }
        self.notices.ui(&ctx, rect, &theme, &mut actions);
        self.keyboard = ctx.input(|input| match input.pointer.any_down() {
            true => false,
            false => self.keyboard || input.key_pressed(egui::Key::Tab),
        });
        look::focus_ring(&ctx, &theme, self.keyboard);
        actions
    }
}

fn show_stage(ui: &mut Ui, stage: &mut Stage, cx: &mut Cx<'_>, picture: Option<&Picture>) -> StageResponse {
    let look = captions::stage_look(cx, picture);
    stage.ui(ui, cx.document, &mut cx.settings.tools, &look, cx.theme)
}

fn floating_panel_ui(ctx: &Context, stage: Rect, cx: &mut Cx<'_>) {
    let width = PANEL.min(stage.width() - 16.0);
    let place = egui::pos2(stage.right() - width, stage.top());
    let frame = Fill::new()
        .fill(cx.theme.panel)
        .stroke(Stroke::new(1.0, cx.theme.line))
        .inner_margin(Margin::symmetric(12, 8))
        .shadow(ctx.global_style().visuals.popup_shadow);
    egui::Area::new(egui::Id::unique("floating panel")).order(egui::Order::Middle).fixed_pos(place).show(ctx, |ui| {
        frame.show(ui, |ui| {
            ui.set_width(width - 26.0);
            ui.set_height(stage.height() - 18.0);
            panels::panel_ui(ui, cx);
        });
    });
}

/// The sample on the very first start, else an empty sheet.
fn first_document(settings: &mut Settings) -> Document {
    let size = Size::square(CANVAS);
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
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.take_gifts(&ctx);
        for action in self.rooms_ui(ui) {
            self.apply(&ctx, action);
        }
        self.send_differences(&ctx);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.save_settings();
    }

    fn persist_egui_memory(&self) -> bool {
        // Only the window's place is kept; everything else is in our own settings.
        false
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        Theme::of(self.settings.window.light).stage.to_normalized_gamma_f32()
    }
}
