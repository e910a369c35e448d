//! The rooms of the window and how they share it in one frame.

use egui::{CentralPanel, Context, CursorIcon, Event, Frame as Fill, Key, Margin, Modifiers, Panel, Rect, Stroke, Ui};

use super::action::Action;
use super::app::App;
use super::cx::Cx;
use super::layout::{PANEL, Room, STATUS, TOP};
use super::stage::{POINTER_RESTS_S, Stage, StageResponse};
use super::theme::Theme;
use super::{captions, dock, look, panels, rail, shortcuts, status, topbar};
use crate::engine::Picture;

impl App {
    /// Shows all rooms; gives what the user meant.
    pub(super) fn rooms_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let theme = Theme::of(self.settings.window.light);
        let ctx = ui.ctx().clone();
        self.session.unsaved = self.has_unsaved();
        self.keep_hand(&ctx);
        let asking = self.is_asking();
        let mut actions = if asking { Vec::new() } else { shortcuts::actions(&ctx) };
        let whole = ui.max_rect();
        self.explore.begin_frame();
        let mut cx = Cx {
            theme: &theme,
            room: Room { width: whole.width(), height: whole.height() },
            settings: &mut self.settings,
            document: &mut self.document,
            snapshot: self.studio.snapshot(),
            session: &mut self.session,
            explore: &mut self.explore,
            actions: &mut actions,
        };
        let bar = Fill::new().fill(theme.panel);
        let alone = cx.session.alone;
        if !alone {
            around_ui(ui, &mut cx, bar);
        }
        let (open, floats) = (!alone && cx.panel_open(), cx.room.panel_floats());
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
        if let Some(refused) = response.refused {
            cx.act(Action::Refuse(refused));
        }
        if alone && !asking {
            alone_ui(&ctx, &mut cx);
        }
        self.notices.ui(&ctx, rect, &theme, &mut actions);
        self.keyboard = ctx.input(|input| match input.pointer.any_down() {
            true => false,
            false => self.keyboard || input.key_pressed(Key::Tab),
        });
        look::focus_ring(&ctx, &theme, self.keyboard);
        actions
    }

    /// Space over the pictures is the hand that moves them, not a press of the control that Tab led to before.
    fn keep_hand(&mut self, ctx: &Context) {
        let (space, tab, moved) = ctx.input(|input| {
            let moved = input.events.iter().any(|event| matches!(event, Event::PointerMoved(_)));
            (input.key_pressed(Key::Space), input.key_pressed(Key::Tab), moved)
        });
        self.pointing = moved || (self.pointing && !tab);
        if space && self.pointing && !ctx.text_edit_focused() && self.stage.is_pointed_at(ctx) {
            ctx.memory_mut(|memory| memory.focused().into_iter().for_each(|id| memory.surrender_focus(id)));
        }
    }
}

/// The rooms that are always there, unless the pictures stand alone.
fn around_ui(ui: &mut Ui, cx: &mut Cx<'_>, bar: Fill) {
    Panel::top("top")
        .exact_size(TOP)
        .frame(bar.inner_margin(Margin::symmetric(8, 0)))
        .show(ui, |ui| topbar::topbar_ui(ui, cx));
    Panel::bottom("status").exact_size(STATUS).frame(bar.fill(cx.theme.well)).show(ui, |ui| status::status_ui(ui, cx));
    Panel::bottom("dock").exact_size(cx.room.dock()).frame(bar).show(ui, |ui| dock::dock_ui(ui, cx));
    Panel::left("rail").exact_size(rail::WIDTH).resizable(false).frame(bar).show(ui, |ui| {
        rail::ui(ui, cx.document, &mut cx.settings.tools, cx.theme);
    });
}

fn show_stage(ui: &mut Ui, stage: &mut Stage, cx: &mut Cx<'_>, picture: Option<&Picture>) -> StageResponse {
    let look = captions::stage_look(cx, picture);
    let pointed = cx.explore.pointed().map(|pointed| &pointed.picture.frame);
    if let Some(painting) = pointed.or(picture.map(|picture| &picture.frame)) {
        stage.set_painting(painting);
    }
    stage.ui(ui, cx.document, &mut cx.settings.tools, &look, cx.theme)
}

/// What still answers where the pictures stand alone: the way back. A pointer that rests is in nobody's way.
fn alone_ui(ctx: &Context, cx: &mut Cx<'_>) {
    let resting_s = ctx.input(|input| input.pointer.time_since_last_movement());
    if resting_s > POINTER_RESTS_S {
        ctx.set_cursor_icon(CursorIcon::None);
    } else {
        ctx.request_repaint_after_secs(POINTER_RESTS_S - resting_s + 0.02);
    }
    if !cx.document.is_stroking() && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        cx.act(Action::ToggleAlone);
    }
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
