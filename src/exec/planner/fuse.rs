//! Operator fusion: which nodes are done in one go. What follows a product element by element is done while its result is still at hand.

use super::view::extent;
use crate::exec::inputs::needed;
use crate::graph::{Activation, Graph, Node, NodeId, Op, Padding};

/// Nodes that are joined to another at most.
pub const MAX_POSTS: usize = 6;

/// A node and those that were joined to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fused {
    /// The node whose op begins.
    pub main: NodeId,
    /// The node whose value comes out.
    pub result: NodeId,
    /// The value the main op reads first; for a convolution of a doubled map, the map before doubling.
    pub source: NodeId,
    /// A convolution whose result this one would read: both are done as one, which reads the source ([`merge`](super::merge())).
    pub before: Option<NodeId>,
    /// Whether a convolution reads its source doubled in height and width.
    pub doubled: bool,
    /// Whether the second half of a product's channels, through GELU, is multiplied into the first.
    pub gated: bool,
    /// What follows.
    pub posts: Vec<After>,
    /// Other products of the source that are made with it: their results lie behind its own, one beside the other.
    pub beside: Vec<NodeId>,
}

/// Something done to each element of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum After {
    /// A function of it.
    Activate(Activation),
    /// Times `scale` plus `shift`.
    Affine { scale: f32, shift: f32 },
    /// Plus another value.
    Add(NodeId),
    /// Times another value.
    Mul(NodeId),
}

impl After {
    /// The other value.
    pub fn other(self) -> Option<NodeId> {
        match self {
            Self::Add(other) | Self::Mul(other) => Some(other),
            _ => None,
        }
    }
}

/// Joins the nodes that `results` need, in an order in which they can run. A gate joins its product if its channels are a
/// multiple of `gate`.
pub fn fuse(graph: &Graph, results: &[NodeId], gate: usize) -> Vec<Fused> {
    let fuser = Fuser::new(graph, results, gate);
    let mut absorbed = vec![false; graph.nodes().len()];
    let mut found: Vec<Fused> = Vec::new();
    for id in graph.ids().filter(|id| fuser.needed[id.index()]) {
        if absorbed[id.index()] || matches!(graph.node(id).op, Op::Input { .. }) {
            continue;
        }
        let fused = fuser.begin(id, &absorbed);
        let mut value = id;
        while value != fused.result {
            value = fuser.consumer(value).unwrap_or(fused.result);
            absorbed[value.index()] = true;
        }
        if fused.doubled {
            let upsample = graph.node(fused.main).inputs[0];
            found.retain(|other| other.main != upsample);
        }
        found.push(fused);
    }
    // A joined step runs where its last node stood: by then all it reads is there.
    found.sort_by_key(|fused| fused.result);
    found
}

struct Fuser<'a> {
    graph: &'a Graph,
    needed: Vec<bool>,
    /// By node: the needed nodes that read it, once for each time they do.
    readers: Vec<Vec<NodeId>>,
    results: &'a [NodeId],
    gate: usize,
}

impl<'a> Fuser<'a> {
    fn new(graph: &'a Graph, results: &'a [NodeId], gate: usize) -> Self {
        let needed = needed(graph, results);
        let mut readers = vec![Vec::new(); graph.nodes().len()];
        for id in graph.ids().filter(|id| needed[id.index()]) {
            graph.node(id).inputs.iter().for_each(|input| readers[input.index()].push(id));
        }
        Self { graph, needed, readers, results, gate }
    }

    /// The only reader of a value that nobody else looks at.
    fn consumer(&self, id: NodeId) -> Option<NodeId> {
        match self.readers[id.index()][..] {
            [reader] if !self.results.contains(&id) => Some(reader),
            _ => None,
        }
    }

    fn begin(&self, id: NodeId, absorbed: &[bool]) -> Fused {
        let node = self.graph.node(id);
        let doubled = self.is_doubled(node);
        let source = match node.inputs.first() {
            Some(&input) if doubled => self.graph.node(input).inputs[0],
            Some(&input) => input,
            None => id,
        };
        let (posts, beside) = (Vec::new(), Vec::new());
        let mut fused = Fused { main: id, result: id, source, before: None, doubled, gated: false, posts, beside };
        if let Some(gate) = self.gate(id) {
            return Fused { result: gate, gated: true, ..fused };
        }
        let (function, any) = match node.op {
            Op::Conv2d { .. } | Op::Linear { .. } => (true, true),
            Op::GroupNorm { .. } => (true, false),
            Op::Activate(_) | Op::Affine { .. } | Op::Add | Op::Mul => {
                fused.posts.extend(self.after(id, source));
                (true, true)
            }
            _ => (false, false),
        };
        while let Some(next) = self.consumer(fused.result).filter(|next| function && !absorbed[next.index()]) {
            let Some(after) = self.after(next, fused.result) else { break };
            let joins = self.graph.node(next).stage == node.stage
                && match after.other() {
                    None => true,
                    // A number for all channels would need another loop than a number for each.
                    Some(other) => any && self.channels(other) == self.channels(next),
                };
            if !joins || fused.posts.len() == MAX_POSTS {
                break;
            }
            fused.posts.push(after);
            fused.result = next;
        }
        fused
    }

    /// The gate that follows a matrix product, if it can be done with it.
    fn gate(&self, id: NodeId) -> Option<NodeId> {
        let next = self.consumer(id)?;
        let (node, gate) = (self.graph.node(id), self.graph.node(next));
        let pairs = matches!((&node.op, &gate.op), (Op::Linear { .. }, Op::Geglu)) && node.stage == gate.stage;
        (pairs && self.channels(next).is_multiple_of(self.gate)).then_some(next)
    }

    /// What `id` does to `value`, if it is done element by element.
    fn after(&self, id: NodeId, value: NodeId) -> Option<After> {
        let node = self.graph.node(id);
        let other = || -> Option<NodeId> {
            let &[a, b] = &node.inputs[..] else { return None };
            let same = self.graph.node(a).shape == self.graph.node(b).shape;
            if a == value { Some(b) } else { same.then_some(a) }
        };
        match node.op {
            Op::Activate(activation) => Some(After::Activate(activation)),
            Op::Affine { scale, shift } => Some(After::Affine { scale, shift }),
            Op::Add => other().map(After::Add),
            Op::Mul => other().map(After::Mul),
            _ => None,
        }
    }

    fn channels(&self, id: NodeId) -> usize {
        self.graph.node(id).shape.channels()
    }

    /// Whether `node` is a 3x3 convolution of a map that was just doubled, for it alone.
    fn is_doubled(&self, node: &Node) -> bool {
        let Op::Conv2d { weight, stride: 1, padding, .. } = node.op else { return false };
        let upsample = self.graph.node(node.inputs[0]);
        let exact = |from: NodeId| {
            let ([_, h, w, _], [_, tall, wide, _]) = (extent(&self.graph.node(from).shape), extent(&upsample.shape));
            (2 * h, 2 * w) == (tall, wide)
        };
        matches!(upsample.op, Op::Upsample)
            && padding == Padding::all(1)
            && self.graph.weight(weight).shape[2..] == [3, 3]
            && upsample.stage == node.stage
            && self.consumer(node.inputs[0]).is_some()
            && exact(upsample.inputs[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Bias, Conv, GraphBuilder, Shape, Stage};

    const GATE: usize = 32;

    #[test]
    fn a_residual_block_is_two_products() {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", Shape::map(1, 4, 4, 8), Stage::Frame).unwrap();
        let y = b.conv2d("first", x, Conv::same(8, 3)).unwrap();
        let y = b.activate(y, Activation::Relu).unwrap();
        let y = b.conv2d("second", y, Conv::same(8, 3)).unwrap();
        let sum = b.add(y, x).unwrap();
        let out = b.activate(sum, Activation::Relu).unwrap();
        b.output("out", out);
        let graph = b.finish();
        let fused = fuse(&graph, &[out], GATE);
        assert_eq!(fused.len(), 2);
        assert_eq!(fused[0].posts, [After::Activate(Activation::Relu)]);
        assert_eq!(fused[1].posts, [After::Add(x), After::Activate(Activation::Relu)]);
        // Somebody looks at the sum: it must exist.
        let tapped = fuse(&graph, &[out, sum], GATE);
        assert_eq!(tapped.len(), 3);
        assert_eq!(tapped[1].result, sum);
    }

    #[test]
    fn a_gate_joins_its_product_when_panels_pair_up() {
        for (channels, joined) in [(64, true), (48, false)] {
            let mut b = GraphBuilder::new("test", "");
            let x = b.input("x", Shape::tokens(1, 4, 8), Stage::Frame).unwrap();
            let y = b.linear("wide", x, 2 * channels, Bias::With).unwrap();
            let out = b.geglu(y).unwrap();
            b.output("out", out);
            let fused = fuse(&b.finish(), &[out], GATE);
            assert_eq!(
                fused.iter().map(|f| f.gated).collect::<Vec<_>>(),
                if joined { vec![true] } else { vec![false; 2] }
            );
            assert_eq!(fused.last().map(|f| f.result), Some(out));
        }
    }

    #[test]
    fn doubling_joins_a_convolution_only_when_it_is_exact() {
        for (side, doubled) in [(8, true), (7, false)] {
            let mut b = GraphBuilder::new("test", "");
            let x = b.input("x", Shape::map(1, 4, 4, 8), Stage::Frame).unwrap();
            let up = b.upsample(x, side, side).unwrap();
            let out = b.conv2d("conv", up, Conv::same(8, 3)).unwrap();
            b.output("out", out);
            let fused = fuse(&b.finish(), &[out], GATE);
            assert_eq!(fused.len(), if doubled { 1 } else { 2 });
            assert_eq!(fused.last().map(|f| (f.doubled, f.source)), Some((doubled, if doubled { x } else { up })));
        }
    }
}
