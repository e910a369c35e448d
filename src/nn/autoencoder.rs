//! The two kinds of autoencoder behind one face.

use super::autoencoder_kl::{self, KlConfig};
use super::autoencoder_tiny::{self, TinyConfig};
use super::config::{ConfigError, Fields};
use crate::graph::{Graph, GraphError};

/// The shape of an autoencoder: what turns pictures into latents and back.
///
/// Pictures are [n, h, w, channels] in -1..=1, called `pixels`; what the encoder gives is called `latents`, or `moments` when
/// [`AutoencoderConfig::has_posterior`]; the decoder takes `latents`. Both are before any scaling: the network's latents are
/// `(latents - shift) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub enum AutoencoderConfig {
    /// AutoencoderTiny (TAESD and its kin).
    Tiny(TinyConfig),
    /// AutoencoderKL (the full one).
    Kl(KlConfig),
}

impl AutoencoderConfig {
    /// Reads a config.json; `file` is what messages call it. The class named in it decides the kind.
    ///
    /// # Errors
    /// [`ConfigError`] with the key, what was expected and what was found.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let fields = Fields::parse(file, bytes)?;
        match fields.get("_class_name").and_then(|name| name.as_str()) {
            Some("AutoencoderTiny") => TinyConfig::from_fields(&fields).map(Self::Tiny),
            Some("AutoencoderKL") => KlConfig::from_fields(&fields).map(Self::Kl),
            _ => Err(fields.refuse("_class_name", "\"AutoencoderTiny\" or \"AutoencoderKL\"")),
        }
    }

    /// Describes the encoder for pictures of this size: `pixels` to `latents` or `moments`, frame stage.
    ///
    /// # Errors
    /// [`GraphError`] when the sizes are empty or absurd.
    pub fn encoder(&self, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
        match self {
            Self::Tiny(config) => autoencoder_tiny::encoder(config, batch, height, width),
            Self::Kl(config) => autoencoder_kl::encoder(config, batch, height, width),
        }
    }

    /// Describes the decoder for latents of this size: `latents` to `pixels`, frame stage.
    ///
    /// # Errors
    /// [`GraphError`] when the sizes are empty or absurd.
    pub fn decoder(&self, batch: usize, height: usize, width: usize) -> Result<Graph, GraphError> {
        match self {
            Self::Tiny(config) => autoencoder_tiny::decoder(config, batch, height, width),
            Self::Kl(config) => autoencoder_kl::decoder(config, batch, height, width),
        }
    }

    /// Whether the encoder gives a distribution: `moments` [n, h, w, 2c], c means and c logarithms of variances.
    pub fn has_posterior(&self) -> bool {
        matches!(self, Self::Kl(_))
    }

    /// Channels of a picture.
    pub fn picture_channels(&self) -> usize {
        match self {
            Self::Tiny(config) => config.channels,
            Self::Kl(config) => config.channels,
        }
    }

    /// Channels of the latents.
    pub fn latent_channels(&self) -> usize {
        match self {
            Self::Tiny(config) => config.latent_channels,
            Self::Kl(config) => config.latent_channels,
        }
    }

    /// Pixels to a side of one latent.
    pub fn factor(&self) -> usize {
        match self {
            Self::Tiny(config) => config.factor(),
            Self::Kl(config) => config.factor(),
        }
    }

    /// Latents are multiplied by this for the network.
    pub fn scale(&self) -> f64 {
        match self {
            Self::Tiny(config) => config.scale,
            Self::Kl(config) => config.scale,
        }
    }

    /// This is taken from latents before they are scaled.
    pub fn shift(&self) -> f64 {
        match self {
            Self::Tiny(config) => config.shift,
            Self::Kl(config) => config.shift,
        }
    }
}
