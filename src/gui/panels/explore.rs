//! The Explore tab: the same drawing painted with other seeds, words or strengths, to choose from while one draws.

use egui::{Align, Layout, Ui, Vec2};
use egui_material_icons::icons;

use super::earlier::earlier_ui;
use super::tile::{Content, Place, rows_ui};
use crate::gui::action::Action;
use crate::gui::cx::Cx;
use crate::gui::explore::Chosen;
use crate::gui::variations::{Choices, Variation};
use crate::gui::widgets::{chip, chip_width, note, small_icon_button};
use crate::studio::Axis;

/// Shows the tab.
pub fn explore_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let model = cx.snapshot.model.as_ref();
    if model.is_none() {
        ui.label(note("No model is loaded yet.", cx.theme));
        return;
    }
    let params = cx.settings.params.clone();
    let wanted = cx.settings.window.axis;
    let choices = |axis| Choices::new(axis, &params, model);
    // What another model had to offer, this one may not.
    let axis = if choices(wanted).are_any() { wanted } else { Axis::Seed };
    axes_ui(ui, cx, axis, |axis| choices(axis).are_any());
    ui.add_space(4.0);
    if cx.explore.looks_back {
        return earlier_ui(ui, cx);
    }
    let choices = choices(axis);
    let variations = cx.explore.turn_to(&choices);
    page_ui(ui, cx, &choices, &variations);
    let numbered: Vec<(usize, Variation)> = variations.into_iter().enumerate().collect();
    rows_ui(ui, params.size, numbered, |ui, variation, size| preview_ui(ui, cx, variation, size));
    ui.add_space(4.0);
    let about = match cx.session.paused {
        true => "Paused: what is not painted yet, and what you choose of it, is painted when you go on.",
        false => "Painted whenever your hand rests. Point at one to see it large, click to go on with it.",
    };
    ui.label(note(about, cx.theme));
}

/// The axes there are and what was before, in as many rows as they need.
fn axes_ui(ui: &mut Ui, cx: &mut Cx<'_>, now: Axis, is_there: impl Fn(Axis) -> bool) {
    let axes = Axis::ALL.into_iter().filter(|axis| is_there(*axis)).map(Some);
    // What was before is no axis.
    let mut left = axes.chain([None]).peekable();
    while left.peek().is_some() {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let mut room = ui.available_width();
            let mut is_first = true;
            while let Some(axis) = left.next_if(|axis| is_first || chip_width(ui, words(*axis).0) <= room) {
                let (title, hint) = words(axis);
                room -= chip_width(ui, title) + 6.0;
                is_first = false;
                let is_on = if cx.explore.looks_back { axis.is_none() } else { axis == Some(now) };
                if chip(ui, title, is_on, cx.theme).on_hover_text(hint).clicked() {
                    cx.explore.looks_back = axis.is_none();
                    cx.settings.window.axis = axis.unwrap_or(cx.settings.window.axis);
                }
            }
        });
    }
}

/// The way back to what was there before the last choice.
pub fn back_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let is_there = cx.explore.can_step_back(&Chosen::of(&cx.settings.params));
    let hint = "Without the last choice; what you changed otherwise stays";
    let button = |ui: &mut Ui| small_icon_button(ui, icons::ICON_UNDO, "Back to what it was", hint, cx.theme);
    if ui.add_enabled_ui(is_there, button).inner.clicked() {
        cx.act(Action::TakeBackChoice);
    }
}

/// What an axis is called, and what it means; without one, what was before.
fn words(axis: Option<Axis>) -> (&'static str, &'static str) {
    match axis {
        Some(Axis::Seed) => ("Seeds", "The same words, with other luck"),
        Some(Axis::Subject) => ("Subjects", "What else your drawing could be"),
        Some(Axis::Style) => ("Styles", "The same thing, painted in another manner"),
        Some(Axis::Background) => ("Backgrounds", "The same thing before another colour"),
        Some(Axis::Strength) => ("Strengths", "From close to your drawing to free of it"),
        None => ("Earlier", "Paintings that stayed for a moment"),
    }
}

/// Which choices are seen, and the way to others.
fn page_ui(ui: &mut Ui, cx: &mut Cx<'_>, choices: &Choices<'_>, variations: &[Variation]) {
    let count = choices.count();
    let page = *cx.explore.page();
    ui.horizontal(|ui| {
        let (first, last) = (page.first(), page.first() + variations.len() as u64);
        let text = match choices.axis() {
            Axis::Seed => format!("{first} to {}", last.saturating_sub(1)),
            _ => format!("{} to {last} of {count}", first + 1),
        };
        ui.label(note(text, cx.theme));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut turn = |enabled: bool, icon, name| {
                ui.add_enabled_ui(enabled, |ui| small_icon_button(ui, icon, name, "", cx.theme).clicked()).inner
            };
            if turn(page.has_later(count), icons::ICON_CHEVRON_RIGHT, "Later ones") {
                cx.explore.page().later();
            }
            if turn(page.has_earlier(), icons::ICON_CHEVRON_LEFT, "Earlier ones") {
                cx.explore.page().earlier();
            }
            back_ui(ui, cx);
        });
    });
}

/// A preview with its name, to click on.
fn preview_ui(ui: &mut Ui, cx: &mut Cx<'_>, (at, variation): &(usize, Variation), size: Vec2) {
    let place = Place::take(ui, size);
    let content = match cx.explore.painting(ui.ctx(), (*at, &variation.params), place.pixels(ui)) {
        Some((Ok(texture), is_newest)) => Content::Picture(texture, is_newest),
        Some((Err(notice), _)) => Content::Trouble(notice.to_string()),
        None => Content::Nothing,
    };
    let label = format!("Paint with {}", variation.name);
    let response = place.show(ui, (&variation.name, &label), variation.is_present, content, cx.theme);
    if response.hovered() {
        cx.explore.point_at(ui.ctx(), *at, variation);
    }
    if response.clicked() {
        cx.act(Action::Adopt(Chosen::of(&variation.params)));
    }
}
