//! The two colours of the rail, and the card on which one is chosen.

use egui::{Color32, Popup, PopupCloseBehavior, Rect, RectAlign, Response, Sense, Stroke, Ui, WidgetInfo, vec2};
use egui_material_icons::icons::ICON_SWAP_VERT;

use super::palette::PALETTE;
use super::{ButtonState, Style, icon_button, mixer};
use crate::gui::keys;
use crate::gui::theme::Theme;
use crate::gui::widgets::hint_at;
use crate::studio::ToolSettings;

const CHIP: f32 = 24.0;
const COLUMNS: usize = 6;

/// The drawing colour, the swap button, and the chooser behind the colour.
pub(super) fn ui(ui: &mut Ui, tools: &mut ToolSettings, style: Style<'_>) {
    let theme = style.theme;
    let text = "Drawing colour; the small one is the other (X swaps)";
    let swatch = hint_at(swatch_ui(ui, tools, style), RectAlign::RIGHT, text);
    let other = ui.interact(other_rect(swatch.rect, style), ui.scope_id().with("other colour"), Sense::click());
    other.widget_info(|| WidgetInfo::labeled(egui::Role::ColorWell, true, "Other colour"));
    if hint_at(other, RectAlign::RIGHT, "Swap colours (X)").clicked() {
        keys::swap_colours(tools);
    }
    Popup::from_toggle_button_response(&swatch)
        .align(RectAlign::RIGHT_START)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| chooser_ui(ui, &mut tools.colour, theme));
    let swap = icon_button(ui, ICON_SWAP_VERT, "Swap colours", ButtonState::Ready, style);
    if hint_at(swap, RectAlign::RIGHT, "Swap colours (X)").clicked() {
        keys::swap_colours(tools);
    }
}

/// Where the other colour looks out from under the drawing colour.
fn other_rect(swatch: Rect, style: Style<'_>) -> Rect {
    let corner = swatch.center() + vec2(12.0, 12.0) * style.button / 36.0;
    Rect::from_center_size(corner, vec2(11.0, 11.0) * style.button / 36.0)
}

fn opaque([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

fn swatch_ui(ui: &mut Ui, tools: &ToolSettings, style: Style<'_>) -> Response {
    let theme = style.theme;
    let (rect, response) = ui.allocate_exact_size(vec2(style.button, style.button), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::ColorWell, true, "Colour"));
    let ring = if response.hovered() || response.has_focus() { theme.accent } else { theme.text };
    let (unit, painter) = (style.button / 36.0, ui.painter());
    let corner = rect.center() + vec2(10.0, 10.0) * unit;
    painter.circle(corner, 7.0 * unit, opaque(tools.other), Stroke::new(1.0, theme.quiet));
    painter.circle(rect.center(), 12.0 * unit, opaque(tools.colour), Stroke::new(2.0, ring));
    response
}

/// A small square of `colour` that opens the chooser; whether another colour was chosen.
pub fn chip_button_ui(ui: &mut Ui, name: &str, colour: &mut [u8; 3], theme: &Theme) -> bool {
    let before = *colour;
    let chip = chip_ui(ui, name, *colour, false, theme);
    Popup::from_toggle_button_response(&chip)
        .align(RectAlign::BOTTOM_END)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| chooser_ui(ui, colour, theme));
    *colour != before
}

/// The palette, and a mixer for everything else.
fn chooser_ui(ui: &mut Ui, colour: &mut [u8; 3], theme: &Theme) {
    ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
    for row in PALETTE.chunks(COLUMNS) {
        ui.horizontal(|ui| {
            for &(name, offered) in row {
                if chip_ui(ui, name, offered, *colour == offered, theme).clicked() {
                    *colour = offered;
                }
            }
        });
    }
    ui.add_space(4.0);
    mixer::ui(ui, colour, theme);
}

fn chip_ui(ui: &mut Ui, name: &str, colour: [u8; 3], chosen: bool, theme: &Theme) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(CHIP, CHIP), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, chosen, name));
    let line = match (chosen, response.hovered() || response.has_focus()) {
        (true, _) => Stroke::new(2.0, theme.accent),
        (false, true) => Stroke::new(2.0, theme.text),
        (false, false) => Stroke::new(1.0, theme.line),
    };
    ui.painter().rect(rect.shrink(1.0), 6.0, opaque(colour), line, egui::StrokeKind::Inside);
    response.on_hover_text(name)
}
