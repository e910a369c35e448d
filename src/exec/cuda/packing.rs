//! Weights on the GPU: matrices in 16 bits, everything else in f32.

use std::any::Any;
use std::sync::Arc;

use cudarc::driver::{CudaSlice, DevicePtr};

use super::device::Device;
use super::kernels::Half;
use crate::exec::store::{Found, Store};
use crate::exec::{ExecError, Packed};
use crate::graph::Weight;
use crate::weights::{Weights, WeightsError};

/// Numbers of 16 bits that are loaded together; rows of weights are multiples of them.
pub const TOGETHER: usize = 8;

/// A weight on the GPU.
enum Form {
    Matrix(Matrix),
    Flat(CudaSlice<f32>),
}

/// A matrix [rows, inputs], or kernels [rows, inputs, h, w] whose rows lie in the order h, w, inputs. Inputs are filled up with
/// zeros to a multiple of [`TOGETHER`].
pub struct Matrix {
    slice: CudaSlice<u16>,
    /// Outputs.
    pub rows: usize,
}

/// All weights of a model on one GPU.
pub struct CudaPacked {
    stores: Vec<Arc<Store<Form>>>,
    device: Arc<Device>,
}

impl CudaPacked {
    /// Reads everything, rounds matrices to `half`, and takes all to the GPU.
    ///
    /// # Errors
    /// A tensor that cannot be read; no room on the GPU.
    pub fn load(weights: &Weights, device: &Arc<Device>, half: Half) -> Result<Self, ExecError> {
        let store = Store::load(weights, |found, scratch| pack(found, device, half, scratch))?;
        device.wait()?;
        Ok(Self { stores: vec![Arc::new(store)], device: device.clone() })
    }

    /// The weights of several models, which are parts of one; none of none.
    pub fn joined(parts: &[&Self]) -> Option<Self> {
        let stores = parts.iter().flat_map(|part| part.stores.iter().cloned()).collect();
        parts.first().map(|first| Self { stores, device: first.device.clone() })
    }

    /// A weight, wherever it is.
    fn get(&self, weight: &Weight) -> Result<&Form, ExecError> {
        let mut missing = None;
        for store in &self.stores {
            match store.get(weight) {
                Ok(form) => return Ok(form),
                // One that is there in another shape is the better reason.
                Err(error @ WeightsError::Shape { .. }) => return Err(error.into()),
                Err(error) => missing = Some(error),
            }
        }
        Err(missing.map_or_else(|| super::failed("there are no weights"), ExecError::from))
    }

    /// Where a matrix lies, and how many rows it has.
    pub fn matrix(&self, weight: &Weight) -> Result<(u64, usize), ExecError> {
        match self.get(weight)? {
            Form::Matrix(matrix) => Ok((matrix.slice.device_ptr(self.device.stream()).0, matrix.rows)),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// Where one number per channel lies.
    pub fn flat(&self, weight: &Weight) -> Result<u64, ExecError> {
        match self.get(weight)? {
            Form::Flat(slice) => Ok(slice.device_ptr(self.device.stream()).0),
            Form::Matrix(_) => Err(super::failed(format!("`{}` is a matrix", weight.key))),
        }
    }
}

impl Packed for CudaPacked {
    fn bytes(&self) -> usize {
        let bytes = |form: &Form| match form {
            Form::Matrix(matrix) => matrix.slice.num_bytes(),
            Form::Flat(slice) => slice.num_bytes(),
        };
        self.stores.iter().flat_map(|store| store.forms()).map(bytes).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn pack(found: &Found<'_>, device: &Device, half: Half, scratch: &mut Vec<u16>) -> Result<Form, ExecError> {
    let (rows, inputs, taps) = match *found.shape {
        [rows, inputs] => (rows, inputs, 1),
        [rows, inputs, height, width] => (rows, inputs, height * width),
        _ => return Ok(Form::Flat(device.upload(found.values, "weights")?)),
    };
    let depth = inputs.next_multiple_of(TOGETHER);
    scratch.clear();
    scratch.resize(rows * taps * depth, 0);
    for (row, kernel) in scratch.chunks_exact_mut((taps * depth).max(1)).zip(found.values.chunks_exact(inputs * taps)) {
        for (tap, place) in row.chunks_exact_mut(depth).enumerate() {
            let values = place.iter_mut().zip(kernel[tap..].iter().step_by(taps));
            values.for_each(|(to, from)| *to = half.bits(*from));
        }
    }
    Ok(Form::Matrix(Matrix { slice: device.upload(scratch, "weights")?, rows }))
}
