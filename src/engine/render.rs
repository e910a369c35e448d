//! The engine: jobs in, pictures out. Keeps what did not change since the last picture.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::load::LoadedModel;
use super::model::Model;
use super::networks::Begin;
use super::noise::Kept;
use super::pipeline::{Encoded, Request, Shown, Start, see, show, show_whole};
use super::pixels::{frame_from_pixels, pixels_from_frame};
use super::plan::{Basis, Plan};
use super::programs::Course;
use super::prompt::{States, Wording};
use super::schedule::Timesteps;
use super::stream::{Provenance, Stream};
use super::{EngineError, Job, ModelInfo, Params, Picture, Render, StageTimes, Stamps};
use crate::exec::{Executor, Profile, Tensor};
use crate::frame::{Frame, Size, cover_crop};
use crate::nn::unet::Framing;

/// Longest side of a picture, in pixels.
const MAX_SIDE: u32 = 4096;
/// Largest guidance scale; the useful ones are 1..=15.
const MAX_GUIDANCE: f64 = 1000.0;

/// A model that paints. Always paints what it is asked for: whether anything changed is the caller's business.
pub struct Engine {
    executor: Arc<dyn Executor>,
    model: Model,
    info: Arc<ModelInfo>,
    noise: Kept,
    last: Option<Last>,
    stream: Option<Stream>,
}

/// What the last picture leaves for the next.
struct Last {
    basis: Basis,
    states: Arc<States>,
    timesteps: Timesteps,
    input: Option<Input>,
}

/// How a picture is painted.
enum Way {
    /// In one go.
    Whole(Course),
    /// Step by step.
    Steps,
    /// Each step beside those of other pictures.
    Stream,
}

/// The picture painted over, as far as it is kept.
enum Input {
    /// Its bytes, where all is done in one go.
    Pixels(Tensor),
    /// What the encoder made of it.
    Encoded(Encoded),
}

impl Engine {
    /// An engine around a loaded model.
    pub fn new(loaded: LoadedModel) -> Self {
        let LoadedModel { executor, model, info, .. } = loaded;
        Self { executor, model, info: Arc::new(info), noise: Kept::new(0), last: None, stream: None }
    }

    /// What the faces may know about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Times every step of the networks used so far, each the median of so many runs: the name of the job and its steps. Empty
    /// when the executor tells no steps apart.
    pub fn profile(&mut self, runs: usize) -> Vec<(&'static str, Profile)> {
        self.model.profile(runs)
    }

    /// What can be kept from the last picture, and the rest made again; and what that was.
    fn prepare(&mut self, basis: Basis, stream: bool, times: &mut StageTimes) -> Result<(Plan, Last), EngineError> {
        // Taken out, so that a failure below leaves nothing half changed.
        let last = self.last.take();
        let plan = Plan::new(last.as_ref().map(|last| &last.basis), &basis);
        let params = &basis.params;
        let (states, timesteps, input) = match last {
            Some(last) => (Some(last.states), Some(last.timesteps), last.input),
            None => (None, None, None),
        };
        let timesteps = match timesteps.filter(|_| !plan.schedule) {
            Some(kept) => kept,
            None => self.model.timesteps(params, basis.frame.is_some())?,
        };
        let began = Instant::now();
        let states = match states.filter(|_| !plan.prompt) {
            Some(kept) => kept,
            None => {
                let wording = Wording::of(&params.prompt, self.model.negative(params.guidance));
                self.model.states(&*self.executor, &wording, params.clip_skip)?
            }
        };
        times.prompt_ms = if plan.prompt { milliseconds(began.elapsed()) } else { 0.0 };
        let whole = matches!(self.way(stream, &timesteps, &basis), Way::Whole(_));
        let fits = |input: &Input| matches!(input, Input::Pixels(_)) == whole;
        let input = match (&basis.frame, input.filter(|input| !plan.encode && fits(input))) {
            (None, _) => None,
            (Some(_), Some(kept)) => Some(kept),
            (Some(frame), None) => Some(self.input(frame, basis.size, whole, times)?),
        };
        Ok((plan, Last { basis, states, timesteps, input }))
    }

    /// How such a picture is painted, if `stream` says whether others may be on their way beside it.
    fn way(&self, stream: bool, timesteps: &Timesteps, basis: &Basis) -> Way {
        let from_picture = basis.frame.is_some();
        if stream && from_picture && timesteps.list().len() > 1 {
            return Way::Stream;
        }
        let Model { networks, scheduler, .. } = &self.model;
        let begin = Begin { size: basis.size, from_picture, guided: basis.guided };
        networks.course(scheduler, timesteps, begin).map_or(Way::Steps, Way::Whole)
    }

    /// Paints one beside those that are on their way, or begins anew. The picture that is ready, if one is that was not shown.
    /// `provenance` is `None` if the input is the last one's.
    fn streamed(
        &mut self,
        stream: Option<Stream>,
        request: &Request<'_>,
        (provenance, is_new): (Provenance, bool),
    ) -> Result<Option<(Shown, Provenance)>, EngineError> {
        let (model, executor, noise) = (&mut self.model, &*self.executor, &mut self.noise);
        let (stream, ready) = match stream {
            Some(mut stream) => {
                let ready = stream.push(model, executor, request, noise, is_new.then_some(provenance))?;
                (stream, ready)
            }
            None => {
                let (stream, shown) = Stream::begin(model, executor, request, noise)?;
                (stream, Some((shown, provenance)))
            }
        };
        self.stream = Some(stream);
        Ok(ready)
    }

    fn input(&mut self, frame: &Frame, size: Size, whole: bool, times: &mut StageTimes) -> Result<Input, EngineError> {
        let began = Instant::now();
        let picture = pixels_from_frame(&cover_crop(frame, size));
        times.transfer_ms += milliseconds(began.elapsed());
        if whole {
            return Ok(Input::Pixels(picture));
        }
        let began = Instant::now();
        let encoded = see(&mut self.model, &*self.executor, &picture)?;
        times.encode_ms = milliseconds(began.elapsed());
        Ok(Input::Encoded(encoded))
    }

    /// What was painted, as others know pictures.
    fn picture(&self, shown: Shown, provenance: Provenance, params: Arc<Params>) -> Result<Picture, EngineError> {
        let Provenance { input_id, revision, taken, started, times: mut stages } = provenance;
        stages.step_ms = shown.times.step_ms;
        stages.decode_ms = shown.times.decode_ms;
        let began = Instant::now();
        let frame = frame_from_pixels(&shown.picture)?.stamped(input_id, taken);
        stages.transfer_ms += milliseconds(began.elapsed());
        let stamps = Stamps { taken, started, done: Instant::now() };
        Ok(Picture { frame, input_id, revision, params, stamps, stages, painter: Some(self.info.clone()) })
    }
}

impl Render for Engine {
    fn has_own_memory(&self) -> bool {
        self.executor.is_gpu()
    }

    fn render(&mut self, job: &Job) -> Result<Option<Picture>, EngineError> {
        let started = Instant::now();
        let params = &job.params;
        check(params)?;
        self.model.networks.work_within(&job.patience);
        let size = usable_size(params.size, self.info.multiple)?;
        let mut times = StageTimes::default();
        let guided = self.model.networks.is_guided(params.guidance);
        let basis = Basis { params: Params::clone(params), size, guided, frame: job.frame.clone() };
        // Taken out, as is the last picture: what a job leaves that fails is nothing to go on from.
        let stream = self.stream.take();
        let (plan, last) = self.prepare(basis, job.stream, &mut times)?;
        let request = Request {
            states: &last.states,
            timesteps: &last.timesteps,
            guidance: params.guidance,
            framing: Framing::whole([size.height, size.width]),
            size,
            start: match &last.input {
                Some(Input::Encoded(encoded)) => Start::Picture(encoded),
                _ => Start::Noise,
            },
        };
        let provenance = Provenance::of(job, started, times);
        self.noise.begin(params.seed);
        let ready = match self.way(job.stream, &last.timesteps, &last.basis) {
            Way::Whole(course) => {
                let picture = match &last.input {
                    Some(Input::Pixels(pixels)) => Some(pixels),
                    _ => None,
                };
                let (model, executor) = (&mut self.model, &*self.executor);
                let shown = show_whole(model, executor, (&request, course), picture, &mut self.noise);
                shown.map(|shown| Some((shown, provenance)))
            }
            Way::Steps => {
                let shown = show(&mut self.model, &*self.executor, &request, &mut self.noise);
                shown.map(|shown| Some((shown, provenance)))
            }
            Way::Stream => self.streamed(stream.filter(|_| !plan.anew), &request, (provenance, plan.encode)),
        };
        // What was made for a picture that is given up is as good as that of one that was painted.
        if ready.as_ref().err().is_none_or(EngineError::is_given_up) {
            self.last = Some(last);
        }
        ready?.map(|(shown, provenance)| self.picture(shown, provenance, params.clone())).transpose()
    }

    fn is_behind(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::is_behind)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Refuses what no picture can be painted with; steps and strength are the schedule's.
fn check(params: &Params) -> Result<(), EngineError> {
    if params.guidance.is_finite() && params.guidance.abs() <= MAX_GUIDANCE {
        return Ok(());
    }
    let expected = format!("a number from -{MAX_GUIDANCE} to {MAX_GUIDANCE}; 1 to 15 is useful");
    Err(EngineError::Param { name: "guidance", found: params.guidance.to_string(), expected })
}

/// `size` rounded down to multiples of `multiple`.
///
/// # Errors
/// [`EngineError::Param`] for a size that no picture has.
pub(super) fn usable_size(size: Size, multiple: u32) -> Result<Size, EngineError> {
    let down = |side: u32| side - side % multiple.max(1);
    let usable = Size::new(down(size.width), down(size.height));
    if usable.area() > 0 && usable.width <= MAX_SIDE && usable.height <= MAX_SIDE {
        return Ok(usable);
    }
    let expected = format!("a size of {multiple} to {MAX_SIDE} pixels a side");
    Err(EngineError::Param { name: "the picture's size", found: size.to_string(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_down() {
        assert_eq!(usable_size(Size::new(263, 71), 8).unwrap(), Size::new(256, 64));
        for size in [Size::new(0, 64), Size::new(7, 64), Size::new(64, 5000), Size::square(u32::MAX)] {
            let error = usable_size(size, 8).unwrap_err().to_string();
            assert!(error.contains("a size of 8 to 4096 pixels a side"), "{error}");
        }
    }

    #[test]
    fn guidance_must_be_a_number() {
        for guidance in [f64::NAN, f64::INFINITY, -1e300] {
            let error = check(&Params { guidance, ..Params::default() }).unwrap_err();
            assert!(error.to_string().starts_with("guidance is"), "{error}");
        }
        assert!(check(&Params::default()).is_ok());
    }
}
