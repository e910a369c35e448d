//! The drawing's keys. They are silent while a text field listens or a card waits for an answer.

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use crate::canvas::Document;
use crate::studio::{Tool, ToolSettings};

/// Takes the last change back.
pub const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
/// Does it again.
pub const REDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
const REDO_TOO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Y);

/// Works off the keys of the tools and of undo, redo and clear. Keys that were used are
/// gone for those who ask later.
pub fn follow(ui: &Ui, document: &mut Document, tools: &mut ToolSettings) {
    if are_silent(ui) {
        return;
    }
    choose_tool(ui, tools);
    change_size(ui, tools);
    let presses = |shortcut: KeyboardShortcut| {
        ui.input_mut(|input| input.count_and_consume_key(shortcut.modifiers, shortcut.logical_key))
    };
    // In the middle of a stroke there is nothing whole to take back or to throw away.
    if !document.is_stroking() {
        // The one with more modifiers first: the other would take its key.
        for _ in 0..presses(REDO) + presses(REDO_TOO) {
            document.redo();
        }
        for _ in 0..presses(UNDO) {
            document.undo();
        }
        if pressed(ui, Key::Delete) {
            document.clear();
        }
    }
}

/// Whether the keys belong to somebody else: a text field, or a card over everything.
pub fn are_silent(ui: &Ui) -> bool {
    ui.ctx().text_edit_focused() || !ui.memory(|memory| memory.allows_interaction(ui.layer_id()))
}

fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}

fn choose_tool(ui: &Ui, tools: &mut ToolSettings) {
    for tool in Tool::ALL {
        if pressed(ui, key(tool)) {
            tools.tool = tool;
        }
    }
    if pressed(ui, Key::X) {
        swap_colours(tools);
    }
}

/// The key of a tool.
pub fn key(tool: Tool) -> Key {
    match tool {
        Tool::Brush => Key::B,
        Tool::Eraser => Key::E,
        Tool::Fill => Key::G,
        Tool::Picker => Key::I,
    }
}

/// The other colour becomes the drawing colour.
pub fn swap_colours(tools: &mut ToolSettings) {
    std::mem::swap(&mut tools.colour, &mut tools.other);
}

fn change_size(ui: &Ui, tools: &mut ToolSettings) {
    for (key, up) in [(Key::OpenBracket, false), (Key::CloseBracket, true)] {
        // Where frames are slow there are several in one.
        for _ in 0..ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)) {
            tools.diameter_px = next_diameter(tools.diameter_px, up);
        }
    }
}

/// A step that is felt at every size: a tenth, at least one pixel.
fn next_diameter(diameter_px: f32, up: bool) -> f32 {
    let range = ToolSettings::DIAMETER_PX;
    let step = (diameter_px * 0.1).round().max(1.0);
    (diameter_px + if up { step } else { -step }).round().clamp(*range.start(), *range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_in_range() {
        assert_eq!(next_diameter(1.0, false), 1.0);
        assert_eq!(next_diameter(1.0, true), 2.0);
        assert_eq!(next_diameter(100.0, false), 90.0);
        assert_eq!(next_diameter(250.0, true), 256.0);
    }

    #[test]
    fn colours_swap_there_and_back() {
        let mut tools = ToolSettings::default();
        let before = tools.clone();
        swap_colours(&mut tools);
        assert_ne!(tools, before);
        swap_colours(&mut tools);
        assert_eq!(tools, before);
    }
}
