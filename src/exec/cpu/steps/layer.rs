//! The kernels of a convolution: one over the whole map, or several that each make some of the outputs.

use std::sync::Arc;

use crate::exec::cpu::kernels::PANEL;
use crate::exec::cpu::panels::{Panels, Row};
use crate::exec::planner::{Axis, Kind, Span};
use crate::graph::Padding;

/// Weights of a layer at most that are kept a second time, as integers. Where there are more, pixels are few, and it is the weights'
/// way here that takes long.
const KEPT: usize = 1 << 22;

/// Whether a layer of so many weights keeps them so.
pub fn keeps_int16(weights: usize) -> bool {
    weights <= KEPT
}

/// What a convolution multiplies with, and how its kernels move.
pub struct Layer {
    /// Its kernels, all of the same side and with as many outputs.
    pub parts: Vec<Part>,
    /// Side of a kernel.
    pub side: usize,
    /// From where a kernel begins for an output to where it begins for the next, in pixels of the input.
    pub stride: usize,
    /// From one output of a part to the next, in pixels of the output.
    pub spread: usize,
    /// Zeros before the input, from which places are counted.
    pub padding: Padding,
    /// Biases of a layer whose second half of outputs, through GELU, is multiplied into the first.
    pub gate: Option<Arc<Vec<f32>>>,
}

/// A kernel and its outputs.
pub struct Part {
    /// The kernel, rows in the order h, w, in.
    pub panels: Row,
    /// Added to each output.
    pub bias: Arc<Vec<f32>>,
    /// Row and column where the kernel begins for the first output, seen from the first zero before the input.
    pub from: [usize; 2],
    /// Row and column of that output.
    pub first: [usize; 2],
    /// Rows and columns of outputs.
    pub grid: [usize; 2],
}

impl Part {
    /// Row and column of an output in the grid.
    pub fn place(&self, output: usize) -> [usize; 2] {
        [output / self.grid[1], output % self.grid[1]]
    }
}

impl Layer {
    /// A kernel over a whole map, with outputs for the rows and columns of `grid`.
    pub fn whole(
        panels: Row,
        bias: Arc<Vec<f32>>,
        side: usize,
        (stride, padding): (usize, Padding),
        grid: [usize; 2],
    ) -> Self {
        let parts = vec![Part { panels, bias, from: [0, 0], first: [0, 0], grid }];
        Self { parts, side, stride, spread: 1, padding, gate: None }
    }

    /// A kernel of 3 x 3, with a pixel of zeros around, over a doubled map of the rows and columns of `grid` before it was doubled.
    /// Each pixel of a 2 x 2 block of outputs sees 2 x 2 pixels, with the weights that fall on the same pixel added up.
    pub fn doubled(panels: &Panels, bias: &Arc<Vec<f32>>, grid: [usize; 2]) -> Self {
        let corners = [[0, 0], [0, 1], [1, 0], [1, 1]];
        let parts = corners.map(|corner| {
            let panels = Row::new(Arc::new(halved(panels, corner)), Vec::new());
            Part { panels, bias: bias.clone(), from: corner, first: corner, grid }
        });
        Self { parts: parts.into(), side: 2, stride: 1, spread: 2, padding: Padding::all(1), gate: None }
    }

    /// The same layer with kernels of integers where it reads pixels of so many `channels` side by side, as far as it may have such.
    pub fn with_int16(mut self, channels: usize) -> Self {
        let weights = self.parts.iter().map(|part| part.panels.weights()).sum();
        if self.side > 1 && channels.is_multiple_of(2) && keeps_int16(weights) {
            for part in &mut self.parts {
                if let Some(int16) = part.panels.to_int16() {
                    part.panels = int16;
                }
            }
        }
        self
    }

    /// Two kernels in a row as one, along `axes`, with factors of `kind`.
    pub fn composed(first: &Kernel, second: &Kernel, axes: &[Axis; 2], kind: Kind) -> Self {
        let [rows, columns] = axes;
        let product = Product::new(first, second);
        let spans = rows.spans.iter().flat_map(|y| columns.spans.iter().map(move |x| [y, x]));
        let parts = spans.map(|[y, x]| {
            let (weights, bias) = product.over([y, x], [rows.side, columns.side]);
            let depth = weights.len() / second.panels.columns;
            let panels = Panels::new(kind, second.panels.columns, depth, |output, row| weights[output * depth + row]);
            Part {
                panels: Row::new(Arc::new(panels), Vec::new()),
                bias: Arc::new(bias),
                from: [y.from, x.from],
                first: [y.first, x.first],
                grid: [y.count, x.count],
            }
        });
        let parts = parts.collect();
        let padding = Padding { top: rows.zeros[0], left: columns.zeros[0], ..Padding::all(0) };
        Self { parts, side: rows.side, stride: rows.stride, spread: rows.spread, padding, gate: None }
    }
}

/// A kernel that is to be composed with another.
pub struct Kernel {
    /// Its weights, rows in the order h, w, in.
    pub panels: Arc<Panels>,
    /// Added to each output.
    pub bias: Arc<Vec<f32>>,
    /// Height and width.
    pub sides: [usize; 2],
}

impl Kernel {
    /// Channels it reads.
    fn inputs(&self) -> usize {
        self.panels.rows / self.sides[0] / self.sides[1]
    }
}

/// Each tap of a kernel times each tap of another that reads its outputs, summed over the channels between.
struct Product {
    /// Of the taps (row, column) of the second and of the first: outputs of the second, each with the inputs of the first.
    taps: Vec<Vec<f32>>,
    /// Of each tap of the second: what the biases of the first come to in each output of the second.
    biases: Vec<Vec<f32>>,
    /// Added to each output of the second.
    bias: Vec<f32>,
    /// Height and width of the first and of the second.
    sides: [[usize; 2]; 2],
    inputs: usize,
}

impl Product {
    fn new(first: &Kernel, second: &Kernel) -> Self {
        let (inputs, between, outputs) = (first.inputs(), second.inputs(), second.panels.columns);
        let [firsts, seconds] = [first, second].map(|kernel| kernel.sides[0] * kernel.sides[1]);
        // By tap: rows of what is read, each with all that is made of it.
        let flat = |kernel: &Kernel, tap: usize| -> Vec<f32> {
            let (rows, columns) = (kernel.inputs(), kernel.panels.columns);
            let weight = |at: usize| kernel.panels.weight(at % columns, tap * rows + at / columns);
            (0..rows * columns).map(weight).collect()
        };
        let of_first: Vec<Vec<f32>> = (0..firsts).map(|tap| flat(first, tap)).collect();
        let of_second: Vec<Vec<f32>> = (0..seconds).map(|tap| flat(second, tap)).collect();
        let mut taps = Vec::with_capacity(firsts * seconds);
        for weights in &of_second {
            for others in &of_first {
                let dot = |at: usize| -> f32 {
                    let (output, input) = (at / inputs, at % inputs);
                    let products = (0..between).map(|m| weights[m * outputs + output] * others[input * between + m]);
                    products.sum()
                };
                taps.push((0..outputs * inputs).map(dot).collect());
            }
        }
        let biases = of_second.iter().map(|weights| {
            let sum = |output: usize| (0..between).map(|m| weights[m * outputs + output] * first.bias[m]).sum();
            (0..outputs).map(sum).collect()
        });
        let (biases, bias) = (biases.collect(), second.bias.to_vec());
        Self { taps, biases, bias, sides: [first.sides, second.sides], inputs }
    }

    /// The composed kernel of some outputs, output after output with rows in the order h, w, in, and their biases.
    fn over(&self, [y, x]: [&Span; 2], [height, width]: [usize; 2]) -> (Vec<f32>, Vec<f32>) {
        let [first, second] = self.sides;
        let (inputs, mut bias) = (self.inputs, self.bias.clone());
        let depth = height * width * inputs;
        let mut weights = vec![0.0; bias.len() * depth];
        for &[row, above, below] in &y.taps {
            for &[column, left, right] in &x.taps {
                let (tap, other) = (below * second[1] + right, above * first[1] + left);
                let products = &self.taps[tap * first[0] * first[1] + other];
                for (output, products) in products.chunks_exact(inputs).enumerate() {
                    let place = output * depth + (row * width + column) * inputs;
                    weights[place..][..inputs].iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
                if [above, left] == [0, 0] {
                    bias.iter_mut().zip(&self.biases[tap]).for_each(|(sum, part)| *sum += part);
                }
            }
        }
        (weights, bias)
    }
}

/// The 2 x 2 kernel that a 3 x 3 kernel is, over a doubled map, for the outputs at `corner` of each block.
fn halved(panels: &Panels, corner: [usize; 2]) -> Panels {
    let inner = panels.rows / 9;
    // Which of the three taps of an axis fall on its first and second pixel.
    let falls = |at: usize, pixel: usize| match (at, pixel) {
        (0, 0) => 0..1,
        (0, _) => 1..3,
        (_, 0) => 0..2,
        _ => 2..3,
    };
    // Which rows of the wide kernel are the row of the small one.
    let parts = |row: usize| {
        let (y, x, c) = (row / inner / 2, row / inner % 2, row % inner);
        falls(corner[0], y).flat_map(move |ky| falls(corner[1], x).map(move |kx| (ky * 3 + kx) * inner + c))
    };
    match panels.factor().kind() {
        Kind::F32 => Panels::made(panels.columns, 4 * inner, |first, width, out| {
            let weights = panels.exact(first / PANEL);
            for (row, sums) in out.chunks_exact_mut(width).enumerate() {
                for part in parts(row) {
                    let weights = &weights[part * width..][..width];
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
                }
            }
        }),
        Kind::Half => Panels::new(Kind::Half, panels.columns, 4 * inner, |output, row| {
            parts(row).map(|part| panels.weight(output, part)).sum()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::cpu::panels::Factor;

    /// What weights of a kernel of `side` over so many channels, with so many outputs, are multiplied as where integers are quick.
    fn factor(side: usize, channels: usize, outputs: usize) -> Factor {
        let weight = |output: usize, row: usize| ((output * 31 + row * 7) % 255) as f32 - 127.0;
        let panels = Arc::new(Panels::new(Kind::F32, outputs, side * side * channels, weight));
        let (row, bias) = (Row::new(panels.clone(), Vec::new()), Arc::new(vec![0.0; outputs]));
        let layer = Layer::whole(row, bias, side, (1, Padding::all(1)), [8, 8]).with_int16(channels);
        let factor = layer.parts[0].panels.factor();
        if factor == Factor::Int16 {
            let (int16, rows) = (panels.to_int16(), side * side * channels);
            for (output, row) in (0..outputs).flat_map(|output| (0..rows).map(move |row| (output, row))) {
                let error = (panels.weight(output, row) - int16.weight(output, row)).abs();
                assert!(error <= 0.501 * 127.0 / 4095.0, "{error}");
            }
        }
        factor
    }

    #[test]
    fn int16_kernels_are_wide_and_of_whole_pairs() {
        assert_eq!([factor(3, 64, 48), factor(2, 6, 5), factor(3, 256, 512)], [Factor::Int16; 3]);
        assert_eq!([factor(3, 64, 4), factor(3, 7, 64), factor(1, 64, 64), factor(3, 512, 1024)], [Factor::F32; 4]);
    }
}
