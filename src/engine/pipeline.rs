//! From noise, or an encoded picture, to a painted one: the one function behind the live loop and the fixtures.
//!
//! Text to picture: draw latents, denoise. Picture to picture: draw the posterior's noise (if the autoencoder has one),
//! noise to the first timestep, denoise. The order of draws is the reference's, so that a seed gives its picture.

use std::time::Instant;

use super::model::Model;
use super::networks::{Run, WholeRun};
use super::pixels::nhwc;
use super::programs::Course;
use super::prompt::States;
use super::schedule::Timesteps;
use super::{EngineError, NoiseSource, StageTimes};
use crate::exec::pixels::unsigned;
use crate::exec::{Executor, Tensor};
use crate::frame::Size;
use crate::nn::unet::Framing;

/// Where the latents begin.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// With noise alone.
    Noise,
    /// With an encoded picture. Fewer pictures than prompts are repeated in turn.
    Picture(&'a Encoded),
}

/// What to paint.
pub struct Request<'a> {
    /// The prompts' states, one for each picture.
    pub states: &'a States,
    /// The timesteps to visit.
    pub timesteps: &'a Timesteps,
    /// Guidance scale. A network that was not taught one follows it only with guided states.
    pub guidance: f64,
    /// How the pictures are framed; ignored by a network that is not told.
    pub framing: Framing,
    /// Size in pixels, a multiple of the model's.
    pub size: Size,
    /// Where the latents begin.
    pub start: Start<'a>,
}

/// Pictures as the autoencoder sees them, before any noise.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// What the encoder gave: latents, or mean and log variance of their distribution, [n, h, w, c].
    pub tensor: Tensor,
}

/// What an observer sees after each step.
pub struct Seen<'a> {
    /// Which step, from 0.
    pub step: usize,
    /// Its timestep.
    pub timestep: usize,
    /// The latents that go into the next step, [n, h, w, c].
    pub latents: &'a Tensor,
    /// The clean latents the step predicts.
    pub denoised: &'a Tensor,
}

/// What was painted.
pub struct Painted {
    /// The last clean latents, [n, h, w, c].
    pub latents: Tensor,
    /// The pictures, [n, h, w, 3] in 0..=1.
    pub image: Tensor,
    /// Time of each step and of decoding.
    pub times: StageTimes,
}

/// What was painted, as it is shown.
pub struct Shown {
    /// The picture, [1, h, w, 1]: each element is the four bytes of a pixel.
    pub picture: Tensor,
    /// Time of each step and of decoding.
    pub times: StageTimes,
}

/// Encodes pictures of bytes, [n, h, w, 1], both sides multiples of the model's.
///
/// # Errors
/// The executor's.
pub fn see(model: &mut Model, executor: &dyn Executor, pictures: &Tensor) -> Result<Encoded, EngineError> {
    let tensor = model.networks.see(executor, pictures)?;
    finite("the encoded picture", None, &tensor)?;
    Ok(Encoded { tensor })
}

/// Encodes pictures [n, h, w, 3] in -1..=1, both sides multiples of the model's.
///
/// # Errors
/// The executor's.
pub fn encode(model: &mut Model, executor: &dyn Executor, pictures: &Tensor) -> Result<Encoded, EngineError> {
    let tensor = model.networks.encode(executor, pictures)?;
    finite("the encoded picture", None, &tensor)?;
    Ok(Encoded { tensor })
}

/// Paints, in numbers.
///
/// # Errors
/// The executor's; noise that does not fit; values that are no numbers, with their step.
pub fn paint(
    model: &mut Model,
    executor: &dyn Executor,
    request: &Request<'_>,
    noise: &mut dyn NoiseSource,
    observer: &mut dyn FnMut(&Seen<'_>),
) -> Result<Painted, EngineError> {
    let (latents, mut times) = denoise(model, executor, request, noise, observer)?;
    let began = Instant::now();
    let mut image = model.networks.decode(executor, &latents)?;
    finite("the picture", None, &image)?;
    image.data.iter_mut().for_each(|value| *value = unsigned(*value));
    times.decode_ms = began.elapsed().as_secs_f64() * 1e3;
    Ok(Painted { latents, image, times })
}

/// Paints a picture as it is shown, step by step.
///
/// # Errors
/// Those of [`paint`].
pub fn show(
    model: &mut Model,
    executor: &dyn Executor,
    request: &Request<'_>,
    noise: &mut dyn NoiseSource,
) -> Result<Shown, EngineError> {
    let (latents, times) = denoise(model, executor, request, noise, &mut |_| ())?;
    show_latents(model, executor, &latents, times)
}

/// The picture of clean latents [1, h, w, c], whose steps took these times.
///
/// # Errors
/// The executor's.
pub(super) fn show_latents(
    model: &mut Model,
    executor: &dyn Executor,
    latents: &Tensor,
    mut times: StageTimes,
) -> Result<Shown, EngineError> {
    let began = Instant::now();
    let picture = model.networks.show(executor, latents)?;
    times.decode_ms = began.elapsed().as_secs_f64() * 1e3;
    Ok(Shown { picture, times })
}

/// Paints a picture as it is shown in one go, over `picture` (of bytes, [1, h, w, 1]) if there is one. The draws are those of
/// [`paint`].
///
/// # Errors
/// The executor's; noise that does not fit.
pub fn show_whole(
    model: &mut Model,
    executor: &dyn Executor,
    (request, course): (&Request<'_>, Course),
    picture: Option<&Tensor>,
    noise: &mut dyn NoiseSource,
) -> Result<Shown, EngineError> {
    let began = Instant::now();
    let shape = model.networks.latent_shape(1, request.size);
    let noises = (0..1 + course.noised.count_ones()).map(|_| draw(noise, &shape)).collect::<Result<_, _>>()?;
    let Request { guidance, states, framing, .. } = request;
    let run = WholeRun { guidance: *guidance, states, framing, noises, picture };
    let picture = model.networks.paint(executor, (course, &model.scheduler, request.timesteps), &run)?;
    let steps = course.steps as usize;
    let step_ms = vec![began.elapsed().as_secs_f64() * 1e3 / steps as f64; steps];
    Ok(Shown { picture, times: StageTimes { step_ms, ..StageTimes::default() } })
}

/// The clean latents, and the time of each step.
///
/// # Errors
/// Those of [`paint`].
pub(super) fn denoise(
    model: &mut Model,
    executor: &dyn Executor,
    request: &Request<'_>,
    noise: &mut dyn NoiseSource,
    observer: &mut dyn FnMut(&Seen<'_>),
) -> Result<(Tensor, StageTimes), EngineError> {
    let mut times = StageTimes::default();
    let mut latents = first_latents(model, request, noise)?;
    let mut denoised = latents.clone();
    let list = request.timesteps.list();
    for (step, &timestep) in list.iter().enumerate() {
        let began = Instant::now();
        let Request { guidance, states, framing, .. } = request;
        let run = Run { timesteps: &[timestep], guidance: *guidance, states, framing, slot: step };
        denoised = cleaned(model, executor, &latents, &run)?;
        finite("the latents", Some((step + 1, list.len())), &denoised)?;
        latents.data = if request.timesteps.is_noised(step) {
            let fresh = draw(noise, &latents.shape)?;
            model.scheduler.add_noise(&denoised.data, &fresh.data, request.timesteps.after(step))
        } else {
            denoised.data.clone()
        };
        observer(&Seen { step, timestep, latents: &latents, denoised: &denoised });
        times.step_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok((denoised, times))
}

/// The clean latents that a step of `latents` [n, h, w, c] predicts.
///
/// # Errors
/// The executor's.
pub(super) fn cleaned(
    model: &mut Model,
    executor: &dyn Executor,
    latents: &Tensor,
    run: &Run<'_>,
) -> Result<Tensor, EngineError> {
    let output = model.networks.predict(executor, latents, run)?;
    let size = (latents.data.len() / latents.shape[0].max(1)).max(1);
    let pairs = latents.data.chunks(size).zip(output.data.chunks(size));
    let each = pairs.zip(run.timesteps.iter().cycle());
    let clean: Vec<Vec<f32>> = each.map(|((x, y), t)| model.scheduler.denoise(x, y, *t, 1)).collect();
    Ok(Tensor::new(latents.shape.clone(), clean.concat()))
}

/// The latents before the first step.
///
/// # Errors
/// Noise that does not fit.
pub(super) fn first_latents(
    model: &Model,
    request: &Request<'_>,
    noise: &mut dyn NoiseSource,
) -> Result<Tensor, EngineError> {
    let batch = request.states.batch();
    let shape = model.networks.latent_shape(batch, request.size);
    let Start::Picture(encoded) = request.start else { return draw(noise, &shape) };
    let clean = repeated(model.networks.sample(encoded, &mut |shape| draw(noise, shape))?, batch)?;
    if clean.shape != shape {
        return Err(EngineError::Param {
            name: "the encoded picture",
            found: format!("{:?}", clean.shape),
            expected: format!("{shape:?}"),
        });
    }
    let Some(&first) = request.timesteps.list().first() else { return Ok(clean) };
    let fresh = draw(noise, &shape)?;
    Ok(Tensor::new(shape, model.scheduler.add_noise(&clean.data, &fresh.data, first)))
}

/// The whole of `latents` again and again until there are `batch` of them.
fn repeated(latents: Tensor, batch: usize) -> Result<Tensor, EngineError> {
    let found = latents.shape[0];
    if found == batch {
        return Ok(latents);
    }
    if found == 0 || !batch.is_multiple_of(found) {
        return Err(EngineError::Param {
            name: "the number of pictures",
            found: found.to_string(),
            expected: format!("a divisor of {batch}, the number of prompts"),
        });
    }
    let mut shape = latents.shape;
    shape[0] = batch;
    Ok(Tensor::new(shape, latents.data.repeat(batch / found)))
}

/// Fresh noise for latents of shape [n, h, w, c]. It is drawn in NCHW order, as the reference draws it.
///
/// # Errors
/// Noise that does not fit.
pub(super) fn draw(noise: &mut dyn NoiseSource, shape: &[usize]) -> Result<Tensor, EngineError> {
    let nchw = [shape[0], shape[3], shape[1], shape[2]];
    Ok(nhwc(&noise.draw(nchw)?, nchw))
}

/// Refuses values that are no numbers.
///
/// # Errors
/// [`EngineError::NotFinite`].
pub(super) fn finite(what: &'static str, step: Option<(usize, usize)>, tensor: &Tensor) -> Result<(), EngineError> {
    // Largest of all magnitudes as bits: a loop without an exit, of which the compiler makes vector code.
    let largest = tensor.data.iter().fold(0, |largest: u32, value| largest.max(value.abs().to_bits()));
    if f32::from_bits(largest).is_finite() { Ok(()) } else { Err(EngineError::NotFinite { what, step }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_numbers_are_found() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let tensor = Tensor::new([1, 1, 1, 2], vec![0.0, value]);
            let error = finite("the latents", Some((3, 4)), &tensor).unwrap_err();
            assert!(error.to_string().contains("step 3 of 4"), "{error}");
        }
    }

    #[test]
    fn pictures_are_repeated_in_turn() {
        let two = Tensor::new([2, 1, 1, 1], vec![1.0, 2.0]);
        assert_eq!(repeated(two.clone(), 4).unwrap().data, [1.0, 2.0, 1.0, 2.0]);
        assert!(repeated(two, 3).is_err());
    }
}
