//! Everything that can be had by its name, and which names fit what was typed.

use std::cmp::Ordering;

use super::super::action::Action;
use super::super::cx::{Cx, RecordingWish};
use super::super::words;
use crate::record::CAN_WRITE_VIDEO;
use crate::studio::{LiveState, PanelTab, SourceState, Tool, ViewMode};
use crate::weights::ModelCard;

/// Something to be had.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) action: Action,
}

/// The entries that fit, the best first, `limit` at most. Nothing typed: the first ones.
pub(super) fn found(cx: &Cx<'_>, typed: &str, limit: usize) -> Vec<Entry> {
    let typed = typed.to_lowercase();
    let mut ranked: Vec<(Rank, Entry)> = Vec::new();
    let mut offer = |name: String, action: Action| {
        if let Some(rank) = rank(&name.to_lowercase(), &typed) {
            ranked.push((rank, Entry { name, action }));
        }
    };
    for (name, action) in orders(cx) {
        offer(name.to_owned(), action);
    }
    if let Some(card) = cx.card().filter(|_| !typed.trim().is_empty()) {
        of_model(card, &cx.settings.params.prompt, &mut offer);
    }
    // Stable: of equal ones the first of the list.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, entry)| entry).take(limit).collect()
}

/// How well a name fits; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It begins so.
    Begins,
    /// Each word that was typed begins one of its words.
    Words,
    /// Each is in it somewhere.
    Contains,
}

/// Both in lower case.
fn rank(name: &str, typed: &str) -> Option<Rank> {
    let typed = typed.trim();
    let begins = |word: &str| name.split(|c: char| !c.is_alphanumeric()).any(|own| own.starts_with(word));
    if name.starts_with(typed) {
        Some(Rank::Begins)
    } else if typed.split_whitespace().all(begins) {
        Some(Rank::Words)
    } else if typed.split_whitespace().all(|word| name.contains(word)) {
        Some(Rank::Contains)
    } else {
        None
    }
}

/// What can be done now, the usual things first.
fn orders(cx: &Cx<'_>) -> Vec<(&'static str, Action)> {
    let (drawn, painted) = (!cx.document.is_blank(), cx.session.has_picture);
    let (paused, dreams) = (cx.session.paused, cx.session.dreaming);
    let records = cx.session.recording != RecordingWish::Off;
    let is_live = matches!(cx.snapshot.source, SourceState::Live(_) | SourceState::Trouble(_));
    let has_card = cx.card().is_some();
    let light = cx.settings.window.light;
    let all = [
        (true, "New drawing…", Action::NewDrawing),
        (true, "Open a picture or a drawing…", Action::AskOpen),
        (painted, "Save painting", Action::QuickSave),
        (painted, "Save painting as…", Action::AskSave),
        (painted, "Copy painting", Action::CopyPainting),
        (painted, "Draw on the painting", Action::TakePainting),
        (drawn, "Save drawing", Action::SaveDrawing),
        (drawn, "Save drawing as…", Action::AskSaveDrawing),
        (CAN_WRITE_VIDEO && !records, "Record a video", Action::ToggleRecording),
        (CAN_WRITE_VIDEO && records, "Stop recording", Action::ToggleRecording),
        (has_card, "Random prompt", Action::RandomPrompt),
        (true, "Random seed", Action::RandomSeed),
        (true, "Suggested numbers", Action::SuggestedNumbers),
        (!paused, "Pause", Action::TogglePause),
        (paused, "Go on painting", Action::TogglePause),
        (paused, "Paint one picture", Action::Step),
        (!dreams, "Keep dreaming", Action::ToggleDream),
        (dreams, "Stop dreaming", Action::ToggleDream),
        (cx.document.can_undo(), "Undo", Action::Undo),
        (cx.document.can_redo(), "Redo", Action::Redo),
        (drawn, "Clear the drawing", Action::ClearDrawing),
        (true, "Brush", Action::TakeTool(Tool::Brush)),
        (true, "Eraser", Action::TakeTool(Tool::Eraser)),
        (true, "Fill an area", Action::TakeTool(Tool::Fill)),
        (true, "Pick a colour", Action::TakeTool(Tool::Picker)),
        (true, "Source: drawing", Action::UseDrawing),
        (true, "Source: camera", Action::UseCamera(None)),
        (true, "Source: picture…", Action::AskSource),
        (true, "Source: moving pattern", Action::UsePattern),
        (is_live, "Freeze the source into a layer", Action::Freeze),
        (true, "View: side by side", Action::View(ViewMode::SideBySide)),
        (true, "View: wipe", Action::View(ViewMode::Wipe)),
        (true, "View: overlay", Action::View(ViewMode::Overlay)),
        (true, "View: painting only", Action::View(ViewMode::Picture)),
        (true, "Pictures over the whole screen", Action::ToggleAlone),
        (true, "Panel: Explore", Action::ShowTab(PanelTab::Explore)),
        (true, "Panel: Layers", Action::ShowTab(PanelTab::Layers)),
        (true, "Panel: Models", Action::ShowTab(PanelTab::Models)),
        (true, "Panel: Latency", Action::ShowTab(PanelTab::Latency)),
        (true, "Panel: show or hide", Action::TogglePanel),
        (!light, "Light look", Action::ToggleLook),
        (light, "Dark look", Action::ToggleLook),
        (true, "Larger texts", Action::Zoom(Ordering::Greater)),
        (true, "Smaller texts", Action::Zoom(Ordering::Less)),
        (true, "Texts of the normal size", Action::Zoom(Ordering::Equal)),
        (true, "Open a model folder…", Action::AskModel),
        (cx.snapshot.loading.is_some(), "Cancel loading", Action::CancelLoad),
        (cx.snapshot.state == LiveState::Stopped, "Start the engine again", Action::Restart),
    ];
    all.into_iter().filter(|(can, ..)| *can).map(|(_, name, action)| (name, action)).collect()
}

/// What the model can paint, and how.
fn of_model(card: &ModelCard, prompt: &str, offer: &mut impl FnMut(String, Action)) {
    for subject in &card.subjects {
        offer(format!("Paint {}", subject.name), Action::Subject(subject.name.clone()));
    }
    for style in card.styles.keys() {
        offer(format!("Style: {style}"), Action::Prompt(words::with_style(prompt, style, card)));
    }
    let mut colours: Vec<&String> = card.backgrounds.iter().collect();
    // What dice shall show more often is on the card more often.
    colours.sort_unstable();
    colours.dedup();
    for colour in colours {
        offer(format!("Background: {colour}"), Action::Prompt(words::with_background(prompt, Some(colour))));
    }
    if words::background(prompt).is_some() {
        offer("Background: as it comes".into(), Action::Prompt(words::with_background(prompt, None)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_so_come_first() {
        assert_eq!(rank("save painting", "save"), Some(Rank::Begins));
        assert_eq!(rank("paint red apple", "app"), Some(Rank::Words));
        assert_eq!(rank("view: side by side", "side view"), Some(Rank::Words));
        assert_eq!(rank("paint pineapple", "apple"), Some(Rank::Contains));
        assert_eq!(rank("save painting", "ing"), Some(Rank::Contains));
        assert_eq!(rank("undo", "redo"), None);
        assert_eq!(rank("undo", "  "), Some(Rank::Begins), "nothing typed");
    }
}
