//! A model's networks behind plain calls: read a prompt, encode, predict, decode. Sizes, channels and scales come from the
//! configs; graphs are compiled when a size is first asked for.

use std::sync::Arc;

use super::EngineError;
use super::embed::guidance_embedding;
use super::latents::{Draw, decoder_latents, network_latents};
use super::model::{Parts, Progress, go_on};
use super::pipeline::Encoded;
use super::programs::{Course, Extent, Programs, Purpose};
use super::prompt::States;
use super::schedule::{LcmScheduler, Timesteps};
use super::whole;
use crate::exec::{ExecError, Executor, Packed, Profile, Program, Tensor, Value};
use crate::frame::Size;
use crate::graph::{Graph, GraphBuilder, GraphError, Shape, Stage};
use crate::nn::text::clip::{self, ClipConfig};
use crate::nn::unet::{self, Guidance, UNetConfig, UNetSize};
use crate::nn::{AutoencoderConfig, timestep_embedding};
use crate::weights::{ModelFiles, Weights};

/// Side of the latents that a U-Net was trained on when its config does not say.
const USUAL_SAMPLE_SIZE: usize = 64;

/// Red, green and blue.
const PICTURE_CHANNELS: usize = 3;

/// What steers one prediction.
pub struct Run<'a> {
    /// The timestep.
    pub timestep: usize,
    /// Guidance scale.
    pub guidance: f64,
    /// The prompts' states.
    pub states: &'a States,
    /// Index of the denoising step.
    pub slot: usize,
}

/// What steers a picture that is painted in one go.
pub struct WholeRun<'a> {
    /// Guidance scale.
    pub guidance: f64,
    /// The prompt's states.
    pub states: &'a States,
    /// Latents, in the order in which they are used.
    pub noises: Vec<Tensor>,
    /// The picture to begin with, of bytes [1, h, w, 1].
    pub picture: Option<&'a Tensor>,
}

/// The networks of a model, packed for one executor, and the programs compiled so far.
pub struct Networks {
    configs: Configs,
    packed: PackedParts,
    programs: Programs,
    /// Prompts read; an executor may keep what it made of the last one.
    reads: u64,
}

/// What a model's networks are like.
pub struct Configs {
    /// The U-Net.
    pub unet: UNetConfig,
    /// The text encoder.
    pub text: ClipConfig,
    /// The autoencoder.
    pub autoencoder: AutoencoderConfig,
}

struct PackedParts {
    /// U-Net and autoencoder as one, for whole pictures.
    joined: Option<Arc<dyn Packed>>,
    unet: Arc<dyn Packed>,
    vae: Arc<dyn Packed>,
    text: Arc<dyn Packed>,
}

impl Networks {
    /// Reads the configs and packs the weights of `parts`.
    ///
    /// # Errors
    /// A file that is missing or broken, a config that is absurd, parts that do not fit; [`EngineError::Cancelled`].
    pub fn open(
        files: &ModelFiles,
        parts: &Parts<'_>,
        executor: &dyn Executor,
        progress: &mut Progress<'_>,
    ) -> Result<Self, EngineError> {
        let config = |folder: &str| {
            let path = format!("{folder}/config.json");
            Ok::<_, EngineError>((files.label(&path), files.read_small(&path)?))
        };
        let (label, bytes) = config(parts.unet)?;
        let unet = UNetConfig::parse(&label, &bytes)?;
        let (label, bytes) = config(parts.vae)?;
        let autoencoder = AutoencoderConfig::parse(&label, &bytes)?;
        let (label, bytes) = config(parts.text_encoder)?;
        let text = ClipConfig::parse(&label, &bytes)?;
        fits("latent channels", (unet.in_channels, parts.unet), (autoencoder.latent_channels(), parts.vae))?;
        fits("channels out of the network", (unet.out_channels, parts.unet), (unet.in_channels, parts.unet))?;
        let (wanted, given) = (unet.context, text.width);
        fits("picture channels", (autoencoder.picture_channels(), parts.vae), (PICTURE_CHANNELS, "a picture"))?;
        fits("width of the text states", (wanted, parts.unet), (given, parts.text_encoder))?;
        let mut pack = |part: &str, folder: &str, fraction: f32| {
            go_on(progress, &format!("reading {folder}"), fraction)?;
            let weights = Weights::open(&[(part, files.tensors(folder)?)])?;
            Ok::<_, EngineError>(executor.load(&weights)?)
        };
        let text_packed = pack("text_encoder", parts.text_encoder, 0.05)?;
        let vae = pack("vae", parts.vae, 0.2)?;
        let unet_packed = pack("unet", parts.unet, 0.3)?;
        let joined = executor.joined(&[unet_packed.clone(), vae.clone()]);
        let packed = PackedParts { joined, unet: unet_packed, vae, text: text_packed };
        let configs = Configs { unet, text, autoencoder };
        Ok(Self { configs, packed, programs: Programs::default(), reads: 0 })
    }

    /// Tokens of a prompt.
    pub fn text_length(&self) -> usize {
        self.configs.text.positions
    }

    /// Bytes of weights in memory.
    pub fn bytes(&self) -> usize {
        [&self.packed.unet, &self.packed.vae, &self.packed.text].iter().map(|packed| packed.bytes()).sum()
    }

    /// Picture sides must be multiples of this.
    pub fn multiple(&self) -> u32 {
        self.configs.autoencoder.factor() as u32
    }

    /// The size of picture the U-Net was trained on.
    pub fn native_size(&self) -> Size {
        let [height, width] = self.configs.unet.sample_size.unwrap_or([USUAL_SAMPLE_SIZE; 2]);
        Size::new(width as u32 * self.multiple(), height as u32 * self.multiple())
    }

    /// The shape [n, h, w, c] of the latents of `batch` pictures of `size`.
    pub fn latent_shape(&self, batch: usize, size: Size) -> Vec<usize> {
        let side = |pixels: u32| (pixels / self.multiple().max(1)) as usize;
        vec![batch, side(size.height), side(size.width), self.configs.autoencoder.latent_channels()]
    }

    /// Refuses a tokenizer whose ids the text encoder does not have.
    ///
    /// # Errors
    /// [`EngineError::Mismatch`].
    pub fn check_vocabulary(&self, largest_id: usize, tokenizer: &str, text_encoder: &str) -> Result<(), EngineError> {
        let words = self.configs.text.vocabulary;
        // A text encoder may know more words than its tokenizer uses.
        fits("number of words", ((largest_id + 1).max(words), tokenizer), (words, text_encoder))
    }

    /// Compiles what pictures of `size` need, so that missing weights are found at once and the first picture is quick. With a
    /// `course` they are painted in one go.
    ///
    /// # Errors
    /// A weight that is missing or misshapen.
    pub fn prepare(&mut self, executor: &dyn Executor, size: Size, course: Option<Course>) -> Result<(), EngineError> {
        let shape = self.latent_shape(1, size);
        let extent = Extent { batch: 1, height: shape[1], width: shape[2] };
        let painting = match course {
            Some(course) => vec![Purpose::Whole(course)],
            None => vec![Purpose::See(extent), Purpose::Predict(extent), Purpose::Show(extent)],
        };
        for purpose in [Purpose::Text { clip_skip: 0 }].into_iter().chain(painting) {
            self.program(executor, purpose)?;
        }
        Ok(())
    }

    /// The states [1, t, c] of a prompt's `ids` without the last `clip_skip` layers.
    ///
    /// # Errors
    /// More layers skipped than there are; the executor's.
    pub fn read(&mut self, executor: &dyn Executor, ids: &[u32], clip_skip: u32) -> Result<Tensor, EngineError> {
        let layers = self.configs.text.layers;
        if clip_skip as usize > layers {
            let expected = format!("at most {layers}, the layers of the text encoder");
            return Err(EngineError::Param { name: "clip skip", found: clip_skip.to_string(), expected });
        }
        let ids = Tensor::new([1, ids.len()], ids.iter().map(|id| *id as f32).collect());
        self.reads += 1;
        let input = Value { name: "input_ids", revision: self.reads, tensor: &ids };
        first(self.program(executor, Purpose::Text { clip_skip })?.run(&[input], 0)?)
    }

    /// What the encoder makes of pictures [n, h, w, 3] in -1..=1.
    ///
    /// # Errors
    /// The executor's.
    pub fn encode(&mut self, executor: &dyn Executor, pictures: &Tensor) -> Result<Tensor, EngineError> {
        let factor = self.configs.autoencoder.factor();
        let [batch, height, width] = [0, 1, 2].map(|axis| pictures.shape[axis]);
        let extent = Extent { batch, height: height / factor, width: width / factor };
        let program = self.program(executor, Purpose::Encode(extent))?;
        first(program.run(&[Value { name: "pixels", revision: 0, tensor: pictures }], 0)?)
    }

    /// The same of pictures of bytes [n, h, w, 1].
    ///
    /// # Errors
    /// The executor's.
    pub fn see(&mut self, executor: &dyn Executor, pictures: &Tensor) -> Result<Tensor, EngineError> {
        let factor = self.configs.autoencoder.factor();
        let [batch, height, width] = [0, 1, 2].map(|axis| pictures.shape[axis]);
        let extent = Extent { batch, height: height / factor, width: width / factor };
        let program = self.program(executor, Purpose::See(extent))?;
        first(program.run(&[Value { name: "picture", revision: 0, tensor: pictures }], 0)?)
    }

    /// Pictures of bytes [n, h, w, 1] from scaled `latents`.
    ///
    /// # Errors
    /// The executor's.
    pub fn show(&mut self, executor: &dyn Executor, latents: &Tensor) -> Result<Tensor, EngineError> {
        let [batch, height, width] = [0, 1, 2].map(|axis| latents.shape[axis]);
        let program = self.program(executor, Purpose::Show(Extent { batch, height, width }))?;
        first(program.run(&[Value { name: "latents", revision: 0, tensor: latents }], 0)?)
    }

    /// How a picture of these timesteps is painted in one go, if the executor wants that and it is possible.
    pub fn course(
        &self,
        scheduler: &LcmScheduler,
        timesteps: &Timesteps,
        size: Size,
        from_picture: bool,
    ) -> Option<Course> {
        self.packed.joined.as_ref()?;
        let shape = self.latent_shape(1, size);
        let extent = Extent { batch: 1, height: shape[1], width: shape[2] };
        whole::course(&self.configs, scheduler, timesteps, extent, from_picture)
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
        let (unet, list) = (&self.configs.unet, timesteps.list());
        let channels = self.configs.autoencoder.latent_channels();
        let factors = whole::factors(scheduler, timesteps, course);
        let mut named: Vec<(String, u64, Tensor)> = Vec::new();
        for (name, factor) in factors {
            named.push((name, u64::from(factor.to_bits()), whole::row(factor, channels)));
        }
        for (step, &timestep) in list.iter().enumerate() {
            let row = time_row(unet, timestep);
            named.push((format!("timestep_embedding.{step}"), timestep as u64, row));
        }
        if let Some(width) = unet.guidance_width {
            let row = guidance_embedding(run.guidance, width);
            named.push(("guidance_embedding".into(), run.guidance.to_bits(), Tensor::new([1, row.len()], row)));
        }
        let noises = run.noises.iter().enumerate().map(|(index, noise)| (format!("noise.{index}"), noise));
        let noises: Vec<(String, &Tensor)> = noises.collect();
        let mut inputs: Vec<Value<'_>> =
            named.iter().map(|(name, revision, tensor)| Value { name, revision: *revision, tensor }).collect();
        inputs.extend(noises.iter().map(|(name, tensor)| Value { name, revision: 0, tensor }));
        inputs.push(Value { name: "encoder_hidden_states", revision: run.states.id, tensor: &run.states.tensor });
        inputs.extend(run.picture.map(|tensor| Value { name: "picture", revision: 0, tensor }));
        first(self.program(executor, Purpose::Whole(course))?.run(&inputs, 0)?)
    }

    /// Scaled latents from what the encoder made; `draw` gives noise of a shape [n, h, w, c], if any is needed.
    ///
    /// # Errors
    /// Those of `draw`.
    pub fn sample(&self, encoded: &Encoded, draw: &mut Draw<'_>) -> Result<Tensor, EngineError> {
        network_latents(&self.configs.autoencoder, &encoded.tensor, draw)
    }

    /// What the U-Net predicts from `latents`.
    ///
    /// # Errors
    /// The executor's.
    pub fn predict(&mut self, executor: &dyn Executor, latents: &Tensor, run: &Run<'_>) -> Result<Tensor, EngineError> {
        let [batch, height, width] = [0, 1, 2].map(|axis| latents.shape[axis]);
        let rows = |row: Vec<f32>| Tensor::new([batch, row.len()], row.repeat(batch));
        let time = rows(time_row(&self.configs.unet, run.timestep).data);
        let guidance = self.configs.unet.guidance_width.map(|width| rows(guidance_embedding(run.guidance, width)));
        let mut inputs = vec![
            Value { name: "sample", revision: 0, tensor: latents },
            Value { name: "timestep_embedding", revision: run.timestep as u64, tensor: &time },
            Value { name: "encoder_hidden_states", revision: run.states.id, tensor: &run.states.tensor },
        ];
        if let Some(tensor) = &guidance {
            inputs.push(Value { name: "guidance_embedding", revision: run.guidance.to_bits(), tensor });
        }
        let program = self.program(executor, Purpose::Predict(Extent { batch, height, width }))?;
        first(program.run(&inputs, run.slot)?)
    }

    /// The pictures of scaled `latents`, [n, h, w, 3], about -1..=1.
    ///
    /// # Errors
    /// The executor's.
    pub fn decode(&mut self, executor: &dyn Executor, latents: &Tensor) -> Result<Tensor, EngineError> {
        let [batch, height, width] = [0, 1, 2].map(|axis| latents.shape[axis]);
        let plain = decoder_latents(&self.configs.autoencoder, latents);
        let program = self.program(executor, Purpose::Decode(Extent { batch, height, width }))?;
        first(program.run(&[Value { name: "latents", revision: 0, tensor: &plain }], 0)?)
    }

    /// Times the steps of what was compiled, under the name of its job.
    pub fn profile(&mut self, runs: usize) -> Vec<(&'static str, Profile)> {
        self.programs.profile(runs).into_iter().map(|(purpose, profile)| (purpose.name(), profile)).collect()
    }

    fn program(&mut self, executor: &dyn Executor, purpose: Purpose) -> Result<&mut dyn Program, EngineError> {
        let Self { configs, packed, programs, .. } = self;
        let Configs { unet, text, autoencoder } = &*configs;
        programs.get(purpose, || {
            let (graph, packed) = match purpose {
                Purpose::Text { clip_skip } => {
                    (clip::build(text, 1, text.positions, clip_skip as usize)?, &packed.text)
                }
                Purpose::Encode(Extent { batch, height, width }) => {
                    let factor = autoencoder.factor();
                    (autoencoder.encoder(batch, height * factor, width * factor)?, &packed.vae)
                }
                Purpose::Decode(Extent { batch, height, width }) => {
                    (autoencoder.decoder(batch, height, width)?, &packed.vae)
                }
                Purpose::See(Extent { batch, height, width }) => {
                    let (height, width) = (height * autoencoder.factor(), width * autoencoder.factor());
                    (seeing(autoencoder, batch, height, width)?, &packed.vae)
                }
                Purpose::Show(Extent { batch, height, width }) => {
                    (showing(autoencoder, batch, height, width)?, &packed.vae)
                }
                Purpose::Whole(course) => {
                    let missing = || ExecError::Backend {
                        executor: executor.name(),
                        text: "whole pictures are not its work".into(),
                    };
                    (whole::build(configs, course)?, packed.joined.as_ref().ok_or_else(missing)?)
                }
                Purpose::Predict(Extent { batch, height, width }) => {
                    let at = UNetSize { batch, height, width, tokens: text.positions };
                    (unet::build(unet, at, Guidance::Embedded)?, &packed.unet)
                }
            };
            Ok(executor.compile(Arc::new(graph), packed, &[])?)
        })
    }
}

/// The sinusoids [1, c] of a timestep.
fn time_row(unet: &UNetConfig, timestep: usize) -> Tensor {
    let width = unet.first_channels();
    let row = timestep_embedding(&[timestep as f32], width, unet.flip_sin_to_cos, unet.freq_shift);
    Tensor::new([1, row.len()], row)
}

/// The encoder behind pictures of bytes.
fn seeing(autoencoder: &AutoencoderConfig, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("encoder", "");
    let picture = b.input("picture", Shape::map(batch, height, width, 1), Stage::Frame)?;
    let pixels = b.from_pixels(picture)?;
    let encoder = autoencoder.encoder(batch, height, width)?;
    for ((name, _), value) in encoder.outputs().iter().zip(b.append(&encoder, &[("pixels", pixels)])?) {
        b.output(name, value);
    }
    Ok(b.finish())
}

/// The decoder of a network's latents, and pictures of bytes behind it.
fn showing(autoencoder: &AutoencoderConfig, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("decoder", "");
    let latents = Shape::map(batch, height, width, autoencoder.latent_channels());
    let latents = b.input("latents", latents, Stage::Frame)?;
    let plain = b.affine(latents, 1.0 / autoencoder.scale() as f32, autoencoder.shift() as f32)?;
    let decoder = autoencoder.decoder(batch, height, width)?;
    for image in b.append(&decoder, &[("latents", plain)])? {
        let picture = b.to_pixels(image)?;
        b.output("picture", picture);
    }
    Ok(b.finish())
}

/// Refuses two parts that disagree; each value comes with its part.
fn fits(what: &'static str, left: (usize, &str), right: (usize, &str)) -> Result<(), EngineError> {
    if left.0 == right.0 {
        return Ok(());
    }
    Err(EngineError::Mismatch {
        what,
        left: left.0,
        left_file: left.1.into(),
        right: right.0,
        right_file: right.1.into(),
    })
}

/// The first result of a program.
fn first(results: Vec<Tensor>) -> Result<Tensor, EngineError> {
    let missing = || ExecError::Backend { executor: "the executor".into(), text: "a network gave no result".into() };
    results.into_iter().next().ok_or_else(|| missing().into())
}
