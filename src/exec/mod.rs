//! Who runs a graph. One trait for all executors; `candle` is the reference the others are judged by.
//!
//! An executor loads weights once ([`Executor::load`]), compiles any number of graphs against them
//! ([`Executor::compile`]), and a [`Program`] runs one graph, redoing only the stages whose inputs changed.

mod candle;
mod check;
mod cpu;
#[cfg_attr(not(feature = "cuda"), path = "cuda_off.rs")]
mod cuda;
mod inputs;
pub mod pixels;
mod planner;
mod profile;
mod room;
mod store;

use std::sync::Arc;

pub use candle::Candle;
pub use cpu::Cpu;
pub use cuda::Cuda;
pub use profile::{Profile, StepTime};

use crate::flow::Patience;
use crate::graph::Graph;
use crate::weights::{Weights, WeightsError};

/// The executors that [`open`] knows.
pub const NAMES: [&str; 8] = ["auto", "cuda", "cuda-bf16", "cuda-fp8", "cpu", "cpu-f32", "cpu-int8", "candle"];

/// A GPU as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Which one, for `AFTERIMAGE_CUDA_DEVICE`.
    pub number: usize,
    /// What its maker calls it.
    pub name: String,
    /// Bytes of memory.
    pub memory: usize,
    /// Compute capability, major and minor.
    pub capability: (i32, i32),
}

/// A host tensor at the border of an executor: f32, NHWC (or [n, t, c], [n, c]), contiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of every dimension.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub data: Vec<f32>,
}

impl Tensor {
    /// A tensor of `shape`.
    ///
    /// # Panics
    /// When the lengths disagree: that is a mistake in the program, not in its input.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        let shape = shape.into();
        assert_eq!(shape.iter().product::<usize>(), data.len(), "tensor of shape {shape:?}");
        Self { shape, data }
    }
}

/// One input of a run.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// The graph input's name.
    pub name: &'a str,
    /// Changes whenever the tensor does. Ignored for inputs of the frame stage, which always count as new.
    pub revision: u64,
    /// The tensor, of the shape the graph declares.
    pub tensor: &'a Tensor,
}

/// A model's weights in an executor's own layout; made once per model, independent of picture size.
pub trait Packed: Send + Sync {
    /// Bytes held.
    fn bytes(&self) -> usize;
    /// The executor's own type again.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Weights in the layout `T`, which only the executor that `failed` speaks for makes.
///
/// # Errors
/// Another executor packed them.
fn own<T: 'static>(packed: &Arc<dyn Packed>, failed: fn(&'static str) -> ExecError) -> Result<&T, ExecError> {
    packed.as_any().downcast_ref().ok_or_else(|| failed("the weights were packed for another executor"))
}

/// Runs graphs.
pub trait Executor: Send + Sync {
    /// What the user reads, for example "CPU (candle f32)".
    fn name(&self) -> String;

    /// How far results may be from the reference's because factors of products are rounded, as a part of the largest value
    /// of a tensor. 0 for those that compute in f32 throughout.
    fn rounding(&self) -> f32 {
        0.0
    }

    /// The same of whole pictures, which several networks make one after the other: what one loses, the next ones go on from.
    fn rounding_of_pictures(&self) -> f32 {
        self.rounding()
    }

    /// Whether this is a GPU: they differ from machine to machine as processors do not, and what computes there shares the GPU's
    /// memory, which is not the program's.
    fn is_gpu(&self) -> bool {
        false
    }

    /// Reads and packs all weights.
    ///
    /// # Errors
    /// [`ExecError::Weights`] when a tensor cannot be read.
    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError>;

    /// The same of a network that shall keep as many digits as this executor has: a text encoder or an autoencoder, whose errors no
    /// later step evens out.
    ///
    /// # Errors
    /// Those of [`Executor::load`].
    fn load_precise(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        self.load(weights)
    }

    /// Weights of several parts as one, if this executor wants to paint whole pictures in one go, which needs all of them.
    fn joined(&self, parts: &[Arc<dyn Packed>]) -> Option<Arc<dyn Packed>> {
        let _ = parts;
        None
    }

    /// The same machine with numbers of a larger range, for networks that exceed this one's; `None` where they have the range of
    /// f32 already.
    ///
    /// # Errors
    /// The machine's.
    fn wider(&self) -> Result<Option<Arc<dyn Executor>>, ExecError> {
        Ok(None)
    }

    /// Makes `graph` runnable. Nodes whose path is in `taps` become extra outputs, in the order of `taps`.
    ///
    /// # Errors
    /// A weight that is missing or has another shape than the graph says; a tap that names no node.
    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError>;
}

/// Opens the executor called `name`, if it computes on the CPU with so many `threads` (0: one on each core). "auto" is the fastest,
/// a GPU if there is one, that computes what the reference computes, within what it rounds ([`Executor::rounding`]).
///
/// # Errors
/// [`ExecError::Unknown`] for another name; those of the executor.
pub fn open(name: &str, threads: usize) -> Result<Arc<dyn Executor>, ExecError> {
    match name {
        "auto" => {
            let gpu = trusted_gpu().unwrap_or_else(|error| {
                log::warn!("{error}; the CPU paints instead");
                None
            });
            gpu.map_or_else(|| fastest_cpu(threads), Ok)
        }
        "cuda" => Ok(Arc::new(Cuda::new()?)),
        "cuda-bf16" => Ok(Arc::new(Cuda::bf16()?)),
        "cuda-fp8" => Ok(Arc::new(Cuda::fp8()?)),
        "cpu" => Ok(Arc::new(Cpu::new(threads)?)),
        "cpu-f32" => Ok(Arc::new(Cpu::f32(threads)?)),
        "cpu-int8" => Ok(Arc::new(Cpu::int8(threads)?)),
        "candle" => Ok(Arc::new(Candle::new(threads)?)),
        _ => Err(ExecError::Unknown { name: name.into(), known: NAMES.join(", ") }),
    }
}

/// The GPU, if there is one that computes what the reference computes.
///
/// # Errors
/// It has no room for finding out, and may have when something else was let go.
pub fn trusted_gpu() -> Result<Option<Arc<dyn Executor>>, ExecError> {
    let gpu = match Cuda::new() {
        Err(error) if !error.is_full() => {
            log::info!("the CPU paints: {error}");
            return Ok(None);
        }
        gpu => gpu?,
    };
    match Candle::new(1).and_then(|candle| check::agree(&gpu, &candle)) {
        Ok(()) => Ok(Some(Arc::new(gpu))),
        Err(error) if error.is_full() => Err(error),
        Err(error) => {
            log::warn!("{error}; the CPU paints instead");
            Ok(None)
        }
    }
}

/// The fastest executor that needs no GPU and computes what the reference computes, with so many `threads` (0: one on each core).
///
/// # Errors
/// Those of the executors.
pub fn fastest_cpu(threads: usize) -> Result<Arc<dyn Executor>, ExecError> {
    let (cpu, candle) = (Cpu::new(threads)?, Candle::new(threads)?);
    match check::agree(&cpu, &candle) {
        Ok(()) => Ok(Arc::new(cpu)),
        Err(error) => {
            log::warn!("{error}; the reference executor is used instead");
            Ok(Arc::new(candle))
        }
    }
}

/// A compiled graph.
pub trait Program: Send {
    /// The outputs of the graph in its order, then the taps.
    ///
    /// Stages run only when the revision of one of their inputs, or of an earlier stage's inputs, changed. Schedule results
    /// are kept per `slot` (the index of the denoising step).
    ///
    /// # Errors
    /// An input that is missing or misshapen, or the executor's own trouble.
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError>;

    /// The same, for somebody who waits only so long. Executors that take long ask in between, the others before they begin.
    ///
    /// # Errors
    /// [`ExecError::GivenUp`], and those of [`Program::run`].
    fn run_within(&mut self, patience: &Patience, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        if patience.is_over() { Err(ExecError::GivenUp) } else { self.run(inputs, slot) }
    }

    /// Times the steps of the frame stage, each the median of at most so many `runs`, on whatever the last run left in memory.
    /// `None` when there are no steps to tell apart.
    fn profile(&mut self, runs: usize) -> Option<Profile> {
        let _ = runs;
        None
    }
}

/// Why a graph did not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// A tensor of the checkpoint is missing, misshapen or unreadable.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// There is no executor of this name.
    #[error("there is no executor `{name}`: there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// `AFTERIMAGE_CPU` names instructions that there are not, or not on this processor.
    #[error("{0}")]
    Instructions(String),
    /// A GPU that is not there, cannot be used, has no room, or stopped.
    #[error("{text}")]
    Device {
        /// What is wrong.
        text: String,
        /// What the user can do about it.
        remedy: &'static str,
        /// Whether it lacked memory alone, which other networks may hold.
        full: bool,
    },
    /// The machine has less memory left than the weights of a model take.
    #[error("the weights of {file} need at least {} MB of memory, {} MB are free", need >> 20, free >> 20)]
    Memory {
        /// The file, or the first of several.
        file: String,
        /// Bytes needed.
        need: u64,
        /// Bytes that the system can still give.
        free: u64,
    },
    /// The machine has less memory left than the values of a picture take.
    #[error("such a picture needs {} MB of memory, {} MB are free", need >> 20, free >> 20)]
    Room {
        /// Bytes needed.
        need: u64,
        /// Bytes that the system can still give.
        free: u64,
    },
    /// A run was called without an input, or with one of another shape.
    #[error("input `{name}` of graph `{graph}` should be {expected:?}, got {found}")]
    Input {
        /// The graph's name.
        graph: String,
        /// The input's name.
        name: String,
        /// The shape the graph declares.
        expected: Vec<usize>,
        /// The shape given, or "nothing".
        found: String,
    },
    /// A tap names no node.
    #[error("graph `{graph}` has no node `{path}`")]
    Tap {
        /// The graph's name.
        graph: String,
        /// The path asked for.
        path: String,
    },
    /// Weights packed by another executor, or the backend's own error.
    #[error("{executor} failed: {text}")]
    Backend {
        /// The executor's name.
        executor: String,
        /// The backend's words.
        text: String,
    },
    /// Nobody waits for the results any more.
    #[error("it was given up: nobody waits for it any more")]
    GivenUp,
}

impl ExecError {
    /// Whether a GPU lacked memory alone.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Device { full: true, .. })
    }

    /// Whether nothing went wrong, but nobody waited any more.
    pub fn is_given_up(&self) -> bool {
        matches!(self, Self::GivenUp)
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Weights(error) => error.remedy(),
            Self::Unknown { known, .. } => format!("choose one of {known}"),
            Self::Device { remedy, .. } => (*remedy).into(),
            Self::Memory { .. } => {
                "close other programs, take the engine that keeps weights small (`--executor cpu-int8`), or choose a smaller model"
                    .into()
            }
            Self::Instructions(_) => "set AFTERIMAGE_CPU to others, or unset it".into(),
            Self::Input { .. } | Self::Tap { .. } => {
                "please report this: the program called its own network wrongly".into()
            }
            Self::Room { .. } => "choose a smaller picture size, or close other programs".into(),
            Self::Backend { .. } => "choose a smaller picture size or another model".into(),
            Self::GivenUp => String::new(),
        }
    }
}
