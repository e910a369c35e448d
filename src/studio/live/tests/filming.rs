//! What goes into a recording.

use super::*;
use crate::studio::recorder::Shot;

fn record(desk: &Desk) -> LatestReceiver<Shot> {
    let (recorder, shots) = latest();
    assert!(desk.orders.send(Order::Record(Some(recorder))).is_ok());
    shots
}

fn next(shots: &LatestReceiver<Shot>) -> Shot {
    shots.wake().recv_timeout(PATIENCE).unwrap();
    shots.take().unwrap()
}

fn draw(desk: &Desk, shade: u8) {
    desk.ink.send(Frame::filled(Size::square(8), [shade, 9, 9, 255]));
}

fn shades(shot: &Shot) -> [u8; 2] {
    [&shot.input, &shot.painting].map(|frame| frame.pixel(3, 3)[0])
}

#[test]
fn a_recording_begins_with_what_is_seen_and_ends_when_it_is_told_to() {
    let desk = desk();
    assert!(desk.orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    draw(&desk, 50);
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    desk.pictures.take();
    let asked = Instant::now();
    let shots = record(&desk);
    let first = next(&shots);
    assert!(shades(&first) == [50, 50] && first.at >= asked, "it was there long before");
    draw(&desk, 60);
    assert_eq!(shades(&next(&shots)), [60, 60]);
    assert!(desk.orders.send(Order::Record(None)).is_ok());
    draw(&desk, 70);
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    // The recorder hears that nobody sends any more.
    while shots.wake().recv_timeout(PATIENCE).is_ok() {}
    assert!(shots.take().is_none());
}

#[test]
fn pictures_that_come_late_are_seen_beside_their_own_drawing() {
    let desk = desk();
    assert!(desk.orders.send(Order::Stream(true)).is_ok());
    assert!(desk.orders.send(Order::Install(Box::new(late))).is_ok());
    let shots = record(&desk);
    let mut newest = [0; 2];
    for shade in (10..200).step_by(5) {
        draw(&desk, shade);
        newest = shades(&next(&shots));
        assert_eq!(newest[0], newest[1], "another drawing's painting");
    }
    // The last one comes without another drawing, and is filmed as well.
    let begun = Instant::now();
    while newest != [195, 195] {
        assert!(begun.elapsed() < PATIENCE, "the last is {newest:?}");
        newest = shots.take().map_or(newest, |shot| shades(&shot));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_is_chosen_from_the_contact_sheet_is_filmed_over_its_drawing() {
    let desk = desk();
    let other = Params { size: Size::square(8), seed: 5, ..Params::default() };
    assert!(desk.orders.send(Order::Explore(vec![Arc::new(other.clone())])).is_ok());
    assert!(desk.orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    draw(&desk, 50);
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    while desk.previews.take().is_none_or(|previews| previews.is_empty()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let shots = record(&desk);
    next(&shots);
    // Taken from the sheet, not painted again.
    assert!(desk.orders.send(Order::Pause(true)).is_ok());
    assert!(desk.orders.send(Order::Params(Arc::new(other), 9)).is_ok());
    assert_eq!(shades(&next(&shots)), [50, 50]);
}
