//! All tensors of a model under one name each: the component's name, a dot, and the diffusers key.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use super::error::printable;
use super::{Dtype, TensorFile, WeightsError, keys};

/// Named tensors of one or more checkpoint files, read on demand. Keys carry a component prefix (`unet.conv_in.weight`).
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
    /// Component and the files it came from, for messages.
    parts: Vec<(String, String)>,
}

struct Tensor {
    shape: Vec<usize>,
    store: Store,
}

enum Store {
    Disk { file: TensorFile, key: String },
    Memory(Vec<f32>),
}

impl Weights {
    /// Gathers the files of each component under its prefix (`unet`, `vae`, `text_encoder`; empty for none). Nothing is read yet.
    ///
    /// # Errors
    /// A name that two files of a component share.
    pub fn open(parts: &[(&str, Vec<TensorFile>)]) -> Result<Self, WeightsError> {
        let mut weights = Self { tensors: BTreeMap::new(), parts: Vec::new() };
        for (component, files) in parts {
            weights.add(component.trim_end_matches('.'), files)?;
        }
        Ok(weights)
    }

    /// Tensors already in memory, with their full names: for networks made by the program itself.
    ///
    /// # Panics
    /// When a shape and its values disagree: that is a mistake in the program, not in its input.
    pub fn from_values(values: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>) -> Self {
        let tensors = values.into_iter().map(|(key, shape, values)| {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "tensor {key} of shape {shape:?}");
            (key, Tensor { shape, store: Store::Memory(values) })
        });
        Self { tensors: tensors.collect(), parts: Vec::new() }
    }

    fn add(&mut self, component: &str, files: &[TensorFile]) -> Result<(), WeightsError> {
        let prefix = if component.is_empty() { String::new() } else { format!("{component}.") };
        let bare_text = keys::is_bare_text(files.iter().flat_map(TensorFile::keys));
        for file in files {
            for key in file.keys() {
                let (name, shape) = keys::translate(key, file.shape(key).unwrap_or_default(), bare_text);
                match self.tensors.entry(format!("{prefix}{name}")) {
                    Entry::Vacant(place) => {
                        let store = Store::Disk { file: file.clone(), key: key.into() };
                        place.insert(Tensor { shape, store });
                    }
                    Entry::Occupied(_) => return Err(twice(file, key)),
                }
            }
        }
        let labels: Vec<&str> = files.iter().map(TensorFile::label).collect();
        self.parts.push((prefix, labels.join(", ")));
        Ok(())
    }

    /// All names, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape; `None` when there is no such tensor.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.tensors.get(key).map(|tensor| tensor.shape.as_slice())
    }

    /// What a tensor's numbers are where they are stored; `None` when there is no such tensor.
    pub fn dtype(&self, key: &str) -> Option<Dtype> {
        self.tensors.get(key).and_then(|tensor| match &tensor.store {
            Store::Disk { file, key } => file.dtype(key),
            Store::Memory(_) => Some(Dtype::F32),
        })
    }

    /// The values of `key` in row-major order.
    ///
    /// # Errors
    /// A tensor that is missing, has another shape than `expected`, is no float, or cannot be read.
    pub fn read(&self, key: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let mut values = Vec::new();
        self.read_into(key, expected, &mut values)?;
        Ok(values)
    }

    /// The same into a vector whose room is used again.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub fn read_into(&self, key: &str, expected: &[usize], values: &mut Vec<f32>) -> Result<(), WeightsError> {
        let Some(tensor) = self.tensors.get(key) else { return Err(self.missing(key)) };
        if tensor.shape != expected {
            return Err(WeightsError::Shape {
                file: tensor.label().into(),
                key: printable(key),
                expected: expected.into(),
                found: tensor.shape.clone(),
            });
        }
        match &tensor.store {
            Store::Disk { file, key } => file.read_floats_into(key, values),
            Store::Memory(all) => {
                values.clone_from(all);
                Ok(())
            }
        }
    }

    /// The file a tensor comes from, for messages; `None` when there is no such tensor.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.tensors.get(key).map(Tensor::label)
    }

    /// Bytes of all tensors where they are stored.
    pub fn bytes(&self) -> u64 {
        self.tensors.values().map(Tensor::bytes).sum()
    }

    fn missing(&self, key: &str) -> WeightsError {
        let part =
            self.parts.iter().filter(|(prefix, _)| key.starts_with(prefix.as_str())).max_by_key(|(p, _)| p.len());
        let file = part.map_or("the model's weights", |(_, files)| files.as_str());
        WeightsError::missing(file, key, self.keys())
    }
}

impl Tensor {
    fn label(&self) -> &str {
        match &self.store {
            Store::Disk { file, .. } => file.label(),
            Store::Memory(_) => "memory",
        }
    }

    fn bytes(&self) -> u64 {
        match &self.store {
            Store::Disk { file, key } => {
                self.shape.iter().product::<usize>() as u64 * file.dtype(key).map_or(0, Dtype::bytes)
            }
            Store::Memory(values) => values.len() as u64 * 4,
        }
    }
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weights({} tensors, {} bytes)", self.tensors.len(), self.bytes())
    }
}

fn twice(file: &TensorFile, key: &str) -> WeightsError {
    WeightsError::Tensor {
        file: file.label().into(),
        key: printable(key),
        expected: "one tensor of this name in the component".into(),
        found: "two".into(),
    }
}
