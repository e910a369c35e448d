//! Which convolutions are done the short way of [`kernels::winograd`](super::kernels::winograd), and their weights for it.

use super::kernels::winograd::{KERNEL, OUTPUTS, PLACES, SIDE};
use super::kernels::{LANES, NARROW, PANEL};
use super::panels::Panels;
use crate::exec::planner::{Fused, Kind, extent};
use crate::graph::{Graph, Op};

/// Bytes of weights that a layer may take in the other space: four times as many as it has.
const WEIGHTS: usize = 128 << 20;
/// What reading a weight costs, in products.
const READ: usize = 16;
/// Products of a kernel of 3 x 3, and of the four of 2 x 2 that it is over a doubled map.
const DIRECT: [usize; 2] = [9, 4];

/// Whether the convolution that `step` is pays off done this way: with wide kernels over many pixels it does.
///
/// Maps of bf16 go the direct way, whose instructions make two products a lane. By a count of instructions, a store as two, widening
/// them for f32 products gains 1.2 to 1.3 times at best (32 channels: 3570 for 4610 a tile) for eight times the bytes of weights.
pub fn suits(graph: &Graph, step: &Fused, kind: Kind) -> bool {
    let Op::Conv2d { weight, stride: 1, .. } = graph.node(step.main).op else { return false };
    let &[outputs, inputs, 3, 3] = &graph.weight(weight).shape[..] else { return false };
    let Some([_, height, width]) = tiles(graph, step) else { return false };
    let [_, h, w, _] = extent(&graph.node(step.result).shape);
    let direct = DIRECT[usize::from(step.doubled)] * (h * w + READ);
    // The transforms cost about a quarter of the products.
    let short = PLACES * (height * width * 5 / 4 + READ);
    let fits = size_of::<f32>() * PLACES * inputs * outputs <= WEIGHTS;
    kind == Kind::F32 && inputs.is_multiple_of(LANES) && outputs > NARROW && fits && short < direct
}

/// Operations of the products alone.
pub fn flops(graph: &Graph, step: &Fused) -> u64 {
    let node = graph.node(step.main);
    let channels: usize =
        node.op.weights().take(1).map(|id| graph.weight(id).shape[..2].iter().product::<usize>()).sum();
    tiles(graph, step).map_or(0, |tiles| (2 * PLACES * tiles.iter().product::<usize>() * channels) as u64)
}

/// Samples, and rows and columns of tiles.
fn tiles(graph: &Graph, step: &Fused) -> Option<[usize; 3]> {
    let [n, h, w, _] = graph.node(step.result).shape.as_map()?;
    Some([n, h.div_ceil(OUTPUTS), w.div_ceil(OUTPUTS)])
}

/// Kernels of 3 x 3 taken to the other space: [`PLACES`] matrices of as many rows as there are input channels, one below the other.
pub fn transformed(kernels: &Panels) -> Panels {
    let inputs = kernels.rows / 9;
    Panels::made(kernels.columns, PLACES * inputs, |first, width, out| {
        let weights = kernels.exact(first / PANEL);
        for input in 0..inputs {
            let row = |tap: usize| &weights[(tap * inputs + input) * width..][..width];
            // The kernel's rows first, then its columns.
            let mut between = [[[0.0f64; PANEL]; 3]; SIDE];
            for (between, factors) in between.iter_mut().zip(&KERNEL) {
                for (x, sums) in between.iter_mut().enumerate() {
                    for (y, factor) in factors.iter().enumerate() {
                        for (sum, weight) in sums.iter_mut().zip(row(y * 3 + x)) {
                            *sum += factor * f64::from(*weight);
                        }
                    }
                }
            }
            for place in 0..PLACES {
                let (between, factors) = (&between[place / SIDE], &KERNEL[place % SIDE]);
                let out = &mut out[(place * inputs + input) * width..][..width];
                for (column, out) in out.iter_mut().enumerate() {
                    *out = (0..3).map(|x| factors[x] * between[x][column]).sum::<f64>() as f32;
                }
            }
        }
    })
}
