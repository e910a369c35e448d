//! The layers tab: what lies over what, what shows, and what is drawn on.

use egui::{Align, Button, DragValue, Frame, Key, Layout, Margin, RichText, TextEdit, Ui, vec2};
use egui_material_icons::icons;

use super::{fact_ui, heading_ui, swatch_ui};
use crate::canvas::{Document, LayerId, LayerKind};
use crate::capture::SourceSpec;
use crate::gui::action::Action;
use crate::gui::cx::Cx;
use crate::gui::rail::chip_button_ui;
use crate::gui::widgets::{note, small_icon_button};

/// One layer as the list needs it.
struct Row {
    id: LayerId,
    name: String,
    kind: LayerKind,
    visible: bool,
    opacity: f32,
}

/// Shows the tab.
pub fn layers_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let rows: Vec<Row> = cx.document.layers().iter().rev().map(row).collect();
    // Above the list, where a layer more or less does not move them from under the pointer.
    ui.horizontal(|ui| {
        if ui.button("New layer").clicked() {
            cx.document.add_ink_layer();
        }
        let active = cx.document.active();
        let inks = rows.iter().filter(|row| row.kind == LayerKind::Ink).count();
        let removes = rows.iter().any(|row| row.id == active && (row.kind != LayerKind::Ink || inks > 1));
        let remove = ui.add_enabled(removes, Button::new("Remove layer"));
        if remove.on_disabled_hover_text("The last layer to draw on stays").clicked() {
            cx.document.remove_layer(active);
        }
    });
    ui.horizontal(|ui| arrange_ui(ui, cx));
    ui.add_space(4.0);
    for row in &rows {
        row_ui(ui, cx, row);
    }
    background_ui(ui, cx);
    fact_ui(ui, "Canvas", &cx.document.size().to_string(), cx);
    ui.add_space(4.0);
    if cx.settings.source != SourceSpec::Drawing {
        ui.label(note("The layers lie over the live picture. Freeze keeps it as a layer of its own.", cx.theme));
    }
}

/// What can be done with the active layer: one place up or down, a copy of it, one layer with the one below.
fn arrange_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let active = cx.document.active();
    let layers = cx.document.layers();
    let (last, Some(place)) = (layers.len() - 1, layers.iter().position(|layer| layer.id() == active)) else { return };
    for (icon, name, goes, to) in [
        (icons::ICON_KEYBOARD_ARROW_UP, "Move layer up", place < last, place + 1),
        (icons::ICON_KEYBOARD_ARROW_DOWN, "Move layer down", place > 0, place.saturating_sub(1)),
    ] {
        let clicked = ui.add_enabled_ui(goes, |ui| small_icon_button(ui, icon, name, "", cx.theme).clicked()).inner;
        if clicked {
            cx.document.move_layer(active, to);
        }
    }
    if small_icon_button(ui, icons::ICON_CONTENT_COPY, "Copy layer", "", cx.theme).clicked() {
        cx.document.duplicate_layer(active);
    }
    let merges = cx.document.can_merge_down(active);
    let merge = |ui: &mut Ui| small_icon_button(ui, icons::ICON_CELL_MERGE, "Merge with the layer below", "", cx.theme);
    if ui.add_enabled_ui(merges, merge).inner.clicked() {
        cx.document.merge_down(active);
    }
    let hint = "Ctrl+J: it becomes a layer, and is painted over in its turn";
    let take =
        |ui: &mut Ui| small_icon_button(ui, icons::ICON_ADD_PHOTO_ALTERNATE, "Draw on the painting", hint, cx.theme);
    if ui.add_enabled_ui(cx.session.has_picture, take).inner.clicked() {
        cx.act(Action::TakePainting);
    }
}

fn row(layer: &crate::canvas::Layer) -> Row {
    Row {
        id: layer.id(),
        name: layer.name().to_owned(),
        kind: layer.kind(),
        visible: layer.is_visible(),
        opacity: layer.opacity(),
    }
}

fn row_ui(ui: &mut Ui, cx: &mut Cx<'_>, row: &Row) {
    let active = cx.document.active() == row.id;
    let fill = if active { cx.theme.line } else { cx.theme.panel };
    Frame::new().fill(fill).corner_radius(6).inner_margin(Margin::symmetric(6, 4)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(28.0);
            ui.spacing_mut().item_spacing.x = 6.0;
            let (icon, name) = match row.visible {
                true => (icons::ICON_VISIBILITY, format!("Hide {}", row.name)),
                false => (icons::ICON_VISIBILITY_OFF, format!("Show {}", row.name)),
            };
            if small_icon_button(ui, icon, &name, "", cx.theme).clicked() {
                cx.document.set_visible(row.id, !row.visible);
            }
            let kind = match row.kind {
                LayerKind::Ink => icons::ICON_BRUSH,
                LayerKind::Picture => icons::ICON_IMAGE,
            };
            ui.label(kind.rich_text().size(16.0).color(cx.theme.quiet));
            name_ui(ui, cx, row);
        });
    });
}

fn name_ui(ui: &mut Ui, cx: &mut Cx<'_>, row: &Row) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let mut percent = (row.opacity * 100.0).round();
        let drag =
            DragValue::new(&mut percent).range(0.0..=100.0).speed(1.0).fixed_decimals(0).update_while_editing(false);
        let response = crate::gui::widgets::typed_ui(ui, drag, &format!("Opacity of {}", row.name), 36.0);
        if response.on_hover_text("Opacity in percent").changed() {
            cx.document.set_opacity(row.id, percent / 100.0);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let colour = if row.visible { cx.theme.text } else { cx.theme.quiet };
            let text = RichText::new(&row.name).color(colour);
            let width = ui.available_width();
            if rename_ui(ui, cx, row) {
                return;
            }
            let button = Button::new((text, egui::Atom::grow())).frame(false).truncate().min_size(vec2(width, 24.0));
            let response = ui.add(button).on_hover_text("Draw on this layer; a double click renames it");
            if response.clicked() {
                cx.document.set_active(row.id);
            }
            if response.double_clicked() {
                let typed = Renaming { layer: row.id, name: row.name.clone(), is_open: false };
                ui.data_mut(|data| data.insert_temp(Renaming::id(), typed));
            }
        });
    });
}

/// A name that is being typed.
#[derive(Clone)]
struct Renaming {
    layer: LayerId,
    name: String,
    /// The field has been seen, and so has the focus for as long as it is wanted.
    is_open: bool,
}

impl Renaming {
    fn id() -> egui::Id {
        egui::Id::unique("layer name")
    }
}

/// The field for another name, if this is the layer that gets one. Says whether it is.
fn rename_ui(ui: &mut Ui, cx: &mut Cx<'_>, row: &Row) -> bool {
    let id = Renaming::id();
    let typed = ui.data(|data| data.get_temp::<Renaming>(id)).filter(|typed| typed.layer == row.id);
    let Some(mut typed) = typed else { return false };
    let field = TextEdit::singleline(&mut typed.name).id(id).char_limit(Document::LONGEST_NAME);
    let response = ui.add(field.desired_width(f32::INFINITY)).accessible_name("Layer name");
    if !typed.is_open {
        response.request_focus();
    }
    let is_over = typed.is_open && !response.has_focus();
    // A name that was being typed when the tab went away is nobody's: its layer may be another drawing's.
    if response.lost_focus() && !ui.input(|input| input.key_pressed(Key::Escape)) {
        cx.document.rename_layer(row.id, &typed.name);
    }
    ui.data_mut(|data| match is_over {
        true => data.remove::<Renaming>(id),
        false => _ = data.insert_temp(id, Renaming { is_open: true, ..typed }),
    });
    true
}

fn background_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    heading_ui(ui, "under everything", cx);
    let mut colour = cx.document.background();
    ui.horizontal(|ui| {
        if chip_button_ui(ui, "Background colour", &mut colour, cx.theme) {
            cx.document.set_background(colour);
        }
        ui.label("Background");
    });
    if cx.settings.source != SourceSpec::Drawing {
        ui.horizontal(|ui| {
            swatch_ui(ui, cx.theme.well, cx);
            ui.label(note("hidden while a source is live", cx.theme));
        });
    }
}
