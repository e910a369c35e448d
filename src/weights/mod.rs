//! The shelf of model files: where they are, what is in them, and whether they can be trusted.
//!
//! [`ModelFiles`] finds files, [`TensorFile`] checks one safetensors file before a byte of it is believed, [`Weights`] gives
//! every tensor of a model one name. What the tensors are for is the business of higher floors. Nothing is memory-mapped: a
//! file that shrinks while it is read would be a crash instead of a message.

#[cfg_attr(not(feature = "bundled-model"), path = "bundled_off.rs")]
mod bundled;
mod bytes;
mod card;
mod card_prompt;
mod error;
mod files;
mod header;
mod keys;
mod raw;
mod shards;
mod tensor_file;
mod tensors;

use std::path::PathBuf;

pub use card::{CardDefaults, ModelCard, Subject};
pub use error::WeightsError;
pub use files::ModelFiles;
pub use header::Dtype;
pub use raw::{RawData, RawError, RawFile, RawTensor};
pub use tensor_file::TensorFile;
pub use tensors::Weights;

/// Where a model's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// The model inside the program (or `assets/model` when built without it).
    Default,
    /// A folder in diffusers layout.
    Dir(PathBuf),
}
