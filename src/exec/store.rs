//! A model's weights by name, each in the form an executor wants.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::ExecError;
use crate::graph::Weight;
use crate::weights::{Weights, WeightsError};

/// All weights of a model, packed.
pub struct Store<T> {
    tensors: BTreeMap<String, Stored<T>>,
    /// Tensors that are no floats (`position_ids` in many text encoders): a complaint only if a graph asks for one.
    refused: BTreeMap<String, WeightsError>,
}

struct Stored<T> {
    file: String,
    /// Shape on disk.
    shape: Vec<usize>,
    form: T,
}

impl<T: Send> Store<T> {
    /// Reads everything and packs each tensor, given its values and its shape on disk. Uses the threads it is called on.
    ///
    /// # Errors
    /// A tensor that cannot be read; those of `pack`.
    pub fn load(
        weights: &Weights,
        pack: impl Fn(Vec<f32>, &[usize]) -> Result<T, ExecError> + Sync,
    ) -> Result<Self, ExecError> {
        let keys: Vec<&str> = weights.keys().collect();
        let read = |key: &&str| -> Result<_, ExecError> {
            let shape = weights.shape(key).unwrap_or_default().to_vec();
            let values = match weights.read(key, &shape) {
                Err(error @ WeightsError::Type { .. }) => return Ok(((*key).to_owned(), Err(error))),
                read => read?,
            };
            let form = pack(values, &shape)?;
            let file = weights.label(key).unwrap_or_default().to_owned();
            Ok(((*key).to_owned(), Ok(Stored { file, shape, form })))
        };
        let mut store = Self { tensors: BTreeMap::new(), refused: BTreeMap::new() };
        for (key, found) in keys.par_iter().map(read).collect::<Result<Vec<_>, _>>()? {
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
