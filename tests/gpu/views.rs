//! How the stage looks: both ways of drawing show the same, and it stays as it was accepted.

use afterimage::gui::theme::Theme;
use afterimage::studio::{Tool, ViewMode};
use egui::{Event, PointerButton};
use image::RgbaImage;
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::demo::{PATHS, Path, Window, accepted, at, button, draw, frame, painting, pixel, rect, source, window};

const SMALL: [f32; 2] = [720.0, 380.0];

pub fn tests() -> Vec<Trial> {
    vec![
        test("views::side_by_side", || looks("side_by_side", SMALL, |_| {})),
        test("views::stacked", || looks("stacked", [360.0, 480.0], |_| {})),
        test("views::wipe", || {
            looks("wipe", SMALL, |window| {
                window.state_mut().look.view = ViewMode::Wipe;
                window.state_mut().look.divider = 0.6;
            })
        }),
        test("views::overlay", || looks("overlay", SMALL, |window| window.state_mut().look.view = ViewMode::Overlay)),
        test("views::picture", || looks("picture", SMALL, |window| window.state_mut().look.view = ViewMode::Picture)),
        test("views::source_under_ink", || {
            looks("source_under_ink", SMALL, |window| window.state_mut().stage.set_source(Some(source())))
        }),
        test("views::light", || looks("light", SMALL, |window| window.state_mut().theme = Theme::light())),
        test("views::nearest_and_zoomed", || {
            looks("nearest_and_zoomed", SMALL, |window| {
                window.state_mut().look.smooth = false;
                for _ in 0..8 {
                    window.key_press(egui::Key::Plus);
                    window.step();
                }
            })
        }),
        test("views::both_ways_stay_the_same_at_work", both_ways_stay_the_same_at_work),
        test("views::empty", empty),
        test("views::a_new_painting_fades_in", a_new_painting_fades_in),
        test("views::another_drawing_is_shown_whole", another_drawing_is_shown_whole),
        test("views::transparent_sources_show_checkers", transparent_sources_show_checkers),
        test("views::a_still_stage_asks_for_nothing", a_still_stage_asks_for_nothing),
    ]
}

/// A little drawing and its painting, with captions.
fn scene(path: Path, size: [f32; 2]) -> Window {
    let mut window = window(path, size);
    let state = window.state_mut();
    state.look.left_caption = "Drawing".into();
    state.look.right_caption = "Painting  2 steps".into();
    state.look.latency_text = "pen to picture 31\u{2009}ms".into();
    state.stage.set_painting(&painting(96));
    draw(&mut window, &[[20.0, 100.0], [64.0, 20.0], [108.0, 100.0], [20.0, 100.0]]);
    window
}

/// Draws a scene both ways, compares them with each other and with what was accepted.
fn looks(name: &str, size: [f32; 2], prepare: fn(&mut Window)) -> Result<(), Failed> {
    let mut windows = PATHS.map(|path| scene(path, size));
    for window in &mut windows {
        prepare(window);
        window.run_steps(3);
    }
    let [card, plain] = &mut windows;
    same(&card.render()?, &plain.render()?)?;
    accepted(card, &format!("stage_{name}"))
}

/// Interpolation may differ by rounding, edges by nothing.
fn same(card: &RgbaImage, plain: &RgbaImage) -> Result<(), Failed> {
    check(card.dimensions() == plain.dimensions(), "other sizes")?;
    let mut worst = (0, 0, 0);
    for (x, y, pixel) in card.enumerate_pixels() {
        let other = plain.get_pixel(x, y);
        let apart = pixel.0.iter().zip(other.0).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
        worst = worst.max((apart, x, y));
    }
    check(worst.0 <= 3, format_args!("at ({}, {}) both ways are {} apart", worst.1, worst.2, worst.0))
}

/// Zoom, divider, eraser and Escape, and what is to be seen after each.
fn both_ways_stay_the_same_at_work() -> Result<(), Failed> {
    let mut windows = PATHS.map(|path| scene(path, SMALL));
    for (what, act) in WORK {
        let before = windows[1].render()?;
        for window in &mut windows {
            act(window);
            window.run_steps(3);
        }
        let [card, plain] = windows.each_mut().map(|window| window.render());
        let (card, plain) = (card?, plain?);
        same(&card, &plain).map_err(|failed| format!("{what}: {}", failed.message().unwrap_or_default()))?;
        let moved = before.pixels().zip(plain.pixels()).filter(|(a, b)| a != b).count();
        check((moved == 0) == (what == "escape"), format_args!("{what} changes {moved} pixels"))?;
    }
    Ok(())
}

/// What is done, and how.
type Work = (&'static str, fn(&mut Window));

const WORK: [Work; 4] = [
    ("zoom", |window| {
        for _ in 0..2 {
            window.key_press(egui::Key::Plus);
            window.step();
        }
    }),
    ("divider", |window| {
        let from = rect(window, "Divider").center();
        frame(window, [Event::PointerMoved(from), button(from, PointerButton::Primary, true)]);
        let to = from + egui::vec2(70.0, 0.0);
        frame(window, [Event::PointerMoved(to)]);
        frame(window, [button(to, PointerButton::Primary, false), Event::PointerGone]);
    }),
    ("eraser", |window| {
        window.state_mut().tools.tool = Tool::Eraser;
        stroke(window, false);
    }),
    ("escape", |window| {
        window.state_mut().tools.tool = Tool::Brush;
        stroke(window, true);
    }),
];

/// A stroke across the middle of what is seen, taken back in the end or not.
fn stroke(window: &mut Window, escape: bool) {
    let canvas = rect(window, "Sketch canvas");
    let (from, to) = (at(canvas, 0.2, 0.5), at(canvas, 0.8, 0.5));
    frame(window, [Event::PointerMoved(from), button(from, PointerButton::Primary, true)]);
    frame(window, [Event::PointerMoved(to)]);
    if escape {
        window.key_press(egui::Key::Escape);
        window.step();
    }
    frame(window, [button(to, PointerButton::Primary, false), Event::PointerGone]);
}

/// Before the first stroke and the first painting.
fn empty() -> Result<(), Failed> {
    let mut window = window(Path::Card, SMALL);
    let look = &mut window.state_mut().look;
    look.hint = Some("Draw something. Try a red circle and type apple.".into());
    look.busy_text = Some("loading Pebble…".into());
    window.run_steps(2);
    accepted(&mut window, "stage_empty")
}

fn a_new_painting_fades_in() -> Result<(), Failed> {
    for path in PATHS {
        let mut window = window(path, SMALL);
        let flat = |v: u8| afterimage::frame::Frame::filled(afterimage::frame::Size::square(8), [v, v, v, 255]);
        window.state_mut().look.fade = true;
        window.state_mut().stage.set_painting(&flat(200));
        window.step();
        let place = rect(&window, "Painting").center();
        check(pixel(&window.render()?, place) == [200; 3], "the first painting waits for something")?;
        window.state_mut().stage.set_painting(&flat(100));
        window.step();
        check(pixel(&window.render()?, place) == [200; 3], format_args!("{path:?}: it jumps"))?;
        // The harness moves on a quarter of a second per step: the fade is over.
        window.step();
        check(pixel(&window.render()?, place) == [100; 3], format_args!("{path:?}: it stays"))?;
        window.state_mut().look.fade = false;
        window.state_mut().stage.set_painting(&flat(50));
        window.step();
        check(pixel(&window.render()?, place) == [50; 3], format_args!("{path:?}: it fades unasked"))?;
    }
    Ok(())
}

fn another_drawing_is_shown_whole() -> Result<(), Failed> {
    use afterimage::canvas::Document;
    use afterimage::frame::Size;
    for path in PATHS {
        let mut window = scene(path, SMALL);
        for (size, colour) in [(Size::square(128), [10, 200, 30]), (Size::new(96, 48), [200, 10, 30])] {
            window.state_mut().document = Document::new(size, colour);
            window.step();
            window.step();
            let canvas = rect(&window, "Sketch canvas");
            let image = window.render()?;
            for (x, y) in [(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)] {
                let seen = pixel(&image, at(canvas, x, y));
                check(seen == colour, format_args!("{path:?} {size}: {seen:?} at {x} {y}"))?;
            }
            let shape = canvas.width() / canvas.height() * size.height as f32 / size.width as f32;
            check((shape - 1.0).abs() < 0.02, format_args!("{size} is shown as {canvas:?}"))?;
        }
    }
    Ok(())
}

fn transparent_sources_show_checkers() -> Result<(), Failed> {
    use afterimage::frame::{Frame, Size};
    let images = PATHS.map(|path| {
        let mut window = window(path, SMALL);
        window.state_mut().stage.set_source(Some(Frame::filled(Size::square(32), [255, 0, 0, 128])));
        window.run_steps(2);
        window.render().unwrap()
    });
    let colours: std::collections::BTreeSet<_> = (0..24).map(|i| images[0].get_pixel(120 + i, 200).0).collect();
    check(colours.len() == 2, format_args!("the board has colours {colours:?}"))?;
    same(&images[0], &images[1])
}

/// An idle stage must not keep the machine busy.
fn a_still_stage_asks_for_nothing() -> Result<(), Failed> {
    for path in PATHS {
        let mut window = scene(path, SMALL);
        window.run_steps(2);
        // `run` fails the test when frame after frame is asked for.
        let steps = window.run();
        check(steps <= 2, format_args!("{path:?}: {steps} frames for nothing"))?;
    }
    Ok(())
}
