//! What a step is, for tables of what each costs.

use std::borrow::Cow;

use super::{Fused, Item};
use crate::graph::{Graph, NodeId, Op};

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

    /// Of something that is to be done. `way` says of a joined step how it is done, if in another way than its op says, and with
    /// how many operations.
    pub fn new(
        graph: &Graph,
        steps: &[Fused],
        item: Item,
        way: impl Fn(&Fused) -> Option<(Cow<'static, str>, u64)>,
    ) -> Self {
        let moved = |ids: &[NodeId]| ids.iter().map(|id| size_of::<f32>() * graph.node(*id).shape.len()).sum::<usize>();
        let about = |what: String, id: NodeId, flops: u64, bytes: usize| {
            let node = graph.node(id);
            Self { what: format!("{what} {}", node.path), shape: node.shape.to_string(), flops, bytes: bytes as u64 }
        };
        let last = |id: NodeId| graph.node(id).path.rsplit('.').next().unwrap_or_default();
        match item {
            Item::Fused(index) => {
                let step = &steps[index];
                let op = &graph.node(step.main).op;
                let (way, flops) = way(step).unwrap_or(("".into(), step.flops(graph)));
                let inputs = graph.node(step.main).inputs[..].iter().skip(1).copied();
                let others = step.posts.iter().filter_map(|post| post.other());
                let values: Vec<NodeId> = inputs.chain(others).chain([step.source]).chain(step.results()).collect();
                let weights = step.mains().flat_map(|id| graph.node(id).op.weights());
                let weights: usize = weights.map(|id| graph.weight(id).shape.iter().product::<usize>()).sum();
                let name = format!("{} {way}", op.name());
                let name = name.trim_end().to_owned();
                let mut about = about(name, step.result, flops, moved(&values) + size_of::<f32>() * weights);
                step.beside.iter().for_each(|id| about.what.extend([" + ", last(*id)]));
                about.shape = graph.node(step.result).shape.with_channels(step.channels(graph)).to_string();
                about
            }
            Item::Copy { from, .. } => about("copy".into(), from, 0, moved(&[from, from])),
            Item::Pack(index) => {
                let step = &steps[index];
                let inputs = &graph.node(step.main).inputs;
                match graph.node(step.main).op {
                    Op::Attention { .. } => about("pack keys".into(), inputs[1], 0, 2 * moved(&inputs[1..])),
                    _ => about("pack map".into(), step.source, 0, 2 * moved(&[step.source])),
                }
            }
            Item::Measure(index) => about("moments".into(), steps[index].source, 0, moved(&[steps[index].source])),
            Item::Border(_) => Self::nothing("zeros around a map"),
        }
    }
}
