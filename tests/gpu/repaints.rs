//! When the window is drawn: here it draws only when it was asked to, by the clock on the wall, as a real one does.

use std::time::{Duration, Instant};

use afterimage::flow::channel::unbounded;
use afterimage::studio::{LiveState, SourceState};
use egui::ViewportId;
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1200.0, 800.0];

/// Lives for `time`.
fn live(window: &mut Window, time: Duration) -> Frames {
    let (sender, asked) = unbounded();
    let theirs = sender.clone();
    window.harness.ctx.set_request_repaint_callback(move |info| {
        theirs.send(Instant::now().checked_add(info.delay)).ok();
    });
    // One to begin with, as for the event that woke the window.
    sender.send(Some(Instant::now())).ok();
    let begun = Instant::now();
    let (mut next, mut frames) = (None, Frames::default());
    let newest = |window: &Window| window.app().picture().map(|picture| picture.stamps.done);
    while begun.elapsed() < time {
        next = asked.try_iter().flatten().chain(next).min();
        if next.is_none_or(|next| Instant::now() < next) {
            std::thread::sleep(Duration::from_micros(500));
            continue;
        }
        let before = newest(window);
        window.harness.step();
        frames.drawn += 1;
        if newest(window) == before {
            frames.after.extend(frames.last_picture.map(|last: Instant| last.elapsed()));
        } else {
            frames.after.clear();
            frames.last_picture = Some(Instant::now());
        }
        let delay = window.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay;
        next = Instant::now().checked_add(delay);
    }
    frames
}

/// When the window was drawn.
#[derive(Default)]
struct Frames {
    /// How many were drawn.
    drawn: usize,
    /// When the last new picture was drawn.
    last_picture: Option<Instant>,
    /// How long after it the window was drawn again.
    after: Vec<Duration>,
}

fn at_rest() -> Window {
    let mut window = open(SIZE, used());
    // Past the writing of settings, on egui's clock.
    window.harness.run_steps(120);
    window.wait("rest", |app| app.studio().snapshot().state == LiveState::Idle);
    window
}

/// The numbers say that it is over, and that is the end of it.
fn one_last_look_a_second_after_the_last_picture() -> Result<(), Failed> {
    let mut window = at_rest();
    window.draw();
    window.wait("rest", |app| app.studio().snapshot().state == LiveState::Idle);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    let frames = live(&mut window, Duration::from_secs(4));
    check(frames.last_picture.is_some(), "no picture came")?;
    let late: Vec<_> = frames.after.iter().filter(|after| **after > Duration::from_millis(400)).collect();
    let right = late.len() == 1 && (0.9..1.6).contains(&late[0].as_secs_f64());
    check(right, format!("drawn again {:?} after the last picture", frames.after))?;
    check(window.says("Status: Idle, 0.0 pictures/s"), format!("it stays at {:?}", window.texts()))?;
    check(window.says("inputs 0/s"), format!("it stays at {:?}", window.texts()))
}

/// News are drawn once, not twice.
fn a_source_frame_is_drawn_once() -> Result<(), Failed> {
    let mut window = at_rest();
    window.click("Pause");
    window.click("Pattern");
    window.wait("the pattern", |app| matches!(app.studio().snapshot().source, SourceState::Live(_)));
    let count = |window: &Window| window.app().studio().snapshot().inputs;
    let before = count(&window);
    let drawn = live(&mut window, Duration::from_secs(2)).drawn;
    let came = (count(&window) - before) as usize;
    check(came > 20, format!("only {came} source frames"))?;
    check(drawn > came / 2 && drawn <= came + 5, format!("drawn {drawn} times for {came} source frames"))
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("repaints::one_last_look_a_second_after_the_last_picture", one_last_look_a_second_after_the_last_picture),
        test("repaints::a_source_frame_is_drawn_once", a_source_frame_is_drawn_once),
    ]
}
