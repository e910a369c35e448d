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
        borrow_errors(&mut entries);
        Ok(Self { dir: dir.to_owned(), entries })
    }

    /// The prefix of a case's name: `unet` of `unet/lcm_odd_b2`.
    pub fn kind_of(name: &str) -> &str {
        name.split('/').next().unwrap_or(name)
    }
}

/// A case whose own errors were never measured takes the largest that its kind records for a tensor of the same name, type and
/// shape: the same networks round alike, and no record is not a record of zero.
fn borrow_errors(entries: &mut BTreeMap<String, Entry>) {
    let is_measured = |entry: &Entry| entry.tensors.values().any(|info| !info.err.is_empty());
    let measured: Vec<(String, Entry)> = entries
        .iter()
        .filter(|(_, entry)| is_measured(entry))
        .map(|(case, entry)| (case.clone(), entry.clone()))
        .collect();
    for (case, entry) in entries.iter_mut().filter(|(_, entry)| !is_measured(entry)) {
        let kin = measured.iter().filter(|(other, _)| Index::kind_of(other) == Index::kind_of(case));
        for (tensor, info) in kin.flat_map(|(_, entry)| &entry.tensors) {
            let Some(own) = entry.tensors.get_mut(tensor) else { continue };
            if (&own.dtype, &own.shape) == (&info.dtype, &info.shape) {
                for (varied, error) in &info.err {
                    let most = own.err.entry(varied.clone()).or_insert(0.0);
                    *most = most.max(*error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index with one measured and one unmeasured case of a kind, and one of another kind.
    #[test]
    fn a_case_that_was_not_measured_borrows_the_errors_of_its_kind() {
        let tensor = |err: &str| format!(r#"{{"dtype": "float32", "shape": [2], "err": {{{err}}}}}"#);
        let text = format!(
            r#"{{"pipe/a": {{"file": "a", "tensors": {{"image": {a}, "latents": {a}}}}},
                "pipe/b": {{"file": "b", "tensors": {{"image": {b}}}}},
                "pipe/new": {{"file": "c", "tensors": {{"image": {none}, "other": {none}}}}},
                "pipe/own": {{"file": "d", "tensors": {{"image": {own}, "latents": {none}}}}},
                "unet/new": {{"file": "e", "tensors": {{"image": {none}}}}}}}"#,
            a = tensor(r#""f64": 2e-6"#),
            b = tensor(r#""f64": 7e-6"#),
            own = tensor(r#""f64": 1e-7"#),
            none = tensor(""),
        );
        let mut entries: BTreeMap<String, Entry> = serde_json::from_str(&text).unwrap();
        borrow_errors(&mut entries);
        let error = |case: &str, tensor: &str| entries[case].tensors[tensor].err.get("f64").copied();
        assert_eq!(error("pipe/new", "image"), Some(7e-6));
        assert_eq!(error("pipe/new", "other"), None);
        assert_eq!(error("pipe/own", "image"), Some(1e-7), "measured cases keep their own");
        assert_eq!(error("pipe/own", "latents"), None);
        assert_eq!(error("unet/new", "image"), None, "another kind is other networks");
    }
}
