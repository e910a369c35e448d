//! The models tab: which model paints, what it knows, and whose work it is.

use egui::{RichText, TextEdit, Ui};

use super::{fact_ui, heading_ui};
use crate::gui::action::Action;
use crate::gui::cx::Cx;
use crate::gui::widgets::{link, note};
use crate::studio::ModelInfo;
use crate::weights::{ModelCard, ModelSource};

/// Shows the tab.
pub fn models_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    match cx.snapshot.model.clone() {
        Some(model) => model_ui(ui, cx, &model),
        None => {
            ui.label(note("No model is loaded yet.", cx.theme));
        }
    }
}

fn model_ui(ui: &mut Ui, cx: &mut Cx<'_>, model: &ModelInfo) {
    ui.label(RichText::new(&model.name).size(16.0).color(cx.theme.text));
    if let Some(card) = &model.card {
        ui.label(note(&card.about, cx.theme));
    }
    ui.add_space(8.0);
    fact_ui(ui, "Trained at", &model.size.to_string(), cx);
    fact_ui(ui, "Weights", &format!("{:.0}\u{2009}MB", model.bytes as f64 / 1e6), cx);
    if let Some(card) = model.card.as_ref().filter(|card| !card.license.is_empty()) {
        fact_ui(ui, "Licence", &card.license, cx);
    }
    let place = match &model.source {
        ModelSource::Default => "inside the program".to_owned(),
        ModelSource::Dir(path) => path.display().to_string(),
    };
    fact_ui(ui, "From", &place, cx);
    ui.add_space(6.0);
    ui.label(note(format!("Painted by {}.", model.executor), cx.theme));
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        if ui.button("Open a folder…").clicked() {
            cx.act(Action::AskModel);
        }
        if model.source != ModelSource::Default && ui.button("Default model").clicked() {
            cx.act(Action::LoadModel(ModelSource::Default));
        }
    });
    if let Some(card) = &model.card {
        known_ui(ui, cx, card);
    }
}

fn known_ui(ui: &mut Ui, cx: &mut Cx<'_>, card: &ModelCard) {
    heading_ui(ui, &format!("knows {} things · click to paint", card.subjects.len()), cx);
    let id = ui.scope_id().with("search");
    let mut search = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_default();
    let field = TextEdit::singleline(&mut search).hint_text("Search").desired_width(f32::INFINITY);
    ui.add(field).accessible_name("Search what the model knows");
    ui.data_mut(|data| data.insert_temp(id, search.clone()));
    ui.add_space(4.0);
    let wanted = search.trim().to_lowercase();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 2.0);
        // A name stays on one line.
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let mut found = false;
        for subject in &card.subjects {
            let names = std::iter::once(&subject.name).chain(&subject.also);
            if !wanted.is_empty() && !names.into_iter().any(|name| name.to_lowercase().contains(&wanted)) {
                continue;
            }
            found = true;
            let also =
                if subject.also.is_empty() { String::new() } else { format!("also: {}", subject.also.join(", ")) };
            let response = link(ui, &subject.name, cx.theme);
            let response = if also.is_empty() { response } else { response.on_hover_text(also) };
            if response.clicked() {
                cx.act(Action::Subject(subject.name.clone()));
            }
        }
        if !found {
            ui.label(note("Nothing by that name.", cx.theme));
        }
    });
}
