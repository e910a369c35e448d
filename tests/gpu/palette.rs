//! The command palette: whatever one wants, by its name.

use afterimage::studio::{Tool, ViewMode};
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1200.0, 800.0];

fn ask(window: &mut Window) {
    window.key(Modifiers::COMMAND, Key::K);
    window.harness.run_steps(2);
}

fn is_open(window: &Window) -> bool {
    window.harness.query_by_label("Command").is_some()
}

fn type_in(window: &mut Window, text: &str) {
    window.harness.get_by_label("Command").type_text(text);
    window.harness.run_steps(2);
}

/// Asks for it and takes the first that is offered.
fn command(window: &mut Window, text: &str) {
    ask(window);
    type_in(window, text);
    window.key(Modifiers::NONE, Key::Enter);
    window.harness.run_steps(2);
}

fn is_chosen(window: &Window, label: &str) -> bool {
    window.harness.get_by_label(label).accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

fn what_is_typed_is_done() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    window.draw();
    command(&mut window, "undo");
    check(window.app().document().is_blank() && !is_open(&window), "nothing was taken back")?;
    command(&mut window, "redo");
    check(!window.app().document().is_blank(), "it was not done again")?;
    command(&mut window, "clear");
    check(window.app().document().is_blank(), "it was not cleared")?;
    command(&mut window, "eras");
    check(window.app().settings().tools.tool == Tool::Eraser, "the eraser is not in hand")?;
    command(&mut window, "wipe");
    check(window.app().settings().window.view == ViewMode::Wipe, "it is no wipe")?;
    command(&mut window, "light");
    check(window.app().settings().window.light, "it is dark")?;
    command(&mut window, "dark");
    check(!window.app().settings().window.light, "it is light")
}

fn what_the_model_knows_is_painted() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    command(&mut window, "rocket");
    check(window.app().settings().params.prompt == "rocket, 3d", &window.app().settings().params.prompt)?;
    command(&mut window, "background yellow");
    let prompt = "rocket, 3d, yellow background";
    check(window.app().settings().params.prompt == prompt, &window.app().settings().params.prompt)?;
    window.wait("its picture", |app| app.picture().is_some_and(|picture| picture.params.prompt == prompt));
    command(&mut window, "as it comes");
    check(window.app().settings().params.prompt == "rocket, 3d", &window.app().settings().params.prompt)
}

fn arrows_choose_and_a_click_does() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    ask(&mut window);
    check(is_chosen(&window, "New drawing…"), "the first is not chosen")?;
    window.key(Modifiers::NONE, Key::ArrowDown);
    window.harness.run_steps(2);
    check(is_chosen(&window, "Open a picture or a drawing…") && !is_chosen(&window, "New drawing…"), "no arrow")?;
    for _ in 0..20 {
        window.key(Modifiers::NONE, Key::ArrowUp);
    }
    window.harness.run_steps(2);
    check(is_chosen(&window, "New drawing…"), "the way up is not the way back")?;
    type_in(&mut window, "view");
    window.click("View: overlay");
    check(window.app().settings().window.view == ViewMode::Overlay && !is_open(&window), "the click did nothing")
}

fn it_goes_away_and_does_nothing() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    let before = window.app().settings().clone();
    for key in [(Modifiers::NONE, Key::Escape), (Modifiers::COMMAND, Key::K)] {
        ask(&mut window);
        check(is_open(&window), "it does not open")?;
        // The letters are the field's, not the tools'.
        type_in(&mut window, "x");
        window.key(key.0, key.1);
        window.harness.run_steps(2);
        check(!is_open(&window), format!("{key:?} does not put it away"))?;
    }
    ask(&mut window);
    type_in(&mut window, "no such thing");
    check(window.says("Nothing is called so"), "it finds something")?;
    window.key(Modifiers::NONE, Key::Enter);
    window.harness.run_steps(2);
    check(is_open(&window), "Enter on nothing closes it")?;
    check(*window.app().settings() == before, "something was done")
}

fn only_what_can_be_done_is_offered() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    let offers = |window: &mut Window, typed: &str, name: &str| {
        ask(window);
        type_in(window, typed);
        let offered = window.harness.query_by_label(name).is_some();
        window.key(Modifiers::NONE, Key::Escape);
        window.harness.run_steps(2);
        offered
    };
    check(!offers(&mut window, "save dr", "Save drawing"), "there is nothing to save")?;
    window.draw();
    check(offers(&mut window, "save dr", "Save drawing"), "it cannot be saved")?;
    check(!offers(&mut window, "go on", "Go on painting"), "it is not paused")?;
    command(&mut window, "pause");
    check(offers(&mut window, "go on", "Go on painting"), "no way on")
}

fn names_of_one_word_and_other_names_are_found() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    for (typed, subject) in [("sun", "sun"), ("kitten", "cat face")] {
        command(&mut window, typed);
        let prompt = &window.app().settings().params.prompt;
        check(prompt.starts_with(&format!("{subject},")), prompt)?;
    }
    Ok(())
}

/// At once, as fast hands do: the letters after the key are its own, and none is a tool's.
fn what_follows_the_key_is_typed() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    window.draw();
    let press = |key, modifiers| Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    window.harness.input_mut().events.push(press(Key::K, Modifiers::COMMAND));
    window.harness.step();
    let letter = [press(Key::E, Modifiers::NONE), Event::Text("e".into()), press(Key::Delete, Modifiers::NONE)];
    window.harness.input_mut().events.extend(letter);
    window.harness.step();
    window.harness.run_steps(2);
    check(window.app().settings().tools.tool == Tool::Brush, "the letter took a tool")?;
    check(!window.app().document().is_blank(), "the key cleared the canvas")?;
    check(window.harness.get_by_label("Command").value() == Some("e".into()), "the letter was lost")
}

fn a_key_that_is_held_opens_it_once() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for nth in 0..6 {
        let (key, modifiers) = (Key::K, Modifiers::COMMAND);
        // egui tells by itself that it repeats.
        window.harness.input_mut().events.push(Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        });
        window.harness.step();
        // A card is measured in its first frame, and seen in the next.
        check(is_open(&window) || nth == 0, format!("it closed again at press {nth}"))?;
    }
    Ok(())
}

/// Words that are lost with a background can be had again.
fn words_are_not_lost() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    window.type_prompt("a cat on a red background");
    command(&mut window, "background blue");
    window.click("Back to my words");
    let prompt = &window.app().settings().params.prompt;
    check(prompt == "a cat on a red background", prompt)
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("palette::what_is_typed_is_done", what_is_typed_is_done),
        test("palette::what_the_model_knows_is_painted", what_the_model_knows_is_painted),
        test("palette::arrows_choose_and_a_click_does", arrows_choose_and_a_click_does),
        test("palette::it_goes_away_and_does_nothing", it_goes_away_and_does_nothing),
        test("palette::names", names_of_one_word_and_other_names_are_found),
        test("palette::what_follows_the_key_is_typed", what_follows_the_key_is_typed),
        test("palette::held_key", a_key_that_is_held_opens_it_once),
        test("palette::words_are_not_lost", words_are_not_lost),
        test("palette::only_what_can_be_done_is_offered", only_what_can_be_done_is_offered),
    ]
}
