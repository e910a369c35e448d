//! A compiled graph: runs what changed, keeps what did not.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::elements::Elements;
use super::kernel::Kernel;
use super::packed::CandlePacked;
use super::plan::Plan;
use crate::exec::inputs::{self, Inputs};
use crate::exec::{self, ExecError, Program, Value};
use crate::graph::{Graph, NodeId, Stage};

/// A graph with its weights and the results of the stages that seldom change.
pub struct CandleProgram {
    graph: Arc<Graph>,
    plan: Plan,
    /// By node.
    kernels: Vec<Kernel>,
    results: Vec<NodeId>,
    constants: Held,
    prompt: Option<Held>,
    /// By slot.
    schedule: HashMap<usize, Held>,
}

/// What a stage handed on, and the revisions of the inputs it was made from.
struct Held {
    revisions: Vec<u64>,
    values: Vec<(NodeId, Tensor)>,
}

impl CandleProgram {
    /// Finds all weights and makes what depends on nothing else.
    pub fn compile(graph: Arc<Graph>, packed: &CandlePacked, taps: &[&str]) -> Result<Self, ExecError> {
        let results = inputs::results(&graph, taps)?;
        let kernels = graph.nodes().iter().map(|node| Kernel::new(&graph, node, packed)).collect::<Result<_, _>>()?;
        let constants = Held { revisions: Vec::new(), values: Vec::new() };
        let plan = Plan::new(&graph, &results);
        let mut program = Self { graph, plan, kernels, results, constants, prompt: None, schedule: HashMap::new() };
        let mut values = program.empty();
        program.constants = program.run_stage(Stage::Constant, &mut values, Vec::new())?;
        Ok(program)
    }

    fn empty(&self) -> Vec<Option<Tensor>> {
        vec![None; self.graph.nodes().len()]
    }

    /// Runs all nodes of a stage and gathers what it hands on.
    fn run_stage(&self, stage: Stage, values: &mut [Option<Tensor>], revisions: Vec<u64>) -> Result<Held, ExecError> {
        for work in &self.plan.stages[stage as usize] {
            let (node, kernel) = (self.graph.node(work.node), &self.kernels[work.node.index()]);
            if matches!(kernel, Kernel::Input) {
                continue;
            }
            let inputs: Vec<Tensor> = node.inputs.iter().filter_map(|id| values[id.index()].clone()).collect();
            values[work.node.index()] = Some(kernel.run(&inputs, &node.shape)?);
            work.frees.iter().for_each(|id| values[id.index()] = None);
        }
        let kept = self.plan.kept[stage as usize].iter();
        let values = kept.filter_map(|&id| Some((id, values[id.index()].clone()?))).collect();
        Ok(Held { revisions, values })
    }

    /// Sets the inputs of one stage.
    fn set(&self, values: &mut [Option<Tensor>], inputs: &Inputs<'_>, stage: Stage) -> Result<(), ExecError> {
        for (id, value) in inputs.of(stage) {
            let shape = value.tensor.shape.as_slice();
            values[id.index()] = Some(Tensor::from_slice(&value.tensor.data, shape, &Device::Cpu)?);
        }
        Ok(())
    }
}

impl Program for CandleProgram {
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<exec::Tensor>, ExecError> {
        let inputs = Inputs::new(&self.graph, inputs)?;
        let mut values = self.empty();
        put(&mut values, &self.constants);

        let revisions = inputs.revisions(Stage::Prompt);
        if self.prompt.as_ref().is_none_or(|held| held.revisions != revisions) {
            self.prompt = None;
            self.set(&mut values, &inputs, Stage::Prompt)?;
            self.prompt = Some(self.run_stage(Stage::Prompt, &mut values, revisions)?);
        }
        self.prompt.iter().for_each(|held| put(&mut values, held));

        let revisions = inputs.revisions(Stage::Schedule);
        if self.schedule.get(&slot).is_none_or(|held| held.revisions != revisions) {
            self.set(&mut values, &inputs, Stage::Schedule)?;
            let held = self.run_stage(Stage::Schedule, &mut values, revisions)?;
            self.schedule.insert(slot, held);
        }
        self.schedule.get(&slot).iter().for_each(|held| put(&mut values, held));

        self.set(&mut values, &inputs, Stage::Frame)?;
        self.run_stage(Stage::Frame, &mut values, Vec::new())?;
        self.results.iter().map(|id| self.host(*id, &values)).collect()
    }
}

impl CandleProgram {
    /// A result at the border.
    fn host(&self, id: NodeId, values: &[Option<Tensor>]) -> Result<exec::Tensor, ExecError> {
        let node = self.graph.node(id);
        let value = values[id.index()].as_ref();
        let value = value.ok_or_else(|| super::failed(format!("no value of `{}`", node.path)))?;
        Ok(exec::Tensor::new(node.shape.dims(), Elements::of(value)?.to_vec()))
    }
}

fn put(values: &mut [Option<Tensor>], held: &Held) {
    for (id, value) in &held.values {
        values[id.index()] = Some(value.clone());
    }
}
