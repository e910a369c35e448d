//! Proof: every fixture of a folder, run through the code that paints, with stated limits.
//!
//! The folder's `index.json` says which cases there are and which network folders each needs. A [`Kind`](kinds::Kind) is the
//! code for one index prefix; a prefix without one is reported as "not yet", never passed in silence. Tests and
//! `afterimage verify` call the same [`Suite`].
//!
//! Limit for floats: 10 x the recorded float64 error + 1e-6 x the reference's largest value; a case that records no errors
//! borrows those of its kind. Ids, integers and 8-bit pictures are equal; 16-bit floats may differ by one unit in the last
//! place.

mod builtin;
mod case;
mod checks;
mod error;
mod index;
pub mod kinds;
mod report;
mod suite;

pub use builtin::{Candidate, run_builtin};
pub use case::Case;
pub use checks::{Check, Checks};
pub use error::VerifyError;
pub use index::{Entry, Index, TensorInfo};
pub use report::{KindReport, Report, Status};
pub use suite::{Outcome, Suite};
