//! Inputs that come faster than pictures: each is painted or counted as dropped, and none is lost from the count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use afterimage::capture::SourceSpec;
use afterimage::engine::{EngineError, Job, Params, Picture, Render, StageTimes, Stamps};
use afterimage::frame::{Frame, Size};
use afterimage::studio::{Command, Overlay, Places, Settings, Snapshot, SourceState, Studio};
use libtest_mimic::{Failed, Trial};

use crate::support::{TempDir, tiny_model};

const PATIENCE: Duration = Duration::from_secs(10);
/// Inputs that may be on their way while others come: one in each slot, one that the engine has just taken out of each.
const ON_THE_WAY: u64 = 4;

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

/// Takes its time and counts.
struct Slow {
    time: Duration,
    painted: Arc<AtomicU64>,
}

impl Render for Slow {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        self.painted.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(self.time);
        let frame = job.frame.clone().unwrap();
        let stamps = Stamps { taken: frame.taken, started: frame.taken, done: Instant::now() };
        let (input_id, revision, params) = (frame.id, job.revision, job.params.clone());
        Ok(Some(Picture { input_id, frame, revision, params, stamps, stages: StageTimes::default(), painter: None }))
    }
}

struct Bench {
    studio: Studio,
    painted: Arc<AtomicU64>,
    _home: TempDir,
}

impl Bench {
    fn new(time: Duration) -> Result<Self, Failed> {
        let home = TempDir::new("drops");
        let painted = Arc::new(AtomicU64::new(0));
        let info = tiny_model("Slow");
        let params = Params { size: Size::square(8), ..Params::default() };
        let settings = Settings { params, ..Settings::default() };
        let render = Box::new(Slow { time, painted: painted.clone() });
        let places = Places::below(home.path().to_owned());
        Ok(Self {
            studio: Studio::with_render(&settings, places, render, info, Arc::new(|| {}))?,
            painted,
            _home: home,
        })
    }

    fn draw(&mut self) {
        self.studio.draw(Overlay { frame: Frame::filled(Size::square(8), [9, 9, 9, 255]) });
    }

    /// The numbers of now; at no time more ends than inputs, or more on the way than there are places.
    fn look(&mut self) -> Result<Snapshot, Failed> {
        self.studio.events();
        self.studio.take_picture();
        let now = self.studio.snapshot().clone();
        let ended = now.painted + now.dropped;
        if ended > now.inputs || now.inputs - ended > ON_THE_WAY {
            return Err(format!("{} inputs, {} painted, {} dropped", now.inputs, now.painted, now.dropped).into());
        }
        Ok(now)
    }

    fn look_for(&mut self, time: Duration) -> Outcome {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.look()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Waits for `done`, looking all the while.
    fn until(&mut self, what: &str, done: impl Fn(&Snapshot) -> bool) -> Result<Snapshot, Failed> {
        let begun = Instant::now();
        loop {
            let now = self.look()?;
            if done(&now) {
                return Ok(now);
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("waited in vain for {what}: {now:?}").into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The numbers when nothing is on its way any more.
    fn at_rest(&mut self) -> Result<Snapshot, Failed> {
        self.until("the last input", |now| now.inputs == now.painted + now.dropped)
    }
}

fn holds(holds: bool, otherwise: impl std::fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.to_string().into()) }
}

fn a_fast_pen() -> Outcome {
    let mut bench = Bench::new(Duration::from_millis(7))?;
    for _ in 0..1500 {
        bench.draw();
        bench.look()?;
        std::thread::sleep(Duration::from_micros(200));
    }
    let end = bench.at_rest()?;
    let painted = bench.painted.load(Ordering::Relaxed);
    holds(end.inputs == 1500, format!("{} inputs instead of 1500", end.inputs))?;
    holds(end.painted == painted, format!("{} counted as painted, {painted} painted", end.painted))?;
    holds(end.dropped > 1000, format!("only {} dropped: the engine was not too slow", end.dropped))
}

fn a_fast_source() -> Outcome {
    let mut bench = Bench::new(Duration::from_millis(120))?;
    bench.studio.send(Command::SetSource(SourceSpec::Pattern));
    bench.look_for(Duration::from_secs(2))?;
    bench.studio.send(Command::SetSource(SourceSpec::Drawing));
    bench.until("the end of the source", |now| now.source == SourceState::Drawing)?;
    let end = bench.at_rest()?;
    let painted = bench.painted.load(Ordering::Relaxed);
    holds(end.painted == painted, format!("{} counted as painted, {painted} painted", end.painted))?;
    holds(end.inputs > 30 && end.dropped > end.painted, format!("the source was not too fast: {end:?}"))
}

/// A source that is opened and closed all the time: its beginnings and ends are no inputs.
fn sources_that_come_and_go() -> Outcome {
    let mut bench = Bench::new(Duration::from_millis(50))?;
    for _ in 0..6 {
        bench.studio.send(Command::SetSource(SourceSpec::Pattern));
        bench.look_for(Duration::from_millis(150))?;
        bench.studio.send(Command::SetSource(SourceSpec::Drawing));
        bench.draw();
        bench.look_for(Duration::from_millis(20))?;
    }
    bench.until("the end of the source", |now| now.source == SourceState::Drawing)?;
    let end = bench.at_rest()?;
    bench.look_for(Duration::from_millis(200))?;
    let later = bench.look()?;
    holds((later.inputs, later.dropped) == (end.inputs, end.dropped), "it goes on counting")?;
    // Ink and source frame may be in one picture.
    let painted = bench.painted.load(Ordering::Relaxed);
    holds((painted..=2 * painted).contains(&end.painted), format!("{} counted, {painted} pictures", end.painted))
}

fn what_comes_in_a_pause_is_passed_over() -> Outcome {
    let mut bench = Bench::new(Duration::ZERO)?;
    bench.studio.send(Command::Pause(true));
    for _ in 0..10 {
        bench.draw();
        bench.look_for(Duration::from_millis(20))?;
    }
    let paused = bench.look()?;
    let counts = (paused.inputs, paused.painted, paused.dropped);
    holds(counts == (10, 0, 9), format!("paused: {counts:?} inputs, painted, dropped"))?;
    bench.studio.send(Command::Pause(false));
    let end = bench.at_rest()?;
    let counts = (end.inputs, end.painted, end.dropped);
    holds(counts == (10, 1, 9), format!("after the pause: {counts:?} inputs, painted, dropped"))
}

pub fn tests() -> Vec<Trial> {
    let tests: [(&str, Test); 4] = [
        ("a_fast_pen", a_fast_pen),
        ("a_fast_source", a_fast_source),
        ("sources_that_come_and_go", sources_that_come_and_go),
        ("what_comes_in_a_pause_is_passed_over", what_comes_in_a_pause_is_passed_over),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("drops::{name}"), run)).collect()
}
