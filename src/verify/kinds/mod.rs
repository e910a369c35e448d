//! The code for each index prefix.

use super::{Case, Checks, VerifyError};

/// The code for one index prefix.
pub struct Kind {
    /// The prefix: `unet` runs `unet/lcm_odd_b2`.
    pub prefix: &'static str,
    /// Runs a case and compares what came out.
    pub run: fn(&Case<'_>, &mut Checks) -> Result<(), VerifyError>,
}

/// All kinds that are supported, one line each.
pub const KINDS: &[Kind] = &[];

/// The kind for an index prefix.
pub fn find(prefix: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.prefix == prefix)
}
