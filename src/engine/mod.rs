//! Pictures from frames: parameters, plan, schedule, noise, prompt, denoising. Knows no windows, cameras, settings files or threads.

mod embed;
mod error;
mod fields;
mod noise;
mod params;
mod picture;
mod pixels;
pub mod schedule;

pub use embed::{GUIDANCE_WIDTH, guidance_embedding};
pub use error::EngineError;
pub use noise::{Generator, Given, NoiseSource};
pub use params::Params;
pub use picture::{Job, Picture, Render, StageTimes, Stamps};
pub use pixels::{frame_from_tensor, signed, unsigned};
