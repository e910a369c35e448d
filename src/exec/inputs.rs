//! The inputs of a run, checked against the graph.

use super::{ExecError, Value};
use crate::graph::{Graph, NodeId, Stage};

/// The tensor of each input node.
pub struct Inputs<'a> {
    values: Vec<(NodeId, Stage, Value<'a>)>,
}

impl<'a> Inputs<'a> {
    /// Finds each input of `graph` among `inputs`.
    ///
    /// # Errors
    /// [`ExecError::Input`] for one that is missing or misshapen.
    pub fn new(graph: &Graph, inputs: &[Value<'a>]) -> Result<Self, ExecError> {
        let find = |(name, id): (&str, NodeId)| {
            let node = graph.node(id);
            let expected = node.shape.dims();
            let value = inputs.iter().find(|value| value.name == name);
            match value {
                Some(value) if value.tensor.shape == expected => Ok((id, node.stage, *value)),
                _ => Err(ExecError::Input {
                    graph: graph.name().into(),
                    name: name.into(),
                    expected: expected.into(),
                    found: value.map_or("nothing".into(), |value| format!("{:?}", value.tensor.shape)),
                }),
            }
        };
        Ok(Self { values: graph.inputs().map(find).collect::<Result<_, _>>()? })
    }

    /// Revisions of all inputs up to `stage`: its results hold while these do.
    pub fn revisions(&self, stage: Stage) -> Vec<u64> {
        let up_to = self.values.iter().filter(|(_, of, _)| *of <= stage);
        up_to.map(|(_, _, value)| value.revision).collect()
    }

    /// The inputs of one stage.
    pub fn of(&self, stage: Stage) -> impl Iterator<Item = (NodeId, Value<'a>)> {
        self.values.iter().filter(move |(_, of, _)| *of == stage).map(|(id, _, value)| (*id, *value))
    }
}

/// Refuses ids that name no row of a table of so many, in words.
///
/// # Errors
/// The first that is negative, too large or no integer.
pub fn check_ids(ids: &[f32], rows: usize) -> Result<(), String> {
    let bad = |id: &&f32| !(**id >= 0.0 && id.fract() == 0.0 && (**id as usize) < rows);
    ids.iter().find(bad).map_or(Ok(()), |id| Err(format!("{id} is not a row of a table of {rows}")))
}

/// The nodes that are results of a compiled graph: its outputs, then the taps.
///
/// # Errors
/// [`ExecError::Tap`] for one that names no node.
pub fn results(graph: &Graph, taps: &[&str]) -> Result<Vec<NodeId>, ExecError> {
    let tap = |path: &&str| {
        let missing = || ExecError::Tap { graph: graph.name().into(), path: (*path).into() };
        graph.find(path).ok_or_else(missing)
    };
    let mut results: Vec<NodeId> = graph.outputs().iter().map(|(_, id)| *id).collect();
    results.extend(taps.iter().map(tap).collect::<Result<Vec<_>, _>>()?);
    Ok(results)
}

/// Which nodes the results depend on, by node.
pub fn needed(graph: &Graph, results: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes().len()];
    results.iter().for_each(|id| needed[id.index()] = true);
    let ids: Vec<NodeId> = graph.ids().collect();
    for id in ids.into_iter().rev() {
        if needed[id.index()] {
            graph.node(id).inputs.iter().for_each(|input| needed[input.index()] = true);
        }
    }
    needed
}
