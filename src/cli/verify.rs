//! `afterimage verify`: the numbers of this machine against reference numbers.

use super::request::VerifyRequest;
use super::{Code, Failure, output, verified};
use crate::exec;
use crate::studio::Places;
use crate::verify::{Candidate, Outcome, Report, Status, Suite, VerifyError, run_builtin};
use crate::weights::{ModelFiles, ModelSource};

/// Judges a fixture folder, or what is inside the program.
///
/// # Errors
/// A folder that cannot be read; a limit that was exceeded, after everything was printed.
pub fn run(request: &VerifyRequest) -> Result<(), Failure> {
    let news = |name: &str, outcome: &Outcome| {
        if !request.json {
            case(name, outcome);
        }
    };
    if request.fixtures.is_some() && request.engine.model != ModelSource::Default {
        let remedy = "leave out one of them: fixtures bring their own networks";
        return Err(Failure::usage("--fixtures and --model do not go together", remedy));
    }
    if request.fixtures.is_none() {
        // What is no model at all is no wrong number either.
        ModelFiles::open(&request.engine.model).map_err(|error| Failure::new(Code::NoModel, &error, error.remedy()))?;
    }
    let report = judge(request, news).map_err(|error| failure(&error))?;
    if request.json {
        output::json(&report)?;
    } else {
        print(&report);
    }
    if report.passed() {
        // Whoever asked for it: the default takes a GPU by itself. Processors of one kind compute alike.
        if !report.gpu {
            return Ok(());
        }
        let remembered = verified::add(&Places::find(), &report.executor);
        return remembered.map_err(|error| {
            let what = format!("it passed, but that could not be written down: {error}");
            Failure::new(Code::Failed, what, "see that the data folder (`afterimage doctor` names it) can be written")
        });
    }
    let failed: Vec<&str> =
        report.kinds.iter().filter(|(_, kind)| kind.status == Status::Fail).map(|(name, _)| name.as_str()).collect();
    let what = format!("{} failed on {}", failed.join(", "), report.executor);
    Err(Failure::new(Code::Failed, what, "please report it with the output of `afterimage doctor`"))
}

fn judge(request: &VerifyRequest, news: impl FnMut(&str, &Outcome)) -> Result<Report, VerifyError> {
    let engine = &request.engine;
    match &request.fixtures {
        Some(dir) => {
            let executor = exec::open(&engine.executor, engine.threads)?;
            Ok(Suite::open(dir, &*executor)?.run(news))
        }
        None => {
            let candidate = Candidate { model: &engine.model, executor: &engine.executor, threads: engine.threads };
            run_builtin(candidate, news)
        }
    }
}

fn failure(error: &VerifyError) -> Failure {
    let remedy = match error {
        VerifyError::Index { .. } => "give a folder with an index.json, or leave out --fixtures".into(),
        VerifyError::Exec(error) => error.remedy(),
        _ => "run `afterimage doctor`".into(),
    };
    Failure::new(Code::Failed, error, remedy)
}

/// One line for each case, with the tensor that came nearest to its limit.
fn case(name: &str, outcome: &Outcome) {
    match outcome {
        Outcome::NotYet => output::line(&format!("not yet  {name}")),
        Outcome::Failed(error) => output::line(&format!("FAIL     {name}: {error}")),
        Outcome::Ran(checks) => {
            let mark = if outcome.passed() { "pass" } else { "FAIL" };
            let worst = checks.list.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio));
            let worst = worst.map_or("compared nothing".into(), |check| {
                format!("{}: error {:.3e}, limit {:.3e} {}", check.tensor, check.error, check.limit, check.remark)
            });
            output::line(format!("{mark}     {name}  {worst}").trim_end());
        }
    }
}

fn print(report: &Report) {
    output::line("");
    output::line(&format!("{} on {}", report.fixtures.display(), report.executor));
    for (name, kind) in &report.kinds {
        let status = match kind.status {
            Status::Pass => "pass",
            Status::Fail => "FAIL",
            Status::NotYet => "not yet",
        };
        let counts = format!("{} cases, {} tensors", kind.cases, kind.tensors);
        output::line(
            format!("{status:8} {name:24} {counts:24} worst {:.3} {}", kind.worst_ratio, kind.remark).trim_end(),
        );
    }
}
