//! `torch_cpu_rng`: the generator of noise, by the names of the case's tensors: `f32.seed42.n100` and so on.

use crate::engine::Generator;
use crate::exec::Tensor;
use crate::verify::{Case, Checks, VerifyError};

/// How many values the reference drew after another draw, to see the generator's state.
const NEXT: usize = 5;

/// Compares every tensor of the case.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let names: Vec<&str> = case.names().filter(|name| !name.ends_with(".next5")).collect();
    for name in names {
        one(case, checks, name)?;
    }
    Ok(())
}

fn one(case: &Case<'_>, checks: &mut Checks, name: &str) -> Result<(), VerifyError> {
    let unknown = || VerifyError::Other(format!("`{name}` names no draw"));
    let mut parts = name.split('.');
    let (Some(kind), Some(seed)) = (parts.next(), parts.next()) else { return Err(unknown()) };
    let seed: u64 = seed.strip_prefix("seed").and_then(|seed| seed.parse().ok()).ok_or_else(unknown)?;
    let shape = case.raw(name)?.shape.clone();
    let count = shape.iter().product();
    let mut generator = Generator::new(seed);
    let drawn = match kind {
        "f32" => generator.normal(count),
        "f16" | "bf16" => generator.normal_blockwise(count),
        "rand" => generator.uniform(count),
        "randint1000" => return checks.ints(case, name, &whole(generator.integers(1000, count))),
        "randperm" => return checks.ints(case, name, &whole(generator.permutation(count))),
        _ => return Err(unknown()),
    };
    checks.float(case, name, &Tensor::new(shape, drawn))?;
    let next = format!("{name}.next{NEXT}");
    if case.has(&next) {
        checks.float(case, &next, &Tensor::new([NEXT], generator.normal(NEXT)))?;
    }
    Ok(())
}

fn whole<T: TryInto<i64>>(values: Vec<T>) -> Vec<i64> {
    values.into_iter().map(|value| value.try_into().unwrap_or(-1)).collect()
}
