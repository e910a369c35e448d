//! Opening a model: a folder in diffusers layout, or parts of several. The default model goes through the same code.
//!
//! All of it can run on a loader's thread: a [`LoadedModel`] is sent to where it paints.

use std::sync::Arc;

use super::configs::Configs;
use super::networks::{Begin, Networks};
use super::parts::Parts;
use super::prompt::{Negative, Prompts, States, Wording};
use super::reader::Reader;
use super::schedule::{LcmScheduler, ScheduleConfig, ScheduleError, StepRequest, Steps, Timesteps};
use super::{EngineError, ModelInfo, Params, folder};
use crate::exec::{self, ExecError, Executor, Profile};
use crate::frame::Size;
use crate::weights::{ModelFiles, ModelSource};

/// Hears what is being done and how far it is, 0..=1; says `false` to give up.
pub type Progress<'a> = dyn FnMut(&str, f32) -> bool + 'a;
/// Hears why a GPU has no room for a model; says whether it has now, because what was there was let go.
pub type Room<'a> = dyn FnMut(&ExecError) -> bool + 'a;

/// A model's networks, ready to run on the executor they were packed by.
pub struct Model {
    /// The schedule.
    pub scheduler: LcmScheduler,
    /// The networks.
    pub networks: Networks,
    prompts: Prompts,
}

impl Model {
    /// Opens the parts in `files` and packs their weights for `executor`.
    ///
    /// # Errors
    /// A file that is missing or broken, a config that is absurd, parts that do not fit; [`EngineError::Cancelled`].
    pub fn open(
        files: &ModelFiles,
        parts: &Parts<'_>,
        executor: &dyn Executor,
        progress: &mut Progress<'_>,
    ) -> Result<Self, EngineError> {
        let config = format!("{}/scheduler_config.json", parts.scheduler);
        let config = ScheduleConfig::parse(&files.label(&config), &files.read_small(&config)?)?;
        let configs = Configs::read(files, parts)?;
        let reader = Reader::open(files, &parts.texts(), executor, progress)?;
        let networks = Networks::open(files, parts, configs, executor, progress)?;
        let prompts = Prompts::new(reader, parts.silence);
        Ok(Self { scheduler: LcmScheduler::new(config), networks, prompts })
    }

    /// The states of `wording` without the text encoders' last `clip_skip` layers.
    ///
    /// # Errors
    /// More layers skipped than there are; the executor's.
    pub fn states(
        &mut self,
        executor: &dyn Executor,
        wording: &Wording,
        clip_skip: u32,
    ) -> Result<Arc<States>, EngineError> {
        self.prompts.states(executor, wording, clip_skip)
    }

    /// What guidance of scale `guidance` leads away from when nobody gives a negative prompt.
    pub fn negative(&self, guidance: f64) -> Negative {
        if self.networks.is_guided(guidance) { Negative::Absent } else { Negative::Unused }
    }

    /// Times the steps of the networks used so far, under the name of their job.
    pub(super) fn profile(&mut self, runs: usize) -> Vec<(&'static str, Profile)> {
        let mut profiles = self.networks.profile(runs);
        profiles.extend(self.prompts.reader().profile(runs));
        profiles
    }

    /// The timesteps of `params`, softly: where the strength leaves fewer steps than asked for, there are fewer, and at the
    /// weakest there is one. (The reference refuses; someone who moves a slider wants a picture.) Without a picture to begin
    /// with the whole schedule is used.
    ///
    /// # Errors
    /// Steps or a strength that are none.
    pub(super) fn timesteps(&self, params: &Params, from_picture: bool) -> Result<Timesteps, ScheduleError> {
        let scheduler = &self.scheduler;
        let strength = if from_picture { params.strength } else { 1.0 };
        let steps = params.steps as usize;
        // Refused with all of the schedule: then strength is not to blame.
        scheduler.timesteps(&StepRequest::count(steps))?;
        if !(0.0..=1.0).contains(&params.strength) {
            return Err(ScheduleError::Strength { strength: params.strength });
        }
        let strength = strength.max(scheduler.least_strength());
        let steps = steps.min(scheduler.steps_at(strength));
        scheduler.timesteps(&StepRequest { steps: Steps::Count(steps), original_steps: None, strength })
    }

    /// Compiles what pictures of `size` need that are painted over others with the steps and strength of `params`.
    ///
    /// # Errors
    /// A weight that is missing or misshapen; the executor's.
    fn prepare(&mut self, executor: &dyn Executor, params: &Params, size: Size) -> Result<(), EngineError> {
        // What the schedule refuses is told when it is to be painted.
        let timesteps = self.timesteps(params, true).ok();
        let guided = self.networks.is_guided(params.guidance);
        let begin = Begin { size, from_picture: true, guided };
        let course = timesteps.and_then(|steps| self.networks.course(&self.scheduler, &steps, begin));
        self.prompts.reader().prepare(executor)?;
        self.networks.prepare(executor, begin, course)
    }
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

/// Loads a model for the executor called `executor` ("auto" takes the fastest that has room for it) with so many `threads` (0 means
/// all cores), and prepares pictures with the steps and strength of `wished`, or of the model's card.
///
/// # Errors
/// Those of [`Model::open`]; a pipeline that is not supported; an executor that is not known.
pub fn load(
    source: &ModelSource,
    executor: &str,
    threads: usize,
    wished: Option<&Params>,
    progress: &mut Progress<'_>,
) -> Result<LoadedModel, EngineError> {
    load_beside((source, executor, threads), wished, progress, &mut |_| false)
}

/// The same where another model may be on the GPU already. If there is no room beside it, `room` is asked to make some, and all is
/// tried once more.
///
/// # Errors
/// Those of [`load`].
pub fn load_beside(
    (source, executor, threads): (&ModelSource, &str, usize),
    wished: Option<&Params>,
    progress: &mut Progress<'_>,
    room: &mut Room<'_>,
) -> Result<LoadedModel, EngineError> {
    go_on(progress, "opening the model", 0.0)?;
    let files = ModelFiles::open(source)?;
    let unasked = executor == "auto";
    let attempt = |progress: &mut Progress<'_>| {
        let executor = match if unasked { exec::trusted_gpu()? } else { Some(exec::open(executor, threads)?) } {
            Some(executor) => executor,
            None => exec::fastest_cpu(threads)?,
        };
        load_for(executor, source, &files, wished, progress)
    };
    let mut loaded = attempt(progress);
    if matches!(&loaded, Err(EngineError::Exec(error)) if error.is_full() && room(error)) {
        loaded = attempt(progress);
    }
    match loaded {
        // A GPU that nobody asked for need not have room.
        Err(EngineError::Exec(error @ ExecError::Device { .. })) if unasked => {
            log::warn!("{error}; the CPU paints instead");
            let loaded = load_for(exec::fastest_cpu(threads)?, source, &files, wished, progress)?;
            Ok(LoadedModel { refusal: Some(error), ..loaded })
        }
        loaded => loaded,
    }
}

fn load_for(
    executor: Arc<dyn Executor>,
    source: &ModelSource,
    files: &ModelFiles,
    wished: Option<&Params>,
    progress: &mut Progress<'_>,
) -> Result<LoadedModel, EngineError> {
    let parts = folder::parts(files)?;
    let mut model = Model::open(files, &parts, &*executor, progress)?;
    let card = files.card()?;
    let side = card.as_ref().map(|card| card.resolution).filter(|side| *side > 0);
    let mut info = ModelInfo {
        name: files.name().to_owned(),
        source: source.clone(),
        card,
        size: side.map_or_else(|| model.networks.native_size(), Size::square),
        multiple: model.networks.multiple(),
        guidance: model.networks.guidance(),
        executor: executor.name(),
        bytes: 0,
    };
    go_on(progress, "preparing the networks", 0.9)?;
    // Now, on the loader's thread, so that what is missing is told before the model is taken.
    match model.prepare(&*executor, wished.unwrap_or(&info.params()), info.size) {
        // There may be room for the size that is wished for; a missing weight is then told with the first picture.
        Err(EngineError::Exec(error @ ExecError::Room { .. })) => log::info!("at {} px {error}", info.size.width),
        prepared => prepared?,
    }
    // Now, for some weights wait until somebody asks for them.
    info.bytes = model.networks.bytes() + model.prompts.reader().bytes();
    go_on(progress, "ready", 1.0)?;
    Ok(LoadedModel { executor, model, info, refusal: None })
}

/// Tells `progress`, and gives up if it says so.
pub(super) fn go_on(progress: &mut Progress<'_>, what: &str, fraction: f32) -> Result<(), EngineError> {
    if progress(what, fraction) { Ok(()) } else { Err(EngineError::Cancelled) }
}
