//! Models that are loaded while another one paints: the newest order wins, the present model paints on until the new one
//! is there, and a load that comes to nothing changes nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::engine::{self, Engine, EngineError, Job, Params, Picture, Render, StageTimes, Stamps};
use afterimage::frame::{Frame, Size};
use afterimage::studio::{Command, EngineSpec, Event, GuidanceWay, ModelInfo, Overlay, Places, Settings, Studio};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

use crate::gate::Gate;
use crate::support::{TempDir, copy, edit, fixtures};

const PATIENCE: Duration = Duration::from_secs(20);
const SIZE: Size = Size::square(64);
const OLDER: &str = "sd15-lcm";

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

/// The model that paints first: everything in one colour.
struct Present;

const PRESENT: [u8; 4] = [1, 2, 3, 255];

impl Render for Present {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        let frame = Frame::filled(SIZE, PRESENT);
        let stamps = Stamps { taken: frame.taken, started: Instant::now(), done: Instant::now() };
        let (revision, params, stages) = (job.revision, job.params.clone(), StageTimes::default());
        Ok(Some(Picture { frame, input_id: 0, revision, params, stamps, stages, painter: None }))
    }
}

fn params() -> Params {
    Params { prompt: "a red house".into(), size: SIZE, ..Params::default() }
}

fn drawing() -> Frame {
    Frame::filled(SIZE, [200, 30, 30, 255])
}

/// The older model with an autoencoder that takes its numbers for others: what it paints looks different.
fn newer() -> TempDir {
    let dir = copy(OLDER);
    edit(&dir.path().join("vae/config.json"), "\"scaling_factor\": 0.18215", "\"scaling_factor\": 0.5");
    dir
}

/// What the model in `folder` makes of the drawing.
fn painted_by(folder: &Path) -> Vec<u8> {
    let source = ModelSource::Dir(folder.to_owned());
    let mut engine = Engine::new(engine::load(&source, "auto", 0, None, &mut |_, _| true).unwrap());
    let job = Job::new(Some(drawing()), params(), 1);
    engine.render(&job).unwrap().unwrap().frame.pixels().to_vec()
}

fn name_of(dir: &TempDir) -> &str {
    dir.path().file_name().unwrap().to_str().unwrap()
}

/// A studio, what it told, and the pictures it showed.
struct Bench {
    studio: Studio,
    gate: Gate,
    events: Vec<Event>,
    shown: Vec<Frame>,
    _home: TempDir,
}

impl Bench {
    /// With the present model painting.
    fn new() -> Result<Self, Failed> {
        let home = TempDir::new("loading");
        let gate = Gate::default();
        let theirs = gate.clone();
        let info = ModelInfo {
            name: "Present".into(),
            source: ModelSource::Default,
            card: None,
            size: SIZE,
            multiple: 8,
            guidance: GuidanceWay::Embedded,
            executor: "none".into(),
            bytes: 0,
        };
        let settings = Settings { params: params(), ..Settings::default() };
        let places = Places::below(home.path().to_owned());
        let wake = Arc::new(move || theirs.pass());
        let studio = Studio::with_render(&settings, places, Box::new(Present), info, wake)?;
        let mut bench = Self { studio, gate, events: Vec::new(), shown: Vec::new(), _home: home };
        bench.paints_on("before any load")?;
        bench.events.clear();
        Ok(bench)
    }

    fn load(&mut self, folder: &Path) {
        let model = ModelSource::Dir(folder.to_owned());
        self.studio.send(Command::Load(EngineSpec { model, ..EngineSpec::default() }));
    }

    fn turn(&mut self) {
        self.events.extend(self.studio.events());
        self.shown.extend(self.studio.take_picture().map(|picture| picture.frame));
        std::thread::sleep(Duration::from_millis(1));
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Outcome {
        let begun = Instant::now();
        while !done(self) {
            if begun.elapsed() > PATIENCE {
                return Err(format!("waited in vain for {what}; told {:?}", self.events).into());
            }
            self.turn();
        }
        Ok(())
    }

    /// Lets time pass in which nothing should happen.
    fn rest(&mut self) {
        (0..200).for_each(|_| self.turn());
    }

    /// A new drawing becomes a picture, and by the present model.
    fn paints_on(&mut self, when: &str) -> Outcome {
        self.shown.clear();
        self.studio.draw(Overlay { frame: drawing() });
        self.until(&format!("a picture {when}"), |bench| !bench.shown.is_empty())?;
        holds(self.only_shows(&[]), &format!("another model painted {when}"))
    }

    /// Whether all pictures since the last clearing are of the present model or one of `others`.
    fn only_shows(&self, others: &[&Vec<u8>]) -> bool {
        self.shown.iter().all(|frame| frame.pixel(0, 0) == PRESENT || others.iter().any(|o| *o == frame.pixels()))
    }

    fn model(&self) -> &str {
        self.studio.snapshot().model.as_ref().map_or("none", |model| model.name.as_str())
    }

    /// The names of the models that were told to be loaded.
    fn loaded(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for event in &self.events {
            if let Event::Loaded(info) = event {
                names.push(info.name.as_str());
            }
        }
        names
    }

    fn cancelled(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::LoadCancelled))
    }
}

fn a_newer_load_wins() -> Outcome {
    let dir = newer();
    let newer = painted_by(dir.path());
    let mut bench = Bench::new()?;
    bench.gate.close();
    bench.load(&fixtures().join(OLDER));
    bench.until("the older load to begin", |bench| !bench.events.is_empty())?;
    bench.paints_on("while the older model is loaded")?;
    bench.load(dir.path());
    bench.until("a picture of the newer model", |bench| bench.shown.iter().any(|frame| frame.pixels() == newer))?;
    bench.gate.open();
    bench.until("the end of both loads", |bench| bench.gate.ended() == 2)?;
    bench.rest();
    same(bench.loaded(), vec![name_of(&dir)])?;
    same((bench.model(), bench.studio.snapshot().loading.is_none()), (name_of(&dir), true))?;
    holds(bench.only_shows(&[&newer]), "the older model was seen")
}

/// The older model is there, but the user chose another one before it was heard of.
fn a_finished_load_can_be_overtaken() -> Outcome {
    let dir = newer();
    let newer = painted_by(dir.path());
    let mut bench = Bench::new()?;
    bench.load(&fixtures().join(OLDER));
    let begun = Instant::now();
    while bench.gate.ended() == 0 && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    bench.load(dir.path());
    bench.turn();
    holds(bench.studio.snapshot().loading.is_some(), "the older load ended the newer one's progress")?;
    bench.until("a picture of the newer model", |bench| bench.shown.iter().any(|frame| frame.pixels() == newer))?;
    bench.rest();
    same(bench.loaded(), vec![name_of(&dir)])?;
    holds(bench.only_shows(&[&newer]), "the older model was seen")
}

/// The settings name another executor: the same model is loaded for it.
fn another_executor_takes_over() -> Outcome {
    let mut bench = Bench::new()?;
    let model = ModelSource::Dir(fixtures().join(OLDER));
    bench.studio.send(Command::Load(EngineSpec { model, executor: "candle".into(), threads: 1 }));
    bench.until("the model", |bench| bench.loaded() == [OLDER])?;
    let executor = bench.studio.snapshot().model.as_ref().map(|model| model.executor.clone());
    holds(executor.is_some_and(|name| name.contains("candle") && name.contains("1 thread")), "painted by another")
}

/// A GPU that is not there is told as that, so that a window can go on without.
fn a_missing_gpu_is_told() -> Outcome {
    let mut bench = Bench::new()?;
    let model = ModelSource::Dir(fixtures().join(OLDER));
    bench.studio.send(Command::Load(EngineSpec { model, executor: "cuda".into(), threads: 1 }));
    // A machine with a GPU loads it.
    let said = |bench: &Bench| bench.events.iter().any(|event| matches!(event, Event::NoDevice(_)));
    bench.until("the model, or the word that there is no GPU", |bench| said(bench) || bench.loaded() == [OLDER])?;
    if said(&bench) { bench.paints_on("after no GPU was found") } else { Ok(()) }
}

/// The disk does not answer, and the user need not wait for it.
fn a_cancelled_load_changes_nothing() -> Outcome {
    let mut bench = Bench::new()?;
    bench.gate.close();
    bench.load(&fixtures().join(OLDER));
    bench.until("the load to begin", |bench| !bench.events.is_empty())?;
    bench.studio.send(Command::CancelLoad);
    bench.until("the word that it was cancelled", Bench::cancelled)?;
    same((bench.model(), bench.studio.snapshot().loading.clone()), ("Present", None))?;
    bench.paints_on("after the load was cancelled")?;
    bench.gate.open();
    bench.until("the end of the load", |bench| bench.gate.ended() == 1)?;
    bench.rest();
    same((bench.loaded(), bench.model()), (vec![], "Present"))?;
    holds(bench.only_shows(&[]), "the cancelled model was seen")?;
    let told = bench.events.len();
    bench.studio.send(Command::CancelLoad);
    bench.rest();
    same(bench.events.len(), told)?;
    bench.load(&fixtures().join(OLDER));
    bench.until("the same model, chosen again", |bench| bench.model() == OLDER)
}

fn a_broken_folder_is_named_and_the_present_model_paints_on() -> Outcome {
    let empty = TempDir::new("no-model");
    let gone = empty.path().join("gone");
    for (folder, words) in [(fixtures().join("taesd"), "taesd"), (gone, "gone")] {
        let mut bench = Bench::new()?;
        bench.load(&folder);
        let failure = |bench: &Bench| {
            bench.events.iter().find_map(|event| match event {
                Event::LoadFailed(notice) => Some(notice.clone()),
                _ => None,
            })
        };
        bench.until("the failure", |bench| failure(bench).is_some())?;
        let notice = failure(&bench).ok_or("no failure")?;
        holds(notice.what.contains(words) && !notice.remedy.is_empty(), &format!("{notice:?} says nothing"))?;
        same((bench.model(), bench.studio.snapshot().loading.clone()), ("Present", None))?;
        bench.paints_on("after a load failed")?;
    }
    Ok(())
}

fn holds(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}").into()) }
}

pub fn tests() -> Vec<Trial> {
    let tests: [(&str, Test); 6] = [
        ("a_missing_gpu_is_told", a_missing_gpu_is_told),
        ("a_newer_load_wins", a_newer_load_wins),
        ("a_finished_load_can_be_overtaken", a_finished_load_can_be_overtaken),
        ("a_cancelled_load_changes_nothing", a_cancelled_load_changes_nothing),
        ("another_executor_takes_over", another_executor_takes_over),
        (
            "a_broken_folder_is_named_and_the_present_model_paints_on",
            a_broken_folder_is_named_and_the_present_model_paints_on,
        ),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("loading::{name}"), run)).collect()
}
