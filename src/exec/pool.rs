//! Runs another executor in a pool of threads of its own, at low priority, so that its number of threads can change with a
//! load and computing never delays the pen.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{ExecError, Executor, Packed, Program, Tensor, Value};
use crate::flow::lower_priority;
use crate::graph::Graph;
use crate::weights::Weights;

/// An executor and its pool.
pub struct Pooled {
    inner: Arc<dyn Executor>,
    pool: Arc<ThreadPool>,
}

impl Pooled {
    /// Puts `inner` into a pool of `threads`.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(inner: Arc<dyn Executor>, threads: usize) -> Result<Self, ExecError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("compute {index}"))
            .start_handler(|_| lower_priority())
            .build()
            .map_err(|error| ExecError::Backend { executor: inner.name(), text: error.to_string() })?;
        Ok(Self { inner, pool: Arc::new(pool) })
    }
}

impl Executor for Pooled {
    fn name(&self) -> String {
        let threads = self.pool.current_num_threads();
        let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        // "CPU (candle f32)" becomes "CPU (candle f32, 2 threads)".
        match self.inner.name().strip_suffix(')') {
            Some(name) => format!("{name}, {threads})"),
            None => format!("{} ({threads})", self.inner.name()),
        }
    }

    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        self.pool.install(|| self.inner.load(weights))
    }

    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError> {
        let inner = self.pool.install(|| self.inner.compile(graph, packed, taps))?;
        Ok(Box::new(PooledProgram { inner, pool: self.pool.clone() }))
    }
}

struct PooledProgram {
    inner: Box<dyn Program>,
    pool: Arc<ThreadPool>,
}

impl Program for PooledProgram {
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        let Self { inner, pool } = self;
        pool.install(|| inner.run(inputs, slot))
    }
}
