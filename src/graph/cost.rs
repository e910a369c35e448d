//! How much arithmetic a graph is. Bench divides by it.

use super::{Graph, Node, NodeId, Op, Stage};

impl Graph {
    /// Floating-point operations of one node, a multiplication with its addition counted as two.
    pub fn node_flops(&self, id: NodeId) -> u64 {
        let node = self.node(id);
        let elements = node.shape.len() as u64;
        match &node.op {
            Op::Conv2d { weight, .. } | Op::Linear { weight, .. } => {
                let taps: usize = self.weight(*weight).shape[1..].iter().product();
                2 * elements * taps as u64
            }
            Op::Attention { .. } => 4 * elements * self.keys(node) as u64,
            Op::Input { .. } | Op::Table { .. } | Op::Embedding { .. } => 0,
            Op::Concat | Op::Upsample | Op::Reshape | Op::FromPixels | Op::ToPixels => 0,
            Op::GroupNorm { .. } | Op::LayerNorm { .. } | Op::Geglu => 6 * elements,
            Op::Activate(_) | Op::Affine { .. } => 2 * elements,
            Op::Add | Op::Mul => elements,
        }
    }

    /// Floating-point operations of one stage.
    pub fn stage_flops(&self, stage: Stage) -> u64 {
        self.ids().filter(|&id| self.node(id).stage == stage).map(|id| self.node_flops(id)).sum()
    }

    /// Floating-point operations of all nodes.
    pub fn flops(&self) -> u64 {
        self.ids().map(|id| self.node_flops(id)).sum()
    }

    fn keys(&self, node: &Node) -> usize {
        self.node(node.inputs[1]).shape.positions()
    }
}
