//! A window with nothing but the rail and the stage, on either way of drawing.

use afterimage::canvas::Document;
use afterimage::frame::{Frame, Size};
use afterimage::gui::rail;
use afterimage::gui::stage::{Stage, StageLook, StageResponse};
use afterimage::gui::theme::Theme;
use afterimage::studio::ToolSettings;
use afterimage::tablet::Tablet;
use egui::{Event, Modifiers, PointerButton, Pos2, Rect, pos2};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, SnapshotOptions};
use libtest_mimic::Failed;

/// Which way pictures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Card,
    Plain,
}

pub const PATHS: [Path; 2] = [Path::Card, Path::Plain];

/// Runs a test on either way of drawing.
pub fn both(run: fn(Path) -> Result<(), Failed>) -> Result<(), Failed> {
    for path in PATHS {
        run(path).map_err(|failed| format!("{path:?}: {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}

/// The window's state, open to tests.
pub struct Demo {
    pub stage: Stage,
    pub document: Document,
    pub tools: ToolSettings,
    pub look: StageLook,
    pub theme: Theme,
    pub with_rail: bool,
    /// Every frame's news so far.
    pub news: Vec<StageResponse>,
}

impl eframe::App for Demo {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if self.with_rail {
            let frame = egui::Frame::new().fill(self.theme.panel);
            egui::Panel::left("rail").exact_size(rail::WIDTH).resizable(false).frame(frame).show(ui, |ui| {
                rail::ui(ui, &mut self.document, &mut self.tools, &self.theme);
            });
        }
        let frame = egui::Frame::new().fill(self.theme.stage);
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            let news = self.stage.ui(ui, &mut self.document, &mut self.tools, &self.look, &self.theme);
            if let Some(divider) = news.divider {
                self.look.divider = divider;
            }
            self.news.push(news);
        });
    }
}

pub type Window = Harness<'static, Demo>;

/// A window of `size` with a blank canvas of 128 x 128 pixels.
pub fn window(path: Path, size: [f32; 2]) -> Window {
    let builder = Harness::builder().with_size(size).with_max_steps(8).with_render_cursor(false).wgpu();
    builder.build_eframe(move |cc| {
        egui_material_icons::initialize(&cc.egui_ctx);
        cc.egui_ctx.set_visuals(egui::Visuals::dark());
        Demo {
            stage: if path == Path::Card { Stage::new(cc, Tablet::default()) } else { Stage::plain() },
            document: Document::new(Size::square(128), [255; 3]),
            tools: ToolSettings { speed_width: false, ..ToolSettings::default() },
            look: StageLook::default(),
            theme: Theme::dark(),
            with_rail: false,
            news: Vec::new(),
        }
    })
}

/// Compares the window with the picture that was accepted under `name`. A few pixels of a glyph's edge may differ between
/// versions of a driver.
pub fn accepted(window: &mut Window, name: &str) -> Result<(), Failed> {
    window.snapshot_options(name, &SnapshotOptions::new().max_failed_pixels(20));
    match window.take_snapshot_results().into_inner().first() {
        Some(error) => Err(error.to_string().into()),
        None => Ok(()),
    }
}

/// Where a widget is.
pub fn rect(window: &Window, label: &str) -> Rect {
    window.get_by_label(label).rect()
}

/// The place of a canvas pixel on the window, for a picture shown whole.
pub fn on_canvas(window: &Window, x: f32, y: f32) -> Pos2 {
    let rect = rect(window, "Sketch canvas");
    let size = window.state().document.size();
    rect.min + egui::vec2(rect.width() * x / size.width as f32, rect.height() * y / size.height as f32)
}

pub fn button(pos: Pos2, button: PointerButton, pressed: bool) -> Event {
    Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE }
}

/// All `events` in one frame.
pub fn frame(window: &mut Window, events: impl IntoIterator<Item = Event>) {
    window.input_mut().events.extend(events);
    window.step();
}

/// Draws through canvas positions, a frame for each.
pub fn draw(window: &mut Window, points: &[[f32; 2]]) {
    let places: Vec<Pos2> = points.iter().map(|[x, y]| on_canvas(window, *x, *y)).collect();
    let (first, last) = (places[0], places[places.len() - 1]);
    frame(window, [Event::PointerMoved(first)]);
    frame(window, [button(first, PointerButton::Primary, true)]);
    for place in &places[1..] {
        frame(window, [Event::PointerMoved(*place)]);
    }
    frame(window, [button(last, PointerButton::Primary, false)]);
    frame(window, [Event::PointerGone]);
}

/// The colour of the drawing at a canvas pixel.
pub fn ink(window: &Window, x: f32, y: f32) -> [u8; 3] {
    window.state().document.pick(x, y).unwrap()
}

/// The window's pixel at `pos`.
pub fn pixel(image: &image::RgbaImage, pos: Pos2) -> [u8; 3] {
    let [r, g, b, _] = image.get_pixel(pos.x as u32, pos.y as u32).0;
    [r, g, b]
}

/// A painting that no drawing looks like: a blue and green gradient with a bright cross.
pub fn painting(side: u32) -> Frame {
    let size = Size::square(side);
    let pixels = (0..size.area() as u32).flat_map(|i| {
        let (x, y) = (i % side, i / side);
        let cross = x.abs_diff(side / 2) < side / 16 || y.abs_diff(side / 2) < side / 16;
        let shade = |v: u32| (v * 255 / side) as u8;
        if cross { [250, 240, 120, 255] } else { [20, shade(x), shade(y), 255] }
    });
    Frame::new(size, pixels.collect()).unwrap()
}

/// A source of one colour.
pub fn source() -> Frame {
    Frame::filled(Size::new(160, 120), [90, 40, 140, 255])
}

/// The middle of the window's widget `label`.
pub fn middle(window: &Window, label: &str) -> Pos2 {
    rect(window, label).center()
}

pub fn at(rect: Rect, x: f32, y: f32) -> Pos2 {
    pos2(rect.left() + rect.width() * x, rect.top() + rect.height() * y)
}

/// Whether a labelled control can be used.
pub fn enabled(window: &Window, label: &str) -> bool {
    !window.get_by_label(label).accesskit_node().is_disabled()
}
