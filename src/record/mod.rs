//! Pictures to disk, with what made them written inside, drawings with their layers, videos, and files that are replaced whole or not
//! at all. Knows pixels and pairs of words, not engines.

mod error;
mod film;
mod ora;
mod png;
mod replace;
#[cfg(feature = "video")]
mod video;
#[cfg(not(feature = "video"))]
#[path = "video_off.rs"]
mod video;

pub use self::png::{read_pairs, read_text, save_png};
pub use error::RecordError;
pub use film::{FilmClock, Montage, PICTURES_PER_S, Tempo, VideoLabel};
pub use ora::{LayeredError, LayeredPicture, PictureLayer, is_ora, is_ora_name, read_ora, save_ora};
pub use replace::{clear_left, replace, try_place};
#[cfg(test)]
#[cfg(feature = "video")]
pub(crate) use video::playback::play;
pub use video::{CAN_WRITE_VIDEO, Enlarge, VideoWriter};
