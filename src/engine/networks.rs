//! The networks of a model that see pictures, behind plain calls: encode, predict, decode. Sizes, channels and scales come from the
//! configs; graphs are compiled when a size is first asked for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::configs::Configs;
use super::embed::guidance_embedding;
use super::info::GuidanceWay;
use super::latents::{Draw, decoder_latents, network_latents};
use super::model::{Progress, go_on};
use super::parts::Parts;
use super::pipeline::Encoded;
use super::programs::{Course, Extent, Programs, Purpose};
use super::prompt::States;
use super::schedule::{LcmScheduler, Timesteps};
use super::{EngineError, bytes, guidance, whole};
use crate::exec::{ExecError, Executor, Packed, Profile, Program, Tensor, Value};
use crate::flow::Patience;
use crate::frame::Size;
use crate::nn::timestep_embedding;
use crate::nn::unet::{self, Framing, Guidance, UNetConfig, UNetSize};
use crate::weights::{ModelFiles, Weights};

/// What steers one prediction.
pub struct Run<'a> {
    /// The timesteps of some latents, which come again and again until all have one.
    pub timesteps: &'a [usize],
    /// Guidance scale.
    pub guidance: f64,
    /// The prompts' states.
    pub states: &'a States,
    /// How the pictures are framed.
    pub framing: &'a Framing,
    /// Index of the denoising step.
    pub slot: usize,
}

/// What steers a picture that is painted in one go.
pub struct WholeRun<'a> {
    /// Guidance scale.
    pub guidance: f64,
    /// The prompt's states.
    pub states: &'a States,
    /// How the picture is framed.
    pub framing: &'a Framing,
    /// Latents, in the order in which they are used.
    pub noises: Vec<Tensor>,
    /// The picture to begin with, of bytes [1, h, w, 1].
    pub picture: Option<&'a Tensor>,
}

/// What is known of pictures before they are painted.
#[derive(Clone, Copy, Debug)]
pub struct Begin {
    /// Their size in pixels.
    pub size: Size,
    /// Whether they begin with a picture.
    pub from_picture: bool,
    /// Whether each step predicts twice.
    pub guided: bool,
}

/// The networks of a model, packed for one executor, and the programs compiled so far.
pub struct Networks {
    configs: Configs,
    packed: PackedParts,
    /// Who runs the autoencoder, if its numbers are too large for the model's executor.
    wider: Option<Arc<dyn Executor>>,
    programs: Programs<Purpose>,
    /// How long somebody waits for what they compute.
    patience: Patience,
}

struct PackedParts {
    /// U-Net and autoencoder as one, for whole pictures.
    joined: Option<Arc<dyn Packed>>,
    unet: Arc<dyn Packed>,
    vae: Arc<dyn Packed>,
}

impl Networks {
    /// Packs the weights of `parts`, whose configs are known.
    ///
    /// # Errors
    /// A file that is missing or broken; [`EngineError::Cancelled`].
    pub fn open(
        files: &ModelFiles,
        parts: &Parts<'_>,
        configs: Configs,
        executor: &dyn Executor,
        progress: &mut Progress<'_>,
    ) -> Result<Self, EngineError> {
        let mut read = |part: &str, folder: &str, fraction: f32| {
            go_on(progress, &format!("reading {folder}"), fraction)?;
            Ok::<_, EngineError>(Weights::open(&[(part, files.tensors(folder)?)])?)
        };
        let wider = if configs.needs_range() { executor.wider()? } else { None };
        let vae = wider.as_deref().unwrap_or(executor).load_precise(&read("vae", parts.vae, 0.2)?)?;
        let unet = executor.load(&read("unet", parts.unet, 0.3)?)?;
        let joined = if wider.is_none() { executor.joined(&[unet.clone(), vae.clone()]) } else { None };
        Ok(Self {
            configs,
            packed: PackedParts { joined, unet, vae },
            wider,
            programs: Programs::default(),
            patience: Patience::default(),
        })
    }

    /// Somebody waits so long for what is computed from now on; after that it is given up.
    pub fn work_within(&mut self, patience: &Patience) {
        self.patience = patience.clone();
    }

    /// Bytes of weights in memory.
    pub fn bytes(&self) -> usize {
        self.packed.unet.bytes() + self.packed.vae.bytes()
    }

    /// How the guidance scale reaches the U-Net.
    pub fn guidance(&self) -> GuidanceWay {
        if self.configs.unet.guidance_width.is_some() { GuidanceWay::Embedded } else { GuidanceWay::ClassifierFree }
    }

    /// Whether each step of pictures of this guidance scale predicts twice.
    pub fn is_guided(&self, guidance: f64) -> bool {
        self.guidance() == GuidanceWay::ClassifierFree && guidance > 1.0
    }

    /// What the executors round, as [`Executor::rounding_of_pictures`] says it.
    pub fn rounding(&self, executor: &dyn Executor) -> f32 {
        self.wider.as_deref().map_or(0.0, Executor::rounding_of_pictures).max(executor.rounding_of_pictures())
    }

    /// Picture sides must be multiples of this.
    pub fn multiple(&self) -> u32 {
        self.configs.autoencoder.factor() as u32
    }

    /// The size of picture the U-Net was trained on.
    pub fn native_size(&self) -> Size {
        self.configs.native_size()
    }

    /// The shape [n, h, w, c] of the latents of `batch` pictures of `size`.
    pub fn latent_shape(&self, batch: usize, size: Size) -> Vec<usize> {
        let Extent { batch, height, width } = self.latent_extent(batch, size);
        vec![batch, height, width, self.configs.autoencoder.latent_channels()]
    }

    fn latent_extent(&self, batch: usize, size: Size) -> Extent {
        let side = |pixels: u32| (pixels / self.multiple().max(1)) as usize;
        Extent { batch, height: side(size.height), width: side(size.width) }
    }

    /// That of the latents of `pictures` [n, h, w, c].
    fn extent_behind(&self, pictures: &Tensor) -> Extent {
        let (Extent { batch, height, width }, factor) = (Extent::of(pictures), self.configs.autoencoder.factor());
        Extent { batch, height: height / factor, width: width / factor }
    }

    /// Compiles what such pictures need, so that missing weights are found at once and the first picture is quick. With a
    /// `course` they are painted in one go.
    ///
    /// # Errors
    /// A weight that is missing or misshapen.
    pub fn prepare(
        &mut self,
        executor: &dyn Executor,
        begin: Begin,
        course: Option<Course>,
    ) -> Result<(), EngineError> {
        let extent = self.latent_extent(1, begin.size);
        let predicted = Extent { batch: if begin.guided { 2 } else { 1 }, ..extent };
        let painting = match course {
            Some(course) => vec![Purpose::Whole(course)],
            None => vec![Purpose::See(extent), Purpose::Predict(predicted), Purpose::Show(extent)],
        };
        painting.into_iter().try_for_each(|purpose| self.program(executor, purpose).map(|_| ()))
    }

    /// What the encoder makes of pictures [n, h, w, 3] in -1..=1.
    ///
    /// # Errors
    /// The executor's.
    pub fn encode(&mut self, executor: &dyn Executor, pictures: &Tensor) -> Result<Tensor, EngineError> {
        self.run_alone(executor, Purpose::Encode(self.extent_behind(pictures)), ("pixels", pictures))
    }

    /// The same of pictures of bytes [n, h, w, 1].
    ///
    /// # Errors
    /// The executor's.
    pub fn see(&mut self, executor: &dyn Executor, pictures: &Tensor) -> Result<Tensor, EngineError> {
        self.run_alone(executor, Purpose::See(self.extent_behind(pictures)), ("picture", pictures))
    }

    /// Pictures of bytes [n, h, w, 1] from scaled `latents`.
    ///
    /// # Errors
    /// The executor's.
    pub fn show(&mut self, executor: &dyn Executor, latents: &Tensor) -> Result<Tensor, EngineError> {
        self.run_alone(executor, Purpose::Show(Extent::of(latents)), ("latents", latents))
    }

    /// How a picture of these timesteps is painted in one go, if the executor wants that and it is possible.
    pub fn course(&self, scheduler: &LcmScheduler, timesteps: &Timesteps, begin: Begin) -> Option<Course> {
        self.packed.joined.as_ref()?;
        let extent = self.latent_extent(1, begin.size);
        whole::course(&self.configs, scheduler, timesteps, extent, begin)
    }

    /// Paints a picture of bytes [1, h, w, 1] in one go, over one of the same shape if the course begins with one. `noises` are
    /// latents, in the order in which they are used.
    ///
    /// # Errors
    /// The executor's.
    pub fn paint(
        &mut self,
        executor: &dyn Executor,
        (course, scheduler, timesteps): (Course, &LcmScheduler, &Timesteps),
        run: &WholeRun<'_>,
    ) -> Result<Tensor, EngineError> {
        let made = self.whole_inputs((course, scheduler, timesteps), run);
        let texts = whole::texts(run.states);
        let noises = run.noises.iter().enumerate().map(|(index, noise)| (format!("noise.{index}"), noise));
        let noises: Vec<(String, &Tensor)> = noises.collect();
        let mut inputs: Vec<Value<'_>> = made.iter().map(Made::value).collect();
        inputs.extend(noises.iter().map(|(name, tensor)| Value { name, revision: 0, tensor }));
        inputs.extend(texts.iter().map(|(name, tensor)| Value { name, revision: run.states.id, tensor }));
        inputs.extend(run.picture.map(|tensor| Value { name: "picture", revision: 0, tensor }));
        self.run(executor, Purpose::Whole(course), &inputs, 0)
    }

    /// What is made for a run that paints in one go: the scheduler's factors, and what tells the U-Net of steps, guidance and framing.
    fn whole_inputs(
        &self,
        (course, scheduler, timesteps): (Course, &LcmScheduler, &Timesteps),
        run: &WholeRun<'_>,
    ) -> Vec<Made> {
        let channels = self.configs.autoencoder.latent_channels();
        let factors = whole::factors(scheduler, timesteps, course, run.guidance).into_iter();
        let factors = factors.map(|(name, factor)| {
            let revision = u64::from(factor.to_bits());
            Made { name, revision, tensor: whole::row(factor, channels) }
        });
        let times = timesteps.list().iter().enumerate().map(|(step, &timestep)| {
            let name = format!("timestep_embedding.{step}");
            Made { name, revision: timestep as u64, tensor: time_row(&self.configs.unet, timestep) }
        });
        let others = self.guidance_input(run.guidance, 1).into_iter().chain(self.framing(run.framing, 1));
        factors.chain(times).chain(others).collect()
    }

    /// Scaled latents from what the encoder made; `draw` gives noise of a shape [n, h, w, c], if any is needed.
    ///
    /// # Errors
    /// Those of `draw`.
    pub fn sample(&self, encoded: &Encoded, draw: &mut Draw<'_>) -> Result<Tensor, EngineError> {
        network_latents(&self.configs.autoencoder, &encoded.tensor, draw)
    }

    /// What the U-Net predicts from `latents`, led by guidance if the states are.
    ///
    /// # Errors
    /// The executor's.
    pub fn predict(&mut self, executor: &dyn Executor, latents: &Tensor, run: &Run<'_>) -> Result<Tensor, EngineError> {
        if !run.states.guided {
            return self.predict_plain(executor, latents, run);
        }
        let both = self.predict_plain(executor, &guidance::twice(latents), run)?;
        Ok(guidance::guided(&both, run.guidance))
    }

    /// One prediction for each of the states.
    fn predict_plain(
        &mut self,
        executor: &dyn Executor,
        latents: &Tensor,
        run: &Run<'_>,
    ) -> Result<Tensor, EngineError> {
        let extent = Extent::of(latents);
        let mut made = vec![self.times(run.timesteps, extent.batch)];
        made.extend(self.guidance_input(run.guidance, extent.batch));
        made.extend(self.framing(run.framing, extent.batch));
        let mut inputs = vec![
            Value { name: "sample", revision: 0, tensor: latents },
            Value { name: "encoder_hidden_states", revision: run.states.id, tensor: &run.states.tensor },
        ];
        if let Some(tensor) = &run.states.pooled {
            inputs.push(Value { name: "text_embeds", revision: run.states.id, tensor });
        }
        inputs.extend(made.iter().map(Made::value));
        self.run(executor, Purpose::Predict(extent), &inputs, run.slot)
    }

    /// The input that tells the U-Net of `timesteps`: their sinusoids [`batch`, c], again and again.
    fn times(&self, timesteps: &[usize], batch: usize) -> Made {
        let rows: Vec<Tensor> = timesteps.iter().map(|timestep| time_row(&self.configs.unet, *timestep)).collect();
        let rows: Vec<f32> = rows.iter().cycle().take(batch).flat_map(|row| &row.data).copied().collect();
        let mut revision = DefaultHasher::new();
        timesteps.hash(&mut revision);
        let tensor = Tensor::new([batch, self.configs.unet.first_channels()], rows);
        Made { name: "timestep_embedding".into(), revision: revision.finish(), tensor }
    }

    /// The input that tells the U-Net of a guidance scale, if it is told of it.
    fn guidance_input(&self, guidance: f64, batch: usize) -> Option<Made> {
        let row = guidance_embedding(guidance, self.configs.unet.guidance_width?);
        Some(Made { name: "guidance_embedding".into(), revision: guidance.to_bits(), tensor: rows(&row, batch) })
    }

    /// The input that tells the U-Net of a framing, if it is told of it.
    fn framing(&self, framing: &Framing, batch: usize) -> Option<Made> {
        let UNetConfig { added, flip_sin_to_cos, freq_shift, .. } = &self.configs.unet;
        let row = added.as_ref()?.framing(framing, *flip_sin_to_cos, *freq_shift);
        let mut revision = DefaultHasher::new();
        framing.hash(&mut revision);
        Some(Made { name: "framing_embedding".into(), revision: revision.finish(), tensor: rows(&row, batch) })
    }

    /// The pictures of scaled `latents`, [n, h, w, 3], about -1..=1.
    ///
    /// # Errors
    /// The executor's.
    pub fn decode(&mut self, executor: &dyn Executor, latents: &Tensor) -> Result<Tensor, EngineError> {
        let plain = decoder_latents(&self.configs.autoencoder, latents);
        self.run_alone(executor, Purpose::Decode(Extent::of(latents)), ("latents", &plain))
    }

    /// Times the steps of what was compiled, under the name of its job.
    pub fn profile(&mut self, runs: usize) -> Vec<(&'static str, Profile)> {
        self.programs.profile(runs).into_iter().map(|(purpose, profile)| (purpose.name(), profile)).collect()
    }

    /// Runs a program of one input, given by its name and what it is.
    fn run_alone(
        &mut self,
        executor: &dyn Executor,
        purpose: Purpose,
        (name, tensor): (&str, &Tensor),
    ) -> Result<Tensor, EngineError> {
        self.run(executor, purpose, &[Value { name, revision: 0, tensor }], 0)
    }

    fn run(
        &mut self,
        executor: &dyn Executor,
        purpose: Purpose,
        inputs: &[Value<'_>],
        slot: usize,
    ) -> Result<Tensor, EngineError> {
        let patience = self.patience.clone();
        first(self.program(executor, purpose)?.run_within(&patience, inputs, slot)?)
    }

    fn program(&mut self, executor: &dyn Executor, purpose: Purpose) -> Result<&mut dyn Program, EngineError> {
        let Self { configs, packed, wider, programs, .. } = self;
        let Configs { unet, autoencoder, .. } = &*configs;
        let (vae, network) = ((&packed.vae, wider.as_deref().unwrap_or(executor)), (&packed.unet, executor));
        programs.get(purpose, || {
            let (graph, (packed, executor)) = match purpose {
                Purpose::Encode(Extent { batch, height, width }) => {
                    let factor = autoencoder.factor();
                    (autoencoder.encoder(batch, height * factor, width * factor)?, vae)
                }
                Purpose::Decode(Extent { batch, height, width }) => (autoencoder.decoder(batch, height, width)?, vae),
                Purpose::See(extent) => (bytes::seeing(autoencoder, extent)?, vae),
                Purpose::Show(extent) => (bytes::showing(autoencoder, extent)?, vae),
                Purpose::Whole(course) => {
                    let missing = || ExecError::Backend {
                        executor: executor.name(),
                        text: "whole pictures are not its work".into(),
                    };
                    (whole::build(configs, course)?, (packed.joined.as_ref().ok_or_else(missing)?, executor))
                }
                Purpose::Predict(Extent { batch, height, width }) => {
                    let at = UNetSize { batch, height, width, tokens: configs.tokens() };
                    (unet::build(unet, at, Guidance::Embedded)?, network)
                }
            };
            Ok(executor.compile(Arc::new(graph), packed, &[])?)
        })
    }
}

/// An input that is made for one run.
struct Made {
    name: String,
    revision: u64,
    tensor: Tensor,
}

impl Made {
    fn value(&self) -> Value<'_> {
        Value { name: &self.name, revision: self.revision, tensor: &self.tensor }
    }
}

/// `row` for each of `batch` pictures.
fn rows(row: &[f32], batch: usize) -> Tensor {
    Tensor::new([batch, row.len()], row.repeat(batch))
}

/// The sinusoids [1, c] of a timestep.
fn time_row(unet: &UNetConfig, timestep: usize) -> Tensor {
    let width = unet.first_channels();
    let row = timestep_embedding(&[timestep as f32], width, unet.flip_sin_to_cos, unet.freq_shift);
    Tensor::new([1, row.len()], row)
}

/// The first result of a program.
fn first(results: Vec<Tensor>) -> Result<Tensor, EngineError> {
    only(&mut results.into_iter())
}

/// The next result of a program.
pub fn only(results: &mut impl Iterator<Item = Tensor>) -> Result<Tensor, EngineError> {
    let missing = || ExecError::Backend { executor: "the executor".into(), text: "a network gave no result".into() };
    results.next().ok_or_else(|| missing().into())
}
