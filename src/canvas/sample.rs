//! The drawing of the very first start: what a person could have drawn in a minute, and words to go with it.

use std::f32::consts::{PI, TAU};

use super::history::History;
use super::{Brush, Document, StrokePoint, WidthRule};
use crate::frame::Size;

/// What the sample drawing shows, as a prompt.
pub const SAMPLE_PROMPT: &str = "red apple, 3d";

const RED: [u8; 3] = [214, 40, 40];
const DARK_RED: [u8; 3] = [150, 16, 32];
const LIGHT_RED: [u8; 3] = [246, 110, 96];
const GREEN: [u8; 3] = [86, 168, 60];
const DARK_GREEN: [u8; 3] = [48, 112, 44];
const BROWN: [u8; 3] = [104, 66, 38];

impl Document {
    /// A small drawing for the very first start, on white; [`SAMPLE_PROMPT`] says what it shows. There is nothing to undo
    /// in it, and the first stroke clears it.
    ///
    /// ```
    /// # use afterimage::canvas::{Brush, Document, StrokePoint};
    /// # use afterimage::frame::Size;
    /// let mut document = Document::sample(Size::square(256));
    /// assert!(document.is_sample() && !document.is_blank() && !document.can_undo());
    /// document.begin_stroke(Brush::default(), StrokePoint::new(9.0, 9.0, 0.0));
    /// document.cancel_stroke();
    /// assert!(!document.is_sample() && document.is_blank());
    /// ```
    pub fn sample(size: Size) -> Self {
        let mut document = Self::new(size, [255; 3]);
        Hand::on(&mut document).draw_apple();
        document.history = History::default();
        document.stack.strokes.clear();
        document.sample = true;
        document
    }
}

/// Draws in a square of side 1 in the middle of the canvas.
struct Hand<'a> {
    document: &'a mut Document,
    left: f32,
    top: f32,
    side: f32,
}

impl<'a> Hand<'a> {
    fn on(document: &'a mut Document) -> Self {
        let (width, height) = (document.size().width as f32, document.size().height as f32);
        let side = width.min(height);
        Self { document, left: (width - side) / 2.0, top: (height - side) / 2.0, side }
    }

    fn draw_apple(&mut self) {
        self.shape(RED, &apple());
        self.glaze(DARK_RED, 0.16, 0.4, &arc((0.49, 0.565), 0.235, -0.08 * PI, 0.5 * PI));
        self.glaze(LIGHT_RED, 0.10, 0.6, &arc((0.5, 0.58), 0.17, 1.08 * PI, 1.3 * PI));
        self.line(BROWN, 0.034, &[(0.505, 0.37), (0.505, 0.32), (0.515, 0.26), (0.535, 0.205), (0.55, 0.18)]);
        self.shape(GREEN, &leaf());
        self.line(DARK_GREEN, 0.010, &[(0.545, 0.275), (0.60, 0.235), (0.66, 0.2), (0.70, 0.185)]);
    }

    /// An outline, filled.
    fn shape(&mut self, colour: [u8; 3], outline: &[(f32, f32)]) {
        self.line(colour, 0.022, outline);
        let count = outline.len().max(1) as f32;
        let (x, y) = outline.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
        let (x, y) = self.place((x, y));
        self.document.fill(x, y, colour, 48);
    }

    /// A crisp line of even width.
    fn line(&mut self, colour: [u8; 3], width: f32, points: &[(f32, f32)]) {
        self.stroke(Brush { colour, hardness: 0.95, ..self.brush(width) }, points);
    }

    /// A soft, thin layer of colour.
    fn glaze(&mut self, colour: [u8; 3], width: f32, opacity: f32, points: &[(f32, f32)]) {
        self.stroke(Brush { colour, hardness: 0.0, opacity, ..self.brush(width) }, points);
    }

    fn brush(&self, width: f32) -> Brush {
        Brush { diameter_px: (width * self.side).max(1.0), width: WidthRule::Fixed, ..Brush::default() }
    }

    fn stroke(&mut self, brush: Brush, points: &[(f32, f32)]) {
        for (index, &point) in points.iter().enumerate() {
            let (x, y) = self.place(point);
            let point = StrokePoint::new(x, y, index as f64 * 0.01);
            if index == 0 {
                self.document.begin_stroke(brush, point);
            } else {
                self.document.extend_stroke(point);
            }
        }
        self.document.end_stroke();
    }

    fn place(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (self.left + x * self.side, self.top + y * self.side)
    }
}

/// The outline of an apple: a circle with a dip above, a smaller one below, and shoulders.
fn apple() -> Vec<(f32, f32)> {
    (0..=72_u8)
        .map(|step| {
            let angle = f32::from(step) / 72.0 * TAU;
            let from_top = angle.min(TAU - angle);
            let dip = 0.26 * (-(from_top / 0.42).powi(2)).exp() + 0.05 * (-((PI - from_top) / 0.3).powi(2)).exp();
            let radius = 0.29 * (1.0 - dip);
            let shoulders = 1.06 + 0.08 * angle.cos();
            (0.5 + radius * shoulders * angle.sin(), 0.585 - radius * angle.cos())
        })
        .collect()
}

/// The outline of a leaf, from the stem and back.
fn leaf() -> Vec<(f32, f32)> {
    let (from, to) = ((0.53_f32, 0.285_f32), (0.735_f32, 0.165_f32));
    let side = |t: f32, bulge: f32| {
        let out = bulge * (t * PI).sin();
        (from.0 + (to.0 - from.0) * t + out * 0.5, from.1 + (to.1 - from.1) * t + out)
    };
    let there = (0..=12_u8).map(|step| side(f32::from(step) / 12.0, -0.075));
    let back = (0..=12_u8).rev().map(|step| side(f32::from(step) / 12.0, 0.045));
    there.chain(back).chain([from]).collect()
}

/// A part of a circle, angles from the right, clockwise on the screen.
fn arc(middle: (f32, f32), radius: f32, from: f32, to: f32) -> Vec<(f32, f32)> {
    (0..=24_u8)
        .map(|step| {
            let angle = from + (to - from) * f32::from(step) / 24.0;
            (middle.0 + radius * angle.cos(), middle.1 + radius * angle.sin())
        })
        .collect()
}
