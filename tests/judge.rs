//! One case of the fixtures on one executor. Part of several test programs.

use std::path::Path;

use afterimage::exec::Executor;
use afterimage::verify::{Outcome, Suite};
use libtest_mimic::Failed;

/// Runs the case `name` of a folder of fixtures on `executor`; a number outside its limit is a failure that names it.
pub fn judge(fixtures: &Path, name: &str, executor: &dyn Executor) -> Result<(), Failed> {
    let suite = Suite::open(fixtures, executor).map_err(|error| error.to_string())?;
    match suite.run_case(name) {
        Outcome::NotYet => Err("not yet".into()),
        Outcome::Failed(error) => Err(error.to_string().into()),
        outcome if outcome.passed() => Ok(()),
        Outcome::Ran(checks) => {
            let failed = checks.list.iter().filter(|check| !check.passed());
            let lines: Vec<String> = failed
                .map(|check| {
                    format!("{}: error {:e}, limit {:e} {}", check.tensor, check.error, check.limit, check.remark)
                })
                .collect();
            Err(format!("{name}\n{}", lines.join("\n")).into())
        }
    }
}
