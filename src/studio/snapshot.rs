//! The numbers of the moment, for the status line and the latency panel.

use std::time::Duration;

use super::{ModelInfo, SourceState};
use crate::engine::StageTimes;

/// What the live loop does right now. Kept by the [`Studio`](super::Studio) handle, so reading it never waits.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the engine does.
    pub state: LiveState,
    /// The model that paints.
    pub model: Option<ModelInfo>,
    /// A load under way.
    pub loading: Option<LoadProgress>,
    /// What the source does.
    pub source: SourceState,
    /// Changed inputs a second.
    pub inputs_per_s: f64,
    /// Pictures a second.
    pub pictures_per_s: f64,
    /// Pen-to-picture latency, median and 95th percentile, in milliseconds.
    pub latency_ms: Option<(f64, f64)>,
    /// All inputs there were: frames of the source and changes of the ink. Each is painted, dropped, or on its way.
    pub inputs: u64,
    /// Inputs that a picture was begun from.
    pub painted: u64,
    /// Inputs that newer ones overtook, or that could not be used.
    pub dropped: u64,
    /// Pictures that newer ones overtook before they were shown.
    pub unshown: u64,
    /// Where the newest picture's time went.
    pub stages: StageTimes,
    /// Memory of the process in megabytes.
    pub rss_mb: f64,
    /// A recording under way.
    pub recording: Option<RecordingProgress>,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordingProgress {
    /// Of the film.
    pub length: Duration,
    /// On the disk.
    pub bytes: u64,
}

/// How far a load is.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadProgress {
    /// What is being done, for example "reading unet".
    pub what: String,
    /// 0..=1.
    pub fraction: f32,
    /// Seconds since it began.
    pub seconds: f32,
}

/// What the engine does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// No model yet.
    Starting,
    /// Paints.
    Live,
    /// The picture is painted; what other parameters would give is not yet.
    Exploring,
    /// Nothing changed, so nothing is painted.
    Idle,
    /// Paused by order.
    Paused,
    /// Broken, waits for a restart.
    Stopped,
}

impl Snapshot {
    /// Before anything happened.
    pub fn starting() -> Self {
        Self {
            state: LiveState::Starting,
            model: None,
            loading: None,
            source: SourceState::Drawing,
            inputs_per_s: 0.0,
            pictures_per_s: 0.0,
            latency_ms: None,
            inputs: 0,
            painted: 0,
            dropped: 0,
            unshown: 0,
            stages: StageTimes::default(),
            rss_mb: 0.0,
            recording: None,
        }
    }
}
