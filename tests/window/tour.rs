//! Makes the README's pictures with the program itself: `cargo test --release --features inspect --test window -- --ignored tour`
//! with `AFTERIMAGE_SHOTS` naming a folder. `scripts/readme-pictures` turns them into files of the right size.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::app::App;
use crate::screen::{self, Screen};

const SETTINGS: &str = "welcomed = true\n[params]\nprompt = \"\"\n[window]\npanel_open = false\n\
    [tools]\ncolour = [30, 30, 34]\nother = [84, 160, 60]\ndiameter_px = 10.0\nspeed_width = false\n";

/// One stroke, with a picture of the window every few points.
fn stroke(app: &mut App<'_>, count: &mut u32, points: &[(f64, f64)]) {
    app.point(points[0]);
    app.screen.hand(&["mousedown", "1"]);
    for part in points.chunks(points.len().div_ceil(9)) {
        part.iter().for_each(|point| app.point(*point));
        frame(app, count);
    }
    app.screen.hand(&["mouseup", "1"]);
    frame(app, count);
}

fn frame(app: &mut App<'_>, count: &mut u32) {
    std::thread::sleep(Duration::from_millis(120));
    app.shot(&format!("tour-{count:03}"));
    *count += 1;
}

fn tour() -> Result<(), Failed> {
    let screen = Screen::start();
    let mut app = App::start(&screen, "tour", SETTINGS, &[]);
    app.wait("the model", Duration::from_secs(60), |app| {
        app.texts().iter().any(|text| text.contains("pictures/s")).then_some(())
    });
    let mut count = 0;
    app.click("Prompt");
    for word in ["red", " apple", ", 3d"] {
        app.text(word);
        frame(&mut app, &mut count);
    }
    app.key("Escape");
    let [x0, y0, x1, y1] = app.rect("Sketch canvas").ok_or("no canvas")?;
    let at = |x: f64, y: f64| (x0 + (x1 - x0) * x, y0 + (y1 - y0) * y);
    let around = |turn: f64, radius: f64| {
        let angle = turn * std::f64::consts::TAU - 1.2;
        at(0.5 + radius * angle.cos(), 0.57 + 0.92 * radius * angle.sin())
    };
    let body: Vec<_> = (0..=100).map(|i| around(f64::from(i) / 100.0, 0.3)).collect();
    stroke(&mut app, &mut count, &body);
    app.key("x");
    let leaf: Vec<_> = (0..=40)
        .map(|i| f64::from(i) / 40.0)
        .map(|t| at(0.52 + 0.2 * t, 0.22 - 0.06 * (t * 3.1).sin()))
        .chain((0..=30).map(|i| f64::from(i) / 30.0).map(|t| at(0.72 - 0.18 * t, 0.22 + 0.035 * (t * 3.1).sin())))
        .collect();
    stroke(&mut app, &mut count, &leaf);
    for _ in 0..4 {
        frame(&mut app, &mut count);
    }
    for word in ["sunflower, 3d", "smiling face, 3d"] {
        app.click("Prompt");
        app.key("ctrl+a");
        app.text(word);
        app.key("Escape");
        for _ in 0..5 {
            frame(&mut app, &mut count);
        }
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    vec![screen::trial("tour", tour).with_ignored_flag(true)]
}
