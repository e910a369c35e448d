//! Why a picture was not painted, or a model not loaded.

use super::schedule::ScheduleError;
use crate::exec::ExecError;
use crate::frame::FrameError;
use crate::graph::GraphError;
use crate::nn::ConfigError;
use crate::nn::text::TokenizerError;
use crate::weights::WeightsError;

/// Why a picture was not painted, or a model not loaded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The executor's trouble.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A file of the model is missing or broken.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A config holds something absurd, or describes another network.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A network cannot be built for this size.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Pixels that are no picture.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The steps asked for cannot be taken.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Two parts of a model do not fit together.
    #[error("the model's parts do not fit: {what} is {left} in {left_file}, but {right} in {right_file}")]
    Mismatch {
        /// What they disagree about.
        what: &'static str,
        /// One value.
        left: usize,
        /// Where it is.
        left_file: String,
        /// The other value.
        right: usize,
        /// Where that is.
        right_file: String,
    },
    /// A kind of model that is not supported.
    #[error("{name} is a {class}, which this program cannot paint with")]
    Unsupported {
        /// The model's name, with the component if it is only one.
        name: String,
        /// Its class.
        class: String,
        /// What would do.
        supported: String,
    },
    /// A parameter that no picture can be painted with.
    #[error("{name} is {found}, which is not {expected}")]
    Param {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The network's output is no number.
    #[error("{what} came out with NaN or infinite values{}", step_place(*step))]
    NotFinite {
        /// What was computed.
        what: &'static str,
        /// The denoising step, from 1 and of how many.
        step: Option<(usize, usize)>,
    },
    /// A list of given noise does not fit.
    #[error("noise {index} has {found} values, the picture needs {expected}")]
    Noise {
        /// Its place in the list.
        index: usize,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Loading was given up by order.
    #[error("loading was cancelled")]
    Cancelled,
}

fn step_place(step: Option<(usize, usize)>) -> String {
    step.map_or_else(String::new, |(step, of)| format!(" in step {step} of {of}"))
}

impl EngineError {
    /// Whether nothing went wrong, but nobody waited any more.
    pub fn is_given_up(&self) -> bool {
        matches!(self, Self::Exec(error) if error.is_given_up())
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Exec(error) => error.remedy(),
            Self::Weights(error) => error.remedy(),
            Self::Config(error) => error.remedy(),
            Self::Tokenizer(error) => error.remedy(),
            Self::Graph(error) => error.remedy(),
            Self::Frame(error) => error.remedy().into(),
            Self::Schedule(error) => error.remedy().into(),
            Self::Mismatch { .. } => "take all parts from one model".into(),
            Self::Unsupported { supported, .. } => format!("choose {supported}"),
            Self::Param { expected, .. } => format!("choose {expected}"),
            Self::NotFinite { .. } => {
                "change the seed, the guidance or the number of steps; if it stays, the model's files are damaged"
                    .into()
            }
            Self::Noise { .. } => "give one noise tensor for each draw".into(),
            Self::Cancelled => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_numbers_name_their_step() {
        let error = EngineError::NotFinite { what: "the latents", step: Some((2, 4)) };
        assert_eq!(error.to_string(), "the latents came out with NaN or infinite values in step 2 of 4");
        let error = EngineError::NotFinite { what: "the picture", step: None };
        assert_eq!(error.to_string(), "the picture came out with NaN or infinite values");
    }
}
