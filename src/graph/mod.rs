//! The language networks are written in: a static list of about twenty ops with known shapes. It computes nothing.
//!
//! A network is described once, with a [`GraphBuilder`]; every executor runs the same [`Graph`]. Values are f32 in
//! meaning (an executor chooses its storage) and lie channels last, so a feature map [n, h, w, c] *is* the token sequence
//! [n, h*w, c] of its transformer block. Weights are named by their key on disk and keep their shape on disk.
//!
//! Each node belongs to a [`Stage`], the latest of its inputs' stages, so that what does not depend on the picture is
//! computed only when its own inputs change. Each module of the network gives its path to the node it ends with; tests
//! look inside a network by these paths.

mod builder;
mod compose;
mod cost;
mod dump;
mod error;
mod op;
mod shape;

use std::collections::BTreeMap;

pub use builder::GraphBuilder;
pub use error::GraphError;
pub use op::{Activation, Bias, Conv, Mask, Op, Padding, WeightId};
pub use shape::Shape;

/// A network: nodes in an order in which they can run.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    name: String,
    nodes: Vec<Node>,
    weights: Vec<Weight>,
    outputs: Vec<(String, NodeId)>,
    paths: BTreeMap<String, NodeId>,
}

/// Which node of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The node's place in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One op and the value it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is done.
    pub op: Op,
    /// The values it reads, in the order the op names; all come earlier in the list.
    pub inputs: Vec<NodeId>,
    /// Shape of the value.
    pub shape: Shape,
    /// When it has to run.
    pub stage: Stage,
    /// Path of the module that made it, as in the checkpoint (`down_blocks.0.resnets.0.conv1`).
    pub path: String,
}

/// When a value changes. A node has the latest of its inputs' stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Never: made from weights alone.
    Constant,
    /// With the prompt.
    Prompt,
    /// With the denoising step and the guidance; kept once per step.
    Schedule,
    /// With every picture.
    Frame,
}

impl Stage {
    /// All stages, earliest first.
    pub const ALL: [Self; 4] = [Self::Constant, Self::Prompt, Self::Schedule, Self::Frame];
}

/// A tensor of the checkpoint that a graph needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Its key, with the component's prefix (`unet.conv_in.weight`).
    pub key: String,
    /// Its shape on disk.
    pub shape: Vec<usize>,
}

impl Graph {
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All nodes; a node's inputs come before it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All weights it needs, each once.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// One weight.
    pub fn weight(&self, id: WeightId) -> &Weight {
        &self.weights[id.index()]
    }

    /// The results, with their names.
    pub fn outputs(&self) -> &[(String, NodeId)] {
        &self.outputs
    }

    /// The inputs: name, node.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, NodeId)> {
        self.ids().filter_map(|id| match &self.node(id).op {
            Op::Input { name } => Some((name.as_str(), id)),
            _ => None,
        })
    }

    /// The node a module ends with, by the module's path; the empty path is the whole network.
    pub fn find(&self, path: &str) -> Option<NodeId> {
        self.paths.get(path).copied()
    }

    /// All node ids in running order.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }
}

#[cfg(test)]
mod tests;
