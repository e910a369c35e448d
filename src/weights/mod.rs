//! The shelf of model files: where they are, what is in them, and whether they can be trusted.

mod card;
mod raw;

use std::path::PathBuf;

pub use card::{Card, CardDefaults, Subject};
pub use raw::{RawData, RawError, RawFile, RawTensor};

/// Named tensors of one or more checkpoint files, read on demand. Keys carry a component prefix (`unet.conv_in.weight`).
pub struct Weights;

/// Where a model's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// The model inside the program (or `assets/model` when built without it).
    Default,
    /// A folder in diffusers layout.
    Dir(PathBuf),
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {}

impl WeightsError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        String::new()
    }
}
