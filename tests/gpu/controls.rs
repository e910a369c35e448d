//! Small things that are felt at once: controls stay where they are, quick clicks count, and words are not lost.

use afterimage::studio::{LiveState, PanelTab, ViewMode};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1200.0, 800.0];

/// Presses and releases at `pos` within one frame.
fn quick_click(window: &mut Window, pos: egui::Pos2) {
    window.harness.hover_at(pos);
    window.harness.step();
    for pressed in [true, false] {
        window.harness.event(egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
    }
    window.harness.run_steps(3);
}

fn buttons_stay_beside_a_long_seed() -> Result<(), Failed> {
    for width in [700.0, 1000.0, 1200.0] {
        let mut settings = used();
        settings.params.seed = 7;
        let mut window = open([width, 800.0], settings.clone());
        let before = window.harness.get_by_label("Random seed").rect();
        settings.params.seed = 4_294_967_295;
        let after = open([width, 800.0], settings).harness.get_by_label("Random seed").rect();
        check(before == after, format!("at {width} the dice went from {before:?} to {after:?}"))?;
        check(after.right() <= width, format!("at {width} the dice is outside: {after:?}"))?;
        quick_click(&mut window, before.center());
        let seed = window.app().settings().params.seed;
        check(seed != 7 && seed < 1_000_000, format!("the dice gave {seed}"))?;
    }
    Ok(())
}

fn pause_twice_goes_on() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let place = window.harness.get_by_label("Pause").rect().center();
    quick_click(&mut window, place);
    window.wait("pause", |app| app.studio().snapshot().state == LiveState::Paused);
    quick_click(&mut window, place);
    window.wait("going on", |app| app.studio().snapshot().state != LiveState::Paused);
    Ok(())
}

fn a_quick_click_moves_a_slider() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let rail = window.harness.get_by_label("Strength").rect();
    quick_click(&mut window, rail.right_center() - egui::vec2(8.0, 0.0));
    let strength = window.app().settings().params.strength;
    check(strength > 0.9, format!("a click at the rail's end gave {strength}"))
}

fn an_undone_background_stays_away() -> Result<(), Failed> {
    let mut settings = used();
    settings.window.panel = PanelTab::Layers;
    let mut window = open(SIZE, settings);
    window.click("Background colour");
    window.click("Red");
    let red = window.app().document().background();
    check(red != [255; 3], "the background did not change")?;
    check(window.app().settings().tools.background == red, "the next drawing would begin with another one")?;
    window.key(Modifiers::NONE, Key::Escape);
    window.key(Modifiers::COMMAND, Key::Z);
    let (shown, next) = (window.app().document().background(), window.app().settings().tools.background);
    check([shown, next] == [[255; 3]; 2], format!("{shown:?} is shown, {next:?} comes next"))
}

fn a_layer_is_renamed_in_its_place() -> Result<(), Failed> {
    let mut settings = used();
    settings.window.panel = PanelTab::Layers;
    let mut window = open(SIZE, settings);
    let name = |window: &Window| window.app().document().layers()[0].name().to_owned();
    for (typed, key, after) in [("Outline", Key::Enter, "Outline"), ("nothing", Key::Escape, "Outline")] {
        let place = window.harness.get_by_label(&name(&window)).rect().center();
        quick_click(&mut window, place);
        quick_click(&mut window, place);
        window.key(Modifiers::COMMAND, Key::A);
        window.harness.get_by_label("Layer name").type_text(typed);
        window.harness.run_steps(2);
        window.key(Modifiers::NONE, key);
        check(name(&window) == after, format!("{typed} and {key:?} made it “{}”", name(&window)))?;
        check(window.harness.query_by_label("Layer name").is_none(), "the field stays")?;
    }
    window.key(Modifiers::COMMAND, Key::Z);
    check(name(&window) == "Ink 1", "it cannot be undone")
}

fn opacity_is_nothing_to_an_eraser() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for (tool, counts) in [("Eraser", false), ("Brush", true)] {
        window.click(tool);
        window.click("Brush settings");
        let can_be_set: Vec<bool> = {
            let nodes = window.harness.query_all_by_label("Opacity");
            nodes.map(|node| !node.accesskit_node().is_disabled()).collect()
        };
        // The word beside the slider is never greyed.
        check(can_be_set.len() > 1, "no opacity on the card")?;
        check(can_be_set.contains(&false) != counts, format!("the {tool}'s opacity: {can_be_set:?}"))?;
        window.key(Modifiers::NONE, Key::Escape);
    }
    Ok(())
}

fn what_follows_a_subject_is_a_style_or_a_background() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for (typed, taken) in [
        ("pineapple, blue", "pineapple, blue background"),
        ("red apple, red", "red apple, red background"),
        ("blue cast", "blue castle"),
    ] {
        window.type_prompt(typed);
        window.key(Modifiers::NONE, Key::Enter);
        let prompt = &window.app().settings().params.prompt;
        check(prompt == taken, format!("{typed} became {prompt}"))?;
    }
    Ok(())
}

fn words_that_were_typed_can_be_had_again() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Random prompt");
    check(!window.says("Back to my words"), "a prompt that was there from the beginning is called mine")?;
    window.type_prompt("a blue whale at sea");
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Random prompt");
    window.click("Random prompt");
    window.click("Back to my words");
    let prompt = &window.app().settings().params.prompt;
    check(prompt == "a blue whale at sea", format!("“{prompt}” came back"))
}

fn the_painting_alone_says_that_nothing_is_drawn() -> Result<(), Failed> {
    let mut settings = used();
    settings.window.view = ViewMode::Picture;
    let mut window = open(SIZE, settings);
    let painting = window.harness.get_by_label("Painting").rect();
    window.harness.drag_at(painting.center());
    window.harness.step();
    window.harness.hover_at(painting.center() + egui::vec2(60.0, 0.0));
    window.harness.step();
    window.harness.drop_at(painting.center() + egui::vec2(60.0, 0.0));
    window.harness.run_steps(2);
    check(window.app().document().is_blank(), "something is drawn unseen")?;
    check(window.app().notices().iter().any(|text| text.contains("Only the painting")), "nobody says so")
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("controls::buttons_stay_beside_a_long_seed", buttons_stay_beside_a_long_seed),
        test("controls::pause_twice_goes_on", pause_twice_goes_on),
        test("controls::a_quick_click_moves_a_slider", a_quick_click_moves_a_slider),
        test("controls::an_undone_background_stays_away", an_undone_background_stays_away),
        test("controls::a_layer_is_renamed_in_its_place", a_layer_is_renamed_in_its_place),
        test("controls::opacity_is_nothing_to_an_eraser", opacity_is_nothing_to_an_eraser),
        test(
            "controls::what_follows_a_subject_is_a_style_or_a_background",
            what_follows_a_subject_is_a_style_or_a_background,
        ),
        test("controls::words_that_were_typed_can_be_had_again", words_that_were_typed_can_be_had_again),
        test("controls::the_painting_alone_says_that_nothing_is_drawn", the_painting_alone_says_that_nothing_is_drawn),
    ]
}
