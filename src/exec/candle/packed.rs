//! A model's weights as tensors: on disk's layout, but for convolutions wider than one pixel, whose kernels lie as the matrix
//! [kernel*kernel*in, out] that channels-last patches are multiplied with.

use std::any::Any;
use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::exec::{ExecError, Packed};
use crate::graph::Weight;
use crate::weights::{Weights, WeightsError};

/// All weights of a model.
pub struct CandlePacked {
    tensors: BTreeMap<String, PackedWeight>,
    /// Tensors that are no floats (`position_ids` in many text encoders): a complaint only if a graph asks for one.
    refused: BTreeMap<String, WeightsError>,
}

struct PackedWeight {
    file: String,
    /// Shape on disk.
    shape: Vec<usize>,
    tensor: Tensor,
}

impl CandlePacked {
    /// Reads and packs everything.
    pub fn load(weights: &Weights) -> Result<Self, ExecError> {
        let (mut tensors, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for key in weights.keys() {
            let shape = weights.shape(key).unwrap_or_default().to_vec();
            let values = match weights.read(key, &shape) {
                Err(error @ WeightsError::Type { .. }) => {
                    refused.insert(key.to_owned(), error);
                    continue;
                }
                read => read?,
            };
            let tensor = pack(values, &shape)?;
            let file = weights.label(key).unwrap_or_default().to_owned();
            tensors.insert(key.to_owned(), PackedWeight { file, shape, tensor });
        }
        Ok(Self { tensors, refused })
    }

    /// The tensor a graph asks for.
    pub fn get(&self, weight: &Weight) -> Result<Tensor, WeightsError> {
        let Weight { key, shape } = weight;
        let Some(packed) = self.tensors.get(key) else { return Err(self.missing(key)) };
        if packed.shape == *shape {
            return Ok(packed.tensor.clone());
        }
        let (expected, found) = (shape.clone(), packed.shape.clone());
        Err(WeightsError::Shape { file: packed.file.clone(), key: key.clone(), expected, found })
    }

    fn missing(&self, key: &str) -> WeightsError {
        if let Some(error) = self.refused.get(key) {
            return error.clone();
        }
        let component = key.split('.').next().unwrap_or(key);
        let sibling = self.tensors.iter().find(|(name, _)| name.split('.').next() == Some(component));
        let file = sibling.map_or("the model", |(_, packed)| packed.file.as_str());
        WeightsError::missing(file, key, self.tensors.keys().map(String::as_str))
    }
}

impl Packed for CandlePacked {
    fn bytes(&self) -> usize {
        self.tensors.values().map(|packed| packed.tensor.elem_count() * size_of::<f32>()).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn pack(values: Vec<f32>, shape: &[usize]) -> candle_core::Result<Tensor> {
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
    match *shape {
        [out, input, 1, 1] => tensor.reshape((out, input)),
        [out, input, height, width] => {
            tensor.permute((2, 3, 1, 0))?.contiguous()?.reshape((height * width * input, out))
        }
        _ => Ok(tensor),
    }
}
