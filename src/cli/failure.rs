//! Why the program ends without having done its job: one sentence, its remedy and the exit code.

use std::fmt::Display;

use crate::studio::Notice;

/// What the program tells its caller when it ends. `--help` lists the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The job was tried and failed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// No window could be opened: no display, or no graphics driver.
    NoWindow = 3,
    /// The model cannot be loaded.
    NoModel = 4,
    /// No such camera, or it gives no picture.
    NoCamera = 5,
}

/// A failure as the user reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the caller is told.
    pub code: Code,
    /// What happened, naming the thing.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Failure {
    /// A failure with its remedy.
    pub fn new(code: Code, what: impl Display, remedy: impl Display) -> Self {
        Self { code, what: what.to_string(), remedy: remedy.to_string() }
    }

    /// A command line that makes no sense.
    pub fn usage(what: impl Display, remedy: impl Display) -> Self {
        Self::new(Code::Usage, what, remedy)
    }

    /// A studio's notice as the reason to end.
    pub fn from_notice(code: Code, notice: &Notice) -> Self {
        Self::new(code, &notice.what, &notice.remedy)
    }
}

impl Display for Failure {
    /// One line, whatever the error's own words were.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{}", line(&self.what))?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, ": {}", line(&self.remedy)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::new(Code::Failed, "a.png is\n broken", "use another picture");
        assert_eq!(failure.to_string(), "a.png is broken: use another picture");
        assert_eq!(Failure::usage("no", "").to_string(), "no");
    }
}
