//! The dock: the prompt in the largest type, what the model knows, and the few numbers that matter.

use egui::{Align, Layout, Popup, Rect, Ui, UiBuilder, pos2, vec2};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::Cx;
use super::layout::Breadth;
use super::widgets::{chip, chip_width, icon_button, link, note};
use super::{numbers, prompt, words};
use crate::studio::PanelTab;
use crate::weights::ModelCard;

/// Space around the dock's contents.
const EDGE: f32 = 12.0;
/// Longer names stay out of the row of subjects.
const SHORT: usize = 14;
/// Height of the prompt's well.
const WELL: f32 = 40.0;

/// Shows the dock in all of `ui`.
pub fn dock_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let inner = ui.max_rect().shrink2(vec2(EDGE, 10.0));
    let wide = cx.room.breadth() == Breadth::Wide;
    let numbers_width = if wide { (inner.width() * 0.41).clamp(440.0, 600.0) } else { inner.width() };
    let prompt_width = if wide { inner.width() - numbers_width - 20.0 } else { inner.width() };
    let prompt = Rect::from_min_size(inner.min, vec2(prompt_width, WELL));
    let chips = Rect::from_min_size(pos2(inner.left(), prompt.bottom() + 8.0), vec2(prompt_width, 26.0));
    let low = !wide && cx.room.is_low();
    prompt_row_ui(&mut part(ui, prompt), cx, low);
    if !(low && cx.room.chips_hide()) {
        chips_ui(&mut part(ui, chips), cx);
    }
    if low {
        return;
    }
    let numbers = match wide {
        true => Rect::from_min_size(pos2(inner.right() - numbers_width, inner.top()), vec2(numbers_width, 84.0)),
        false => Rect::from_min_max(pos2(inner.left(), chips.bottom() + 6.0), inner.max),
    };
    numbers::numbers_ui(&mut part(ui, numbers), cx, cx.room.number_columns());
}

fn part(ui: &mut Ui, rect: Rect) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)))
}

/// The prompt, and in low windows the button that unfolds the numbers.
fn prompt_row_ui(ui: &mut Ui, cx: &mut Cx<'_>, low: bool) {
    if !low {
        prompt::prompt_ui(ui, ui.max_rect(), cx);
        return;
    }
    let rect = ui.max_rect();
    prompt::prompt_ui(ui, rect.with_max_x(rect.right() - 38.0), cx);
    let mut corner = part(ui, rect.with_min_x(rect.right() - 32.0));
    let button =
        icon_button(&mut corner, icons::ICON_TUNE, "Numbers", "Strength, steps, guidance, seed, size", cx.theme);
    Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        let width = 250.0;
        let (_, rect) = ui.allocate_space(vec2(width, numbers::COUNT as f32 * numbers::ROW));
        numbers::numbers_ui(&mut part(ui, rect), cx, 1);
    });
}

fn chips_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.spacing_mut().item_spacing.x = 6.0;
    let Some(card) = cx.card().cloned() else {
        let text = if cx.snapshot.model.is_some() { "This model has no card: any words may work." } else { "" };
        ui.label(note(text, cx.theme));
        return;
    };
    if cx.settings.params.prompt.trim().is_empty() {
        ui.label(note("It can paint", cx.theme));
        subjects_ui(ui, cx, &card, true);
    } else {
        styles_ui(ui, cx, &card);
        background_ui(ui, cx, &card);
        ui.label(note(format!("knows {} things:", card.subjects.len()), cx.theme));
        subjects_ui(ui, cx, &card, false);
    }
}

fn styles_ui(ui: &mut Ui, cx: &mut Cx<'_>, card: &ModelCard) {
    for name in card.styles.keys() {
        let on = words::has_style(&cx.settings.params.prompt, name, card);
        if chip(ui, name, on, cx.theme).accessible_name(format!("Style {name}")).clicked() {
            cx.settings.params.prompt = words::toggle_style(&cx.settings.params.prompt, name, card);
        }
    }
}

fn background_ui(ui: &mut Ui, cx: &mut Cx<'_>, card: &ModelCard) {
    if card.backgrounds.is_empty() {
        return;
    }
    let now = words::background(&cx.settings.params.prompt);
    let text = now.as_ref().map_or_else(|| "+ background".to_owned(), |colour| format!("{colour} background"));
    let response = chip(ui, &text, now.is_some(), cx.theme).accessible_name("Background of the painting");
    Popup::menu(&response).align(egui::RectAlign::TOP_START).width(180.0).show(|ui| {
        let most = (cx.room.height - 160.0).max(64.0);
        egui::ScrollArea::vertical().max_height(most).min_scrolled_height(most).show(ui, |ui| {
            if ui.add(egui::Button::selectable(now.is_none(), "as it comes")).clicked() {
                cx.settings.params.prompt = words::with_background(&cx.settings.params.prompt, None);
            }
            for colour in &card.backgrounds {
                if ui.add(egui::Button::selectable(now.as_ref() == Some(colour), colour.as_str())).clicked() {
                    cx.settings.params.prompt = words::with_background(&cx.settings.params.prompt, Some(colour));
                }
            }
        });
    });
}

/// As many subjects as fit into the row, then the door to all of them.
fn subjects_ui(ui: &mut Ui, cx: &mut Cx<'_>, card: &ModelCard, as_chips: bool) {
    let start = if as_chips { 0 } else { 7 };
    let more = 56.0;
    let short = card.subjects.iter().filter(|subject| subject.name.len() <= SHORT);
    for subject in short.skip(start) {
        let width = chip_width(ui, &subject.name);
        if ui.available_width() < width + more {
            break;
        }
        let response =
            if as_chips { chip(ui, &subject.name, false, cx.theme) } else { link(ui, &subject.name, cx.theme) };
        if response.on_hover_text(format!("Paint: {}", subject.name)).clicked() {
            cx.act(Action::Subject(subject.name.clone()));
        }
    }
    if ui.available_width() > 30.0 && link(ui, "all…", cx.theme).on_hover_text("Everything the model knows").clicked()
    {
        cx.act(Action::ShowTab(PanelTab::Models));
    }
}
