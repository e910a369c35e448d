//! Networks written as graphs: `*Config` reads a component's config.json, `build` and its like describe the network for given
//! sizes. Nothing here computes, but for the sinusoids of a timestep.

pub mod autoencoder_kl;
pub mod autoencoder_tiny;
pub mod unet;

mod autoencoder;
mod blocks;
mod config;
mod sinusoid;
pub mod text;

pub use autoencoder::AutoencoderConfig;
pub use blocks::{Resnet, resnet};
pub use config::{ConfigError, Fields};
pub use sinusoid::timestep_embedding;

#[cfg(test)]
mod tests;
