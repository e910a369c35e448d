//! Zoom and pan by wheel, pinch, keys and drags. Both pictures share one view.

use egui::{Key, Modifiers, PointerButton, Response, Ui};

use super::layers::Pane;
use crate::display::View;
use crate::gui::keys::are_silent;

/// One press of + or -.
const KEY_STEP: f32 = 1.25;

/// A pane and what the pointer does to it.
pub(super) struct Held<'a> {
    pub(super) response: &'a Response,
    pub(super) pane: &'a Pane,
}

/// True while dragging moves the picture instead of drawing.
pub(super) fn is_hand(ui: &Ui) -> bool {
    ui.input(|input| input.key_down(Key::Space)) && !are_silent(ui)
}

/// True while two fingers are on the screen.
pub(super) fn is_pinching(ui: &Ui) -> bool {
    ui.input(|input| input.multi_touch().is_some())
}

/// Changes `view` by what the user does over any of the panes.
pub(super) fn follow(ui: &Ui, view: &mut View, panes: &[Held<'_>]) {
    for held in panes {
        drag(ui, view, held);
        if held.response.contains_pointer() {
            wheel(ui, view, held);
        }
    }
    if let Some(held) = panes.iter().find(|held| held.response.contains_pointer()).or(panes.first()) {
        keys(ui, view, held);
    }
}

fn drag(ui: &Ui, view: &mut View, held: &Held<'_>) {
    let Held { response, pane } = held;
    if response.double_clicked_by(PointerButton::Middle) {
        *view = View::default();
    }
    let moved =
        response.dragged_by(PointerButton::Middle) || (response.dragged_by(PointerButton::Primary) && is_hand(ui));
    if moved {
        let delta = response.drag_delta() * ui.pixels_per_point();
        view.pan([delta.x, delta.y], pane.placed.canvas, pane.area);
    }
}

fn wheel(ui: &Ui, view: &mut View, held: &Held<'_>) {
    let pane = held.pane;
    let (factor, scroll, fingers) = ui.input(|input| {
        (input.zoom_delta(), input.smooth_scroll_delta(), input.multi_touch().map(|touch| touch.translation_delta))
    });
    if (factor - 1.0).abs() > f32::EPSILON {
        view.zoom_about(factor, middle(ui, held), pane.placed.canvas, pane.area);
    }
    // Without zoom there is nothing to scroll to, and a wheel that moves a whole picture is only a nuisance.
    let delta = fingers.unwrap_or(if view.zoom > 1.0 { scroll } else { egui::Vec2::ZERO }) * ui.pixels_per_point();
    if delta != egui::Vec2::ZERO {
        view.pan([delta.x, delta.y], pane.placed.canvas, pane.area);
    }
}

fn keys(ui: &Ui, view: &mut View, held: &Held<'_>) {
    if are_silent(ui) {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)) as i32;
    let steps = pressed(Key::Plus) + pressed(Key::Equals) - pressed(Key::Minus);
    if steps != 0 {
        view.zoom_about(KEY_STEP.powi(steps), middle(ui, held), held.pane.placed.canvas, held.pane.area);
    }
    if pressed(Key::Num0) > 0 {
        *view = View::default();
    }
}

/// The place that stays put: under the pointer, else in the middle of the pane; in pixels.
fn middle(ui: &Ui, held: &Held<'_>) -> [f32; 2] {
    match held.response.hover_pos() {
        Some(pos) => [pos.x * ui.pixels_per_point(), pos.y * ui.pixels_per_point()],
        None => held.pane.area.centre(),
    }
}
