//! `pipe_lcm_txt2img`, `pipe_sd_txt2img`, `sdxl/pipe_*` and the like: whole pictures, through the function that the live loop calls.

use serde_json::Value;

use crate::engine::pipeline::{Request, Start, encode, paint};
use crate::engine::schedule::{LcmScheduler, StepRequest, Steps, Timesteps};
use crate::engine::{Generator, Given, Model, Negative, NoiseSource, Parts, TextPart, Wording, nhwc, signed};
use crate::exec::Tensor;
use crate::frame::Size;
use crate::nn::unet::{Framing, Guidance};
use crate::verify::{Case, Checks, VerifyError};
use crate::weights::ModelFiles;

/// Judges one pipeline: timesteps, what each step leaves, the picture, and that all noise was asked for.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let timesteps = |scheduler: &LcmScheduler| scheduler.timesteps(&steps(case)?).map_err(VerifyError::other);
    run_with(case, checks, timesteps)
}

/// The same where strength leaves out the first of the steps, as in the reference's pipelines that know nothing of this
/// scheduler. The live loop does not: whoever asks for four steps gets four.
pub fn run_sliced(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let timesteps = |scheduler: &LcmScheduler| {
        let request = steps(case)?;
        let all = StepRequest { strength: 1.0, ..request.clone() };
        let mut list = scheduler.timesteps(&all).map_err(VerifyError::other)?.list().to_vec();
        let kept = ((list.len() as f64 * request.strength) as usize).min(list.len());
        let sliced = StepRequest { steps: Steps::Custom(list.split_off(list.len() - kept)), ..all };
        scheduler.timesteps(&sliced).map_err(VerifyError::other)
    };
    run_with(case, checks, timesteps)
}

fn run_with(
    case: &Case<'_>,
    checks: &mut Checks,
    timesteps: impl FnOnce(&LcmScheduler) -> Result<Timesteps, VerifyError>,
) -> Result<(), VerifyError> {
    let mut model = open(case)?;
    let guidance = case.meta("guidance_scale").as_f64().ok_or_else(|| odd(case, "guidance_scale"))?;
    let prompts = prompts(case)?;
    let wording = Wording { negative: negative(case, &model, guidance, prompts.len()), prompts };
    let clip_skip = whole(case, "clip_skip")?.unwrap_or(0) as u32;
    let states = model.states(case.executor, &wording, clip_skip)?;
    let timesteps = timesteps(&model.scheduler)?;
    if case.has("timesteps") {
        let list: Vec<i64> = timesteps.list().iter().map(|t| *t as i64).collect();
        checks.ints(case, "timesteps", &list)?;
    }
    if case.meta("guidance_rescale").as_f64().is_some_and(|scale| scale != 0.0) {
        checks.not_yet("guidance_rescale");
        return Ok(());
    }
    let picture = if case.has("init_image_u8") { Some(picture(case)?) } else { None };
    let encoded = match &picture {
        Some(picture) => Some(encode(&mut model, case.executor, picture)?),
        None => None,
    };
    let size = size(case, picture.as_ref())?;
    let request = Request {
        states: &states,
        timesteps: &timesteps,
        guidance,
        framing: framing(case, size)?,
        size,
        start: encoded.as_ref().map_or(Start::Noise, Start::Picture),
    };
    let mut seen = Vec::new();
    let mut observer = |step: &crate::engine::pipeline::Seen<'_>| {
        seen.push((format!("step.{}.latents", step.step), step.latents.clone()));
        seen.push((format!("step.{}.denoised", step.step), step.denoised.clone()));
    };
    let mut paint = |noise: &mut dyn NoiseSource| paint(&mut model, case.executor, &request, noise, &mut observer);
    let painted = match case.meta("seed").as_u64() {
        Some(seed) => paint(&mut Generator::new(seed))?,
        None => {
            let mut given = given(case)?;
            let painted = paint(&mut given)?;
            checks.fact("noise", given.left() == 0, format!("{} tensors were not asked for", given.left()));
            painted
        }
    };
    seen.push(("latents".into(), painted.latents));
    seen.push(("image".into(), painted.image));
    // The autoencoder may be another executor's work, which rounds what went through it.
    let own = f64::from(case.executor.rounding_of_pictures());
    let both = f64::from(model.networks.rounding(case.executor));
    for (name, tensor) in seen.iter().filter(|(name, _)| case.has(name)) {
        checks.rounding = if name == "image" || picture.is_some() { both } else { own };
        checks.nhwc(case, name, tensor)?;
    }
    Ok(())
}

/// The model of the case: every part from the folder the index names.
fn open(case: &Case<'_>) -> Result<Model, VerifyError> {
    let folder = |part: &str| {
        case.uses(part)?;
        case.entry.uses[part].as_str().ok_or_else(|| odd(case, part))
    };
    let second = match case.entry.uses.contains_key("text_encoder_2") {
        true => Some(TextPart { encoder: folder("text_encoder_2")?, tokenizer: folder("tokenizer_2")? }),
        false => None,
    };
    let parts = Parts {
        unet: folder("unet")?,
        vae: folder("vae")?,
        text: TextPart { encoder: folder("text_encoder")?, tokenizer: folder("tokenizer")? },
        second,
        scheduler: folder("scheduler")?,
        guidance: if is_dropped(case, "time_embedding.cond_proj") { Guidance::Absent } else { Guidance::Embedded },
        silence: if second.is_some() { Parts::xl().silence } else { Parts::default().silence },
    };
    let files = ModelFiles::folder(&case.sibling("")?)?;
    Ok(Model::open(&files, &parts, case.executor, &mut |_, _| true)?)
}

/// Whether the case runs without a tensor of its networks.
fn is_dropped(case: &Case<'_>, tensor: &str) -> bool {
    let list = case.entry.uses.get("drop").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|dropped| dropped == tensor))
}

/// What guidance leads away from.
fn negative(case: &Case<'_>, model: &Model, guidance: f64, count: usize) -> Negative {
    match (model.negative(guidance), case.meta("negative_prompt").as_str()) {
        (Negative::Absent, Some(text)) => Negative::Given(vec![text.into(); count]),
        (unused_or_absent, _) => unused_or_absent,
    }
}

/// How the case says that its pictures are framed.
fn framing(case: &Case<'_>, size: Size) -> Result<Framing, VerifyError> {
    let whole = Framing::whole([size.height, size.width]);
    let pair = |key: &str, usual: [u32; 2]| match case.meta(key) {
        Value::Null => Ok(usual),
        value => serde_json::from_value(value.clone()).map_err(|_| odd(case, key)),
    };
    Ok(Framing {
        original: pair("original_size", whole.original)?,
        crop: pair("crops_coords_top_left", whole.crop)?,
        target: pair("target_size", whole.target)?,
    })
}

/// The prompts, each as often as pictures are asked for.
fn prompts(case: &Case<'_>) -> Result<Vec<String>, VerifyError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let prompts = match case.meta("prompt") {
        Value::Array(list) => list.iter().map(text).collect::<Option<Vec<_>>>(),
        one => text(one).map(|text| vec![text]),
    };
    let each = whole(case, "num_images_per_prompt")?.unwrap_or(1);
    let prompts = prompts.ok_or_else(|| odd(case, "prompt"))?;
    Ok(prompts.into_iter().flat_map(|prompt| std::iter::repeat_n(prompt, each)).collect())
}

fn steps(case: &Case<'_>) -> Result<StepRequest, VerifyError> {
    let steps = match (case.meta("timesteps"), whole(case, "num_inference_steps")?) {
        (Value::Array(list), None) => {
            let list: Option<Vec<usize>> = list.iter().map(|t| usize::try_from(t.as_u64()?).ok()).collect();
            Steps::Custom(list.ok_or_else(|| odd(case, "timesteps"))?)
        }
        (Value::Null, Some(count)) => Steps::Count(count),
        _ => return Err(odd(case, "num_inference_steps")),
    };
    let strength = case.meta("strength").as_f64().unwrap_or(1.0);
    Ok(StepRequest { steps, original_steps: whole(case, "original_inference_steps")?, strength })
}

fn size(case: &Case<'_>, picture: Option<&Tensor>) -> Result<Size, VerifyError> {
    if let Some(picture) = picture {
        return Ok(Size::new(picture.shape[2] as u32, picture.shape[1] as u32));
    }
    let side = |key: &str| whole(case, key)?.ok_or_else(|| odd(case, key));
    Ok(Size::new(side("width")? as u32, side("height")? as u32))
}

/// The input pictures, [n, h, w, 3] in -1..=1.
fn picture(case: &Case<'_>) -> Result<Tensor, VerifyError> {
    let shape = &case.raw("init_image_u8")?.shape;
    let [n, c, h, w] = shape.as_slice() else { return Err(odd(case, "init_image_u8")) };
    let values: Vec<f32> = case.bytes("init_image_u8")?.iter().map(|byte| signed(*byte)).collect();
    Ok(nhwc(&values, [*n, *c, *h, *w]))
}

/// The noise of the case, in the order of the draws.
fn given(case: &Case<'_>) -> Result<Given, VerifyError> {
    let mut tensors = Vec::new();
    while case.has(&format!("noise.{}", tensors.len())) {
        tensors.push(case.float(&format!("noise.{}", tensors.len()))?.data);
    }
    Ok(Given::new(tensors))
}

fn whole(case: &Case<'_>, key: &str) -> Result<Option<usize>, VerifyError> {
    match case.meta(key) {
        Value::Null => Ok(None),
        value => value.as_u64().and_then(|n| usize::try_from(n).ok()).map(Some).ok_or_else(|| odd(case, key)),
    }
}

fn odd(case: &Case<'_>, key: &str) -> VerifyError {
    VerifyError::Meta { key: key.into(), found: case.meta(key).to_string() }
}
