//! Controls that egui has not, or not in our look. They know the theme and nothing of the program.

mod number;
mod switch;

pub use number::{Number, label_ui, number_ui, typed_ui};
pub use switch::{Choice, Face, segmented_ui};

use egui::{Button, RectAlign, Response, RichText, Stroke, Tooltip, Ui, vec2};
use egui_material_icons::MaterialIcon;

use super::look::{BODY, NOTE};
use super::theme::Theme;

/// Size of icons.
const ICON: f32 = 19.0;

/// A square button with an icon. `name` is what it is called, `hint` what the tooltip adds.
pub fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str, hint: &str, theme: &Theme) -> Response {
    tinted_icon_button(ui, icon, name, hint, theme.quiet, theme)
}

/// An icon button that shows whether it is on.
pub fn toggle_button(ui: &mut Ui, icon: MaterialIcon, name: &str, hint: &str, on: bool, theme: &Theme) -> Response {
    let colour = if on { theme.accent_text } else { theme.quiet };
    let response = tinted_icon_button(ui, icon, name, hint, colour, theme);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_toggled(if on { egui::accesskit::Toggled::True } else { egui::accesskit::Toggled::False });
    });
    response
}

fn tinted_icon_button(
    ui: &mut Ui,
    icon: MaterialIcon,
    name: &str,
    hint: &str,
    colour: egui::Color32,
    theme: &Theme,
) -> Response {
    let response = ui
        .scope(|ui| {
            let visuals = ui.visuals_mut();
            visuals.widgets.inactive.fg_stroke.color = colour;
            visuals.widgets.hovered.fg_stroke.color = if colour == theme.quiet { theme.text } else { colour };
            visuals.widgets.active.fg_stroke.color = visuals.widgets.hovered.fg_stroke.color;
            ui.spacing_mut().button_padding = vec2(4.0, 2.0);
            let side = if ui.available_width() < 40.0 { 24.0 } else { 30.0 };
            ui.add(Button::new(icon.rich_text().size(ICON)).frame_when_inactive(false).min_size(vec2(side, 28.0)))
        })
        .inner;
    named(response, name, hint)
}

/// A small icon button inside a row.
pub fn small_icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str, hint: &str, theme: &Theme) -> Response {
    let response = ui
        .scope(|ui| {
            ui.visuals_mut().widgets.inactive.fg_stroke.color = theme.quiet;
            ui.spacing_mut().button_padding = vec2(2.0, 0.0);
            ui.add(Button::new(icon.rich_text().size(16.0)).frame_when_inactive(false).min_size(vec2(22.0, 22.0)))
        })
        .inner;
    named(response, name, hint)
}

/// Gives a control its name for screen readers and its tooltip.
pub fn named(response: Response, name: &str, hint: &str) -> Response {
    let text = if hint.is_empty() { name.to_owned() } else { format!("{name}\n{hint}") };
    response.accessible_name(name).on_hover_text(text)
}

/// A rounded word to click on.
pub fn chip(ui: &mut Ui, text: &str, on: bool, theme: &Theme) -> Response {
    ui.scope(|ui| {
        let visuals = ui.visuals_mut();
        visuals.widgets.inactive.fg_stroke.color = theme.text;
        visuals.widgets.inactive.weak_bg_fill = if on { theme.raised } else { theme.panel };
        visuals.widgets.hovered.weak_bg_fill = theme.raised;
        for state in [&mut visuals.widgets.inactive, &mut visuals.widgets.hovered, &mut visuals.widgets.active] {
            state.bg_stroke = Stroke::new(1.0, if on { theme.accent } else { theme.raised });
        }
        ui.spacing_mut().button_padding = vec2(10.0, 2.0);
        ui.add(Button::new(RichText::new(text).size(12.0)).corner_radius(12).min_size(vec2(0.0, 24.0)))
    })
    .inner
}

/// How wide a chip with `text` will be.
pub fn chip_width(ui: &Ui, text: &str) -> f32 {
    let font = egui::FontId::proportional(12.0);
    ui.painter().layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER).size().x + 22.0
}

/// A quiet word that can be clicked.
pub fn link(ui: &mut Ui, text: &str, theme: &Theme) -> Response {
    let text = RichText::new(text).size(NOTE + 1.0).color(theme.quiet).underline();
    ui.add(egui::Label::new(text).sense(egui::Sense::click()).selectable(false))
        .on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// What a control does, beside it at `side`, where it covers none of its neighbours.
pub fn hint_at(response: Response, side: RectAlign, text: impl Into<String>) -> Response {
    let text = text.into();
    response.ctx.accesskit_node_builder(response.id, |node| node.set_description(text.as_str()));
    let mut tooltip = Tooltip::for_enabled(&response);
    tooltip.popup = tooltip.popup.align(side);
    tooltip.show(|ui| {
        ui.set_max_width(ui.spacing().tooltip_width);
        ui.label(text);
    });
    response
}

/// A note in quiet small text.
pub fn note(text: impl Into<String>, theme: &Theme) -> RichText {
    RichText::new(text).size(NOTE).color(theme.quiet)
}

/// A note that is set flush left, also in menus, whose layout would stretch its lines.
pub fn note_ui(ui: &mut Ui, text: impl Into<String>, theme: &Theme) {
    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| ui.label(note(text, theme)));
}

/// Body text in the theme's quiet colour.
pub fn quiet(text: impl Into<String>, theme: &Theme) -> RichText {
    RichText::new(text).size(BODY).color(theme.quiet)
}

/// The one button of a place that is meant to be pressed.
pub fn primary_button(ui: &mut Ui, text: &str, theme: &Theme) -> Response {
    ui.add(Button::new(RichText::new(text).color(theme.on_accent)).fill(theme.accent).corner_radius(6))
}
