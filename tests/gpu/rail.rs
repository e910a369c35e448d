//! The rail's controls and the drawing's keys.

use afterimage::studio::Tool;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::demo::{Path, Window, accepted, draw, enabled, ink, rect};

const SIZE: [f32; 2] = [640.0, 640.0];
const RED: [u8; 3] = [0xd6, 0x2f, 0x2f];
const WHITE: [u8; 3] = [255; 3];

pub fn tests() -> Vec<Trial> {
    vec![
        test("rail::looks", looks),
        test("rail::tools_are_chosen_by_click_and_key", tools_are_chosen_by_click_and_key),
        test("rail::undo_redo_and_clear_by_click", undo_redo_and_clear_by_click),
        test("rail::undo_redo_and_clear_by_key", undo_redo_and_clear_by_key),
        test("rail::keys_change_size_and_swap_colours", keys_change_size_and_swap_colours),
        test("rail::the_palette_gives_a_colour", the_palette_gives_a_colour),
        test("rail::the_card_has_opacity_hardness_and_width", the_card_has_opacity_hardness_and_width),
        test("rail::a_low_window_keeps_every_button", a_low_window_keeps_every_button),
    ]
}

fn window(size: [f32; 2]) -> Window {
    let mut window = crate::demo::window(Path::Card, size);
    window.state_mut().with_rail = true;
    window.run_steps(2);
    window
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(2);
}

fn key(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(2);
}

fn looks() -> Result<(), Failed> {
    let mut window = window([480.0, 600.0]);
    draw(&mut window, &[[20.0, 64.0], [100.0, 64.0]]);
    window.run_steps(2);
    accepted(&mut window, "rail")?;
    click(&mut window, "Colour");
    accepted(&mut window, "rail_colour")?;
    key(&mut window, Modifiers::NONE, Key::Escape);
    click(&mut window, "Brush settings");
    accepted(&mut window, "rail_brush")
}

fn tools_are_chosen_by_click_and_key() -> Result<(), Failed> {
    let mut window = window(SIZE);
    for (label, tool, letter) in [
        ("Eraser", Tool::Eraser, Key::E),
        ("Fill", Tool::Fill, Key::G),
        ("Pick colour", Tool::Picker, Key::I),
        ("Brush", Tool::Brush, Key::B),
    ] {
        click(&mut window, label);
        check(window.state().tools.tool == tool, format_args!("{label} chose {:?}", window.state().tools.tool))?;
        window.state_mut().tools.tool = if tool == Tool::Brush { Tool::Fill } else { Tool::Brush };
        key(&mut window, Modifiers::NONE, letter);
        check(window.state().tools.tool == tool, format_args!("{letter:?} chose {:?}", window.state().tools.tool))?;
    }
    Ok(())
}

fn undo_redo_and_clear_by_click() -> Result<(), Failed> {
    let mut window = window(SIZE);
    for label in ["Undo", "Redo", "Clear"] {
        check(!enabled(&window, label), format_args!("{label} is offered on an empty canvas"))?;
    }
    draw(&mut window, &[[20.0, 64.0], [100.0, 64.0]]);
    click(&mut window, "Undo");
    check(ink(&window, 60.0, 64.0) == WHITE, "undo left ink")?;
    click(&mut window, "Redo");
    check(ink(&window, 60.0, 64.0) == RED, "redo brought nothing")?;
    click(&mut window, "Clear");
    check(window.state().document.is_blank(), "clear left ink")?;
    click(&mut window, "Undo");
    check(ink(&window, 60.0, 64.0) == RED, "clear cannot be undone")
}

fn undo_redo_and_clear_by_key() -> Result<(), Failed> {
    let mut window = window(SIZE);
    let both = Modifiers::COMMAND | Modifiers::SHIFT;
    draw(&mut window, &[[20.0, 64.0], [100.0, 64.0]]);
    for (redo, letter) in [(both, Key::Z), (Modifiers::COMMAND, Key::Y)] {
        key(&mut window, Modifiers::COMMAND, Key::Z);
        check(window.state().document.is_blank(), "ctrl+Z left ink")?;
        key(&mut window, redo, letter);
        check(!window.state().document.is_blank(), format_args!("{redo:?} {letter:?} brought nothing"))?;
    }
    key(&mut window, Modifiers::NONE, Key::Delete);
    check(window.state().document.is_blank(), "Delete left ink")
}

fn keys_change_size_and_swap_colours() -> Result<(), Failed> {
    let mut window = window(SIZE);
    let before = window.state().tools.clone();
    key(&mut window, Modifiers::NONE, Key::CloseBracket);
    check(window.state().tools.diameter_px > before.diameter_px, "] does not widen")?;
    key(&mut window, Modifiers::NONE, Key::OpenBracket);
    check((window.state().tools.diameter_px - before.diameter_px).abs() <= 1.0, "[ does not narrow")?;
    key(&mut window, Modifiers::NONE, Key::X);
    check(window.state().tools.colour == before.other, "X does not swap")?;
    click(&mut window, "Swap colours");
    check(window.state().tools.colour == before.colour, "the button does not swap back")
}

fn the_palette_gives_a_colour() -> Result<(), Failed> {
    let mut window = window(SIZE);
    click(&mut window, "Colour");
    click(&mut window, "Green");
    let colour = window.state().tools.colour;
    check(colour == [0x2f, 0x7d, 0x3a], format_args!("green is {colour:?}"))?;
    check(window.state().document.is_blank(), "the click went through to the canvas")
}

fn the_card_has_opacity_hardness_and_width() -> Result<(), Failed> {
    let mut window = window(SIZE);
    click(&mut window, "Brush settings");
    for label in ["Size", "Opacity", "Hardness"] {
        check(window.query_all_by_label(label).next().is_some(), format_args!("no {label}"))?;
    }
    click(&mut window, "Width follows speed");
    check(window.state().tools.speed_width, "the box does not switch")
}

fn a_low_window_keeps_every_button() -> Result<(), Failed> {
    let window = window([480.0, 420.0]);
    let order =
        ["Brush", "Eraser", "Fill", "Pick colour", "Colour", "Swap colours", "Brush settings", "Undo", "Redo", "Clear"];
    let rects = order.map(|label| rect(&window, label));
    for (pair, names) in rects.windows(2).zip(order.windows(2)) {
        check(pair[0].bottom() <= pair[1].top() + 0.5, format_args!("{names:?} overlap: {pair:?}"))?;
    }
    check(rects[9].bottom() <= 420.0, "Clear is below the window")
}
