//! Where the parts of a model are, and how they are used.

use super::prompt::Silence;
use crate::nn::unet::Guidance;

/// Where the parts of a model are, below its root, and how they are used.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The denoising network.
    pub unet: &'a str,
    /// The autoencoder.
    pub vae: &'a str,
    /// What reads the prompt.
    pub text: TextPart<'a>,
    /// What reads it too, in the XL family.
    pub second: Option<TextPart<'a>>,
    /// The scheduler's config.
    pub scheduler: &'a str,
    /// Whether the denoising network is told the guidance scale, if it has a place for it. Default yes.
    pub guidance: Guidance,
    /// What stands for a negative prompt that nobody gave. Default an empty text; zeros in the XL family.
    pub silence: Silence,
}

/// A text encoder with its tokenizer.
#[derive(Clone, Copy, Debug)]
pub struct TextPart<'a> {
    /// The encoder.
    pub encoder: &'a str,
    /// The tokenizer.
    pub tokenizer: &'a str,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self {
            unet: "unet",
            vae: "vae",
            text: TextPart { encoder: "text_encoder", tokenizer: "tokenizer" },
            second: None,
            scheduler: "scheduler",
            guidance: Guidance::Embedded,
            silence: Silence::EmptyText,
        }
    }
}

impl<'a> Parts<'a> {
    /// The usual places of the XL family.
    pub fn xl() -> Self {
        let second = TextPart { encoder: "text_encoder_2", tokenizer: "tokenizer_2" };
        Self { second: Some(second), silence: Silence::Zeros, ..Self::default() }
    }

    /// What reads the prompt, in the order in which their states lie side by side.
    pub fn texts(&self) -> Vec<TextPart<'a>> {
        [self.text].into_iter().chain(self.second).collect()
    }
}
