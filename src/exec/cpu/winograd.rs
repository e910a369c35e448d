//! Which convolutions are done the short way of [`kernels::winograd`](super::kernels::winograd).

use super::kernels::winograd::{OUTPUTS, PLACES, TAPS};
use super::kernels::{LANES, NARROW};
use crate::exec::planner::{Fused, Kind, extent};
use crate::graph::{Graph, Op};

/// What reading a weight costs, in products.
const READ: usize = 16;
/// What taking a weight to the other space costs, in products.
const LIFT: usize = 120;
/// Weights of a layer, without its pixels, below which what is done around the products takes longer than they do: over few pixels
/// nothing is gained.
const FEW: usize = 1 << 13;
/// Products of a kernel of 3 x 3, and of the four of 2 x 2 that it is over a doubled map.
const DIRECT: [usize; 2] = [TAPS, 4];

/// Whether the convolution that `step` is pays off done this way: over more than a few pixels it does.
///
/// Maps of bf16 go the direct way, whose instructions make two products a lane. By a count of instructions, a store as two and
/// transforms not overlapped, widening them for f32 products would gain 1.2 to 1.3 times, for eight times the bytes of weights.
pub fn suits(graph: &Graph, step: &Fused, kind: Kind) -> bool {
    let Op::Conv2d { weight, stride: 1, .. } = graph.node(step.main).op else { return false };
    let &[outputs, inputs, 3, 3] = &graph.weight(weight).shape[..] else { return false };
    let Some([_, height, width]) = tiles(graph, step) else { return false };
    let [_, h, w, _] = extent(&graph.node(step.result).shape);
    let direct = DIRECT[usize::from(step.doubled)] * (h * w + READ);
    // The transforms of pixels cost about a quarter of the products.
    let weights = if inputs * outputs < FEW { PLACES * READ } else { TAPS * READ + LIFT };
    let short = PLACES * height * width * 5 / 4 + weights;
    kind == Kind::F32 && step.before.is_none() && inputs.is_multiple_of(LANES) && outputs > NARROW && short < direct
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
