//! Elements of contiguous CPU tensors as plain slices, and work on them in parallel.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, Device, Result, Storage, StorageRef, Tensor, bail};
use rayon::prelude::*;

/// Below this many elements a second thread costs more than it brings.
const SMALL: usize = 1 << 13;
/// Elements per piece of parallel work: 64 KiB, well inside a core's own cache.
const PIECE: usize = 1 << 14;

/// Read access to a tensor's elements.
pub struct Elements<'a> {
    storage: StorageRef<'a>,
    range: Range<usize>,
}

impl<'a> Elements<'a> {
    /// Elements of a contiguous f32 tensor on the CPU.
    pub fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("a value is not contiguous") };
        if !matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))) {
            bail!("a value is not f32 on the CPU");
        }
        Ok(Self { storage, range: start..end })
    }
}

impl Deref for Elements<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.range.clone()],
            _ => &[],
        }
    }
}

/// A tensor of these elements.
pub fn tensor(values: Vec<f32>, dims: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(values, dims, &Device::Cpu)
}

/// Fills `out` row by row (`row` elements each), in parallel when there is enough of it. `fill` gets the number of the first row
/// of a run of rows, and the run.
pub fn for_rows(out: &mut [f32], row: usize, fill: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() <= SMALL {
        return fill(0, out);
    }
    let rows = (PIECE / row.max(1)).max(1);
    out.par_chunks_mut(rows * row).enumerate().for_each(|(piece, out)| fill(piece * rows, out));
}

/// `f` of each element.
pub fn map(x: &Tensor, f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let values = Elements::of(x)?;
    let mut out = vec![0.0; values.len()];
    for_rows(&mut out, 1, |first, out| {
        for (out, value) in out.iter_mut().zip(&values[first..]) {
            *out = f(*value);
        }
    });
    tensor(out, x.dims())
}
