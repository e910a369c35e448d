//! The only place that prints. A reader that went away (`| head`) is no error.

use std::io::Write as _;

use serde::Serialize;

use super::{Code, Failure};

/// A line for the caller.
pub fn line(text: &str) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// A line for the person, which no program reads.
pub fn note(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}

/// A value as one JSON document.
///
/// # Errors
/// A value that has no JSON form.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        Failure::new(Code::Failed, format!("the result has no JSON form ({error})"), "leave out --json")
    })?;
    line(&text);
    Ok(())
}
