//! What opens under the buttons of the top bar: camera, files, settings.

use egui::{Button, Ui};

use super::action::Action;
use super::cx::{Cx, RecordingWish};
use super::fonts::strong;
use super::look::{BODY, ZOOMS};
use super::theme::Theme;
use super::widgets::{Choice, Face, note_ui, quiet, segmented_ui};
use crate::capture::SourceSpec;
use crate::flow::cores;
use crate::record::CAN_WRITE_VIDEO;
use crate::studio::{Filmed, Timing};

/// Which camera, and whether it is a mirror.
pub fn camera_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let SourceSpec::Camera { id, mirror } = cx.settings.source.clone() else { return };
    if cx.session.cameras.is_empty() {
        note_ui(ui, "No camera was found yet. Plug one in and look again.", cx.theme);
    }
    for camera in cx.session.cameras.clone() {
        let on = camera.id == id;
        let response = ui.add(Button::selectable(on, camera.name.as_str())).on_hover_text(&camera.id);
        if response.clicked() && !on {
            cx.act(Action::UseCamera(Some(camera.id)));
        }
    }
    ui.separator();
    let mut mirrored = mirror;
    if ui.checkbox(&mut mirrored, "Mirror").changed() {
        cx.settings.source = SourceSpec::Camera { id, mirror: mirrored };
    }
    if ui.button("Look for cameras again").clicked() {
        cx.act(Action::ListCameras);
    }
}

/// Drawing and painting: new, open, save.
pub fn files_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let drawn = !cx.document.is_blank();
    heading_ui(ui, "Drawing", cx);
    entry_ui(ui, cx, true, "New drawing…", "Ctrl+N", Action::NewDrawing);
    entry_ui(ui, cx, true, "Open…", "Ctrl+O", Action::AskOpen);
    note_ui(
        ui,
        "A picture becomes a layer, a layered drawing (.ora) takes the place of this one. Dropping a file or pasting works \
         too (on Wayland: paste).",
        cx.theme,
    );
    entry_ui(ui, cx, drawn, "Save drawing", "Ctrl+D", Action::SaveDrawing);
    entry_ui(ui, cx, drawn, "Save drawing as…", "Ctrl+Shift+D", Action::AskSaveDrawing);
    ui.checkbox(&mut cx.settings.transparent, "Leave the background out")
        .on_hover_text("The saved drawing is transparent where nothing was drawn");
    ui.separator();
    let painted = cx.session.has_picture;
    heading_ui(ui, "Painting", cx);
    entry_ui(ui, cx, painted, "Save painting", "Ctrl+S", Action::QuickSave);
    entry_ui(ui, cx, painted, "Save painting as…", "Ctrl+Shift+S", Action::AskSave);
    entry_ui(ui, cx, painted, "Copy painting", "Ctrl+C", Action::CopyPainting);
    entry_ui(ui, cx, painted, "Draw on the painting", "Ctrl+J", Action::TakePainting);
    note_ui(ui, "PNG with prompt and all numbers inside.", cx.theme);
    ui.separator();
    if CAN_WRITE_VIDEO {
        recording_ui(ui, cx);
        ui.separator();
    }
    note_ui(ui, "All is saved into this folder:", cx.theme);
    note_ui(ui, &cx.session.pictures, cx.theme);
}

/// What becomes a video, and how.
fn recording_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    heading_ui(ui, "Recording", cx);
    let name = if cx.session.recording == RecordingWish::Off { "Record a video" } else { "Stop recording" };
    entry_ui(ui, cx, true, name, "Ctrl+Shift+R", Action::ToggleRecording);
    row_ui(ui, cx, "Shows", |ui, cx| {
        let alone = cx.settings.recording.shows == Filmed::Painting;
        if let Some(alone) = either_ui(ui, &SHOWS, alone, cx.theme) {
            cx.settings.recording.shows = if alone { Filmed::Painting } else { Filmed::Both };
        }
    });
    row_ui(ui, cx, "Time", |ui, cx| {
        let choices = TIMINGS.map(|(_, choice)| choice);
        let on = TIMINGS.iter().position(|(timing, _)| *timing == cx.settings.recording.timing);
        if let Some(index) = segmented_ui(ui, &choices, on, Face::Words, cx.theme) {
            cx.settings.recording.timing = TIMINGS[index].0;
        }
    });
    note_ui(ui, "An MP4 video; a change counts from the next recording on.", cx.theme);
}

/// What a recording shows.
const SHOWS: [Choice; 2] = [
    Choice {
        icon: None,
        word: "Both",
        name: "Record both",
        hint: "Drawing (or what the camera sees) and painting, side by side",
    },
    Choice { icon: None, word: "Painting", name: "Record the painting", hint: "The painting alone" },
];

/// How time goes by in a recording.
const TIMINGS: [(Timing, Choice); 3] = [
    (Timing::AsItWas, Choice { icon: None, word: "As it is", name: "Time as it is", hint: "For performances" }),
    (
        Timing::WithoutPauses,
        Choice {
            icon: None,
            word: "No pauses",
            name: "Without pauses",
            hint: "Where nothing changes for longer than a second, it is a second",
        },
    ),
    (
        Timing::TimeLapse,
        Choice { icon: None, word: "8×", name: "Time lapse", hint: "Eight times as fast, and without pauses" },
    ),
];

fn heading_ui(ui: &mut Ui, text: &str, cx: &Cx<'_>) {
    ui.label(strong(text).size(BODY).color(cx.theme.text));
}

fn entry_ui(ui: &mut Ui, cx: &mut Cx<'_>, enabled: bool, name: &str, keys: &str, action: Action) {
    if ui.add_enabled(enabled, Button::new(name).shortcut_text(keys)).clicked() {
        cx.act(action);
        ui.close();
    }
}

/// Looks and computing.
pub fn settings_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.spacing_mut().item_spacing.y = 6.0;
    row_ui(ui, cx, "Look", |ui, cx| {
        let choices = [word("Dark", "Dark look"), word("Light", "Light look")];
        if let Some(light) = either_ui(ui, &choices, cx.settings.window.light, cx.theme) {
            cx.settings.window.light = light;
        }
    });
    row_ui(ui, cx, "Pixels", |ui, cx| {
        let choices = [word("Smooth", "Smooth pixels"), word("Sharp", "Sharp pixels")];
        if let Some(sharp) = either_ui(ui, &choices, !cx.settings.window.smooth, cx.theme) {
            cx.settings.window.smooth = !sharp;
        }
    });
    row_ui(ui, cx, "Zoom", |ui, cx| {
        for zoom in ZOOMS {
            let percent = (zoom * 100.0).to_string();
            let button = Button::selectable(cx.settings.window.zoom == zoom, percent.as_str());
            if ui.add(button).accessible_name(format!("Zoom {percent} %")).clicked() {
                cx.settings.window.zoom = zoom;
            }
        }
    });
    row_ui(ui, cx, "Pictures", |ui, cx| {
        if let Some(stream) = either_ui(ui, &PACES, cx.settings.stream, cx.theme) {
            cx.settings.stream = stream;
        }
    });
    computing_ui(ui, cx);
    let whole = Button::new("Pictures over the whole screen").shortcut_text("F11");
    if ui
        .add(whole)
        .on_hover_text("Nothing but the pictures, as they are shared now; Escape brings the rest back")
        .clicked()
    {
        cx.act(Action::ToggleAlone);
        ui.close();
    }
    ui.separator();
    let model = cx.snapshot.model.as_ref();
    note_ui(ui, format!("Painted by {}", model.map_or("nobody yet", |model| &model.executor)), cx.theme);
    note_ui(ui, format!("Window drawn by {}", cx.session.renderer), cx.theme);
    note_ui(ui, format!("Afterimage {}", env!("CARGO_PKG_VERSION")), cx.theme);
}

/// Who computes, and with how many threads; the model is loaded again for another choice.
fn computing_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    row_ui(ui, cx, "Engine", |ui, cx| {
        for (name, word, hint) in ENGINES {
            let button = Button::selectable(cx.settings.executor == name, word);
            let response = ui.add(button).accessible_name(format!("{word} engine")).on_hover_text(hint);
            if response.clicked() && cx.settings.executor != name {
                cx.settings.executor = name.into();
                cx.act(Action::Reload);
            }
        }
    });
    row_ui(ui, cx, "Threads", |ui, cx| {
        for (count, word) in threads(cores()) {
            let button = Button::selectable(cx.settings.threads == count, word.as_str());
            let response = ui.add(button).accessible_name(format!("{word} threads"));
            let response = if word == QUIET { response.on_hover_text(QUIET_HINT) } else { response };
            if response.clicked() && cx.settings.threads != count {
                cx.settings.threads = count;
                cx.act(Action::Reload);
            }
        }
    });
}

/// Two choices: `second` says whether the second is on, and the answer whether it is to be.
fn either_ui(ui: &mut Ui, choices: &[Choice; 2], second: bool, theme: &Theme) -> Option<bool> {
    segmented_ui(ui, choices, Some(usize::from(second)), Face::Words, theme).map(|index| index == 1)
}

/// One picture after the other, or several side by side.
const PACES: [Choice; 2] = [
    Choice { icon: None, word: "Soonest", name: "Soonest pictures", hint: "Each picture as soon as it can be" },
    Choice {
        icon: None,
        word: "Most",
        name: "Most pictures",
        hint: "Several are painted side by side, each one step further than the next: more a second, above all on a GPU, but with \
               2 steps each comes a picture later, with 4 three pictures. With 1 step there is no difference",
    },
];

/// Who may paint: the executor's name, a word for it, and what it means.
const ENGINES: [(&str, &str, &str); 7] = [
    (
        "auto",
        "Fastest",
        "Whatever is fastest on this machine and paints the same picture: an NVIDIA GPU if there is one",
    ),
    ("cuda", "GPU", "An NVIDIA GPU from RTX 30 on. Without one you are told so, and the fastest there is paints"),
    (
        "cuda-fp8",
        "GPU, small",
        "An NVIDIA GPU from RTX 40 on, with products of 8-bit numbers: a large model takes a quarter to a third less of its memory, and \
         pictures differ a little",
    ),
    ("cpu", "CPU", "This machine's processor, also where there is a GPU"),
    ("cpu-f32", "Exact", "Our own kernels in full precision, on processors that are faster with less"),
    (
        "cpu-int8",
        "Small",
        "Weights of 8 bits: a large model takes a quarter to half of the memory, and pictures differ a little",
    ),
    ("candle", "Reference", "The plain implementation that the others are judged by. Slow"),
];

const QUIET: &str = "Quiet";
const QUIET_HINT: &str = "Half the cores: fans rest, and other programs have room";

/// Numbers of threads to choose from on so many cores, with a word for each; 0 means all.
fn threads(cores: usize) -> Vec<(usize, String)> {
    let half = (cores / 2).max(1);
    let some = [1, 2, 4, 8, 16].into_iter().filter(|count| *count < cores && *count != half);
    let named = [(0, "All".to_owned()), (half, QUIET.to_owned())];
    named.into_iter().chain(some.map(|count| (count, count.to_string()))).collect()
}

const fn word(word: &'static str, name: &'static str) -> Choice {
    Choice { icon: None, word, name, hint: "" }
}

fn row_ui(ui: &mut Ui, cx: &mut Cx<'_>, label: &str, contents: impl FnOnce(&mut Ui, &mut Cx<'_>)) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(56.0, 24.0), egui::Sense::hover());
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        // Beside the row's own cursor, so that all rows begin at the same place.
        ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout)).label(quiet(label, cx.theme));
        contents(ui, cx);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_to_choose_from() {
        let counts = |cores| threads(cores).into_iter().map(|(count, _)| count).collect::<Vec<_>>();
        assert_eq!(counts(1), [0, 1]);
        assert_eq!(counts(2), [0, 1]);
        assert_eq!(counts(8), [0, 4, 1, 2]);
        assert_eq!(counts(6), [0, 3, 1, 2, 4]);
    }
}
