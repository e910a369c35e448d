//! Runs cases and keeps what came of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{Case, Checks, Index, Report, VerifyError, kinds};
use crate::exec::Executor;
use crate::flow::panic_text;

/// What came of one case.
#[derive(Debug)]
pub enum Outcome {
    /// It ran; the comparisons say whether it passed.
    Ran(Checks),
    /// It could not be judged, which is a failure.
    Failed(VerifyError),
    /// No code for this kind yet.
    NotYet,
}

impl Outcome {
    /// Whether the case ran, compared something and stayed within all limits.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Ran(checks) if !checks.list.is_empty() && checks.list.iter().all(super::Check::passed))
    }
}

/// A fixture folder and the executor it is run on.
pub struct Suite<'a> {
    /// The cases.
    pub index: Index,
    executor: &'a dyn Executor,
}

impl<'a> Suite<'a> {
    /// Reads the index of `dir`.
    ///
    /// # Errors
    /// [`VerifyError::Index`].
    pub fn open(dir: &Path, executor: &'a dyn Executor) -> Result<Self, VerifyError> {
        Ok(Self { index: Index::read(dir)?, executor })
    }

    /// Judges the case `name`. A panic in the code under test is a failure of the case.
    pub fn run_case(&self, name: &str) -> Outcome {
        let Some((name, entry)) = self.index.entries.get_key_value(name) else {
            return Outcome::Failed(VerifyError::Other(format!("there is no case `{name}`")));
        };
        let Some(kind) = kinds::find(Index::kind_of(name)) else { return Outcome::NotYet };
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let case = Case::open(&self.index, name, entry, self.executor)?;
            let rounding = if kind.networks { f64::from(self.executor.rounding()) } else { 0.0 };
            let mut checks = Checks { rounding, ..Checks::default() };
            (kind.run)(&case, &mut checks).map(|()| checks)
        }));
        match judged {
            Ok(Ok(checks)) => Outcome::Ran(checks),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(panic) => Outcome::Failed(VerifyError::Other(format!("panic: {}", panic_text(panic.as_ref())))),
        }
    }

    /// Judges all cases. `news` hears each name and outcome as they come.
    pub fn run(&self, mut news: impl FnMut(&str, &Outcome)) -> Report {
        let mut report = Report::new(self.executor, &self.index.dir);
        for name in self.index.entries.keys() {
            let outcome = self.run_case(name);
            news(name, &outcome);
            report.add(name, &outcome);
        }
        report.require(kinds::KINDS.iter().map(|kind| kind.prefix));
        report
    }
}
