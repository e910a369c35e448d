//! Loading a model for the pictures that will be painted first: files, executor, weights, networks.
//!
//! All of it can run on a loader's thread: a [`LoadedModel`] is sent to where it paints.

use std::sync::Arc;

use super::model::{Model, Progress, go_on};
use super::render::usable_size;
use super::{EngineError, ModelInfo, Params, folder};
use crate::exec::{self, ExecError, Executor};
use crate::flow::StopToken;
use crate::frame::Size;
use crate::weights::{ModelFiles, ModelSource};

/// What will be painted first, once it is known what the model is; `None` where nobody knows.
pub type Wish<'a> = dyn Fn(&ModelInfo) -> Option<Params> + 'a;

/// Hears why a GPU has no room for a model; says whether it has now, because what was there was let go.
pub type MakeRoom<'a> = dyn FnMut(&ExecError) -> bool + 'a;

/// A model to be loaded.
pub struct Load<'a> {
    /// Its files.
    pub source: &'a ModelSource,
    /// Who computes: one of [`exec::NAMES`]. "auto" takes the fastest that has room for the model and for what is wished.
    pub executor: &'a str,
    /// Threads to compute with; 0 means all cores.
    pub threads: usize,
    /// For which pictures it is made ready.
    pub wished: &'a Wish<'a>,
    /// Gives up, in the middle of a file if need be: a model that nobody waits for shall not fill the memory of the next one.
    pub stop: StopToken,
}

/// A model that can be sent to the thread where it paints.
pub struct LoadedModel {
    pub(super) executor: Arc<dyn Executor>,
    pub(super) model: Model,
    pub(super) info: ModelInfo,
    refusal: Option<ExecError>,
}

impl LoadedModel {
    /// Why the CPU paints and not the GPU, if there is one that was to.
    pub fn refusal(&self) -> Option<&ExecError> {
        self.refusal.as_ref()
    }

    /// What the faces may know about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }
}

/// Loads a model for the executor called `executor` with so many `threads`, for pictures as they are `wished`, if that is known;
/// see [`Load`].
///
/// # Errors
/// Those of [`Load::run`].
pub fn load(
    source: &ModelSource,
    executor: &str,
    threads: usize,
    wished: Option<&Params>,
    progress: &mut Progress<'_>,
) -> Result<LoadedModel, EngineError> {
    Load { source, executor, threads, wished: &|_| wished.cloned(), stop: StopToken::default() }.run(progress)
}

impl Load<'_> {
    /// Loads the model and compiles what is wished, so that the first picture is quick.
    ///
    /// # Errors
    /// Those of [`Model::open`]; a pipeline that is not supported; an executor that is not known; a GPU without room for what is
    /// wished. [`EngineError::Cancelled`].
    pub fn run(&self, progress: &mut Progress<'_>) -> Result<LoadedModel, EngineError> {
        self.run_beside(progress, &mut |_| false)
    }

    /// The same where another model may be on the GPU already. If there is no room beside it, `make_room` is asked to make some, and
    /// all is tried once more.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub fn run_beside(
        &self,
        progress: &mut Progress<'_>,
        make_room: &mut MakeRoom<'_>,
    ) -> Result<LoadedModel, EngineError> {
        let loaded = self.on_any(progress, make_room);
        // Whatever it was stopped in the middle of.
        if loaded.is_err() && self.stop.is_stopped() { Err(EngineError::Cancelled) } else { loaded }
    }

    fn on_any(&self, progress: &mut Progress<'_>, make_room: &mut MakeRoom<'_>) -> Result<LoadedModel, EngineError> {
        go_on(progress, "opening the model", 0.0)?;
        let files = ModelFiles::open(self.source)?.until(self.stop.clone());
        let mut loaded = self.on_chosen(&files, progress);
        if matches!(&loaded, Err(EngineError::Exec(error)) if error.is_full() && make_room(error)) {
            loaded = self.on_chosen(&files, progress);
        }
        match loaded {
            // A GPU that nobody asked for need not have room.
            Err(EngineError::Exec(error @ ExecError::Device { .. })) if self.is_unasked() => {
                log::warn!("{error}; the CPU paints instead");
                let loaded = self.on(exec::fastest_cpu(self.threads)?, &files, progress)?;
                Ok(LoadedModel { refusal: Some(error), ..loaded })
            }
            loaded => loaded,
        }
    }

    fn is_unasked(&self) -> bool {
        self.executor == "auto"
    }

    fn on_chosen(&self, files: &ModelFiles, progress: &mut Progress<'_>) -> Result<LoadedModel, EngineError> {
        let chosen =
            if self.is_unasked() { exec::trusted_gpu()? } else { Some(exec::open(self.executor, self.threads)?) };
        let executor = match chosen {
            Some(executor) => executor,
            None => exec::fastest_cpu(self.threads)?,
        };
        self.on(executor, files, progress)
    }

    fn on(
        &self,
        executor: Arc<dyn Executor>,
        files: &ModelFiles,
        progress: &mut Progress<'_>,
    ) -> Result<LoadedModel, EngineError> {
        let parts = folder::parts(files)?;
        let mut model = Model::open(files, &parts, &*executor, progress)?;
        let card = files.card()?;
        let side = card.as_ref().map(|card| card.resolution).filter(|side| *side > 0);
        let mut info = ModelInfo {
            name: files.name().to_owned(),
            source: self.source.clone(),
            card,
            size: side.map_or_else(|| model.networks.native_size(), Size::square),
            multiple: model.networks.multiple(),
            guidance: model.networks.guidance(),
            executor: executor.name(),
            bytes: 0,
        };
        go_on(progress, "preparing the networks", 0.9)?;
        // Now, on the loader's thread, so that what is missing is told before the model is taken.
        self.prepare(&mut model, &*executor, &info)?;
        // Now, for some weights wait until somebody asks for them.
        info.bytes = model.bytes();
        go_on(progress, "ready", 1.0)?;
        Ok(LoadedModel { executor, model, info, refusal: None })
    }

    /// Compiles what is wished. Where nobody knows, or what is wished cannot be painted, a guess: the size it was trained on.
    fn prepare(&self, model: &mut Model, executor: &dyn Executor, info: &ModelInfo) -> Result<(), EngineError> {
        let wished =
            (self.wished)(info).and_then(|params| Some((usable_size(params.size, info.multiple).ok()?, params)));
        let is_guess = wished.is_none();
        let (size, params) = wished.unwrap_or_else(|| (info.size, info.params()));
        match model.prepare(executor, &params, size) {
            // Another size may be chosen; a missing weight is then told with the first picture.
            Err(EngineError::Exec(error @ ExecError::Room { .. })) => log::info!("at {size} {error}"),
            // A size that nobody wished for is no reason to leave a GPU.
            Err(EngineError::Exec(error @ ExecError::Device { full: true, .. })) if is_guess => {
                log::info!("at {size} {error}");
            }
            prepared => prepared?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
