//! Several pictures on their way at once, each one step further than the one begun after it
//! ([stream batch](https://arxiv.org/abs/2312.12491)).
//!
//! A step of several latents takes less time than as many steps of one, above all on a large GPU. So a picture is begun while the
//! n - 1 before it are still on their way to their n-th step: each call does one step of all, and the foremost is ready. Every
//! picture is what it would be alone, n - 1 calls later.

use std::collections::VecDeque;
use std::time::Instant;

use super::model::Model;
use super::networks::Run;
use super::pipeline::{Request, Shown, cleaned, denoise, draw, finite, first_latents, show_latents};
use super::prompt::States;
use super::{EngineError, Job, NoiseSource, StageTimes};
use crate::exec::{Executor, Tensor};

/// Where a picture comes from, and what it took so far.
pub struct Provenance {
    /// The id of its input; 0 without one.
    pub input_id: u64,
    /// The revision of its parameters.
    pub revision: u64,
    /// When the input was taken.
    pub taken: Instant,
    /// When the engine began.
    pub started: Instant,
    /// Time of what came before its steps, and of these.
    pub times: StageTimes,
}

impl Provenance {
    /// That of a picture for `job`, which was begun when the engine `started` and took `times` so far.
    pub fn of(job: &Job, started: Instant, times: StageTimes) -> Self {
        let (input_id, taken) = job.frame.as_ref().map_or((0, started), |frame| (frame.id, frame.taken));
        Self { input_id, revision: job.revision, taken, started, times }
    }
}

/// Pictures on their way, all of the same parameters.
pub struct Stream {
    /// The prompt's states, once for each of them.
    states: States,
    /// Before each step but the first, the latents of the picture that takes it next.
    under_way: VecDeque<UnderWay>,
}

struct UnderWay {
    /// Of one picture, [h, w, c].
    latents: Vec<f32>,
    /// None if the same input was begun before.
    provenance: Option<Provenance>,
}

impl Stream {
    /// Paints a picture alone. Those after it follow as if this one had been begun again and again before.
    ///
    /// # Errors
    /// Those of [`super::pipeline::paint`].
    pub fn begin(
        model: &mut Model,
        executor: &dyn Executor,
        request: &Request<'_>,
        noise: &mut dyn NoiseSource,
    ) -> Result<(Self, Shown), EngineError> {
        let steps = request.timesteps.list().len();
        let mut under_way = VecDeque::new();
        let (latents, times) = denoise(model, executor, request, noise, &mut |seen| {
            if seen.step + 1 < steps {
                under_way.push_back(UnderWay { latents: seen.latents.data.clone(), provenance: None });
            }
        })?;
        let shown = show_latents(model, executor, &latents, times)?;
        Ok((Self { states: request.states.each(steps), under_way }, shown))
    }

    /// Begins a picture with the parameters of the others, and does a step of all. Returns the one that is ready then and where it
    /// comes from, unless its input was begun before. `provenance` is that of the new one, `None` if its input is that of the last.
    ///
    /// # Errors
    /// Those of [`super::pipeline::paint`].
    pub fn push(
        &mut self,
        model: &mut Model,
        executor: &dyn Executor,
        request: &Request<'_>,
        noise: &mut dyn NoiseSource,
        provenance: Option<Provenance>,
    ) -> Result<Option<(Shown, Provenance)>, EngineError> {
        let began = Instant::now();
        let Request { timesteps, guidance, framing, .. } = request;
        let list = timesteps.list();
        let first = first_latents(model, request, noise)?;
        let size = first.data.len();
        let mut shape = first.shape.clone();
        self.under_way.push_front(UnderWay { latents: first.data, provenance });
        shape[0] = self.under_way.len();
        let latents = self.under_way.iter().flat_map(|way| &way.latents).copied().collect();
        let run = Run { timesteps: list, guidance: *guidance, states: &self.states, framing, slot: 0 };
        let mut clean = cleaned(model, executor, &Tensor::new(shape, latents), &run)?;
        finite("the latents", None, &clean)?;
        // The first draw was the one before the first step; those after each step come in their order.
        for ((step, way), clean) in
            self.under_way.iter_mut().enumerate().zip(clean.data.chunks(size)).take(list.len() - 1)
        {
            way.latents = if timesteps.is_noised(step) {
                let fresh = draw(noise, &first.shape)?;
                model.scheduler.add_noise(clean, &fresh.data, timesteps.after(step))
            } else {
                clean.to_vec()
            };
        }
        let step_ms = began.elapsed().as_secs_f64() * 1e3;
        self.under_way
            .iter_mut()
            .filter_map(|way| way.provenance.as_mut())
            .for_each(|provenance| provenance.times.step_ms.push(step_ms));
        let ready = self.under_way.pop_back().and_then(|way| way.provenance);
        let Some(mut provenance) = ready else { return Ok(None) };
        let times = StageTimes { step_ms: std::mem::take(&mut provenance.times.step_ms), ..StageTimes::default() };
        clean.data.drain(..clean.data.len() - size);
        let shown = show_latents(model, executor, &Tensor::new(first.shape, clean.data), times)?;
        Ok(Some((shown, provenance)))
    }

    /// Whether pictures of inputs that were begun are still on their way.
    pub fn is_behind(&self) -> bool {
        self.under_way.iter().any(|way| way.provenance.is_some())
    }
}
