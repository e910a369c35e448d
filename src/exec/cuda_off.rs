//! What there is instead of the CUDA executor in a program built without it.

use std::sync::Arc;

use super::{ExecError, Executor, Gpu, Packed, Program};
use crate::graph::Graph;
use crate::weights::Weights;

/// An executor that cannot be opened.
pub enum Cuda {}

impl Cuda {
    /// # Errors
    /// [`ExecError::Device`] always.
    pub fn new() -> Result<Self, ExecError> {
        Err(ExecError::Device {
            text: "this program was built without CUDA".into(),
            remedy: "build it with the feature `cuda`, or use `--executor cpu`",
            full: false,
        })
    }

    /// # Errors
    /// [`ExecError::Device`] always.
    pub fn gpus() -> Result<Vec<Gpu>, ExecError> {
        Self::new().map(|cuda| match cuda {})
    }

    /// None ever.
    pub fn measured(_: &Gpu) -> usize {
        0
    }

    /// # Errors
    /// [`ExecError::Device`] always.
    pub fn bf16() -> Result<Self, ExecError> {
        Self::new()
    }

    /// # Errors
    /// [`ExecError::Device`] always.
    pub fn fp8() -> Result<Self, ExecError> {
        Self::new()
    }
}

impl Executor for Cuda {
    fn name(&self) -> String {
        match *self {}
    }

    fn load(&self, _: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        match *self {}
    }

    fn compile(&self, _: Arc<Graph>, _: &Arc<dyn Packed>, _: &[&str]) -> Result<Box<dyn Program>, ExecError> {
        match *self {}
    }
}
