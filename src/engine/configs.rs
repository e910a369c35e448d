//! What a model's networks are like, and whether they fit together: all that is known before a weight is read.

use super::{EngineError, Parts};
use crate::frame::Size;
use crate::nn::AutoencoderConfig;
use crate::nn::text::ClipConfig;
use crate::nn::unet::{Guidance, UNetConfig};
use crate::weights::ModelFiles;

/// Side of the latents that a U-Net was trained on when its config does not say.
const USUAL_SAMPLE_SIZE: usize = 64;

/// Red, green and blue.
const PICTURE_CHANNELS: usize = 3;

/// What a model's networks are like.
pub struct Configs {
    /// The U-Net.
    pub unet: UNetConfig,
    /// The text encoders; the first is always there.
    pub texts: Vec<ClipConfig>,
    /// The autoencoder.
    pub autoencoder: AutoencoderConfig,
}

impl Configs {
    /// Reads the configs of `parts`.
    ///
    /// # Errors
    /// A file that is missing, a config that is absurd, parts that do not fit.
    pub fn read(files: &ModelFiles, parts: &Parts<'_>) -> Result<Self, EngineError> {
        let (label, bytes) = config(files, parts.unet)?;
        let mut unet = UNetConfig::parse(&label, &bytes)?;
        if parts.guidance == Guidance::Absent {
            unet.guidance_width = None;
        }
        let (label, bytes) = config(files, parts.vae)?;
        let autoencoder = AutoencoderConfig::parse(&label, &bytes)?;
        let texts = parts.texts().iter().map(|part| text(files, part.encoder)).collect::<Result<_, _>>()?;
        let configs = Self { unet, texts, autoencoder };
        configs.check(parts)?;
        Ok(configs)
    }

    fn check(&self, parts: &Parts<'_>) -> Result<(), EngineError> {
        let Self { unet, texts, autoencoder } = self;
        fits("latent channels", (unet.in_channels, parts.unet), (autoencoder.latent_channels(), parts.vae))?;
        fits("channels out of the network", (unet.out_channels, parts.unet), (unet.in_channels, parts.unet))?;
        fits("picture channels", (autoencoder.picture_channels(), parts.vae), (PICTURE_CHANNELS, "a picture"))?;
        let names: Vec<&str> = parts.texts().iter().map(|part| part.encoder).collect();
        let wanted = if unet.added.is_some() { 2 } else { 1 };
        fits("number of text encoders", (wanted, parts.unet), (texts.len(), "the model"))?;
        let width = texts.iter().map(|text| text.width).sum();
        fits("width of the text states", (unet.context, parts.unet), (width, &names.join(" and ")))?;
        for (text, name) in texts.iter().zip(&names) {
            fits("length of a prompt", (text.positions, name), (self.tokens(), names[0]))?;
        }
        if let (Some(added), Some(text), Some(name)) = (&unet.added, texts.get(1), names.get(1)) {
            fits("width of the text's vector", (added.pooled, parts.unet), (text.projection, name))?;
        }
        Ok(())
    }

    /// Tokens of a prompt.
    pub fn tokens(&self) -> usize {
        self.texts.first().map_or(1, |text| text.positions)
    }

    /// The size of picture the U-Net was trained on.
    pub fn native_size(&self) -> Size {
        let [height, width] = self.unet.sample_size.unwrap_or([USUAL_SAMPLE_SIZE; 2]);
        let factor = self.autoencoder.factor();
        Size::new((width * factor) as u32, (height * factor) as u32)
    }

    /// Whether the autoencoder's values are too large for f16. The reference asks the config only in the XL family: all full
    /// autoencoders of today are saved with this word, and those of the older families do well in f16.
    pub fn needs_range(&self) -> bool {
        self.unet.added.is_some() && matches!(&self.autoencoder, AutoencoderConfig::Kl(config) if config.force_upcast)
    }
}

/// The config of the text encoder in `folder`.
///
/// # Errors
/// A file that is missing, a config that is absurd.
pub fn text(files: &ModelFiles, folder: &str) -> Result<ClipConfig, EngineError> {
    let (label, bytes) = config(files, folder)?;
    Ok(ClipConfig::parse(&label, &bytes)?)
}

/// How messages name the config of the network in `folder`, and what is in it.
fn config(files: &ModelFiles, folder: &str) -> Result<(String, Vec<u8>), EngineError> {
    let path = format!("{folder}/config.json");
    Ok((files.label(&path), files.read_small(&path)?))
}

/// Refuses two parts that disagree; each value comes with its part.
///
/// # Errors
/// [`EngineError::Mismatch`].
pub fn fits(what: &'static str, left: (usize, &str), right: (usize, &str)) -> Result<(), EngineError> {
    if left.0 == right.0 {
        return Ok(());
    }
    Err(EngineError::Mismatch {
        what,
        left: left.0,
        left_file: left.1.into(),
        right: right.0,
        right_file: right.1.into(),
    })
}
