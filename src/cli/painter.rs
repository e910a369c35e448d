//! An engine for jobs without a window: loads a model and paints one picture at a time, filling in what was not said.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use super::request::Wishes;
use super::{Code, Failure};
use crate::engine::{Engine, Job, Load, Params, Picture, Render as _};
use crate::flow::StopToken;
use crate::frame::{Frame, Size, fit_longer_side};
use crate::studio::{EngineSpec, ModelInfo};

/// A loaded model that paints when asked.
pub struct Painter {
    engine: Engine,
    info: ModelInfo,
    revision: u64,
}

impl Painter {
    /// Loads the model for pictures over frames of the size `input`. A person at a terminal sees how far it is.
    ///
    /// # Errors
    /// [`Code::NoModel`] with the engine's sentence.
    pub fn load(spec: &EngineSpec, input: Size, wishes: &Wishes) -> Result<Self, Failure> {
        let mut stderr = std::io::stderr();
        let watched = stderr.is_terminal();
        let mut progress = |what: &str, fraction: f32| {
            if watched {
                write!(stderr, "\r\x1b[K{what} {:.0} %", fraction * 100.0).ok();
            }
            true
        };
        let EngineSpec { model, executor, threads } = spec;
        let wished = |info: &ModelInfo| Some(params(info, input, "", 0, wishes));
        let load = Load { source: model, executor, threads: *threads, wished: &wished, stop: StopToken::default() };
        let loaded = load.run(&mut progress);
        if watched {
            write!(stderr, "\r\x1b[K").ok();
        }
        let model = loaded.map_err(|error| Failure::new(Code::NoModel, &error, error.remedy()))?;
        let info = model.info().clone();
        Ok(Self { engine: Engine::new(model), info, revision: 0 })
    }

    /// The engine itself.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The model that paints.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Paints over `frame`.
    ///
    /// # Errors
    /// The engine's sentence.
    pub fn paint(&mut self, frame: Frame, prompt: &str, seed: u64, wishes: &Wishes) -> Result<Picture, Failure> {
        let params = Arc::new(params(&self.info, frame.size(), prompt, seed, wishes));
        self.revision += 1;
        let job = Job::new(Some(frame), params, self.revision);
        match self.engine.render(&job) {
            Ok(Some(picture)) => Ok(picture),
            Ok(None) => Err(Failure::new(Code::Failed, "the engine painted nothing", "try other parameters")),
            Err(error) => Err(Failure::new(Code::Failed, &error, error.remedy())),
        }
    }
}

/// What was said, and for the rest what the model suggests.
pub fn params(info: &ModelInfo, input: Size, prompt: &str, seed: u64, wishes: &Wishes) -> Params {
    let mut params = Params { prompt: prompt.to_owned(), seed, ..info.params() };
    params.steps = wishes.steps.unwrap_or(params.steps);
    params.strength = wishes.strength.unwrap_or(params.strength);
    params.guidance = wishes.guidance.unwrap_or(params.guidance);
    let longer_px = wishes.size.unwrap_or(info.size.longer_side());
    params.size = fit_longer_side(input, longer_px, info.multiple);
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::GuidanceWay;
    use crate::weights::{CardDefaults, ModelCard, ModelSource};

    fn info(card: Option<ModelCard>) -> ModelInfo {
        ModelInfo {
            name: "test".into(),
            source: ModelSource::Default,
            card,
            size: Size::square(256),
            multiple: 8,
            guidance: GuidanceWay::Embedded,
            executor: "none".into(),
            bytes: 0,
        }
    }

    #[test]
    fn what_was_said_wins_over_the_card_and_the_card_over_the_rest() {
        let defaults = CardDefaults { steps: 3, strength: 0.7, guidance: 9.0, ..CardDefaults::default() };
        let info = info(Some(ModelCard { defaults, ..ModelCard::default() }));
        let wishes = Wishes { steps: Some(1), ..Wishes::default() };
        let params = params(&info, Size::square(512), "apple", 7, &wishes);
        assert_eq!((params.steps, params.strength, params.guidance), (1, 0.7, 9.0));
        assert_eq!((params.size, params.seed), (Size::square(256), 7));
    }
}
