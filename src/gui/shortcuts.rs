//! Keys that mean the same everywhere in the window. The drawing keys are the stage's.

use std::cmp::Ordering;

use egui::{Context, Event, Key, KeyboardShortcut, Modifiers};

use super::action::Action;

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// What the pressed keys mean. The longer combinations come first: egui ignores extra Shift.
pub fn actions(ctx: &Context) -> Vec<Action> {
    let keys = [
        (CTRL_SHIFT, Key::S, Action::AskSave),
        (Modifiers::COMMAND, Key::S, Action::QuickSave),
        (CTRL_SHIFT, Key::D, Action::AskSaveDrawing),
        (Modifiers::COMMAND, Key::D, Action::SaveDrawing),
        (Modifiers::COMMAND, Key::N, Action::NewDrawing),
        (Modifiers::COMMAND, Key::O, Action::AskOpen),
        (Modifiers::COMMAND, Key::J, Action::TakePainting),
        (Modifiers::COMMAND, Key::P, Action::TogglePause),
        (CTRL_SHIFT, Key::R, Action::ToggleRecording),
        (Modifiers::COMMAND, Key::R, Action::RandomPrompt),
        (Modifiers::COMMAND, Key::Plus, Action::Zoom(Ordering::Greater)),
        (Modifiers::COMMAND, Key::Equals, Action::Zoom(Ordering::Greater)),
        (Modifiers::COMMAND, Key::Minus, Action::Zoom(Ordering::Less)),
        (Modifiers::COMMAND, Key::Num0, Action::Zoom(Ordering::Equal)),
        (Modifiers::NONE, Key::F9, Action::TogglePanel),
        (Modifiers::NONE, Key::F11, Action::ToggleAlone),
    ];
    // In a text field it copies text. The key itself arrives as this event, whatever the system calls it.
    let copies = !ctx.egui_wants_keyboard_input() && ctx.input(|input| input.events.contains(&Event::Copy));
    ctx.input_mut(|input| {
        // A key that is held would pile up layers, and recordings.
        let repeats = input.events.iter().any(|event| matches!(event, Event::Key { repeat: true, .. }));
        keys.into_iter()
            .filter(|(_, _, action)| !(repeats && matches!(action, Action::TakePainting | Action::ToggleRecording)))
            .filter(|(modifiers, key, _)| input.consume_shortcut(&KeyboardShortcut::new(*modifiers, *key)))
            .map(|(_, _, action)| action)
            .chain(copies.then_some(Action::CopyPainting))
            .collect()
    })
}
