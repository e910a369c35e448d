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
fn what_is_shown_is_filmed_until_that_is_to_end() {
    let desk = desk();
    assert!(desk.orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    draw(&desk, 50);
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    desk.pictures.take();
    // What is seen is there for whoever begins a recording, also while the engine is in a picture.
    assert_eq!(desk.shots.peek().map(|shot| shades(&shot)), Some([50, 50]));
    let shots = record(&desk);
    assert_eq!(shades(&next(&shots)), [50, 50]);
    draw(&desk, 60);
    assert_eq!(shades(&next(&shots)), [60, 60]);
    assert!(desk.orders.send(Order::Record(None)).is_ok());
    draw(&desk, 70);
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    // The recorder hears that nobody sends any more.
    let end = loop {
        match shots.wake().recv_timeout(PATIENCE) {
            Ok(()) => assert!(shots.take().is_none_or(|shot| shades(&shot) != [70, 70]), "filmed after the end"),
            Err(end) => break end,
        }
    };
    assert!(end.is_disconnected(), "{end}");
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

/// What is chosen in a pause may be of an earlier drawing, and is filmed beside that.
#[test]
fn what_is_chosen_from_the_contact_sheet_is_filmed_over_its_own_drawing() {
    let desk = desk();
    let other = Params { size: Size::square(8), seed: 5, ..Params::default() };
    assert!(desk.orders.send(Order::Explore(vec![Arc::new(other.clone())])).is_ok());
    assert!(desk.orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    draw(&desk, 50);
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    desk.pictures.take();
    while desk.previews.take().is_none_or(|previews| previews.is_empty()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let shots = record(&desk);
    next(&shots);
    draw(&desk, 60);
    assert_eq!(shades(&next(&shots)), [60, 60]);
    // Before the preview is painted anew: the hand has not rested yet.
    assert!(desk.orders.send(Order::Pause(true)).is_ok());
    assert!(desk.orders.send(Order::Params(Arc::new(other), 9)).is_ok());
    assert_eq!(shades(&next(&shots)), [50, 50]);
}
