//! Networks written as graphs. Nothing here computes, but for the sinusoids of a timestep.

mod sinusoid;

pub use sinusoid::timestep_embedding;
