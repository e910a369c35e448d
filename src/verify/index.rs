//! The fixture folder's table of contents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::VerifyError;

/// Lists of arguments and results that are read by name, not through the index: file and kind.
const NAMED: [(&str, &str); 1] = [("ref/lcm_timesteps.json", "lcm_timesteps")];

/// A fixture folder.
#[derive(Clone, Debug)]
pub struct Index {
    /// The folder.
    pub dir: PathBuf,
    /// The cases by name (`unet/lcm_odd_b2`).
    pub entries: BTreeMap<String, Entry>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// The file with inputs and expected outputs, relative to the folder.
    pub file: String,
    /// Call parameters.
    #[serde(default)]
    pub meta: Value,
    /// What is known of each tensor.
    #[serde(default)]
    pub tensors: BTreeMap<String, TensorInfo>,
    /// Folder of each network the case needs, by component. A value may be a path or an object with one.
    #[serde(default)]
    pub uses: BTreeMap<String, Value>,
}

/// What is known of one reference tensor.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TensorInfo {
    /// Its shape.
    #[serde(default)]
    pub shape: Vec<usize>,
    /// Its type.
    #[serde(default)]
    pub dtype: String,
    /// Largest absolute value.
    #[serde(default)]
    pub max: Option<f64>,
    /// Measured errors of the reference itself, by what was varied.
    #[serde(default)]
    pub err: BTreeMap<String, f64>,
}

impl Index {
    /// Reads `dir/index.json`.
    ///
    /// # Errors
    /// [`VerifyError::Index`] when there is none or it is broken.
    pub fn read(dir: &Path) -> Result<Self, VerifyError> {
        let path = dir.join("index.json");
        let failed = |text: String| VerifyError::Index { path: path.clone(), text };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let mut entries: BTreeMap<String, Entry> =
            serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        for (file, kind) in NAMED {
            if dir.join(file).exists() {
                let entry =
                    Entry { file: file.into(), meta: Value::Null, tensors: BTreeMap::new(), uses: BTreeMap::new() };
                entries.insert(kind.into(), entry);
            }
        }
        Ok(Self { dir: dir.to_owned(), entries })
    }

    /// The prefix of a case's name: `unet` of `unet/lcm_odd_b2`.
    pub fn kind_of(name: &str) -> &str {
        name.split('/').next().unwrap_or(name)
    }
}
