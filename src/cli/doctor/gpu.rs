//! GPUs that could paint, and whether they were ever compared with the reference.

use serde::Serialize;

use super::Problem;
use crate::exec::{Cuda, Gpu};
use crate::studio::Places;

/// What the NVIDIA driver shows, or why it shows nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuFindings {
    /// Those there are.
    pub list: Vec<GpuFinding>,
    /// Why there is none that can be used.
    pub reason: Option<String>,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuFinding {
    /// For the environment variable `AFTERIMAGE_CUDA_DEVICE`.
    pub number: usize,
    /// What its maker calls it.
    pub name: String,
    /// Memory in megabytes.
    pub memory_mb: usize,
    /// For example "9.0".
    pub capability: String,
    /// Whether `afterimage verify` passed on one of this name.
    pub verified: bool,
    /// How many shapes of products were measured on it, to be cut in the fastest way.
    pub measured: usize,
}

impl GpuFindings {
    /// Asks the driver, and the record of what was verified.
    pub fn find(places: &Places) -> Self {
        let verified = super::super::verified::list(places);
        match Cuda::gpus() {
            Ok(gpus) => {
                let is_verified = |name: &str| {
                    verified.iter().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" (")))
                };
                let gpu = |gpu: Gpu| GpuFinding {
                    measured: Cuda::measured(&gpu),
                    verified: is_verified(&gpu.name),
                    number: gpu.number,
                    memory_mb: gpu.memory >> 20,
                    capability: format!("{}.{}", gpu.capability.0, gpu.capability.1),
                    name: gpu.name,
                };
                Self { list: gpus.into_iter().map(gpu).collect(), reason: None }
            }
            Err(error) => Self { list: Vec::new(), reason: Some(error.to_string()) },
        }
    }

    /// One remark for each that was never compared.
    pub fn problems(&self) -> Vec<Problem> {
        let new = self.list.iter().filter(|gpu| !gpu.verified);
        let remark = |gpu: &GpuFinding| {
            Problem::remark(
                format!("painting with CUDA is not verified on this device ({})", gpu.name),
                "run `afterimage verify --executor cuda` once; it compares the GPU with the reference",
            )
        };
        new.map(remark).collect()
    }
}
