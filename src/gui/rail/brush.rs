//! The brush: its size on the rail, its opacity, hardness and width rule on a card beside it.

use egui::{Popup, PopupCloseBehavior, RectAlign, RichText, Slider, Ui, vec2};
use egui_material_icons::icons::ICON_TUNE;

use super::{ButtonState, Style, icon_button};
use crate::gui::theme::Theme;
use crate::gui::widgets::hint_at;
use crate::studio::{Tool, ToolSettings};

/// Length of the size's slider where there is room.
pub(super) const SLIDER_HEIGHT: f32 = 96.0;
/// A shorter one is of no use.
pub(super) const SHORTEST_SLIDER: f32 = 40.0;
/// Height of the size in words.
pub(super) const NOTE_HEIGHT: f32 = 20.0;
const CARD_WIDTH: f32 = 208.0;
const WIDTH_HINT: &str = "Fast strokes are thinner. Where a pen reports its pressure, pressure decides instead; \
                          on Wayland nothing reports it yet.";

/// The brush's controls.
pub(super) fn ui(ui: &mut Ui, tools: &mut ToolSettings, style: Style<'_>) {
    let theme = style.theme;
    if style.slider > 0.0 {
        size_ui(ui, tools, style.slider);
    }
    if style.note {
        ui.label(RichText::new(size_note(tools)).size(11.0).color(theme.quiet));
    }
    let more = icon_button(ui, ICON_TUNE, "Brush settings", ButtonState::Ready, style);
    let more = hint_at(more, RectAlign::RIGHT, "Size, opacity, hardness and width of the brush");
    Popup::from_toggle_button_response(&more)
        .align(RectAlign::RIGHT_START)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| card_ui(ui, tools, theme));
}

/// The size in words, and how opaque the ink is where it is not opaque; erasers always are.
fn size_note(tools: &ToolSettings) -> String {
    let percent = (tools.opacity * 100.0).round();
    match percent < 100.0 && tools.tool != Tool::Eraser {
        true => format!("{:.0}\u{2009}·\u{2009}{percent:.0}\u{2009}%", tools.diameter_px),
        false => format!("{:.0}\u{2009}px", tools.diameter_px),
    }
}

fn size_ui(ui: &mut Ui, tools: &mut ToolSettings, length: f32) {
    let thickness = ui.spacing().interact_size.y;
    // A vertical slider leans left in a wider column.
    ui.allocate_ui(vec2(thickness, length), |ui| {
        ui.spacing_mut().slider_width = length;
        let slider = Slider::new(&mut tools.diameter_px, ToolSettings::DIAMETER_PX)
            .logarithmic(true)
            .vertical()
            .show_value(false);
        let response = ui.add(slider).accessible_name("Brush size");
        if response.double_clicked() {
            tools.diameter_px = ToolSettings::default().diameter_px;
        }
        hint_at(response, RectAlign::RIGHT, "Brush size ([ and ]); double click resets");
    });
}

/// What a number of the card counts.
enum Unit {
    /// Canvas pixels.
    Pixels,
    /// Hundredths of all.
    Percent,
}

fn card_ui(ui: &mut Ui, tools: &mut ToolSettings, theme: &Theme) {
    ui.set_width(CARD_WIDTH);
    ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
    ui.spacing_mut().slider_width = CARD_WIDTH - 64.0;
    let default = ToolSettings::default();
    // What is erased is erased whole.
    let inks = tools.tool != Tool::Eraser;
    let mut row = |counts: bool, name: &str, value: &mut f32, unit: Unit, reset: f32| {
        ui.label(RichText::new(name).color(theme.quiet));
        let slider = match unit {
            Unit::Pixels => {
                Slider::new(value, ToolSettings::DIAMETER_PX).logarithmic(true).fixed_decimals(0).suffix("\u{2009}px")
            }
            Unit::Percent => Slider::new(value, 0.0..=1.0)
                .custom_formatter(|v, _| format!("{:.0}\u{2009}%", v * 100.0))
                .custom_parser(percent_from),
        };
        let response = ui.add_enabled(counts, slider).accessible_name(name);
        if response.on_disabled_hover_text("The eraser takes all away").double_clicked() {
            *value = reset;
        }
    };
    row(true, "Size", &mut tools.diameter_px, Unit::Pixels, default.diameter_px);
    row(inks, "Opacity", &mut tools.opacity, Unit::Percent, default.opacity);
    row(true, "Hardness", &mut tools.hardness, Unit::Percent, default.hardness);
    ui.checkbox(&mut tools.speed_width, "Width follows speed").on_hover_text(WIDTH_HINT);
    ui.label(RichText::new(WIDTH_HINT).size(11.0).color(theme.quiet));
}

/// "40", "40 %" and "40%" mean 0.4.
fn percent_from(text: &str) -> Option<f64> {
    let number: f64 = text.trim().trim_end_matches('%').trim().parse().ok()?;
    number.is_finite().then_some(number / 100.0)
}

#[cfg(test)]
mod tests {
    use super::{Tool, ToolSettings, percent_from, size_note};

    #[test]
    fn the_note_tells_thin_ink() {
        let mut tools = ToolSettings::default();
        assert_eq!(size_note(&tools), "24\u{2009}px");
        tools.opacity = 0.2;
        assert_eq!(size_note(&tools), "24\u{2009}·\u{2009}20\u{2009}%");
        tools.tool = Tool::Eraser;
        assert_eq!(size_note(&tools), "24\u{2009}px");
    }

    #[test]
    fn percents_are_read_with_and_without_their_sign() {
        for text in ["40", "40 %", " 40%", "40\u{2009}%"] {
            assert_eq!(percent_from(text), Some(0.4), "{text}");
        }
        assert_eq!(percent_from("much"), None);
        assert_eq!(percent_from("NaN"), None);
    }
}
