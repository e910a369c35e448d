//! Why a file or a camera's bytes are not a picture.

use super::{Size, codec::AREA_LIMIT_PIXELS};

/// Why a file or a camera's bytes are not a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The system could not read it.
    #[error("cannot read `{name}`: {text}")]
    Io {
        /// The file.
        name: String,
        /// The system's words.
        text: String,
    },
    /// More bytes than any sound picture has.
    #[error("`{name}` has {bytes} bytes; at most {limit} are read")]
    FileTooLarge {
        /// The file.
        name: String,
        /// Bytes found.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Neither PNG nor JPEG.
    #[error("`{name}` is neither PNG nor JPEG but {found}")]
    NotAPicture {
        /// The file.
        name: String,
        /// What it seems to be.
        found: String,
    },
    /// Width or height is zero.
    #[error("`{name}` is an empty picture of {size}")]
    Empty {
        /// The file.
        name: String,
        /// The size it claims.
        size: Size,
    },
    /// More pixels than are decoded.
    #[error("`{name}` is {size} pixels; at most {} million pixels can be opened", AREA_LIMIT_PIXELS / 1_000_000)]
    TooLarge {
        /// The file.
        name: String,
        /// The size it claims.
        size: Size,
    },
    /// Decoding would take too much memory.
    #[error("`{name}` would take too much memory to open")]
    Memory {
        /// The file.
        name: String,
    },
    /// The end is missing.
    #[error("`{name}` is cut short")]
    Truncated {
        /// The file.
        name: String,
    },
    /// The bytes are damaged.
    #[error("`{name}` is damaged: {text}")]
    Broken {
        /// The file.
        name: String,
        /// The decoder's words.
        text: String,
    },
    /// A kind of PNG or JPEG that cannot be decoded.
    #[error("`{name}` is of an unusual kind: {text}")]
    Unsupported {
        /// The file.
        name: String,
        /// The decoder's words.
        text: String,
    },
    /// A camera frame of another size than agreed.
    #[error("`{name}` sent a picture of {found}, expected {expected}")]
    Size {
        /// The camera.
        name: String,
        /// The size agreed with the device.
        expected: Size,
        /// The size sent.
        found: Size,
    },
    /// A camera frame with too few bytes.
    #[error("`{name}` sent {found} bytes, expected {expected}")]
    Short {
        /// The camera.
        name: String,
        /// Bytes a frame has.
        expected: usize,
        /// Bytes sent.
        found: usize,
    },
}

impl PictureError {
    /// An error of the system.
    pub(super) fn io(name: &str, error: &std::io::Error) -> Self {
        let text = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".into(),
            std::io::ErrorKind::PermissionDenied => "you may not read it".into(),
            _ => error.to_string(),
        };
        Self::Io { name: name.into(), text }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Io { .. } => "check the path and your right to read the file",
            Self::FileTooLarge { .. } | Self::TooLarge { .. } | Self::Memory { .. } => {
                "make it smaller in another program first"
            }
            Self::NotAPicture { .. } | Self::Unsupported { .. } => {
                "save it as an ordinary PNG or JPEG in another program"
            }
            Self::Empty { .. } => "choose another picture",
            Self::Truncated { .. } | Self::Broken { .. } => {
                "copy or download the file again, or choose another picture"
            }
            Self::Size { .. } | Self::Short { .. } => {
                "choose another size or format of the camera, or plug it in again"
            }
        }
        .into()
    }
}
