//! A GPU without room: for a model beside the one that paints, for a model at all, and one whose driver says nothing and takes
//! the computer's memory instead.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::engine::Params;
use afterimage::frame::{Frame, Size};
use afterimage::studio::{Command as Order, EngineSpec, Event, Overlay, Places, Settings, Studio};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

use crate::scenes::{Folder, paint_with, refused, root};

/// Says that this program shall paint with two models, one after the other, and which executor shall paint the second. A word
/// behind it asks for the default model then, which is larger.
pub const SCENE: &str = "AFTERIMAGE_ROOM_SCENE";
/// Where to.
const HOME: &str = "AFTERIMAGE_ROOM_HOME";

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

const SMALL: &str = "tests/fixtures/sd15-lcm";
const SIZE: Size = Size::square(64);
const PATIENCE: Duration = Duration::from_secs(240);
/// Bytes of a GPU's memory that the small model fits into, but not twice, and the default model not at all.
const MEMORY: (&str, &str) = ("FAKECUDA_MEMORY", "7000000");
/// Enough for both side by side.
const PLENTY: (&str, &str) = ("FAKECUDA_MEMORY", "1000000000");

/// A line of what happens.
#[expect(clippy::print_stdout, reason = "whoever started this program reads it")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

/// A studio that says on the standard output what happens.
struct Stage(Studio);

impl Stage {
    /// Until one of the events is the one that is waited for.
    fn until(&mut self, done: impl Fn(&Event) -> bool) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "waited in vain");
            let events = self.0.events();
            for event in &events {
                match event {
                    Event::Loaded(info) => say(format!("{} is painted by {}", info.name, info.executor)),
                    Event::Notice(notice) => say(format!("told: {notice}")),
                    Event::NoDevice(notice) => say(format!("no device: {notice}")),
                    Event::Loading { .. } | Event::Source(_) => {}
                    event => say(format!("{event:?}")),
                }
            }
            if events.iter().any(&done) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn paint(&mut self) {
        self.0.draw(Overlay { frame: Frame::filled(SIZE, [200, 30, 30, 255]) });
        let begun = Instant::now();
        while self.0.take_picture().is_none() {
            assert!(begun.elapsed() < PATIENCE, "no picture came; told {:?}", self.0.events());
            std::thread::sleep(Duration::from_millis(2));
        }
        say("a picture");
    }
}

/// Paints with the small model on the GPU, then with another.
pub fn play() {
    env_logger::init();
    let word = std::env::var(SCENE).unwrap();
    let model = ModelSource::Dir(root().join(SMALL));
    let params = Params { prompt: "a fox".into(), size: SIZE, ..Params::default() };
    let settings = Settings { model, threads: 1, params, ..Settings::default() };
    let places = Places::below(Path::new(&std::env::var_os(HOME).unwrap()).to_owned());
    let mut stage = Stage(Studio::start(&settings, places, Arc::new(|| ())).unwrap());
    stage.until(|event| matches!(event, Event::Loaded(_)));
    stage.paint();
    let spec = match word.split_once(' ') {
        Some((executor, _)) => EngineSpec { model: ModelSource::Default, executor: executor.into(), threads: 1 },
        None => EngineSpec { executor: word, ..EngineSpec::of(&settings) },
    };
    stage.0.send(Order::Load(spec));
    stage.until(|event| matches!(event, Event::Loaded(_)));
    stage.paint();
}

/// What was said, line by line.
fn said(name: &str, word: &str, memory: (&str, &str)) -> Result<Vec<String>, Failed> {
    let folder = Folder::new(&format!("room-{name}"));
    let mut program = Command::new(std::env::current_exe()?);
    program.env(SCENE, word).env(HOME, &folder.0).envs([memory]).stdin(Stdio::null());
    let output = program.output()?;
    let lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    if output.status.success() {
        return Ok(lines);
    }
    Err(format!("{}: {lines:#?} {}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// The lines begin and go on with these words, each of which is several that one line has.
fn lines(found: &[String], expected: &[&[&str]]) -> Outcome {
    let fits = |(line, words): (&String, &&[&str])| words.iter().all(|word| line.contains(word));
    let same = found.len() == expected.len() && found.iter().zip(expected).all(fits);
    if same { Ok(()) } else { Err(format!("{found:#?} instead of {expected:#?}").into()) }
}

const FIRST: &[&str] = &["sd15-lcm is painted by", "CUDA"];
const PICTURE: &[&str] = &["a picture"];
const MAKES_ROOM: &[&str] = &["told: ", "has no room", "makes room"];

fn models_side_by_side() -> Outcome {
    lines(&said("plenty", "auto", PLENTY)?, &[FIRST, PICTURE, FIRST, PICTURE])
}

fn the_model_before_makes_room() -> Outcome {
    for executor in ["auto", "cuda"] {
        lines(&said(executor, executor, MEMORY)?, &[FIRST, PICTURE, MAKES_ROOM, FIRST, PICTURE])?;
    }
    Ok(())
}

/// Nobody asked for the GPU, so the CPU paints, and that is told.
fn a_model_that_is_too_large_is_for_the_cpu() -> Outcome {
    let instead: &[&str] = &["told: ", "has no room", "the CPU paints instead"];
    lines(
        &said("large", "auto large", MEMORY)?,
        &[FIRST, PICTURE, MAKES_ROOM, instead, &["is painted by CPU"], PICTURE],
    )
}

/// Somebody asked for the GPU: the model that made room in vain is loaded again.
fn a_model_that_made_room_in_vain_comes_back() -> Outcome {
    let no_device: &[&str] = &["no device: ", "has no room", "smaller picture or model"];
    lines(&said("vain", "cuda large", MEMORY)?, &[FIRST, PICTURE, MAKES_ROOM, no_device, FIRST, PICTURE])
}

/// Some systems give the GPU the computer's memory without a word where its own is full, and pictures take a hundred times as long.
fn the_computers_memory_is_not_taken_for_it() -> Outcome {
    let folder = Folder::new("room-pages");
    let paint = |memory| {
        paint_with(&folder, (&root().join(SMALL), &[]), "cuda", &[("FAKECUDA_PAGES", "1"), ("FAKECUDA_MEMORY", memory)])
    };
    for memory in ["100000", "1000000", "3000000"] {
        refused(&paint(memory)?, &["has no room for", "are needed", "are free", "smaller picture"])?;
    }
    let enough = paint(MEMORY.1)?;
    if enough.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&enough.stderr).into_owned().into()) }
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 5] = [
        ("models_side_by_side", models_side_by_side),
        ("the_model_before_makes_room", the_model_before_makes_room),
        ("a_model_that_is_too_large_is_for_the_cpu", a_model_that_is_too_large_is_for_the_cpu),
        ("a_model_that_made_room_in_vain_comes_back", a_model_that_made_room_in_vain_comes_back),
        ("the_computers_memory_is_not_taken_for_it", the_computers_memory_is_not_taken_for_it),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("room::{name}"), test)).collect()
}
