//! The live loop with a renderer whose every move is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use afterimage::engine::{EngineError, Job, Params, Picture, Render, StageTimes, Stamps};
use afterimage::exec::ExecError;
use afterimage::flow::channel::{Receiver, Sender, unbounded};
use afterimage::frame::{Frame, Size};
use afterimage::studio::{
    Command, Event, LiveState, NoticeKind, Overlay, Places, RecordingSettings, Settings, Studio, ViewMode,
};
use libtest_mimic::{Failed, Trial};

use crate::support::{TempDir, tiny_model};

const PATIENCE: Duration = Duration::from_secs(10);

/// Paints what `paint` says and tells of every job.
struct Scripted<F> {
    paint: F,
    jobs: Sender<Job>,
}

impl<F: FnMut(u32, &Job) -> Result<(), EngineError> + Send> Render for Scripted<F> {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let started = Instant::now();
        self.jobs.send(job.clone()).ok();
        (self.paint)(COUNT.fetch_add(1, Ordering::Relaxed), job)?;
        let frame = job.frame.clone().unwrap();
        let stamps = Stamps { taken: frame.taken, started, done: Instant::now() };
        Ok(Some(Picture {
            input_id: frame.id,
            frame,
            revision: job.revision,
            params: job.params.clone(),
            stamps,
            stages: StageTimes::default(),
            painter: None,
        }))
    }
}

struct Bench {
    studio: Studio,
    jobs: Receiver<Job>,
    events: Vec<Event>,
    /// How often the studio asked its owner to look.
    wakes: Arc<AtomicU32>,
    home: TempDir,
}

impl Bench {
    fn new(paint: impl FnMut(u32, &Job) -> Result<(), EngineError> + Send + 'static) -> Self {
        let (sender, jobs) = unbounded();
        let home = TempDir::new("studio");
        let info = tiny_model("Scripted");
        let settings =
            Settings { params: Params { size: Size::square(8), ..Params::default() }, ..Settings::default() };
        let places = Places::below(home.path().to_owned());
        let render = Box::new(Scripted { paint, jobs: sender });
        let wakes = Arc::new(AtomicU32::new(0));
        let count = wakes.clone();
        let wake = Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let studio = Studio::with_render(&settings, places, render, info, wake).unwrap();
        Self { studio, jobs, events: Vec::new(), wakes, home }
    }

    fn draw(&mut self, shade: u8) {
        self.studio.draw(Overlay { frame: Frame::filled(Size::square(8), [shade, shade, shade, 255]) });
    }

    fn job(&self) -> Result<Job, Failed> {
        self.jobs.recv_timeout(PATIENCE).map_err(|_| "no job came".into())
    }

    fn picture(&mut self) -> Result<Picture, Failed> {
        self.wait("a picture", |bench| bench.studio.take_picture())
    }

    fn wait<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Failed> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let events = self.studio.events();
            self.events.extend(events);
            if let Some(found) = look(self) {
                return Ok(found);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(format!("waited in vain for {what}; events: {:?}", self.events).into())
    }

    fn state(&mut self, wanted: &LiveState) -> Result<(), Failed> {
        self.wait(&format!("{wanted:?}"), |bench| (bench.studio.snapshot().state == *wanted).then_some(()))
    }
}

fn shade(job: &Job) -> u8 {
    job.frame.as_ref().map_or(0, |frame| frame.pixels()[0])
}

fn check(holds: bool, text: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(text.into()) }
}

fn newest_wins() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| {
        std::thread::sleep(Duration::from_millis(60));
        Ok(())
    });
    bench.draw(1);
    bench.job()?;
    for value in 2..=50 {
        bench.draw(value);
    }
    check(shade(&bench.job()?) == 50, "an old drawing was painted")?;
    bench.wait("drops", |bench| (bench.studio.snapshot().dropped == 48).then_some(()))
}

fn sleeps_without_news() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| Ok(()));
    bench.draw(1);
    bench.job()?;
    bench.picture()?;
    bench.state(&LiveState::Idle)?;
    check(bench.jobs.recv_timeout(Duration::from_millis(300)).is_err(), "painted without news")?;
    let same = Params { size: Size::square(8), ..Params::default() };
    bench.studio.send(Command::SetParams(same.clone()));
    check(bench.jobs.recv_timeout(Duration::from_millis(300)).is_err(), "painted for equal parameters")?;
    bench.studio.send(Command::SetParams(Params { seed: 7, ..same }));
    let job = bench.job()?;
    check(job.params.seed == 7 && job.revision == 3, "the new parameters did not arrive")
}

/// So that the last status is seen, and nothing after it.
fn one_last_look_is_asked_for_a_second_after_the_last_picture() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| Ok(()));
    bench.draw(1);
    bench.picture()?;
    std::thread::sleep(Duration::from_millis(400));
    let before = bench.wakes.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(1600));
    let after = bench.wakes.load(Ordering::Relaxed);
    check(after == before + 1, &format!("{} looks instead of one", after - before))?;
    bench.state(&LiveState::Idle)?;
    std::thread::sleep(Duration::from_millis(1500));
    check(bench.wakes.load(Ordering::Relaxed) == after, "it does not rest")
}

fn pause_and_step() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| Ok(()));
    bench.studio.send(Command::Pause(true));
    bench.draw(1);
    bench.state(&LiveState::Paused)?;
    check(bench.jobs.recv_timeout(Duration::from_millis(200)).is_err(), "painted while paused")?;
    bench.studio.send(Command::Step);
    bench.job()?;
    check(bench.jobs.recv_timeout(Duration::from_millis(200)).is_err(), "one step painted twice")?;
    bench.draw(2);
    bench.studio.send(Command::Pause(false));
    check(shade(&bench.job()?) == 2, "the newest drawing was not painted after the pause")
}

fn dreams_change_the_seed() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| {
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    });
    bench.draw(1);
    let first = bench.job()?.params.seed;
    bench.studio.send(Command::Dream(true));
    let seeds = [bench.job()?.params.seed, bench.job()?.params.seed, bench.job()?.params.seed];
    check(seeds == [first + 1, first + 2, first + 3], &format!("seeds {seeds:?} after {first}"))?;
    bench.studio.send(Command::Dream(false));
    bench.state(&LiveState::Idle)
}

fn an_error_is_told_once_and_the_loop_lives() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, job| match shade(job) {
        1 | 2 => Err(ExecError::Backend { executor: "scripted".into(), text: "no".into() }.into()),
        _ => Ok(()),
    });
    bench.draw(1);
    bench.job()?;
    bench.draw(2);
    bench.job()?;
    bench.draw(3);
    let picture = bench.picture()?;
    check(picture.frame.pixels()[0] == 3, "another picture")?;
    let told = bench.events.iter().filter(|event| matches!(event, Event::RenderFailed(_))).count();
    check(told == 1, &format!("told {told} times"))
}

fn latency_is_that_of_the_present_settings() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| Ok(()));
    for shade in 1..=3 {
        bench.draw(shade);
        bench.picture()?;
    }
    check(bench.studio.latencies_ms().count() == 3, "three pictures, three latencies")?;
    let params = Params { size: Size::square(8), steps: Params::default().steps + 1, ..Params::default() };
    bench.studio.send(Command::SetParams(params));
    bench.picture()?;
    check(bench.studio.latencies_ms().count() == 1, "latencies of other settings are still counted")
}

fn a_panic_restarts_and_a_second_one_asks() -> Result<(), Failed> {
    // The engine paints what broke it once more, unless something newer comes before.
    let mut whole = true;
    let mut bench = Bench::new(move |_, job| match shade(job) {
        66 if std::mem::take(&mut whole) => panic!("boom"),
        67 => panic!("boom"),
        _ => Ok(()),
    });
    bench.draw(1);
    bench.picture()?;
    bench.draw(66);
    bench.wait("the first notice", |bench| {
        bench.events.iter().find_map(|event| match event {
            Event::Notice(notice) if notice.what.contains("boom") => Some(notice.kind == NoticeKind::Warning),
            _ => None,
        })
    })?;
    bench.draw(2);
    let mut painted = bench.picture()?.frame.pixels()[0];
    if painted == 66 {
        painted = bench.picture()?.frame.pixels()[0];
    }
    check(painted == 2, "not painting after the first panic")?;
    bench.draw(67);
    bench.state(&LiveState::Stopped)?;
    bench.draw(3);
    check(bench.studio.take_picture().is_none_or(|picture| picture.frame.pixels()[0] != 3), "painted while stopped")?;
    bench.studio.send(Command::Restart);
    check(bench.picture()?.frame.pixels()[0] == 3, "not painting after the restart")
}

fn ends_while_painting() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| {
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    });
    bench.draw(1);
    bench.job()?;
    let begun = Instant::now();
    drop(bench);
    check(begun.elapsed() < Duration::from_secs(2), "took too long to end")
}

fn recorded_while(draw: impl FnOnce(&mut Bench) -> Result<(), Failed>) -> Result<(Bench, PathBuf), Failed> {
    let mut bench = Bench::new(|_, _| {
        std::thread::sleep(Duration::from_millis(2));
        Ok(())
    });
    let path = bench.home.path().join("a.mp4");
    let settings = RecordingSettings::default();
    bench.studio.send(Command::Record { path: path.clone(), description: "an apple".into(), settings });
    check(bench.studio.snapshot().recording.is_none(), "the snapshot is of the last look")?;
    draw(&mut bench)?;
    Ok((bench, path))
}

/// Whether it is a whole video: its head, one box with all pictures, its index.
fn is_whole_video(path: &Path) -> Result<bool, Failed> {
    let bytes = std::fs::read(path)?;
    let (mut names, mut at) = (Vec::new(), 0);
    while let Some(head) = bytes.get(at..at + 16) {
        let length = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            1 => u64::from_be_bytes(head[8..].try_into()?),
            short => short.into(),
        };
        names.push(String::from_utf8_lossy(&head[4..8]).into_owned());
        at += length.max(8) as usize;
    }
    Ok(at == bytes.len() && names == ["ftyp", "mdat", "moov"])
}

fn what_is_painted_is_recorded() -> Result<(), Failed> {
    let (mut bench, path) = recorded_while(|bench| {
        for shade in 1..60 {
            bench.draw(shade);
            bench.picture()?;
        }
        // Nothing is painted for a while: what there is goes to disk, and whoever looks is told.
        let woken = bench.wakes.load(Ordering::Relaxed);
        bench.wait("the film on disk", |bench| {
            let recording = bench.studio.snapshot().recording?;
            (recording.bytes > 100 && recording.length >= Duration::from_secs(1)).then_some(())
        })?;
        check(bench.wakes.load(Ordering::Relaxed) > woken, "nobody was told that the time goes on")
    })?;
    bench.studio.send(Command::EndRecording);
    let length = bench.wait("the end", |bench| {
        let ended = bench.events.iter().find_map(|event| match event {
            Event::Recorded { path, length } => Some((path.clone(), *length)),
            _ => None,
        });
        ended.filter(|(at, _)| *at == path).map(|(_, length)| length)
    })?;
    check(bench.studio.snapshot().recording.is_none(), "it goes on")?;
    check(length >= Duration::from_secs(1), "the pause is missing")?;
    check(is_whole_video(&path)?, "the file is not finished")
}

/// The engine is in a picture of which nobody knows when it is done.
fn what_is_seen_is_recorded_at_once() -> Result<(), Failed> {
    let (started, is_slow) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (count, slow) = (started.clone(), is_slow.clone());
    let mut bench = Bench::new(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        while slow.load(Ordering::Relaxed) == 1 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    bench.draw(1);
    bench.picture()?;
    is_slow.store(1, Ordering::Relaxed);
    bench.draw(2);
    bench.wait("the slow picture", |_| (started.load(Ordering::Relaxed) == 2).then_some(()))?;
    let path = bench.home.path().join("a.mp4");
    let settings = RecordingSettings::default();
    bench.studio.send(Command::Record { path: path.clone(), description: String::new(), settings });
    bench.studio.send(Command::EndRecording);
    let recorded = bench.wait("the film", |bench| {
        bench.events.iter().find_map(|event| match event {
            Event::Recorded { .. } => Some(true),
            Event::NotRecorded { .. } => Some(false),
            _ => None,
        })
    });
    is_slow.store(0, Ordering::Relaxed);
    check(recorded?, "nothing was recorded, though there was a painting")?;
    check(is_whole_video(&path)?, "the file is not finished")
}

fn a_recording_ends_with_the_program() -> Result<(), Failed> {
    let (bench, path) = recorded_while(|bench| {
        bench.draw(9);
        bench.picture().map(|_| ())
    })?;
    let Bench { studio, home, .. } = bench;
    drop(studio);
    check(is_whole_video(&path)?, "the file is not finished")?;
    drop(home);
    Ok(())
}

fn a_recording_that_finds_no_place_is_told_and_painting_goes_on() -> Result<(), Failed> {
    let mut bench = Bench::new(|_, _| Ok(()));
    let path = bench.home.path().join("absent").join("a.mp4");
    let settings = RecordingSettings::default();
    bench.studio.send(Command::Record { path: path.clone(), description: String::new(), settings });
    bench.draw(1);
    bench.wait("the trouble", |bench| {
        let told = |event: &Event| {
            matches!(event, Event::NotRecorded { path: at, notice } if *at == path && notice.what.contains("no folder"))
        };
        bench.events.iter().any(told).then_some(())
    })?;
    check(bench.studio.snapshot().recording.is_none(), "it is still said to be recorded")?;
    bench.picture()?;
    bench.draw(2);
    check(bench.picture()?.frame.pixels()[0] == 2, "nothing is painted any more")
}

fn settings_survive_and_damage_is_kept_aside() -> Result<(), Failed> {
    let home = TempDir::new("settings");
    let path = home.path().join("config/settings.toml");
    let settings = Settings { threads: 3, ..Settings::default() };
    settings.write(&path)?;
    check(Settings::read(&path) == (settings, None), "not what was written")?;
    std::fs::write(&path, "params = 3 = 4")?;
    let (read, notice) = Settings::read(&path);
    check(read == Settings::default() && notice.is_some(), "a damaged file was not told")?;
    check(path.with_extension("toml.bad").exists() && !path.exists(), "the damaged file was not kept aside")?;
    let below_a_file = path.with_extension("toml.bad").join("x/settings.toml");
    let error = Settings::default().write(&below_a_file).err().ok_or("wrote below a file")?;
    check(error.to_string().contains("settings"), "the error names nothing")?;
    std::fs::write(
        &path,
        "[params]\nsteps = 100000\nstrength = nan\nguidance = -3.0\n[params.size]\nwidth = 0\nheight = 4000000000",
    )?;
    let (read, notice) = Settings::read(&path);
    let params = read.params;
    check(
        notice.is_none() && params.steps == 8 && params.strength == 0.6 && params.guidance == 1.0,
        &format!("{params:?}"),
    )?;
    check(params.size == Size::new(64, 2048), &format!("{}", params.size))
}

/// The line of the wipe goes to the picture's edges, the divider between two pictures does not.
fn a_divider_is_kept_where_its_view_lets_it_be() -> Result<(), Failed> {
    let home = TempDir::new("settings-divider");
    let path = home.path().join("settings.toml");
    for (view, kept) in [(ViewMode::Wipe, 0.05), (ViewMode::SideBySide, 0.2)] {
        let mut settings = Settings::default();
        (settings.window.view, settings.window.divider) = (view, 0.05);
        settings.write(&path)?;
        let (read, _) = Settings::read(&path);
        check(read.window.divider == kept, &format!("{view:?}: {}", read.window.divider))?;
    }
    Ok(())
}

/// The file may be a link into a folder of dotfiles, and another window may be writing its own at the same time.
fn settings_keep_out_of_the_way_of_others() -> Result<(), Failed> {
    let home = TempDir::new("settings-beside");
    let path = home.path().join("config/settings.toml");
    let settings = Settings { threads: 5, ..Settings::default() };
    settings.write(&path)?;
    // Nothing of this name is ours to write to.
    std::fs::create_dir(path.with_extension("toml.new"))?;
    settings.write(&path)?;
    #[cfg(unix)]
    {
        let kept = home.path().join("dotfiles.toml");
        std::fs::rename(&path, &kept)?;
        std::os::unix::fs::symlink(&kept, &path)?;
        let settings = Settings { threads: 6, ..settings };
        settings.write(&path)?;
        check(std::fs::symlink_metadata(&path)?.is_symlink(), "the link became a file")?;
        check(Settings::read(&kept) == (settings, None), "what the link leads to was not written")?;
    }
    Ok(())
}

type Test = fn() -> Result<(), Failed>;

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 16] = [
        ("newest_wins", newest_wins),
        ("sleeps_without_news", sleeps_without_news),
        (
            "one_last_look_is_asked_for_a_second_after_the_last_picture",
            one_last_look_is_asked_for_a_second_after_the_last_picture,
        ),
        ("pause_and_step", pause_and_step),
        ("dreams_change_the_seed", dreams_change_the_seed),
        ("an_error_is_told_once_and_the_loop_lives", an_error_is_told_once_and_the_loop_lives),
        ("a_panic_restarts_and_a_second_one_asks", a_panic_restarts_and_a_second_one_asks),
        ("latency_is_that_of_the_present_settings", latency_is_that_of_the_present_settings),
        ("ends_while_painting", ends_while_painting),
        ("what_is_painted_is_recorded", what_is_painted_is_recorded),
        ("what_is_seen_is_recorded_at_once", what_is_seen_is_recorded_at_once),
        ("a_recording_ends_with_the_program", a_recording_ends_with_the_program),
        (
            "a_recording_that_finds_no_place_is_told_and_painting_goes_on",
            a_recording_that_finds_no_place_is_told_and_painting_goes_on,
        ),
        ("settings_survive_and_damage_is_kept_aside", settings_survive_and_damage_is_kept_aside),
        ("a_divider_is_kept_where_its_view_lets_it_be", a_divider_is_kept_where_its_view_lets_it_be),
        ("settings_keep_out_of_the_way_of_others", settings_keep_out_of_the_way_of_others),
    ];
    all.map(|(name, test)| Trial::test(format!("studio::{name}"), test)).into()
}
