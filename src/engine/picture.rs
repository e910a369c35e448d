//! A job in, a picture out: the border of everything that paints.

use std::sync::Arc;
use std::time::Instant;

use super::{EngineError, ModelInfo, Params};
use crate::flow::Patience;
use crate::frame::Frame;

/// One picture to paint.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to paint over. Any size: it is cover-cropped to `params.size`. `None` paints from noise alone.
    pub frame: Option<Frame>,
    /// What shapes the picture.
    pub params: Arc<Params>,
    /// Counts up whenever `params` changed.
    pub revision: u64,
    /// Whether pictures may be painted side by side, each one step further than the next: more of them, each n - 1 calls later
    /// with n steps. A job whose parameters are not the last one's is painted at once.
    pub stream: bool,
    /// How long somebody waits for the picture: a renderer may give it up after that.
    pub patience: Patience,
}

impl Job {
    /// One that is painted by itself, to its end.
    pub fn new(frame: Option<Frame>, params: impl Into<Arc<Params>>, revision: u64) -> Self {
        Self { frame, params: params.into(), revision, stream: false, patience: Patience::default() }
    }
}

/// When things happened to a picture. Pen-to-picture latency is shown minus taken.
#[derive(Clone, Copy, Debug)]
pub struct Stamps {
    /// The input was taken.
    pub taken: Instant,
    /// The engine began.
    pub started: Instant,
    /// The engine was done.
    pub done: Instant,
}

impl Stamps {
    /// Whether somebody waited for it: not for one that was there before it was asked for.
    pub fn was_waited_for(&self) -> bool {
        self.done >= self.taken
    }
}

/// Milliseconds spent in each part of one picture. Where an executor paints it in one go, all of it is spread over the steps, and
/// encoding and decoding are 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageTimes {
    /// Prompt to text states; 0 when nothing changed.
    pub prompt_ms: f64,
    /// Picture to latents.
    pub encode_ms: f64,
    /// Each denoising step.
    pub step_ms: Vec<f64>,
    /// Latents to picture.
    pub decode_ms: f64,
    /// Cropping, resizing and packing pixels.
    pub transfer_ms: f64,
}

impl StageTimes {
    /// From a picture to its painting.
    pub fn whole_ms(&self) -> f64 {
        self.encode_ms + self.step_ms.iter().sum::<f64>() + self.decode_ms
    }
}

/// A painted picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The pixels.
    pub frame: Frame,
    /// The id of the frame it was painted from; 0 without one.
    pub input_id: u64,
    /// The revision of its parameters.
    pub revision: u64,
    /// The parameters it was painted with.
    pub params: Arc<Params>,
    /// When it happened.
    pub stamps: Stamps,
    /// Where the time went.
    pub stages: StageTimes,
    /// The model that painted it; `None` where a stand-in did.
    pub painter: Option<Arc<ModelInfo>>,
}

#[cfg(test)]
impl Picture {
    /// One of now, by nobody.
    pub(crate) fn plain(frame: Frame, params: impl Into<Arc<Params>>) -> Self {
        let now = Instant::now();
        Self {
            frame,
            input_id: 0,
            revision: 0,
            params: params.into(),
            stamps: Stamps { taken: now, started: now, done: now },
            stages: StageTimes::default(),
            painter: None,
        }
    }
}

/// Who paints: the engine, a stand-in for tests, or one far away. Nobody else knows which.
pub trait Render: Send {
    /// Paints one picture: that of the job, or one of those before it. `Ok(None)` when none is ready that was not shown.
    ///
    /// # Errors
    /// What went wrong, by name, or that the picture was given up; the renderer stays usable.
    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError>;

    /// Whether pictures of earlier jobs are still to come: they do when the last job is given again.
    fn is_behind(&self) -> bool {
        false
    }

    /// Whether it takes memory of a GPU, where others may find no room beside it.
    fn has_own_memory(&self) -> bool {
        false
    }
}
