//! Horizontal fusion: which products are made as one. Those of the same value that only attention reads. Queries, keys and values
//! then lie side by side, what they are made of is read once, and one wide product fills a processor better than three.

use std::collections::BTreeMap;

use super::fuse::Fused;
use crate::graph::{Graph, NodeId, Op, Weight, WeightId};

impl Fused {
    /// The values that come out: side by side, if there are several.
    pub fn results(&self) -> impl Iterator<Item = NodeId> {
        [self.result].into_iter().chain(self.beside.iter().copied())
    }

    /// Channels of all that comes out.
    pub fn channels(&self, graph: &Graph) -> usize {
        self.results().map(|id| graph.node(id).shape.channels()).sum()
    }

    /// Floating-point operations of what it begins with.
    pub fn flops(&self, graph: &Graph) -> u64 {
        self.mains().map(|id| graph.node_flops(id)).sum()
    }

    /// Its matrices, one beside the other, each with its bias; none if it is no matrix product.
    pub fn matrices(&self, graph: &Graph) -> Vec<(WeightId, Option<WeightId>)> {
        self.mains().filter_map(|id| matrix(graph, id)).collect()
    }

    /// The nodes that are made in one go.
    pub fn mains(&self) -> impl Iterator<Item = NodeId> {
        [self.main].into_iter().chain(self.beside.iter().copied())
    }
}

/// Joins those `steps` that are products of the same value for the same attentions. `order` says in which order some matrices
/// are one, if they can be. What is among `results` keeps a place of its own.
pub fn join(
    graph: &Graph,
    results: &[NodeId],
    mut steps: Vec<Fused>,
    order: impl Fn(&[&Weight]) -> Option<Vec<usize>>,
) -> Vec<Fused> {
    let readers = readers(graph, &steps);
    let attends = |step: &usize| matches!(graph.node(steps[*step].main).op, Op::Attention { .. });
    let mut alike: BTreeMap<(NodeId, &[usize]), Vec<NodeId>> = BTreeMap::new();
    for step in steps.iter().filter(|step| matrix(graph, step.main).is_some()) {
        let by = &readers[step.result.index()];
        let alone = step.result == step.main && !results.contains(&step.result);
        if alone && !by.is_empty() && by.iter().all(attends) {
            alike.entry((step.source, by)).or_default().push(step.main);
        }
    }
    for products in alike.into_values().filter(|products| products.len() > 1) {
        let matrices = products.iter().filter_map(|id| matrix(graph, *id));
        let weights: Vec<&Weight> = matrices.map(|(weight, _)| graph.weight(weight)).collect();
        let Some(order) = order(&weights) else { continue };
        let ids: Vec<NodeId> = order.into_iter().map(|index| products[index]).collect();
        // Where the first of them stood, all that is read is there; attention comes after the last.
        steps.retain(|step| !ids[1..].contains(&step.main));
        if let Some(step) = steps.iter_mut().find(|step| step.main == ids[0]) {
            step.beside = ids[1..].to_vec();
        }
    }
    steps
}

/// The matrix of a product and its bias.
fn matrix(graph: &Graph, id: NodeId) -> Option<(WeightId, Option<WeightId>)> {
    match graph.node(id).op {
        Op::Linear { weight, bias } => Some((weight, bias)),
        _ => None,
    }
}

/// By node: the steps that read it, in order, each once.
fn readers(graph: &Graph, steps: &[Fused]) -> Vec<Vec<usize>> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes().len()];
    for (index, step) in steps.iter().enumerate() {
        let others = step.posts.iter().filter_map(|post| post.other());
        for id in graph.node(step.main).inputs.iter().copied().chain([step.source]).chain(others) {
            if readers[id.index()].last() != Some(&index) {
                readers[id.index()].push(index);
            }
        }
    }
    readers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::planner::{Places, fuse};
    use crate::graph::{Bias, GraphBuilder, Mask, Shape, Stage};

    /// Attention of three values to each other and to a text, and which nodes they are.
    fn network() -> (Graph, [NodeId; 5], NodeId) {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", Shape::tokens(2, 5, 12), Stage::Frame).unwrap();
        let text = b.input("text", Shape::tokens(2, 7, 6), Stage::Prompt).unwrap();
        let [q, k, v] = ["q", "k", "v"].map(|name| b.linear(name, x, 20, Bias::Without).unwrap());
        let y = b.attention([q, k, v], 2, Mask::None).unwrap();
        let [more, keys, values] =
            [("more", y), ("keys", text), ("values", text)].map(|(name, x)| b.linear(name, x, 20, Bias::With).unwrap());
        let out = b.attention([more, keys, values], 4, Mask::None).unwrap();
        b.output("out", out);
        (b.finish(), [q, k, v, keys, values], out)
    }

    fn joined(results: &[NodeId], order: impl Fn(&[&Weight]) -> Option<Vec<usize>>) -> Vec<Vec<NodeId>> {
        let (graph, ..) = network();
        let steps = join(&graph, results, fuse(&graph, results, 32), order);
        let all = steps.iter().filter(|step| matches!(graph.node(step.main).op, Op::Linear { .. }));
        all.map(|step| step.mains().collect()).filter(|ids: &Vec<NodeId>| ids.len() > 1).collect()
    }

    fn as_they_are(weights: &[&Weight]) -> Option<Vec<usize>> {
        Some((0..weights.len()).collect())
    }

    #[test]
    fn products_for_the_same_attention_are_one() {
        let (_, [q, k, v, keys, values], out) = network();
        assert_eq!(joined(&[out], as_they_are), [vec![q, k, v], vec![keys, values]]);
        // Somebody looks at one of them.
        assert_eq!(joined(&[out, k], as_they_are), [vec![q, v], vec![keys, values]]);
        assert_eq!(joined(&[out, keys], as_they_are), [vec![q, k, v]]);
        let backwards = |weights: &[&Weight]| Some((0..weights.len()).rev().collect());
        assert_eq!(joined(&[out], backwards), [vec![v, k, q], vec![values, keys]]);
        let some = |weights: &[&Weight]| weights[0].key.starts_with('q').then_some(vec![1, 2, 0]);
        assert_eq!(joined(&[out], some), [vec![k, v, q]]);
    }

    #[test]
    fn what_is_made_as_one_lies_side_by_side() {
        let (graph, [q, k, v, keys, values], out) = network();
        let apart = fuse(&graph, &[out], 32);
        let steps = join(&graph, &[out], apart.clone(), as_they_are);
        let [places, before] = [&steps, &apart].map(|steps| Places::new(&graph, steps, true));
        assert_eq!(places.pieces.len() + 3, before.pieces.len());
        let room = |places: &Places| places.pieces.iter().map(|piece| piece.len()).sum::<usize>();
        assert_eq!(room(&places), room(&before));
        let offsets = vec![1000; places.pieces.len()];
        let view = |id| places.view(&graph, id, &offsets);
        for (index, id) in [q, k, v].into_iter().enumerate() {
            let view = view(id);
            assert_eq!((view.offset, view.c, view.pixel, view.image), (1000 + 20 * index, 20, 60, 300));
            assert_eq!(places.channels(&graph, id), 20 * index..20 * index + 20);
        }
        assert_eq!([keys, values].map(|id| view(id).offset), [1000, 1020]);
        let step = steps.iter().find(|step| step.main == q).unwrap();
        assert_eq!(step.flops(&graph), 3 * graph.node_flops(q));
        assert_eq!((step.channels(&graph), step.matrices(&graph).len()), (60, 3));
    }
}
