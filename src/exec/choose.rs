//! Executors by name, each in a pool of threads of its own.

use std::num::NonZero;
use std::sync::Arc;

use super::candle::Candle;
use super::pool::Pooled;
use super::{ExecError, Executor};

/// Names of the executors, the fastest first.
pub const NAMES: [&str; 1] = ["candle"];

/// Most threads that are believed.
const MAX_THREADS: usize = 512;

/// The executor called `name` ("auto" takes the fastest) with so many `threads`; 0 means all cores.
///
/// # Errors
/// A name that is not known; threads that the system does not give.
pub fn open(name: &str, threads: usize) -> Result<Arc<dyn Executor>, ExecError> {
    let name = if name == "auto" { NAMES[0] } else { name };
    let inner: Arc<dyn Executor> = match name {
        "candle" => Arc::new(Candle::new()),
        _ => return Err(ExecError::Unknown { name: name.chars().take(40).collect(), known: NAMES.join(", ") }),
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = if threads == 0 { cores } else { threads.min(MAX_THREADS) };
    Ok(Arc::new(Pooled::new(inner, threads)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executors_are_known_by_name() {
        for name in NAMES.into_iter().chain(["auto"]) {
            assert!(open(name, 1).unwrap().name().contains("1 thread"), "{name}");
        }
        let error = open("abacus", 1).err().unwrap();
        assert!(error.to_string().contains("abacus") && error.remedy().contains("candle"), "{error}");
    }
}
