//! A number one can slide, type, nudge with the keyboard and reset: label, rail and value in one row.

use std::ops::RangeInclusive;

use egui::{
    DragValue, EventFilter, Key, Rect, RectAlign, Response, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::hint_at;
use crate::gui::theme::Theme;

/// Width of the label.
const LABEL: f32 = 66.0;
/// Width of the value.
const VALUE: f32 = 44.0;
/// Height of a row.
const HEIGHT: f32 = 24.0;
/// How much slower a drag with Shift is.
const FINE: f64 = 0.1;

/// What a number is and may be.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its name.
    pub name: &'static str,
    /// What the tooltip says.
    pub hint: &'static str,
    /// What it may be.
    pub range: RangeInclusive<f64>,
    /// What it is rounded to.
    pub step: f64,
    /// What a double click makes of it.
    pub default: f64,
    /// Digits after the point.
    pub decimals: usize,
}

impl Number {
    fn settle(&self, value: f64) -> f64 {
        let stepped = (value / self.step).round() * self.step;
        // 57 steps of 0.01 are not 0.57: what is kept and written into pictures has the digits that are seen.
        let digits = 10_f64.powi(self.decimals as i32);
        ((stepped * digits).round() / digits).clamp(*self.range.start(), *self.range.end())
    }
}

/// Shows the row in `width` points; true when the value changed.
pub fn number_ui(ui: &mut Ui, number: &Number, value: &mut f64, width: f32, theme: &Theme) -> bool {
    let before = *value;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.set_width(width);
        ui.set_height(HEIGHT);
        label_ui(ui, number.name, number.hint);
        let rail = (width - LABEL - VALUE - 8.0).max(24.0);
        slider_ui(ui, number, value, rail, theme);
        let name = format!("{} value", number.name);
        let drag = DragValue::new(value)
            .range(number.range.clone())
            .speed(number.step)
            .fixed_decimals(number.decimals)
            .update_while_editing(false)
            .custom_parser(number_from)
            // What is beyond the range was wished elsewhere, or belongs to a model that is not there yet.
            .clamp_existing_to_range(false);
        typed_ui(ui, drag, &name, VALUE);
    });
    // Typing may fall between the steps or outside.
    if *value != before {
        *value = number.settle(*value);
    }
    *value != before
}

/// "0.4" and, as many write it, "0,4".
fn number_from(text: &str) -> Option<f64> {
    text.trim().replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

/// The label of a row, always as wide as the others.
pub fn label_ui(ui: &mut Ui, name: &str, hint: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(LABEL, HEIGHT), Sense::hover());
    let galley = egui::WidgetText::from(RichText::new(name)).into_galley(ui, None, LABEL, egui::TextStyle::Body);
    let at = pos2(rect.left(), rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ui.visuals().text_color());
    hint_at(response, RectAlign::TOP_START, hint);
}

/// A number to type or drag, without a frame until the pointer is over it.
pub fn typed_ui(ui: &mut Ui, drag: DragValue<'_>, name: &str, width: f32) -> Response {
    ui.scope(|ui| {
        let quiet = ui.visuals().panel_fill;
        ui.visuals_mut().widgets.inactive.weak_bg_fill = quiet;
        ui.spacing_mut().button_padding = vec2(4.0, 2.0);
        ui.spacing_mut().interact_size.x = width;
        ui.add(drag).accessible_name(name)
    })
    .inner
}

fn slider_ui(ui: &mut Ui, number: &Number, value: &mut f64, width: f32, theme: &Theme) {
    let (rect, mut response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click_and_drag());
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width() - 14.0, 4.0));
    let moved = if response.double_clicked() {
        Some(number.default)
    } else {
        pointer_value(ui, &response, rail, number, *value).or_else(|| key_value(ui, &response, number, *value))
    };
    if let Some(moved) = moved.map(|moved| number.settle(moved)).filter(|moved| moved != value) {
        *value = moved;
        response.mark_changed();
    }
    let now = *value;
    response.widget_info(|| WidgetInfo::slider(true, now, number.name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(*number.range.start());
        node.set_max_numeric_value(*number.range.end());
        node.set_numeric_value_step(number.step);
    });
    paint(ui, &response, rail, share(number, now), theme);
    let text = format!("{}\nShift: fine · double click: {:.*}", number.hint, number.decimals, number.default);
    hint_at(response, RectAlign::TOP_START, text);
}

fn share(number: &Number, value: f64) -> f32 {
    let (start, end) = (*number.range.start(), *number.range.end());
    ((value - start) / (end - start)).clamp(0.0, 1.0) as f32
}

/// Where the pointer wants the value: under it, or a tenth of its way with Shift.
fn pointer_value(ui: &Ui, response: &Response, rail: Rect, number: &Number, value: f64) -> Option<f64> {
    // A quick click is over before it is seen.
    if !response.is_pointer_button_down_on() && !response.clicked() {
        // A fine drag remembers where it is between the steps.
        ui.data_mut(|data| data.remove::<f64>(response.id));
        return None;
    }
    let span = number.range.end() - number.range.start();
    if ui.input(|input| input.modifiers.shift) {
        let exact = ui.data(|data| data.get_temp::<f64>(response.id)).unwrap_or(value);
        let exact = exact + f64::from(response.drag_delta().x / rail.width()) * span * FINE;
        let exact = exact.clamp(*number.range.start(), *number.range.end());
        ui.data_mut(|data| data.insert_temp(response.id, exact));
        return Some(exact);
    }
    let at = response.interact_pointer_pos()?;
    let share = ((at.x - rail.left()) / rail.width()).clamp(0.0, 1.0);
    Some(number.range.start() + f64::from(share) * span)
}

fn key_value(ui: &Ui, response: &Response, number: &Number, value: f64) -> Option<f64> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input(|input| {
        let steps = input.num_presses(Key::ArrowRight) as f64 - input.num_presses(Key::ArrowLeft) as f64;
        let jump = [(Key::Home, *number.range.start()), (Key::End, *number.range.end())];
        let jump = jump.into_iter().find(|(key, _)| input.key_pressed(*key)).map(|(_, to)| to);
        jump.or((steps != 0.0).then_some(value + steps * number.step))
    })
}

fn paint(ui: &Ui, response: &Response, rail: Rect, share: f32, theme: &Theme) {
    if !ui.is_rect_visible(response.rect) {
        return;
    }
    let painter = ui.painter();
    let handle = pos2(rail.left() + share * rail.width(), rail.center().y);
    painter.rect_filled(rail.expand2(vec2(5.0, 0.0)), 2, theme.raised);
    painter.rect_filled(Rect::from_min_max(rail.min - vec2(5.0, 0.0), pos2(handle.x, rail.max.y)), 2, theme.accent);
    let radius = if response.hovered() || response.dragged() || response.has_focus() { 7.0 } else { 6.0 };
    painter.circle(handle, radius, theme.handle(), Stroke::new(1.0, theme.line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_the_digits_that_are_seen() {
        let number = |step, decimals, range| Number { name: "", hint: "", range, step, default: 0.0, decimals };
        let strength = number(0.01, 2, 0.0..=1.0);
        for hundredths in 0..=100_u8 {
            let settled = strength.settle(f64::from(hundredths) * 0.01);
            assert_eq!(settled.to_string(), (f64::from(hundredths) / 100.0).to_string());
        }
        assert_eq!(number(0.1, 1, 1.0..=15.0).settle(1.2000000000000002).to_string(), "1.2");
        assert_eq!(number(32.0, 0, 64.0..=512.0).settle(1e9), 512.0);
    }

    #[test]
    fn a_comma_is_a_point() {
        assert_eq!([" 0,4 ", "0.4"].map(number_from), [Some(0.4); 2]);
        assert_eq!(["", "a", "1,2,3", "NaN", "inf"].map(number_from), [None; 5]);
    }
}
