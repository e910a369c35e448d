//! Our executor for NVIDIA's GPUs: the same plan as on a CPU, every step a launch, all launches of a stage one CUDA graph.
//!
//! The driver is looked for when the executor is opened; a program that never opens it runs everywhere. Kernels are in
//! `shaders/cuda` and come compiled ahead, so that neither building nor running needs NVIDIA's tools.

mod args;
mod biases;
mod bulk;
mod cluster;
mod cuts;
mod device;
mod fp8;
mod heads;
mod kernels;
mod kinds;
mod launch;
mod loaded;
mod norm;
mod overlap;
mod packing;
mod plan;
mod product;
mod program;
mod rounds;
mod staging;
mod tiles;
mod trial;
mod tune;

use std::sync::Arc;

use self::device::Device;
use self::kernels::{Half, Precision};
use self::packing::CudaPacked;
use self::program::CudaProgram;
use self::tune::Tuner;
use super::{ExecError, Executor, Gpu, Packed, Program};
use crate::graph::Graph;
use crate::weights::Weights;

/// Runs graphs on one GPU, in 16-bit numbers with sums in f32.
pub struct Cuda {
    device: Arc<Device>,
    precision: Precision,
}

impl Cuda {
    /// With f16, which has digits enough for pictures. Networks whose values exceed 65504 give an error when they do.
    ///
    /// # Errors
    /// [`ExecError::Device`] when there is no driver, no GPU, or one of them is too old.
    pub fn new() -> Result<Self, ExecError> {
        Self::with(Half::F16, false)
    }

    /// With bf16: fewer digits, but no number is too large.
    ///
    /// # Errors
    /// Those of [`Cuda::new`].
    pub fn bf16() -> Result<Self, ExecError> {
        Self::with(Half::Bf16, false)
    }

    /// With f16, but products of fp8 numbers (E4M3) with scaled weights where norms and gates lead: for models that would not fit
    /// otherwise, and for GPUs that make twice as many of them. Pictures differ a little.
    ///
    /// # Errors
    /// Those of [`Cuda::new`]; a GPU or a driver that cannot.
    pub fn fp8() -> Result<Self, ExecError> {
        Self::with(Half::F16, true)
    }

    /// The GPUs there are, whether we can use them or not.
    ///
    /// # Errors
    /// [`ExecError::Device`] when there is no driver, or no GPU.
    pub fn gpus() -> Result<Vec<Gpu>, ExecError> {
        device::list()
    }

    /// How many shapes of products were measured on a GPU, with this driver and these kernels.
    pub fn measured(gpu: &Gpu) -> usize {
        let count = |(half, fp8)| {
            let identity = device::identity(&gpu.name, gpu.capability, Precision { half, fp8 });
            Some(Tuner::read(&identity.ok()?).len())
        };
        [(Half::F16, false), (Half::F16, true), (Half::Bf16, false)].into_iter().filter_map(count).sum()
    }

    fn with(half: Half, fp8: bool) -> Result<Self, ExecError> {
        let precision = Precision { half, fp8 };
        Ok(Self { device: Arc::new(Device::open(precision)?), precision })
    }
}

impl Executor for Cuda {
    fn name(&self) -> String {
        format!("{} (CUDA {})", self.device.name(), self.precision.name())
    }

    fn rounding(&self) -> f32 {
        match self.precision {
            Precision { fp8: true, .. } => FP8_ROUNDING,
            Precision { half: Half::F16, .. } => F16_ROUNDING,
            Precision { half: Half::Bf16, .. } => BF16_ROUNDING,
        }
    }

    fn rounding_of_pictures(&self) -> f32 {
        if self.precision.fp8 { FP8_PICTURE_ROUNDING } else { self.rounding() }
    }

    fn is_gpu(&self) -> bool {
        true
    }

    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        Ok(Arc::new(CudaPacked::load(weights, &self.device, self.precision)?))
    }

    fn load_precise(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        let precision = Precision { fp8: false, ..self.precision };
        Ok(Arc::new(CudaPacked::load(weights, &self.device, precision)?))
    }

    fn joined(&self, parts: &[Arc<dyn Packed>]) -> Option<Arc<dyn Packed>> {
        let parts = parts.iter().map(|part| part.as_any().downcast_ref::<CudaPacked>());
        Some(Arc::new(CudaPacked::joined(&parts.collect::<Option<Vec<_>>>()?)?))
    }

    fn wider(&self) -> Result<Option<Arc<dyn Executor>>, ExecError> {
        match self.precision.half {
            Half::F16 => Ok(Some(Arc::new(Self::bf16()?))),
            Half::Bf16 => Ok(None),
        }
    }

    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError> {
        let weights = super::own::<CudaPacked>(packed, failed)?;
        Ok(Box::new(CudaProgram::compile(graph, (weights, packed), taps, &self.device, self.precision.half)?))
    }
}

/// What rounding costs at most, as a part of a tensor's largest value. Measured on the fixtures: pipelines of several steps
/// 0.007 and 0.08, single networks a third of that. With fp8 factors networks 0.2, pipelines 0.13 and once 0.44.
const F16_ROUNDING: f32 = 0.01;
const BF16_ROUNDING: f32 = 0.12;
const FP8_ROUNDING: f32 = 0.3;
const FP8_PICTURE_ROUNDING: f32 = 0.6;

/// An error of this executor, in its words.
fn failed(text: impl std::fmt::Display) -> ExecError {
    ExecError::Backend { executor: "the CUDA executor".into(), text: text.to_string() }
}
