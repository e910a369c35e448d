//! Pictures from frames: parameters, plan, schedule, noise, prompt, denoising. Knows no windows, cameras, settings files or threads.

mod error;
mod params;
mod picture;

pub use error::EngineError;
pub use params::Params;
pub use picture::{Job, Picture, Render, StageTimes, Stamps};
