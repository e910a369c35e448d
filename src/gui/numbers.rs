//! The numbers of the dock: strength, steps, guidance, seed, size. Each slides, can be typed and has a way back.

use egui::{Align, DragValue, Layout, Rect, Sense, Ui, UiBuilder, pos2, vec2};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::Cx;
use super::widgets::{Number, label_ui, link, number_ui, small_icon_button, typed_ui};
use crate::engine::Params;
use crate::frame::fit_longer_side;
use crate::studio::{GuidanceWay, ModelInfo};

/// How many there are, with the way back to the suggested ones.
pub const COUNT: usize = 6;
/// Height of a row with its gap.
pub const ROW: f32 = 28.0;
/// The smallest picture that is offered.
const SMALLEST: u32 = 128;
/// The largest picture that is offered.
const LARGEST: u32 = 512;
/// Seeds above this cannot be typed exactly.
pub const LARGEST_SEED: u64 = u32::MAX as u64;

/// Shows the numbers in `columns` columns.
pub fn numbers_ui(ui: &mut Ui, cx: &mut Cx<'_>, columns: usize) {
    let rows = COUNT.div_ceil(columns);
    let area = ui.max_rect();
    let gap = 20.0;
    let width = (area.width() - gap * (columns - 1) as f32) / columns as f32;
    let kinds: [fn(&mut Ui, &mut Cx<'_>, f32); COUNT] =
        [strength_ui, steps_ui, guidance_ui, seed_ui, size_ui, suggested_ui];
    for (index, show) in kinds.into_iter().enumerate() {
        let (column, row) = (index / rows, index % rows);
        let at = pos2(area.left() + column as f32 * (width + gap), area.top() + row as f32 * ROW);
        let rect = Rect::from_min_size(at, vec2(width, ROW));
        show(
            &mut ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center))),
            cx,
            width,
        );
    }
}

/// What the model suggests; our own defaults without one.
pub fn suggested_by(model: Option<&ModelInfo>) -> Params {
    model.map_or_else(Params::default, ModelInfo::params)
}

fn suggested(cx: &Cx<'_>) -> Params {
    suggested_by(cx.snapshot.model.as_ref())
}

fn strength_ui(ui: &mut Ui, cx: &mut Cx<'_>, width: f32) {
    let number = Number {
        name: "Strength",
        hint: "How far the painting may leave the drawing: 0 keeps it, 1 ignores it",
        range: Params::STRENGTH,
        step: 0.01,
        default: suggested(cx).strength,
        decimals: 2,
    };
    number_ui(ui, &number, &mut cx.settings.params.strength, width, cx.theme);
}

fn steps_ui(ui: &mut Ui, cx: &mut Cx<'_>, width: f32) {
    let number = Number {
        name: "Steps",
        hint: "More steps are finer and slower",
        range: f64::from(*Params::STEPS.start())..=f64::from(*Params::STEPS.end()),
        step: 1.0,
        default: f64::from(suggested(cx).steps),
        decimals: 0,
    };
    let mut steps = f64::from(cx.settings.params.steps);
    if number_ui(ui, &number, &mut steps, width, cx.theme) {
        cx.settings.params.steps = steps as u32;
    }
}

fn guidance_ui(ui: &mut Ui, cx: &mut Cx<'_>, width: f32) {
    let hint = match cx.snapshot.model.as_ref().map(|model| model.guidance) {
        Some(GuidanceWay::ClassifierFree) => {
            "How much the words count; above 1 a step takes twice as long with this model"
        }
        _ => "How much the words count",
    };
    let number = Number {
        name: "Guidance",
        hint,
        range: Params::GUIDANCE,
        step: 0.1,
        default: suggested(cx).guidance,
        decimals: 1,
    };
    number_ui(ui, &number, &mut cx.settings.params.guidance, width, cx.theme);
}

fn seed_ui(ui: &mut Ui, cx: &mut Cx<'_>, width: f32) {
    let theme = cx.theme;
    ui.spacing_mut().item_spacing.x = 4.0;
    label_ui(ui, "Seed", "The same seed gives the same noise, and so the same picture");
    let drag =
        DragValue::new(&mut cx.settings.params.seed).range(0..=LARGEST_SEED).speed(1.0).update_while_editing(false);
    // However long the number is, the buttons stay where they are.
    let room = (width - 66.0 - 3.0 * 30.0 - 4.0).clamp(40.0, 92.0);
    let (place, _) = ui.allocate_exact_size(vec2(room, ROW - 4.0), Sense::hover());
    let mut inside = ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::left_to_right(Align::Center)));
    inside.set_clip_rect(place.intersect(ui.clip_rect()));
    typed_ui(&mut inside, drag, "Seed value", room);
    let locked = cx.settings.seed_locked;
    let (icon, name, hint) = match locked {
        true => (icons::ICON_LOCK, "Unlock seed", "A random prompt keeps the seed"),
        false => (icons::ICON_LOCK_OPEN, "Lock seed", "A random prompt brings a new seed"),
    };
    if small_icon_button(ui, icon, name, hint, theme).clicked() {
        cx.settings.seed_locked = !locked;
    }
    if small_icon_button(ui, icons::ICON_PLUS_ONE, "Next seed", "", theme).clicked() {
        cx.settings.params.seed = (cx.settings.params.seed + 1).min(LARGEST_SEED);
    }
    if small_icon_button(ui, icons::ICON_CASINO, "Random seed", "", theme).clicked() {
        cx.act(Action::RandomSeed);
    }
}

fn size_ui(ui: &mut Ui, cx: &mut Cx<'_>, width: f32) {
    let (multiple, native) = cx.snapshot.model.as_ref().map_or((8, 256), |model| (model.multiple, model.size.width));
    let step = multiple.max(32);
    let number = Number {
        name: "Size",
        hint: "Longer side of the painting in pixels; larger is slower. A new drawing (Ctrl+N) has another shape",
        range: f64::from(SMALLEST)..=f64::from(LARGEST.max(native)),
        step: f64::from(step),
        default: f64::from(native),
        decimals: 0,
    };
    let now = cx.settings.params.size;
    let mut side = f64::from(now.longer_side());
    if number_ui(ui, &number, &mut side, width, cx.theme) {
        // The shape is the canvas's, whatever was rounded off before.
        cx.settings.params.size = fit_longer_side(cx.document.size(), side as u32, multiple);
    }
}

fn suggested_ui(ui: &mut Ui, cx: &mut Cx<'_>, width: f32) {
    let wanted = suggested(cx);
    let params = &cx.settings.params;
    let same = params.steps == wanted.steps && params.strength == wanted.strength && params.guidance == wanted.guidance;
    if same {
        return;
    }
    // Under the values, whose end is the column's.
    ui.allocate_ui_with_layout(vec2(width, ROW), Layout::right_to_left(Align::Center), |ui| {
        if link(ui, "back to the model's numbers", cx.theme).clicked() {
            cx.act(Action::SuggestedNumbers);
        }
    });
}
