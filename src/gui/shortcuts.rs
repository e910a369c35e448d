//! Keys that mean the same everywhere in the window. The drawing keys are the stage's.

use std::cmp::Ordering;

use egui::{Context, Event, Key, KeyboardShortcut, Modifiers};

use super::action::Action;
use super::keys;

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// What a key that is held does once: it would pile up layers, or open and close things.
const ONCE: [Action; 3] = [Action::TakePainting, Action::ToggleRecording, Action::AskCommand];

/// The keys and what they mean. The longer combinations come first: egui ignores extra Shift.
fn table() -> [(Modifiers, Key, Action); 17] {
    [
        (CTRL_SHIFT, Key::S, Action::AskSave),
        (Modifiers::COMMAND, Key::S, Action::QuickSave),
        (CTRL_SHIFT, Key::D, Action::AskSaveDrawing),
        (Modifiers::COMMAND, Key::D, Action::SaveDrawing),
        (Modifiers::COMMAND, Key::N, Action::NewDrawing),
        (Modifiers::COMMAND, Key::O, Action::AskOpen),
        (Modifiers::COMMAND, Key::J, Action::TakePainting),
        (Modifiers::COMMAND, Key::K, Action::AskCommand),
        (Modifiers::COMMAND, Key::P, Action::TogglePause),
        (CTRL_SHIFT, Key::R, Action::ToggleRecording),
        (Modifiers::COMMAND, Key::R, Action::RandomPrompt),
        (Modifiers::COMMAND, Key::Plus, Action::Zoom(Ordering::Greater)),
        (Modifiers::COMMAND, Key::Equals, Action::Zoom(Ordering::Greater)),
        (Modifiers::COMMAND, Key::Minus, Action::Zoom(Ordering::Less)),
        (Modifiers::COMMAND, Key::Num0, Action::Zoom(Ordering::Equal)),
        (Modifiers::NONE, Key::F9, Action::TogglePanel),
        (Modifiers::NONE, Key::F11, Action::ToggleAlone),
    ]
}

/// The first keys of an action, in words; nothing where it has none.
pub fn keys_of(ctx: &Context, action: &Action) -> String {
    let shown = |modifiers, key| ctx.format_shortcut(&KeyboardShortcut::new(modifiers, key));
    match action {
        Action::TakeTool(tool) => shown(Modifiers::NONE, keys::key(*tool)),
        Action::Undo => ctx.format_shortcut(&keys::UNDO),
        Action::Redo => ctx.format_shortcut(&keys::REDO),
        Action::ClearDrawing => shown(Modifiers::NONE, Key::Delete),
        Action::CopyPainting => shown(Modifiers::COMMAND, Key::C),
        other => {
            let found = table().into_iter().find(|(.., own)| own == other);
            found.map(|(modifiers, key, _)| shown(modifiers, key)).unwrap_or_default()
        }
    }
}

/// What the pressed keys mean.
pub fn actions(ctx: &Context) -> Vec<Action> {
    // In a text field it copies text. The key itself arrives as this event, whatever the system calls it.
    let copies = !ctx.egui_wants_keyboard_input() && ctx.input(|input| input.events.contains(&Event::Copy));
    ctx.input_mut(|input| {
        let repeats = input.events.iter().any(|event| matches!(event, Event::Key { repeat: true, .. }));
        table()
            .into_iter()
            .filter(|(modifiers, key, _)| input.consume_shortcut(&KeyboardShortcut::new(*modifiers, *key)))
            // Not before: its key would be left for a shorter combination.
            .filter(|(_, _, action)| !(repeats && ONCE.contains(action)))
            .map(|(_, _, action)| action)
            .chain(copies.then_some(Action::CopyPainting))
            .collect()
    })
}
