//! Which files of a component's folder hold its weights. Full precision is preferred to fp16, one file to shards; pickles are
//! never read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::error::printable;
use super::{ModelFiles, TensorFile, WeightsError};

/// Names of weight files and of shard indexes, in order of preference.
const NAMES: [&str; 10] = [
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.fp16.safetensors.index.json",
    "diffusion_pytorch_model.safetensors.index.fp16.json",
    "model.fp16.safetensors",
    "model.fp16.safetensors.index.json",
    "model.safetensors.index.fp16.json",
];

const PICKLES: [&str; 5] = [".bin", ".ckpt", ".pt", ".pth", ".pkl"];

/// Opens and checks the weight files of `folder`.
pub fn find(files: &ModelFiles, folder: &str) -> Result<Vec<TensorFile>, WeightsError> {
    let inside = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let Some(path) = NAMES.iter().map(|name| inside(name)).find(|path| files.exists(path)) else {
        return Err(nothing(files, folder));
    };
    if path.ends_with(".json") { open_shards(files, &path, inside) } else { Ok(vec![files.tensor_file(&path)?]) }
}

/// The part of a shard index that matters.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn open_shards(
    files: &ModelFiles,
    path: &str,
    inside: impl Fn(&str) -> String,
) -> Result<Vec<TensorFile>, WeightsError> {
    let bad = |text: String| WeightsError::Json { file: files.label(path), text };
    let index: Index = serde_json::from_slice(&files.read_small(path)?).map_err(|error| bad(error.to_string()))?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    if names.is_empty() {
        return Err(bad("its weight_map names no file".into()));
    }
    let mut shards = BTreeMap::new();
    for name in names {
        if name.contains(['/', '\\', ':']) || !name.ends_with(".safetensors") {
            return Err(bad(format!("`{}` is not a safetensors file of this folder", printable(name))));
        }
        shards.insert(name, files.tensor_file(&inside(name))?);
    }
    let lost =
        index.weight_map.iter().find(|(key, name)| shards.get(name).is_none_or(|file| file.shape(key).is_none()));
    if let Some((key, name)) = lost {
        return Err(WeightsError::Missing { file: files.label(&inside(name)), key: printable(key), nearest: None });
    }
    Ok(shards.into_values().collect())
}

/// Why a folder without a known name is refused.
fn nothing(files: &ModelFiles, folder: &str) -> WeightsError {
    let names = files.list(folder);
    if let Some(name) = names.iter().find(|name| PICKLES.iter().any(|end| name.ends_with(end))) {
        return WeightsError::Pickle { file: format!("{}/{name}", files.label(folder)) };
    }
    let found = match names.len() {
        0 => "nothing".into(),
        _ => names.iter().take(5).map(|name| printable(name)).collect::<Vec<_>>().join(", "),
    };
    let expected = "diffusion_pytorch_model.safetensors or model.safetensors".into();
    WeightsError::NoTensors { folder: files.label(folder), expected, found }
}
