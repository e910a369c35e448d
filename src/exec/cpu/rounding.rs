//! Which values lie rounded in memory: those that everybody who reads them rounds first of all.

use crate::exec::planner::{Fused, Places};
use crate::graph::{Graph, NodeId, Op};

/// The pieces whose values are only read by steps that round them, and made by steps that can. `rounds` says whether a step
/// rounds what it reads of a value before it does anything else with it.
pub fn rounded(
    graph: &Graph,
    steps: &[Fused],
    places: &Places,
    results: &[NodeId],
    rounds: impl Fn(&Fused, NodeId) -> bool,
) -> Vec<usize> {
    let mut rounded = vec![true; places.pieces.len()];
    let mut exact = |id: NodeId| rounded[places.piece(id)] = false;
    results.iter().copied().for_each(&mut exact);
    graph.inputs().for_each(|(_, id)| exact(id));
    for &(from, to, _) in &places.copies {
        exact(from);
        exact(to);
    }
    for step in steps.iter().filter(|step| !places.is_free(step)) {
        let node = graph.node(step.main);
        let can = matches!(
            node.op,
            Op::Conv2d { .. }
                | Op::Linear { .. }
                | Op::GroupNorm { .. }
                | Op::LayerNorm { .. }
                | Op::Attention { .. }
                | Op::Geglu
        );
        if matches!(node.op, Op::Concat) {
            continue;
        }
        if !can {
            exact(step.result);
        }
        step.posts.iter().filter_map(|post| post.other()).for_each(&mut exact);
        let read = node.inputs.iter().skip(1).copied().chain((!node.inputs.is_empty()).then_some(step.source));
        read.filter(|id| !rounds(step, *id)).for_each(&mut exact);
    }
    (0..rounded.len()).filter(|piece| rounded[*piece]).collect()
}
