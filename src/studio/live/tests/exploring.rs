//! The contact sheet: when it is painted, what stays, and what is chosen from it.

use super::super::sheet::Sheet;
use super::*;
use crate::exec::ExecError;

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

fn order(desk: &Desk, order: Order) {
    assert!(desk.orders.send(order).is_ok());
}

/// The picture that is there when this seed is chosen.
fn choose(desk: &Desk, seed: u64) -> Picture {
    desk.pictures.take();
    order(desk, Order::Params(Arc::new(params(seed)), 9));
    desk.pictures.wake().recv_timeout(PATIENCE).unwrap();
    desk.pictures.take().unwrap()
}

fn explore(desk: &Desk, list: &[Params]) {
    order(desk, Order::Explore(list.iter().cloned().map(Arc::new).collect()));
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
    order(desk, Order::Install(Box::new(|| Box::new(Telling(sender)))));
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
    preview.painting.as_ref().ok().map(|picture| picture.frame.pixel(3, 3)[0])
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
    let painted = jobs.try_iter().count();
    let before = Instant::now();
    let picture = choose(&desk, 44);
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
    order(&desk, Order::Pause(true));
    draw(&desk, 10);
    assert!(rests(&jobs), "painted in the pause");
    order(&desk, Order::Pause(false));
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 42);
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 43);
    end(desk);
}

#[test]
fn a_choice_in_a_pause_is_seen_at_once() {
    let (desk, jobs) = exploring(&[params(43), params(44)]);
    draw(&desk, 10);
    previews(&desk, |found| found.len() == 2);
    order(&desk, Order::Pause(true));
    // What was drawn meanwhile is seen when painting goes on.
    draw(&desk, 200);
    std::thread::sleep(Duration::from_millis(50));
    jobs.try_iter().for_each(drop);
    let picture = choose(&desk, 44);
    assert_eq!((picture.params.seed, picture.frame.pixel(3, 3)[0]), (44, 10));
    assert!(rests(&jobs), "painted in the pause");
    order(&desk, Order::Pause(false));
    assert_eq!(jobs.recv_timeout(PATIENCE).unwrap().seed, 44);
    end(desk);
}

#[test]
fn who_looks_elsewhere_and_comes_back_finds_all_there() {
    let (desk, jobs) = exploring(&[params(43), params(44)]);
    draw(&desk, 10);
    previews(&desk, |found| found.len() == 2);
    explore(&desk, &[params(45)]);
    previews(&desk, |found| found.len() == 1);
    explore(&desk, &[]);
    // The picture itself is one of them, too.
    explore(&desk, &[params(43), params(42), params(44)]);
    let found = previews(&desk, |found| found.len() == 3);
    assert!(found.iter().all(|one| shade(one) == Some(10) && !one.is_old));
    assert_eq!(jobs.try_iter().map(|job| job.seed).collect::<Vec<_>>(), [42, 43, 44, 45]);
    assert!(rests(&jobs), "painted again");
    end(desk);
}

#[test]
fn a_dream_and_new_ink_come_before_a_choice() {
    let mut state = State::new(latest().0);
    state.install(Box::new(Mirror));
    state.mixer.set_ink(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    let picture = Mirror.render(&Job::new(state.mixer.mix(Size::square(8)), params(43), 1)).unwrap().unwrap();
    state.sheet.put_same(state.mixer.version(), &picture);
    state.set_params(Arc::new(params(43)), 2);
    state.dream = true;
    assert!(state.take_from_sheet().is_none(), "a dream goes on to other seeds");
    state.dream = false;
    state.mixer.set_ink(Frame::filled(Size::square(8), [8, 8, 8, 255]));
    assert!(state.take_from_sheet().is_none(), "it is of an earlier drawing");
}

/// Takes as long for previews as anybody waits.
struct Slow(Sender<u64>);

impl Render for Slow {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        self.0.send(job.params.seed).ok();
        let begun = Instant::now();
        while job.params.seed != 42 && begun.elapsed() < 3 * PATIENCE {
            if job.patience.is_over() {
                return Err(ExecError::GivenUp.into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Mirror.render(job)
    }
}

#[test]
fn a_preview_gives_way_to_the_hand_and_is_tried_again() {
    let desk = desk();
    explore(&desk, &[params(43), params(44)]);
    let (sender, jobs) = unbounded();
    order(&desk, Order::Install(Box::new(|| Box::new(Slow(sender)))));
    let next = || jobs.recv_timeout(PATIENCE / 2).unwrap();
    for ink in [10, 20] {
        draw(&desk, ink);
        assert_eq!([next(), next()], [42, 43]);
    }
    order(&desk, Order::Params(Arc::new(Params { strength: 0.9, ..params(42) }), 2));
    assert_eq!([next(), next()], [42, 43]);
    // A source that goes on all the time is no hand.
    desk.base.send(Some(Frame::filled(Size::square(8), [1, 2, 3, 255])));
    assert!(jobs.recv_timeout(Duration::from_millis(300)).is_err(), "the source was not waited for");
    let told: Vec<Preview> = desk.previews.take().unwrap_or_default();
    assert!(told.iter().all(|preview| preview.painting.is_ok()), "giving up is no failure");
    // Nor does the end of the program wait for a preview.
    end(desk);
}

#[test]
fn what_is_of_an_earlier_drawing_is_told_where_painting_takes_long() {
    let mut sheet = Sheet::default();
    sheet.set(vec![Arc::new(params(1))]);
    for (cost, is_old) in [(10, false), (900, true)] {
        sheet.put(0, 1, Err(Notice::info("no picture")), Duration::from_millis(cost));
        assert_eq!(sheet.previews(Some(2))[0].is_old, is_old, "{cost} ms");
        assert!(!sheet.previews(Some(1))[0].is_old);
    }
    let mut state = State::new(latest().0);
    state.sheet = sheet;
    state.mixer.set_ink(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    state.mixer.set_ink(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    assert!(state.previews()[0].is_old);
    state.mixer.set_base(Some(Frame::filled(Size::square(8), [9, 9, 9, 255])));
    assert!(!state.previews()[0].is_old, "a source makes all old before it is seen");
}

#[test]
fn what_is_kept_beside_the_sheet_is_new_and_not_too_much() {
    let mut sheet = Sheet::default();
    sheet.set(vec![Arc::new(params(1))]);
    let picture = |seed: u64, side: u32| {
        let job = Job::new(Some(Frame::filled(Size::square(side), [9; 4])), params(seed), 1);
        Mirror.render(&job).unwrap().unwrap()
    };
    let held = |sheet: &Sheet| (1..200).filter(|seed| sheet.picture(&params(*seed)).is_some()).count();
    (1..100).for_each(|seed| assert_eq!(sheet.put_same(7, &picture(seed, 8)), seed == 1));
    assert_eq!(held(&sheet), 33, "the listed one, and the last of the others");
    assert!(sheet.picture(&params(99)).is_some() && sheet.picture(&params(60)).is_none());
    (1..=20).for_each(|seed| _ = sheet.put_same(7, &picture(100 + seed, 1024)));
    assert_eq!(held(&sheet), 1 + 8, "4 MB each");
    let drawing = Frame::filled(Size::square(8), [9; 4]);
    [7, 8].into_iter().for_each(|input| sheet.note_input(input, Some(&drawing)));
    sheet.put_same(8, &picture(150, 8));
    assert_eq!(held(&sheet), 2, "the others are of another drawing");
    assert_eq!(
        [6, 7, 8].map(|input| sheet.input(input).is_some()),
        [false, true, true],
        "what is there has its drawing"
    );
    sheet.put(0, 8, Err(Notice::info("no picture")), Duration::ZERO);
    assert!(sheet.input(7).is_none(), "nothing is left of it");
    // What failed is tried again by whoever comes back.
    assert_eq!(sheet.previews(Some(8)).len(), 1);
    sheet.set(Vec::new());
    assert!(!sheet.set(vec![Arc::new(params(1))]) && sheet.stale(8) == Some(0));
}

#[test]
fn what_is_seen_is_not_taken_away_for_nothing() {
    let mut sheet = Sheet::default();
    sheet.set(vec![Arc::new(params(1))]);
    sheet.put(0, 1, Err(Notice::info("no picture")), Duration::from_millis(900));
    assert!(sheet.shows_age());
    // Other numbers: nothing of them is painted, and what was there before is seen until then.
    sheet.set(vec![Arc::new(params(2))]);
    assert!(!sheet.shows_age() && sheet.previews(Some(1)).is_empty());
}

#[test]
fn a_dream_goes_through_the_seed_that_is_chosen() {
    let mut state = State::new(latest().0);
    let frame = Frame::filled(Size::square(8), [9, 9, 9, 255]);
    let next = |state: &mut State| state.job(frame.clone()).params.seed;
    state.set_params(Arc::new(params(5)), 1);
    assert_eq!(next(&mut state), 5);
    state.dream = true;
    assert_eq!([next(&mut state), next(&mut state)], [6, 7]);
    state.set_params(Arc::new(params(100)), 2);
    assert_eq!([next(&mut state), next(&mut state)], [100, 101]);
    state.set_params(Arc::new(Params { strength: 0.9, ..params(100) }), 3);
    assert_eq!(next(&mut state), 102, "another strength does not take it back");
    // One that the sheet had is one that was seen.
    state.dream = false;
    state.install(Box::new(Mirror));
    state.mixer.set_ink(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    let picture = Mirror.render(&Job::new(state.mixer.mix(Size::square(8)), params(7), 1)).unwrap().unwrap();
    state.sheet.put_same(state.mixer.version(), &picture);
    state.set_params(Arc::new(params(7)), 4);
    assert!(state.take_from_sheet().is_some());
    state.dream = true;
    assert_eq!(next(&mut state), 8);
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
    let job = Job::new(Some(frame), params(1), 1);
    let picture = Mirror.render(&job).unwrap().unwrap();
    sheet.put(0, 1, Ok(picture), Duration::ZERO);
    let inputs = |sheet: &Sheet, seed| sheet.picture(&params(seed)).map(|(_, input)| input);
    assert_eq!((inputs(&sheet, 1), inputs(&sheet, 2)), (Some(1), None));
    assert_eq!(sheet.previews(Some(2)).len(), 1, "it is seen until there is a newer one");
    sheet.forget();
    assert!(inputs(&sheet, 1).is_none() && sheet.previews(Some(1)).is_empty());
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
    order(&desk, Order::Stream(true));
    order(&desk, Order::Install(Box::new(|| Box::new(Behind(Telling(sender))))));
    draw(&desk, 10);
    std::thread::sleep(Duration::from_millis(400));
    let seeds: Vec<u64> = jobs.try_iter().map(|job| job.seed).collect();
    assert!(!seeds.is_empty() && seeds.iter().all(|seed| *seed == 42), "{:?}", seeds.iter().find(|seed| **seed != 42));
    end(desk);
}

#[test]
fn the_state_tells_previews_from_pictures() {
    let mut state = State::new(latest().0);
    state.install(Box::new(Mirror));
    state.mixer.set_ink(Frame::filled(Size::square(8), [9, 9, 9, 255]));
    state.sheet.set(vec![Arc::new(params(1))]);
    assert_eq!(state.describe(), LiveState::Live);
    state.begin_picture();
    assert_eq!(state.describe(), LiveState::Exploring);
    state.sheet.set(Vec::new());
    assert_eq!(state.describe(), LiveState::Idle);
}
