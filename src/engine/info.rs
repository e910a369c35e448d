//! What the faces may know about the model that paints.

use crate::frame::Size;
use crate::weights::{Card, ModelSource};

/// What the faces may know about the model that paints.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Its name: the card's, or the folder's.
    pub name: String,
    /// Where it came from.
    pub source: ModelSource,
    /// Its card, if it has one.
    pub card: Option<Card>,
    /// The size it was trained on.
    pub size: Size,
    /// Picture sides must be multiples of this.
    pub multiple: u32,
    /// Who computes, for example "CPU (candle f32, 2 threads)".
    pub executor: String,
    /// Bytes of weights in memory.
    pub bytes: usize,
}
