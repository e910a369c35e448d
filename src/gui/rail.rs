//! The left rail: tools, colours, the brush, and undo, redo, clear at its foot.

mod brush;
mod colours;
mod palette;

use egui::{Align, Button, Layout, Response, RichText, Ui, vec2};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_BRUSH, ICON_COLORIZE, ICON_DELETE, ICON_FORMAT_COLOR_FILL, ICON_INK_ERASER, ICON_REDO, ICON_UNDO,
};

use super::keys;
use super::theme::Theme;
use super::tool::Tool;
use crate::canvas::Document;
use crate::studio::ToolSettings;

/// Width of the rail in points.
pub const WIDTH: f32 = 48.0;
const BUTTON: f32 = 36.0;
const ICON: f32 = 20.0;
const GAP: f32 = 4.0;
/// Below this height the brush's slider gives way, so that undo, redo and clear stay visible.
const LOW: f32 = 480.0;

/// What the user did on the rail in this frame, keys included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RailResponse {
    /// The drawing changed.
    pub changed: bool,
}

/// Fills `ui`, a column [`WIDTH`] wide, and works off the drawing's keys.
pub fn ui(ui: &mut Ui, document: &mut Document, tools: &mut ToolSettings, theme: &Theme) -> RailResponse {
    let mut changed = keys::follow(ui, document, tools);
    let low = ui.available_height() < LOW;
    ui.spacing_mut().item_spacing = vec2(0.0, GAP);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space(GAP);
        for tool in Tool::ALL {
            tool_ui(ui, tool, tools, theme);
        }
        ui.add_space(GAP);
        colours::ui(ui, tools, theme);
        ui.add_space(GAP);
        brush::ui(ui, tools, theme, !low);
        ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
            ui.add_space(GAP);
            changed |= history_ui(ui, document, theme);
        });
    });
    RailResponse { changed }
}

fn tool_ui(ui: &mut Ui, tool: Tool, tools: &mut ToolSettings, theme: &Theme) {
    let (icon, name, hint) = match tool {
        Tool::Brush => (ICON_BRUSH, "Brush", "Brush (B). Hold Alt to pick a colour, Space to move the picture."),
        Tool::Eraser => (ICON_INK_ERASER, "Eraser", "Eraser (E)"),
        Tool::Fill => (ICON_FORMAT_COLOR_FILL, "Fill", "Fill an area (G)"),
        Tool::Picker => (ICON_COLORIZE, "Pick colour", "Pick a colour from either picture (I)"),
    };
    let chosen = Tool::from_name(&tools.tool) == tool;
    if icon_button(ui, icon, name, chosen, true, theme).on_hover_text(hint).clicked() {
        tool.name().clone_into(&mut tools.tool);
    }
}

/// From the bottom up: clear, redo, undo.
fn history_ui(ui: &mut Ui, document: &mut Document, theme: &Theme) -> bool {
    let before = document.revision();
    let drawn = !document.is_blank();
    if icon_button(ui, ICON_DELETE, "Clear", false, drawn, theme).on_hover_text("Clear the drawing (Delete)").clicked()
    {
        document.clear();
    }
    let redo = hint("Redo", document.redo_name(), "Ctrl+Shift+Z");
    if icon_button(ui, ICON_REDO, "Redo", false, document.can_redo(), theme).on_hover_text(redo).clicked() {
        document.redo();
    }
    let undo = hint("Undo", document.undo_name(), "Ctrl+Z");
    if icon_button(ui, ICON_UNDO, "Undo", false, document.can_undo(), theme).on_hover_text(undo).clicked() {
        document.undo();
    }
    document.revision() != before
}

fn hint(verb: &str, what: Option<&str>, keys: &str) -> String {
    match what {
        Some(what) => format!("{verb} {what} ({keys})"),
        None => format!("{verb} ({keys})"),
    }
}

/// A square button with an icon, filled with the accent while `chosen`.
fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str, chosen: bool, enabled: bool, theme: &Theme) -> Response {
    let colour = if chosen { theme.on_accent } else { theme.text };
    let text = RichText::from(icon).size(ICON).color(colour);
    let mut button = Button::new(text).min_size(vec2(BUTTON, BUTTON)).corner_radius(6.0);
    button = if chosen { button.fill(theme.accent) } else { button.frame_when_inactive(false) };
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, enabled, chosen, name));
    response
}
