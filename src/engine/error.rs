//! Why a picture was not painted.

use crate::exec::ExecError;

/// Why a picture was not painted, or a model not loaded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The executor's trouble.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl EngineError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Exec(error) => error.remedy(),
        }
    }
}
