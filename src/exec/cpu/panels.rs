//! Weights in the order in which the kernels read them.

use std::any::Any;
use std::sync::Arc;

use super::kernels::{LANES, PANEL};
use crate::exec::store::Store;
use crate::exec::{ExecError, Packed};
use crate::graph::Weight;
use crate::weights::Weights;

/// A matrix of `rows` weights for each of `columns` outputs, cut into panels of 32 outputs (the last of 16 or 32). In a panel
/// the outputs lie side by side, row after row; missing ones are zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels {
    /// Weights of one output.
    pub rows: usize,
    /// Outputs.
    pub columns: usize,
    data: Vec<f32>,
}

/// One panel.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// `rows` rows of `width`.
    pub weights: &'a [f32],
    /// 16 or 32.
    pub width: usize,
    /// Its first output.
    pub first: usize,
    /// Outputs in it; the rest is zero.
    pub columns: usize,
}

/// Padded columns of a matrix of so many.
fn padded(columns: usize) -> usize {
    columns.next_multiple_of(LANES)
}

impl Panels {
    /// Packs the weights that `weight(output, row)` gives.
    pub fn new(columns: usize, rows: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let mut data = vec![0.0; padded(columns) * rows];
        for first in (0..columns).step_by(PANEL) {
            let width = (padded(columns) - first).min(PANEL);
            let panel = &mut data[first * rows..][..width * rows];
            for (row, panel) in panel.chunks_exact_mut(width).enumerate() {
                for (output, place) in (first..columns).zip(panel) {
                    *place = weight(output, row);
                }
            }
        }
        Self { rows, columns, data }
    }

    /// How many panels.
    pub fn count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// One panel.
    pub fn panel(&self, index: usize) -> Panel<'_> {
        let first = index * PANEL;
        let width = (padded(self.columns) - first).min(PANEL);
        let weights = &self.data[first * self.rows..][..width * self.rows];
        Panel { weights, width, first, columns: (self.columns - first).min(width) }
    }

    /// One weight again.
    pub fn weight(&self, output: usize, row: usize) -> f32 {
        let panel = self.panel(output / PANEL);
        panel.weights[row * panel.width + output % PANEL]
    }
}

/// A weight in an executor's layout.
#[derive(Clone)]
pub enum Form {
    /// A matrix [out, in], or kernels [out, in, h, w] with rows in the order h, w, in.
    Panels(Arc<Panels>),
    /// Anything else, as on disk.
    Flat(Arc<Vec<f32>>),
}

/// All weights of a model.
pub struct CpuPacked(Store<Form>);

impl CpuPacked {
    /// Reads and packs everything on the threads it is called on.
    pub fn load(weights: &Weights) -> Result<Self, ExecError> {
        Ok(Self(Store::load(weights, |values, shape| Ok(pack(values, shape)))?))
    }

    /// A matrix or the kernels of a convolution.
    pub fn panels(&self, weight: &Weight) -> Result<Arc<Panels>, ExecError> {
        match self.0.get(weight)? {
            Form::Panels(panels) => Ok(panels.clone()),
            Form::Flat(_) => Err(super::failed(format!("`{}` is no matrix", weight.key))),
        }
    }

    /// One number per channel.
    pub fn flat(&self, weight: &Weight) -> Result<Arc<Vec<f32>>, ExecError> {
        match self.0.get(weight)? {
            Form::Flat(values) => Ok(values.clone()),
            Form::Panels(_) => Err(super::failed(format!("`{}` is a matrix", weight.key))),
        }
    }
}

impl Packed for CpuPacked {
    fn bytes(&self) -> usize {
        let numbers = |form: &Form| match form {
            Form::Panels(panels) => panels.data.len(),
            Form::Flat(values) => values.len(),
        };
        self.0.forms().map(|form| numbers(form) * size_of::<f32>()).sum()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn pack(values: Vec<f32>, shape: &[usize]) -> Form {
    match *shape {
        [out, input] => Form::Panels(Arc::new(Panels::new(out, input, |o, i| values[o * input + i]))),
        [out, input, height, width] => {
            let (inner, pixels) = (input, height * width);
            let weight = |o: usize, row: usize| values[(o * inner + row % inner) * pixels + row / inner];
            Form::Panels(Arc::new(Panels::new(out, pixels * input, weight)))
        }
        _ => Form::Flat(Arc::new(values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_where_the_kernels_look() {
        for (columns, rows) in [(1, 1), (3, 7), (16, 2), (17, 3), (32, 1), (33, 5), (80, 4)] {
            let panels = Panels::new(columns, rows, |o, r| (o * rows + r) as f32 + 1.0);
            let mut seen = 0;
            for panel in (0..panels.count()).map(|index| panels.panel(index)) {
                for (i, weight) in panel.weights.iter().enumerate() {
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
}
