//! What each step costs, and what this machine could do at best.

use std::time::Instant;

use super::kernels::{Kernels, MAX_ROWS, PANEL, Tile};
use super::team::Team;
use super::winograd;
use crate::exec::planner::{Fused, Item};
use crate::graph::{Graph, NodeId, Op};

/// Numbers under a tile when the arithmetic alone is timed: they and their weights stay in the first-level cache.
const RUN: usize = 128;
/// Rows of all tiles of that timing.
const ROWS: usize = 80_000;
/// Numbers each thread copies when memory is timed: more than the second-level cache.
const COPIED: usize = 1 << 22;

/// What a step is and what it has to do at least.
#[derive(Clone, Debug)]
pub struct About {
    /// The op and the path of its module.
    pub what: String,
    /// Shape of the result.
    pub shape: String,
    /// Floating-point operations.
    pub flops: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl About {
    /// Of something that no node asks for.
    pub fn nothing(what: &str) -> Self {
        Self { what: what.into(), shape: String::new(), flops: 0, bytes: 0 }
    }

    /// Of something that is to be done; whether a convolution is done by [`winograd`].
    pub fn new(graph: &Graph, steps: &[Fused], item: Item, winograd: impl Fn(&Fused) -> bool) -> Self {
        let moved = |ids: &[NodeId]| ids.iter().map(|id| size_of::<f32>() * graph.node(*id).shape.len()).sum::<usize>();
        let about = |what: String, id: NodeId, flops: u64, bytes: usize| {
            let node = graph.node(id);
            Self { what: format!("{what} {}", node.path), shape: node.shape.to_string(), flops, bytes: bytes as u64 }
        };
        match item {
            Item::Fused(index) => {
                let step = &steps[index];
                let op = &graph.node(step.main).op;
                let nominal = graph.node_flops(step.main);
                let (way, flops) = match (winograd(step), step.doubled) {
                    (true, _) => (" winograd", winograd::flops(graph, step)),
                    // A kernel of 3 x 3 over a doubled map is done as four of 2 x 2.
                    (false, true) => (" doubled", nominal * 4 / 9),
                    (false, false) => ("", nominal),
                };
                let inputs = graph.node(step.main).inputs[..].iter().skip(1).copied();
                let others = step.posts.iter().filter_map(|post| post.other());
                let values: Vec<NodeId> = inputs.chain(others).chain([step.source, step.result]).collect();
                let weights: usize = op.weights().map(|id| graph.weight(id).shape.iter().product::<usize>()).sum();
                let name = format!("{}{way}", op.name());
                about(name, step.result, flops, moved(&values) + size_of::<f32>() * weights)
            }
            Item::Copy { from, .. } => about("copy".into(), from, 0, moved(&[from, from])),
            Item::Pack(index) => {
                let node = graph.node(steps[index].main);
                debug_assert!(matches!(node.op, Op::Attention { .. }), "keys are packed for attention only");
                about("pack keys".into(), node.inputs[1], 0, 2 * moved(&node.inputs[1..]))
            }
            Item::Measure(index) => about("moments".into(), steps[index].source, 0, moved(&[steps[index].source])),
            Item::Border(_) => Self::nothing("zeros around a map"),
        }
    }
}

/// Operations a second of the innermost loop alone, on all threads.
pub fn flops_per_s(team: &Team, kernels: &Kernels, bf16: bool) -> f64 {
    use half::bf16 as Half;
    let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| row * RUN);
    let (rows, taps) = (kernels.rows, [0]);
    let (input, weights) = ([0.5; MAX_ROWS * RUN], vec![0.5; RUN * PANEL]);
    let halves = |len: usize| vec![Half::ONE; len];
    let (half_input, half_weights) = (halves(MAX_ROWS * RUN), halves(RUN * PANEL));
    let pixels = &pixels[..rows];
    let tiles = ROWS / rows;
    let work = || {
        let mut out = [0.0f32; MAX_ROWS * PANEL];
        let mut tiles_done = |hold: bool| {
            if bf16 {
                let (input, weights) = (&half_input[..], &half_weights[..]);
                kernels
                    .tile_bf16(&Tile { input, pixels, taps: &taps, run: RUN, weights, width: PANEL, hold }, &mut out);
            } else {
                let (input, weights) = (&input[..], &weights[..]);
                kernels.tile(&Tile { input, pixels, taps: &taps, run: RUN, weights, width: PANEL, hold }, &mut out);
            }
        };
        (0..tiles).for_each(|tile| tiles_done(tile % 2 == 1));
        std::hint::black_box(out[0]);
    };
    // The first time a thread uses them, the system makes room for its registers and the processor wakes what multiplies.
    team.together(work);
    let seconds = team.together(work);
    (2 * rows * RUN * PANEL * tiles * team.threads()) as f64 / seconds
}

/// Bytes a second, read and written, of a copy on all threads.
pub fn bytes_per_s(team: &Team) -> f64 {
    let copy = || {
        let (from, mut to) = (vec![1.0f32; COPIED], vec![0.0f32; COPIED]);
        // The first time the system makes the pages.
        to.copy_from_slice(&from);
        let begun = Instant::now();
        for _ in 0..8 {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
        }
        begun.elapsed().as_secs_f64() / 8.0
    };
    let seconds = team.each(copy).into_iter().fold(0.0, f64::max);
    (2 * size_of::<f32>() * COPIED * team.threads()) as f64 / seconds
}
