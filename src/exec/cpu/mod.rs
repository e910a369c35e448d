//! Our own executor for the CPU: everything is planned at compile time, so that a run is nothing but arithmetic.
//!
//! A graph becomes a list of steps in five moves: nodes that follow a product element by element are joined to it; every
//! value gets a place, with zeros around what a wide convolution reads; the steps are put in order and values that are never
//! needed together share memory (all in [`super::planner`]); weights are cut into panels ([`panels`]); each step is cut into
//! tasks ([`steps`]). A run goes through the list with
//! all threads ([`team`]); the inner loops are chosen by what the processor can do ([`kernels`], [`isa`]).

mod aligned_vec;
mod changes;
mod isa;
mod kernels;
mod memory;
mod packing;
mod panels;
mod plan;
mod profile;
mod program;
mod rounding;
mod steps;
mod team;
mod winograd;

use std::sync::Arc;

use self::isa::Isa;
use self::kernels::Kernels;
use self::packing::{CpuPacked, Keeping};
use self::panels::Factor;
use self::program::CpuProgram;
use self::team::Team;
use super::{ExecError, Executor, Packed, Program, room};
use crate::graph::Graph;
use crate::weights::Weights;

/// What bf16 products cost at most, as a part of a tensor's largest value. Measured on the reference folder: U-Nets 0.042,
/// text encoders 0.025, autoencoders 0.017, pipelines of several steps 0.053 where convolutions are done along rows and 0.037 else.
const BF16_ROUNDING: f32 = 0.0625;

/// What products of 13-bit integers cost at most, measured the same way: U-Nets 0.0024, autoencoders 0.0015, text encoders
/// 0.0011, pipelines of several steps 0.0019.
const INT16_ROUNDING: f32 = 0.004;

/// What int8 weights cost at most, measured the same way: U-Nets 0.021, autoencoders 0.030, pipelines of several steps 0.038.
const INT8_ROUNDING: f32 = 0.06;

/// Runs graphs with our own kernels, on threads of its own that give way to everything else.
pub struct Cpu {
    isa: Isa,
    kernels: Kernels,
    keeping: Keeping,
    team: Arc<Team>,
    /// Numbers of values that a program keeps from run to run at most.
    keep: usize,
    poison: bool,
}

impl Cpu {
    /// An executor with so many threads, 0 for one on each core, with the best instructions the processor has or those the
    /// environment variable `AFTERIMAGE_CPU` names.
    ///
    /// # Errors
    /// [`ExecError::Instructions`] when that names none the processor has, [`ExecError::Backend`] when the system refuses the
    /// threads.
    pub fn new(threads: usize) -> Result<Self, ExecError> {
        Self::with(Isa::chosen().map_err(ExecError::Instructions)?, threads, false)
    }

    /// The same, with products of f32 numbers even where the processor is faster with others.
    ///
    /// # Errors
    /// Those of [`Cpu::new`].
    pub fn f32(threads: usize) -> Result<Self, ExecError> {
        let isa = Isa::chosen().map_err(ExecError::Instructions)?;
        Self::with(if isa.factor() == Factor::F32 { isa } else { Isa::best_f32() }, threads, false)
    }

    /// The same as [`Cpu::new`], with weights kept as int8 where there are many.
    ///
    /// # Errors
    /// Those of [`Cpu::new`].
    pub fn int8(threads: usize) -> Result<Self, ExecError> {
        Ok(Self { keeping: Keeping::Int8, ..Self::new(threads)? })
    }

    /// An executor with the instructions called `word`, one of [`Cpu::instructions`].
    ///
    /// # Errors
    /// [`ExecError::Instructions`] when the processor has no such instructions, [`ExecError::Backend`] when the system refuses
    /// the threads.
    pub fn forced(word: &str, threads: usize) -> Result<Self, ExecError> {
        Self::with(Isa::named(word).map_err(ExecError::Instructions)?, threads, false)
    }

    /// The words for all instruction sets that this processor has and we use, slowest first.
    pub fn instructions() -> Vec<&'static str> {
        Isa::ALL.into_iter().filter(|isa| isa.is_here()).map(Isa::word).collect()
    }

    fn with(isa: Isa, threads: usize, poison: bool) -> Result<Self, ExecError> {
        let kernels = Kernels::of(isa).ok_or_else(|| failed(format!("this processor has no {isa}")))?;
        Ok(Self {
            isa,
            kernels,
            keeping: Keeping::Plain,
            team: Arc::new(Team::new(threads)?),
            keep: changes::MOST,
            poison,
        })
    }
}

impl Executor for Cpu {
    fn name(&self) -> String {
        let weights = match self.keeping {
            Keeping::Plain => "",
            Keeping::Int8 => ", weights of 8 bits",
        };
        match self.team.threads() {
            1 => format!("CPU ({}{weights}, 1 thread)", self.isa),
            threads => format!("CPU ({}{weights}, {threads} threads)", self.isa),
        }
    }

    fn rounding(&self) -> f32 {
        let weights = if self.keeping == Keeping::Int8 { INT8_ROUNDING } else { 0.0 };
        let products = match self.isa.factor() {
            Factor::F32 => 0.0,
            Factor::Bf16 => BF16_ROUNDING,
            Factor::Int16 => INT16_ROUNDING,
        };
        weights + products
    }

    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        let factor = self.isa.factor();
        let each = |stored, shape: &[usize]| packing::least_bytes((factor, self.keeping), stored, shape);
        room::ask(weights, self.team.threads(), each)?;
        Ok(Arc::new(self.team.install(|| CpuPacked::load(weights, factor, self.keeping))?))
    }

    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError> {
        let packed = super::own::<CpuPacked>(packed, failed)?;
        let how = (self.team.clone(), self.kernels, self.keep, self.poison);
        Ok(Box::new(CpuProgram::compile(graph, packed, taps, how)?))
    }
}

/// An error of this executor, in its words.
fn failed(text: impl std::fmt::Display) -> ExecError {
    ExecError::Backend { executor: "the CPU executor".into(), text: text.to_string() }
}

#[cfg(test)]
mod tests;
