//! The Explore tab: the same drawing painted with other seeds, words or strengths, to choose from while one draws.

use egui::emath::GuiRounding as _;
use egui::epaint::RectShape;
use egui::{
    Align, Color32, FontSelection, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, TextWrapMode, Ui, Vec2,
    WidgetInfo, WidgetText, pos2, vec2,
};
use egui_material_icons::icons;

use crate::frame::Size;
use crate::gui::action::Action;
use crate::gui::cx::Cx;
use crate::gui::explore::Chosen;
use crate::gui::look::NOTE;
use crate::gui::variations::{Choices, PAGE, Variation};
use crate::gui::widgets::{chip, chip_width, note, small_icon_button};
use crate::studio::Axis;

/// Tiles beside each other.
const COLUMNS: usize = 2;
/// Space between tiles.
const GAP: f32 = 8.0;
/// Height of a tile's name.
const NAME: f32 = 18.0;
/// How opaque a preview is that is still of other numbers.
const OLD: f32 = 0.55;
/// A tile is so many times as high as wide, at most.
const STEEPEST: f32 = 1.5;

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
    let choices = choices(axis);
    let variations = cx.explore.turn_to(&choices);
    page_ui(ui, cx, &choices, &variations);
    let size = params.size;
    let steepness = (size.height.max(1) as f32 / size.width.max(1) as f32).min(STEEPEST);
    let width = ((ui.available_width() - GAP * (COLUMNS - 1) as f32) / COLUMNS as f32).floor();
    let numbered: Vec<(usize, Variation)> = variations.into_iter().enumerate().collect();
    for row in numbered.chunks(COLUMNS) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for variation in row {
                tile_ui(ui, cx, variation, vec2(width, width * steepness));
            }
        });
    }
    ui.add_space(4.0);
    let about = match cx.session.paused {
        true => "Paused: nothing new is painted here either.",
        false => "Painted whenever your hand rests. Point at one to see it large, click to go on with it.",
    };
    ui.label(note(about, cx.theme));
}

/// The axes there are, in as many rows as they need.
fn axes_ui(ui: &mut Ui, cx: &mut Cx<'_>, now: Axis, is_there: impl Fn(Axis) -> bool) {
    let mut left = Axis::ALL.into_iter().filter(|axis| is_there(*axis)).peekable();
    let before = cx.explore.before().cloned();
    while left.peek().is_some() {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let mut room = ui.available_width();
            let mut is_first = true;
            while let Some(axis) = left.next_if(|axis| is_first || chip_width(ui, words(*axis).0) <= room) {
                let (title, hint) = words(axis);
                room -= chip_width(ui, title) + 6.0;
                is_first = false;
                if chip(ui, title, axis == now, cx.theme).on_hover_text(hint).clicked() {
                    cx.settings.window.axis = axis;
                }
            }
            if let Some(before) = before.as_ref().filter(|_| left.peek().is_none()) {
                back_ui(ui, cx, before);
            }
        });
    }
}

/// The way back to what was there before the last choice.
fn back_ui(ui: &mut Ui, cx: &mut Cx<'_>, before: &Chosen) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let hint = format!("“{}”, seed {}, strength {:.2}", before.prompt, before.seed, before.strength);
        if small_icon_button(ui, icons::ICON_UNDO, "Back to what it was", &hint, cx.theme).clicked() {
            cx.act(Action::TakeBackChoice);
        }
    });
}

/// What an axis is called, and what it means.
fn words(axis: Axis) -> (&'static str, &'static str) {
    match axis {
        Axis::Seed => ("Seeds", "The same words, with other luck"),
        Axis::Subject => ("Subjects", "What else your drawing could be"),
        Axis::Style => ("Styles", "The same thing, painted in another manner"),
        Axis::Background => ("Backgrounds", "The same thing before another colour"),
        Axis::Strength => ("Strengths", "From close to your drawing to free of it"),
    }
}

/// Which choices are seen, and the way to others.
fn page_ui(ui: &mut Ui, cx: &mut Cx<'_>, choices: &Choices<'_>, variations: &[Variation]) {
    let count = choices.count();
    if count <= PAGE {
        return;
    }
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
        });
    });
}

/// A preview with its name, to click on.
fn tile_ui(ui: &mut Ui, cx: &mut Cx<'_>, (place, variation): &(usize, Variation), size: Vec2) {
    let (rect, response) = ui.allocate_exact_size(size + vec2(0.0, NAME), Sense::click());
    let label = format!("Paint with {}", variation.name);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, variation.is_present, &label));
    let theme = cx.theme;
    let picture = Rect::from_min_size(rect.min, size).round_to_pixels(ui.pixels_per_point());
    let painter = ui.painter();
    painter.rect_filled(picture, 4, theme.raised);
    let mut trouble = None;
    let pixels = picture.size() * ui.pixels_per_point();
    let pixels = Size::new(pixels.x.round().max(1.0) as u32, pixels.y.round().max(1.0) as u32);
    match cx.explore.painting(ui.ctx(), (*place, &variation.params), pixels) {
        Some((Ok(texture), is_newest)) => {
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            // What is yet to come is seen by what was before.
            let tint = if is_newest { Color32::WHITE } else { Color32::WHITE.gamma_multiply(OLD) };
            painter.add(RectShape::filled(picture, 4, tint).with_texture(texture, whole));
        }
        Some((Err(notice), _)) => {
            let icon = icons::ICON_WARNING.rich_text().size(20.0).color(theme.warn);
            ui.put(picture, egui::Label::new(icon).selectable(false));
            trouble = Some(notice.to_string());
        }
        None => {}
    }
    let painter = ui.painter();
    let (edge, text) = match (variation.is_present, response.hovered() || response.has_focus()) {
        (true, _) => (Stroke::new(2.0, theme.accent), theme.text),
        (false, true) => (Stroke::new(2.0, theme.text), theme.text),
        (false, false) => (Stroke::new(1.0, theme.line), theme.quiet),
    };
    painter.rect_stroke(picture, 4, edge, StrokeKind::Inside);
    let at = pos2(picture.left() + 1.0, picture.bottom() + 3.0);
    let name = RichText::new(&variation.name).size(NOTE).color(text);
    let wrap = Some(TextWrapMode::Truncate);
    let name = WidgetText::from(name).into_galley(ui, wrap, size.x - 2.0, FontSelection::Default);
    let hint = trouble.or_else(|| name.elided.then(|| variation.name.clone()));
    painter.galley(at, name, text);
    let response = match hint {
        Some(hint) => response.on_hover_text(hint),
        None => response,
    };
    if response.hovered() {
        cx.explore.point(ui.ctx(), *place, variation);
    }
    if response.clicked() {
        cx.act(Action::Adopt(Box::new(variation.params.clone())));
    }
}
