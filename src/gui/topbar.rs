//! The top bar: name, source, view, model, and the few orders that matter. Pushes actions, changes only how things look.

use egui::{Align, Layout, Popup, Rect, Ui, UiBuilder};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::{Cx, RecordingWish};
use super::fonts::strong;
use super::layout::{Breadth, TOP};
use super::widgets::{Choice, Face, icon_button, segmented_ui, small_icon_button, toggle_button};
use super::{menus, model_menu};
use crate::capture::SourceSpec;
use crate::record::CAN_WRITE_VIDEO;
use crate::studio::{SourceState, ViewMode};

const SOURCES: [Choice; 4] = [
    Choice { icon: Some(icons::ICON_EDIT), word: "Draw", name: "Draw", hint: "Paint over what you draw" },
    Choice {
        icon: Some(icons::ICON_PHOTO_CAMERA),
        word: "Camera",
        name: "Camera",
        hint: "Paint over what a camera sees; you can draw on top",
    },
    Choice {
        icon: Some(icons::ICON_IMAGE),
        word: "Picture",
        name: "Picture",
        hint: "Paint over a picture file; you can draw on top",
    },
    Choice {
        icon: Some(icons::ICON_BLUR_ON),
        word: "Pattern",
        name: "Pattern",
        hint: "A moving test pattern, to see how fast it goes",
    },
];

const VIEWS: [(ViewMode, Choice); 4] = [
    (
        ViewMode::SideBySide,
        Choice { icon: Some(icons::ICON_VIEW_COLUMN_2), word: "Side by side", name: "Side by side", hint: "" },
    ),
    (
        ViewMode::Wipe,
        Choice { icon: Some(icons::ICON_COMPARE), word: "Wipe", name: "Wipe", hint: "One picture, a line to move" },
    ),
    (
        ViewMode::Overlay,
        Choice {
            icon: Some(icons::ICON_LAYERS),
            word: "Overlay",
            name: "Overlay",
            hint: "The painting, half seen through, over the drawing",
        },
    ),
    (
        ViewMode::Picture,
        Choice { icon: Some(icons::ICON_CROP_SQUARE), word: "Picture", name: "Painting only", hint: "" },
    ),
];

/// Shows the bar.
pub fn topbar_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let whole = ui.max_rect();
    let breadth = cx.room.breadth();
    let mut left = part(ui, whole, Layout::left_to_right(Align::Center));
    if breadth > Breadth::Tiny {
        name_ui(&mut left, cx);
    }
    source_ui(&mut left, cx);
    if breadth < Breadth::Wide {
        view_ui(&mut left, cx);
    }
    let used_left = left.min_rect().right();

    let mut right = part(ui, whole, Layout::right_to_left(Align::Center));
    right.spacing_mut().item_spacing.x = if breadth == Breadth::Tiny { 0.0 } else { 4.0 };
    orders_ui(&mut right, cx);
    model_menu::chip_ui(&mut right, cx, used_left);
    let used_right = right.min_rect().left();

    if breadth == Breadth::Wide {
        let width = 134.0;
        let middle = whole
            .center()
            .x
            .clamp(used_left + 16.0 + width / 2.0, (used_right - 16.0 - width / 2.0).max(used_left + 80.0));
        let rect = Rect::from_center_size(egui::pos2(middle, whole.center().y), egui::vec2(width, whole.height()));
        let mut centre = part(ui, rect, Layout::left_to_right(Align::Center));
        view_ui(&mut centre, cx);
    }
}

fn part(ui: &mut Ui, rect: Rect, layout: Layout) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect).layout(layout))
}

fn name_ui(ui: &mut Ui, cx: &Cx<'_>) {
    ui.spacing_mut().item_spacing.x = 0.0;
    ui.add_space(4.0);
    ui.label(strong("after").size(15.0).color(cx.theme.text));
    ui.label(strong("image").size(15.0).color(cx.theme.accent_text));
    ui.add_space(12.0);
    ui.spacing_mut().item_spacing.x = 8.0;
}

fn source_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let on = match &cx.settings.source {
        SourceSpec::Drawing => 0,
        SourceSpec::Camera { .. } => 1,
        SourceSpec::Picture { .. } => 2,
        SourceSpec::Pattern => 3,
    };
    let face = if cx.room.width >= 1180.0 { Face::Words } else { Face::Icons };
    match segmented_ui(ui, &SOURCES, Some(on), face, cx.theme) {
        Some(0) => cx.act(Action::UseDrawing),
        Some(1) if on == 1 => cx.act(Action::ListCameras),
        Some(1) => cx.act(Action::UseCamera(None)),
        Some(2) => cx.act(Action::AskSource),
        Some(3) => cx.act(Action::UsePattern),
        _ => {}
    }
    if on == 1 {
        camera_ui(ui, cx);
    } else if on != 0 {
        freeze_ui(ui, cx);
    }
}

fn camera_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let button =
        icon_button(ui, icons::ICON_KEYBOARD_ARROW_DOWN, "Camera options", "Which camera, and mirror", cx.theme);
    if button.clicked() {
        cx.act(Action::ListCameras);
    }
    Popup::menu(&button).width(240.0).show(|ui| menus::camera_ui(ui, cx));
    freeze_ui(ui, cx);
}

fn freeze_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let live = matches!(cx.snapshot.source, SourceState::Live(_) | SourceState::Trouble(_));
    let hint = "Keep this picture as a layer and draw on it";
    if live && small_icon_button(ui, icons::ICON_AC_UNIT, "Freeze", hint, cx.theme).clicked() {
        cx.act(Action::Freeze);
    }
}

fn view_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let choices = VIEWS.map(|(_, choice)| choice);
    let on = VIEWS.iter().position(|(view, _)| *view == cx.settings.window.view);
    if let Some(index) = segmented_ui(ui, &choices, on, Face::Icons, cx.theme) {
        cx.settings.window.view = VIEWS[index].0;
    }
}

fn record_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let records = cx.session.recording != RecordingWish::Off;
    let (icon, name) = match records {
        true => (icons::ICON_STOP_CIRCLE, "Stop recording"),
        false => (icons::ICON_RADIO_BUTTON_CHECKED, "Record"),
    };
    let hint = "Ctrl+Shift+R: a video of what is painted; “Save and open” says what it shows";
    if toggle_button(ui, icon, name, hint, records, cx.theme).clicked() {
        cx.act(Action::ToggleRecording);
    }
}

/// From right to left, as the bar is laid out.
fn orders_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let theme = cx.theme;
    let open = cx.panel_open();
    if toggle_button(ui, icons::ICON_DOCK_TO_LEFT, "Panel", "Layers, models, latency", open, theme).clicked() {
        cx.act(Action::TogglePanel);
    }
    let gear = icon_button(ui, icons::ICON_SETTINGS, "Settings", "", theme);
    Popup::menu(&gear)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .width(260.0)
        .show(|ui| menus::settings_ui(ui, cx));
    if cx.room.breadth() == Breadth::Wide
        && icon_button(ui, icons::ICON_SEARCH, "Commands", "Ctrl+K: whatever you want, by its name", theme).clicked()
    {
        cx.act(Action::AskCommand);
    }
    let files = icon_button(
        ui,
        icons::ICON_DOWNLOAD,
        "Save and open",
        "Ctrl+S saves the painting at once, Ctrl+D the drawing",
        theme,
    );
    Popup::menu(&files).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).width(250.0).show(|ui| {
        // As high as it needs, where the window is.
        let room = cx.room.height - TOP - 24.0;
        ui.set_max_height(room);
        egui::ScrollArea::vertical().max_height(room).show(ui, |ui| menus::files_ui(ui, cx))
    });
    // Where there is no room the menu has it.
    if CAN_WRITE_VIDEO && cx.room.breadth() > Breadth::Tiny {
        record_ui(ui, cx);
    }
    let dreaming = cx.session.dreaming;
    let hint = "Paint on without end, a new seed each picture";
    if toggle_button(ui, icons::ICON_ALL_INCLUSIVE, "Keep dreaming", hint, dreaming, theme).clicked() {
        cx.act(Action::ToggleDream);
    }
    let (icon, name) = if cx.session.paused { (icons::ICON_PLAY_ARROW, "Go on") } else { (icons::ICON_PAUSE, "Pause") };
    let paused = cx.session.paused;
    if toggle_button(ui, icon, name, "Ctrl+P", paused, theme).clicked() {
        cx.act(Action::TogglePause);
    }
    // Last, so that a second click where Pause was is Go on.
    if paused && icon_button(ui, icons::ICON_SKIP_NEXT, "Step", "Paint one picture", theme).clicked() {
        cx.act(Action::Step);
    }
}
