//! No model inside the program: the default model is read from disk. The twin of `bundled`.

use super::files::Table;

/// Nothing is inside.
pub const TABLE: Option<Table> = None;
