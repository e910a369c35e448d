//! The pen never waits for the model.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::app::App;
use crate::drawing::red;
use crate::screen::{self, Screen};

/// A picture this large and careful keeps all cores busy for a second or more.
const HEAVY: &str =
    "welcomed = true\n[params]\nprompt = \"red apple\"\nsteps = 8\nsize = { width = 512, height = 512 }\n";
/// Longest frame of the window, 95 of 100 times. Software rendering on two busy cores has no better display rate.
const FRAME_LIMIT: Duration = Duration::from_millis(150);

/// The largest canvas, and the widest brush.
const LARGE: &str = "welcomed = true\ncanvas = { width = 2048, height = 2048 }\n\
    [params]\nprompt = \"red apple\"\n[tools]\ndiameter_px = 256.0\n";
/// Longest frame of a stroke on it, 95 of 100 times; half of them have the limit of other canvases. Two cores in a slow hour were seen to need 174 ms, at other times 100, and the same
/// with an older program beside it.
const LARGE_FRAME_LIMIT: Duration = Duration::from_millis(300);
/// Longest frame that fills, clears or takes back a whole canvas of that size. Two threads that share one core, and draw the window
/// by software, were seen to need 730 ms.
const WHOLE_LIMIT: Duration = Duration::from_millis(1500);

fn press(pos: egui::Pos2, pressed: bool) -> egui::Event {
    let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::default());
    egui::Event::PointerButton { pos, button, pressed, modifiers }
}

/// A key with Ctrl or without, pressed and let go.
fn key(key: egui::Key, modifiers: egui::Modifiers) -> Vec<egui::Event> {
    let event = |pressed| egui::Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
    vec![event(true), event(false)]
}

fn start<'a>(screen: &'a Screen, name: &str, settings: &str) -> App<'a> {
    let mut app = App::start(screen, name, settings, &[]);
    app.wait("the model", Duration::from_secs(60), |app| {
        app.texts().iter().any(|text| text.contains("pictures/s")).then_some(())
    });
    app
}

/// The points of one long stroke over the canvas.
fn path(app: &mut App<'_>) -> Result<impl Fn(i32) -> egui::Pos2 + use<>, Failed> {
    let [x0, y0, x1, y1] = app.rect("Sketch canvas").ok_or("no canvas")?;
    Ok(move |i: i32| {
        let t = f64::from(i) / 150.0;
        egui::pos2((x0 + (x1 - x0) * (0.1 + 0.8 * t)) as f32, (y0 + (y1 - y0) * (0.5 + 0.3 * (20.0 * t).sin())) as f32)
    })
}

/// How many of the stroke's points up to `end` are covered with ink in what the window shows.
fn inked(app: &mut App<'_>, end: i32, name: &str) -> Result<usize, Failed> {
    let at = path(app)?;
    let shot = app.shot(name);
    let dot = |point: egui::Pos2| [point.x, point.y, point.x + 1.0, point.y + 1.0].map(|side| f64::from(side.floor()));
    Ok((0..end).filter(|i| shot.inside(dot(at(*i)), 0.0).iter().all(red)).count())
}

/// Draws the stroke, a frame for each sample; the frames' times, shortest first.
fn stroke(app: &mut App<'_>) -> Result<Vec<Duration>, Failed> {
    let at = path(app)?;
    app.frame(vec![egui::Event::PointerMoved(at(0)), press(at(0), true)]);
    let mut times: Vec<Duration> = (1..150).map(|i| app.frame(vec![egui::Event::PointerMoved(at(i))])).collect();
    app.frame(vec![press(at(149), false)]);
    times.sort();
    Ok(times)
}

fn ink_does_not_wait_for_a_heavy_model() -> Result<(), Failed> {
    let screen = Screen::start();
    let mut app = start(&screen, "pen", HEAVY);
    if inked(&mut app, 149, "pen-before")? > 0 {
        return Err("the canvas is red before anything was drawn".into());
    }
    let cpu = app.cpu_s();
    let begun = std::time::Instant::now();
    let times = stroke(&mut app)?;
    let busy = (app.cpu_s() - cpu) / begun.elapsed().as_secs_f64();
    // At once, while the model computes.
    let seen = inked(&mut app, 149, "pen-heavy")?;
    println!("ink under {seen} of 149 points of the stroke");
    if seen < 149 {
        return Err(format!("only {seen} of 149 points of the stroke can be seen").into());
    }
    let (median, worst) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!("window frames while the model computes: median {median:?}, p95 {worst:?}, {busy:.2} cores busy");
    // The engine gives way to whatever else runs here, so half a core is proof enough that it computed all along.
    if busy < 0.5 {
        return Err(format!("only {busy:.2} cores were busy: nothing was proven").into());
    }
    if worst < FRAME_LIMIT { Ok(()) } else { Err(format!("p95 of a frame was {worst:?}").into()) }
}

/// Pen, fill, undo and redo at 2048 x 2048, while the model paints.
fn the_largest_canvas_is_fluid() -> Result<(), Failed> {
    let screen = Screen::start();
    let mut app = start(&screen, "large", LARGE);
    let times = stroke(&mut app)?;
    let seen = inked(&mut app, 149, "pen-large")?;
    if seen < 149 {
        return Err(format!("only {seen} of 149 points of the stroke can be seen").into());
    }
    let (median, worst) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!("window frames on the largest canvas: median {median:?}, p95 {worst:?}");
    let middle = app.middle("Sketch canvas");
    let corner = app.rect("Sketch canvas").map(|[x0, y0, ..]| egui::pos2(x0 as f32 + 6.0, y0 as f32 + 6.0));
    let corner = corner.ok_or("no canvas")?;
    app.point(middle);
    app.frame(key(egui::Key::G, egui::Modifiers::NONE));
    let mut whole = Vec::new();
    let mut time = |app: &mut App<'_>, what: &str, events: Vec<egui::Event>| {
        let took = app.frame(events);
        println!("{what} on the largest canvas: {took:?}");
        whole.push(took);
    };
    time(&mut app, "fill", vec![egui::Event::PointerMoved(corner), press(corner, true)]);
    app.frame(vec![press(corner, false)]);
    time(&mut app, "undo", key(egui::Key::Z, egui::Modifiers::COMMAND));
    time(&mut app, "redo", key(egui::Key::Y, egui::Modifiers::COMMAND));
    time(&mut app, "clear", key(egui::Key::Delete, egui::Modifiers::NONE));
    if median >= FRAME_LIMIT || worst >= LARGE_FRAME_LIMIT {
        return Err(format!("half of the frames took {median:?}, p95 {worst:?}").into());
    }
    match whole.iter().max().filter(|longest| **longest >= WHOLE_LIMIT) {
        Some(longest) => Err(format!("changing the whole canvas took {longest:?}").into()),
        None => Ok(()),
    }
}

pub fn tests() -> Vec<Trial> {
    vec![
        screen::trial("ink_does_not_wait_for_a_heavy_model", ink_does_not_wait_for_a_heavy_model),
        screen::trial("the_largest_canvas_is_fluid", the_largest_canvas_is_fluid),
    ]
}
