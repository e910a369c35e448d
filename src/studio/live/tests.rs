//! The engine thread alone, with renderers that are late or cannot be made.

mod exploring;
mod filming;

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::engine::{EngineError, Job, StageTimes, Stamps};
use crate::flow::channel::unbounded;
use crate::flow::latest;
use crate::frame::Size;

const PATIENCE: Duration = Duration::from_secs(10);

/// The thread, which paints 8 x 8 pixels, and all that leads to it.
struct Desk {
    orders: Sender<Order>,
    news: Receiver<News>,
    ink: LatestSender<Frame>,
    pictures: LatestReceiver<Picture>,
    previews: LatestReceiver<Vec<Preview>>,
    shots: LatestReceiver<Shot>,
    engine: Worker,
    base: LatestSender<Option<Frame>>,
}

fn desk() -> Desk {
    let (orders, order_receiver) = unbounded();
    let (news_sender, news) = unbounded();
    let ((base_sender, base), (ink, ink_receiver), (picture_sender, pictures)) = (latest(), latest(), latest());
    let ((preview_sender, previews), (shot_sender, shots)) = (latest(), latest());
    let live = Live {
        orders: order_receiver,
        base,
        ink: ink_receiver,
        pictures: picture_sender,
        shots: shot_sender,
        previews: preview_sender,
        news: news_sender,
        tally: Arc::default(),
        rss: Arc::default(),
        wake: Arc::new(|| ()),
    };
    let engine = live.spawn().unwrap();
    let params = Params { size: Size::square(8), ..Params::default() };
    assert!(orders.send(Order::Params(Arc::new(params), 1)).is_ok());
    Desk { orders, news, ink, pictures, previews, shots, engine, base: base_sender }
}

/// Gives back what it sees.
pub(in crate::studio) struct Mirror;

impl Render for Mirror {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        let frame = job.frame.clone().unwrap();
        let stamps = Stamps { taken: frame.taken, started: frame.taken, done: Instant::now() };
        let (input_id, revision, params) = (frame.id, job.revision, job.params.clone());
        Ok(Some(Picture { input_id, frame, revision, params, stamps, stages: StageTimes::default(), painter: None }))
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

/// Three calls late.
fn late() -> Box<dyn Render> {
    Box::new(Late { calls: 3, seen: VecDeque::new(), shown: None })
}

#[test]
fn the_engine_is_not_idle_while_pictures_are_on_their_way() {
    let Desk { orders, news, ink, pictures, engine, base: _base, .. } = desk();
    assert!(orders.send(Order::Stream(true)).is_ok());
    // Before there is a renderer: one without an input is idle, and rightly so.
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(orders.send(Order::Install(Box::new(late))).is_ok());
    pictures.wake().recv_timeout(PATIENCE).unwrap();
    let idle = news.try_iter().any(|news| matches!(news, News::State(LiveState::Idle)));
    assert!(!idle, "idle before its first picture");
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

#[test]
fn what_is_on_its_way_comes_without_new_input() {
    let Desk { orders, news: _news, ink, pictures, engine, base: _base, .. } = desk();
    assert!(orders.send(Order::Stream(true)).is_ok());
    assert!(orders.send(Order::Install(Box::new(late))).is_ok());
    for shade in [10, 200] {
        ink.send(Frame::filled(Size::square(8), [shade, 9, 9, 255]));
        let begun = Instant::now();
        while pictures.take().is_none_or(|picture| picture.frame.pixel(3, 3)[0] != shade) {
            assert!(begun.elapsed() < PATIENCE, "the picture of {shade} did not come");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    // Who asks for one picture in a pause gets that one.
    assert!(orders.send(Order::Pause(true)).is_ok());
    ink.send(Frame::filled(Size::square(8), [77, 9, 9, 255]));
    assert!(orders.send(Order::Step).is_ok());
    pictures.wake().recv_timeout(PATIENCE).unwrap();
    assert_eq!(pictures.take().unwrap().frame.pixel(3, 3), [77, 9, 9, 255]);
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

#[test]
fn a_step_outside_of_a_pause_paints_nothing_later() {
    let Desk { orders, news: _news, ink, pictures, engine, base: _base, .. } = desk();
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    pictures.wake().recv_timeout(PATIENCE).unwrap();
    assert!(pictures.take().is_some());
    assert!(orders.send(Order::Step).is_ok());
    assert!(orders.send(Order::Pause(true)).is_ok());
    assert!(pictures.wake().recv_timeout(Duration::from_millis(100)).is_err(), "painted in the pause");
    assert!(orders.send(Order::Step).is_ok());
    pictures.wake().recv_timeout(PATIENCE).unwrap();
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

#[test]
fn a_renderer_that_cannot_be_made_is_told_and_the_next_one_paints() {
    let Desk { orders, news, ink, pictures, engine, base: _base, .. } = desk();
    assert!(orders.send(Order::Install(Box::new(|| panic!("no such device")))).is_ok());
    let (told, installs) = loop {
        match news.recv_timeout(PATIENCE).unwrap() {
            News::Stopped { notice, installs } => break (notice, installs),
            News::State(LiveState::Starting | LiveState::Stopped) => {}
            _ => panic!("another word"),
        }
    };
    assert!(told.what.contains("no such device") && told.remedy.contains("Start again"), "{told}");
    assert_eq!(installs, 1, "it counts as one that was to be installed");
    // What is drawn meanwhile is painted as soon as there is somebody to paint it.
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    pictures.wake().recv_timeout(PATIENCE).unwrap();
    assert_eq!(pictures.take().unwrap().frame.pixel(3, 3), [9, 9, 9, 255]);
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

#[test]
fn a_renderer_that_could_not_be_made_does_not_stop_the_next_one() {
    let Desk { orders, news: _news, ink, pictures, engine, base: _base, .. } = desk();
    let (go, may) = unbounded();
    let broken = move || -> Box<dyn Render> {
        may.recv_timeout(PATIENCE).ok();
        panic!("no such device")
    };
    assert!(orders.send(Order::Install(Box::new(broken))).is_ok());
    // Both are heard of at once.
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    assert!(go.send(()).is_ok());
    for shade in [9, 30] {
        ink.send(Frame::filled(Size::square(8), [shade, 9, 9, 255]));
        pictures.wake().recv_timeout(PATIENCE).unwrap();
        assert_eq!(pictures.take().unwrap().frame.pixel(3, 3), [shade, 9, 9, 255]);
    }
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

/// Panics at every picture.
struct Fragile;

impl Render for Fragile {
    fn render(&mut self, _: &Job) -> Result<Option<Picture>, EngineError> {
        panic!("broken inside")
    }
}

#[test]
fn each_load_that_comes_to_nothing_offers_to_start_again() {
    let Desk { orders, news, ink, pictures: _pictures, engine, base: _base, .. } = desk();
    let stopped = || loop {
        match news.recv_timeout(PATIENCE).unwrap() {
            News::Stopped { notice, .. } => break notice.what,
            News::Reload { .. } => assert!(orders.send(Order::Install(Box::new(|| Box::new(Fragile)))).is_ok()),
            News::Event(_) | News::State(_) | News::MadeRoom => {}
        }
    };
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Fragile)))).is_ok());
    let what = stopped();
    assert!(what.contains("broken inside"), "{what}");
    for _ in 0..2 {
        assert!(orders.send(Order::LoadEnded).is_ok());
        let what = stopped();
        assert!(what.contains("could not be loaded again"), "{what}");
    }
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

/// [`Mirror`] on a GPU; tells when it is let go.
struct Heavy(Sender<()>);

impl Render for Heavy {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        Mirror.render(job)
    }

    fn has_own_memory(&self) -> bool {
        true
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        self.0.send(()).ok();
    }
}

#[test]
fn only_who_takes_memory_of_a_gpu_makes_room() {
    let Desk { orders, news, ink, pictures, engine, base: _base, .. } = desk();
    let ask = || {
        let (asker, answer) = unbounded();
        assert!(orders.send(Order::MakeRoom(asker)).is_ok());
        answer.recv_timeout(PATIENCE).unwrap()
    };
    assert!(!ask(), "nothing is there");
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    assert!(!ask(), "it takes none");
    let (dropped, gone) = unbounded();
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Heavy(dropped))))).is_ok());
    assert!(ask() && gone.try_recv().is_ok(), "it is gone before that is said");
    assert!(!ask(), "once is all");
    let made = news.try_iter().filter(|news| matches!(news, News::MadeRoom)).count();
    assert_eq!(made, 1);
    // What it made room for did not come: somebody has to be asked.
    assert!(orders.send(Order::LoadEnded).is_ok());
    let stopped = |news| matches!(news, News::Stopped { .. });
    while !stopped(news.recv_timeout(PATIENCE).unwrap()) {}
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Mirror)))).is_ok());
    pictures.wake().recv_timeout(PATIENCE).unwrap();
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

/// [`Mirror`] that takes its time.
struct Calm;

impl Render for Calm {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        std::thread::sleep(Duration::from_millis(1));
        Mirror.render(job)
    }
}

#[test]
fn a_dream_goes_on_from_its_own_seed() {
    let Desk { orders, news: _news, ink, pictures, engine, base: _base, .. } = desk();
    let order = |seed, strength| {
        let params = Params { size: Size::square(8), seed, strength, ..Params::default() };
        assert!(orders.send(Order::Params(Arc::new(params), 2)).is_ok());
    };
    let next = |done: &dyn Fn(&Params) -> bool| loop {
        pictures.wake().recv_timeout(PATIENCE).unwrap();
        if let Some(picture) = pictures.take().filter(|picture| done(&picture.params)) {
            break picture.params.seed;
        }
    };
    order(40, 0.5);
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Calm)))).is_ok());
    assert!(orders.send(Order::Dream(true)).is_ok());
    let far = next(&|params| params.seed > 400);
    order(40, 0.25);
    let further = next(&|params| params.strength == 0.25);
    assert!(further > far, "another strength took the dream back from {far} to {further}");
    order(7, 0.25);
    let anew = next(&|params| params.seed < far);
    assert!(anew >= 7, "another seed is not where the dream begins, but {anew}");
    // The dream is over, and the seed is what was ordered.
    assert!(orders.send(Order::Dream(false)).is_ok());
    order(7, 0.75);
    assert_eq!(next(&|params| params.strength == 0.75), 7);
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}

#[test]
fn a_dream_of_nothing_sleeps() {
    let Desk { orders, news, ink, pictures, engine, base: _base, .. } = desk();
    assert!(orders.send(Order::Install(Box::new(|| Box::new(Calm)))).is_ok());
    assert!(orders.send(Order::Dream(true)).is_ok());
    std::thread::sleep(Duration::from_millis(100));
    let told = news.try_iter().count();
    assert!(told < 5, "told {told} times of nothing");
    ink.send(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    for _ in 0..3 {
        pictures.wake().recv_timeout(PATIENCE).unwrap();
        pictures.take();
    }
    drop(orders);
    assert!(engine.stop_within(PATIENCE), "the thread did not end");
}
