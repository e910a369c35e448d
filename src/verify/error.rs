//! Why a case could not be judged.

use std::path::PathBuf;

use crate::engine::EngineError;
use crate::exec::ExecError;
use crate::weights::{RawError, WeightsError};

/// Why a case could not be judged. An error fails a case of a supported kind.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The folder has no readable index.
    #[error("{path} is not a fixture index: {text}")]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong.
        text: String,
    },
    /// A file or folder that a case needs is not there.
    #[error("{path} is missing: run expand.py")]
    Missing {
        /// What is missing.
        path: PathBuf,
    },
    /// The case's file lacks a tensor, or it is of another type.
    #[error("{file} has no {what} tensor `{tensor}`")]
    Tensor {
        /// The case's file.
        file: PathBuf,
        /// The type wanted.
        what: &'static str,
        /// The tensor.
        tensor: String,
    },
    /// A call parameter of the case is missing or odd.
    #[error("case parameter `{key}` is {found}")]
    Meta {
        /// Its name.
        key: String,
        /// What is there.
        found: String,
    },
    /// A fixture file is broken.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// A checkpoint is broken.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A graph did not run.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A picture was not painted.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl VerifyError {
    /// Any other error, in its own words.
    pub fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}
