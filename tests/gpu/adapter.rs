//! A device to draw with, or the reason why there is none.

use std::sync::OnceLock;

use libtest_mimic::{Completion, Failed, Trial};

/// Whether anything can be drawn here.
fn any() -> bool {
    static ANY: OnceLock<bool> = OnceLock::new();
    *ANY.get_or_init(|| !afterimage::display::adapters().is_empty())
}

/// Why nothing can be drawn here, if so.
pub fn missing() -> Option<&'static str> {
    (!any()).then_some("no graphics adapter; install mesa-vulkan-drivers")
}

/// A test that needs a graphics adapter; without one it is skipped aloud.
pub fn test(name: &str, run: fn() -> Result<(), Failed>) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Some(reason) = missing() {
            return Ok(Completion::ignored_with(reason));
        }
        run()?;
        Ok(Completion::Completed)
    })
}

/// Fails with `what` unless `right`.
pub fn check(right: bool, what: impl std::fmt::Display) -> Result<(), Failed> {
    if right { Ok(()) } else { Err(what.to_string().into()) }
}
