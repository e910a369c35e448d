//! The engine thread alone, with renderers that cannot be made.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::engine::{EngineError, StageTimes, Stamps};
use crate::flow::channel::unbounded;
use crate::flow::latest;
use crate::frame::Size;

/// Gives back what it sees.
struct Mirror;

impl Render for Mirror {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        let frame = job.frame.clone().unwrap();
        let stamps = Stamps { taken: frame.taken, started: frame.taken, done: Instant::now() };
        let (input_id, revision, params) = (frame.id, job.revision, job.params.clone());
        Ok(Some(Picture { input_id, frame, revision, params, stamps, stages: StageTimes::default() }))
    }
}

/// Gives back what it saw so many calls before, if it may.
struct Late {
    calls: usize,
    seen: VecDeque<Frame>,
    shown: Option<Frame>,
}

impl Render for Late {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        self.seen.push_back(job.frame.clone().unwrap());
        let late = if job.stream { self.calls } else { 0 };
        let ready = self.seen.len().checked_sub(late + 1).and_then(|from| self.seen.drain(..=from).next_back());
        let Some(frame) = ready else { return Ok(None) };
        self.shown = Some(frame.clone());
        Mirror.render(&Job { frame: Some(frame), ..job.clone() })
    }

    fn is_behind(&self) -> bool {
        self.seen.back().is_some_and(|newest| self.shown.as_ref().map(Frame::pixels) != Some(newest.pixels()))
    }
}

#[test]
fn what_is_on_its_way_comes_without_new_input() {
    let (orders, order_receiver) = unbounded();
    let (news, _news_receiver) = unbounded();
    let ((_base, base), (ink, ink_receiver), (pictures, picture_receiver)) = (latest(), latest(), latest());
    let live = Live {
        orders: order_receiver,
        base,
        ink: ink_receiver,
        pictures,
        news,
        tally: Arc::default(),
        rss: Arc::default(),
        wake: Arc::new(|| ()),
    };
    let engine = live.spawn().unwrap();
    let patience = Duration::from_secs(10);
    let params = Params { size: Size::square(8), ..Params::default() };
    assert!(orders.send(Order::Params(Arc::new(params), 1)).is_ok());
    assert!(orders.send(Order::Stream(true)).is_ok());
    assert!(
        orders
            .send(Order::Install(Box::new(|| Box::new(Late { calls: 3, seen: VecDeque::new(), shown: None }))))
            .is_ok()
    );
    for shade in [10, 200] {
        ink.send(Frame::filled(Size::square(8), [shade, 9, 9, 255]));
        let begun = Instant::now();
        while picture_receiver.take().is_none_or(|picture| picture.frame.pixel(3, 3)[0] != shade) {
            assert!(begun.elapsed() < patience, "the picture of {shade} did not come");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    // Who asks for one picture in a pause gets that one.
    assert!(orders.send(Order::Pause(true)).is_ok());
    ink.send(Frame::filled(Size::square(8), [77, 9, 9, 255]));
    assert!(orders.send(Order::Step).is_ok());
    picture_receiver.wake().recv_timeout(patience).unwrap();
    assert_eq!(picture_receiver.take().unwrap().frame.pixel(3, 3), [77, 9, 9, 255]);
    drop(orders);
    assert!(engine.stop_within(patience), "the thread did not end");
}

#[test]
fn a_renderer_that_cannot_be_made_is_told_and_the_next_one_paints() {
    let (orders, order_receiver) = unbounded();
    let (news, news_receiver) = unbounded();
    let ((_base, base), (ink, ink_receiver), (pictures, picture_receiver)) = (latest(), latest(), latest());
    let live = Live {
        orders: order_receiver,
        base,
        ink: ink_receiver,
        pictures,
        news,
        tally: Arc::default(),
        rss: Arc::default(),
        wake: Arc::new(|| ()),
    };
    let engine = live.spawn().unwrap();
    let patience = Duration::from_secs(10);
    let params = Params { size: Size::square(8), ..Params::default() };
    assert!(orders.send(Order::Params(Arc::new(params), 1)).is_ok());
    assert!(orders.send(Order::Install(Box::new(|| panic!("no such device")))).is_ok());
    let told = loop {
        match news_receiver.recv_timeout(patience).unwrap() {
            News::Event(Event::EngineStopped(notice)) => break notice,
            News::State(LiveState::Starting | LiveState::Stopped) => {}
            _ => panic!("another word"),
        }
    };
    assert!(told.what.contains("no such device") && told.remedy.contains("Start again"), "{told}");
    // What is drawn meanwhile is painted as soon as there is somebody to paint it.
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    picture_receiver.wake().recv_timeout(patience).unwrap();
    assert_eq!(picture_receiver.take().unwrap().frame.pixel(3, 3), [9, 9, 9, 255]);
    drop(orders);
    assert!(engine.stop_within(patience), "the thread did not end");
}
