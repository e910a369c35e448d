//! The rooms around the stage, used as a person would: prompt, numbers, orders, notices. The model is a fake.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::capture::SourceSpec;
use afterimage::frame::Size;
use afterimage::gui::{App, AppOptions};
use afterimage::studio::{CameraSettings, LiveState, PanelTab, Places, Settings, SourceState, Studio};
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::fake::{Asked, fake, info};
use crate::gate::Gate;

/// The App with a fake model.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub asked: Asked,
    pub home: PathBuf,
    /// Models are loaded through this.
    pub gate: Gate,
    /// And files are written through this.
    pub disk: Gate,
}

impl Drop for Window {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.home).ok();
    }
}

/// Opens a window of `size` and waits for the first picture.
pub fn open(size: [f32; 2], settings: Settings) -> Window {
    open_at(fresh_home(), size, settings)
}

/// A folder that nobody else uses and that is not there yet.
pub fn fresh_home() -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    std::env::temp_dir().join(format!("afterimage-shell-{}-{number}", std::process::id()))
}

/// [`open`] with files below `home`, which is removed in the end.
pub fn open_at(home: PathBuf, size: [f32; 2], settings: Settings) -> Window {
    let mut window = start_at(home, size, settings);
    window.wait("first picture", |app| app.picture().is_some());
    window
}

/// [`open_at`] that does not wait for a picture.
pub fn start_at(home: PathBuf, size: [f32; 2], settings: Settings) -> Window {
    start_with(size, AppOptions::new(settings, Places::below(home.clone())), home)
}

/// [`start_at`] with options of any kind.
pub fn start_with(size: [f32; 2], mut options: AppOptions, home: PathBuf) -> Window {
    std::fs::create_dir_all(&home).unwrap();
    let (render, asked) = fake();
    options.renderer = "a test".into();
    let gate = Gate::default();
    let disk = Gate::of("files");
    let gates = [gate.clone(), disk.clone()];
    options.studio = Box::new(move |settings, places, wake| {
        let wake = Arc::new(move || {
            gates.iter().for_each(Gate::pass);
            wake();
        });
        Studio::with_render(settings, places, Box::new(render), info(), wake)
    });
    let builder = Harness::builder().with_size(size).with_step_dt(0.02);
    let harness = builder.wgpu().build_eframe(|cc| App::new(cc, options).unwrap());
    Window { harness, asked, home, gate, disk }
}

/// Settings of someone who was here before, and looks at nothing that paints by itself.
pub fn used() -> Settings {
    let mut settings = Settings { welcomed: true, ..Settings::default() };
    settings.window.panel = PanelTab::Latency;
    settings.params.prompt = "house, 3d".into();
    settings
}

impl Window {
    pub fn app(&self) -> &App {
        self.harness.state()
    }

    /// Steps until `done` or ten seconds are over.
    pub fn wait(&mut self, what: &str, done: impl Fn(&App) -> bool) {
        let begun = Instant::now();
        while !done(self.harness.state()) {
            assert!(begun.elapsed() < Duration::from_secs(10), "no {what} within 10 s");
            self.harness.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.harness.run_steps(2);
    }

    /// Steps until `words` can be read in the window.
    pub fn until_said(&mut self, words: &str) {
        self.until(words, |window| window.says(words));
    }

    /// Steps until `done`, and a little further; longer than any patience the program has.
    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(25), "waited in vain for {what}; the window says {:?}", self.texts());
            self.harness.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.harness.run_steps(2);
    }

    /// Lets the window live for `time`.
    pub fn stay(&mut self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.harness.step();
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether `words` can be read anywhere in the window.
    pub fn says(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    /// All that can be read in the window.
    pub fn texts(&self) -> Vec<String> {
        let text = |node: egui_kittest::Node<'_>| {
            let node = node.accesskit_node();
            node.label().or_else(|| node.value())
        };
        self.harness.query_all_by_label_contains("").filter_map(text).collect()
    }

    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(3);
    }

    pub fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(3);
    }

    /// Replaces the prompt by typing.
    pub fn type_prompt(&mut self, text: &str) {
        self.harness.get_by_label("Prompt").focus();
        self.harness.run_steps(2);
        self.key(Modifiers::COMMAND, Key::A);
        self.harness.get_by_label("Prompt").type_text(text);
        self.harness.run_steps(3);
    }

    /// Draws a line across the canvas.
    pub fn draw(&mut self) {
        let canvas = self.harness.get_by_label("Sketch canvas").rect();
        let at = |share: f32| canvas.min + canvas.size() * egui::vec2(0.2 + 0.6 * share, 0.5);
        self.harness.drag_at(at(0.0));
        self.harness.step();
        for step in 1..=8 {
            self.harness.hover_at(at(step as f32 / 8.0));
            self.harness.step();
        }
        self.harness.drop_at(at(1.0));
        self.harness.run_steps(2);
    }

    fn prompt(&self) -> &str {
        &self.app().settings().params.prompt
    }
}

const SIZE: [f32; 2] = [1200.0, 800.0];

fn a_new_prompt_is_painted() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.type_prompt("blue heart");
    window.wait("picture of the new prompt", |app| app.picture().is_some_and(|p| p.params.prompt == "blue heart"));
    check(window.asked.newest().is_some_and(|params| params.prompt == "blue heart"), "the model was asked for more")
}

fn suggestions_are_taken_by_key_and_click() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.type_prompt("castl");
    window.key(Modifiers::NONE, Key::Enter);
    check(window.prompt() == "castle", format!("Enter gave “{}”", window.prompt()))?;
    window.type_prompt("strawbe");
    window.click("strawberry");
    check(window.prompt() == "strawberry", format!("a click gave “{}”", window.prompt()))?;
    window.type_prompt("castle, 3d");
    check(window.harness.query_by_label("castle").is_none(), "a complete prompt still offers")
}

fn hostile_text_is_tamed() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.type_prompt(&"apple\u{7}\n".repeat(20_000));
    check(window.prompt().chars().count() <= 2000, "100 kB went in")?;
    check(!window.prompt().chars().any(char::is_control), "control characters went in")
}

fn an_empty_prompt_shows_what_can_be_painted() -> Result<(), Failed> {
    let mut settings = used();
    settings.params.prompt = String::new();
    let mut window = open(SIZE, settings);
    window.click("house");
    check(window.prompt() == "house, 3d", format!("the chip gave “{}”", window.prompt()))?;
    window.click("Style 3d");
    check(window.prompt() == "house", format!("the style gave “{}”", window.prompt()))?;
    window.click("Background of the painting");
    window.click("teal");
    check(window.prompt() == "house, teal background", format!("the background gave “{}”", window.prompt()))
}

fn a_slider_moves_and_resets() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let rail = window.harness.get_by_label("Strength").rect();
    window.harness.drag_at(rail.right_center() - egui::vec2(1.0, 0.0));
    window.harness.run_steps(2);
    window.harness.drop_at(rail.right_center() - egui::vec2(1.0, 0.0));
    window.harness.run_steps(30);
    check(window.app().settings().params.strength == 1.0, "the rail's end is not 1")?;
    window.wait("picture with strength 1", |app| app.picture().is_some_and(|p| p.params.strength == 1.0));
    for _ in 0..2 {
        window.harness.get_by_label("Strength").click();
        window.harness.step();
    }
    window.harness.run_steps(2);
    check(window.app().settings().params.strength == 0.6, "a double click did not reset")?;
    window.harness.get_by_label("Strength").focus();
    window.harness.run_steps(2);
    window.key(Modifiers::NONE, Key::ArrowRight);
    let strength = window.app().settings().params.strength;
    check((strength - 0.61).abs() < 1e-9, format!("an arrow key gave {strength}"))
}

fn a_larger_size_waits_for_its_model() -> Result<(), Failed> {
    let mut settings = used();
    settings.params.size = Size::square(1024);
    // What the fake model calls its own is less.
    let mut window = open(SIZE, settings);
    window.stay(Duration::from_millis(100));
    let size = window.app().settings().params.size;
    check(size == Size::square(1024), format!("the window made {size} of it by showing it"))?;
    window.harness.get_by_label("Size").focus();
    window.harness.run_steps(2);
    window.key(Modifiers::NONE, Key::ArrowLeft);
    let size = window.app().settings().params.size;
    check(size == Size::square(512), format!("{size} is not the largest this model has"))
}

fn keys_change_the_size_of_texts() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for (key, zoom) in [(Key::Plus, 1.25), (Key::Equals, 1.5), (Key::Minus, 1.25), (Key::Num0, 1.0)] {
        window.key(Modifiers::COMMAND, key);
        let (kept, shown) = (window.app().settings().window.zoom, window.harness.ctx.zoom_factor());
        check([kept, shown] == [zoom; 2], format!("{key:?}: {kept} is kept, {shown} is shown, not {zoom}"))?;
    }
    Ok(())
}

fn space_over_the_pictures_presses_nothing() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let canvas = window.harness.get_by_label("Sketch canvas").rect();
    for (over, changes) in [(true, false), (false, true)] {
        let before = window.app().settings().seed_locked;
        if over {
            window.harness.get_by_label_contains("ock seed").focus();
            window.harness.run_steps(2);
            window.harness.hover_at(canvas.center());
            window.harness.step();
        } else {
            // The keyboard alone presses what it is at, wherever the pointer rests.
            window.key(Modifiers::NONE, Key::Tab);
            window.harness.get_by_label_contains("ock seed").focus();
            window.harness.run_steps(2);
        }
        window.key(Modifiers::NONE, Key::Space);
        let changed = window.app().settings().seed_locked != before;
        check(changed == changes, format!("pointer over the pictures {over}: pressed {changed}"))?;
    }
    Ok(())
}

fn seeds_count_up_and_roll() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Next seed");
    check(window.app().settings().params.seed == 43, "+1 is not 43")?;
    window.click("Random seed");
    check(window.app().settings().params.seed != 43, "the dice gave the same seed")?;
    let seed = window.app().settings().params.seed;
    window.click("Random prompt");
    check(window.prompt() != "house, 3d", "the dice gave the same prompt")?;
    check(window.app().settings().params.seed == seed, "a locked seed changed")
}

fn pausing_stops_and_a_step_paints_one() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Pause");
    window.wait("pause", |app| app.studio().snapshot().state == LiveState::Paused);
    let before = window.asked.painted();
    window.draw();
    check(window.asked.painted() == before, "it painted while paused")?;
    window.click("Step");
    let begun = Instant::now();
    while window.asked.painted() == before && begun.elapsed() < Duration::from_secs(5) {
        window.harness.step();
    }
    check(window.asked.painted() == before + 1, "a step is not one picture")?;
    window.click("Go on");
    window.wait("going on", |app| app.studio().snapshot().state != LiveState::Paused);
    Ok(())
}

fn ink_reaches_the_model_and_can_be_undone() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let before = window.app().picture().map(|picture| picture.frame.pixels().to_vec());
    window.draw();
    check(!window.app().document().is_blank(), "no ink")?;
    let drawn = before.clone();
    window.wait("picture of the ink", move |app| app.picture().map(|p| p.frame.pixels().to_vec()) != drawn);
    window.key(Modifiers::COMMAND, Key::Z);
    check(window.app().document().is_blank(), "undo left ink")?;
    window.wait("picture without ink", move |app| app.picture().map(|p| p.frame.pixels().to_vec()) == before);
    Ok(())
}

fn the_sample_goes_and_stays_away() -> Result<(), Failed> {
    let mut window = open(SIZE, Settings::default());
    check(window.app().document().is_sample(), "no sample on the first start")?;
    check(!window.prompt().is_empty(), "the sample has no prompt")?;
    check(window.app().settings().welcomed, "it would come again")?;
    window.click("Start fresh");
    check(window.app().document().is_blank() && !window.app().document().is_sample(), "the sample stays")?;
    check(window.harness.query_by_label("Start fresh").is_none(), "the button stays")
}

fn a_stroke_puts_the_sample_away() -> Result<(), Failed> {
    let mut window = open(SIZE, Settings::default());
    window.draw();
    check(!window.app().document().is_sample() && !window.app().document().is_blank(), "the sample is in the way")
}

fn a_broken_engine_can_be_started_again() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    window.type_prompt("panic");
    window.wait("the end of the engine", |app| app.studio().snapshot().state == LiveState::Stopped);
    check(!window.app().document().is_blank(), "the drawing is gone")?;
    window.type_prompt("pizza");
    window.click("Start again");
    window.wait("new picture", |app| app.picture().is_some_and(|p| p.params.prompt == "pizza"));
    check(window.harness.query_by_label("Start again").is_none(), "the card stays")
}

fn a_pasted_picture_is_a_layer() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let image = egui::ColorImage::filled([40, 20], egui::Color32::from_rgb(0, 0, 255));
    window.harness.event(egui::Event::PasteImage(Arc::new(image)));
    window.wait("layer for the picture", |app| app.document().layers().len() == 2);
    window.click("Panel");
    window.click("Panel");
    window.click("Layers tab");
    window.click("Hide Pasted");
    check(!window.app().document().layers().iter().any(|l| l.name() == "Pasted" && l.is_visible()), "it still shows")
}

fn a_source_goes_live_and_freezes() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Pattern");
    let live = |app: &App| matches!(app.studio().snapshot().source, SourceState::Live(_));
    window.wait("the pattern", live);
    window.draw();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        window.harness.step();
    }
    window.click("Freeze");
    window.wait("frozen layer", |app| app.document().layers().len() == 2);
    let layers: Vec<&str> = window.app().document().layers().iter().map(|layer| layer.name()).collect();
    check(layers.contains(&"Pattern (frozen)"), format!("layers {layers:?}"))?;
    window.wait("the drawing", |app| app.studio().snapshot().source == SourceState::Drawing);
    check(window.app().settings().source == SourceSpec::Drawing, "it is still live")
}

fn no_camera_is_said_and_leaves_the_drawing() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Camera");
    window.wait("an answer", |app| {
        !app.notices().is_empty() || !matches!(app.studio().snapshot().source, SourceState::Drawing)
    });
    let no_camera = window.app().notices().iter().any(|text| text.contains("amera"));
    let has_camera = matches!(window.app().settings().source, SourceSpec::Camera { .. });
    check(no_camera || has_camera, format!("{:?}", window.app().notices()))
}

fn a_source_in_trouble_says_so_over_the_stage() -> Result<(), Failed> {
    let source = SourceSpec::Camera { id: "/dev/video97".into(), mirror: false };
    let mut window = open(SIZE, Settings { source, ..used() });
    window.wait("trouble", |app| matches!(app.studio().snapshot().source, SourceState::Trouble(_)));
    // The sentence depends on whether the machine has other cameras; it begins with a capital on the stage.
    let SourceState::Trouble(notice) = window.app().studio().snapshot().source.clone() else {
        return Err("the trouble is over".into());
    };
    let words = notice.what[1..].to_owned();
    window.harness.run_steps(2);
    let said = window.harness.query_all_by_label_contains(&words).count();
    check(said > 0, "the stage does not say what is wrong")?;
    let camera = CameraSettings { id: "/dev/video97".into(), mirror: false };
    check(window.app().settings().camera == camera, "the camera is not remembered")?;
    window.click("Pattern");
    window.wait("the pattern", |app| matches!(app.studio().snapshot().source, SourceState::Live(_)));
    window.harness.run_steps(2);
    let said = window.harness.query_all_by_label_contains(&words).count();
    check(said == 0, "old trouble stays")?;
    check(window.app().settings().camera == camera, "the camera is forgotten")
}

fn settings_are_written_when_they_rest() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Settings");
    window.click("Light look");
    check(window.app().settings().window.light, "still dark")?;
    window.harness.run_steps(70);
    let file = Places::below(window.home.clone()).settings();
    let begun = Instant::now();
    while !file.exists() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    check(text.contains("light = true"), text)
}

fn a_stroke_closes_menus() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Settings");
    check(window.harness.query_by_label("Light look").is_some(), "the menu is not open")?;
    window.draw();
    check(window.harness.query_by_label("Light look").is_none(), "the menu stays open over the drawing")?;
    check(!window.app().document().is_blank(), "the stroke is lost")
}

fn the_engine_hears_which_pictures_are_wanted() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    window.click("Settings");
    for (choice, stream) in [("Most pictures", true), ("Soonest pictures", false)] {
        window.click(choice);
        check(window.app().settings().stream == stream, choice)?;
        window.type_prompt(choice);
        window.wait("a picture", |app| app.picture().is_some_and(|picture| picture.params.prompt == choice));
        check(window.asked.streams() == stream, format!("the engine did not hear of {choice}"))?;
    }
    Ok(())
}

fn a_painting_is_saved_with_its_numbers() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.key(Modifiers::COMMAND, Key::S);
    window.wait("word about the file", |app| !app.notices().is_empty());
    let file = Places::below(window.home.clone()).pictures.join("house-3d-42.png");
    let bytes = std::fs::read(&file).map_err(|error| format!("{error}: {:?}", window.app().notices()))?;
    check(bytes.windows(9).any(|part| part == b"house, 3d"), "the prompt is not inside")
}

fn a_painting_that_is_opened_offers_its_numbers() -> Result<(), Failed> {
    let mut settings = used();
    (settings.params.seed, settings.params.steps, settings.params.strength) = (7, 3, 0.25);
    let mut window = open(SIZE, settings.clone());
    window.key(Modifiers::COMMAND, Key::S);
    window.wait("word about the file", |app| !app.notices().is_empty());
    let file = Places::below(window.home.clone()).pictures.join("house-3d-7.png");
    let mut other = open(SIZE, Settings { params: info().params(), ..used() });
    other.type_prompt("blue heart");
    other.drop_file(&file);
    other.wait("layer of the painting", |app| app.document().layers().len() == 2);
    other.click("Take prompt and numbers");
    let (found, expected) = (other.app().settings().params.clone(), settings.params);
    check(found == expected, format!("{found:?} is not {expected:?}"))?;
    check(!other.says("Take prompt and numbers"), "the card stays")
}

fn what_the_command_line_says_is_kept() -> Result<(), Failed> {
    let home = fresh_home();
    let options =
        AppOptions { kept: used(), ..AppOptions::new(Settings { threads: 1, ..used() }, Places::below(home.clone())) };
    let mut window = start_with(SIZE, options, home);
    let file = Places::below(window.home.clone()).settings();
    window.harness.run_steps(70);
    window.wait("settings on disk", |_| Settings::read(&file).0.threads == 1);
    Ok(())
}

fn the_pictures_alone_fill_the_window() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let rooms = |window: &Window| window.harness.query_by_label("Prompt").is_some();
    let before = window.harness.get_by_label("Painting").rect();
    window.key(Modifiers::NONE, Key::F11);

    let alone = window.harness.get_by_label("Painting").rect();
    check(!rooms(&window) && alone.area() > before.area() * 1.2, format!("{before:?} became {alone:?}"))?;
    check(!window.says("pen to picture"), "words beside the pictures")?;
    crate::rooms::shoot(&mut window, "alone");
    window.draw();
    check(!window.app().document().is_blank(), "nothing can be drawn")?;
    window.key(Modifiers::NONE, Key::Escape);
    check(rooms(&window) && window.harness.get_by_label("Painting").rect() == before, "Escape does not lead back")
}

fn a_hidden_layer_says_why_nothing_is_drawn() -> Result<(), Failed> {
    let mut settings = used();
    settings.window.panel = PanelTab::Layers;
    let mut window = open(SIZE, settings);
    window.click("Hide Ink 1");
    window.draw();
    check(window.app().document().is_blank(), "it is drawn on")?;
    check(window.app().notices().iter().any(|text| text.contains("“Ink 1” is hidden")), "nobody says so")
}

fn nothing_repaints_when_nothing_happens() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.harness.get_by_label("Prompt").focus();
    window.wait("rest", |app| app.studio().snapshot().state == LiveState::Idle);
    // Past the last look and the writing of settings, on egui's clock.
    window.harness.run_steps(120);
    let delay = window.harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    check(delay > Duration::from_secs(3600), format!("it wants to repaint in {delay:?}"))
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("shell::a_new_prompt_is_painted", a_new_prompt_is_painted),
        test("shell::suggestions_are_taken_by_key_and_click", suggestions_are_taken_by_key_and_click),
        test("shell::hostile_text_is_tamed", hostile_text_is_tamed),
        test("shell::an_empty_prompt_shows_what_can_be_painted", an_empty_prompt_shows_what_can_be_painted),
        test("shell::a_slider_moves_and_resets", a_slider_moves_and_resets),
        test("shell::a_larger_size_waits_for_its_model", a_larger_size_waits_for_its_model),
        test("shell::keys_change_the_size_of_texts", keys_change_the_size_of_texts),
        test("shell::space_over_the_pictures_presses_nothing", space_over_the_pictures_presses_nothing),
        test("shell::seeds_count_up_and_roll", seeds_count_up_and_roll),
        test("shell::pausing_stops_and_a_step_paints_one", pausing_stops_and_a_step_paints_one),
        test("shell::ink_reaches_the_model_and_can_be_undone", ink_reaches_the_model_and_can_be_undone),
        test("shell::the_sample_goes_and_stays_away", the_sample_goes_and_stays_away),
        test("shell::a_stroke_puts_the_sample_away", a_stroke_puts_the_sample_away),
        test("shell::a_broken_engine_can_be_started_again", a_broken_engine_can_be_started_again),
        test("shell::a_pasted_picture_is_a_layer", a_pasted_picture_is_a_layer),
        test("shell::a_source_in_trouble_says_so_over_the_stage", a_source_in_trouble_says_so_over_the_stage),
        test("shell::a_source_goes_live_and_freezes", a_source_goes_live_and_freezes),
        test("shell::no_camera_is_said_and_leaves_the_drawing", no_camera_is_said_and_leaves_the_drawing),
        test("shell::settings_are_written_when_they_rest", settings_are_written_when_they_rest),
        test("shell::a_stroke_closes_menus", a_stroke_closes_menus),
        test("shell::the_engine_hears_which_pictures_are_wanted", the_engine_hears_which_pictures_are_wanted),
        test("shell::a_painting_is_saved_with_its_numbers", a_painting_is_saved_with_its_numbers),
        test("shell::a_painting_that_is_opened_offers_its_numbers", a_painting_that_is_opened_offers_its_numbers),
        test("shell::what_the_command_line_says_is_kept", what_the_command_line_says_is_kept),
        test("shell::the_pictures_alone_fill_the_window", the_pictures_alone_fill_the_window),
        test("shell::a_hidden_layer_says_why_nothing_is_drawn", a_hidden_layer_says_why_nothing_is_drawn),
        test("shell::nothing_repaints_when_nothing_happens", nothing_repaints_when_nothing_happens),
    ]
}
