//! A graph as text, one node a line, for debugging.

use std::fmt;

use super::{Graph, Stage};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gflop = self.flops() as f64 / 1e9;
        writeln!(f, "{}: {} nodes, {} weights, {gflop:.3} GFLOP", self.name, self.nodes.len(), self.weights.len())?;
        for (index, node) in self.nodes.iter().enumerate() {
            let inputs: Vec<_> = node.inputs.iter().map(|id| format!("%{}", id.index())).collect();
            let inputs = inputs.join(" ");
            let id = format!("%{index}");
            writeln!(f, "{id:>6} {:8} {} ({inputs}) -> {}  {}", node.stage.name(), node.op, node.shape, node.path)?;
        }
        for (name, id) in &self.outputs {
            writeln!(f, "output `{name}` = %{}", id.index())?;
        }
        Ok(())
    }
}

impl Stage {
    /// Its name in dumps.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Prompt => "prompt",
            Self::Schedule => "schedule",
            Self::Frame => "frame",
        }
    }
}
