//! Which convolutions are done by Winograd ([`kernels::winograd`](super::kernels::winograd)), and which along rows alone
//! ([`kernels::strip`](super::kernels::strip)).

use super::kernels::strip::{self, CHANNELS};
use super::kernels::winograd::{OUTPUTS, PLACES, SIDE, TAPS};
use super::kernels::{LANES, NARROW};
use super::packing::CpuPacked;
use super::panels::Factor;
use super::steps::keeps_int16;
use crate::exec::planner::{Fused, Kind, extent};
use crate::graph::{Graph, Op, Padding};

/// What reading a weight costs, in products.
const READ: usize = 16;
/// What taking a weight to the Winograd domain costs, in products.
const FILTER_TRANSFORM: usize = 120;
/// Weights of a layer, without its pixels, below which what is done around the products takes longer than they do: over few pixels
/// nothing is gained.
const SMALL_LAYER: usize = 1 << 13;
/// Strips of a layer below which nothing is gained.
const FEWEST_STRIPS: usize = 16;
/// What quantizing a value in the Winograd domain costs, and how much more an integer weight costs there than one of f32, in
/// products of f32.
const QUANTIZE: [usize; 2] = [16, 2];
/// Numbers of kernels in the Winograd domain that a layer keeps at most, of f32 and pairs of integers. More of f32 come later from
/// memory than they are made anew: all that a network keeps has no room in a cache. Integers are dearer to make.
const KEPT: [usize; 2] = [3 << 17, 1 << 20];
/// Products of a kernel of 3 x 3, and of the four of 2 x 2 that it is over a doubled map.
const DIRECT: [usize; 2] = [TAPS, 4];
/// Weights of those kernels.
const DIRECT_WEIGHTS: [usize; 2] = [TAPS, 4 * 4];

/// What products are made of where convolutions are planned.
#[derive(Clone, Copy, Debug)]
pub struct Products {
    /// As what weights are packed.
    pub factor: Factor,
    /// Whether pairs of integers are multiplied and summed by one instruction: at twice the rate of f32, even beside few pixels.
    pub pairs: bool,
}

/// Whether the convolution that `step` is pays off done this way: over more than a few pixels it does.
pub fn suits(graph: &Graph, step: &Fused, Products { factor, pairs }: Products) -> bool {
    let Op::Conv2d { weight, stride: 1, .. } = graph.node(step.main).op else { return false };
    let &[outputs, inputs, 3, 3] = &graph.weight(weight).shape[..] else { return false };
    let Some([_, height, width]) = tiles(graph, step) else { return false };
    let [_, h, w, _] = extent(&graph.node(step.result).shape);
    let direct = DIRECT[usize::from(step.doubled)] * (h * w + READ);
    let int16 = factor == Factor::Int16 && pairs;
    let halved = int16 && keeps_int16(inputs * outputs * DIRECT_WEIGHTS[usize::from(step.doubled)]);
    let direct = if halved { direct / 2 } else { direct };
    // The transforms of pixels cost about a quarter of the products; quantizing takes half of what these save.
    let quarters = if int16 && self::factor(graph, step, factor) == Factor::Int16 { 4 } else { 5 };
    let weights = if inputs * outputs < SMALL_LAYER { PLACES * READ } else { TAPS * READ + FILTER_TRANSFORM };
    let winograd = PLACES * height * width * quarters / 4 + weights;
    factor.kind() == Kind::F32
        && step.before.is_none()
        && inputs.is_multiple_of(LANES)
        && outputs > NARROW
        && winograd < direct
}

/// Whether a layer keeps kernels in the Winograd domain that are `cells` numbers of f32 or pairs of integers.
pub fn keeps(factor: Factor, cells: usize) -> bool {
    cells <= KEPT[usize::from(factor == Factor::Int16)]
}

/// As what the products of such a convolution are multiplied beside weights that are `packed` so: as integers where that pays off.
/// Those of 13 bits, with a scale for each place, lose less than bf16 does without going there.
pub fn factor(graph: &Graph, step: &Fused, packed: Factor) -> Factor {
    let Op::Conv2d { weight, .. } = graph.node(step.main).op else { return Factor::F32 };
    let (shape, tiles) = (&graph.weight(weight).shape, tiles(graph, step).unwrap_or_default());
    let (outputs, inputs, tiles) = (shape[0], shape[1], tiles.into_iter().product::<usize>());
    let kernels = if keeps(packed, PLACES * inputs * outputs / 2) { 0 } else { outputs * QUANTIZE[1] };
    if packed == Factor::Int16 && tiles * QUANTIZE[0] + kernels < tiles * outputs / 2 { packed } else { Factor::F32 }
}

/// Whether the convolution that `step` is pays off along rows alone, where factors are of bf16. Of deep layers each task takes the
/// kernels there again, for which it must have many strips.
///
/// Rows and columns, for f32 products of widened maps, would gain less by a count of instructions, for eight times the bytes of
/// weights.
pub fn suits_strips(graph: &Graph, step: &Fused, packed: &CpuPacked) -> bool {
    let Op::Conv2d { weight, stride: 1, padding, .. } = graph.node(step.main).op else { return false };
    let weight = graph.weight(weight);
    let &[outputs, inputs, 3, 3] = &weight.shape[..] else { return false };
    let [n, h, w, _] = extent(&graph.node(step.result).shape);
    let rounded = packed.panels(weight).is_ok_and(|panels| panels.factor() == Factor::Bf16);
    let plain = !step.doubled && step.before.is_none() && padding == Padding::all(1);
    let wide = inputs.is_multiple_of(CHANNELS) && outputs > NARROW && w.is_multiple_of(OUTPUTS);
    rounded && plain && wide && n * h * w / OUTPUTS >= FEWEST_STRIPS
}

/// Operations of the products of that.
pub fn strip_flops(graph: &Graph, step: &Fused) -> u64 {
    graph.node_flops(step.main) * SIDE as u64 / (OUTPUTS * strip::TAPS) as u64
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
