//! The middle of the window: the drawing, the painting, and what lies between them.
//!
//! A [`Stage`] turns the pointer into ink on a [`Document`] and shows it in the same frame: all events first, then the
//! changed rectangles to their texture, then the picture. It asks for no repaint of its own except while a new painting
//! fades in. It knows no studio and no engine; the window hands it frames.

mod card;
mod contacts;
mod cursor;
mod divider;
mod ink;
mod labels;
mod layers;
mod layout;
mod navigate;
mod pen;
mod pictures;
mod plain;
mod surface;

use egui::{Key, LayerId, RawInput, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

pub use cursor::POINTER_RESTS_S;

use self::contacts::Contacts;
use self::cursor::Resizing;
use self::layers::Pane;
use self::layout::Layout;
use self::navigate::Held;
use self::pen::{Desk, Events, Pen};
use self::pictures::Pictures;
use super::theme::Theme;
use crate::canvas::Document;
use crate::display::{Area, View};
use crate::frame::Frame;
use crate::studio::{Tool, ToolSettings, ViewMode};
use crate::tablet::Tablet;

/// How the stage shall look in this frame.
#[derive(Clone, Debug, PartialEq)]
pub struct StageLook {
    /// How drawing and painting share the stage.
    pub view: ViewMode,
    /// The pictures alone, for an audience: no captions, and nothing around a pointer that rests.
    pub alone: bool,
    /// Smooth or square pixels when enlarged.
    pub smooth: bool,
    /// Share of the drawing; see [`StageResponse::divider`].
    pub divider: f32,
    /// Above the drawing.
    pub left_caption: String,
    /// Above the painting.
    pub right_caption: String,
    /// At the right end above the painting, for example "pen to picture 31 ms"; empty for nothing.
    pub latency_text: String,
    /// Whether the latency is good news.
    pub latency_good: bool,
    /// What an empty canvas says.
    pub hint: Option<String>,
    /// What is wrong with the live source, in a sentence; stands over the last of its pictures.
    pub trouble: Option<String>,
    /// What stands in the painting's place before there is one.
    pub busy_text: Option<String>,
    /// Whether a new painting fades in over the old one.
    pub fade: bool,
}

impl Default for StageLook {
    fn default() -> Self {
        Self {
            view: ViewMode::SideBySide,
            alone: false,
            smooth: true,
            divider: 0.5,
            left_caption: "Drawing".into(),
            right_caption: "Painting".into(),
            latency_text: String::new(),
            latency_good: true,
            hint: None,
            trouble: None,
            busy_text: None,
            fade: false,
        }
    }
}

/// Why nothing is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The layer is hidden.
    Hidden,
    /// The drawing is not shown.
    PaintingOnly,
    /// There is nothing to erase there on the layer, but on this one.
    NothingToErase(crate::canvas::LayerId),
}

/// What the user did on the stage in this frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageResponse {
    /// The drawing changed.
    pub changed: bool,
    /// The divider was moved here: 0.2..=0.8, or 0..=1 in the wipe view.
    pub divider: Option<f32>,
    /// A colour was picked into the tools.
    pub picked: bool,
    /// A stroke or fill began.
    pub stroke_started: bool,
    /// Why one that was to begin did not.
    pub refused: Option<Refused>,
}

/// The stage: its textures, its view, the stroke in progress, the newest pictures.
pub struct Stage {
    pictures: Pictures,
    view: View,
    pen: Pen,
    contacts: Contacts,
    /// Where it was in the last frame.
    rect: Rect,
    resizing: Resizing,
}

/// The panes of a frame and what the pointer does to them.
struct Panes {
    left: Pane,
    right: Option<Pane>,
    left_response: Response,
    right_response: Option<Response>,
}

impl Stage {
    /// A stage on the graphics card where eframe has one, else a plain one, for the pens of `tablet`.
    pub fn new(cc: &eframe::CreationContext<'_>, tablet: Tablet) -> Self {
        Self::with(cc.wgpu_render_state.as_ref().map_or_else(Pictures::plain, Pictures::on_card), tablet)
    }

    /// A stage that draws through egui alone, whatever the renderer.
    pub fn plain() -> Self {
        Self::with(Pictures::plain(), Tablet::default())
    }

    fn with(pictures: Pictures, tablet: Tablet) -> Self {
        Self {
            pictures,
            view: View::default(),
            pen: Pen::default(),
            contacts: Contacts::new(tablet),
            rect: Rect::NOTHING,
            resizing: Resizing::default(),
        }
    }

    /// Takes what pens said, before egui takes `input`, also while the window is hidden.
    pub fn follow_pens(&mut self, input: &RawInput) {
        self.contacts.follow(input);
    }

    /// The newest frame under the ink, no side longer than [`Document::MAX_SIDE`]; `None` when the drawing stands alone.
    pub fn set_source(&mut self, frame: Option<Frame>) {
        self.pictures.set_source(frame);
    }

    /// The painting to be seen.
    pub fn set_painting(&mut self, frame: &Frame) {
        self.pictures.set_painting(frame);
    }

    /// Whether there is a painting.
    pub fn has_painting(&self) -> bool {
        self.pictures.painting().is_some()
    }

    /// How the pictures are looked at.
    pub fn view(&self) -> View {
        self.view
    }

    /// Fits the pictures into their panes again.
    pub fn reset_view(&mut self) {
        self.view = View::default();
    }

    /// Whether the pointer is over it, and not over a menu or a card that lies on it.
    pub fn is_pointed_at(&self, ctx: &egui::Context) -> bool {
        let pointer = ctx.pointer_hover_pos().filter(|pos| self.rect.contains(*pos));
        pointer.is_some_and(|pos| ctx.layer_id_at(pos).is_none_or(|layer| layer == LayerId::background()))
    }

    /// Takes the rest of `ui`: takes the input, then draws. It does not paint its background, which would take as
    /// long as both pictures where the window is drawn by software: the window is to be cleared with the theme's stage colour.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        document: &mut Document,
        tools: &mut ToolSettings,
        look: &StageLook,
        theme: &Theme,
    ) -> StageResponse {
        let stage = ui.available_rect_before_wrap();
        ui.allocate_rect(stage, Sense::hover());
        self.rect = stage;
        let layout = Layout::new(stage, look.view, look.divider);
        let before = document.revision();
        let mut panes = self.panes(ui, &layout, document, look);
        self.navigate(ui, &panes);
        self.place(&mut panes, document);
        let mut response = self.draw(ui, &panes, document, tools, look);
        response.changed = document.revision() != before;
        self.show(ui, stage, &panes, document, look, theme);
        response.divider = self.furniture(ui, stage, &layout, &panes, look, theme);
        let resized = self.resizing.follow(ui, tools.diameter_px);
        cursor::show(ui, &panes, tools, look, resized);
        response
    }

    /// The panes with their place on the screen and their names for tests and screen readers.
    fn panes(&self, ui: &Ui, layout: &Layout, document: &Document, look: &StageLook) -> Panes {
        let place = |rect: Rect| {
            let scale = ui.pixels_per_point();
            let area =
                Area::new([rect.left() * scale, rect.top() * scale], [rect.right() * scale, rect.bottom() * scale]);
            let area = area.rounded();
            Pane { area, placed: self.view.place(canvas(document), area) }
        };
        let (left, right) = (place(layout.left), layout.right.map(place));
        let interact = |rect: Rect, pane: &Pane, role: Role, name: &'static str| {
            let response = ui.interact(rect, ui.scope_id().with(name), Sense::click_and_drag());
            response.widget_info(|| WidgetInfo::labeled(role, true, name));
            // Who looks for the picture wants the picture, not the room around it.
            let seen = seen(ui, pane);
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_bounds(egui::accesskit::Rect {
                    x0: seen.left().into(),
                    y0: seen.top().into(),
                    x1: seen.right().into(),
                    y1: seen.bottom().into(),
                });
            });
            response
        };
        let left_response = match look.view {
            ViewMode::Picture => interact(layout.left, &left, Role::Image, "Painting"),
            _ => interact(layout.left, &left, Role::Canvas, "Sketch canvas"),
        };
        let right_response = layout.right.zip(right).map(|(rect, pane)| interact(rect, &pane, Role::Image, "Painting"));
        Panes { left, right, left_response, right_response }
    }

    fn navigate(&mut self, ui: &Ui, panes: &Panes) {
        let mut held = vec![Held { response: &panes.left_response, pane: &panes.left }];
        if let (Some(response), Some(pane)) = (&panes.right_response, &panes.right) {
            held.push(Held { response, pane });
        }
        // A picture that moves under the pen would bend the stroke.
        if !self.pen.is_down() || navigate::is_pinching(ui) {
            navigate::follow(ui, &mut self.view, &held);
        }
    }

    /// The panes again after the view changed.
    fn place(&self, panes: &mut Panes, document: &Document) {
        for pane in std::iter::once(&mut panes.left).chain(panes.right.as_mut()) {
            pane.placed = self.view.place(canvas(document), pane.area);
        }
    }

    fn draw(
        &mut self,
        ui: &Ui,
        panes: &Panes,
        document: &mut Document,
        tools: &mut ToolSettings,
        look: &StageLook,
    ) -> StageResponse {
        let mut response = StageResponse::default();
        if navigate::is_pinching(ui) {
            self.pen.cancel(document);
            return response;
        }
        if look.view != ViewMode::Picture || self.pen.is_down() {
            let over = &panes.left_response;
            let ready = (over.is_pointer_button_down_on() || over.clicked() || over.hovered())
                && !navigate::is_hand(ui)
                && look.view != ViewMode::Picture;
            let source = self.pictures.source();
            let painting = self.pictures.painting().filter(|_| look.view == ViewMode::Wipe);
            let painting = painting.map(|painting| (painting, divider::wipe_column(&panes.left, look.divider)));
            let pixels_per_point = ui.pixels_per_point();
            let mut desk = Desk { document, tools, pane: &panes.left, pixels_per_point, source, painting };
            let events = Events::of(ui, &self.contacts, self.pen.is_down());
            let news = self.pen.follow(&events, ready, &mut desk);
            (response.stroke_started, response.picked) = (news.stroke_started, news.picked);
            response.refused = news.refused.then_some(Refused::Hidden).or(news.missed.map(Refused::NothingToErase));
            if news.stroke_started {
                // Only clicks close menus by themselves, and a stroke is none.
                egui::Popup::close_all(ui.ctx());
            }
        }
        if self.pen.is_down() {
            if ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape)) {
                self.pen.cancel(document);
            } else if !ui.input(|input| input.pointer.primary_down()) {
                // The release was lost, for example to another window.
                self.pen.lift(document);
            }
        }
        response.picked |= self.pick_from_painting(ui, panes, tools, look);
        let draws = tools.tool != Tool::Picker && !ui.input(|input| input.modifiers.alt);
        let begins = panes.left_response.drag_started_by(egui::PointerButton::Primary) && !navigate::is_hand(ui);
        if look.view == ViewMode::Picture && draws && begins {
            response.refused = Some(Refused::PaintingOnly);
        }
        response
    }

    /// The picker, or the pointer with Alt held, takes the painting's colour where it is pressed.
    fn pick_from_painting(&self, ui: &Ui, panes: &Panes, tools: &mut ToolSettings, look: &StageLook) -> bool {
        let shown = if look.view == ViewMode::Picture {
            Some((&panes.left_response, &panes.left))
        } else {
            panes.right_response.as_ref().zip(panes.right.as_ref())
        };
        let Some(((response, pane), painting)) = shown.zip(self.pictures.painting()) else { return false };
        let picking = tools.tool == Tool::Picker || ui.input(|input| input.modifiers.alt);
        // Also while the pointer is dragged over it. A hand that moves the picture picks nothing.
        let pressed = (response.is_pointer_button_down_on() || response.clicked()) && !navigate::is_hand(ui);
        let pressed = pressed && !ui.input(|input| input.pointer.middle_down() || input.pointer.secondary_down());
        let Some(pos) = response.interact_pointer_pos().filter(|_| pressed && picking) else { return false };
        let scale = ui.pixels_per_point();
        let at = pane.placed.canvas_from_screen([pos.x * scale, pos.y * scale]);
        let Some(colour) = pen::painted_colour(painting, pane, at) else { return false };
        tools.colour = colour;
        true
    }

    /// The pictures, and the words on them.
    fn show(&mut self, ui: &Ui, stage: Rect, panes: &Panes, document: &mut Document, look: &StageLook, theme: &Theme) {
        let right = panes.right.as_ref();
        let fading = self.pictures.follow(ui, document, look, panes);
        self.pictures.paint(ui, stage, look, theme, panes);
        if fading {
            ui.ctx().request_repaint();
        }
        let left = seen(ui, &panes.left);
        let painting = right.map(|pane| seen(ui, pane));
        if !self.has_painting() && (painting.is_some() || look.view == ViewMode::Picture) {
            labels::placeholder(ui.painter(), painting.unwrap_or(left), look.busy_text.as_deref(), theme);
        }
        for picture in std::iter::once(left).chain(painting) {
            labels::round_corners(ui.painter(), picture, theme);
        }
        let quiet = look.view != ViewMode::Picture && self.pictures.source().is_none() && !self.pen.is_down();
        if let Some(hint) = look.hint.as_deref().filter(|_| quiet && document.is_blank()) {
            labels::hint(ui.painter(), left, hint, document.background());
        }
        if let Some(trouble) = look.trouble.as_deref() {
            let card = labels::trouble(ui.painter(), left, trouble, theme);
            let response = ui.interact(card, ui.scope_id().with("trouble"), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, trouble));
        }
    }

    /// Captions and the divider.
    fn furniture(
        &self,
        ui: &Ui,
        stage: Rect,
        layout: &Layout,
        panes: &Panes,
        look: &StageLook,
        theme: &Theme,
    ) -> Option<f32> {
        let painter = ui.painter();
        let left = seen(ui, &panes.left);
        let right = panes.right.as_ref().map_or(left, |pane| seen(ui, pane));
        let latency = labels::latency(painter, right, &look.latency_text, look.latency_good, theme);
        let zoomed = if self.view.is_fit() { String::new() } else { format!(" · {:.1} × (0 fits)", self.view.zoom) };
        let (left_caption, right_caption) = (&look.left_caption, &look.right_caption);
        let (first, second) = match look.view {
            _ if look.alone => (String::new(), None),
            ViewMode::SideBySide => (format!("{left_caption}{zoomed}"), Some(right_caption.as_str())),
            ViewMode::Picture => (format!("{right_caption}{zoomed}"), None),
            ViewMode::Wipe | ViewMode::Overlay => (format!("{left_caption}  ·  {right_caption}{zoomed}"), None),
        };
        let room = left.width() - if second.is_none() { latency + 8.0 } else { 0.0 };
        labels::caption(painter, left, room, &first, theme);
        if let Some(second) = second {
            labels::caption(painter, right, right.width() - latency - 8.0, second, theme);
        }
        match look.view {
            ViewMode::SideBySide => divider::between_ui(ui, stage, layout, look, theme),
            ViewMode::Wipe => divider::wipe_ui(ui, left, look, theme),
            ViewMode::Overlay | ViewMode::Picture => None,
        }
    }
}

fn canvas(document: &Document) -> [f32; 2] {
    [document.size().width as f32, document.size().height as f32]
}

fn points(ui: &Ui, area: Area) -> Rect {
    let scale = ui.pixels_per_point();
    Rect::from_min_size(
        pos2(area.min[0] / scale, area.min[1] / scale),
        vec2(area.size()[0] / scale, area.size()[1] / scale),
    )
}

/// The part of a pane that shows the canvas, in points.
fn seen(ui: &Ui, pane: &Pane) -> Rect {
    points(ui, pane.visible())
}
