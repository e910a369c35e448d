//! Models are chosen while one paints: the newest choice wins, giving up changes nothing, and a folder that is no model is
//! named. The model that paints first is a fake; the others are small real ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use afterimage::exec::Cuda;
use afterimage::gui::{App, AppOptions};
use afterimage::studio::{PanelTab, Places, Settings};
use afterimage::weights::ModelSource;
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::fake::info;
use crate::rooms::shoot;
use crate::shell::{Window, fresh_home, open_at, start_with, used};

const SIZE: [f32; 2] = [1200.0, 800.0];
/// The fake's name.
const PRESENT: &str = "Pebble";

/// A window with the models tab open and models of these names in the menu.
fn open(models: &[&str]) -> Window {
    let home = fresh_home();
    let mut settings = used();
    for name in models {
        let folder = home.join("models").join(name);
        copy(&small_model(), &folder);
        settings.recent_models.push(folder.to_string_lossy().into_owned());
    }
    settings.window.panel_open = true;
    settings.window.panel = PanelTab::Models;
    open_at(home, SIZE, settings)
}

fn small_model() -> PathBuf {
    let set = std::env::var_os("AFTERIMAGE_FIXTURES").filter(|dir| !dir.is_empty());
    let fixtures = set.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), PathBuf::from);
    fixtures.join("sd15-lcm")
}

/// The same model under another name.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            // Not a file copy: that would copy a read-only mark too.
            false => std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

/// Chooses a model in the menu.
fn choose(window: &mut Window, name: &str) {
    window.click("Model");
    window.click(name);
}

/// A new stroke becomes a picture by the present model.
fn paints_on(window: &mut Window, when: &str) -> Result<(), Failed> {
    let before = window.asked.painted();
    window.draw();
    window.until(&format!("a picture {when}"), |window| window.asked.painted() > before);
    Ok(())
}

/// The name at the top of the models tab.
fn paints(window: &Window, name: &str) -> bool {
    window.harness.query_by_label(name).is_some()
}

fn the_newest_choice_wins() -> Result<(), Failed> {
    let mut window = open(&["slow-model", "new-model"]);
    check(paints(&window, PRESENT), "another model paints at first")?;
    window.gate.close();
    choose(&mut window, "slow-model");
    window.until_said("opening the model");
    check(paints(&window, PRESENT), "the present model is gone before the new one is there")?;
    paints_on(&mut window, "while a model is loaded")?;
    shoot(&mut window, "loading");
    choose(&mut window, "new-model");
    window.until_said("new-model paints now");
    // Its own size; the fake paints at 256.
    let size = |app: &App| app.picture().map(|picture| picture.frame.size());
    let own = |app: &App| app.studio().snapshot().model.as_ref().map(|model| model.size);
    check(own(window.app()).is_some_and(|size| size.width < 256), "it has no size of its own")?;
    window.wait("a picture by the new model", |app| size(app) == own(app));
    window.gate.open();
    window.until("the end of both loads", |window| window.gate.ended() == 2);
    window.stay(Duration::from_millis(500));
    check(paints(&window, "new-model"), "the older choice won")?;
    check(
        !window.says("slow-model paints now") && !window.says("opening the model"),
        "the older load is still told of",
    )?;
    shoot(&mut window, "loading-newest");
    let painted = window.asked.painted();
    window.draw();
    window.stay(Duration::from_millis(300));
    check(window.asked.painted() == painted, "the first model still paints")
}

fn a_load_is_given_up_at_once() -> Result<(), Failed> {
    let mut window = open(&["slow-model"]);
    window.gate.close();
    choose(&mut window, "slow-model");
    window.until_said("opening the model");
    window.click("Model");
    window.click("Cancel loading");
    window.until_said("Loading was cancelled");
    check(!window.says("opening the model"), "the status line is still loading")?;
    check(paints(&window, PRESENT), "the present model is gone")?;
    paints_on(&mut window, "after giving up")?;
    window.gate.open();
    window.until("the end of the load", |window| window.gate.ended() == 1);
    window.stay(Duration::from_millis(500));
    check(paints(&window, PRESENT) && !window.says("paints now"), "it was loaded all the same")?;
    paints_on(&mut window, "after the load ended")?;
    // It is no mark against the model.
    choose(&mut window, "slow-model");
    window.until_said("slow-model paints now");
    Ok(())
}

fn a_broken_folder_is_named() -> Result<(), Failed> {
    let home = fresh_home();
    let folder = |name: &str| home.join("models").join(name);
    std::fs::create_dir_all(folder("damaged-model")).unwrap();
    std::fs::create_dir_all(folder("holiday-pictures")).unwrap();
    std::fs::write(folder("damaged-model").join("model_index.json"), "{").unwrap();
    let mut settings = used();
    settings.window.panel_open = true;
    settings.window.panel = PanelTab::Models;
    let names = ["damaged-model", "holiday-pictures", "pulled-stick"];
    settings.recent_models = names.map(|name| folder(name).to_string_lossy().into_owned()).to_vec();
    let mut window = open_at(home, SIZE, settings);
    for (name, file) in names.into_iter().zip(["model_index.json", "", ""]) {
        choose(&mut window, name);
        let words = Path::new("models").join(name).join(file);
        let words = words.to_string_lossy().trim_end_matches('/').to_owned();
        window.until(&format!("a card about {words}"), |window| {
            window.app().notices().iter().any(|card| card.contains(&words)) && window.says(&words)
        });
        check(paints(&window, PRESENT), "the present model is gone")?;
        paints_on(&mut window, &format!("after {name}"))?;
    }
    shoot(&mut window, "loading-broken");
    check(window.app().settings().model == ModelSource::Default, "the next start would try the broken model again")
}

/// Whoever asks for a GPU that is not there is told so, and the CPU goes on. Where there is one, it paints.
fn a_missing_gpu_is_no_dead_end() -> Result<(), Failed> {
    let mut window = open(&["new-model"]);
    choose(&mut window, "new-model");
    window.until_said("new-model paints now");
    window.click("Settings");
    window.click("GPU engine");
    let painter = |app: &App| app.studio().snapshot().model.as_ref().map(|model| model.executor.clone());
    if Cuda::gpus().is_ok() {
        window.wait("the GPU", |app| painter(app).is_some_and(|name| name.contains("CUDA")));
        return Ok(());
    }
    window.until_said("fastest engine that can paints instead");
    shoot(&mut window, "loading-no-gpu");
    window.wait("the end of the load", |app| app.studio().snapshot().loading.is_none());
    check(window.app().settings().executor == "auto", "the next start would look for a GPU again")?;
    check(painter(window.app()).is_some_and(|name| name.starts_with("CPU")), "nobody paints")
}

/// A model that is named on the command line for the first time, and one that painted the last time too.
fn a_new_model_at_the_start_brings_its_numbers() -> Result<(), Failed> {
    const CHOSEN: f64 = 13.0;
    let suggested = info().params().guidance;
    for (model_is_new, expected) in [(true, suggested), (false, CHOSEN)] {
        let (home, mut settings) = (fresh_home(), used());
        settings.params.guidance = CHOSEN;
        let last = if model_is_new { ModelSource::Dir("another".into()) } else { ModelSource::Default };
        let kept = Settings { model: last, ..settings.clone() };
        let options = AppOptions { kept, ..AppOptions::new(settings, Places::below(home.clone())) };
        let mut window = start_with(SIZE, options, home);
        window.wait("first picture", |app| app.picture().is_some());
        let found = window.harness.state().settings().params.guidance;
        check(found == expected, format!("guidance is {found}, not {expected}"))?;
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("loading::the_newest_choice_wins", the_newest_choice_wins),
        test("loading::a_load_is_given_up_at_once", a_load_is_given_up_at_once),
        test("loading::a_broken_folder_is_named", a_broken_folder_is_named),
        test("loading::a_missing_gpu_is_no_dead_end", a_missing_gpu_is_no_dead_end),
        test("loading::a_new_model_at_the_start_brings_its_numbers", a_new_model_at_the_start_brings_its_numbers),
    ]
}
