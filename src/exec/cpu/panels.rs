//! Weights in the order in which the kernels read them.

use std::borrow::Cow;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use super::aligned_vec::AlignedVec;
use super::kernels::{LANES, NARROW, PANEL, int16};
use crate::exec::planner::Kind;

/// As what factors are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// As f32.
    F32,
    /// As bf16.
    Bf16,
    /// As 13-bit integers, with a scale for each row of values and each output; see [`int16`](super::kernels::int16).
    Int16,
}

impl Factor {
    /// How values may lie in memory that are rounded to such factors first of all.
    pub fn kind(self) -> Kind {
        match self {
            Self::F32 | Self::Int16 => Kind::F32,
            Self::Bf16 => Kind::Half,
        }
    }

    /// Rows of weights that lie interleaved.
    fn together(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 | Self::Int16 => 2,
        }
    }
}

/// A matrix of `rows` weights for each of `columns` outputs, cut into panels of 32 outputs (the last of 16 or 32). In a panel
/// the outputs lie side by side, row after row, of bf16 and integers two rows interleaved; missing ones are zero. So few outputs
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
    F32(AlignedVec<f32>),
    Bf16(AlignedVec<bf16>),
    /// Numbers that were f16 on disk and are multiplied as f32: half the memory, and nothing is lost.
    F16(AlignedVec<f16>),
    /// Integers, which times the scale of their output are the weights.
    Int16 {
        weights: AlignedVec<i16>,
        scales: Vec<f32>,
    },
    /// The same as int8. They lie as `factor`s would, which they become when they are used.
    Int8 {
        factor: Factor,
        weights: AlignedVec<i8>,
        scales: Vec<f32>,
    },
}

/// Some weights.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// As f32.
    F32(&'a [f32]),
    /// As bf16.
    Bf16(&'a [bf16]),
    /// As f16, to be widened to f32.
    F16(&'a [f16]),
    /// As integers, to be multiplied by [`Panel::scales`].
    Int16(&'a [i16]),
    /// The same as int8.
    Int8(&'a [i8]),
}

impl<'a> Numbers<'a> {
    /// As they lie in memory.
    pub fn bytes(&self) -> &'a [u8] {
        match self {
            Self::F32(numbers) => bytemuck::cast_slice(numbers),
            Self::Bf16(numbers) => bytemuck::cast_slice(numbers),
            Self::F16(numbers) => bytemuck::cast_slice(numbers),
            Self::Int16(numbers) => bytemuck::cast_slice(numbers),
            Self::Int8(numbers) => bytemuck::cast_slice(numbers),
        }
    }
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
    /// What each output is multiplied by, `width` of them; nothing where weights are no integers.
    pub scales: &'a [f32],
}

/// Matrices of the same inputs, one beside the other: the outputs of each follow those of the last. Each begins with a panel of
/// its own, so that it is the same whether it stands alone or not.
pub struct Row(Vec<Arc<Panels>>);

impl Row {
    /// Of one matrix, and others of as many rows and of the same kind.
    pub fn new(first: Arc<Panels>, others: Vec<Arc<Panels>>) -> Self {
        debug_assert!(others.iter().all(|other| (other.rows, other.factor()) == (first.rows, first.factor())));
        Self([first].into_iter().chain(others).collect())
    }

    /// As what its weights are multiplied.
    pub fn factor(&self) -> Factor {
        self.0[0].factor()
    }

    /// The same weights as integers, if all of them may be such and are not yet.
    pub fn to_int16(&self) -> Option<Self> {
        let fits = |panels: &Panels| panels.rows.is_multiple_of(2) && !is_narrow(panels.columns);
        let int16 = || Self(self.0.iter().map(|panels| Arc::new(panels.to_int16())).collect());
        (self.factor() == Factor::F32 && self.0.iter().all(|panels| fits(panels))).then(int16)
    }

    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.0.iter().map(|panels| panels.rows * panels.columns).sum()
    }

    /// How many panels.
    pub fn count(&self) -> usize {
        self.0.iter().map(|panels| panels.count()).sum()
    }

    /// One panel, its first output counted from the first of all.
    pub fn panel(&self, mut index: usize) -> Panel<'_> {
        let (mut matrix, mut first) = (0, 0);
        while index >= self.0[matrix].count() {
            index -= self.0[matrix].count();
            first += self.0[matrix].columns;
            matrix += 1;
        }
        let panel = self.0[matrix].panel(index);
        Panel { first: first + panel.first, ..panel }
    }
}

/// Padded columns of a matrix of so many.
fn padded(columns: usize) -> usize {
    if is_narrow(columns) { columns } else { columns.next_multiple_of(LANES) }
}

/// Whether so many columns are a narrow panel.
pub fn is_narrow(columns: usize) -> bool {
    columns <= NARROW
}

impl Panels {
    /// Packs the weights that `weight(output, row)` gives.
    pub fn new(kind: Kind, columns: usize, rows: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let data = match kind {
            Kind::F32 => Data::F32(packed(columns, rows, 1, weight)),
            Kind::Half => Data::Bf16(packed(columns, rows, 2, |output, row| bf16::from_f32(weight(output, row)))),
        };
        Self { rows, columns, data }
    }

    /// The same as integers from `-MOST` to `MOST` of [`int16`](super::kernels::int16), with a scale for each output.
    pub fn int16(rows: usize, mut scales: Vec<f32>, weight: impl Fn(usize, usize) -> i16) -> Self {
        let columns = scales.len();
        let weights = packed(columns, rows, Factor::Int16.together(), weight);
        scales.resize(padded(columns), 0.0);
        Self { rows, columns, data: Data::Int16 { weights, scales } }
    }

    /// These weights as such integers; a wide matrix of whole pairs of rows.
    pub fn to_int16(&self) -> Self {
        let (columns, rows) = (self.columns, self.rows);
        let mut scales = vec![0.0; padded(columns)];
        let mut weights = AlignedVec::zeros(padded(columns) * rows);
        let places = weights.par_chunks_mut(PANEL * rows).zip(scales.par_chunks_mut(PANEL));
        places.enumerate().for_each(|(index, (weights, scales))| {
            int16::quantize_columns::<false>(&self.exact(index), scales, weights);
        });
        Self { rows, columns, data: Data::Int16 { weights, scales } }
    }

    /// The same of weights that f16 holds exactly, to be multiplied as f32.
    pub fn f16(columns: usize, rows: usize, weight: impl Fn(usize, usize) -> f16) -> Self {
        Self { rows, columns, data: Data::F16(packed(columns, rows, 1, weight)) }
    }

    /// The same as int8, from -127 to 127, with a scale for each output: half the memory of f16. `factor` is what they are
    /// multiplied as; all of them are exact in any.
    pub fn int8(factor: Factor, rows: usize, mut scales: Vec<f32>, weight: impl Fn(usize, usize) -> i8) -> Self {
        let columns = scales.len();
        let weights = packed(columns, rows, factor.together(), weight);
        scales.resize(padded(columns), 0.0);
        Self { rows, columns, data: Data::Int8 { factor, weights, scales } }
    }

    /// Panels of f32 that are made one by one, side by side: `fill` writes the weights of the panel of which it is given the
    /// first output and the width.
    pub fn made(columns: usize, rows: usize, fill: impl Fn(usize, usize, &mut [f32]) + Sync) -> Self {
        let mut data = AlignedVec::zeros(padded(columns) * rows);
        data.par_chunks_mut(PANEL * rows).enumerate().for_each(|(index, panel)| {
            fill(index * PANEL, panel.len() / rows, panel);
        });
        Self { rows, columns, data: Data::F32(data) }
    }

    /// As what its weights are multiplied.
    pub fn factor(&self) -> Factor {
        match self.data {
            Data::F32(_) | Data::F16(_) => Factor::F32,
            Data::Bf16(_) => Factor::Bf16,
            Data::Int16 { .. } => Factor::Int16,
            Data::Int8 { factor, .. } => factor,
        }
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::F32(data) => size_of_val(&**data),
            Data::Bf16(data) => size_of_val(&**data),
            Data::F16(data) => size_of_val(&**data),
            Data::Int16 { weights, scales } => size_of_val(&**weights) + size_of_val(&**scales),
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
            Data::F16(data) => Numbers::F16(&data[range]),
            Data::Int16 { weights, .. } => Numbers::Int16(&weights[range]),
            Data::Int8 { weights, .. } => Numbers::Int8(&weights[range]),
        };
        let scales = match &self.data {
            Data::Int16 { scales, .. } | Data::Int8 { scales, .. } => &scales[first..][..width],
            _ => &[],
        };
        Panel { weights, width, first, columns: (self.columns - first).min(width), scales }
    }

    /// The weights of one panel that are multiplied as f32, row after row.
    pub fn exact(&self, index: usize) -> Cow<'_, [f32]> {
        let panel = self.panel(index);
        match panel.weights {
            Numbers::F32(weights) => Cow::Borrowed(weights),
            Numbers::F16(weights) => Cow::Owned(weights.to_f32_vec()),
            Numbers::Int8(weights) => {
                let rows = weights.chunks_exact(panel.width);
                let scaled =
                    |row: &[i8]| row.iter().zip(panel.scales).map(|(w, s)| f32::from(*w) * s).collect::<Vec<_>>();
                Cow::Owned(rows.flat_map(scaled).collect())
            }
            // In pairs: nobody asks for them.
            Numbers::Bf16(_) | Numbers::Int16(_) => Cow::Owned(vec![f32::NAN; panel.width * self.rows]),
        }
    }

    /// The largest size of each padded column's weights, as they lie: without scales.
    pub fn largest(&self) -> Vec<f32> {
        let of = |index: usize| {
            let panel = self.panel(index);
            let weights: Cow<'_, [f32]> = match panel.weights {
                Numbers::F32(weights) => Cow::Borrowed(weights),
                Numbers::F16(weights) => Cow::Owned(weights.to_f32_vec()),
                Numbers::Int8(weights) => Cow::Owned(weights.iter().copied().map(f32::from).collect()),
                // In pairs: nobody asks for them.
                Numbers::Bf16(_) | Numbers::Int16(_) => Cow::Owned(vec![f32::NAN; panel.width * self.rows]),
            };
            // Bits without signs are in the order of the numbers, and those of what is no number are the largest.
            let mut largest = vec![0; panel.width];
            for row in weights.chunks_exact(panel.width) {
                largest.iter_mut().zip(row).for_each(|(largest, w)| *largest = w.abs().to_bits().max(*largest));
            }
            largest.into_iter().map(f32::from_bits).collect::<Vec<_>>()
        };
        (0..self.count()).into_par_iter().map(of).collect::<Vec<_>>().concat()
    }

    /// One weight again.
    pub fn weight(&self, output: usize, row: usize) -> f32 {
        if is_narrow(self.columns) {
            let at = output * self.rows + row;
            return match &self.data {
                Data::F32(data) => data[at],
                Data::Bf16(data) => data[at].to_f32(),
                Data::F16(data) => data[at].to_f32(),
                Data::Int16 { weights, scales } => f32::from(weights[at]) * scales[output],
                Data::Int8 { weights, scales, .. } => f32::from(weights[at]) * scales[output],
            };
        }
        let panel = self.panel(output / PANEL);
        let (column, together) = (output % PANEL, self.factor().together());
        let at = (row / together * panel.width + column) * together + row % together;
        match panel.weights {
            Numbers::F32(weights) => weights[at],
            Numbers::Bf16(weights) => weights[at].to_f32(),
            Numbers::F16(weights) => weights[at].to_f32(),
            Numbers::Int16(weights) => f32::from(weights[at]) * panel.scales[column],
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
) -> AlignedVec<T> {
    assert!(rows.is_multiple_of(together), "{rows} rows of weights cannot lie {together} by {together}");
    let mut data = AlignedVec::zeros(padded(columns) * rows);
    if is_narrow(columns) {
        data.iter_mut().enumerate().for_each(|(at, place)| *place = weight(at / rows, at % rows));
        return data;
    }
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
    fn a_row_counts_outputs_on() {
        let weight = |o: usize, r: usize| (o * 4 + r) as f32;
        for kind in [Kind::F32, Kind::Half] {
            let all = [37, 3, 48].map(|columns| Arc::new(Panels::new(kind, columns, 4, weight)));
            let [first, others @ ..] = all.clone();
            let row = Row::new(first, others.into());
            assert_eq!((row.count(), row.factor().kind()), (5, kind));
            let found: Vec<[usize; 3]> =
                (0..5).map(|at| row.panel(at)).map(|p| [p.first, p.columns, p.width]).collect();
            assert_eq!(found, [[0, 32, 32], [32, 5, 16], [37, 3, 3], [40, 32, 32], [72, 16, 16]]);
            let (own, here) = (all[2].panel(1).weights, row.panel(4).weights);
            assert_eq!(format!("{own:?}"), format!("{here:?}"));
        }
    }

    #[test]
    fn few_outputs_lie_one_after_the_other() {
        for kind in [Kind::F32, Kind::Half] {
            let panels = Panels::new(kind, 3, 10, |o, r| (o * 10 + r) as f32);
            assert_eq!((panels.count(), panels.panel(0).width, panels.panel(0).columns), (1, 3, 3));
            let expected: Vec<f32> = (0..30).map(|v| v as f32).collect();
            match panels.panel(0).weights {
                Numbers::F32(weights) => assert_eq!(weights, expected),
                Numbers::Bf16(weights) => assert!(weights.iter().map(|w| w.to_f32()).eq(expected)),
                _ => panic!("kept in less room"),
            }
            assert_eq!(panels.weight(2, 3), 23.0);
        }
    }

    #[test]
    fn int16_rows_lie_in_pairs() {
        let panels = Panels::int16(4, vec![0.5; 33], |o, r| (o * 4 + r) as i16);
        let Numbers::Int16(weights) = panels.panel(1).weights else { panic!("not int16") };
        assert_eq!((weights.len(), &weights[..3], &weights[32..34]), (16 * 4, &[128, 129, 0][..], &[130, 131][..]));
        for (output, row) in [(0, 0), (1, 3), (31, 2), (32, 1)] {
            assert_eq!(panels.weight(output, row), (output * 4 + row) as f32 / 2.0);
        }
        assert_eq!((panels.panel(1).scales[0], panels.panel(1).scales[1]), (0.5, 0.0));
    }

    #[test]
    fn rows_of_bf16_lie_in_pairs() {
        let panels = Panels::new(Kind::Half, 33, 4, |o, r| (o * 4 + r) as f32);
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
