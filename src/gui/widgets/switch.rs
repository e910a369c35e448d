//! Several choices side by side of which one is on.

use egui::{Button, RichText, Ui, vec2};
use egui_material_icons::MaterialIcon;

use super::named;
use crate::gui::theme::Theme;

/// One choice of a switch.
#[derive(Clone, Copy)]
pub struct Choice {
    /// Its picture, if it has one.
    pub icon: Option<MaterialIcon>,
    /// The short word that may be shown.
    pub word: &'static str,
    /// What it is called in full.
    pub name: &'static str,
    /// What the tooltip adds.
    pub hint: &'static str,
}

/// What choices show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Their icon, and the word beside it.
    Words,
    /// Their icon alone, where they have one.
    Icons,
}

/// Shows `choices` with `selected` on; gives the one that was clicked.
pub fn segmented_ui(
    ui: &mut Ui,
    choices: &[Choice],
    selected: Option<usize>,
    face: Face,
    theme: &Theme,
) -> Option<usize> {
    let mut clicked = None;
    let ground = ui.painter().add(egui::Shape::Noop);
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding = vec2(if face == Face::Words { 8.0 } else { 4.0 }, 1.0);
        let visuals = ui.visuals_mut();
        visuals.widgets.inactive.fg_stroke.color = theme.quiet;
        visuals.widgets.hovered.weak_bg_fill = theme.line;
        visuals.selection.bg_fill = theme.raised;
        visuals.selection.stroke.color = theme.text;
        for (index, choice) in choices.iter().enumerate() {
            if segment_ui(ui, choice, selected == Some(index), face) {
                clicked = Some(index);
            }
        }
    });
    // Painted under the choices once their place is known.
    ui.painter().set(ground, egui::Shape::rect_filled(row.response.rect.expand(2.0), 8, theme.well));
    clicked
}

fn segment_ui(ui: &mut Ui, choice: &Choice, on: bool, face: Face) -> bool {
    let size = vec2(if face == Face::Words { 0.0 } else { 30.0 }, 24.0);
    let button = match (choice.icon, face) {
        (Some(icon), Face::Words) => Button::selectable(on, (icon.rich_text().size(16.0), RichText::new(choice.word))),
        (Some(icon), Face::Icons) => Button::selectable(on, icon.rich_text().size(17.0)),
        (None, _) => Button::selectable(on, choice.word),
    };
    named(ui.add(button.frame_when_inactive(on).gap(5.0).min_size(size)), choice.name, choice.hint).clicked()
}
