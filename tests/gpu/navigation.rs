//! Zoom and pan.

use egui::{Event, Key, Modifiers, PointerButton, vec2};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::demo::{Path, Window, both, button, frame, middle, on_canvas, painting, pixel, rect, window};

const WIDE: [f32; 2] = [720.0, 400.0];

pub fn tests() -> Vec<Trial> {
    vec![
        test("navigation::keys_zoom_and_zero_fits", || both(keys_zoom_and_zero_fits)),
        test("navigation::the_wheel_zooms_with_ctrl_about_the_pointer", || {
            both(the_wheel_zooms_with_ctrl_about_the_pointer)
        }),
        test("navigation::space_and_the_middle_button_pan", || both(space_and_the_middle_button_pan)),
        test("navigation::drawing_lands_under_the_pointer_at_any_zoom", || {
            both(drawing_lands_under_the_pointer_at_any_zoom)
        }),
        test("navigation::both_pictures_share_the_view", || both(both_pictures_share_the_view)),
        test("navigation::the_divider_moves", || both(the_divider_moves)),
    ]
}

fn hover(window: &mut Window, pos: egui::Pos2) {
    frame(window, [Event::PointerMoved(pos)]);
    window.step();
}

fn keys_zoom_and_zero_fits(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.key_press(Key::Plus);
    window.step();
    let zoom = window.state().stage.view().zoom;
    check(zoom > 1.2, format_args!("+ zooms to {zoom}"))?;
    window.key_press(Key::Minus);
    window.step();
    check((window.state().stage.view().zoom - 1.0).abs() < 1e-3, "- does not undo +")?;
    window.key_press(Key::Plus);
    window.key_press(Key::Num0);
    window.step();
    window.step();
    check(window.state().stage.view().is_fit(), "0 does not fit")
}

fn the_wheel_zooms_with_ctrl_about_the_pointer(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let pointer = on_canvas(&window, 32.0, 32.0);
    hover(&mut window, pointer);
    let wheel = |modifiers| Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, 3.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    };
    frame(&mut window, [wheel(Modifiers::NONE)]);
    check(window.state().stage.view().is_fit(), "a plain wheel moves a picture that fits")?;
    frame(&mut window, [Event::ModifiersChanged(Modifiers::CTRL), wheel(Modifiers::CTRL)]);
    for _ in 0..8 {
        window.step();
    }
    let view = window.state().stage.view();
    check(view.zoom > 1.05, format_args!("zoomed to {}", view.zoom))?;
    check(view.centre[0] < 0.5 && view.centre[1] < 0.5, format_args!("looks at {:?}", view.centre))
}

fn space_and_the_middle_button_pan(path: Path) -> Result<(), Failed> {
    for by_space in [false, true] {
        let mut window = window(path, WIDE);
        for _ in 0..3 {
            window.key_press(Key::Plus);
            window.step();
        }
        let from = middle(&window, "Sketch canvas");
        let pressed = if by_space { PointerButton::Primary } else { PointerButton::Middle };
        if by_space {
            window.key_down(Key::Space);
            window.step();
        }
        hover(&mut window, from);
        let before = window.state().stage.view().centre;
        frame(&mut window, [button(from, pressed, true)]);
        for step in 1..=4 {
            frame(&mut window, [Event::PointerMoved(from + vec2(-10.0 * step as f32, 0.0))]);
        }
        frame(&mut window, [button(from + vec2(-40.0, 0.0), pressed, false)]);
        let after = window.state().stage.view().centre;
        check(after[0] > before[0] && after[1] == before[1], format_args!("{before:?} became {after:?}"))?;
        check(window.state().document.is_blank(), "panning drew")?;
    }
    Ok(())
}

fn drawing_lands_under_the_pointer_at_any_zoom(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    for _ in 0..6 {
        window.key_press(Key::Plus);
        window.step();
    }
    window.state_mut().tools.diameter_px = 8.0;
    let place = middle(&window, "Sketch canvas") + vec2(37.0, -21.0);
    hover(&mut window, place);
    frame(&mut window, [button(place, PointerButton::Primary, true)]);
    frame(&mut window, [button(place, PointerButton::Primary, false)]);
    frame(&mut window, [Event::PointerGone]);
    let seen = pixel(&window.render()?, place);
    check(seen == window.state().tools.colour, format_args!("{path:?}: {seen:?} where the pen was"))
}

fn both_pictures_share_the_view(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.state_mut().stage.set_painting(&painting(64));
    let over = middle(&window, "Painting");
    hover(&mut window, over);
    window.key_press(Key::Plus);
    window.step();
    window.step();
    let (left, right) = (rect(&window, "Sketch canvas"), rect(&window, "Painting"));
    check((left.size() - right.size()).length() <= 1.0, format_args!("{left:?} beside {right:?}"))?;
    check(window.state().stage.view().zoom > 1.0, "the painting does not zoom")
}

fn the_divider_moves(path: Path) -> Result<(), Failed> {
    for size in [WIDE, [400.0, 500.0]] {
        let mut window = window(path, size);
        let from = middle(&window, "Divider");
        let delta = if size == WIDE { vec2(80.0, 0.0) } else { vec2(0.0, 80.0) };
        hover(&mut window, from);
        frame(&mut window, [button(from, PointerButton::Primary, true)]);
        frame(&mut window, [Event::PointerMoved(from + delta * 0.5)]);
        frame(&mut window, [Event::PointerMoved(from + delta), button(from + delta, PointerButton::Primary, false)]);
        window.step();
        let to = middle(&window, "Divider");
        check((to - from - delta).length() < 2.0, format_args!("dragged by {delta} it moved by {}", to - from))?;
    }
    Ok(())
}
