//! Opening a model: a folder in diffusers layout, or parts of several. The default model goes through the same code.
//!
//! All of it can run on a loader's thread: a [`LoadedModel`] is sent to where it paints.

use std::sync::Arc;

use super::networks::Networks;
use super::prompt::{Prompts, States};
use super::schedule::{LcmScheduler, ScheduleConfig, ScheduleError, StepRequest, Steps, Timesteps};
use super::{EngineError, ModelInfo, Params};
use crate::exec::{self, Executor};
use crate::frame::Size;
use crate::nn::Fields;
use crate::nn::text::Tokenizer;
use crate::weights::{ModelFiles, ModelSource};

/// Hears what is being done and how far it is, 0..=1; says `false` to give up.
pub type Progress<'a> = dyn FnMut(&str, f32) -> bool + 'a;

/// Pipelines whose folders can be painted with, because their parts are the same.
const PIPELINES: [&str; 4] = [
    "LatentConsistencyModelPipeline",
    "LatentConsistencyModelImg2ImgPipeline",
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
];

/// Parts of a pipeline, and the classes each may have.
const CLASSES: [(&str, &[&str]); 4] = [
    ("unet", &["UNet2DConditionModel"]),
    ("vae", &["AutoencoderTiny", "AutoencoderKL"]),
    ("text_encoder", &["CLIPTextModel"]),
    ("tokenizer", &["CLIPTokenizer", "CLIPTokenizerFast"]),
];

/// Where the parts of a model are, below its root.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The denoising network.
    pub unet: &'a str,
    /// The autoencoder.
    pub vae: &'a str,
    /// The text encoder.
    pub text_encoder: &'a str,
    /// Its tokenizer.
    pub tokenizer: &'a str,
    /// The scheduler's config.
    pub scheduler: &'a str,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self { unet: "unet", vae: "vae", text_encoder: "text_encoder", tokenizer: "tokenizer", scheduler: "scheduler" }
    }
}

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
        let networks = Networks::open(files, parts, executor, progress)?;
        let tokenizer = Tokenizer::open(files, parts.tokenizer, networks.text_length())?;
        networks.check_vocabulary(tokenizer.largest_id() as usize, parts.tokenizer, parts.text_encoder)?;
        Ok(Self { scheduler: LcmScheduler::new(config), networks, prompts: Prompts::new(tokenizer) })
    }

    /// The states of `prompts`, one for each, without the text encoder's last `clip_skip` layers.
    ///
    /// # Errors
    /// More layers skipped than there are; the executor's.
    pub fn states(
        &mut self,
        executor: &dyn Executor,
        prompts: &[String],
        clip_skip: u32,
    ) -> Result<Arc<States>, EngineError> {
        self.prompts.states(&mut self.networks, executor, prompts, clip_skip)
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
        let course = timesteps.and_then(|steps| self.networks.course(&self.scheduler, &steps, size, true));
        self.networks.prepare(executor, size, course)
    }
}

/// A model that can be sent to the thread where it paints.
pub struct LoadedModel {
    pub(super) executor: Arc<dyn Executor>,
    pub(super) model: Model,
    pub(super) info: ModelInfo,
}

impl LoadedModel {
    /// What the faces may know about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }
}

/// Loads a model for the executor called `executor` ("auto" takes the fastest) with so many `threads` (0 means all cores), and
/// prepares pictures with the steps and strength of `wished`, or of the model's card.
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
    go_on(progress, "opening the model", 0.0)?;
    let files = ModelFiles::open(source)?;
    check_pipeline(&files)?;
    let executor = exec::open(executor, threads)?;
    let mut model = Model::open(&files, &Parts::default(), &*executor, progress)?;
    let card = files.card()?;
    let side = card.as_ref().map(|card| card.resolution).filter(|side| *side > 0);
    let size = side.map_or_else(|| model.networks.native_size(), Size::square);
    go_on(progress, "preparing the networks", 0.9)?;
    // Now, on the loader's thread, so that what is missing is told before the model is taken.
    let defaults = Params::of_card(card.as_ref());
    model.prepare(&*executor, wished.unwrap_or(&defaults), size)?;
    go_on(progress, "ready", 1.0)?;
    let info = ModelInfo {
        name: files.name().to_owned(),
        source: source.clone(),
        card,
        size,
        multiple: model.networks.multiple(),
        executor: executor.name(),
        bytes: model.networks.bytes(),
    };
    Ok(LoadedModel { executor, model, info })
}

/// Tells `progress`, and gives up if it says so.
pub(super) fn go_on(progress: &mut Progress<'_>, what: &str, fraction: f32) -> Result<(), EngineError> {
    if progress(what, fraction) { Ok(()) } else { Err(EngineError::Cancelled) }
}

/// Refuses pipelines, and parts of them, that are something else.
fn check_pipeline(files: &ModelFiles) -> Result<(), EngineError> {
    let label = files.label("model_index.json");
    let index = Fields::parse(&label, &files.read_small("model_index.json")?)?;
    let class = index.get("_class_name").and_then(|class| class.as_str()).unwrap_or("model without a class");
    if !PIPELINES.contains(&class) {
        let supported = "a model with the pipeline LatentConsistencyModelPipeline, or StableDiffusionPipeline of the \
            1.x or 2.x family made for few steps";
        return Err(unsupported(files.name(), class, supported));
    }
    for (part, classes) in CLASSES {
        let pair = index.get(part).and_then(|value| value.as_array()).and_then(|pair| pair.get(1)?.as_str());
        match pair {
            Some(class) if classes.contains(&class) => {}
            Some(class) => {
                let name = format!("the {part} of {}", files.name());
                return Err(unsupported(&name, class, &format!("a model whose {part} is {}", classes.join(" or "))));
            }
            None => return Err(index.refuse(part, &format!("a library and {}", classes.join(" or "))).into()),
        }
    }
    Ok(())
}

fn unsupported(name: &str, class: &str, supported: &str) -> EngineError {
    let class = class.chars().filter(|c| !c.is_control()).take(80).collect();
    EngineError::Unsupported { name: name.into(), class, supported: supported.into() }
}
