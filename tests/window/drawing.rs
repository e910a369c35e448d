//! A person draws.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::app::App;
use crate::screen::{self, Screen};

/// From the order to start until the window is there and has the keyboard.
const START_LIMIT: Duration = Duration::from_secs(2);

pub fn red(pixel: &[u8; 3]) -> bool {
    let [r, g, b] = pixel.map(i32::from);
    r > 110 && r - g > 50 && r - b > 50
}

fn share(pixels: &[[u8; 3]], what: impl Fn(&[u8; 3]) -> bool) -> f64 {
    pixels.iter().filter(|pixel| what(pixel)).count() as f64 / pixels.len().max(1) as f64
}

/// Fills a disk by strokes of the brush along a spiral.
fn disk(app: &App<'_>, (x, y): (f64, f64), radius: f64) {
    let turns = 7.0;
    app.drag((0..=160).map(|i| {
        let t = f64::from(i) / 160.0;
        let angle = t * turns * std::f64::consts::TAU;
        (x + radius * t * angle.cos(), y + radius * t * angle.sin())
    }));
}

/// Draws a red circle, types "red apple", waits for a picture: it is not the sketch and it shows something red.
fn a_red_circle_becomes_a_red_apple() -> Result<(), Failed> {
    let screen = Screen::start();
    // Without words the model may paint anything on an empty sheet, red things too.
    let mut app = App::start(&screen, "apple", "welcomed = true\n[params]\nprompt = \"blue heart\"\n", &[]);
    app.wait("the model", Duration::from_secs(60), |app| {
        app.texts().iter().any(|text| text.contains("pictures/s")).then_some(())
    });
    let painting = app.rect("Painting").ok_or("no painting")?;
    if share(&app.shot("blank").inside(painting, 8.0), red) > 0.05 {
        return Err("the painting is red before anything was drawn".into());
    }
    let canvas = app.middle("Sketch canvas");
    let [x0, _, x1, _] = app.rect("Sketch canvas").ok_or("no canvas")?;
    disk(&app, canvas, (x1 - x0) * 0.26);
    app.click("Prompt");
    app.key("ctrl+a");
    app.text("red apple");
    app.key("Escape");
    if !app.texts().iter().any(|text| text == "red apple") {
        return Err(format!("the prompt was not typed: {:?}", app.texts()).into());
    }
    app.wait("live pictures of the new drawing", Duration::from_secs(30), |app| {
        let painting = app.rect("Painting")?;
        let sketch = app.rect("Sketch canvas")?;
        let shot = app.shot("apple");
        let (left, right) = (shot.inside(sketch, 8.0), shot.inside(painting, 8.0));
        let middle = |[x0, y0, x1, y1]: [f64; 4]| {
            let (w, h) = ((x1 - x0) * 0.35, (y1 - y0) * 0.35);
            [x0 + w, y0 + h, x1 - w, y1 - h]
        };
        let core = share(&shot.inside(middle(painting), 0.0), red);
        let same = left.iter().zip(&right).filter(|(a, b)| a == b).count() as f64 / right.len() as f64;
        let drawn = share(&left, red);
        (drawn > 0.1 && core > 0.6 && same < 0.9).then_some(())
    });
    // The pen has its own history.
    app.click("Undo");
    let sketch = app.rect("Sketch canvas").ok_or("no canvas")?;
    let undone = share(&app.shot("undone").inside(sketch, 8.0), red);
    if undone > 0.02 {
        return Err(format!("after undo {undone:.2} of the canvas is red").into());
    }
    Ok(())
}

/// The window is there before one wonders, and the terminal it was started from stays empty.
fn a_plain_start_is_quick_and_silent() -> Result<(), Failed> {
    let screen = Screen::start();
    let mut app = App::start(&screen, "start", "", &[]);
    let window = app.started.elapsed();
    app.wait("the first picture", Duration::from_secs(60), |app| {
        app.texts().iter().any(|text| text.contains("pen to picture")).then_some(())
    });
    println!("window after {window:?}, first picture after {:?}", app.started.elapsed());
    app.click("Camera");
    std::thread::sleep(Duration::from_millis(500));
    if !app.said().is_empty() {
        return Err(format!("it said {:?}", app.said()).into());
    }
    if window < START_LIMIT { Ok(()) } else { Err(format!("the window took {window:?}").into()) }
}

/// Nothing happens: nothing is computed, even with the cursor in the prompt.
fn idle_costs_nothing() -> Result<(), Failed> {
    let screen = Screen::start();
    let mut app = App::start(&screen, "idle", "", &[]);
    // The first start shows a sample, painted without a touch.
    app.wait("the first picture", Duration::from_secs(60), |app| {
        let painting = app.rect("Painting")?;
        let pixels = app.shot("first").inside(painting, 8.0);
        (share(&pixels, red) > 0.02).then_some(())
    });
    app.click("Prompt");
    std::thread::sleep(Duration::from_secs(4));
    let before = app.cpu_s();
    std::thread::sleep(Duration::from_secs(30));
    let share = (app.cpu_s() - before) / 30.0;
    println!("idle: {:.2} % of one core", share * 100.0);
    if share < 0.005 { Ok(()) } else { Err(format!("{:.2} % of one core while idle", share * 100.0).into()) }
}

pub fn tests() -> Vec<Trial> {
    vec![
        screen::trial("a_red_circle_becomes_a_red_apple", a_red_circle_becomes_a_red_apple),
        screen::trial("a_plain_start_is_quick_and_silent", a_plain_start_is_quick_and_silent),
        screen::trial("idle_costs_nothing", idle_costs_nothing),
    ]
}
