//! Paintings of before, in the Explore tab: to look at, to save, to go on with.

use egui::{Align, Layout, Ui};

use super::explore::back_ui;
use super::tile::{Content, Place, rows_ui};
use crate::gui::action::Action;
use crate::gui::cx::Cx;
use crate::gui::explore::Pointed;
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
    let places: Vec<usize> = (0..count).collect();
    let size = cx.settings.params.size;
    let mut pointed = None;
    let mut chosen = None;
    rows_ui(ui, size, places, |ui, &at, size| {
        let place = Place::take(ui, size);
        // Textures are made of what is seen.
        let (is_visible, pixels) = (place.is_visible(ui), place.pixels(ui));
        let Some(kept) = cx.explore.earlier().all().get_mut(at) else { return };
        let content = match is_visible {
            true => Content::Picture(kept.texture(ui.ctx(), pixels), true),
            false => Content::Nothing,
        };
        let params = kept.picture.params.clone();
        let name = match params.prompt.trim() {
            "" => "no words",
            prompt => prompt,
        };
        let label = format!("Earlier painting {}", at + 1);
        let response = place.show(ui, (name, &label), false, content, cx.theme);
        if response.hovered() {
            pointed = cx.explore.earlier().all().get(at).map(|kept| kept.picture.clone());
        }
        if response.clicked() {
            chosen = Some(params);
        }
    });
    if let Some(picture) = pointed {
        cx.explore.point(ui.ctx(), Pointed { caption: "Earlier".into(), picture });
    }
    if let Some(params) = chosen {
        cx.act(Action::Adopt(Box::new((*params).clone())));
    }
    ui.add_space(4.0);
    let about = "Paintings that stayed for a second, until the program ends. While you point at one, it is the one that \
                 Ctrl+S saves and Ctrl+J draws on. A click goes on with its words, seed and strength.";
    ui.label(note(about, cx.theme));
}
