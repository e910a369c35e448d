//! Weights on the GPU: matrices in 16 bits, everything else in f32. The matrices of one module that take the same inputs lie one
//! after the other: any that are neighbours there are one matrix too.

use std::any::Any;
use std::collections::BTreeMap;
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
struct Matrix {
    room: Room,
    /// Numbers it has.
    len: usize,
    /// Outputs.
    rows: usize,
}

/// Where a matrix begins, perhaps between others.
#[derive(Clone)]
struct Room {
    slice: Arc<CudaSlice<u16>>,
    first: usize,
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
        let rooms = rooms(weights, device)?;
        let store = Store::load(weights, |found, scratch| pack(found, (device, &rooms), half, scratch))?;
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
            Form::Matrix(Matrix { room, rows, .. }) => Ok((room.address(&self.device), *rows)),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// The order in which some weights are one matrix, if they are: each begins where the one before ends.
    pub fn row(&self, weights: &[&Weight]) -> Option<Vec<usize>> {
        let matrix = |(index, weight): (usize, &&Weight)| match self.get(weight) {
            Ok(Form::Matrix(matrix)) => Some((index, matrix)),
            _ => None,
        };
        let mut all = weights.iter().enumerate().map(matrix).collect::<Option<Vec<_>>>()?;
        all.sort_by_key(|(_, matrix)| matrix.room.first);
        let touch =
            |a: &Matrix, b: &Matrix| Arc::ptr_eq(&a.room.slice, &b.room.slice) && a.room.first + a.len == b.room.first;
        all.windows(2).all(|two| touch(two[0].1, two[1].1)).then(|| all.iter().map(|(index, _)| *index).collect())
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
            Form::Matrix(matrix) => matrix.len * size_of::<u16>(),
            Form::Flat(slice) => slice.num_bytes(),
        };
        self.stores.iter().flat_map(|store| store.forms()).map(bytes).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Room {
    fn address(&self, device: &Device) -> u64 {
        self.slice.device_ptr(device.stream()).0 + (self.first * size_of::<u16>()) as u64
    }
}

/// By key: room for each matrix that has others beside it.
fn rooms(weights: &Weights, device: &Device) -> Result<BTreeMap<String, Room>, ExecError> {
    let mut modules: BTreeMap<(&str, usize), Vec<(&str, usize)>> = BTreeMap::new();
    for key in weights.keys() {
        if let &[rows, inputs] = weights.shape(key).unwrap_or_default() {
            // Of `attn1.to_q.weight` the module is `attn1`.
            let module = key.rsplitn(3, '.').nth(2).unwrap_or_default();
            let len = rows * inputs.next_multiple_of(TOGETHER);
            modules.entry((module, inputs)).or_default().push((key, len));
        }
    }
    let mut rooms = BTreeMap::new();
    for matrices in modules.into_values().filter(|matrices| matrices.len() > 1) {
        let slice = Arc::new(device.zeros(matrices.iter().map(|(_, len)| len).sum(), "weights")?);
        let mut first = 0;
        for (key, len) in matrices {
            rooms.insert(key.to_owned(), Room { slice: slice.clone(), first });
            first += len;
        }
    }
    Ok(rooms)
}

fn pack(
    found: &Found<'_>,
    (device, rooms): (&Device, &BTreeMap<String, Room>),
    half: Half,
    scratch: &mut Vec<u16>,
) -> Result<Form, ExecError> {
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
    let room = match rooms.get(found.key) {
        Some(room) => {
            device.write(room.address(device), bytemuck::cast_slice(scratch))?;
            room.clone()
        }
        None => Room { slice: Arc::new(device.upload(scratch, "weights")?), first: 0 },
    };
    Ok(Form::Matrix(Matrix { room, len: scratch.len(), rows }))
}
