//! A short check of a fast executor against the reference, before "auto" trusts it on this machine.

use std::sync::Arc;

use super::{ExecError, Executor, Tensor, Value};
use crate::graph::{Activation, Bias, Conv, Graph, GraphBuilder, GraphError, Mask, Shape, Stage};
use crate::weights::Weights;

/// Largest difference allowed, as a part of the largest value, beside what the executor says it rounds.
const LIMIT: f32 = 1e-3;

/// Runs a small network of the commonest kinds of work on both and compares.
///
/// # Errors
/// One that does not run, or gives something else than the `reference`.
pub fn agree(executor: &dyn Executor, reference: &dyn Executor) -> Result<(), ExecError> {
    let broken = |text: String| ExecError::Backend { executor: executor.name(), text };
    let graph = Arc::new(network().map_err(|error| broken(error.to_string()))?);
    let (found, expected) = (run(executor, &graph)?, run(reference, &graph)?);
    if equal(&found, &expected, LIMIT + executor.rounding()) {
        return Ok(());
    }
    Err(broken("it computes something else than the reference on this processor".into()))
}

fn equal(found: &Tensor, expected: &Tensor, limit: f32) -> bool {
    let largest = expected.data.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= limit * largest;
    // Everything is near to a part of infinity.
    largest.is_finite() && found.shape == expected.shape && found.data.iter().zip(&expected.data).all(near)
}

/// Convolutions, norms, activations, attention and a product, on a small map.
fn network() -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("check", "");
    let shape = Shape::map(1, 6, 7, 24);
    let x = b.input("x", shape, Stage::Frame)?;
    let y = b.group_norm("norm", x, 4, 1e-5)?;
    let y = b.activate(y, Activation::Silu)?;
    let y = b.conv2d("wide", y, Conv::same(24, 3))?;
    let x = b.add(x, y)?;
    let tokens = b.reshape(x, Shape::tokens(1, 42, 24))?;
    let tokens = b.layer_norm("rows", tokens, 1e-5)?;
    let y = b.attention([tokens; 3], 2, Mask::None)?;
    let y = b.linear("up", y, 256, Bias::With)?;
    let y = b.geglu(y)?;
    let y = b.linear("down", y, 72, Bias::With)?;
    b.output("out", y);
    Ok(b.finish())
}

fn run(executor: &dyn Executor, graph: &Arc<Graph>) -> Result<Tensor, ExecError> {
    let values = |seed: usize, len: usize| (0..len).map(|i| ((i * 37 + seed * 11) % 64) as f32 / 64.0 - 0.5).collect();
    let weights =
        graph.weights().iter().enumerate().map(|(seed, weight)| {
            (weight.key.clone(), weight.shape.clone(), values(seed, weight.shape.iter().product()))
        });
    let packed = executor.load(&Weights::from_values(weights))?;
    let mut program = executor.compile(graph.clone(), &packed, &[])?;
    let tensor = Tensor::new([1, 6, 7, 24], values(5, 6 * 7 * 24));
    let mut results = program.run(&[Value { name: "x", revision: 0, tensor: &tensor }], 0)?;
    let nothing = || ExecError::Backend { executor: executor.name(), text: "a network gave no result".into() };
    results.pop().ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Candle, Cpu, Cuda, fastest_cpu, open};

    #[test]
    fn auto_takes_the_fastest() {
        let (auto, cpu) = (open("auto", 1).unwrap(), Cpu::new(1).unwrap());
        let fastest = Cuda::new().map_or(cpu.name(), |gpu| gpu.name());
        assert_eq!(auto.name(), fastest);
        assert_eq!(fastest_cpu(1).unwrap().name(), cpu.name());
    }

    #[test]
    fn our_executor_agrees_and_a_wrong_one_does_not() {
        let candle = Candle::new(1).unwrap();
        agree(&Cpu::new(2).unwrap(), &candle).unwrap();
        let graph = Arc::new(network().unwrap());
        let right = run(&candle, &graph).unwrap();
        let mut infinite = right.clone();
        infinite.data[3] = f32::INFINITY;
        for wrong in [1.0, f32::NAN] {
            let mut found = right.clone();
            found.data[3] += wrong;
            assert!(!equal(&right, &infinite, 0.1));
            assert!(equal(&right, &right, 0.0) && !equal(&found, &right, 0.1));
        }
    }
}
