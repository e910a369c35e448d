//! A model that paints at once: the drawing with its colours turned, and a record of what was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use afterimage::engine::{EngineError, Job, Params, Picture, Render, StageTimes, Stamps};
use afterimage::flow::channel::{Receiver, Sender, unbounded};
use afterimage::frame::{Frame, Size};
use afterimage::studio::{GuidanceWay, ModelInfo};
use afterimage::weights::{ModelCard, ModelSource};

/// With this seed all is painted black.
pub const DARK_SEED: u64 = 45;

/// Paints without a model.
pub struct Fake {
    jobs: Sender<Arc<Params>>,
    painted: Arc<AtomicU64>,
    streams: Arc<AtomicBool>,
}

/// What a [`Fake`] was asked.
pub struct Asked {
    jobs: Receiver<Arc<Params>>,
    painted: Arc<AtomicU64>,
    streams: Arc<AtomicBool>,
}

impl Asked {
    /// The parameters of the newest job since the last call.
    pub fn newest(&self) -> Option<Arc<Params>> {
        self.jobs.try_iter().last()
    }

    /// The parameters of all jobs since the last call.
    pub fn all(&self) -> Vec<Arc<Params>> {
        self.jobs.try_iter().collect()
    }

    /// Whether the newest job allowed pictures side by side.
    pub fn streams(&self) -> bool {
        self.streams.load(Ordering::Relaxed)
    }

    /// How many pictures were painted.
    pub fn painted(&self) -> u64 {
        self.painted.load(Ordering::Relaxed)
    }
}

/// A renderer and its record.
pub fn fake() -> (Fake, Asked) {
    let (sender, jobs) = unbounded();
    let painted = Arc::new(AtomicU64::new(0));
    let streams = Arc::new(AtomicBool::new(false));
    let fake = Fake { jobs: sender, painted: painted.clone(), streams: streams.clone() };
    (fake, Asked { jobs, painted, streams })
}

impl Render for Fake {
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        if job.params.prompt == "panic" {
            panic!("asked to");
        }
        let started = Instant::now();
        let input = job.frame.clone().unwrap_or_else(|| Frame::filled(job.params.size, [255; 4]));
        let light = u8::from(job.params.seed != DARK_SEED);
        let turned =
            input.pixels().chunks_exact(4).flat_map(|p| [light * p[1], light * p[2], light * p[0], 255]).collect();
        self.jobs.send(job.params.clone()).ok();
        self.painted.fetch_add(1, Ordering::Relaxed);
        self.streams.store(job.stream, Ordering::Relaxed);
        Ok(Some(Picture {
            frame: Frame::new(input.size(), turned).unwrap(),
            input_id: input.id,
            revision: job.revision,
            params: job.params.clone(),
            stamps: Stamps { taken: input.taken, started, done: Instant::now() },
            stages: StageTimes {
                prompt_ms: 0.0,
                encode_ms: 3.1,
                step_ms: vec![9.2, 9.0],
                decode_ms: 6.3,
                transfer_ms: 0.4,
            },
            painter: None,
        }))
    }
}

/// What the fake says of itself: the default model's card.
pub fn info() -> ModelInfo {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/model/card.json")).unwrap();
    let card: ModelCard = serde_json::from_str(&text).unwrap();
    ModelInfo {
        name: card.name.clone(),
        source: ModelSource::Default,
        card: Some(card),
        size: Size::square(256),
        multiple: 8,
        guidance: GuidanceWay::Embedded,
        executor: "CPU (candle f32, 2 threads)".into(),
        bytes: 28_000_000,
    }
}
