//! Which values are kept in 16 bits on the GPU: all but those that are only worked on element by element. And which may be fp8.

use super::kernels::MOST_TAPS;
use crate::exec::planner::{Fused, Places};
use crate::graph::{Graph, NodeId, Op, Weight};

/// Fp8 numbers that are loaded together.
const TOGETHER: usize = 16;
/// Products of so many outputs take little time; one of them is a network's last.
const NARROW: usize = 16;

/// By piece of memory: whether its values are of 16 bits. Latents between steps, results and what comes in keep all their
/// digits, for only sums and factors read them; products read nothing but 16 bits, and half the bytes make norms twice as fast.
pub fn in_16_bits(graph: &Graph, steps: &[Fused], places: &Places) -> Vec<bool> {
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
            // Ids are integers.
            let rounded = sources.into_iter().filter(|_| !matches!(node.op, Op::Embedding { .. }));
            rounded.for_each(|id| read[places.piece(id)] = true);
            made[places.piece(step.result)] = true;
        }
    }
    let results = graph.outputs().iter().map(|(_, id)| places.piece(*id));
    results.for_each(|piece| watched[piece] = true);
    (0..read.len()).map(|piece| read[piece] || made[piece] && !watched[piece]).collect()
}

/// By piece of memory: whether its values may be fp8 numbers, as factors of products are that multiply such numbers. They are
/// where a norm or a gate leads into products and nothing else: values there are near one, four digits of which products forgive.
/// What layers hand on beside that, as sums, keeps its digits. All of a piece is one value then, and `may` says of which weights the
/// GPU can have such numbers.
pub fn in_fp8(
    graph: &Graph,
    steps: &[Fused],
    places: &Places,
    results: &[NodeId],
    may: impl Fn(&Weight) -> bool,
) -> Vec<bool> {
    let multiplies = |step: &Fused| {
        let mut weights = step.mains().filter_map(|id| graph.node(id).op.weights().next());
        is_wide(graph, &graph.node(step.main).op) && weights.all(|weight| may(graph.weight(weight)))
    };
    let mut factors = vec![false; places.pieces.len()];
    let mut others = factors.clone();
    let mut refuse = |id: NodeId| others[places.piece(id)] = true;
    let whole = |id: NodeId| {
        let piece = &places.pieces[places.piece(id)];
        graph.node(id).shape.channels() == piece.extent[3] && piece.extent[3].is_multiple_of(TOGETHER)
    };
    results.iter().copied().for_each(&mut refuse);
    graph.inputs().map(|(_, id)| id).for_each(&mut refuse);
    places.copies.iter().flat_map(|(from, to, _)| [*from, *to]).for_each(&mut refuse);
    for step in steps.iter().filter(|step| !places.is_free(step)) {
        let node = graph.node(step.main);
        let beside = step.posts.iter().filter_map(|post| post.other());
        node.inputs.iter().skip(1).copied().chain(beside).for_each(&mut refuse);
        if multiplies(step) && whole(step.source) {
            factors[places.piece(step.source)] = true;
        } else if !node.inputs.is_empty() {
            refuse(step.source);
        }
    }
    let mut found = vec![false; places.pieces.len()];
    // In the order of the steps: what a product makes depends on what it reads.
    for step in steps.iter().filter(|step| !places.is_free(step)) {
        let makes = match graph.node(step.main).op {
            Op::GroupNorm { .. } | Op::LayerNorm { .. } => true,
            Op::Linear { .. } => step.gated && found[places.piece(step.source)],
            _ => false,
        };
        let piece = places.piece(step.result);
        found[piece] = makes && whole(step.result) && factors[piece] && !others[piece];
    }
    found
}

/// Whether it is a product of many outputs, with a kernel that tiles can have.
fn is_wide(graph: &Graph, op: &Op) -> bool {
    let (Op::Linear { weight, .. } | Op::Conv2d { weight, .. }) = *op else { return false };
    let shape = &graph.weight(weight).shape;
    shape[0] > NARROW && shape[2..].iter().all(|side| *side <= MOST_TAPS)
}

fn is_elementwise(op: &Op) -> bool {
    matches!(op, Op::Activate(_) | Op::Affine { .. } | Op::Add | Op::Mul | Op::FromPixels | Op::ToPixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::planner::fuse;
    use crate::graph::{Bias, Conv, GraphBuilder, GraphError, Shape, Stage};

    type Built = Result<NodeId, GraphError>;

    /// How many values are fp8 in what `build` makes of a map or of tokens.
    fn count(channels: usize, may: bool, build: impl Fn(&mut GraphBuilder, NodeId, NodeId) -> Built) -> usize {
        let mut b = GraphBuilder::new("test", "");
        let map = b.input("map", Shape::map(1, 4, 4, channels), Stage::Frame).unwrap();
        let tokens = b.input("tokens", Shape::tokens(1, 9, channels), Stage::Frame).unwrap();
        let out = build(&mut b, map, tokens).unwrap();
        b.output("out", out);
        let graph = b.finish();
        let steps = fuse(&graph, &[out], 8);
        let places = Places::new(&graph, &steps, false);
        in_fp8(&graph, &steps, &places, &[out], |_| may).into_iter().filter(|found| *found).count()
    }

    fn block(b: &mut GraphBuilder, map: NodeId, _: NodeId) -> Built {
        let y = b.group_norm("norm", map, 4, 1e-5)?;
        b.conv2d("conv", y, Conv::same(32, 3))
    }

    #[test]
    fn norms_and_gates_lead_into_fp8_products() {
        assert_eq!(count(32, true, block), 1);
        let feed_forward = |b: &mut GraphBuilder, _: NodeId, tokens: NodeId| {
            let y = b.layer_norm("norm", tokens, 1e-5)?;
            let y = b.linear("up", y, 256, Bias::With)?;
            let y = b.geglu(y)?;
            b.linear("down", y, 32, Bias::With)
        };
        assert_eq!(count(32, true, feed_forward), 2);
    }

    #[test]
    fn what_others_read_and_what_no_tile_takes_keeps_its_digits() {
        assert_eq!(count(32, false, block), 0, "weights that may not");
        assert_eq!(count(24, true, block), 0, "channels that cannot be loaded together");
        let shared = |b: &mut GraphBuilder, map: NodeId, _: NodeId| {
            let y = b.group_norm("norm", map, 4, 1e-5)?;
            let z = b.conv2d("conv", y, Conv::same(32, 3))?;
            b.add(z, y)
        };
        assert_eq!(count(32, true, shared), 0);
        let narrow = |b: &mut GraphBuilder, map: NodeId, _: NodeId| {
            let y = b.group_norm("norm", map, 4, 1e-5)?;
            b.conv2d("conv", y, Conv::same(NARROW, 3))
        };
        assert_eq!(count(32, true, narrow), 0);
        let large = |b: &mut GraphBuilder, map: NodeId, _: NodeId| {
            let y = b.group_norm("norm", map, 4, 1e-5)?;
            b.conv2d("conv", y, Conv::same(32, 7))
        };
        assert_eq!(count(32, true, large), 0);
        let sum = |b: &mut GraphBuilder, map: NodeId, _: NodeId| {
            let y = b.conv2d("first", map, Conv::same(32, 3))?;
            b.conv2d("second", y, Conv::same(32, 3))
        };
        assert_eq!(count(32, true, sum), 0, "a sum");
        let result = |b: &mut GraphBuilder, map: NodeId, _: NodeId| b.group_norm("norm", map, 4, 1e-5);
        assert_eq!(count(32, true, result), 0);
    }
}
