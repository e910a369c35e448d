//! A small picture with its name, to point at and to click on.

use egui::emath::GuiRounding as _;
use egui::epaint::RectShape;
use egui::{
    Color32, FontSelection, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, TextWrapMode, TextureId, Ui,
    Vec2, WidgetInfo, WidgetText, pos2, vec2,
};
use egui_material_icons::icons;

use crate::frame::Size;
use crate::gui::look::{BODY, NOTE};
use crate::gui::theme::Theme;

/// Tiles beside each other.
const COLUMNS: usize = 2;
/// Space between tiles.
const GAP: f32 = 8.0;
/// Height of a tile's name.
const NAME: f32 = 18.0;
/// How opaque a picture is that is not the newest.
const OLD: f32 = 0.55;
/// A tile is so many times as high as wide, at most.
const STEEPEST: f32 = 1.5;

/// Where a tile is.
pub struct Place {
    picture: Rect,
    response: Response,
}

/// What is seen in a tile.
pub enum Content {
    /// Nothing yet.
    Nothing,
    /// A texture, and whether it is what is to be seen in the end.
    Picture(TextureId, bool),
    /// Why there is none.
    Trouble(String),
}

/// Shows `tiles` side by side, in rows, each as large as a picture of `size` needs.
pub fn rows_ui<T>(ui: &mut Ui, size: Size, tiles: Vec<T>, mut tile_ui: impl FnMut(&mut Ui, &T, Vec2)) {
    let steepness = (size.height.max(1) as f32 / size.width.max(1) as f32).min(STEEPEST);
    let width = ((ui.available_width() - GAP * (COLUMNS - 1) as f32) / COLUMNS as f32).floor();
    for row in tiles.chunks(COLUMNS) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            row.iter().for_each(|tile| tile_ui(ui, tile, vec2(width, width * steepness)));
        });
    }
}

impl Place {
    /// The next place, for a picture of this size.
    pub fn take(ui: &mut Ui, size: Vec2) -> Self {
        let (rect, response) = ui.allocate_exact_size(size + vec2(0.0, NAME), Sense::click());
        Self { picture: Rect::from_min_size(rect.min, size).round_to_pixels(ui.pixels_per_point()), response }
    }

    /// How many pixels of the window the picture has.
    pub fn pixels(&self, ui: &Ui) -> Size {
        let pixels = self.picture.size() * ui.pixels_per_point();
        Size::new(pixels.x.round().max(1.0) as u32, pixels.y.round().max(1.0) as u32)
    }

    /// Whether any of it is seen.
    pub fn is_visible(&self, ui: &Ui) -> bool {
        ui.is_rect_visible(self.picture)
    }

    /// Shows the tile; `label` says what a click does.
    pub fn show(
        self,
        ui: &mut Ui,
        (name, label): (&str, &str),
        is_present: bool,
        content: Content,
        theme: &Theme,
    ) -> Response {
        let Self { picture, response } = self;
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_present, label));
        ui.painter().rect_filled(picture, 4, theme.raised);
        let mut trouble = None;
        match content {
            Content::Picture(texture, is_newest) => {
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                // What is yet to come is seen by what was before.
                let tint = if is_newest { Color32::WHITE } else { Color32::WHITE.gamma_multiply(OLD) };
                ui.painter().add(RectShape::filled(picture, 4, tint).with_texture(texture, whole));
            }
            Content::Trouble(text) => {
                let icon = icons::ICON_WARNING.rich_text().size(20.0).color(theme.warn);
                ui.put(picture, egui::Label::new(icon).selectable(false));
                trouble = Some(text);
            }
            Content::Nothing => {
                let at = picture.center();
                ui.painter().text(at, egui::Align2::CENTER_CENTER, "…", egui::FontId::proportional(BODY), theme.quiet);
            }
        }
        let painter = ui.painter();
        let (edge, text) = match (is_present, response.hovered() || response.has_focus()) {
            (true, _) => (Stroke::new(2.0, theme.accent), theme.text),
            (false, true) => (Stroke::new(2.0, theme.text), theme.text),
            (false, false) => (Stroke::new(1.0, theme.line), theme.quiet),
        };
        painter.rect_stroke(picture, 4, edge, StrokeKind::Inside);
        let at = pos2(picture.left() + 1.0, picture.bottom() + 3.0);
        let words = RichText::new(name).size(NOTE).color(text);
        let wrap = Some(TextWrapMode::Truncate);
        let words = WidgetText::from(words).into_galley(ui, wrap, picture.width() - 2.0, FontSelection::Default);
        let hint = trouble.or_else(|| words.elided.then(|| name.to_owned()));
        painter.galley(at, words, text);
        match hint {
            Some(hint) => response.on_hover_text(hint),
            None => response,
        }
    }
}
