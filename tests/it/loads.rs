//! Models that are loaded while another one paints: the newest order wins, and the old model paints on until the new one is
//! there, whatever becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::frame::{Frame, Size};
use afterimage::studio::{Command, EngineSpec, Event, Overlay, Places, Settings, Studio};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

use crate::support::{TempDir, fixtures};

type Test = fn() -> Result<(), Failed>;

const PATIENCE: Duration = Duration::from_secs(60);

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 4] = [
        ("a_newer_load_overtakes_an_older_one", a_newer_load_overtakes_an_older_one),
        ("a_cancelled_load_leaves_the_old_model", a_cancelled_load_leaves_the_old_model),
        ("a_failed_load_leaves_the_old_model", a_failed_load_leaves_the_old_model),
        ("another_executor_takes_over", another_executor_takes_over),
    ];
    all.map(|(name, test)| Trial::test(format!("loads::{name}"), test)).into()
}

struct Bench {
    studio: Studio,
    home: TempDir,
    shade: u8,
}

impl Bench {
    /// With the default model loaded and painting.
    fn new() -> Result<Self, Failed> {
        let home = TempDir::new("loads");
        let mut settings = Settings::default();
        settings.params.size = Size::square(64);
        let studio = Studio::start(&settings, Places::below(home.path().to_owned()), Arc::new(|| ()))?;
        let mut bench = Self { studio, home, shade: 0 };
        match bench.end_of_load()? {
            Event::Loaded(_) => {}
            other => return Err(format!("the default model did not load: {other:?}").into()),
        }
        bench.paints_by("Pebble")?;
        Ok(bench)
    }

    fn load(&mut self, model: ModelSource, executor: &str) {
        let spec = EngineSpec { model, executor: executor.into(), threads: 0 };
        self.studio.send(Command::Load(spec));
    }

    fn end_of_load(&mut self) -> Result<Event, Failed> {
        let ends = |event: &Event| matches!(event, Event::Loaded(_) | Event::LoadFailed(_) | Event::LoadCancelled);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(event) = self.studio.events().into_iter().find(ends) {
                return Ok(event);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("the load does not end".into())
    }

    /// A new drawing is painted, and the model is called `name`.
    fn paints_by(&mut self, name: &str) -> Result<(), Failed> {
        self.shade += 1;
        let [low, high] = [self.shade, 255 - self.shade];
        self.studio.take_picture();
        self.studio.draw(Overlay { frame: Frame::filled(Size::square(64), [low, high, low, 255]) });
        let begun = Instant::now();
        while self.studio.take_picture().is_none() {
            let failed = self.studio.events().into_iter().find(|event| matches!(event, Event::RenderFailed(_)));
            check(failed.is_none(), &format!("{failed:?}"))?;
            check(begun.elapsed() < PATIENCE, "nothing is painted")?;
            std::thread::sleep(Duration::from_millis(1));
        }
        let snapshot = self.studio.snapshot();
        let found = snapshot.model.as_ref().map_or("nobody", |model| &model.name);
        check(snapshot.loading.is_none(), "something is still loading")?;
        check(found == name, &format!("painted by {found}, not by {name}"))
    }
}

fn check(holds: bool, text: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(text.into()) }
}

fn a_newer_load_overtakes_an_older_one() -> Result<(), Failed> {
    let mut bench = Bench::new()?;
    for _ in 0..3 {
        bench.load(ModelSource::Default, "candle");
        bench.load(ModelSource::Default, "cpu-f32");
    }
    bench.load(ModelSource::Dir(fixtures().join("sd15-lcm")), "auto");
    let end = bench.end_of_load()?;
    check(matches!(&end, Event::Loaded(info) if info.name == "sd15-lcm"), &format!("first came {end:?}"))?;
    std::thread::sleep(Duration::from_millis(700));
    let later = bench.studio.events().into_iter().find(|event| matches!(event, Event::Loaded(_)));
    check(later.is_none(), &format!("then came {later:?}"))?;
    bench.paints_by("sd15-lcm")
}

fn a_cancelled_load_leaves_the_old_model() -> Result<(), Failed> {
    let mut bench = Bench::new()?;
    bench.load(ModelSource::Dir(fixtures().join("sd15-lcm")), "auto");
    bench.studio.send(Command::CancelLoad);
    let end = bench.end_of_load()?;
    check(matches!(end, Event::LoadCancelled), &format!("the load ended with {end:?}"))?;
    bench.paints_by("Pebble")
}

fn a_failed_load_leaves_the_old_model() -> Result<(), Failed> {
    let mut bench = Bench::new()?;
    let empty = bench.home.path().join("no-model-here");
    std::fs::create_dir_all(&empty)?;
    for (model, executor, named) in [
        (ModelSource::Dir(empty), "auto", "model_index.json"),
        (ModelSource::Dir("/nowhere/at/all".into()), "auto", "/nowhere/at/all"),
        (ModelSource::Default, "abacus", "abacus"),
    ] {
        bench.load(model, executor);
        match bench.end_of_load()? {
            Event::LoadFailed(notice) => {
                check(notice.what.contains(named), &format!("“{}” does not name {named}", notice.what))?;
                check(!notice.remedy.is_empty(), "no remedy")?;
            }
            other => return Err(format!("the load ended with {other:?}").into()),
        }
        bench.paints_by("Pebble")?;
    }
    Ok(())
}

fn another_executor_takes_over() -> Result<(), Failed> {
    let mut bench = Bench::new()?;
    bench.load(ModelSource::Default, "candle");
    bench.end_of_load()?;
    bench.paints_by("Pebble")?;
    let executor = bench.studio.snapshot().model.as_ref().map(|model| model.executor.clone()).unwrap_or_default();
    check(executor.contains("candle"), &format!("painted by {executor}"))
}
