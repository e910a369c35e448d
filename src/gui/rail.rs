//! The left rail: tools, colours, the brush, and undo, redo, clear at its foot.

mod brush;
mod colours;
mod mixer;
mod palette;

pub use colours::chip_button_ui;

use egui::{Align, Button, Layout, RectAlign, Response, RichText, Ui, vec2};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_BRUSH, ICON_COLORIZE, ICON_DELETE, ICON_FORMAT_COLOR_FILL, ICON_INK_ERASER, ICON_REDO, ICON_UNDO,
};

use super::keys;
use super::theme::Theme;
use super::widgets::hint_at;
use crate::canvas::Document;
use crate::studio::{Tool, ToolSettings};

/// Width of the rail in points.
pub const WIDTH: f32 = 48.0;
/// How many buttons stand below each other.
const ROWS: f32 = 10.0;
/// Free space between the groups, all together.
const PADS: f32 = 24.0;

/// How the rail fits its height: first the slider gets shorter and gives way, then the note, then the buttons shrink, so that undo, redo
/// and clear always stay in sight.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Style<'a> {
    theme: &'a Theme,
    button: f32,
    gap: f32,
    note: bool,
    /// Length of the size's slider; 0 where there is no room.
    slider: f32,
}

impl<'a> Style<'a> {
    fn new(theme: &'a Theme, height: f32) -> Self {
        let (button, gap) = (36.0, 4.0);
        let spare = height - ROWS * (button + gap) - PADS;
        let note = spare >= brush::NOTE_HEIGHT;
        let room = (spare - brush::NOTE_HEIGHT - gap).min(brush::SLIDER_HEIGHT);
        let slider = if room >= brush::SHORTEST_SLIDER { room } else { 0.0 };
        if spare >= 0.0 {
            return Self { theme, button, gap, note, slider };
        }
        let button = ((height - PADS) / ROWS - 1.0).floor().clamp(20.0, 36.0);
        Self { theme, button, gap: 1.0, note, slider }
    }
}

/// Fills `ui`, a column [`WIDTH`] wide, and works off the drawing's keys.
pub fn ui(ui: &mut Ui, document: &mut Document, tools: &mut ToolSettings, theme: &Theme) {
    keys::follow(ui, document, tools);
    let style = Style::new(theme, ui.available_height());
    ui.spacing_mut().item_spacing = vec2(0.0, style.gap);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space(4.0);
        for tool in Tool::ALL {
            tool_ui(ui, tool, tools, style);
        }
        ui.add_space(4.0);
        colours::ui(ui, tools, style);
        ui.add_space(4.0);
        brush::ui(ui, tools, style);
        ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
            ui.add_space(4.0);
            history_ui(ui, document, style);
        });
    });
}

fn tool_ui(ui: &mut Ui, tool: Tool, tools: &mut ToolSettings, style: Style<'_>) {
    let (icon, name, hint) = match tool {
        Tool::Brush => (
            ICON_BRUSH,
            "Brush",
            "Brush (B). Hold Shift for straight lines, Alt to pick a colour, Space to move the picture.",
        ),
        Tool::Eraser => (ICON_INK_ERASER, "Eraser", "Eraser (E)"),
        Tool::Fill => (ICON_FORMAT_COLOR_FILL, "Fill", "Fill an area (G)"),
        Tool::Picker => (ICON_COLORIZE, "Pick colour", "Pick a colour from either picture (I)"),
    };
    let state = if tools.tool == tool { ButtonState::Chosen } else { ButtonState::Ready };
    if hint_at(icon_button(ui, icon, name, state, style), RectAlign::RIGHT, hint).clicked() {
        tools.tool = tool;
    }
}

/// From the bottom up: clear, redo, undo.
fn history_ui(ui: &mut Ui, document: &mut Document, style: Style<'_>) {
    let clear = ButtonState::ready_if(!document.is_blank());
    let button = icon_button(ui, ICON_DELETE, "Clear", clear, style);
    if hint_at(button, RectAlign::RIGHT, "Clear the drawing (Delete)").clicked() {
        document.clear();
    }
    let redo = hint("Redo", document.redo_name(), "Ctrl+Shift+Z");
    let button = icon_button(ui, ICON_REDO, "Redo", ButtonState::ready_if(document.can_redo()), style);
    if hint_at(button, RectAlign::RIGHT, redo).clicked() {
        document.redo();
    }
    let undo = hint("Undo", document.undo_name(), "Ctrl+Z");
    let button = icon_button(ui, ICON_UNDO, "Undo", ButtonState::ready_if(document.can_undo()), style);
    if hint_at(button, RectAlign::RIGHT, undo).clicked() {
        document.undo();
    }
}

fn hint(verb: &str, what: Option<&str>, keys: &str) -> String {
    match what {
        Some(what) => format!("{verb} {what} ({keys})"),
        None => format!("{verb} ({keys})"),
    }
}

/// How a button is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ButtonState {
    /// It can be pressed.
    Ready,
    /// It was, and what it stands for is on.
    Chosen,
    /// There is nothing for it to do.
    Disabled,
}

impl ButtonState {
    fn ready_if(enabled: bool) -> Self {
        if enabled { Self::Ready } else { Self::Disabled }
    }
}

/// A square button with an icon, filled with the accent while it is chosen.
fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str, state: ButtonState, style: Style<'_>) -> Response {
    let theme = style.theme;
    let (chosen, enabled) = (state == ButtonState::Chosen, state != ButtonState::Disabled);
    let colour = if chosen { theme.on_accent } else { theme.text };
    let text = RichText::from(icon).size((style.button * 0.56).round()).color(colour);
    ui.spacing_mut().button_padding = vec2(0.0, 0.0);
    let mut button = Button::new(text).min_size(vec2(style.button, style.button)).corner_radius(6.0);
    button = if chosen { button.fill(theme.accent) } else { button.frame_when_inactive(false) };
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, enabled, chosen, name));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_fits_from_the_smallest_window_on() {
        let theme = Theme::dark();
        for height in (240..900).map(|h| h as f32) {
            let style = Style::new(&theme, height);
            let notes = if style.note { brush::NOTE_HEIGHT } else { 0.0 };
            let slider = if style.slider > 0.0 { style.slider + style.gap } else { 0.0 };
            let used = ROWS * (style.button + style.gap) + PADS + notes + slider;
            assert!(used <= height, "{used} in {height}: {style:?}");
        }
        assert_eq!(Style::new(&theme, 700.0).slider, brush::SLIDER_HEIGHT);
        let shorter = |height: f32| Style::new(&theme, height).slider;
        assert!((240..700).map(|h| h as f32).any(|h| (brush::SHORTEST_SLIDER..90.0).contains(&shorter(h))));
    }
}
