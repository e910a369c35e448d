//! Whether the model loads and paints: the one check that proves all floors below at once.

use std::time::Instant;

use serde::Serialize;

use super::Problem;
use crate::cli::painter::Painter;
use crate::cli::request::Wishes;
use crate::frame::{Frame, Size};
use crate::studio::EngineSpec;

/// What came of loading the model and painting one picture.
#[derive(Debug, Default, Serialize)]
pub struct ModelFindings {
    /// Its name.
    pub name: Option<String>,
    /// Who computes.
    pub executor: Option<String>,
    /// Side of the pictures it was made for, in pixels.
    pub size: Option<[u32; 2]>,
    /// Weights in memory, in megabytes.
    pub weights_mb: Option<f64>,
    /// Milliseconds to load it.
    pub load_ms: Option<f64>,
    /// Milliseconds for one picture with one step.
    pub picture_ms: Option<f64>,
    /// What went wrong.
    pub trouble: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl ModelFindings {
    /// Loads the model and paints one picture in one step.
    pub fn find(spec: &EngineSpec) -> Self {
        let begun = Instant::now();
        let paper = Frame::filled(Size::square(64), [255, 255, 255, 255]);
        let wishes = Wishes { steps: Some(1), strength: Some(0.9), ..Wishes::default() };
        let mut painter = match Painter::load(spec, paper.size(), &wishes) {
            Ok(painter) => painter,
            Err(failure) => {
                return Self { trouble: Some(failure.what), remedy: Some(failure.remedy), ..Self::default() };
            }
        };
        let load_ms = begun.elapsed().as_secs_f64() * 1e3;
        let info = painter.info().clone();
        let begun = Instant::now();
        let painted = painter.paint(paper, "", 42, &wishes);
        Self {
            name: Some(info.name),
            executor: Some(info.executor),
            size: Some([info.size.width, info.size.height]),
            weights_mb: Some(info.bytes as f64 / 1e6),
            load_ms: Some(load_ms),
            picture_ms: painted.is_ok().then(|| begun.elapsed().as_secs_f64() * 1e3),
            trouble: painted.as_ref().err().map(|failure| failure.what.clone()),
            remedy: painted.err().map(|failure| failure.remedy),
        }
    }

    /// A model that does not paint is fatal.
    pub fn problem(&self) -> Option<Problem> {
        let trouble = self.trouble.as_ref()?;
        Some(Problem::fatal(trouble, self.remedy.clone().unwrap_or_default()))
    }
}
