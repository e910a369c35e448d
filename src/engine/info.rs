//! What the faces may know about the model that paints.

use super::Params;
use crate::frame::{Size, fit_longer_side};
use crate::weights::{ModelCard, ModelSource};

/// What the faces may know about the model that paints.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Its name: the card's, or the folder's.
    pub name: String,
    /// Where it came from.
    pub source: ModelSource,
    /// Its card, if it has one.
    pub card: Option<ModelCard>,
    /// The size it was trained on.
    pub size: Size,
    /// Picture sides must be multiples of this.
    pub multiple: u32,
    /// How the guidance scale reaches it.
    pub guidance: GuidanceWay,
    /// Who computes, for example "CPU (candle f32, 2 threads)".
    pub executor: String,
    /// Bytes of weights in memory.
    pub bytes: usize,
}

/// How the guidance scale reaches a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuidanceWay {
    /// The network was taught it (distilled), and reads it as an embedding: it costs nothing.
    Embedded,
    /// Classifier-free: each step predicts twice, with the words and without, unless the scale is 1 or less.
    ClassifierFree,
}

impl ModelInfo {
    /// What the model suggests: what its card says, else what is usual. A network that was not taught guidance is usually made
    /// for the scale 1, and takes half the time then.
    pub fn params(&self) -> Params {
        let usual = Params::default();
        match (&self.card, self.guidance) {
            (Some(ModelCard { defaults, .. }), _) => {
                Params { steps: defaults.steps, strength: defaults.strength, guidance: defaults.guidance, ..usual }
            }
            (None, GuidanceWay::Embedded) => usual,
            (None, GuidanceWay::ClassifierFree) => Params { guidance: 1.0, ..usual },
        }
    }

    /// The same for pictures in the shape of `canvas`, with the longer side that the model was trained on.
    pub fn params_for(&self, canvas: Size) -> Params {
        Params { size: fit_longer_side(canvas, self.size.longer_side(), self.multiple), ..self.params() }
    }
}
