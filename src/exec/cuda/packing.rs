//! Weights on the GPU: matrices in 16 bits, everything else in f32. The matrices of one module that take the same inputs lie one
//! after the other: any that are neighbours there are one matrix too.
//!
//! Where products may have fp8 factors, which matrices are such factors is known when a network is planned. So all of them wait
//! in the computer's memory then, and the GPU gets each when somebody first asks, in the form that is asked for.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cudarc::driver::{CudaSlice, DevicePtr};
use rayon::prelude::*;

use super::device::Device;
use super::fp8;
use super::kernels::{Half, Precision};
use crate::exec::store::{Found, Store};
use crate::exec::{ExecError, Packed, room};
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
    buffer: Arc<Buffer>,
    /// Numbers, and rows, that the buffer has before it.
    offset: [usize; 2],
    /// Numbers it has.
    len: usize,
    /// Outputs.
    rows: usize,
    /// Its numbers, of 16 bits, where the GPU gets them when they are asked for.
    waiting: Vec<u16>,
}

/// Matrices one after the other, perhaps only one, in the forms that the GPU has.
#[derive(Default)]
struct Buffer {
    /// Of 16 bits.
    of_16_bits: OnceLock<CudaSlice<u16>>,
    /// In fp8, in the same order, and what each row of them is times.
    fp8: OnceLock<(CudaSlice<u8>, CudaSlice<f32>)>,
}

/// All weights of a model on one GPU.
pub struct CudaPacked {
    stores: Vec<Arc<Store<Form>>>,
    device: Arc<Device>,
    half: Half,
}

impl CudaPacked {
    /// Reads everything, rounds matrices to such numbers, and takes all to the GPU, but for matrices that may be fp8: they wait.
    ///
    /// # Errors
    /// A tensor that cannot be read; no room on the GPU, or in the computer where matrices wait there.
    pub fn load(weights: &Weights, device: &Arc<Device>, precision: Precision) -> Result<Self, ExecError> {
        if precision.fp8 {
            room::ask(weights, rayon::current_num_threads(), |_, _| size_of::<u16>() as u64)?;
        }
        let beside = buffers(weights, device, precision)?;
        let store = Store::load(weights, |found, scratch| pack(found, (device, &beside), precision, scratch))?;
        device.wait()?;
        Ok(Self { stores: vec![Arc::new(store)], device: device.clone(), half: precision.half })
    }

    /// The weights of several models, which are parts of one; none of none.
    pub fn joined(parts: &[&Self]) -> Option<Self> {
        let stores = parts.iter().flat_map(|part| part.stores.iter().cloned()).collect();
        parts.first().map(|first| Self { stores, device: first.device.clone(), half: first.half })
    }

    /// Whether the GPU may have a matrix in fp8.
    pub fn may_be_fp8(&self, weight: &Weight) -> bool {
        self.find(weight).is_ok_and(|matrix| !matrix.waiting.is_empty())
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

    fn find(&self, weight: &Weight) -> Result<&Matrix, ExecError> {
        match self.get(weight)? {
            Form::Matrix(matrix) => Ok(matrix),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// Where a matrix lies, in 16 bits, and how many rows it has.
    ///
    /// # Errors
    /// There is no such matrix; no room on the GPU.
    pub fn matrix(&self, weight: &Weight) -> Result<(u64, usize), ExecError> {
        let matrix = self.find(weight)?;
        let words = match matrix.buffer.of_16_bits.get() {
            Some(words) => words,
            None => {
                let words = self.upload_16_bits(&matrix.buffer)?;
                matrix.buffer.of_16_bits.get_or_init(|| words)
            }
        };
        let [offset, _] = matrix.offset;
        let (address, _) = words.device_ptr(self.device.stream());
        Ok((address + (offset * size_of::<u16>()) as u64, matrix.rows))
    }

    /// Where a matrix lies, in fp8, and what its rows are times. Inputs must be a multiple of 16.
    ///
    /// # Errors
    /// There is no such matrix; no room on the GPU.
    pub fn fp8(&self, weight: &Weight) -> Result<(u64, u64), ExecError> {
        let matrix = self.find(weight)?;
        let (numbers, scales) = match matrix.buffer.fp8.get() {
            Some(fp8) => fp8,
            None => {
                let fp8 = self.upload_fp8(&matrix.buffer)?;
                matrix.buffer.fp8.get_or_init(|| fp8)
            }
        };
        let [offset, rows] = matrix.offset;
        let [numbers, scales] = [numbers.device_ptr(self.device.stream()).0, scales.device_ptr(self.device.stream()).0];
        Ok((numbers + offset as u64, scales + (rows * size_of::<f32>()) as u64))
    }

    /// All matrices that lie in a buffer.
    fn matrices_in(&self, buffer: &Arc<Buffer>) -> Vec<&Matrix> {
        let forms = self.stores.iter().flat_map(|store| store.forms());
        let matrices = forms.filter_map(|form| match form {
            Form::Matrix(matrix) => Some(matrix),
            Form::Flat(_) => None,
        });
        let mut all: Vec<&Matrix> = matrices.filter(|matrix| Arc::ptr_eq(&matrix.buffer, buffer)).collect();
        all.sort_by_key(|matrix| matrix.offset);
        all
    }

    fn upload_16_bits(&self, buffer: &Arc<Buffer>) -> Result<CudaSlice<u16>, ExecError> {
        let all: Vec<&[u16]> = self.matrices_in(buffer).iter().map(|matrix| &matrix.waiting[..]).collect();
        self.device.upload(&all.concat(), "weights")
    }

    fn upload_fp8(&self, buffer: &Arc<Buffer>) -> Result<(CudaSlice<u8>, CudaSlice<f32>), ExecError> {
        let all = self.matrices_in(buffer);
        let mut numbers = vec![0; all.iter().map(|matrix| matrix.len).sum()];
        let mut scales = vec![0.0; all.iter().map(|matrix| matrix.rows).sum()];
        for matrix in all {
            let ([first, row], width) = (matrix.offset, (matrix.len / matrix.rows.max(1)).max(1));
            let to = numbers[first..first + matrix.len].par_chunks_exact_mut(width);
            let to = to.zip(&mut scales[row..row + matrix.rows]);
            to.zip(matrix.waiting.par_chunks_exact(width)).for_each(|((to, scale), from)| {
                *scale = fp8::quantized(from.iter().map(|bits| self.half.value(*bits)), to);
            });
        }
        Ok((self.device.upload(&numbers, "weights")?, self.device.upload(&scales, "weights")?))
    }

    /// The order in which some weights are one matrix, if they are: each begins where the one before ends.
    pub fn row(&self, weights: &[&Weight]) -> Option<Vec<usize>> {
        let matrix = |(index, weight): (usize, &&Weight)| match self.get(weight) {
            Ok(Form::Matrix(matrix)) => Some((index, matrix)),
            _ => None,
        };
        let mut all = weights.iter().enumerate().map(matrix).collect::<Option<Vec<_>>>()?;
        all.sort_by_key(|(_, matrix)| matrix.offset);
        let touch = |a: &Matrix, b: &Matrix| Arc::ptr_eq(&a.buffer, &b.buffer) && a.offset[0] + a.len == b.offset[0];
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
    /// Those that the GPU has.
    fn bytes(&self) -> usize {
        let bytes = |form: &Form| match form {
            Form::Matrix(Matrix { buffer, len, rows, .. }) => {
                let words = if buffer.of_16_bits.get().is_some() { len * size_of::<u16>() } else { 0 };
                words + if buffer.fp8.get().is_some() { len + rows * size_of::<f32>() } else { 0 }
            }
            Form::Flat(slice) => slice.num_bytes(),
        };
        self.stores.iter().flat_map(|store| store.forms()).map(bytes).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// By key: the buffer of each matrix that has others beside it, and its offset there.
type Beside = BTreeMap<String, (Arc<Buffer>, [usize; 2])>;
/// Matrices by key, each with its numbers and rows.
type Row<'a> = Vec<(&'a str, [usize; 2])>;

/// Buffers for them; on the GPU if nothing waits.
fn buffers(weights: &Weights, device: &Device, precision: Precision) -> Result<Beside, ExecError> {
    let mut modules: BTreeMap<(&str, usize), Row<'_>> = BTreeMap::new();
    for key in weights.keys() {
        if let &[rows, inputs] = weights.shape(key).unwrap_or_default() {
            // Of `attn1.to_q.weight` the module is `attn1`.
            let module = key.rsplitn(3, '.').nth(2).unwrap_or_default();
            let len = rows * inputs.next_multiple_of(TOGETHER);
            modules.entry((module, inputs)).or_default().push((key, [len, rows]));
        }
    }
    let mut beside = BTreeMap::new();
    for matrices in modules.into_values().filter(|matrices| matrices.len() > 1) {
        let len = matrices.iter().map(|(_, [len, _])| len).sum();
        let words = if precision.fp8 { OnceLock::new() } else { device.zeros(len, "weights")?.into() };
        let buffer = Arc::new(Buffer { of_16_bits: words, fp8: OnceLock::new() });
        let mut offset = [0; 2];
        for (key, [len, rows]) in matrices {
            beside.insert(key.to_owned(), (buffer.clone(), offset));
            offset = [offset[0] + len, offset[1] + rows];
        }
    }
    Ok(beside)
}

fn pack(
    found: &Found<'_>,
    (device, beside): (&Device, &Beside),
    precision: Precision,
    scratch: &mut Vec<u16>,
) -> Result<Form, ExecError> {
    let (rows, inputs, taps) = match *found.shape {
        [rows, inputs] => (rows, inputs, 1),
        [rows, inputs, height, width] => (rows, inputs, height * width),
        _ if precision.fp8 => return Ok(Form::Flat(device.upload(&fp8::without_infinities(found.values), "weights")?)),
        _ => return Ok(Form::Flat(device.upload(found.values, "weights")?)),
    };
    let depth = inputs.next_multiple_of(TOGETHER);
    scratch.clear();
    scratch.resize(rows * taps * depth, 0);
    for (row, kernel) in scratch.chunks_exact_mut((taps * depth).max(1)).zip(found.values.chunks_exact(inputs * taps)) {
        for (tap, place) in row.chunks_exact_mut(depth).enumerate() {
            let values = place.iter_mut().zip(kernel[tap..].iter().step_by(taps));
            values.for_each(|(to, from)| *to = precision.half.bits(*from));
        }
    }
    let (buffer, offset) = beside.get(found.key).cloned().unwrap_or_default();
    let mut waiting = Vec::new();
    match buffer.of_16_bits.get() {
        _ if precision.fp8 => waiting.clone_from(scratch),
        Some(words) => {
            let (address, _) = words.device_ptr(device.stream());
            device.write(address + (offset[0] * size_of::<u16>()) as u64, bytemuck::cast_slice(scratch))?;
            // The next weight is packed in the same place.
            device.wait()?;
        }
        None => {
            let words = device.upload(scratch, "weights")?;
            buffer.of_16_bits.get_or_init(|| words);
        }
    }
    Ok(Form::Matrix(Matrix { buffer, offset, len: scratch.len(), rows, waiting }))
}
