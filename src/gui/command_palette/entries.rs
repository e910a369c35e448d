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

/// The entries that fit, the best first, `limit` at most. Nothing typed: the orders as they are.
pub(super) fn found(cx: &Cx<'_>, typed: &str, limit: usize) -> Vec<Entry> {
    let typed = typed.trim().to_lowercase();
    let mut ranked: Vec<(Rank, Entry)> = Vec::new();
    for (name, action) in orders(cx) {
        let rank = rank(&name.to_lowercase(), &typed, 0);
        ranked.extend(rank.map(|rank| (rank, Entry { name: name.to_owned(), action })));
    }
    if let Some(card) = cx.card().filter(|_| !typed.is_empty()) {
        subjects(card, &typed, &mut ranked);
        looks(card, &cx.settings.params.prompt, &typed, &mut ranked);
    }
    // Stable: of equal ones the first of the list.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, entry)| entry).take(limit).collect()
}

/// How well a name fits; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    fit: Fit,
    /// Of two that fit equally well the shorter name is meant.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is what was typed.
    Exact,
    /// It begins so.
    Begins,
    /// Each word that was typed begins one of its words.
    Words,
    /// Each is in it somewhere.
    Contains,
}

/// Both in lower case.
fn rank(name: &str, typed: &str, length: usize) -> Option<Rank> {
    let begins = |word: &str| name.split(|c: char| !c.is_alphanumeric()).any(|own| own.starts_with(word));
    let fit = if name == typed {
        Fit::Exact
    } else if name.starts_with(typed) {
        Fit::Begins
    } else if typed.split_whitespace().all(begins) {
        Fit::Words
    } else if typed.split_whitespace().all(|word| name.contains(word)) {
        Fit::Contains
    } else {
        return None;
    };
    Some(Rank { fit, length })
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

/// What the model can paint, by all its names.
fn subjects(card: &ModelCard, typed: &str, ranked: &mut Vec<(Rank, Entry)>) {
    // "paint fox" is "fox".
    let typed = typed.strip_prefix("paint").map_or(typed, str::trim_start);
    for subject in &card.subjects {
        let names = std::iter::once(&subject.name).chain(&subject.also);
        let best = names.filter_map(|name| rank(&name.to_lowercase(), typed, name.len())).min();
        let entry = |rank| {
            let (name, action) = (format!("Paint {}", subject.name), Action::Subject(subject.name.clone()));
            (rank, Entry { name, action })
        };
        ranked.extend(best.map(entry));
    }
}

/// How it can be painted: only what changes the prompt.
fn looks(card: &ModelCard, prompt: &str, typed: &str, ranked: &mut Vec<(Rank, Entry)>) {
    let mut offer = |name: String, prompt_then: String| {
        let rank = rank(&name.to_lowercase(), typed, name.len()).filter(|_| prompt_then != prompt);
        ranked.extend(rank.map(|rank| (rank, Entry { name, action: Action::ReplacePrompt(prompt_then) })));
    };
    for style in card.styles.keys() {
        offer(format!("Style: {style}"), words::with_style(prompt, style, card));
    }
    let mut colours: Vec<&String> = card.backgrounds.iter().collect();
    // What dice shall show more often is on the card more often.
    colours.sort_unstable();
    colours.dedup();
    for colour in colours {
        offer(format!("Background: {colour}"), words::with_background(prompt, Some(colour)));
    }
    offer("Background: as it comes".into(), words::with_background(prompt, None));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(name: &str, typed: &str) -> Option<Fit> {
        rank(name, typed, 0).map(|rank| rank.fit)
    }

    #[test]
    fn names_that_begin_so_come_first() {
        assert_eq!(fit("undo", "undo"), Some(Fit::Exact));
        assert_eq!(fit("save painting", "save"), Some(Fit::Begins));
        assert_eq!(fit("paint red apple", "app"), Some(Fit::Words));
        assert_eq!(fit("view: side by side", "side view"), Some(Fit::Words));
        assert_eq!(fit("paint pineapple", "apple"), Some(Fit::Contains));
        assert_eq!(fit("save painting", "ing"), Some(Fit::Contains));
        assert_eq!(fit("undo", "redo"), None);
        assert_eq!(fit("undo", ""), Some(Fit::Begins), "nothing typed");
    }

    #[test]
    fn a_subject_is_found_by_all_its_names_and_the_plain_one_first() {
        let card = ModelCard::parse(
            br#"{"subjects": [{"name": "smiling face with sunglasses"}, {"name": "sunflower"}, {"name": "sun"},
                {"name": "cat face", "also": ["cat", "kitten"]}, {"name": "cattle"}]}"#,
            "card.json",
        )
        .unwrap();
        let found = |typed: &str| {
            let mut ranked = Vec::new();
            subjects(&card, typed, &mut ranked);
            ranked.sort_by_key(|(rank, _)| *rank);
            ranked.into_iter().map(|(_, entry)| entry.name).collect::<Vec<_>>()
        };
        assert_eq!(found("sun"), ["Paint sun", "Paint sunflower", "Paint smiling face with sunglasses"]);
        assert_eq!(found("kitten"), ["Paint cat face"]);
        assert_eq!(found("paint cat"), ["Paint cat face", "Paint cattle"]);
    }
}
