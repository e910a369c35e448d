//! Stand-ins for rooms that are being built; each goes away when its room is there.

use std::path::Path;

use super::ModelInfo;
use crate::engine::{EngineError, Job, Picture, Render};
use crate::frame::{Frame, FrameError};
use crate::weights::ModelSource;

pub struct LoadedModel(ModelInfo);
impl LoadedModel {
    pub fn info(&self) -> &ModelInfo {
        &self.0
    }
}
pub struct Engine;
impl Engine {
    pub fn new(_: LoadedModel) -> Self {
        Self
    }
}
impl Render for Engine {
    fn render(&mut self, _: &Job) -> Result<Option<Picture>, EngineError> {
        Ok(None)
    }
}
pub fn load(
    _: &ModelSource,
    _: &str,
    _: usize,
    _: &mut dyn FnMut(&str, f32) -> bool,
) -> Result<LoadedModel, EngineError> {
    Err(EngineError::Exec(crate::exec::ExecError::Backend { executor: "none".into(), text: "no engine yet".into() }))
}
pub fn save_png(_: &Path, _: &Frame, _: &[(&str, &str)]) -> Result<(), FrameError> {
    Ok(())
}
