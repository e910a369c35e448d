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

use rayon::{ThreadPool, ThreadPoolBuilder};

use self::packed::CandlePacked;
use self::program::CandleProgram;
use super::{ExecError, Executor, Packed, Program, Tensor, Value, room};
use crate::flow::{self, lower_priority};
use crate::graph::Graph;
use crate::weights::Weights;

const NAME: &str = "CPU (candle f32)";

/// Runs graphs with candle on the CPU, on threads of its own that give way to everything else.
#[derive(Clone, Debug)]
pub struct Candle {
    pool: Arc<ThreadPool>,
}

impl Candle {
    /// An executor with so many threads, 0 for one on each core.
    ///
    /// # Errors
    /// [`ExecError::Backend`] when the system refuses the threads.
    pub fn new(threads: usize) -> Result<Self, ExecError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(flow::threads(threads))
            .thread_name(|index| format!("candle {index}"))
            .start_handler(|_| lower_priority())
            .build()
            .map_err(failed)?;
        Ok(Self { pool: Arc::new(pool) })
    }
}

impl Executor for Candle {
    fn name(&self) -> String {
        match self.pool.current_num_threads() {
            1 => "CPU (candle f32, 1 thread)".into(),
            threads => format!("CPU (candle f32, {threads} threads)"),
        }
    }

    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        room::ask(weights, self.pool.current_num_threads(), |_, _| size_of::<f32>() as u64)?;
        Ok(Arc::new(self.pool.install(|| CandlePacked::load(weights))?))
    }

    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError> {
        let packed = super::own::<CandlePacked>(packed, failed)?;
        let program = self.pool.install(|| CandleProgram::compile(graph, packed, taps))?;
        Ok(Box::new(Pooled { pool: self.pool.clone(), program }))
    }
}

/// A program that runs on the executor's threads.
struct Pooled {
    pool: Arc<ThreadPool>,
    program: CandleProgram,
}

impl Program for Pooled {
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        self.pool.install(|| self.program.run(inputs, slot))
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
