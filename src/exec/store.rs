//! A model's weights by name, each in the form an executor wants.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::ExecError;
use crate::graph::Weight;
use crate::weights::{Dtype, Weights, WeightsError};

/// All weights of a model, packed.
pub struct Store<T> {
    tensors: BTreeMap<String, Stored<T>>,
    /// Tensors that are no floats (`position_ids` in many text encoders) or hold nothing, whose other sides may be anything: a
    /// complaint only if a graph asks for one.
    refused: BTreeMap<String, WeightsError>,
}

struct Stored<T> {
    file: String,
    /// Shape on disk.
    shape: Vec<usize>,
    form: T,
}

/// A tensor as it was read.
pub struct Found<'a> {
    /// Its name.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "only GPUs ask"))]
    pub key: &'a str,
    /// Its values, row-major.
    pub values: &'a [f32],
    /// Its shape on disk.
    pub shape: &'a [usize],
    /// What its numbers were on disk.
    pub dtype: Option<Dtype>,
}

impl<T: Send> Store<T> {
    /// Reads everything and packs each tensor, largest first, on the threads it is called on. Each thread keeps what it reads
    /// into, and an `S` for `pack`, from one tensor to the next: fresh memory costs more than reading.
    ///
    /// # Errors
    /// A tensor that cannot be read; those of `pack`.
    pub fn load<S: Default>(
        weights: &Weights,
        pack: impl Fn(&Found<'_>, &mut S) -> Result<T, ExecError> + Sync,
    ) -> Result<Self, ExecError> {
        let mut keys: Vec<&str> = weights.keys().collect();
        let size = |key: &str| weights.shape(key).map_or(0, |shape| shape.iter().product::<usize>());
        keys.sort_by_key(|key| std::cmp::Reverse(size(key)));
        let read = |(values, scratch): &mut (Vec<f32>, S), key: &str| -> Result<_, ExecError> {
            let shape = weights.shape(key).unwrap_or_default().to_vec();
            let file = weights.label(key).unwrap_or_default().to_owned();
            if shape.contains(&0) {
                let (expected, found) = ("at least one number".into(), format!("the shape {shape:?}"));
                return Ok((key.to_owned(), Err(WeightsError::Tensor { file, key: key.into(), expected, found })));
            }
            match weights.read_into(key, &shape, values) {
                Err(error @ WeightsError::Type { .. }) => return Ok((key.to_owned(), Err(error))),
                read => read?,
            };
            let form = pack(&Found { key, values, shape: &shape, dtype: weights.dtype(key) }, scratch)?;
            Ok((key.to_owned(), Ok(Stored { file, shape, form })))
        };
        let packed = keys.into_iter().par_bridge().map_init(Default::default, read);
        let mut store = Self { tensors: BTreeMap::new(), refused: BTreeMap::new() };
        for (key, found) in packed.collect::<Result<Vec<_>, _>>()? {
            match found {
                Ok(stored) => drop(store.tensors.insert(key, stored)),
                Err(error) => drop(store.refused.insert(key, error)),
            }
        }
        Ok(store)
    }
}

impl<T> Store<T> {
    /// The tensor a graph asks for.
    ///
    /// # Errors
    /// One that is missing, has another shape than the graph says, or is no float.
    pub fn get(&self, weight: &Weight) -> Result<&T, WeightsError> {
        let Weight { key, shape } = weight;
        let Some(stored) = self.tensors.get(key) else { return Err(self.missing(key)) };
        if stored.shape == *shape {
            return Ok(&stored.form);
        }
        let (expected, found) = (shape.clone(), stored.shape.clone());
        Err(WeightsError::Shape { file: stored.file.clone(), key: key.clone(), expected, found })
    }

    /// All packed tensors.
    pub fn forms(&self) -> impl Iterator<Item = &T> {
        self.tensors.values().map(|stored| &stored.form)
    }

    fn missing(&self, key: &str) -> WeightsError {
        if let Some(error) = self.refused.get(key) {
            return error.clone();
        }
        let component = key.split('.').next().unwrap_or(key);
        let sibling = self.tensors.iter().find(|(name, _)| name.split('.').next() == Some(component));
        let file = sibling.map_or("the model", |(_, stored)| stored.file.as_str());
        WeightsError::missing(file, key, self.tensors.keys().map(String::as_str))
    }
}
