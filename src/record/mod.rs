//! Pictures to disk, with what made them written inside, and files that are replaced whole or not at all. Knows pixels and pairs of
//! words, not engines.

mod error;
mod png;
mod replace;

pub use self::png::{read_pairs, read_text, save_png};
pub use error::RecordError;
pub use replace::{clear_left, replace, try_place};
