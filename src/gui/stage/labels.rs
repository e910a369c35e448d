//! What is written and drawn over the pictures: captions, hints, rounded corners, the brush's outline.

use egui::epaint::text::{LayoutJob, TextFormat};
use egui::{Align2, Color32, FontId, Mesh, Painter, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};

use super::layout::CAPTION;
use crate::gui::theme::Theme;

const NOTE: f32 = 11.0;
const BODY: f32 = 13.0;
const CORNER: f32 = 4.0;
const CORNER_STEPS: u32 = 6;

/// A caption above `picture`, not wider than `room`.
pub(super) fn caption(painter: &Painter, picture: Rect, room: f32, text: &str, theme: &Theme) {
    let job = one_line([(text, theme.quiet)], room);
    let galley = painter.layout_job(job);
    painter.galley(pos2(picture.left(), baseline(picture, galley.size().y)), galley, theme.quiet);
}

/// The latency at the right end above `picture`: words quiet, the number good or warning. Gives back its width.
pub(super) fn latency(painter: &Painter, picture: Rect, text: &str, good: bool, theme: &Theme) -> f32 {
    let (words, number) = text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(0));
    let colour = if good { theme.good } else { theme.warn };
    let galley = painter.layout_job(one_line([(words, theme.quiet), (number, colour)], picture.width()));
    let width = galley.size().x;
    painter.galley(pos2(picture.right() - width, baseline(picture, galley.size().y)), galley, theme.quiet);
    width
}

fn baseline(picture: Rect, height: f32) -> f32 {
    picture.top() - CAPTION / 2.0 - height / 2.0 - 2.0
}

fn one_line<const N: usize>(parts: [(&str, Color32); N], room: f32) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (text, colour) in parts {
        job.append(text, 0.0, TextFormat::simple(FontId::proportional(NOTE), colour));
    }
    job.wrap.max_width = room.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job
}

/// Quiet words in the middle of a picture whose colour is `ground`.
pub(super) fn hint(painter: &Painter, picture: Rect, text: &str, ground: [u8; 3]) {
    let [r, g, b] = ground.map(f32::from);
    let light = 0.299 * r + 0.587 * g + 0.114 * b > 127.0;
    let colour = if light { Theme::light().quiet } else { Theme::dark().quiet };
    wrapped(painter, picture, text, colour);
}

/// A sentence in a card in the middle of `picture`, to be read over any picture. Gives back where it is.
pub(super) fn trouble(painter: &Painter, picture: Rect, text: &str, theme: &Theme) -> Rect {
    let room = (picture.width() - 72.0).clamp(48.0, 340.0);
    let mut job = LayoutJob::simple(text.to_owned(), FontId::proportional(BODY), theme.text, room);
    job.halign = egui::Align::Center;
    let galley = painter.layout_job(job);
    let card = Rect::from_center_size(picture.center(), galley.size() + vec2(32.0, 24.0));
    let painter = painter.with_clip_rect(picture.intersect(painter.clip_rect()));
    painter.rect(card, 10, theme.panel, Stroke::new(1.0, theme.warn), StrokeKind::Inside);
    painter.galley(pos2(card.center().x, card.top() + 12.0), galley, theme.text);
    card
}

/// What stands where the first painting will be.
pub(super) fn placeholder(painter: &Painter, picture: Rect, text: Option<&str>, theme: &Theme) {
    painter.rect_filled(picture, CORNER, theme.panel);
    if let Some(text) = text {
        wrapped(painter, picture, text, theme.quiet);
    }
}

fn wrapped(painter: &Painter, picture: Rect, text: &str, colour: Color32) {
    let room = (picture.width() - 32.0).max(32.0);
    let mut job = LayoutJob::simple(text.to_owned(), FontId::proportional(BODY), colour, room);
    job.halign = egui::Align::Center;
    let galley = painter.layout_job(job);
    let place = Align2::CENTER_CENTER.anchor_size(picture.center(), galley.size());
    painter.with_clip_rect(picture.intersect(painter.clip_rect())).galley(
        pos2(picture.center().x, place.top()),
        galley,
        colour,
    );
}

/// Rounds the corners of `picture` by painting what lies outside them in the stage's colour: so they look the same
/// however the picture was drawn.
pub(super) fn round_corners(painter: &Painter, picture: Rect, theme: &Theme) {
    if picture.width() < 2.0 * CORNER || picture.height() < 2.0 * CORNER {
        return;
    }
    let corners = [
        (picture.left_top(), vec2(1.0, 1.0)),
        (picture.right_top(), vec2(-1.0, 1.0)),
        (picture.right_bottom(), vec2(-1.0, -1.0)),
        (picture.left_bottom(), vec2(1.0, -1.0)),
    ];
    for (corner, inward) in corners {
        painter.add(spandrel(corner, inward, theme.stage));
    }
}

/// The part of a square corner that lies outside its quarter circle, with a soft edge half a point wide on each side.
fn spandrel(corner: Pos2, inward: egui::Vec2, colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.colored_vertex(corner, colour);
    let middle = corner + inward * CORNER;
    for step in 0..=CORNER_STEPS {
        let angle = std::f32::consts::FRAC_PI_2 * step as f32 / CORNER_STEPS as f32;
        let out = vec2(-angle.cos() * inward.x, -angle.sin() * inward.y);
        mesh.colored_vertex(middle + out * (CORNER + 0.5), colour);
        mesh.colored_vertex(middle + out * (CORNER - 0.5), Color32::TRANSPARENT);
    }
    for step in 0..CORNER_STEPS {
        let (outer, inner) = (1 + 2 * step, 2 + 2 * step);
        mesh.add_triangle(0, outer, outer + 2);
        mesh.add_triangle(outer, inner, outer + 2);
        mesh.add_triangle(inner, inner + 2, outer + 2);
    }
    mesh
}

/// The brush's outline under the pointer: dark beside light, to be seen on any picture.
pub(super) fn brush_outline(painter: &Painter, at: Pos2, radius: f32) {
    painter.circle_stroke(at, radius + 0.75, Stroke::new(1.0, Theme::dark().stage));
    painter.circle_stroke(at, (radius - 0.25).max(0.5), Stroke::new(1.0, Theme::light().well));
}
