//! The contact sheet: when it is painted, what stays, and what is chosen from it.

use super::super::sheet::Sheet;
use super::*;

/// Says which jobs it was given, then gives back what it sees. Some prompts are not to its liking.
struct Telling(Sender<Params>);

impl Render for Telling {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        self.0.send(Params::clone(&job.params)).ok();
        match job.params.prompt.as_str() {
            "panic" => panic!("broken inside"),
            "refuse" => Err(EngineError::Param { name: "the prompt", found: "refuse".into(), expected: "more".into() }),
            _ => Mirror.render(job),
        }
    }
}

fn params(seed: u64) -> Params {
    Params { size: Size::square(8), seed, ..Params::default() }
}

fn explore(desk: &Desk, list: &[Params]) {
    assert!(desk.orders.send(Order::Explore(list.iter().cloned().map(Arc::new).collect())).is_ok());
}

fn draw(desk: &Desk, shade: u8) {
    desk.ink.send(Frame::filled(Size::square(8), [shade, 9, 9, 255]));
}

/// A desk whose engine is to paint this sheet, and its jobs. The list comes before the renderer, so that the first picture is its first.
fn exploring(list: &[Params]) -> (Desk, Receiver<Params>) {
    let desk = desk();
    explore(&desk, list);
    let jobs = install_telling(&desk);
    (desk, jobs)
}

/// Whether nothing more is painted.
fn rests(jobs: &Receiver<Params>) -> bool {
    jobs.recv_timeout(Duration::from_millis(300)).is_err()
}

fn install_telling(desk: &Desk) -> Receiver<Params> {
    let (sender, jobs) = unbounded();
    assert!(desk.orders.send(Order::Install(Box::new(|| Box::new(Telling(sender))))).is_ok());
    jobs
}

/// Waits for previews that are as they should be.
fn previews(desk: &Desk, done: impl Fn(&[Preview]) -> bool) -> Vec<Preview> {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "the previews did not come");
        desk.previews.wake().recv_timeout(PATIENCE).unwrap();
        if let Some(list) = desk.previews.take().filter(|list| done(list)) {
            break list;
        }
    }
}

fn shade(preview: &Preview) -> Option<u8> {
    preview.painting.as_ref().ok().map(|frame| frame.pixel(3, 3)[0])
}

fn end(desk: Desk) {
    drop(desk.orders);
    assert!(desk.engine.stop_within(PATIENCE), "the thread did not end");
}

#[test]
fn the_picture_comes_first_and_then_all_others() {
    let (desk, jobs) = exploring(&[params(42), params(43), params(44)]);
    for ink in [10, 200] {
        draw(&desk, ink);
        let found = previews(&desk, |found| found.len() == 3 && found.iter().all(|one| shade(one) == Some(ink)));
        let seeds: Vec<u64> = found.iter().map(|preview| preview.params.seed).collect();
        assert_eq!(seeds, [42, 43, 44]);
        // The picture is that of its own cell, too.
        let painted: Vec<u64> = jobs.try_iter().map(|job| job.seed).collect();
        assert_eq!(painted, [42, 43, 44]);
    }
    explore(&desk, &[]);
    assert!(previews(&desk, <[Preview]>::is_empty).is_empty());
    draw(&desk, 77);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 42);
    assert!(rests(&jobs), "painted what nobody looks at");
    end(desk);
}

#[test]
fn what_was_chosen_is_there_at_once() {
    let (desk, jobs) = exploring(&[params(43), params(44)]);
    draw(&desk, 10);
    previews(&desk, |found| found.len() == 2);
    desk.pictures.take();
    let painted = jobs.try_iter().count();
    let before = Instant::now();
    assert!(desk.orders.send(Order::Params(Arc::new(params(44)), 9)).is_ok());
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    let picture = desk.pictures.take().unwrap();
    assert_eq!((picture.params.seed, picture.revision, painted), (44, 9, 3));
    assert!(picture.stamps.taken >= before, "its latency counts from the choice");
    assert!(!picture.stamps.was_waited_for(), "it was there before, and says nothing of the pen");
    assert!(rests(&jobs), "painted again");
    // Over another drawing it is another picture.
    draw(&desk, 200);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 44);
    end(desk);
}

#[test]
fn a_pause_is_one_for_previews_too() {
    let (desk, jobs) = exploring(&[params(43)]);
    assert!(desk.orders.send(Order::Pause(true)).is_ok());
    draw(&desk, 10);
    assert!(rests(&jobs), "painted in the pause");
    assert!(desk.orders.send(Order::Pause(false)).is_ok());
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 42);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 43);
    end(desk);
}

#[test]
fn what_cannot_be_painted_is_told_in_its_place_and_once() {
    let (desk, jobs) = exploring(&[Params { prompt: "refuse".into(), ..params(1) }, params(2)]);
    draw(&desk, 10);
    let found = previews(&desk, |found| found.len() == 2);
    let notice = found[0].painting.as_ref().unwrap_err();
    assert!(notice.what.contains("the prompt is refuse"), "{notice}");
    assert_eq!(shade(&found[1]), Some(10));
    assert_eq!(jobs.try_iter().count(), 3);
    assert!(rests(&jobs), "tried again");
    end(desk);
}

#[test]
fn a_panic_over_a_preview_is_told_like_any_other() {
    let desk = desk();
    let jobs = install_telling(&desk);
    draw(&desk, 10);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 42);
    explore(&desk, &[Params { prompt: "panic".into(), ..params(1) }]);
    while !matches!(desk.news.recv_timeout(PATIENCE).unwrap(), News::Reload { .. }) {}
    // The next renderer does not break over it again.
    let jobs = install_telling(&desk);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 42);
    assert!(rests(&jobs), "painted again what nobody survives");
    // Another list is painted, and all of it anew by each renderer.
    explore(&desk, &[params(2)]);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 2);
    for _ in 0..2 {
        let jobs = install_telling(&desk);
        assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 42);
        assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 2);
        previews(&desk, |found| found.len() == 1 && found[0].params.seed == 2);
    }
    end(desk);
}

#[test]
fn pictures_that_are_wanted_have_three_quarters_of_the_time() {
    let mut sheet = Sheet::default();
    assert!(!sheet.set(vec![Arc::new(params(1)), Arc::new(params(2))]));
    assert!(!sheet.has_earned(), "a preview came before the first picture");
    let cost = Duration::from_millis(10);
    for turn in 0..2 {
        for _ in 0..2 {
            sheet.note_picture(cost);
            assert!(!sheet.has_earned());
        }
        sheet.note_picture(cost);
        assert!(sheet.has_earned());
        let at = sheet.stale(7 + turn).unwrap();
        assert_eq!(at as u64, turn, "all have their turn, however fast their input changes");
        sheet.put(at, 7 + turn, Err(Notice::info("no picture")), cost);
        assert!(!sheet.has_earned());
    }
    assert_eq!(sheet.stale(9), Some(0), "and then the first one again");
    // One that took longer than pictures do is paid for, too.
    sheet.put(0, 9, Err(Notice::info("no picture")), 2 * cost);
    for painted in 1..=6 {
        sheet.note_picture(cost);
        assert_eq!(sheet.has_earned(), painted == 6, "after {painted} pictures");
    }
    sheet.wait_for_pictures();
    assert!(!sheet.has_earned(), "what was earned before a pause is over");
}

#[test]
fn a_hand_rests_for_as_long_as_a_picture_takes() {
    let mut sheet = Sheet::default();
    // Nothing has passed since an instant that is still to come.
    let now = Instant::now() + Duration::from_secs(60);
    assert_eq!(sheet.rest_left(now), Duration::from_millis(120));
    assert_eq!(sheet.rest_left(Instant::now() - Duration::from_millis(120)), Duration::ZERO);
    sheet.note_picture(Duration::from_millis(900));
    assert_eq!(sheet.rest_left(now), Duration::from_millis(900));
    sheet.note_picture(Duration::from_secs(60));
    assert_eq!(sheet.rest_left(Instant::now() - Duration::from_secs(2)), Duration::ZERO, "not for ever");
}

#[test]
fn what_is_chosen_has_the_parameters_and_the_input_of_the_moment() {
    let mut sheet = Sheet::default();
    sheet.set(vec![Arc::new(params(1))]);
    let frame = Frame::filled(Size::square(8), [9, 9, 9, 255]);
    let job = Job { frame: Some(frame), params: Arc::new(params(1)), revision: 1, stream: false };
    let picture = Mirror.render(&job).unwrap().unwrap();
    sheet.put(0, 1, Ok(picture), Duration::ZERO);
    assert!(sheet.picture(&params(1), 1).is_some());
    assert!(sheet.picture(&params(1), 2).is_none() && sheet.picture(&params(2), 1).is_none());
    assert_eq!(sheet.previews().len(), 1, "it is seen until there is a newer one");
    sheet.forget();
    assert!(sheet.picture(&params(1), 1).is_none() && sheet.previews().is_empty());
}

/// Paints as one that has the other pictures of a stream on their way.
struct Behind(Telling);

impl Render for Behind {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        self.0.render(job)
    }

    fn is_behind(&self) -> bool {
        true
    }
}

#[test]
fn pictures_on_their_way_are_not_let_go_for_previews() {
    let desk = desk();
    explore(&desk, &[params(43)]);
    let (sender, jobs) = unbounded();
    assert!(desk.orders.send(Order::Stream(true)).is_ok());
    assert!(desk.orders.send(Order::Install(Box::new(|| Box::new(Behind(Telling(sender)))))).is_ok());
    draw(&desk, 10);
    std::thread::sleep(Duration::from_millis(400));
    let seeds: Vec<u64> = jobs.try_iter().map(|job| job.seed).collect();
    assert!(!seeds.is_empty() && seeds.iter().all(|seed| *seed == 42), "{:?}", seeds.iter().find(|seed| **seed != 42));
    end(desk);
}

#[test]
fn the_state_tells_previews_from_pictures() {
    let mut state = State::new();
    state.install(Box::new(Mirror));
    state.mixer.set_ink(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    state.sheet.set(vec![Arc::new(params(1))]);
    assert_eq!(state.describe(), LiveState::Live);
    state.begin_picture();
    assert_eq!(state.describe(), LiveState::Exploring);
    state.sheet.set(Vec::new());
    assert_eq!(state.describe(), LiveState::Idle);
}
