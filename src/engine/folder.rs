//! What `model_index.json` says: which pipelines can be painted with, and which parts they have.

use serde_json::Value;

use super::EngineError;
use super::parts::Parts;
use super::prompt::Silence;
use crate::nn::{ConfigError, Fields};
use crate::weights::ModelFiles;

/// Pipelines of one text encoder whose folders can be painted with, because their parts are the same.
const PIPELINES: [&str; 4] = [
    "LatentConsistencyModelPipeline",
    "LatentConsistencyModelImg2ImgPipeline",
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
];

/// The same with two text encoders.
const XL_PIPELINES: [&str; 2] = ["StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"];

const TOKENIZERS: &[&str] = &["CLIPTokenizer", "CLIPTokenizerFast"];

/// Parts of all pipelines, and the classes each may have.
const CLASSES: [(&str, &[&str]); 4] = [
    ("unet", &["UNet2DConditionModel"]),
    ("vae", &["AutoencoderTiny", "AutoencoderKL"]),
    ("text_encoder", &["CLIPTextModel"]),
    ("tokenizer", TOKENIZERS),
];

/// Parts that come with a second text encoder.
const XL_CLASSES: [(&str, &[&str]); 2] =
    [("text_encoder_2", &["CLIPTextModelWithProjection"]), ("tokenizer_2", TOKENIZERS)];

/// The parts of a folder in diffusers layout.
///
/// # Errors
/// A pipeline, or a part of one, that is something else or missing.
pub fn parts(files: &ModelFiles) -> Result<Parts<'static>, EngineError> {
    let label = files.label("model_index.json");
    let index = Fields::parse(&label, &files.read_small("model_index.json")?)?;
    let class = index.get("_class_name").and_then(Value::as_str).unwrap_or("model without a class");
    let is_xl = XL_PIPELINES.contains(&class);
    if !is_xl && !PIPELINES.contains(&class) {
        let supported = "a model with the pipeline LatentConsistencyModelPipeline, or StableDiffusionPipeline of the \
            1.x or 2.x family or StableDiffusionXLPipeline, made for few steps";
        return Err(unsupported(files.name(), class, supported));
    }
    CLASSES.iter().try_for_each(|part| check(files, &index, part))?;
    if !is_xl {
        return Ok(Parts::default());
    }
    XL_CLASSES.iter().try_for_each(|part| check(files, &index, part))?;
    Ok(Parts { silence: silence(&index)?, ..Parts::xl() })
}

/// What the reference takes for a negative prompt that nobody gave.
fn silence(index: &Fields<'_>) -> Result<Silence, ConfigError> {
    let zeros = index.flag("force_zeros_for_empty_prompt", true)?;
    Ok(if zeros { Silence::Zeros } else { Silence::EmptyText })
}

/// Refuses a part that is missing or of another class.
fn check(files: &ModelFiles, index: &Fields<'_>, (part, classes): &(&str, &[&str])) -> Result<(), EngineError> {
    let pair = index.get(part).and_then(|value| value.as_array()).and_then(|pair| pair.get(1)?.as_str());
    let known = classes.join(" or ");
    match pair {
        Some(class) if classes.contains(&class) => Ok(()),
        Some(class) => {
            let name = format!("the {part} of {}", files.name());
            Err(unsupported(&name, class, &format!("a model whose {part} is {known}")))
        }
        None => Err(index.refuse(part, &format!("a library and {known}")).into()),
    }
}

fn unsupported(name: &str, class: &str, supported: &str) -> EngineError {
    let class = class.chars().filter(|c| !c.is_control()).take(80).collect();
    EngineError::Unsupported { name: name.into(), class, supported: supported.into() }
}
