//! What the pointer looks like over the pictures: the brush's outline, or the cursor of what a press would do.

use egui::{CursorIcon, Pos2, Response, Ui};

use super::{Panes, StageLook, labels, navigate, points, seen};
use crate::studio::{Tool, ToolSettings, ViewMode};

/// A pointer that does not move for so long, in seconds, is in an audience's way.
pub const POINTER_RESTS_S: f32 = 2.0;
/// How long a changed size is shown on the canvas, in seconds.
const SHOWN_S: f64 = 0.8;

/// Notices when the brush changes its size.
#[derive(Default)]
pub(super) struct Resizing {
    /// The diameter as it was seen last, in canvas pixels, and when it became that, in seconds of egui's clock.
    seen: Option<(f32, f64)>,
}

impl Resizing {
    /// True for a moment after a change.
    pub(super) fn follow(&mut self, ui: &Ui, diameter_px: f32) -> bool {
        let now = ui.input(|input| input.time);
        let (seen, since) = self.seen.unwrap_or((diameter_px, f64::NEG_INFINITY));
        let since = if seen == diameter_px { since } else { now };
        self.seen = Some((diameter_px, since));
        let left = since + SHOWN_S - now;
        if left > 0.0 {
            ui.ctx().request_repaint_after_secs(left as f32);
        }
        left > 0.0
    }
}

/// Shows it. Where the pointer is elsewhere, for example on the size's slider, a size that was `resized` is shown in the
/// middle of the drawing.
pub(super) fn show(ui: &Ui, panes: &Panes, tools: &ToolSettings, look: &StageLook, resized: bool) {
    let view = look.view;
    let over_right = panes.right_response.as_ref().is_some_and(Response::hovered);
    let over_left = panes.left_response.hovered() || panes.left_response.is_pointer_button_down_on();
    if resized && !over_left && matches!(tools.tool, Tool::Brush | Tool::Eraser) && view != ViewMode::Picture {
        outline(ui, panes, tools, seen(ui, &panes.left).center());
    }
    if !over_left && !over_right {
        return;
    }
    if navigate::is_hand(ui) {
        let down = ui.input(|input| input.pointer.primary_down());
        ui.ctx().set_cursor_icon(if down { CursorIcon::Grabbing } else { CursorIcon::Grab });
        return;
    }
    let picking = ui.input(|input| input.modifiers.alt);
    let tool = if picking { Tool::Picker } else { tools.tool };
    let draws = over_left && view != ViewMode::Picture;
    match tool {
        Tool::Brush | Tool::Eraser if draws => {
            let Some(pos) = ui.input(|input| input.pointer.latest_pos()) else { return };
            if look.alone && ui.input(|input| input.pointer.time_since_last_movement()) > POINTER_RESTS_S {
                return;
            }
            let radius = outline(ui, panes, tools, pos);
            ui.ctx().set_cursor_icon(if radius < 4.0 { CursorIcon::Crosshair } else { CursorIcon::None });
        }
        Tool::Brush | Tool::Eraser => {}
        Tool::Fill if !draws => {}
        Tool::Fill | Tool::Picker => ui.ctx().set_cursor_icon(CursorIcon::Crosshair),
    }
}

/// The brush's outline around `at`; gives its radius in points.
fn outline(ui: &Ui, panes: &Panes, tools: &ToolSettings, at: Pos2) -> f32 {
    let radius = tools.diameter_px * panes.left.placed.scale / ui.pixels_per_point() / 2.0;
    labels::brush_outline(&ui.painter().with_clip_rect(points(ui, panes.left.area)), at, radius);
    radius
}
