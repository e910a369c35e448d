//! A model's parts together: schedule, networks, prompts. A folder in diffusers layout, or parts of several; the default model goes
//! through the same code.

use std::sync::Arc;

use super::configs::Configs;
use super::networks::{Begin, Networks};
use super::parts::Parts;
use super::prompt::{Negative, Prompts, States, Wording};
use super::reader::Reader;
use super::schedule::{LcmScheduler, ScheduleConfig, ScheduleError, StepRequest, Steps, Timesteps};
use super::{EngineError, Params};
use crate::exec::{Executor, Profile};
use crate::frame::Size;
use crate::weights::ModelFiles;

/// Hears what is being done and how far it is, 0..=1; says `false` to give up.
pub type Progress<'a> = dyn FnMut(&str, f32) -> bool + 'a;

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
        if !Params::STRENGTH.contains(&params.strength) {
            return Err(ScheduleError::Strength { strength: params.strength });
        }
        let strength = strength.max(scheduler.least_strength());
        let steps = steps.min(scheduler.steps_at(strength));
        scheduler.timesteps(&StepRequest { steps: Steps::Count(steps), original_steps: None, strength })
    }

    /// Bytes of weights in memory.
    pub(super) fn bytes(&mut self) -> usize {
        self.networks.bytes() + self.prompts.reader().bytes()
    }

    /// Compiles what pictures of `size` need that are painted over others with the steps and strength of `params`.
    ///
    /// # Errors
    /// A weight that is missing or misshapen; the executor's.
    pub(super) fn prepare(&mut self, executor: &dyn Executor, params: &Params, size: Size) -> Result<(), EngineError> {
        // What the schedule refuses is told when it is to be painted.
        let timesteps = self.timesteps(params, true).ok();
        let guided = self.networks.is_guided(params.guidance);
        let begin = Begin { size, from_picture: true, guided };
        let course = timesteps.and_then(|steps| self.networks.course(&self.scheduler, &steps, begin));
        self.prompts.reader().prepare(executor, params.clip_skip)?;
        self.networks.prepare(executor, begin, course)
    }
}

/// Tells `progress`, and gives up if it says so.
pub(super) fn go_on(progress: &mut Progress<'_>, what: &str, fraction: f32) -> Result<(), EngineError> {
    if progress(what, fraction) { Ok(()) } else { Err(EngineError::Cancelled) }
}
