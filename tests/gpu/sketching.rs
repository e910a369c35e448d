//! The pointer becomes ink.

use afterimage::gui::stage::Refused;
use afterimage::studio::{Tool, ViewMode};
use egui::{Event, Key, PointerButton, TouchDeviceId, TouchId, TouchPhase, pos2};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::demo::{Path, Window, both, button, draw, frame, ink, middle, on_canvas, painting, pixel, source, window};

const RED: [u8; 3] = [0xd6, 0x2f, 0x2f];
const WHITE: [u8; 3] = [255; 3];
const WIDE: [f32; 2] = [720.0, 400.0];

pub fn tests() -> Vec<Trial> {
    vec![
        test("sketching::a_drag_is_a_stroke_with_every_sample", || both(a_drag_is_a_stroke_with_every_sample)),
        test("sketching::one_frame_may_hold_a_whole_stroke", || both(one_frame_may_hold_a_whole_stroke)),
        test("sketching::ink_shows_in_the_frame_of_its_pointer", || both(ink_shows_in_the_frame_of_its_pointer)),
        test("sketching::shift_draws_straight_lines", || both(shift_draws_straight_lines)),
        test("sketching::the_size_slider_shows_the_size", || both(the_size_slider_shows_the_size)),
        test("sketching::escape_takes_the_stroke_back", || both(escape_takes_the_stroke_back)),
        test("sketching::pressure_reaches_the_stroke", || both(pressure_reaches_the_stroke)),
        test("sketching::eraser_fill_and_picker", || both(eraser_fill_and_picker)),
        test("sketching::alt_picks_from_either_picture", || both(alt_picks_from_either_picture)),
        test("sketching::ink_lies_on_the_source", || both(ink_lies_on_the_source)),
        test("sketching::views_say_where_one_draws", || both(views_say_where_one_draws)),
        test("sketching::beside_the_picture_nothing_happens", || both(beside_the_picture_nothing_happens)),
        test("sketching::strokes_come_in_from_beside_the_picture", || both(strokes_come_in_from_beside_the_picture)),
        test("sketching::the_eraser_takes_all_and_says_what_it_misses", || {
            both(the_eraser_takes_all_and_says_what_it_misses)
        }),
        test("sketching::the_picker_takes_what_is_seen", || both(the_picker_takes_what_is_seen)),
        test("sketching::a_lost_release_ends_the_stroke", || both(a_lost_release_ends_the_stroke)),
    ]
}

fn a_drag_is_a_stroke_with_every_sample(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    draw(&mut window, &[[20.0, 64.0], [60.0, 64.0], [100.0, 64.0]]);
    let state = window.state();
    check(state.document.strokes().len() == 1, "not one stroke")?;
    let points = &state.document.strokes()[0].points;
    check(points.len() >= 3, format_args!("{path:?}: {} samples", points.len()))?;
    check((points[0].x - 20.0).abs() < 1.0, format_args!("begins at {}", points[0].x))?;
    check(ink(&window, 60.0, 64.0) == RED && ink(&window, 60.0, 20.0) == WHITE, "the ink is elsewhere")?;
    check(state.news.iter().filter(|news| news.stroke_started).count() == 1, "started more than once")?;
    check(state.news.iter().any(|news| news.changed), "nobody heard of the change")
}

/// Press, a detour and the release arrive together, as they do when a frame is slow.
fn one_frame_may_hold_a_whole_stroke(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let places = [[20.0, 100.0], [64.0, 20.0], [108.0, 100.0]].map(|[x, y]| on_canvas(&window, x, y));
    frame(&mut window, [Event::PointerMoved(places[0])]);
    frame(
        &mut window,
        [
            button(places[0], PointerButton::Primary, true),
            Event::PointerMoved(places[1]),
            Event::PointerMoved(places[2]),
            button(places[2], PointerButton::Primary, false),
        ],
    );
    window.step();
    check(!window.state().document.is_stroking(), "the stroke goes on after the release")?;
    let points = &window.state().document.strokes()[0].points;
    check(points.iter().any(|point| point.y < 21.0), format_args!("the detour is missing: {points:?}"))?;
    let places = [[42.0, 60.0], [86.0, 60.0]];
    for [x, y] in places {
        check(ink(&window, x, y) == RED, format_args!("({x}, {y}) is {:?}", ink(&window, x, y)))?;
    }
    let times: Vec<f64> = window.state().document.strokes()[0].points.iter().map(|point| point.time_s).collect();
    check(times.is_sorted_by(|a, b| a < b), format_args!("times do not grow: {times:?}"))
}

fn ink_shows_in_the_frame_of_its_pointer(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let (from, to) = (on_canvas(&window, 20.0, 64.0), on_canvas(&window, 100.0, 64.0));
    let between = on_canvas(&window, 60.0, 64.0);
    frame(&mut window, [Event::PointerMoved(from)]);
    check(pixel(&window.render()?, between) == WHITE, "the canvas is not white")?;
    frame(&mut window, [button(from, PointerButton::Primary, true), Event::PointerMoved(to)]);
    let seen = pixel(&window.render()?, between);
    check(seen == RED, format_args!("{path:?}: {seen:?} under the pen in the same frame"))
}

fn shift_draws_straight_lines(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let shifted = |window: &mut Window, points: &[[f32; 2]]| {
        let places: Vec<_> = points.iter().map(|[x, y]| on_canvas(window, *x, *y)).collect();
        let modifiers = egui::Modifiers::SHIFT;
        let press = |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers };
        frame(window, [Event::PointerMoved(places[0]), press(places[0], true)]);
        for &place in &places {
            frame(window, [Event::PointerMoved(place)]);
        }
        frame(window, [press(places[places.len() - 1], false)]);
    };
    // From press to release, whatever lies between.
    shifted(&mut window, &[[20.0, 20.0], [64.0, 100.0], [100.0, 20.0]]);
    check(ink(&window, 60.0, 20.0) == RED && ink(&window, 64.0, 90.0) == WHITE, "not the line from press to release")?;
    // A click goes on where the stroke before ended.
    shifted(&mut window, &[[100.0, 110.0]]);
    check(ink(&window, 100.0, 64.0) == RED, "the click did not go on from the line's end")?;
    check(window.state().document.strokes().len() == 2, "each line is a stroke")?;
    check(window.state_mut().document.undo() && window.state_mut().document.undo(), "nothing to undo")?;
    check(window.state().document.is_blank(), "a line left ink")?;
    // What was taken back begins nothing.
    shifted(&mut window, &[[30.0, 110.0]]);
    check(ink(&window, 30.0, 110.0) == RED && ink(&window, 64.0, 64.0) == WHITE, "a line from an undone end")
}

/// The outline lies around the middle of the drawing while the pointer is elsewhere, and goes.
fn the_size_slider_shows_the_size(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.step();
    let before = window.render()?;
    window.state_mut().tools.diameter_px = 60.0;
    window.step();
    let edge = on_canvas(&window, 64.0 + 30.0, 64.0);
    let near = |image: &image::RgbaImage| (-3..=3).any(|dx| pixel(image, edge + egui::vec2(dx as f32, 0.0)) != WHITE);
    check(!near(&before) && near(&window.render()?), "no outline")?;
    for _ in 0..20 {
        window.run_steps(5);
    }
    check(!near(&window.render()?), "the outline stays")
}

fn escape_takes_the_stroke_back(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let (from, to) = (on_canvas(&window, 20.0, 64.0), on_canvas(&window, 100.0, 64.0));
    frame(&mut window, [Event::PointerMoved(from)]);
    frame(&mut window, [button(from, PointerButton::Primary, true), Event::PointerMoved(to)]);
    check(window.state().document.is_stroking(), "no stroke")?;
    window.key_press(Key::Escape);
    window.step();
    check(!window.state().document.is_stroking() && window.state().document.is_blank(), "the ink stayed")?;
    frame(&mut window, [Event::PointerMoved(from), button(from, PointerButton::Primary, false)]);
    check(window.state().document.is_blank() && !window.state().document.can_undo(), "the rest was drawn")
}

fn pressure_reaches_the_stroke(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let (from, to) = (on_canvas(&window, 20.0, 64.0), on_canvas(&window, 100.0, 64.0));
    let touch = |phase, pos, force| Event::Touch { device_id: TouchDeviceId(1), id: TouchId(1), phase, pos, force };
    frame(&mut window, [touch(TouchPhase::Start, from, Some(0.25)), Event::PointerMoved(from)]);
    frame(&mut window, [button(from, PointerButton::Primary, true)]);
    frame(&mut window, [touch(TouchPhase::Move, to, Some(0.75)), Event::PointerMoved(to)]);
    frame(&mut window, [touch(TouchPhase::End, to, Some(0.0)), button(to, PointerButton::Primary, false)]);
    draw(&mut window, &[[20.0, 20.0], [100.0, 20.0]]);
    let pressures = |n: usize| -> Vec<_> {
        window.state().document.strokes()[n].points.iter().map(|point| point.pressure).collect()
    };
    let pen = pressures(0);
    check(pen[0] == Some(0.25) && pen[1] == Some(0.75), format_args!("the pen reports {pen:?}"))?;
    check(pressures(1).iter().all(Option::is_none), "the mouse has the pen's pressure")
}

fn eraser_fill_and_picker(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.state_mut().tools.tool = Tool::Fill;
    draw(&mut window, &[[10.0, 10.0]]);
    check(ink(&window, 120.0, 120.0) == RED, "the fill left a corner")?;
    window.state_mut().tools.tool = Tool::Eraser;
    draw(&mut window, &[[20.0, 64.0], [100.0, 64.0]]);
    check(ink(&window, 60.0, 64.0) == WHITE, "the eraser left ink")?;
    window.state_mut().tools.tool = Tool::Picker;
    draw(&mut window, &[[60.0, 64.0]]);
    let state = window.state();
    check(state.tools.colour == WHITE && state.news.iter().any(|news| news.picked), "no colour was picked")?;
    check(state.document.strokes().len() == 1, "the picker drew")
}

fn alt_picks_from_either_picture(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.state_mut().stage.set_painting(&painting(64));
    window.step();
    for (place, want) in [(middle(&window, "Painting"), [250, 240, 120]), (on_canvas(&window, 9.0, 9.0), WHITE)] {
        for pressed in [true, false] {
            let modifiers = egui::Modifiers::ALT;
            frame(&mut window, [Event::ModifiersChanged(modifiers), Event::PointerMoved(place)]);
            frame(
                &mut window,
                [Event::PointerButton { pos: place, button: PointerButton::Primary, pressed, modifiers }],
            );
        }
        let got = window.state().tools.colour;
        check(got == want, format_args!("picked {got:?}, should be {want:?}"))?;
    }
    check(window.state().document.is_blank(), "alt drew")
}

fn ink_lies_on_the_source(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.state_mut().stage.set_source(Some(source()));
    draw(&mut window, &[[20.0, 64.0], [100.0, 64.0]]);
    let image = window.render()?;
    let (on, off) = (on_canvas(&window, 60.0, 64.0), on_canvas(&window, 60.0, 20.0));
    check(pixel(&image, on) == RED, format_args!("{path:?}: the ink is {:?}", pixel(&image, on)))?;
    check(pixel(&image, off) == [90, 40, 140], format_args!("{path:?}: source is {:?}", pixel(&image, off)))?;
    window.state_mut().tools.tool = Tool::Picker;
    draw(&mut window, &[[60.0, 20.0]]);
    check(window.state().tools.colour == [90, 40, 140], "the picker does not see the source")?;
    window.state_mut().stage.set_source(None);
    window.step();
    let image = window.render()?;
    check(pixel(&image, off) == WHITE, format_args!("{path:?}: the source stays"))
}

fn views_say_where_one_draws(path: Path) -> Result<(), Failed> {
    for (view, draws) in [(ViewMode::Wipe, true), (ViewMode::Overlay, true), (ViewMode::Picture, false)] {
        let mut window = window(path, WIDE);
        window.state_mut().look.view = view;
        window.state_mut().stage.set_painting(&painting(64));
        window.step();
        let label = if draws { "Sketch canvas" } else { "Painting" };
        // Right of the wipe's line, too, and not on its knob.
        let place = middle(&window, label) + egui::vec2(60.0, 50.0);
        frame(&mut window, [Event::PointerMoved(place)]);
        frame(&mut window, [button(place, PointerButton::Primary, true)]);
        frame(&mut window, [button(place, PointerButton::Primary, false)]);
        check(window.state().document.is_blank() != draws, format_args!("{view:?}: drawing is not {draws}"))?;
    }
    Ok(())
}

fn beside_the_picture_nothing_happens(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let canvas = crate::demo::rect(&window, "Sketch canvas");
    let painting = middle(&window, "Painting");
    for place in [canvas.center_top() - egui::vec2(0.0, 60.0), painting, pos2(3.0, 3.0)] {
        frame(&mut window, [Event::PointerMoved(place)]);
        frame(&mut window, [button(place, PointerButton::Primary, true), Event::PointerMoved(place)]);
        frame(&mut window, [button(place, PointerButton::Primary, false)]);
        check(window.state().document.is_blank(), format_args!("a press at {place} drew"))?;
        check(!window.state().document.can_undo(), format_args!("a press at {place} is an edit"))?;
    }
    Ok(())
}

fn strokes_come_in_from_beside_the_picture(path: Path) -> Result<(), Failed> {
    // There is room on both sides of the picture.
    let mut window = window(path, [1000.0, 400.0]);
    window.state_mut().tools.diameter_px = 6.0;
    window.state_mut().tools.speed_width = false;
    draw(&mut window, &[[-9.0, 64.0], [-8.0, 64.0], [30.0, 64.0], [60.0, 64.0]]);
    check(ink(&window, 4.0, 64.0) == RED && ink(&window, 40.0, 64.0) == RED, "nothing came in")?;
    let state = window.state();
    check(state.document.strokes().len() == 1, "not one stroke")?;
    check(state.news.iter().filter(|news| news.stroke_started).count() == 1, "started not once")?;
    // One that passes by is none.
    draw(&mut window, &[[-8.0, 20.0], [-7.0, 100.0]]);
    check(window.state().document.strokes().len() == 1, "a stroke beside the picture")?;
    // As quick as pointers are: from one side to the other in one report.
    draw(&mut window, &[[-8.0, 100.0], [136.0, 100.0]]);
    check(ink(&window, 64.0, 100.0) == RED, "a quick stroke flew over the picture")
}

fn the_eraser_takes_all_and_says_what_it_misses(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    draw(&mut window, &[[20.0, 64.0], [100.0, 64.0]]);
    let first = window.state().document.active();
    window.state_mut().tools.tool = Tool::Eraser;
    window.state_mut().tools.opacity = 0.2;
    window.state_mut().document.add_ink_layer();
    draw(&mut window, &[[20.0, 64.0], [60.0, 64.0]]);
    check(ink(&window, 40.0, 64.0) == RED, "the other layer was erased")?;
    let said = window.state().news.iter().filter_map(|news| news.refused).collect::<Vec<_>>();
    check(said == [Refused::NothingToErase(first)], format_args!("{said:?}"))?;
    draw(&mut window, &[[20.0, 10.0], [60.0, 10.0]]);
    check(window.state().news.iter().filter(|news| news.refused.is_some()).count() == 1, "said where nothing is")?;
    window.state_mut().document.set_active(first);
    draw(&mut window, &[[20.0, 64.0], [60.0, 64.0]]);
    check(ink(&window, 40.0, 64.0) == WHITE, "the eraser left a ghost")?;
    check(window.state().news.iter().filter(|news| news.refused.is_some()).count() == 1, "said though it erased")
}

fn the_picker_takes_what_is_seen(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    window.state_mut().stage.set_painting(&painting(64));
    window.state_mut().tools.tool = Tool::Picker;
    window.step();
    // Dragged over the painting, the colour follows.
    let on_painting = middle(&window, "Painting");
    frame(&mut window, [Event::PointerMoved(on_painting)]);
    frame(&mut window, [button(on_painting, PointerButton::Primary, true)]);
    let cross = window.state().tools.colour;
    frame(&mut window, [Event::PointerMoved(on_painting + egui::vec2(40.0, 40.0))]);
    let beside = window.state().tools.colour;
    frame(&mut window, [button(on_painting + egui::vec2(40.0, 40.0), PointerButton::Primary, false)]);
    check(cross == [250, 240, 120] && beside != cross && beside != RED, format_args!("{cross:?}, then {beside:?}"))?;
    // Of two pictures in one place it is the one that lies on top.
    window.state_mut().look.view = ViewMode::Wipe;
    window.step();
    for (x, white) in [(20.0, true), (100.0, false)] {
        draw(&mut window, &[[x, 20.0]]);
        check((window.state().tools.colour == WHITE) == white, format_args!("{:?}", window.state().tools.colour))?;
    }
    Ok(())
}

fn a_lost_release_ends_the_stroke(path: Path) -> Result<(), Failed> {
    let mut window = window(path, WIDE);
    let from = on_canvas(&window, 20.0, 64.0);
    frame(&mut window, [Event::PointerMoved(from)]);
    frame(&mut window, [button(from, PointerButton::Primary, true)]);
    frame(&mut window, [Event::PointerGone, Event::WindowFocused(false)]);
    window.step();
    check(!window.state().document.is_stroking(), "the stroke goes on without a pointer")
}
