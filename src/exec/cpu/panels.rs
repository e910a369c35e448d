//! Weights in the order in which the kernels read them.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use half::bf16;
use rayon::prelude::*;

use super::kernels::{LANES, NARROW, PANEL};
use super::view::Kind;
use super::winograd;
use crate::exec::store::Store;
use crate::exec::{ExecError, Packed};
use crate::flow::with_room;
use crate::graph::Weight;
use crate::weights::Weights;

/// A matrix of `rows` weights for each of `columns` outputs, cut into panels of 32 outputs (the last of 16 or 32). In a panel
/// the outputs lie side by side, row after row, of bf16 numbers two rows interleaved; missing ones are zero. So few outputs
/// that most of a panel would be zero are a narrow panel: output after output.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    /// Weights of one output.
    pub rows: usize,
    /// Outputs.
    pub columns: usize,
    data: Data,
}

#[derive(Clone, Debug, PartialEq)]
enum Data {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
    /// Whole numbers, which times the scale of their output are the weights. They lie as numbers of `kind` would, which they
    /// become when they are used.
    Int8 { kind: Kind, weights: Vec<i8>, scales: Vec<f32> },
}

/// Some weights.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// As f32.
    F32(&'a [f32]),
    /// As bf16.
    Bf16(&'a [bf16]),
    /// As whole numbers, to be multiplied by [`Panel::scales`].
    Int8(&'a [i8]),
}

/// One panel.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// `rows` rows of `width`.
    pub weights: Numbers<'a>,
    /// 16 or 32; of a narrow panel the outputs it has.
    pub width: usize,
    /// Its first output.
    pub first: usize,
    /// Outputs in it; the rest is zero.
    pub columns: usize,
    /// What each output is multiplied by, `width` of them; nothing where weights are no whole numbers.
    pub scales: &'a [f32],
}

/// Padded columns of a matrix of so many.
fn padded(columns: usize) -> usize {
    if is_narrow(columns) { columns } else { columns.next_multiple_of(LANES) }
}

/// Whether so many columns are a narrow panel.
fn is_narrow(columns: usize) -> bool {
    columns <= NARROW
}

impl Panels {
    /// Packs the weights that `weight(output, row)` gives.
    pub fn new(kind: Kind, columns: usize, rows: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let data = match kind {
            Kind::F32 => Data::F32(packed(columns, rows, 1, weight)),
            Kind::Bf16 => Data::Bf16(packed(columns, rows, 2, |output, row| bf16::from_f32(weight(output, row)))),
        };
        Self { rows, columns, data }
    }

    /// The same as whole numbers from -127 to 127, with a scale for each output: half the memory of bf16. `kind` is what they are
    /// multiplied as; all of them are exact in either.
    pub fn small(kind: Kind, columns: usize, rows: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let largest = |output: usize| (0..rows).fold(0.0f32, |a, row| a.max(weight(output, row).abs()));
        let mut scales: Vec<f32> = (0..columns).map(|output| largest(output) / f32::from(i8::MAX)).collect();
        let together = kind.per_cell();
        let weights = packed(columns, rows, together, |output, row| {
            let steps = weight(output, row) / scales[output];
            // Of an output without weights: zero by zero.
            if steps.is_nan() { 0 } else { steps.round() as i8 }
        });
        scales.resize(padded(columns), 0.0);
        Self { rows, columns, data: Data::Int8 { kind, weights, scales } }
    }

    /// Panels of f32 that are made one by one, side by side: `fill` writes the weights of the panel of which it is given the
    /// first output and the width.
    pub fn made(columns: usize, rows: usize, fill: impl Fn(usize, usize, &mut [f32]) + Sync) -> Self {
        let mut data = with_room(padded(columns) * rows);
        data.resize(padded(columns) * rows, 0.0);
        data.par_chunks_mut(PANEL * rows).enumerate().for_each(|(index, panel)| {
            fill(index * PANEL, panel.len() / rows, panel);
        });
        Self { rows, columns, data: Data::F32(data) }
    }

    /// As what its weights are multiplied.
    pub fn kind(&self) -> Kind {
        match self.data {
            Data::F32(_) => Kind::F32,
            Data::Bf16(_) => Kind::Bf16,
            Data::Int8 { kind, .. } => kind,
        }
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::F32(data) => size_of_val(&**data),
            Data::Bf16(data) => size_of_val(&**data),
            Data::Int8 { weights, scales, .. } => size_of_val(&**weights) + size_of_val(&**scales),
        }
    }

    /// How many panels.
    pub fn count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// One panel.
    pub fn panel(&self, index: usize) -> Panel<'_> {
        let first = index * PANEL;
        let width = (padded(self.columns) - first).min(PANEL);
        let range = first * self.rows..(first + width) * self.rows;
        let weights = match &self.data {
            Data::F32(data) => Numbers::F32(&data[range]),
            Data::Bf16(data) => Numbers::Bf16(&data[range]),
            Data::Int8 { weights, .. } => Numbers::Int8(&weights[range]),
        };
        let scales = match &self.data {
            Data::Int8 { scales, .. } => &scales[first..][..width],
            _ => &[],
        };
        Panel { weights, width, first, columns: (self.columns - first).min(width), scales }
    }

    /// One weight again.
    pub fn weight(&self, output: usize, row: usize) -> f32 {
        if is_narrow(self.columns) {
            let at = output * self.rows + row;
            return match &self.data {
                Data::F32(data) => data[at],
                Data::Bf16(data) => data[at].to_f32(),
                Data::Int8 { weights, scales, .. } => f32::from(weights[at]) * scales[output],
            };
        }
        let panel = self.panel(output / PANEL);
        let (column, together) = (output % PANEL, self.kind().per_cell());
        let at = (row / together * panel.width + column) * together + row % together;
        match panel.weights {
            Numbers::F32(weights) => weights[at],
            Numbers::Bf16(weights) => weights[at].to_f32(),
            Numbers::Int8(weights) => f32::from(weights[at]) * panel.scales[column],
        }
    }
}

/// Weights in panels, of which `together` rows lie interleaved.
fn packed<T: Copy + Default>(
    columns: usize,
    rows: usize,
    together: usize,
    weight: impl Fn(usize, usize) -> T,
) -> Vec<T> {
    assert!(rows.is_multiple_of(together), "{rows} rows of weights cannot lie {together} by {together}");
    if is_narrow(columns) {
        return (0..columns * rows).map(|at| weight(at / rows, at % rows)).collect();
    }
    let mut data = with_room(padded(columns) * rows);
    data.resize(padded(columns) * rows, T::default());
    for first in (0..columns).step_by(PANEL) {
        let width = (padded(columns) - first).min(PANEL);
        let panel = &mut data[first * rows..][..width * rows];
        for (group, panel) in panel.chunks_exact_mut(width * together).enumerate() {
            for (output, places) in (first..columns).zip(panel.chunks_exact_mut(together)) {
                for (row, place) in places.iter_mut().enumerate() {
                    *place = weight(output, group * together + row);
                }
            }
        }
    }
    data
}

/// A weight in an executor's layout.
pub enum Form {
    /// A matrix [out, in], or kernels [out, in, h, w] with rows in the order h, w, in.
    Panels(Arc<Panels>),
    /// Kernels of 3 x 3, the same way, and what [`winograd`] makes of them, once a graph asks for it.
    Kernels(Arc<Panels>, OnceLock<Arc<Panels>>),
    /// Anything else, as on disk.
    Flat(Arc<Vec<f32>>),
}

/// How the weights of a model are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// As they are multiplied.
    Plain,
    /// As whole numbers where there are many, which takes half the memory of bf16 and a quarter of that of f32.
    Int8,
}

/// All weights of a model.
pub struct CpuPacked {
    store: Store<Form>,
    kind: Kind,
    keeping: Keeping,
}

impl CpuPacked {
    /// Reads and packs everything on the threads it is called on, for products of `kind` where that is possible.
    pub fn load(weights: &Weights, kind: Kind, keeping: Keeping) -> Result<Self, ExecError> {
        let store = Store::load(weights, |values, shape| Ok(pack(values, shape, (kind, keeping))))?;
        Ok(Self { store, kind, keeping })
    }

    /// How weights are kept.
    pub fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// As what weights are multiplied where that is possible.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A matrix or the kernels of a convolution.
    pub fn panels(&self, weight: &Weight) -> Result<Arc<Panels>, ExecError> {
        match self.store.get(weight)? {
            Form::Panels(panels) | Form::Kernels(panels, _) => Ok(panels.clone()),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// Kernels of 3 x 3 in the space of [`winograd`], made on the threads it is called on when they are first asked for.
    pub fn transformed(&self, weight: &Weight) -> Result<Arc<Panels>, ExecError> {
        match self.store.get(weight)? {
            Form::Kernels(panels, made) => Ok(made.get_or_init(|| Arc::new(winograd::transformed(panels))).clone()),
            _ => Err(super::failed(format!("`{}` are no kernels of 3 x 3", weight.key))),
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
            Form::Kernels(panels, made) => panels.bytes() + made.get().map_or(0, |made| made.bytes()),
            Form::Flat(values) => size_of_val(&***values),
        };
        self.store.forms().map(bytes).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Outputs of a matrix have so many weights at least, and a matrix so many in all, to be kept as whole numbers: where there are
/// few, as where latents come in, nothing is saved and much depends on each.
const LEAST_INT8: [usize; 2] = [64, 1 << 12];

fn pack(values: Vec<f32>, shape: &[usize], (kind, keeping): (Kind, Keeping)) -> Form {
    // Of an odd number of channels, runs of values are no whole pairs.
    let kind = if shape.get(1).is_some_and(|input| input.is_multiple_of(2)) { kind } else { Kind::F32 };
    let matrix = |columns: usize, rows: usize, weight: &dyn Fn(usize, usize) -> f32| {
        let many = rows >= LEAST_INT8[0] && columns * rows >= LEAST_INT8[1] && !is_narrow(columns);
        Arc::new(match keeping {
            Keeping::Int8 if many => Panels::small(kind, columns, rows, weight),
            _ => Panels::new(kind, columns, rows, weight),
        })
    };
    match *shape {
        [out, input] => Form::Panels(matrix(out, input, &|o, i| values[o * input + i])),
        [out, input, height, width] => {
            let (inner, pixels) = (input, height * width);
            // Where each row lies in a kernel on disk: found once, since two divisions for each weight take seconds.
            let places: Vec<usize> = (0..pixels * inner).map(|row| row % inner * pixels + row / inner).collect();
            let panels = matrix(out, pixels * input, &|o, row| values[o * inner * pixels + places[row]]);
            if (height, width) == (3, 3) { Form::Kernels(panels, OnceLock::new()) } else { Form::Panels(panels) }
        }
        _ => Form::Flat(Arc::new(values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_where_the_kernels_look() {
        for (columns, rows) in [(5, 1), (7, 7), (16, 2), (17, 3), (32, 1), (33, 5), (80, 4)] {
            let panels = Panels::new(Kind::F32, columns, rows, |o, r| (o * rows + r) as f32 + 1.0);
            let mut seen = 0;
            for panel in (0..panels.count()).map(|index| panels.panel(index)) {
                let Numbers::F32(weights) = panel.weights else { panic!("not f32") };
                for (i, weight) in weights.iter().enumerate() {
                    let (row, column) = (i / panel.width, i % panel.width);
                    let expected =
                        if column < panel.columns { ((panel.first + column) * rows + row) as f32 + 1.0 } else { 0.0 };
                    assert_eq!(*weight, expected);
                }
                seen += panel.columns;
            }
            assert_eq!(seen, columns);
            assert_eq!(panels.weight(columns - 1, rows - 1), (columns * rows) as f32);
        }
    }

    #[test]
    fn few_outputs_lie_one_after_the_other() {
        for kind in [Kind::F32, Kind::Bf16] {
            let panels = Panels::new(kind, 3, 10, |o, r| (o * 10 + r) as f32);
            assert_eq!((panels.count(), panels.panel(0).width, panels.panel(0).columns), (1, 3, 3));
            let expected: Vec<f32> = (0..30).map(|v| v as f32).collect();
            match panels.panel(0).weights {
                Numbers::F32(weights) => assert_eq!(weights, expected),
                Numbers::Bf16(weights) => assert!(weights.iter().map(|w| w.to_f32()).eq(expected)),
            }
            assert_eq!(panels.weight(2, 3), 23.0);
        }
    }

    #[test]
    fn rows_of_bf16_lie_in_pairs() {
        let panels = Panels::new(Kind::Bf16, 33, 4, |o, r| (o * 4 + r) as f32);
        let Numbers::Bf16(weights) = panels.panel(1).weights else { panic!("not bf16") };
        assert_eq!(weights.len(), 16 * 4);
        assert_eq!([weights[0], weights[1], weights[2]].map(bf16::to_f32), [128.0, 129.0, 0.0]);
        assert_eq!([weights[32], weights[33]].map(bf16::to_f32), [130.0, 131.0]);
        for (output, row) in [(0, 0), (1, 3), (31, 2), (32, 1)] {
            assert_eq!(panels.weight(output, row), (output * 4 + row) as f32);
        }
        assert_eq!(panels.bytes(), 48 * 4 * 2);
    }

    #[test]
    fn whole_numbers_are_near() {
        for (kind, columns, rows) in [(Kind::F32, 37, 5), (Kind::Bf16, 16, 6), (Kind::F32, 3, 7)] {
            let weight = |o: usize, r: usize| ((o * 31 + r * 17) % 23) as f32 / 23.0 - 0.4;
            let panels = Panels::small(kind, columns, rows, weight);
            assert_eq!(panels.kind(), kind);
            for (output, row) in (0..columns).flat_map(|output| (0..rows).map(move |row| (output, row))) {
                let largest = (0..rows).fold(0.0f32, |a, row| a.max(weight(output, row).abs()));
                let error = (panels.weight(output, row) - weight(output, row)).abs();
                assert!(error <= largest / 127.0 * 0.5001, "{error} of {largest}");
            }
        }
        let nothing = Panels::small(Kind::F32, 8, 4, |_, _| 0.0);
        assert_eq!((nothing.weight(3, 2), nothing.panel(0).scales.len()), (0.0, 16));
    }
}
