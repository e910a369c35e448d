//! The schedule of a latent consistency model: which timesteps are visited, and what one step does to the latents.
//!
//! Follows [the paper](https://arxiv.org/abs/2310.04378) and, in every rounding and refusal, the reference's scheduler.
//! Tables are f32, sums f64; the values work on whatever layout they are given.

mod betas;
mod config;
mod error;
mod lcm;
mod timesteps;

pub use config::{BetaCurve, Prediction, ScheduleConfig};
pub use error::ScheduleError;
pub use lcm::LcmScheduler;
pub use timesteps::{StepRequest, Steps, Timesteps};
