//! A panic of the camera library as a value.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::flow::panic_text;

/// Runs `call`; a panic in it becomes its text.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panic_text(panic.as_ref()))
}
