//! What shapes a picture, as one comparable value.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::frame::Size;

/// What shapes a picture. Two equal values on the same frame and executor give the same picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// What to paint, in words.
    pub prompt: String,
    /// Seed of all noise. 42 here is 42 in the reference implementation.
    pub seed: u64,
    /// Denoising steps: [`Self::STEPS`] in the window, anything the scheduler accepts elsewhere. Default 2.
    pub steps: u32,
    /// How far the picture may leave the input, in [`Self::STRENGTH`]. 0 keeps it, 1 ignores it. Default 0.6.
    pub strength: f64,
    /// Guidance scale g; a network that was taught it is told w = g - 1. [`Self::GUIDANCE`] is useful, default 6. Any other predicts
    /// twice when g is above 1; 1..=2 is useful there.
    pub guidance: f64,
    /// Size of the painted picture in pixels; rounded down to the model's multiple.
    pub size: Size,
    /// How many of the text encoder's last layers to skip. Default 0.
    pub clip_skip: u32,
}

impl Params {
    /// The steps that the window offers.
    pub const STEPS: RangeInclusive<u32> = 1..=8;
    /// The strengths there are.
    pub const STRENGTH: RangeInclusive<f64> = 0.0..=1.0;
    /// The guidance scales that the window offers.
    pub const GUIDANCE: RangeInclusive<f64> = 1.0..=15.0;
    /// The longest side that a user may ask for, in pixels. The engine itself paints larger ones.
    pub const MAX_SIDE: u32 = 2048;
}

impl Default for Params {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            seed: 42,
            steps: 2,
            strength: 0.6,
            guidance: 6.0,
            size: Size::square(256),
            clip_skip: 0,
        }
    }
}
