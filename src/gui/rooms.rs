//! The rooms of the window and how they share it in one frame.

use egui::{CentralPanel, Context, Frame as Fill, Margin, Panel, Rect, Stroke, Ui};

use super::action::Action;
use super::app::App;
use super::cx::Cx;
use super::layout::{PANEL, RAIL, Room, STATUS, TOP};
use super::stage::{Stage, StageResponse};
use super::theme::Theme;
use super::{captions, dock, look, panels, shortcuts, status, topbar};
use crate::engine::Picture;

impl App {
    /// Shows all rooms; gives what the user meant.
    pub(super) fn rooms_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let theme = Theme::of(self.settings.window.light);
        let ctx = ui.ctx().clone();
        self.session.unsaved = self.has_unsaved();
        let mut actions = if self.is_asking() { Vec::new() } else { shortcuts::actions(&ctx) };
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
        let middle = CentralPanel::no_frame().show(ui, |ui| {
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
