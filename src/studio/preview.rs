//! What is painted beside the picture, to see what other parameters would give.

use std::sync::Arc;

use super::Notice;
use crate::engine::{Params, Picture};

/// What other parameters make of the present input.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The parameters.
    pub params: Arc<Params>,
    /// The painting, as it would be the picture, or why there is none.
    pub painting: Result<Picture, Notice>,
    /// It is of an earlier drawing, and will be for a while. Never where a source changes all the time.
    pub is_old: bool,
}
