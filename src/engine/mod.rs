//! Pictures from frames: parameters, plan, schedule, noise, prompt, denoising. Knows no windows, cameras, settings files or threads.
//!
//! [`load`] opens a model (on any thread), [`Engine`] paints with it (on one), [`pipeline`] is what both the live loop and
//! the fixtures run.

mod bytes;
mod configs;
mod embed;
mod error;
mod folder;
mod guidance;
mod info;
mod latents;
mod load;
mod model;
mod networks;
mod noise;
mod params;
mod parts;
mod picture;
pub mod pipeline;
mod pixels;
mod plan;
mod programs;
mod prompt;
mod reader;
mod render;
pub mod schedule;
mod stream;
mod whole;

pub use crate::exec::pixels::{signed, unsigned};
pub use embed::guidance_embedding;
pub use error::EngineError;
pub use info::{GuidanceWay, ModelInfo};
pub use load::{Load, LoadedModel, MakeRoom, Wish, load};
pub use model::{Model, Progress};
pub use noise::{Generator, Given, NoiseSource};
pub use params::Params;
pub use parts::{Parts, TextPart};
pub use picture::{Job, Picture, Render, StageTimes, Stamps};
pub use pixels::{frame_from_tensor, nhwc};
pub use prompt::{Negative, Prompts, Silence, States, Wording};
pub use reader::{Reader, Reading};
pub use render::Engine;
