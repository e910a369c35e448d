//! `sdxl`: the XL family. Its U-Nets, what its two text encoders make of words, and whole pictures.

use serde_json::Value;

use super::{pipeline, unet};
use crate::engine::{Negative, Prompts, Reader, Silence, TextPart, Wording};
use crate::exec::Tensor;
use crate::verify::{Case, Checks, VerifyError};
use crate::weights::ModelFiles;

/// Judges a case by what its name begins with.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let name = case.name.rsplit('/').next().unwrap_or_default();
    match name.split('_').next() {
        Some("unet") => unet::run(case, checks),
        Some("encode") => words(case, checks),
        Some("pipe") => pipeline::run_sliced(case, checks),
        _ => Err(VerifyError::Other(format!("`{}` is of no known sort", case.name))),
    }
}

/// Reads the prompts and their opposites; with layers skipped; with other words for the second encoder; with nothing.
fn words(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let mut words = open(case)?;
    let prompts = texts(case, "prompts")?;
    let count = prompts.len();
    let given = Wording { prompts: prompts.clone(), negative: Negative::Given(texts(case, "negative")?) };
    let both = words.states(case.executor, &given, 0)?;
    let absent = Wording { negative: Negative::Absent, ..given.clone() };
    let zeros = words.states(case.executor, &absent, 0)?;
    for (states, kinds) in [(&both, ["negative_prompt_embeds", "prompt_embeds"]), (&zeros, ["zero_negative", ""])] {
        compare_halves(case, checks, &states.tensor, kinds, count)?;
    }
    for (states, kinds) in [(&both, ["negative_pooled", "pooled"]), (&zeros, ["zero_negative_pooled", ""])] {
        let pooled = states.pooled.as_ref().ok_or_else(|| VerifyError::Other("there are no vectors".into()))?;
        compare_halves(case, checks, pooled, kinds, count)?;
    }
    let skipped = words.states(case.executor, &Wording { negative: Negative::Unused, ..given }, 1)?;
    checks.float(case, "clip_skip1_embeds", &skipped.tensor)?;
    let second = case.meta("prompt_2").as_str().ok_or_else(|| odd(case, "prompt_2"))?;
    let reading = words.reader().read(case.executor, [&prompts[0], second], 0)?;
    checks.float(case, "prompt2_embeds", &reading.states)?;
    let pooled = reading.pooled.ok_or_else(|| VerifyError::Other("there is no vector".into()))?;
    checks.float(case, "prompt2_pooled", &pooled)
}

fn open(case: &Case<'_>) -> Result<Prompts, VerifyError> {
    let folder = |part: &str| {
        case.uses(part)?;
        case.entry.uses[part].as_str().ok_or_else(|| odd(case, part))
    };
    let parts = [
        TextPart { encoder: folder("text_encoder")?, tokenizer: folder("tokenizer")? },
        TextPart { encoder: folder("text_encoder_2")?, tokenizer: folder("tokenizer_2")? },
    ];
    let files = ModelFiles::folder(&case.sibling("")?)?;
    let reader = Reader::open(&files, &parts, case.executor, &mut |_, _| true)?;
    Ok(Prompts::new(reader, Silence::Zeros))
}

/// Compares the first and the second `count` of what lies one after the other; an empty name is not compared.
fn compare_halves(
    case: &Case<'_>,
    checks: &mut Checks,
    both: &Tensor,
    names: [&str; 2],
    count: usize,
) -> Result<(), VerifyError> {
    let mut shape = both.shape.clone();
    shape[0] = count;
    let mut halves = both.data.chunks(shape.iter().product::<usize>().max(1));
    for name in names {
        let half = halves.next();
        if !name.is_empty() {
            let half = half.ok_or_else(|| VerifyError::Other(format!("there is no half for `{name}`")))?;
            checks.float(case, name, &Tensor::new(shape.clone(), half.to_vec()))?;
        }
    }
    Ok(())
}

fn texts(case: &Case<'_>, key: &str) -> Result<Vec<String>, VerifyError> {
    let list: Option<Vec<String>> =
        case.meta(key).as_array().and_then(|list| list.iter().map(|text| text.as_str().map(Into::into)).collect());
    list.filter(|list| !list.is_empty()).ok_or_else(|| odd(case, key))
}

fn odd(case: &Case<'_>, key: &str) -> VerifyError {
    let found: &Value = case.meta(key);
    VerifyError::Meta { key: key.into(), found: found.to_string() }
}
