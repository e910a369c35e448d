//! The reference executor: plain f32 arithmetic on candle tensors, on the CPU. Right before fast; every other executor is
//! judged by it, and it by the fixtures.
//!
//! Every value is a contiguous tensor, channels last. Matrix products are candle's; what candle does slowly for this
//! layout (convolutions, group norms, elementwise work on one thread) is written here on plain slices, in parallel.

mod attention;
mod conv;
mod elements;
mod kernel;
mod norm;
mod packed;
mod plan;
mod pointwise;
mod program;

use std::sync::Arc;

use self::packed::CandlePacked;
use self::program::CandleProgram;
use super::{ExecError, Executor, Packed, Program};
use crate::graph::Graph;
use crate::weights::Weights;

const NAME: &str = "CPU (candle f32)";

/// Runs graphs with candle on the CPU.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candle;

impl Candle {
    /// The executor.
    pub fn new() -> Self {
        Self
    }
}

impl Executor for Candle {
    fn name(&self) -> String {
        NAME.into()
    }

    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        Ok(Arc::new(CandlePacked::load(weights)?))
    }

    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError> {
        let packed = packed.as_any().downcast_ref::<CandlePacked>();
        let packed = packed.ok_or_else(|| failed("the weights were packed for another executor"))?;
        Ok(Box::new(CandleProgram::compile(graph, packed, taps)?))
    }
}

/// An error of the backend, in its words.
fn failed(text: impl std::fmt::Display) -> ExecError {
    ExecError::Backend { executor: NAME.into(), text: text.to_string() }
}

impl From<candle_core::Error> for ExecError {
    fn from(error: candle_core::Error) -> Self {
        failed(error)
    }
}

#[cfg(test)]
mod tests;
