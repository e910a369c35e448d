//! Graphs made of graphs.

use super::{GraphBuilder, GraphError, Node, NodeId, Op};
use crate::graph::Graph;

impl GraphBuilder {
    /// Writes all of `graph` once more, with values in the place of some of its inputs. An input that is not bound becomes one of
    /// the same name, or is the one that has the name already. Work that is there already, on the same values, is not done again:
    /// what two steps of a network make of the same text is made once. Gives the outputs in the order of `graph`.
    ///
    /// # Errors
    /// [`GraphError::Shape`] for a value of another shape than the input it stands for; a weight that is there in another shape.
    pub fn append(&mut self, graph: &Graph, bound: &[(&str, NodeId)]) -> Result<Vec<NodeId>, GraphError> {
        let weights = graph.weights().iter().map(|weight| self.weight_by_key(&weight.key, &weight.shape));
        let weights = weights.collect::<Result<Vec<_>, _>>()?;
        let mut copies: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
        for Node { op, inputs, shape, stage, path } in graph.nodes() {
            let inputs: Vec<NodeId> = inputs.iter().map(|input| copies[input.index()]).collect();
            let copy = match op {
                Op::Input { name } => {
                    let value = bound.iter().find(|(bound, _)| bound == name).map(|(_, value)| *value);
                    match value.or_else(|| self.find_input(name)) {
                        Some(value) if self.shape(value) == *shape => value,
                        Some(value) => return Err(self.refusal("append", &[value], &format!("`{name}` is {shape}"))),
                        None => self.input(name, *shape, *stage)?,
                    }
                }
                op => {
                    let op = op.clone().with_weights(|id| weights[id.index()]);
                    match self.find_same(&op, &inputs) {
                        Some(same) => same,
                        None => self.push(op, &inputs, *shape, None, path)?,
                    }
                }
            };
            copies.push(copy);
        }
        Ok(graph.outputs().iter().map(|(_, id)| copies[id.index()]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv, Shape, Stage};

    fn layer() -> Graph {
        let mut b = GraphBuilder::new("layer", "net");
        let x = b.input("x", Shape::map(1, 4, 4, 8), Stage::Frame).unwrap();
        let text = b.input("text", Shape::map(1, 4, 4, 8), Stage::Prompt).unwrap();
        let text = b.conv2d("text", text, Conv::same(8, 1)).unwrap();
        let y = b.conv2d("conv", x, Conv::same(8, 3)).unwrap();
        let y = b.add(y, text).unwrap();
        b.output("y", y);
        b.finish()
    }

    #[test]
    fn a_layer_twice_reads_its_text_once() {
        let mut b = GraphBuilder::new("twice", "");
        let x = b.input("x", Shape::map(1, 4, 4, 8), Stage::Frame).unwrap();
        let first = b.append(&layer(), &[("x", x)]).unwrap();
        let second = b.append(&layer(), &[("x", first[0])]).unwrap();
        let again = b.append(&layer(), &[("x", first[0])]).unwrap();
        assert_eq!(second, again);
        b.output("y", second[0]);
        let graph = b.finish();
        let names: Vec<&str> = graph.inputs().map(|(name, _)| name).collect();
        assert_eq!(names, ["x", "text"]);
        let counted = |name: &str| graph.nodes().iter().filter(|node| node.op.name() == name).count();
        assert_eq!((counted("conv2d"), counted("add"), graph.weights().len()), (3, 2, 4));
        assert!(graph.weights().iter().all(|weight| weight.key.starts_with("net.")));
    }

    #[test]
    fn a_value_must_fit() {
        let mut b = GraphBuilder::new("wrong", "");
        let x = b.input("other", Shape::map(1, 4, 4, 7), Stage::Frame).unwrap();
        let error = b.append(&layer(), &[("x", x)]).unwrap_err().to_string();
        assert!(error.contains("`x`"), "{error}");
    }
}
