//! Mixes a colour: a square of shades, a bar of hues, and its code. (egui's own needs glyphs that not every machine has.)

use egui::epaint::{Hsva, HsvaGamma};
use egui::{Color32, Key, Mesh, Rect, Response, Role, Sense, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::gui::theme::Theme;

const SIDE: Vec2 = vec2(164.0, 112.0);
const BAR: Vec2 = vec2(164.0, 16.0);
const CELLS: u32 = 12;
/// One press of an arrow key.
const KEY_STEP: f32 = 0.02;

/// Hue, saturation and value, each 0..=1, and the colour they make: grey has no hue, so it must be remembered.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mix {
    hue: f32,
    saturation: f32,
    value: f32,
}

impl Mix {
    fn of([r, g, b]: [u8; 3]) -> Self {
        let HsvaGamma { h, s, v, .. } = Hsva::from_srgb([r, g, b]).into();
        Self { hue: h, saturation: s, value: v }
    }

    fn colour(self) -> [u8; 3] {
        let hsva: Hsva = HsvaGamma { h: self.hue, s: self.saturation, v: self.value, a: 1.0 }.into();
        hsva.to_srgb()
    }

    fn shown(self) -> Color32 {
        let [r, g, b] = self.colour();
        Color32::from_rgb(r, g, b)
    }
}

/// Square, bar and code under each other; changes `colour`.
pub(super) fn ui(ui: &mut Ui, colour: &mut [u8; 3], theme: &Theme) {
    let id = ui.scope_id().with("mix");
    let kept: Option<Mix> = ui.data(|data| data.get_temp(id));
    let mut mix = kept.filter(|mix| mix.colour() == *colour).unwrap_or_else(|| Mix::of(*colour));
    let before = mix;
    shades_ui(ui, &mut mix, theme);
    hues_ui(ui, &mut mix, theme);
    if mix != before {
        *colour = mix.colour();
    }
    ui.data_mut(|data| data.insert_temp(id, mix));
    code_ui(ui, colour);
}

/// Saturation to the right, value upwards.
fn shades_ui(ui: &mut Ui, mix: &mut Mix, theme: &Theme) {
    let (rect, response) = ui.allocate_exact_size(SIDE, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::ColorWell, true, "Shade"));
    if let Some(at) = place(rect, &response) {
        (mix.saturation, mix.value) = (at.x, 1.0 - at.y);
    }
    let step = arrows(ui, &response);
    mix.saturation = (mix.saturation + step.x).clamp(0.0, 1.0);
    mix.value = (mix.value - step.y).clamp(0.0, 1.0);
    let hue = *mix;
    gradient(ui, rect, [CELLS, CELLS], |x, y| Mix { saturation: x, value: 1.0 - y, ..hue }.shown());
    knob(ui, rect, vec2(mix.saturation, 1.0 - mix.value), mix.shown(), &response, theme);
}

fn hues_ui(ui: &mut Ui, mix: &mut Mix, theme: &Theme) {
    let (rect, response) = ui.allocate_exact_size(BAR, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(mix.hue), "Hue"));
    if let Some(at) = place(rect, &response) {
        mix.hue = at.x;
    }
    mix.hue = (mix.hue + arrows(ui, &response).x).clamp(0.0, 1.0);
    let pure = |hue| Mix { hue, saturation: 1.0, value: 1.0 }.shown();
    gradient(ui, rect, [2 * CELLS, 1], |x, _| pure(x));
    knob(ui, rect, vec2(mix.hue, 0.5), pure(mix.hue), &response, theme);
}

/// The colour as six hexadecimal digits, to read and to type.
fn code_ui(ui: &mut Ui, colour: &mut [u8; 3]) {
    let id = ui.scope_id().with("code");
    let current = code_from(*colour);
    let typed: Option<String> = ui.data(|data| data.get_temp(id));
    let mut text = typed.unwrap_or_else(|| current.clone());
    let response = ui.add(TextEdit::singleline(&mut text).id(id).char_limit(16).desired_width(BAR.x));
    let response = response.accessible_name("Colour code");
    if response.changed()
        && let Some(typed) = colour_from(&text)
    {
        *colour = typed;
    }
    // Asked before the context is locked: asking inside would wait for ever.
    let typing = response.has_focus();
    ui.data_mut(|data| {
        if typing {
            data.insert_temp(id, text);
        } else {
            data.remove_temp::<String>(id);
        }
    });
}

fn code_from([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// "#d62f2f", "d62f2f" and, each digit twice, "#f00".
fn colour_from(code: &str) -> Option<[u8; 3]> {
    let digits = code.trim().trim_start_matches('#');
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = number.to_be_bytes();
    match digits.len() {
        6 => Some([r, g, b]),
        3 => Some([number >> 8, number >> 4 & 15, number & 15].map(|digit| digit as u8 * 17)),
        _ => None,
    }
}

/// Where the pointer is pressed, as shares of `rect`.
fn place(rect: Rect, response: &Response) -> Option<Vec2> {
    let pos = response.interact_pointer_pos()?;
    let at = (pos - rect.min) / rect.size();
    Some(at.clamp(Vec2::ZERO, Vec2::ONE))
}

fn arrows(ui: &Ui, response: &Response) -> Vec2 {
    if !response.has_focus() {
        return Vec2::ZERO;
    }
    ui.memory_mut(|memory| {
        let keep = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        memory.set_focus_lock_filter(response.id, keep);
    });
    ui.input(|input| {
        let count = |key| input.num_presses(key) as f32;
        let x = count(Key::ArrowRight) - count(Key::ArrowLeft);
        let y = count(Key::ArrowDown) - count(Key::ArrowUp);
        vec2(x, y) * KEY_STEP
    })
}

fn gradient(ui: &Ui, rect: Rect, [columns, rows]: [u32; 2], colour: impl Fn(f32, f32) -> Color32) {
    let mut mesh = Mesh::default();
    for row in 0..=rows {
        for column in 0..=columns {
            let (x, y) = (column as f32 / columns as f32, row as f32 / rows as f32);
            mesh.colored_vertex(pos2(rect.left() + x * rect.width(), rect.top() + y * rect.height()), colour(x, y));
        }
    }
    for row in 0..rows {
        for column in 0..columns {
            let corner = row * (columns + 1) + column;
            mesh.add_triangle(corner, corner + 1, corner + columns + 1);
            mesh.add_triangle(corner + 1, corner + columns + 2, corner + columns + 1);
        }
    }
    ui.painter().add(mesh);
}

fn knob(ui: &Ui, rect: Rect, share: Vec2, colour: Color32, response: &Response, theme: &Theme) {
    let ring = if response.has_focus() { theme.accent } else { Theme::light().well };
    let centre = rect.min + share * rect.size();
    ui.painter().circle(centre, 7.0, Theme::dark().stage, Stroke::NONE);
    ui.painter().circle(centre, 5.0, colour, Stroke::new(2.0, ring));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_keeps_the_colour() {
        for colour in [[0, 0, 0], [255, 255, 255], [0xd6, 0x2f, 0x2f], [1, 2, 3], [128, 128, 128]] {
            let back = Mix::of(colour).colour();
            assert!(back.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 1), "{colour:?} became {back:?}");
        }
    }

    #[test]
    fn codes_are_read_and_written() {
        assert_eq!(code_from([0xd6, 0x2f, 0x0f]), "#d62f0f");
        assert_eq!(colour_from(" #D62F0f "), Some([0xd6, 0x2f, 0x0f]));
        assert_eq!(colour_from("#f0a"), Some([255, 0, 170]));
        for wrong in ["", "#", "1234", "12345", "1234567", "+12345", "+12", "red"] {
            assert_eq!(colour_from(wrong), None, "{wrong}");
        }
    }
}
