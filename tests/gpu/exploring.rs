//! The Explore tab: the same drawing with other seeds, words and strengths, and what happens to what is chosen.

use std::time::Duration;

use afterimage::studio::{Axis, PanelTab, Settings};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::fake::DARK_SEED;
use crate::rooms::shoot;
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1440.0, 900.0];

fn exploring() -> Settings {
    let mut settings = used();
    settings.window.panel = PanelTab::Explore;
    settings.window.axis = Axis::Seed;
    settings
}

/// Waits until the model was asked for a picture with these words and this seed.
fn asked(window: &mut Window, prompt: &str, seed: u64) {
    let wanted = (prompt.to_owned(), seed);
    window.until(&format!("“{prompt}”, seed {seed}"), |window| {
        window.asked.all().iter().any(|params| params.prompt == wanted.0 && params.seed == wanted.1)
    });
}

fn is_chosen(window: &Window, label: &str) -> bool {
    window.harness.get_by_label(label).accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

fn a_seed_is_chosen_and_the_others_stay() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    asked(&mut window, "house, 3d", 47);
    check(
        is_chosen(&window, "Paint with 42") && !is_chosen(&window, "Paint with 45"),
        "the present one is not marked",
    )?;
    let before = window.harness.get_by_label("Paint with 40").rect();
    window.click("Paint with 45");
    check(window.app().settings().params.seed == 45, "the click chose nothing")?;
    window.wait("the chosen picture", |app| app.picture().is_some_and(|picture| picture.params.seed == 45));
    check(window.harness.get_by_label("Paint with 40").rect() == before, "the others moved")?;
    check(is_chosen(&window, "Paint with 45") && !is_chosen(&window, "Paint with 42"), "the mark stays behind")?;
    window.click("Later ones");
    asked(&mut window, "house, 3d", 50);
    check(window.app().settings().params.seed == 45, "looking further chose something")?;
    window.click("Random seed");
    let seed = window.app().settings().params.seed;
    check(is_chosen(&window, &format!("Paint with {seed}")), "the dice's seed is not seen")
}

fn can_go_back(window: &Window) -> bool {
    !window.harness.get_by_label("Back to what it was").accesskit_node().is_disabled()
}

fn choices_are_taken_back_one_after_the_other() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    asked(&mut window, "house, 3d", 47);
    check(!can_go_back(&window), "nothing was chosen yet")?;
    window.click("Paint with 45");
    window.click("Paint with 45");
    window.click("Backgrounds");
    check(is_chosen(&window, "Paint with as it comes"), "no background is none")?;
    window.click("Paint with navy");
    let now = |window: &Window| {
        let params = &window.app().settings().params;
        (params.prompt.clone(), params.seed)
    };
    check(now(&window) == ("house, 3d, navy background".to_owned(), 45), format!("{:?}", now(&window)))?;
    window.click("Back to what it was");
    check(now(&window) == ("house, 3d".to_owned(), 45), format!("{:?}", now(&window)))?;
    window.click("Back to what it was");
    check(now(&window) == ("house, 3d".to_owned(), 42), "a choice of the same counts for nothing")?;
    check(!can_go_back(&window), "there is nothing before")
}

fn paintings_of_before_are_there_to_come_back_to() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    asked(&mut window, "house, 3d", 47);
    window.click("Earlier");
    check(window.says("None yet"), "something is there already")?;
    window.click("Seeds");
    window.stay(Duration::from_millis(1200));
    window.click(&format!("Paint with {DARK_SEED}"));
    window.stay(Duration::from_millis(1200));
    window.click("Paint with 42");
    window.draw();
    window.stay(Duration::from_millis(1400));
    window.click("Earlier");
    let tiles: Vec<String> = window.texts().into_iter().filter(|text| text.starts_with("Earlier painting")).collect();
    check(tiles.len() == 3, format!("{tiles:?}"))?;
    // The dark one is the second newest. What is seen is what is saved and drawn on.
    let place = window.harness.get_by_label("Earlier painting 2").rect().center();
    window.harness.hover_at(place);
    window.stay(Duration::from_millis(200));
    let stage = window.harness.get_by_label("Painting").rect().center();
    let seen = window.harness.render().unwrap().get_pixel(stage.x as u32, stage.y as u32).0;
    check(seen[0] < 15, format!("{seen:?} instead of the dark one"))?;
    window.key(Modifiers::COMMAND, Key::J);
    window.wait("its layer", |app| app.document().layers().len() == 2);
    let size = window.app().document().size();
    let pixel = window.app().document().pick(size.width as f32 / 2.0, size.height as f32 / 2.0);
    check(pixel == Some([0; 3]), format!("{pixel:?} is not what was seen"))?;
    window.click("Earlier painting 2");
    check(window.app().settings().params.seed == DARK_SEED, "its numbers are not taken")?;
    window.click("Seeds");
    check(window.harness.query_by_label("Paint with 43").is_some(), "there is no way back to the previews")
}

fn what_is_pointed_at_is_seen_large() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    asked(&mut window, "house, 3d", 47);
    window.stay(Duration::from_millis(300));
    let stage = window.harness.get_by_label("Painting").rect().center();
    let seen = |window: &mut Window| window.harness.render().unwrap().get_pixel(stage.x as u32, stage.y as u32).0;
    let painting = seen(&mut window);
    let place = window.harness.get_by_label(&format!("Paint with {DARK_SEED}")).rect().center();
    window.harness.hover_at(place);
    window.stay(Duration::from_millis(200));
    let pointed = seen(&mut window);
    check(painting[0] > 240 && pointed[0] < 15, format!("{painting:?} became {pointed:?} under the pointer"))?;
    check(window.app().settings().params.seed == 42, "pointing chose it")?;
    window.harness.hover_at(egui::pos2(600.0, 20.0));
    window.stay(Duration::from_millis(200));
    check(seen(&mut window) == painting, "the painting did not come back")?;
    // Where the panel lies over the stage, too.
    let mut window = open([900.0, 900.0], exploring());
    window.click("Panel");
    asked(&mut window, "house, 3d", 47);
    window.stay(Duration::from_millis(300));
    let stage = window.harness.get_by_label("Painting").rect().left_center() + egui::vec2(20.0, 0.0);
    let place = window.harness.get_by_label(&format!("Paint with {DARK_SEED}")).rect().center();
    window.harness.hover_at(place);
    window.stay(Duration::from_millis(200));
    let pointed = window.harness.render().unwrap().get_pixel(stage.x as u32, stage.y as u32).0;
    check(pointed[0] < 15, format!("{pointed:?} beside a floating panel"))
}

fn words_are_chosen_and_can_be_had_again() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    window.type_prompt("my old house, 3d, teal background");
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Subjects");
    asked(&mut window, "red apple, 3d, teal background", 42);
    window.click("Paint with red apple");
    let prompt = &window.app().settings().params.prompt;
    check(prompt == "red apple, 3d, teal background", format!("the click gave “{prompt}”"))?;
    check(is_chosen(&window, "Paint with red apple"), "it is not marked")?;
    window.click("Back to my words");
    let prompt = &window.app().settings().params.prompt;
    check(prompt == "my old house, 3d, teal background", format!("“{prompt}” came back"))?;
    window.click("Backgrounds");
    asked(&mut window, "my old house, 3d, red background", 42);
    window.click("Strengths");
    window.click("Paint with 1.00");
    check(window.app().settings().params.strength == 1.0, "the strength is another one")?;
    check(window.app().settings().window.axis == Axis::Strength, "the next start begins elsewhere")
}

fn nothing_is_painted_that_nobody_sees() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    asked(&mut window, "house, 3d", 47);
    for hide in ["Layers tab", "Close panel"] {
        window.click("Explore tab");
        window.stay(Duration::from_millis(500));
        window.asked.all();
        window.draw();
        window.stay(Duration::from_millis(500));
        check(window.asked.all().iter().any(|params| params.seed == 43), "the drawing changed, and no preview did")?;
        window.click(hide);
        window.stay(Duration::from_millis(100));
        window.asked.all();
        window.draw();
        window.stay(Duration::from_millis(500));
        let seeds: Vec<u64> = window.asked.all().iter().map(|params| params.seed).collect();
        check(!seeds.is_empty() && seeds.iter().all(|seed| *seed == 42), format!("behind {hide}: {seeds:?}"))?;
        window.harness.run_steps(2);
    }
    Ok(())
}

fn a_turned_number_leaves_no_holes() -> Result<(), Failed> {
    let mut window = open(SIZE, exploring());
    asked(&mut window, "house, 3d", 47);
    window.stay(Duration::from_millis(300));
    let tile = window.harness.get_by_label("Paint with 43").rect();
    let middle = |window: &mut Window| {
        let picture = window.harness.render().unwrap();
        let at = tile.center() - egui::vec2(0.0, 9.0);
        picture.get_pixel(at.x as u32, at.y as u32).0
    };
    let painted = middle(&mut window);
    check(painted[0] > 240, format!("a white canvas is painted white, not {painted:?}"))?;
    let rail = window.harness.get_by_label("Strength").rect();
    window.harness.drag_at(rail.right_center() - egui::vec2(1.0, 0.0));
    window.harness.run_steps(2);
    let turning = middle(&mut window);
    check(turning[0] > 100, format!("it went dark while a number was turned: {turning:?}"))?;
    window.harness.drop_at(rail.right_center() - egui::vec2(1.0, 0.0));
    let begun = std::time::Instant::now();
    while middle(&mut window) != painted {
        check(begun.elapsed() < Duration::from_secs(10), "the new one did not come")?;
        window.stay(Duration::from_millis(50));
    }
    shoot(&mut window, "explore");
    Ok(())
}

/// The tests of this file.
pub fn tests() -> Vec<Trial> {
    vec![
        test("explore::a_seed_is_chosen_and_the_others_stay", a_seed_is_chosen_and_the_others_stay),
        test("explore::choices_are_taken_back_one_after_the_other", choices_are_taken_back_one_after_the_other),
        test("explore::paintings_of_before_are_there_to_come_back_to", paintings_of_before_are_there_to_come_back_to),
        test("explore::what_is_pointed_at_is_seen_large", what_is_pointed_at_is_seen_large),
        test("explore::words_are_chosen_and_can_be_had_again", words_are_chosen_and_can_be_had_again),
        test("explore::nothing_is_painted_that_nobody_sees", nothing_is_painted_that_nobody_sees),
        test("explore::a_turned_number_leaves_no_holes", a_turned_number_leaves_no_holes),
    ]
}
