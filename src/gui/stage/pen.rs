//! Turns the pointer into strokes, fills and picked colours. Reads every event of a frame, not only its last position:
//! a slow frame must not cut corners, and moves that come together with the release belong to the stroke.

use egui::{Event, Modifiers, PointerButton, Pos2, TouchPhase};

use super::contacts::Contacts;
use super::layers::{Pane, texel_from_canvas};
use super::surface::Slot;
use crate::canvas::{Backdrop, Brush, Document, LayerId, PixelRect, StrokePoint, WidthRule};
use crate::frame::Frame;
use crate::studio::{Tool, ToolSettings};
use crate::tablet::Contact;

/// How different a colour may be and still be filled.
const FILL_TOLERANCE: u8 = 32;
/// Events of one frame are spread over at most this time; before it the pointer rested.
const LONGEST_FRAME_S: f64 = 0.1;
/// The same while a stroke is drawn: squeezed into less than they took, its samples would tell of a speed it never had.
const LONGEST_STROKE_FRAME_S: f64 = 1.0;

/// What the pointer does between press and release.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Doing {
    #[default]
    Nothing,
    /// A stroke that comes from beside the canvas and was not on it yet: where the pointer is, and whether it will take ink away.
    Outside(StrokePoint, bool),
    Stroke,
    Line(Line),
    Pick,
}

/// A straight line whose end follows the pointer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    from: StrokePoint,
    brush: Brush,
}

impl Line {
    /// Draws it anew to `end`. The hardest press counts for all of it: a pen that is lifted presses less and less.
    fn draw_to(&mut self, end: StrokePoint, document: &mut Document) {
        if end.pressure > self.from.pressure {
            self.from.pressure = end.pressure;
        }
        document.cancel_stroke();
        document.begin_stroke(self.brush, self.from);
        document.extend_stroke(StrokePoint { pressure: self.from.pressure, ..end });
    }
}

/// The pen and what it is in the middle of.
#[derive(Debug, Default)]
pub(super) struct Pen {
    doing: Doing,
    /// What the pointer is at the moment.
    contact: Contact,
}

/// What came of a frame's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PenNews {
    pub(super) stroke_started: bool,
    pub(super) picked: bool,
    pub(super) refused: bool,
    /// The eraser met nothing on its layer, but would have on this one.
    pub(super) missed: Option<LayerId>,
}

/// A frame's events in order with the time each probably happened at.
pub(super) struct Events<'a> {
    contacts: &'a Contacts,
    events: Vec<Event>,
    start_s: f64,
    span_s: f64,
}

impl<'a> Events<'a> {
    /// The pointer's events of this frame; in the middle of a stroke the pointer did not rest before them.
    pub(super) fn of(ui: &egui::Ui, contacts: &'a Contacts, drawing: bool) -> Self {
        ui.input(|input| {
            let longest_s = if drawing { LONGEST_STROKE_FRAME_S } else { LONGEST_FRAME_S };
            let span_s = f64::from(input.unstable_dt).clamp(0.0, longest_s);
            let pointer = |event: &&Event| {
                matches!(
                    event,
                    Event::PointerMoved(_)
                        | Event::PointerButton { .. }
                        | Event::Touch { .. }
                        | Event::WindowFocused(false)
                )
            };
            Self {
                contacts,
                events: input.events.iter().filter(pointer).cloned().collect(),
                start_s: input.time - span_s,
                span_s,
            }
        })
    }

    /// Each with its time, and with what pens said until then.
    fn timed(&self) -> impl Iterator<Item = (&Event, f64, Option<Contact>)> {
        let count = self.events.len();
        self.events.iter().zip(1..).map(move |(event, n)| {
            let time_s = self.start_s + self.span_s * n as f64 / count as f64;
            (event, time_s, self.contacts.at(n, count))
        })
    }
}

/// What the pen works on and with.
pub(super) struct Desk<'a> {
    pub(super) document: &'a mut Document,
    pub(super) tools: &'a mut ToolSettings,
    pub(super) pane: &'a Pane,
    pub(super) pixels_per_point: f32,
    /// What shows through where there is no ink.
    pub(super) source: Option<&'a Frame>,
    /// The painting, and the screen column from which it lies over the drawing.
    pub(super) painting: Option<(&'a Frame, f32)>,
}

impl Desk<'_> {
    fn canvas_from_points(&self, pos: Pos2) -> [f32; 2] {
        let scale = self.pixels_per_point;
        self.pane.placed.canvas_from_screen([pos.x * scale, pos.y * scale])
    }

    /// Whether `pos` is on the picture, or near enough outside for the brush to touch it.
    fn touches(&self, pos: Pos2, tool: Tool) -> bool {
        let reach = match tool {
            Tool::Brush | Tool::Eraser => self.tools.diameter_px * self.pane.placed.scale / 2.0,
            Tool::Fill | Tool::Picker => 0.0,
        };
        let area = self.pane.visible();
        let at = [pos.x * self.pixels_per_point, pos.y * self.pixels_per_point];
        [0, 1].into_iter().all(|i| at[i] >= area.min[i] - reach && at[i] < area.max[i] + reach)
    }

    fn brush(&self, erase: bool) -> Brush {
        let tools = &self.tools;
        Brush {
            colour: tools.colour,
            diameter_px: tools.diameter_px,
            hardness: tools.hardness,
            // An eraser that leaves ghosts is a surprise: they are hard to see, and the model paints them.
            opacity: if erase { 1.0 } else { tools.opacity },
            erase,
            // Both follow pressure where it is reported.
            // An eraser does not thin with speed: it takes away what its ring shows.
            width: if tools.speed_width && !erase { WidthRule::Speed } else { WidthRule::Pressure },
        }
    }

    /// Where straight lines begin: at the end of the newest stroke that was not taken back.
    fn line_start(&self) -> Option<StrokePoint> {
        let end = *self.document.strokes().last()?.points.last()?;
        Some(StrokePoint { pressure: None, ..end })
    }

    /// Whether the brush touches the canvas on its way between two places, or nearly does.
    fn comes_in(&self, from: StrokePoint, to: StrokePoint) -> bool {
        let reach = self.tools.diameter_px / 2.0;
        let [width, height] = self.pane.placed.canvas;
        let crosses = |a: f32, b: f32, side: f32| a.max(b) > -reach && a.min(b) < side + reach;
        crosses(from.x, to.x, width) && crosses(from.y, to.y, height)
    }

    fn pick(&mut self, pos: Pos2) -> bool {
        let at = self.canvas_from_points(pos);
        let painting = self.painting.filter(|(_, column)| pos.x * self.pixels_per_point >= *column);
        let colour = match (painting, self.source) {
            (Some((painting, _)), _) => painted_colour(painting, self.pane, at),
            (None, Some(source)) => self.pick_over(source, at),
            (None, None) => self.document.pick(at[0], at[1]),
        };
        let Some(colour) = colour else { return false };
        self.tools.colour = colour;
        true
    }

    /// The colour of the ink over `source`, as it is shown.
    fn pick_over(&self, source: &Frame, at: [f32; 2]) -> Option<[u8; 3]> {
        if at[0] < 0.0 || at[1] < 0.0 {
            return None;
        }
        let mut ink = Vec::new();
        let pixel = PixelRect::new(at[0] as u32, at[1] as u32, 1, 1);
        self.document.composite_into(pixel, Backdrop::Transparent, &mut ink);
        let &[r, g, b, alpha] = ink.first_chunk::<4>()?;
        let texel = texel_from_canvas(Slot::Source, self.pane.placed.canvas, source.size(), at);
        let under = source.pixel(texel[0] as u32, texel[1] as u32);
        let mix = |over: u8, under: u8| {
            let alpha = u16::from(alpha);
            ((u16::from(over) * alpha + u16::from(under) * (255 - alpha) + 127) / 255) as u8
        };
        Some([mix(r, under[0]), mix(g, under[1]), mix(b, under[2])])
    }
}

/// The painting's colour at a canvas position; none beside it.
pub(super) fn painted_colour(painting: &Frame, pane: &Pane, at: [f32; 2]) -> Option<[u8; 3]> {
    let texel = texel_from_canvas(Slot::Painting, pane.placed.canvas, painting.size(), at);
    let [width, height] = [painting.size().width as f32, painting.size().height as f32];
    let inside = texel[0] >= 0.0 && texel[1] >= 0.0 && texel[0] < width && texel[1] < height;
    let [r, g, b, _] = inside.then(|| painting.pixel(texel[0] as u32, texel[1] as u32))?;
    Some([r, g, b])
}

impl Pen {
    /// True between the press and the release of a stroke.
    pub(super) fn is_down(&self) -> bool {
        self.doing != Doing::Nothing
    }

    /// True while what is under way is a stroke of the document's.
    fn is_drawing(&self) -> bool {
        matches!(self.doing, Doing::Stroke | Doing::Line(_))
    }

    /// Works off `events`. `ready` says whether a press may begin something: the pointer is over the canvas, nothing lies
    /// on top of it and it is not being moved.
    pub(super) fn follow(&mut self, events: &Events<'_>, ready: bool, desk: &mut Desk<'_>) -> PenNews {
        let mut news = PenNews::default();
        if self.is_drawing() && !desk.document.is_stroking() {
            // Somebody else ended it, for example by opening another drawing.
            self.doing = Doing::Nothing;
        }
        for (event, time_s, said) in events.timed() {
            self.contact = said.unwrap_or(self.contact);
            match *event {
                Event::Touch { phase: TouchPhase::Start | TouchPhase::Move, force, .. } => {
                    self.contact.pressure = force;
                }
                Event::PointerButton { pos, button: PointerButton::Primary, pressed: true, modifiers } if ready => {
                    self.press(pos, time_s, modifiers, desk, &mut news);
                }
                Event::PointerMoved(pos) => self.move_to(pos, time_s, desk, &mut news),
                Event::PointerButton { pos, button: PointerButton::Primary, pressed: false, .. } => {
                    self.move_to(pos, time_s, desk, &mut news);
                    news.missed = news.missed.or(desk.document.missed_by_eraser());
                    self.lift(desk.document);
                }
                // The release will go to another window.
                Event::WindowFocused(false) => self.lift(desk.document),
                _ => {}
            }
        }
        news
    }

    fn press(&mut self, pos: Pos2, time_s: f64, modifiers: Modifiers, desk: &mut Desk<'_>, news: &mut PenNews) {
        self.lift_unfinished(desk.document);
        let tool = if modifiers.alt {
            Tool::Picker
        } else if self.contact.eraser {
            Tool::Eraser
        } else {
            desk.tools.tool
        };
        let draws = matches!(tool, Tool::Brush | Tool::Eraser);
        // The end of a line that begins elsewhere may lie beside the canvas.
        let is_line = draws && modifiers.shift;
        if !is_line && !desk.touches(pos, tool) {
            if draws {
                self.doing = Doing::Outside(self.point(pos, time_s, desk), tool == Tool::Eraser);
            }
            return;
        }
        if tool != Tool::Picker && !desk.document.is_active_visible() {
            news.refused = true;
            return;
        }
        match tool {
            Tool::Brush | Tool::Eraser => {
                let brush = desk.brush(tool == Tool::Eraser);
                let point = self.point(pos, time_s, desk);
                if is_line {
                    // Of one width: how fast the pointer goes says nothing about a line.
                    let brush = Brush { width: WidthRule::Pressure, ..brush };
                    let mut line = Line { from: desk.line_start().unwrap_or(point), brush };
                    line.draw_to(point, desk.document);
                    self.doing = Doing::Line(line);
                    news.stroke_started = true;
                } else if desk.document.begin_stroke(brush, point) {
                    self.doing = Doing::Stroke;
                    news.stroke_started = true;
                }
            }
            Tool::Fill => {
                let [x, y] = desk.canvas_from_points(pos);
                let colour = desk.tools.colour;
                // What is seen through the ink is not the drawing's background.
                let backdrop = if desk.source.is_some() { Backdrop::Transparent } else { Backdrop::Document };
                news.stroke_started |= desk.document.fill_over(backdrop, (x, y), colour, FILL_TOLERANCE);
            }
            Tool::Picker => {
                self.doing = Doing::Pick;
                news.picked |= desk.pick(pos);
            }
        }
    }

    fn move_to(&mut self, pos: Pos2, time_s: f64, desk: &mut Desk<'_>, news: &mut PenNews) {
        let point = self.point(pos, time_s, desk);
        match &mut self.doing {
            Doing::Nothing => {}
            Doing::Outside(from, _) if !desk.comes_in(*from, point) => *from = point,
            Doing::Outside(from, erase) => {
                let (from, brush) = (*from, desk.brush(*erase));
                let begun = desk.document.begin_stroke(brush, from);
                desk.document.extend_stroke(point);
                // Whatever else there was in this frame.
                news.stroke_started |= begun;
                news.refused |= !begun;
                self.doing = if begun { Doing::Stroke } else { Doing::Nothing };
            }
            Doing::Stroke => desk.document.extend_stroke(point),
            Doing::Line(line) => line.draw_to(point, desk.document),
            Doing::Pick => news.picked |= desk.touches(pos, Tool::Picker) && desk.pick(pos),
        }
    }

    fn point(&self, pos: Pos2, time_s: f64, desk: &Desk<'_>) -> StrokePoint {
        let [x, y] = desk.canvas_from_points(pos);
        StrokePoint { pressure: self.contact.pressure, ..StrokePoint::new(x, y, time_s) }
    }

    /// Ends what is under way and keeps it.
    pub(super) fn lift(&mut self, document: &mut Document) {
        self.lift_unfinished(document);
        self.contact = Contact::default();
    }

    fn lift_unfinished(&mut self, document: &mut Document) {
        if self.is_drawing() {
            document.end_stroke();
        }
        self.doing = Doing::Nothing;
    }

    /// Takes back what is under way.
    pub(super) fn cancel(&mut self, document: &mut Document) {
        if self.is_drawing() {
            document.cancel_stroke();
        }
        self.doing = Doing::Nothing;
    }
}
