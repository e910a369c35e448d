//! Pictures to disk, with what made them written inside, drawings with their layers, and files that are replaced whole or not at all.
//! Knows pixels and pairs of words, not engines.

mod error;
mod ora;
mod png;
mod replace;

pub use self::png::{read_pairs, read_text, save_png};
pub use error::RecordError;
pub use ora::{LayeredError, LayeredPicture, PictureLayer, is_ora, is_ora_name, read_ora, save_ora};
pub use replace::{clear_left, replace, try_place};
