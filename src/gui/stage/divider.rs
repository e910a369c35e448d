//! The handle between drawing and painting.

use egui::{CursorIcon, Key, Pos2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::StageLook;
use super::layers::Pane;
use super::layout::{Layout, tame};
use crate::gui::theme::Theme;
use crate::studio::ViewMode;

const GRIP: f32 = 32.0;
const KNOB: f32 = 12.0;
const KEY_STEP: f32 = 0.02;

/// The handle between two panes; gives back the new share when it was moved.
pub(super) fn between_ui(ui: &Ui, stage: Rect, layout: &Layout, look: &StageLook, theme: &Theme) -> Option<f32> {
    let rect = layout.divider?;
    let cursor = if layout.stacked { CursorIcon::ResizeVertical } else { CursorIcon::ResizeHorizontal };
    let handle = handle_ui(ui, rect, cursor, look);
    let colour = if handle.is_lit { theme.accent } else { theme.raised };
    let size = if layout.stacked { vec2(GRIP, 4.0) } else { vec2(4.0, GRIP) };
    ui.painter().rect_filled(Rect::from_center_size(rect.center(), size), 2.0, colour);
    handle.share.or_else(|| handle.dragged_to.map(|pos| tame(layout.share_at(stage, pos), look.view)))
}

/// The line of the wipe over `picture`; gives back the new share when it was moved.
pub(super) fn wipe_ui(ui: &Ui, picture: Rect, look: &StageLook, theme: &Theme) -> Option<f32> {
    let x = picture.left() + picture.width() * tame(look.divider, ViewMode::Wipe);
    let knob = Rect::from_center_size(pos2(x, picture.center().y), egui::Vec2::splat(2.0 * KNOB));
    let handle = handle_ui(ui, knob, CursorIcon::ResizeHorizontal, look);
    let colour = if handle.is_lit { theme.accent } else { theme.text };
    let painter = ui.painter();
    // Dark beside light: it must be seen on any picture.
    painter.vline(x, picture.y_range(), egui::Stroke::new(3.0, theme.stage));
    painter.vline(x, picture.y_range(), egui::Stroke::new(1.0, colour));
    painter.circle(knob.center(), KNOB - 2.0, theme.panel, egui::Stroke::new(2.0, colour));
    for side in [-1.0, 1.0] {
        let tip = knob.center() + vec2(side * 6.0, 0.0);
        let back = vec2(-side * 3.0, 3.0);
        painter.line(vec![tip + vec2(back.x, -back.y), tip, tip + back], egui::Stroke::new(1.5, colour));
    }
    let width = picture.width().max(1.0);
    handle.share.or_else(|| handle.dragged_to.map(|pos| tame((pos.x - picture.left()) / width, ViewMode::Wipe)))
}

/// The screen column, in physical pixels, from which the painting lies over the drawing.
pub(super) fn wipe_column(pane: &Pane, share: f32) -> f32 {
    let seen = pane.visible();
    seen.min[0] + seen.size()[0] * tame(share, ViewMode::Wipe)
}

/// What is done with the handle in this frame.
struct Handle {
    /// Where the pointer drags it to.
    dragged_to: Option<Pos2>,
    /// The share that a key or a double click asks for.
    share: Option<f32>,
    /// Whether it shows that it can be moved, or is.
    is_lit: bool,
}

fn handle_ui(ui: &Ui, rect: Rect, cursor: CursorIcon, look: &StageLook) -> Handle {
    let response =
        ui.interact(rect, ui.scope_id().with("divider"), Sense::click_and_drag()).on_hover_and_drag_cursor(cursor);
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(look.divider)),
        ..WidgetInfo::labeled(Role::Splitter, true, "Divider")
    });
    let mut share = None;
    if response.double_clicked() {
        share = Some(0.5);
    }
    if response.has_focus() {
        let arrows = ui.input(|input| {
            let count = |key| input.num_presses(key) as f32;
            count(Key::ArrowRight) + count(Key::ArrowDown) - count(Key::ArrowLeft) - count(Key::ArrowUp)
        });
        ui.memory_mut(|memory| {
            let arrows = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            memory.set_focus_lock_filter(response.id, arrows);
        });
        if arrows != 0.0 {
            share = Some(tame(look.divider + arrows * KEY_STEP, look.view));
        }
    }
    let dragged_to = if response.dragged() || response.drag_stopped() { response.interact_pointer_pos() } else { None };
    let is_lit = response.hovered() || response.dragged() || response.has_focus();
    Handle { dragged_to, share, is_lit }
}
