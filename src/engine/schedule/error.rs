//! Why a list of timesteps is refused.

/// Why a list of timesteps is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// No step was asked for.
    #[error("0 steps paint nothing")]
    NoSteps,
    /// More original steps than the model was trained with.
    #[error("{original} original steps are more than the {train} timesteps the model was trained with")]
    Original {
        /// Original steps asked for.
        original: usize,
        /// Timesteps of the training schedule.
        train: usize,
    },
    /// More steps than remain of the original ones at this strength.
    #[error("{steps} steps at strength {strength} need as many original steps, and only {remaining} of them remain")]
    TooMany {
        /// Steps asked for.
        steps: usize,
        /// Strength asked for.
        strength: f64,
        /// Original steps that remain at this strength.
        remaining: usize,
    },
    /// A strength that is no share.
    #[error("strength {strength} is not between 0 and 1")]
    Strength {
        /// Strength asked for.
        strength: f64,
    },
    /// A custom list that does not fall strictly.
    #[error("the timesteps must fall: {next} follows {previous}")]
    Order {
        /// An entry.
        previous: usize,
        /// The one after it.
        next: usize,
    },
    /// A timestep beyond the training schedule.
    #[error("timestep {timestep} is beyond the {train} timesteps the model was trained with")]
    Beyond {
        /// The entry.
        timestep: usize,
        /// Timesteps of the training schedule.
        train: usize,
    },
    /// A strength at which nothing of a custom list is left.
    #[error("no timestep is left of {given} at strength {strength}")]
    NothingLeft {
        /// Entries of the list.
        given: usize,
        /// Strength asked for.
        strength: f64,
    },
}

impl ScheduleError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoSteps => "ask for 1 to 8 steps",
            Self::Original { .. } => "ask for fewer original steps",
            Self::TooMany { .. } => "ask for fewer steps or more strength",
            Self::Strength { .. } => "choose a strength between 0 and 1",
            Self::Order { .. } | Self::Beyond { .. } => "give a falling list of timesteps below the model's number",
            Self::NothingLeft { .. } => "ask for more strength or give more timesteps",
        }
    }
}
