//! Paintings of before, in the Explore tab: to look at, to save, to go on with.

use egui::{Align, Layout, Ui, Vec2};

use super::explore::back_ui;
use super::tile::{Content, Place, rows_ui};
use crate::gui::action::Action;
use crate::gui::cx::Cx;
use crate::gui::explore::{Chosen, Pointed};
use crate::gui::widgets::note;

/// Shows them all, the newest first.
pub fn earlier_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let count = cx.explore.earlier().all().len();
    ui.horizontal(|ui| {
        let text = match count {
            0 => "None yet".to_owned(),
            1 => "1 painting".to_owned(),
            count => format!("{count} paintings"),
        };
        ui.label(note(text, cx.theme));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| back_ui(ui, cx));
    });
    rows_ui(ui, cx.settings.params.size, (0..count).collect(), |ui, &at, size| painting_ui(ui, cx, at, size));
    ui.add_space(4.0);
    let about = "Paintings that stayed for a second, until the program ends. While you point at one, it is the one that \
                 Ctrl+S saves and Ctrl+J draws on. A click goes on with its words, seed and strength.";
    ui.label(note(about, cx.theme));
}

/// The painting at this place, to point at and to click on.
fn painting_ui(ui: &mut Ui, cx: &mut Cx<'_>, at: usize, size: Vec2) {
    let place = Place::take(ui, size);
    // Textures are made of what is seen.
    let (is_visible, pixels) = (place.is_visible(ui), place.pixels(ui));
    let Some(kept) = cx.explore.earlier().all().get_mut(at) else { return };
    let content = match is_visible {
        true => Content::Picture(kept.texture(ui.ctx(), pixels), true),
        false => Content::Nothing,
    };
    let picture = kept.picture.clone();
    let name = match picture.params.prompt.trim() {
        "" => "no words",
        prompt => prompt,
    };
    let label = format!("Earlier painting {}", at + 1);
    let response = place.show(ui, (name, &label), false, content, cx.theme);
    if response.clicked() {
        cx.act(Action::Adopt(Chosen::of(&picture.params)));
    }
    if response.hovered() {
        cx.explore.point(ui.ctx(), Pointed { caption: "Earlier".into(), picture });
    }
}
