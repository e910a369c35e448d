//! A network of the fixture folder, opened by the code that opens a user's, and run once.

use std::sync::Arc;

use crate::exec::{Packed, Tensor, Value};
use crate::graph::Graph;
use crate::verify::{Case, Checks, VerifyError};
use crate::weights::{ModelFiles, Weights};

/// Activations of modules are stored under this and the module's path.
const ACTIVATION: &str = "act.";

/// One network's config and weights.
pub struct Network<'a> {
    case: &'a Case<'a>,
    /// How messages name the config.
    pub config_file: String,
    /// The config.
    pub config: Vec<u8>,
    packed: Arc<dyn Packed>,
}

impl<'a> Network<'a> {
    /// Opens the folder that the case names `uses`; its weights' keys get the prefix `component`.
    pub fn open(case: &'a Case<'a>, uses: &str, component: &str) -> Result<Self, VerifyError> {
        let files = ModelFiles::folder(&case.uses(uses)?)?;
        let weights = Weights::open(&[(component, files.tensors("")?)])?;
        // As the engine has it: only steps that later ones correct may lose digits.
        let packed = match component {
            "unet" => case.executor.load(&weights)?,
            _ => case.executor.load_precise(&weights)?,
        };
        Ok(Self { case, config_file: files.label("config.json"), config: files.read_small("config.json")?, packed })
    }

    /// The outputs of `graph`, then the taps.
    pub fn run(&self, graph: Graph, inputs: &[(&str, &Tensor)], taps: &[&str]) -> Result<Vec<Tensor>, VerifyError> {
        let mut program = self.case.executor.compile(Arc::new(graph), &self.packed, taps)?;
        let values: Vec<Value<'_>> = inputs.iter().map(|&(name, tensor)| Value { name, revision: 1, tensor }).collect();
        Ok(program.run(&values, 0)?)
    }

    /// Runs a graph of one output, compares all activations of the case whose path `below` knows, and gives the output.
    pub fn run_tapped(
        &self,
        checks: &mut Checks,
        graph: Graph,
        inputs: &[(&str, &Tensor)],
        below: &str,
    ) -> Result<Tensor, VerifyError> {
        let names: Vec<&str> = self.case.names().filter(|name| is_below(name, below)).collect();
        let paths: Vec<&str> = names.iter().map(|name| &name[ACTIVATION.len()..]).collect();
        let mut values = self.run(graph, inputs, &paths)?;
        let out = values.remove(0);
        for (name, value) in names.iter().zip(&values) {
            compare(self.case, checks, name, value)?;
        }
        Ok(out)
    }
}

fn is_below(name: &str, below: &str) -> bool {
    name.strip_prefix(ACTIVATION).is_some_and(|path| path.starts_with(below))
}

/// Compares a value with a reference: a feature map is stored channels first, anything else as it is.
pub fn compare(case: &Case<'_>, checks: &mut Checks, name: &str, value: &Tensor) -> Result<(), VerifyError> {
    match value.shape.len() {
        4 => checks.nhwc(case, name, value),
        _ => checks.float(case, name, value),
    }
}

/// Batch, height and width of a feature map.
pub fn extent(value: &Tensor) -> [usize; 3] {
    [value.shape[0], value.shape[1], value.shape[2]]
}
