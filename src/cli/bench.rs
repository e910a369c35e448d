//! `afterimage bench`: how fast the real live loop follows a generated pen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::explain;
use super::painter::params;
use super::pen::Pen;
use super::request::BenchRequest;
use super::{Code, Failure, output};
use crate::engine::{Params, Picture};
use crate::flow::Latency;
use crate::flow::channel::{Receiver, bounded};
use crate::frame::Size;
use crate::studio::{
    Command, EngineSpec, Event, LiveState, ModelInfo, Overlay, Places, RecordingSettings, Settings, Studio,
};

/// The pen reports two hundred times a second, as tablets do, and twice for each picture where more are painted.
const PEN_PERIOD: Duration = Duration::from_millis(5);
/// No pen is faster.
const LEAST_PERIOD: Duration = Duration::from_micros(500);
/// What is painted.
pub(super) const PROMPT: &str = "red apple, 3d";

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    model: String,
    executor: String,
    size: u32,
    steps: u32,
    /// Several pictures were painted side by side.
    stream: bool,
    pictures_per_s: f64,
    latency_ms: Percentiles,
    stages_ms: Stages,
    dropped: u64,
    rss_mb: f64,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50: f64,
    p95: f64,
}

/// Means over all pictures; `step` is one denoising step.
#[derive(Debug, Default, Serialize)]
struct Stages {
    encode: f64,
    step: f64,
    decode: f64,
    transfer: f64,
}

/// Draws, watches and says how fast it was.
///
/// # Errors
/// A model that does not load or paint.
pub fn run(request: &BenchRequest) -> Result<(), Failure> {
    if request.explain {
        return explain::run(request);
    }
    let (wake_sender, wake) = bounded(1);
    let settings = settings(request);
    let wake_up = Arc::new(move || {
        wake_sender.try_send(()).ok();
    });
    let studio = Studio::start(&settings, Places::find(), wake_up);
    let studio = studio.map_err(|error| {
        Failure::new(Code::Failed, format!("no thread for the live loop: {error}"), "close other programs")
    })?;
    let measured = Bench { studio, wake }.measure(request)?;
    if request.json {
        return output::json(&measured);
    }
    print(&measured);
    Ok(())
}

/// Settings that touch nothing the user keeps.
fn settings(request: &BenchRequest) -> Settings {
    let EngineSpec { model, executor, threads } = request.engine.clone();
    // As far as it is known before the model is, so that loading compiles what is painted.
    let mut params = Params::default();
    params.size = request.wishes.size.map_or(params.size, Size::square);
    params.steps = request.wishes.steps.unwrap_or(params.steps);
    Settings { model, executor, threads, params, stream: request.stream, ..Settings::default() }
}

struct Bench {
    studio: Studio,
    wake: Receiver<()>,
}

impl Bench {
    fn measure(mut self, request: &BenchRequest) -> Result<Measured, Failure> {
        let info = self.wait_for_model()?;
        let side = request.wishes.size.unwrap_or(info.size.longer_side());
        let params = params(&info, Size::square(side), PROMPT, 42, &request.wishes);
        let (size, steps) = (params.size, params.steps);
        self.studio.send(Command::SetParams(params));
        let mut pen = Pen::new(size);
        let mut tally = Tally::default();
        // The first pictures compile the networks and are not counted.
        self.draw(&mut pen, |tally| tally.count >= 2, &mut Tally::default())?;
        if let Some(path) = request.record.clone() {
            let description = PROMPT.into();
            self.studio.send(Command::Record { path, description, settings: RecordingSettings::default() });
        }
        let (begun, dropped) = (Instant::now(), self.studio.snapshot().dropped);
        let length = Duration::from_secs_f64(request.seconds);
        self.draw(&mut pen, |tally| tally.count >= 2 && begun.elapsed() >= length, &mut tally)?;
        self.end_recording(request)?;
        let snapshot = self.studio.snapshot();
        Ok(Measured {
            model: info.name,
            executor: info.executor,
            size: size.width,
            steps,
            stream: request.stream,
            pictures_per_s: tally.per_second(),
            latency_ms: tally.percentiles(),
            stages_ms: tally.means(),
            dropped: snapshot.dropped - dropped,
            rss_mb: snapshot.rss_mb,
        })
    }

    fn wait_for_model(&mut self) -> Result<ModelInfo, Failure> {
        loop {
            for event in self.studio.events() {
                if let Event::Loaded(info) = event {
                    return Ok(*info);
                }
                check(&event)?;
            }
            self.wake.recv_timeout(Duration::from_millis(100)).ok();
        }
    }

    /// Waits until the video, if one was wished for, is on disk.
    fn end_recording(&mut self, request: &BenchRequest) -> Result<(), Failure> {
        self.studio.send(Command::EndRecording);
        while request.record.is_some() {
            for event in self.studio.events() {
                if let Event::Recorded { .. } = event {
                    return Ok(());
                }
                check(&event)?;
            }
            self.wake.recv_timeout(Duration::from_millis(100)).ok();
        }
        Ok(())
    }

    /// Moves the pen until `enough`.
    fn draw(&mut self, pen: &mut Pen, enough: impl Fn(&Tally) -> bool, tally: &mut Tally) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut next = begun;
        while !enough(tally) {
            if Instant::now() >= next {
                self.studio.draw(Overlay { frame: pen.draw(begun.elapsed()) });
                next += tally.pen_period();
            }
            for event in self.studio.events() {
                check(&event)?;
            }
            if self.studio.snapshot().state == LiveState::Stopped {
                return Err(Failure::new(Code::Failed, "the engine stopped", "run `afterimage doctor`"));
            }
            if let Some(picture) = self.studio.take_picture() {
                tally.add(&picture);
            }
            self.wake.recv_timeout(next.saturating_duration_since(Instant::now())).ok();
        }
        Ok(())
    }
}

/// Trouble ends the measuring.
fn check(event: &Event) -> Result<(), Failure> {
    match event {
        Event::LoadFailed(notice) | Event::NoDevice(notice) => Err(Failure::from_notice(Code::NoModel, notice)),
        Event::RenderFailed(notice) | Event::EngineStopped(notice) | Event::NotRecorded { notice, .. } => {
            Err(Failure::from_notice(Code::Failed, notice))
        }
        _ => Ok(()),
    }
}

/// Sums over the pictures seen.
#[derive(Default)]
struct Tally {
    count: u32,
    steps: u32,
    first: Option<Instant>,
    last: Option<Instant>,
    latency: Latency,
    sums: Stages,
}

impl Tally {
    fn add(&mut self, picture: &Picture) {
        let (stamps, stages) = (picture.stamps, &picture.stages);
        self.count += 1;
        self.steps += stages.step_ms.len() as u32;
        self.first = self.first.or(Some(stamps.done));
        self.last = Some(stamps.done);
        // Nobody shows the picture, so it counts as shown when it is done.
        self.latency.add(stamps.done.saturating_duration_since(stamps.taken));
        self.sums.encode += stages.encode_ms;
        self.sums.step += stages.step_ms.iter().sum::<f64>();
        self.sums.decode += stages.decode_ms;
        self.sums.transfer += stages.transfer_ms;
    }

    fn per_second(&self) -> f64 {
        let span = self.last.zip(self.first).map_or(0.0, |(last, first)| last.duration_since(first).as_secs_f64());
        if span > 0.0 { f64::from(self.count - 1) / span } else { 0.0 }
    }

    /// The time from one report of the pen to the next.
    fn pen_period(&self) -> Duration {
        match self.per_second() {
            0.0 => PEN_PERIOD,
            pictures => Duration::from_secs_f64(0.5 / pictures).clamp(LEAST_PERIOD, PEN_PERIOD),
        }
    }

    fn percentiles(&self) -> Percentiles {
        let at = |p| self.latency.percentile_ms(p).unwrap_or_default();
        Percentiles { p50: at(50.0), p95: at(95.0) }
    }

    fn means(&self) -> Stages {
        let (pictures, steps) = (f64::from(self.count.max(1)), f64::from(self.steps.max(1)));
        let Stages { encode, step, decode, transfer } = self.sums;
        Stages {
            encode: encode / pictures,
            step: step / steps,
            decode: decode / pictures,
            transfer: transfer / pictures,
        }
    }
}

fn print(measured: &Measured) {
    let Measured { model, executor, size, steps, stream, pictures_per_s, latency_ms, stages_ms, dropped, rss_mb } =
        measured;
    let way = if *stream { ", pictures side by side" } else { "" };
    output::line(&format!("{model} on {executor}, {size} pixels, {steps} steps{way}"));
    output::line(&format!("pictures/s      {pictures_per_s:.2}"));
    output::line(&format!("pen to picture  {:.0} ms (95 %: {:.0} ms)", latency_ms.p50, latency_ms.p95));
    let Stages { encode, step, decode, transfer } = stages_ms;
    output::line(&format!(
        "encode {encode:.1} ms, step {step:.1} ms, decode {decode:.1} ms, transfer {transfer:.1} ms"
    ));
    output::line(&format!("dropped         {dropped}"));
    output::line(&format!("memory          {rss_mb:.0} MB"));
}
