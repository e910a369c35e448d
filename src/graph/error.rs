//! Why a network cannot be described.

use super::Shape;

/// Why a network cannot be described: its configuration and the sizes asked for do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// An op was given a value it cannot take.
    #[error("network `{graph}`, `{path}`: {op} of {found} is impossible: {why}")]
    Shape {
        /// The graph's name.
        graph: String,
        /// Where in the network.
        path: String,
        /// The op.
        op: &'static str,
        /// The shapes given.
        found: String,
        /// What does not fit.
        why: String,
    },
    /// A value would be larger than any machine holds.
    #[error("network `{graph}`, `{path}`: a value of shape {shape} is too large")]
    TooLarge {
        /// The graph's name.
        graph: String,
        /// Where in the network.
        path: String,
        /// The value's shape.
        shape: Shape,
    },
    /// Two ops need one weight in two shapes.
    #[error("network `{graph}`: weight `{key}` is needed as {first:?} and as {second:?}")]
    Weight {
        /// The graph's name.
        graph: String,
        /// The weight's key.
        key: String,
        /// The shape declared first.
        first: Vec<usize>,
        /// The shape declared now.
        second: Vec<usize>,
    },
    /// Two inputs have one name.
    #[error("network `{graph}` has two inputs `{name}`")]
    Input {
        /// The graph's name.
        graph: String,
        /// The input's name.
        name: String,
    },
}

impl GraphError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "choose a smaller picture size or batch".into(),
            Self::Shape { .. } => {
                "check the numbers in the model's config.json files, or choose another model or size".into()
            }
            Self::Weight { .. } | Self::Input { .. } => {
                "please report this: the program described its own network wrongly".into()
            }
        }
    }
}
