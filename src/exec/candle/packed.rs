//! A model's weights as tensors: on disk's layout, but for convolutions wider than one pixel, whose kernels lie as the matrix
//! [kernel*kernel*in, out] that channels-last patches are multiplied with.

use std::any::Any;

use candle_core::{Device, Tensor};

use crate::exec::store::{Found, Store};
use crate::exec::{ExecError, Packed};
use crate::graph::Weight;
use crate::weights::{Weights, WeightsError};

/// All weights of a model.
pub struct CandlePacked(Store<Tensor>);

impl CandlePacked {
    /// Reads and packs everything.
    pub fn load(weights: &Weights) -> Result<Self, ExecError> {
        Ok(Self(Store::load(weights, |found, (): &mut ()| Ok(pack(found)?))?))
    }

    /// The tensor a graph asks for.
    pub fn get(&self, weight: &Weight) -> Result<Tensor, WeightsError> {
        self.0.get(weight).cloned()
    }
}

impl Packed for CandlePacked {
    fn bytes(&self) -> usize {
        self.0.forms().map(|tensor| tensor.elem_count() * size_of::<f32>()).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn pack(found: &Found<'_>) -> candle_core::Result<Tensor> {
    let tensor = Tensor::from_slice(found.values, found.shape, &Device::Cpu)?;
    match *found.shape {
        [out, input, 1, 1] => tensor.reshape((out, input)),
        [out, input, height, width] => {
            tensor.permute((2, 3, 1, 0))?.contiguous()?.reshape((height * width * input, out))
        }
        _ => Ok(tensor),
    }
}
