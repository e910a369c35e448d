//! `tokenizer`: forty prompts of every sort, judged against the reference's fast tokenizer.

use crate::nn::text::Tokenizer;
use crate::verify::{Case, Checks, VerifyError};
use crate::weights::ModelFiles;

/// Compares the ids of all prompts.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    const JUDGE: &str = "ids_fast";
    let prompts = prompts(case)?;
    let shape = &case.raw(JUDGE)?.shape;
    checks.fact("prompts", shape.first() == Some(&prompts.len()), format!("{} for {shape:?}", prompts.len()));
    let length = shape.last().copied().unwrap_or_default();
    let files = ModelFiles::folder(&case.uses("tokenizer")?)?;
    let tokenizer = Tokenizer::open(&files, "", length).map_err(VerifyError::other)?;
    let ids: Vec<i64> = prompts.iter().flat_map(|prompt| tokenizer.encode(prompt)).map(i64::from).collect();
    checks.ints(case, JUDGE, &ids)
}

fn prompts(case: &Case<'_>) -> Result<Vec<String>, VerifyError> {
    #[derive(serde::Deserialize)]
    struct Prompts {
        prompts: Vec<String>,
    }
    let path = case.sibling("ref/tokenizer_prompts.json")?;
    let bytes = std::fs::read(&path).map_err(VerifyError::other)?;
    let read: Prompts = serde_json::from_slice(&bytes).map_err(VerifyError::other)?;
    Ok(read.prompts)
}
