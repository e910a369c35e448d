//! A model's card: what it can paint and how it likes to be asked. A model without a card works, without hints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::WeightsError;

/// What a model knows (`card.json`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelCard {
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

/// Largest number of names, styles or colours a card may have.
const LIST_LIMIT: usize = 20_000;

impl ModelCard {
    /// Reads a card. Fields that are missing get their defaults, unknown ones are ignored.
    ///
    /// # Errors
    /// [`WeightsError::Json`] naming `file` when it is no card, or an absurd one.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, WeightsError> {
        let bad = |text: String| WeightsError::Json { file: file.into(), text };
        let fields: serde_json::Map<_, _> = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let card = Self::deserialize(serde_json::Value::Object(fields)).map_err(|error| bad(error.to_string()))?;
        match card.absurdity() {
            Some(text) => Err(bad(text)),
            None => Ok(card),
        }
    }

    /// What no sound card has.
    fn absurdity(&self) -> Option<String> {
        let CardDefaults { steps, strength, guidance, .. } = self.defaults;
        let lists = [self.subjects.len(), self.styles.len(), self.backgrounds.len()];
        let checks = [
            (
                !matches!(self.resolution, 0 | 16..=4096),
                format!("resolution should be 16 to 4096, found {}", self.resolution),
            ),
            (!(1..=1000).contains(&steps), format!("defaults.steps should be 1 to 1000, found {steps}")),
            (!(0.0..=1.0).contains(&strength), format!("defaults.strength should be 0 to 1, found {strength}")),
            (!(0.0..=100.0).contains(&guidance), format!("defaults.guidance should be 0 to 100, found {guidance}")),
            (lists.iter().any(|n| *n > LIST_LIMIT), format!("a list should have at most {LIST_LIMIT} entries")),
            (self.all_text().any(|text| text.len() > 4096), "a text should have at most 4096 bytes".into()),
        ];
        checks.into_iter().find(|(absurd, _)| *absurd).map(|(_, text)| text)
    }

    /// Every text of the card.
    fn all_text(&self) -> impl Iterator<Item = &str> {
        let one = [&self.name, &self.about, &self.license, &self.prompt_form, &self.defaults.style];
        let styles = self.styles.iter().flat_map(|(name, words)| std::iter::once(name).chain(words));
        let subjects = self.subjects.iter().flat_map(|subject| std::iter::once(&subject.name).chain(&subject.also));
        one.into_iter().chain(styles).chain(subjects).chain(&self.backgrounds).map(String::as_str)
    }
}
