//! Which values are kept in 16 bits on the GPU: all but those that are only worked on element by element.

use crate::exec::planner::{Fused, Places};
use crate::graph::{Graph, NodeId, Op};

/// By piece of memory: whether its values are of 16 bits. Latents between steps, results and what comes in keep all their
/// digits, for only sums and factors read them; products read nothing but 16 bits, and half the bytes make norms twice as fast.
pub fn halves(graph: &Graph, steps: &[Fused], places: &Places) -> Vec<bool> {
    // By piece: read by more than elementwise work; made by more than that; read by elementwise work of its own.
    let mut read = vec![false; places.pieces.len()];
    let mut made = read.clone();
    let mut watched = read.clone();
    for step in steps.iter().filter(|step| !places.is_free(step)) {
        let node = graph.node(step.main);
        let mut sources: Vec<NodeId> = node.inputs.iter().skip(1).copied().collect();
        sources.extend((!node.inputs.is_empty()).then_some(step.source));
        let others = step.posts.iter().filter_map(|post| post.other());
        if is_elementwise(&node.op) {
            sources.into_iter().chain(others).for_each(|id| watched[places.piece(id)] = true);
        } else {
            // Ids are whole numbers.
            let rounded = sources.into_iter().filter(|_| !matches!(node.op, Op::Embedding { .. }));
            rounded.for_each(|id| read[places.piece(id)] = true);
            made[places.piece(step.result)] = true;
        }
    }
    let results = graph.outputs().iter().map(|(_, id)| places.piece(*id));
    results.for_each(|piece| watched[piece] = true);
    (0..read.len()).map(|piece| read[piece] || made[piece] && !watched[piece]).collect()
}

fn is_elementwise(op: &Op) -> bool {
    matches!(op, Op::Activate(_) | Op::Affine { .. } | Op::Add | Op::Mul | Op::FromPixels | Op::ToPixels)
}
