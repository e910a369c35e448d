//! What runs in which stage, what a stage hands on, and when a value is no longer needed.

use crate::exec::inputs::needed;
use crate::graph::{Graph, NodeId, Stage};

/// The order of work of a graph for a given set of results.
pub struct Plan {
    /// By stage: the nodes that run, in order.
    pub stages: [Vec<Work>; 4],
    /// By stage: the values later stages or the results need.
    pub kept: [Vec<NodeId>; 4],
}

/// One node at its turn.
pub struct Work {
    /// The node.
    pub node: NodeId,
    /// Values read here for the last time.
    pub frees: Vec<NodeId>,
}

impl Plan {
    /// Plans the work that makes `results`.
    pub fn new(graph: &Graph, results: &[NodeId]) -> Self {
        let needed = needed(graph, results);
        let mut outlives = vec![false; graph.nodes().len()];
        results.iter().for_each(|id| outlives[id.index()] = true);
        for id in graph.ids().filter(|id| needed[id.index()]) {
            let node = graph.node(id);
            for &input in node.inputs.iter().filter(|&&input| graph.node(input).stage != node.stage) {
                outlives[input.index()] = true;
            }
        }
        let mut plan = Self { stages: Default::default(), kept: Default::default() };
        for stage in Stage::ALL {
            let nodes = graph.ids().filter(|&id| needed[id.index()] && graph.node(id).stage == stage);
            let nodes: Vec<NodeId> = nodes.collect();
            plan.kept[stage as usize] = nodes.iter().copied().filter(|id| outlives[id.index()]).collect();
            plan.stages[stage as usize] = with_frees(graph, &nodes, &outlives);
        }
        plan
    }
}

/// Each node with the values whose last reader it is.
fn with_frees(graph: &Graph, nodes: &[NodeId], outlives: &[bool]) -> Vec<Work> {
    let mut read = outlives.to_vec();
    let mut work: Vec<Work> = nodes
        .iter()
        .rev()
        .map(|&node| {
            let mut frees = Vec::new();
            for &input in &graph.node(node).inputs {
                if !std::mem::replace(&mut read[input.index()], true) {
                    frees.push(input);
                }
            }
            Work { node, frees }
        })
        .collect();
    work.reverse();
    work
}
