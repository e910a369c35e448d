//! From tensors on disk to weights in the kernels' order.

use std::any::Any;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::panels::{Panels, is_narrow};
use crate::exec::planner::Kind;
use crate::exec::store::{Found, Store};
use crate::exec::{ExecError, Packed};
use crate::graph::Weight;
use crate::weights::{Dtype, Weights};

/// A weight in an executor's layout.
pub enum Form {
    /// A matrix [out, in], or kernels [out, in, h, w] with rows in the order h, w, in.
    Panels(Arc<Panels>),
    /// Anything else, as on disk.
    Flat(Arc<Vec<f32>>),
}

/// How the weights of a model are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// As exactly as they are multiplied.
    Plain,
    /// As whole numbers where there are many, which takes half the memory of bf16 and a quarter of that of f32.
    Int8,
}

/// All weights of a model.
pub struct CpuPacked {
    store: Store<Form>,
    kind: Kind,
}

impl CpuPacked {
    /// Reads and packs everything on the threads it is called on, for products of `kind` where that is possible.
    pub fn load(weights: &Weights, kind: Kind, keeping: Keeping) -> Result<Self, ExecError> {
        let store = Store::load(weights, |found, scratch| Ok(pack(found, (kind, keeping), scratch)))?;
        Ok(Self { store, kind })
    }

    /// As what weights are multiplied where that is possible.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A matrix or the kernels of a convolution.
    pub fn panels(&self, weight: &Weight) -> Result<Arc<Panels>, ExecError> {
        match self.store.get(weight)? {
            Form::Panels(panels) => Ok(panels.clone()),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// One number per channel.
    pub fn flat(&self, weight: &Weight) -> Result<Arc<Vec<f32>>, ExecError> {
        match self.store.get(weight)? {
            Form::Flat(values) => Ok(values.clone()),
            _ => Err(super::failed(format!("`{}` is a matrix", weight.key))),
        }
    }
}

impl Packed for CpuPacked {
    fn bytes(&self) -> usize {
        let bytes = |form: &Form| match form {
            Form::Panels(panels) => panels.bytes(),
            Form::Flat(values) => size_of_val(&***values),
        };
        self.store.forms().map(bytes).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Outputs of a matrix have so many weights at least, and a matrix so many in all, to be kept in less room: where there are few,
/// as where latents come in, nothing is saved and much depends on each.
const LEAST: [usize; 2] = [64, 1 << 12];

/// The fewest bytes that a number which is `stored` so takes in memory.
pub fn least_bytes(kind: Kind, keeping: Keeping, stored: Dtype) -> u64 {
    match (keeping, kind, stored) {
        (Keeping::Int8, ..) => 1,
        (_, Kind::Half, _) | (_, Kind::F32, Dtype::F16) => 2,
        _ => 4,
    }
}

/// What a thread keeps from one tensor to the next.
#[derive(Default)]
struct Scratch {
    halves: Vec<f16>,
    whole: Vec<i8>,
}

fn pack(found: &Found<'_>, (kind, keeping): (Kind, Keeping), scratch: &mut Scratch) -> Form {
    // Of an odd number of channels, runs of values are no whole pairs.
    let kind = if found.shape.get(1).is_some_and(|input| input.is_multiple_of(2)) { kind } else { Kind::F32 };
    match *found.shape {
        [columns, rows] => Form::Panels(matrix(found, [columns, rows], (kind, keeping), scratch, |row| row)),
        [columns, inputs, height, width] => {
            let pixels = height * width;
            // Where each row lies in a kernel on disk: found once, since two divisions for each weight take seconds.
            let places: Vec<usize> = (0..pixels * inputs).map(|row| row % inputs * pixels + row / inputs).collect();
            Form::Panels(matrix(found, [columns, pixels * inputs], (kind, keeping), scratch, |row| places[row]))
        }
        _ => Form::Flat(Arc::new(found.values.to_vec())),
    }
}

/// Packs `columns` outputs of `rows` weights each, whose row `r` is the weight `place(r)` on disk.
fn matrix(
    found: &Found<'_>,
    [columns, rows]: [usize; 2],
    (kind, keeping): (Kind, Keeping),
    scratch: &mut Scratch,
    place: impl Fn(usize) -> usize,
) -> Arc<Panels> {
    let Scratch { halves, whole } = scratch;
    let many = rows >= LEAST[0] && columns * rows >= LEAST[1] && !is_narrow(columns);
    Arc::new(match (keeping, kind, found.dtype) {
        (Keeping::Int8, ..) if many => {
            let scales = whole_numbers(found.values, rows, whole);
            Panels::small(kind, rows, scales, |o, row| whole[o * rows + place(row)])
        }
        (_, Kind::F32, Some(Dtype::F16)) if many => {
            halves.resize(found.values.len(), f16::ZERO);
            halves.convert_from_f32_slice(found.values);
            Panels::halves(columns, rows, |o, row| halves[o * rows + place(row)])
        }
        _ => Panels::new(kind, columns, rows, |o, row| found.values[o * rows + place(row)]),
    })
}

/// Added and taken away again, this rounds a small number to the nearest whole one without a branch.
const ROUND: f32 = 1.5 * (1 << 23) as f32;

/// Rows of `rows` values as whole numbers of which the largest is 127, and the scale of each. Of a row that is not all finite the
/// scale is not a number, so that a broken checkpoint is seen in the result as without this.
fn whole_numbers(values: &[f32], rows: usize, whole: &mut Vec<i8>) -> Vec<f32> {
    whole.clear();
    let scale = |row: &[f32]| {
        let largest = row.iter().fold(0.0f32, |a, b| if b.abs() > a { b.abs() } else { a });
        let inverse = if largest > 0.0 { f32::from(i8::MAX) / largest } else { 0.0 };
        whole.extend(row.iter().map(|v| ((v * inverse + ROUND) - ROUND) as i8));
        if row.iter().all(|v| v.is_finite()) { largest / f32::from(i8::MAX) } else { f32::NAN }
    };
    values.chunks_exact(rows).map(scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[f32], shape: &[usize], dtype: Dtype, how: (Kind, Keeping)) -> Arc<Panels> {
        let found = Found { key: "weight", values, shape, dtype: Some(dtype) };
        match pack(&found, how, &mut Scratch::default()) {
            Form::Panels(panels) => panels,
            Form::Flat(_) => panic!("no matrix"),
        }
    }

    #[test]
    fn halves_stay_halves_where_products_are_of_f32() {
        let values: Vec<f32> = (0..80 * 64).map(|v| (v % 1000) as f32 / 16.0).collect();
        for (kind, dtype, bytes) in [
            (Kind::F32, Dtype::F16, 2),
            (Kind::F32, Dtype::Bf16, 4),
            (Kind::F32, Dtype::F32, 4),
            (Kind::Half, Dtype::F16, 2),
        ] {
            let panels = packed(&values, &[80, 64], dtype, (kind, Keeping::Plain));
            assert_eq!((panels.kind(), panels.bytes()), (kind, 80 * 64 * bytes));
            let exact = kind == Kind::F32;
            assert!((0..80).all(|o| !exact || panels.weight(o, 63 - o % 64) == values[o * 64 + 63 - o % 64]));
        }
    }

    #[test]
    fn whole_numbers_are_near() {
        let (columns, inputs) = (37, 64);
        let values: Vec<f32> = (0..columns * inputs * 9).map(|v| (v * 31 % 1009) as f32 / 1009.0 - 0.4).collect();
        for kind in [Kind::F32, Kind::Half] {
            let panels = packed(&values, &[columns, inputs, 3, 3], Dtype::F32, (kind, Keeping::Int8));
            assert_eq!(panels.kind(), kind);
            assert!(panels.bytes() < values.len() * 3 / 2);
            for (output, row) in (0..columns).flat_map(|output| (0..9 * inputs).map(move |row| (output, row))) {
                let on_disk = &values[output * 9 * inputs..][..9 * inputs];
                let largest = on_disk.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                let error = (panels.weight(output, row) - on_disk[row % inputs * 9 + row / inputs]).abs();
                assert!(error <= largest / 127.0 * 0.5001, "{error} of {largest}");
            }
        }
        let nothing = packed(&vec![0.0; 80 * 64], &[80, 64], Dtype::F32, (Kind::F32, Keeping::Int8));
        assert_eq!((nothing.weight(3, 2), nothing.panel(0).scales.len()), (0.0, 32));
        for broken in [f32::NAN, f32::INFINITY] {
            let mut values = vec![0.5; 80 * 64];
            values[3 * 64 + 5] = broken;
            let panels = packed(&values, &[80, 64], Dtype::F32, (Kind::F32, Keeping::Int8));
            assert!(panels.weight(3, 0).is_nan() && panels.weight(4, 5) == 0.5);
        }
    }
}
