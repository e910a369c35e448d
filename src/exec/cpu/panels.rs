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
}

/// Some weights.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// As f32.
    F32(&'a [f32]),
    /// As bf16.
    Bf16(&'a [bf16]),
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

    /// How its weights are stored.
    pub fn kind(&self) -> Kind {
        match self.data {
            Data::F32(_) => Kind::F32,
            Data::Bf16(_) => Kind::Bf16,
        }
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::F32(data) => size_of_val(&**data),
            Data::Bf16(data) => size_of_val(&**data),
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
        };
        Panel { weights, width, first, columns: (self.columns - first).min(width) }
    }

    /// One weight again.
    pub fn weight(&self, output: usize, row: usize) -> f32 {
        if is_narrow(self.columns) {
            let at = output * self.rows + row;
            return match &self.data {
                Data::F32(data) => data[at],
                Data::Bf16(data) => data[at].to_f32(),
            };
        }
        let panel = self.panel(output / PANEL);
        let column = output % PANEL;
        match panel.weights {
            Numbers::F32(weights) => weights[row * panel.width + column],
            Numbers::Bf16(weights) => weights[(row / 2 * panel.width + column) * 2 + row % 2].to_f32(),
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

/// All weights of a model.
pub struct CpuPacked {
    store: Store<Form>,
    kind: Kind,
}

impl CpuPacked {
    /// Reads and packs everything on the threads it is called on, as `kind` where that is possible.
    pub fn load(weights: &Weights, kind: Kind) -> Result<Self, ExecError> {
        let store = Store::load(weights, |values, shape| Ok(pack(values, shape, kind)))?;
        Ok(Self { store, kind })
    }

    /// How weights are stored where that is possible.
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

fn pack(values: Vec<f32>, shape: &[usize], kind: Kind) -> Form {
    // Of an odd number of channels, runs of values are no whole pairs.
    let kind = if shape.get(1).is_some_and(|input| input.is_multiple_of(2)) { kind } else { Kind::F32 };
    match *shape {
        [out, input] => Form::Panels(Arc::new(Panels::new(kind, out, input, |o, i| values[o * input + i]))),
        [out, input, height, width] => {
            let (inner, pixels) = (input, height * width);
            // Where each row lies in a kernel on disk: found once, since two divisions for each weight take seconds.
            let places: Vec<usize> = (0..pixels * inner).map(|row| row % inner * pixels + row / inner).collect();
            let weight = |o: usize, row: usize| values[o * inner * pixels + places[row]];
            let panels = Arc::new(Panels::new(kind, out, pixels * input, weight));
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
}
