//! The card that asks how large a new drawing shall be. The painting gets the same shape.

use egui::{Align2, Context, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::look::NOTE;
use super::modal::{buttons_ui, enter, modal_ui};
use super::theme::Theme;
use super::widgets::{Choice, Face, note, primary_button, segmented_ui};
use crate::frame::{Size, fit_longer_side};

/// What a canvas may look like: its name, and how its sides relate.
const SHAPES: [(&str, Size); 5] = [
    ("Square", Size::new(1, 1)),
    ("Portrait", Size::new(3, 4)),
    ("Landscape", Size::new(4, 3)),
    ("Tall", Size::new(9, 16)),
    ("Wide", Size::new(16, 9)),
];

/// Pixels on the longer side.
const SIDES: [(u32, &str, &str); 6] = [
    (256, "256", "256 pixels"),
    (512, "512", "512 pixels"),
    (768, "768", "768 pixels"),
    (1024, "1024", "1024 pixels"),
    (1536, "1536", "1536 pixels"),
    (2048, "2048", "2048 pixels"),
];

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not yet.
    Open,
    /// A drawing of the size that was chosen.
    Create,
    /// None.
    Cancel,
}

/// Shows the card; `size` is what is chosen. `painted` is the painting's longer side and the model's multiple.
pub fn new_drawing_ui(ctx: &Context, size: &mut Size, painted: (u32, u32), theme: &Theme) -> Answer {
    let (answer, away) = modal_ui(ctx, "New drawing", 356.0, theme, |ui| {
        shapes_ui(ui, size, theme);
        ui.add_space(4.0);
        ui.label(note("Pixels on the longer side", theme));
        sides_ui(ui, size, theme);
        ui.add_space(4.0);
        let painting = fit_longer_side(*size, painted.0, painted.1);
        ui.label(note(format!("Canvas {size} pixels · painted at {painting}"), theme));
        buttons_ui(ui, |ui| {
            let create = primary_button(ui, "Create", theme).clicked();
            match (create || enter(ui), ui.button("Cancel").clicked()) {
                (true, _) => Answer::Create,
                (_, true) => Answer::Cancel,
                _ => Answer::Open,
            }
        })
    });
    if away { Answer::Cancel } else { answer }
}

fn shapes_ui(ui: &mut Ui, size: &mut Size, theme: &Theme) {
    let longest = size.longer_side();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let width = (ui.available_width() - 6.0 * (SHAPES.len() - 1) as f32) / SHAPES.len() as f32;
        for (name, shape) in SHAPES {
            if shape_ui(ui, name, shape, has_shape(*size, shape), width, theme).clicked() {
                *size = fit_longer_side(shape, longest, 1);
            }
        }
    });
}

fn has_shape(size: Size, shape: Size) -> bool {
    u64::from(size.width) * u64::from(shape.height) == u64::from(size.height) * u64::from(shape.width)
}

/// A sheet of that shape, to click on.
fn shape_ui(ui: &mut Ui, name: &str, shape: Size, on: bool, width: f32, theme: &Theme) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 72.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, name));
    let fill = if on || response.hovered() { theme.line } else { theme.panel };
    let edge = if on { Stroke::new(1.5, theme.accent) } else { Stroke::new(1.0, theme.line) };
    ui.painter().rect(rect, 6, fill, edge, StrokeKind::Inside);
    let longest = shape.longer_side() as f32;
    let sheet = vec2(shape.width as f32, shape.height as f32) * (32.0 / longest);
    let sheet = Rect::from_center_size(rect.center() - vec2(0.0, 9.0), sheet.round());
    let ink = if on { theme.text } else { theme.quiet };
    ui.painter().rect(sheet, 2, theme.well, Stroke::new(1.5, ink), StrokeKind::Inside);
    let foot = rect.center_bottom() - vec2(0.0, 8.0);
    ui.painter().text(foot, Align2::CENTER_BOTTOM, name, FontId::proportional(NOTE), ink);
    response
}

fn sides_ui(ui: &mut Ui, size: &mut Size, theme: &Theme) {
    let choices = SIDES.map(|(_, word, name)| Choice { icon: None, word, name, hint: "" });
    let longest = size.longer_side();
    let on = SIDES.iter().position(|(side, ..)| *side == longest);
    if let Some(index) = segmented_ui(ui, &choices, on, Face::Words, theme) {
        let shape = SHAPES.into_iter().find(|(_, shape)| has_shape(*size, *shape)).map_or(*size, |(_, shape)| shape);
        *size = fit_longer_side(shape, SIDES[index].0, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_a_canvas_of_its_shape() {
        for (name, shape) in SHAPES {
            for (side, ..) in SIDES {
                let size = fit_longer_side(shape, side, 1);
                assert!(has_shape(size, shape), "{name} {side}: {size}");
                assert_eq!(size.width.max(size.height), side);
            }
        }
    }
}
