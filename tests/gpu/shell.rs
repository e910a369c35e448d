//! The rooms around the stage: prompt, numbers, orders, panels, notices, in both looks and all sizes.

use std::time::{Duration, Instant};

use afterimage::gui::{App, AppOptions};
use afterimage::studio::{Places, Settings, Studio};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Failed, Trial};

use crate::fake::{Asked, fake, info};

/// An App with a fake model in a window of `size`.
fn open(size: [f32; 2], settings: Settings) -> (Harness<'static, App>, Asked) {
    let (render, asked) = fake();
    let places = Places::below(std::env::temp_dir().join(format!("afterimage-shell-{}", std::process::id())));
    let mut options = AppOptions::new(settings, places);
    options.renderer = "a test".into();
    options.studio =
        Box::new(move |settings, places, wake| Studio::with_render(settings, places, Box::new(render), info(), wake));
    let mut harness =
        Harness::builder().with_size(size).with_step_dt(0.02).wgpu().build_eframe(|cc| App::new(cc, options).unwrap());
    wait(&mut harness, "the first picture", |app| app.picture().is_some());
    (harness, asked)
}

fn used() -> Settings {
    let mut settings = Settings { welcomed: true, ..Settings::default() };
    settings.params.prompt = "house, 3d".into();
    settings
}

/// Steps until `done` or ten seconds are over.
fn wait(harness: &mut Harness<'static, App>, what: &str, done: impl Fn(&App) -> bool) {
    let begun = Instant::now();
    while !done(harness.state()) {
        assert!(begun.elapsed() < Duration::from_secs(10), "no {what} within 10 s");
        harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    harness.run_steps(2);
}

fn look_at(harness: &mut Harness<'static, App>, name: &str) {
    let Some(folder) = std::env::var_os("AFTERIMAGE_SHOTS") else { return };
    let picture = harness.render().unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    picture.save(std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
}

fn every_size_and_look() -> Result<(), Failed> {
    for (width, height) in [(1440.0, 900.0), (1000.0, 700.0), (860.0, 720.0), (640.0, 700.0), (480.0, 480.0)] {
        for light in [false, true] {
            let mut settings = used();
            settings.window.light = light;
            let (mut harness, _) = open([width, height], settings);
            let canvas = harness.get_by_label("Sketch canvas").rect();
            assert!(canvas.width() > 60.0, "{canvas:?}");
            look_at(&mut harness, &format!("{width}x{height}-{}", if light { "light" } else { "dark" }));
        }
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    vec![Trial::test("shell::every_size_and_look", every_size_and_look)]
}
