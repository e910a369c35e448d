//! From tensors on disk to weights in the kernels' order.

use std::any::Any;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::kernels::int16::{self, MOST};
use super::panels::{Factor, Panels, is_narrow};
use crate::exec::inputs::needed;
use crate::exec::planner::Kind;
use crate::exec::store::{Found, Store};
use crate::exec::{ExecError, Packed};
use crate::graph::{Graph, NodeId, Weight};
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
    /// As int8 where there are many, which takes half the memory of bf16 and a quarter of that of f32.
    Int8,
}

/// All weights of a model.
pub struct CpuPacked {
    store: Store<Form>,
    factor: Factor,
}

impl CpuPacked {
    /// Reads and packs everything on the threads it is called on, to be multiplied as `factor` where that is possible.
    pub fn load(weights: &Weights, factor: Factor, keeping: Keeping) -> Result<Self, ExecError> {
        let store = Store::load(weights, |found, scratch| Ok(pack(found, (factor, keeping), scratch)))?;
        Ok(Self { store, factor })
    }

    /// As what weights are multiplied where that is possible.
    pub fn factor(&self) -> Factor {
        self.factor
    }

    /// How values may lie in memory that are rounded to such factors first of all.
    pub fn kind(&self) -> Kind {
        self.factor.kind()
    }

    /// A matrix or the kernels of a convolution.
    pub fn panels(&self, weight: &Weight) -> Result<Arc<Panels>, ExecError> {
        match self.store.get(weight)? {
            Form::Panels(panels) => Ok(panels.clone()),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// Whether all that the results need is there: planning a large network takes a while.
    ///
    /// # Errors
    /// A weight that is missing or has another shape than the graph says.
    pub fn check(&self, graph: &Graph, results: &[NodeId]) -> Result<(), ExecError> {
        let needed = needed(graph, results);
        let nodes = graph.ids().filter(|id| needed[id.index()]);
        let mut weights = nodes.flat_map(|id| graph.node(id).op.weights());
        weights.try_for_each(|weight| self.store.get(graph.weight(weight)).map(|_| ())).map_err(Into::into)
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

/// The fewest bytes that a number of a tensor of `shape` which is `stored` so takes in memory.
pub fn least_bytes((factor, keeping): (Factor, Keeping), stored: Dtype, shape: &[usize]) -> u64 {
    match (keeping, factor_for(factor, shape), stored) {
        (Keeping::Int8, ..) => 1,
        (_, Factor::Bf16 | Factor::Int16, _) | (_, Factor::F32, Dtype::F16) => 2,
        _ => 4,
    }
}

/// What a thread keeps from one tensor to the next.
#[derive(Default)]
struct Scratch {
    f16: Vec<f16>,
    integers: Vec<i16>,
}

/// What weights of such a shape are multiplied as, of an executor whose products are of `factor`.
fn factor_for(factor: Factor, shape: &[usize]) -> Factor {
    // Of an odd number of channels, runs of values are no whole pairs.
    let pairs = shape.get(1).is_some_and(|input| input.is_multiple_of(2));
    // Pixels have a scale each, so that only kernels of one pixel are kept as integers.
    let pixels: usize = shape.iter().skip(2).product();
    if !pairs || (pixels > 1 && factor == Factor::Int16) { Factor::F32 } else { factor }
}

fn pack(found: &Found<'_>, (factor, keeping): (Factor, Keeping), scratch: &mut Scratch) -> Form {
    let factor = factor_for(factor, found.shape);
    match *found.shape {
        [columns, rows] => Form::Panels(matrix(found, [columns, rows], (factor, keeping), scratch, |row| row)),
        [columns, inputs, height, width] => {
            let pixels = height * width;
            // Where each row lies in a kernel on disk: found once, since two divisions for each weight take seconds.
            let places: Vec<usize> = (0..pixels * inputs).map(|row| row % inputs * pixels + row / inputs).collect();
            Form::Panels(matrix(found, [columns, pixels * inputs], (factor, keeping), scratch, |row| places[row]))
        }
        _ => Form::Flat(Arc::new(found.values.to_vec())),
    }
}

/// Packs `columns` outputs of `rows` weights each, whose row `r` is the weight `place(r)` on disk.
fn matrix(
    found: &Found<'_>,
    [columns, rows]: [usize; 2],
    (factor, keeping): (Factor, Keeping),
    scratch: &mut Scratch,
    place: impl Fn(usize) -> usize,
) -> Arc<Panels> {
    let Scratch { f16, integers } = scratch;
    let many = rows >= LEAST[0] && columns * rows >= LEAST[1] && !is_narrow(columns);
    Arc::new(match (keeping, factor, found.dtype) {
        (Keeping::Int8, ..) if many => {
            let scales = quantize(found.values, (rows, i8::MAX.into()), integers);
            Panels::int8(factor, rows, scales, |o, row| integers[o * rows + place(row)] as i8)
        }
        (_, Factor::Int16, _) if many => {
            let scales = quantize(found.values, (rows, MOST), integers);
            Panels::int16(rows, scales, |o, row| integers[o * rows + place(row)])
        }
        (_, Factor::F32, Some(Dtype::F16)) if many => {
            f16.resize(found.values.len(), f16::ZERO);
            f16.convert_from_f32_slice(found.values);
            Panels::f16(columns, rows, |o, row| f16[o * rows + place(row)])
        }
        _ => Panels::new(factor.kind(), columns, rows, |o, row| found.values[o * rows + place(row)]),
    })
}

/// Rows of `rows` values as integers of which the largest is `most`, and the scale of each.
fn quantize(values: &[f32], (rows, most): (usize, i16), integers: &mut Vec<i16>) -> Vec<f32> {
    integers.resize(values.len(), 0);
    let places = integers.chunks_exact_mut(rows);
    values.chunks_exact(rows).zip(places).map(|(row, place)| int16::quantize_up_to::<false>(row, most, place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[f32], shape: &[usize], dtype: Dtype, how: (Factor, Keeping)) -> Arc<Panels> {
        let found = Found { key: "weight", values, shape, dtype: Some(dtype) };
        match pack(&found, how, &mut Scratch::default()) {
            Form::Panels(panels) => panels,
            Form::Flat(_) => panic!("no matrix"),
        }
    }

    #[test]
    fn f16_stays_f16_where_products_are_of_f32() {
        let values: Vec<f32> = (0..80 * 64).map(|v| (v % 1000) as f32 / 16.0).collect();
        for (factor, dtype, bytes) in [
            (Factor::F32, Dtype::F16, 2),
            (Factor::F32, Dtype::Bf16, 4),
            (Factor::F32, Dtype::F32, 4),
            (Factor::Bf16, Dtype::F16, 2),
        ] {
            let panels = packed(&values, &[80, 64], dtype, (factor, Keeping::Plain));
            assert_eq!((panels.factor(), panels.bytes()), (factor, 80 * 64 * bytes));
            let exact = factor == Factor::F32;
            assert!((0..80).all(|o| !exact || panels.weight(o, 63 - o % 64) == values[o * 64 + 63 - o % 64]));
        }
    }

    #[test]
    fn only_matrices_of_many_weights_are_multiplied_as_int16() {
        let values: Vec<f32> = (0..80 * 64 * 9).map(|v| (v * 31 % 1009) as f32 / 1009.0 - 0.4).collect();
        let factor = |shape: &[usize], keeping: Keeping| {
            let count = shape.iter().product();
            packed(&values[..count], shape, Dtype::F32, (Factor::Int16, keeping)).factor()
        };
        for keeping in [Keeping::Plain, Keeping::Int8] {
            assert_eq!(factor(&[80, 64], keeping), Factor::Int16);
            assert_eq!(factor(&[80, 64, 1, 1], keeping), Factor::Int16);
            for shape in [&[80, 64, 3, 3][..], &[40, 64], &[80, 62], &[4, 1024], &[80, 63]] {
                assert_eq!(factor(shape, keeping), Factor::F32, "{shape:?}");
            }
        }
        let panels = packed(&values[..80 * 64], &[80, 64], Dtype::F32, (Factor::Int16, Keeping::Plain));
        for (output, row) in (0..80).flat_map(|output| (0..64).map(move |row| (output, row))) {
            let error = (panels.weight(output, row) - values[output * 64 + row]).abs();
            assert!(error <= 0.6 * 0.501 / f32::from(MOST), "{error}");
        }
        assert_eq!(panels.bytes(), (80 * 64 + 160) * 2);
    }

    #[test]
    fn int8_weights_are_near() {
        let (columns, inputs) = (37, 64);
        let values: Vec<f32> = (0..columns * inputs * 9).map(|v| (v * 31 % 1009) as f32 / 1009.0 - 0.4).collect();
        for factor in [Factor::F32, Factor::Bf16] {
            let panels = packed(&values, &[columns, inputs, 3, 3], Dtype::F32, (factor, Keeping::Int8));
            assert_eq!(panels.factor(), factor);
            assert!(panels.bytes() < values.len() * 3 / 2);
            for (output, row) in (0..columns).flat_map(|output| (0..9 * inputs).map(move |row| (output, row))) {
                let on_disk = &values[output * 9 * inputs..][..9 * inputs];
                let largest = on_disk.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                let error = (panels.weight(output, row) - on_disk[row % inputs * 9 + row / inputs]).abs();
                assert!(error <= largest / 127.0 * 0.5001, "{error} of {largest}");
            }
        }
        let nothing = packed(&vec![0.0; 80 * 64], &[80, 64], Dtype::F32, (Factor::F32, Keeping::Int8));
        assert_eq!((nothing.weight(3, 2), nothing.panel(0).scales.len()), (0.0, 32));
        for broken in [f32::NAN, f32::INFINITY] {
            let mut values = vec![0.5; 80 * 64];
            values[3 * 64 + 5] = broken;
            let panels = packed(&values, &[80, 64], Dtype::F32, (Factor::F32, Keeping::Int8));
            assert!(panels.weight(3, 0).is_nan() && panels.weight(4, 5) == 0.5);
        }
    }
}
