//! The model's chip in the top bar and the menu under it: which model paints, and which could.

use std::path::Path;

use egui::{Button, Popup, ProgressBar, Rect, RichText, Stroke, Ui, pos2, vec2};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::Cx;
use super::layout::Breadth;
use super::widgets::{named, note_ui};
use super::words::shortened;
use crate::studio::LoadProgress;
use crate::weights::ModelSource;

/// The chip, no further left than `left_edge`.
pub fn chip_ui(ui: &mut Ui, cx: &mut Cx<'_>, left_edge: f32) {
    let theme = cx.theme;
    let room = ui.max_rect().width() - (left_edge - ui.max_rect().left()) - ui.min_rect().width() - 24.0;
    let text = chip_text(cx);
    let with_word = cx.room.breadth() > Breadth::Tiny && room > 96.0;
    let response = ui
        .scope(|ui| {
            let visuals = ui.visuals_mut();
            visuals.widgets.inactive.weak_bg_fill = theme.panel;
            for state in [&mut visuals.widgets.inactive, &mut visuals.widgets.hovered, &mut visuals.widgets.active] {
                state.bg_stroke = Stroke::new(1.0, theme.raised);
            }
            ui.spacing_mut().button_padding = vec2(if with_word { 10.0 } else { 5.0 }, 2.0);
            let icon = icons::ICON_DEPLOYED_CODE.rich_text().size(16.0).color(theme.quiet);
            let button = match with_word {
                true => Button::new((icon, RichText::new(shorten(&text, room)).size(12.5))),
                false => Button::new(icon),
            };
            ui.add(button.corner_radius(13).gap(6.0).min_size(vec2(28.0, 26.0)))
        })
        .inner;
    if let Some(loading) = &cx.snapshot.loading {
        progress_line(ui, response.rect, loading.fraction, cx);
    }
    let response = named(response, "Model", &text);
    Popup::menu(&response).width(280.0).show(|ui| menu_ui(ui, cx));
}

fn chip_text(cx: &Cx<'_>) -> String {
    match (&cx.snapshot.loading, &cx.snapshot.model) {
        (Some(loading), _) => format!("{} {:.0} %", loading.what, loading.fraction * 100.0),
        (None, Some(model)) => format!("{} · {} px", model.name, model.size.width),
        (None, None) => "No model".into(),
    }
}

/// Cuts `text` to about `room` points, with an ellipsis.
fn shorten(text: &str, room: f32) -> String {
    let fits = ((room - 40.0) / 6.5).max(4.0) as usize;
    shortened(text, fits)
}

fn progress_line(ui: &Ui, chip: Rect, fraction: f32, cx: &Cx<'_>) {
    let (left, right) = (chip.left() + 12.0, chip.right() - 12.0);
    let y = chip.bottom() - 2.0;
    let end = left + (right - left) * fraction.clamp(0.0, 1.0);
    ui.painter().rect_filled(Rect::from_min_max(pos2(left, y - 1.0), pos2(end, y + 1.0)), 1, cx.theme.accent);
}

fn menu_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    if let Some(LoadProgress { what, fraction, seconds }) = cx.snapshot.loading.clone() {
        note_ui(ui, format!("{what} · {seconds:.1} s"), cx.theme);
        ui.add(ProgressBar::new(fraction).desired_height(6.0).fill(cx.theme.accent));
        if ui.button("Cancel loading").clicked() {
            cx.act(Action::CancelLoad);
        }
        ui.separator();
    }
    entry_ui(ui, cx, ModelSource::Default, "The default model");
    for path in cx.settings.recent_models.clone() {
        let name = folder_name(&path);
        entry_ui(ui, cx, ModelSource::Dir(path.into()), &name);
    }
    ui.separator();
    if ui.button("Open a model folder…").clicked() {
        cx.act(Action::AskModel);
    }
    note_ui(ui, "A folder in diffusers layout: LCM models of the Stable Diffusion 1.5 or XL kind, for one.", cx.theme);
}

fn entry_ui(ui: &mut Ui, cx: &mut Cx<'_>, model: ModelSource, name: &str) {
    let on = cx.settings.model == model;
    let response = ui.add(Button::selectable(on, name));
    let response = match &model {
        ModelSource::Default => response,
        ModelSource::Dir(path) => response.on_hover_text(path.display().to_string()),
    };
    // A model whose loading failed or was given up can be chosen again.
    let there = cx.snapshot.model.is_some() || cx.snapshot.loading.is_some();
    if response.clicked() && !(on && there) {
        cx.act(Action::LoadModel(model));
    }
}

/// The last part of a path, for people.
fn folder_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_end_in_an_ellipsis() {
        assert_eq!(shorten("Pebble", 400.0), "Pebble");
        assert!(shorten("A very long name of a model indeed", 120.0).ends_with('…'));
    }
}
