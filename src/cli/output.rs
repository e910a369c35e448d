//! The only place that prints, but for how far a load is. A reader that went away (`| head`) is no error.

use std::io::{ErrorKind, Write as _};
use std::sync::OnceLock;

use serde::Serialize;

use super::{Code, Failure};

/// What kept a line from the caller first.
static LOST: OnceLock<String> = OnceLock::new();

/// A line for the caller. See [`lost`].
pub fn line(text: &str) {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => _ = LOST.set(error.to_string()),
        _ => {}
    }
}

/// Whether all lines reached the caller, asked at the end.
///
/// # Errors
/// What kept the first one back: a full disk.
pub fn lost() -> Result<(), Failure> {
    match LOST.get() {
        None => Ok(()),
        Some(text) => {
            let what = format!("what there is to say could not be written: {text}");
            Err(Failure::new(Code::Failed, what, "make room, or write it somewhere else"))
        }
    }
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
