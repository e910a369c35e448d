//! Networks written as graphs. Nothing here computes, but for the sinusoids of a timestep.

mod sinusoid;
pub mod text;

pub use sinusoid::timestep_embedding;
