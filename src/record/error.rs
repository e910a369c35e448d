//! Why a picture, a drawing or a video was not saved.

use std::io::ErrorKind;
use std::path::Path;

/// Why a picture was not saved. What was there before is still there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The folder does not exist.
    #[error("cannot save `{path}`: there is no folder `{folder}`")]
    NoFolder {
        /// The file.
        path: String,
        /// The folder it should be in.
        folder: String,
    },
    /// A part of the path is a file, not a folder.
    #[error("cannot save `{path}`: a part of its path is a file, not a folder")]
    BelowFile {
        /// The file.
        path: String,
    },
    /// The path is a folder or names nothing.
    #[error("cannot save `{path}`: it is not the name of a file")]
    NotAFile {
        /// The path.
        path: String,
    },
    /// There is something of this name that is no plain file.
    #[error("cannot save `{path}`: what is there is a device, a pipe, a socket or a broken link, not a plain file")]
    NotPlain {
        /// The path.
        path: String,
    },
    /// There is something in the file already.
    #[error("cannot save `{path}`: there is something of that name already")]
    NotEmpty {
        /// The file.
        path: String,
    },
    /// This build has no encoder.
    #[error("cannot save `{path}`: this program was built without videos")]
    NoVideo {
        /// The file.
        path: String,
    },
    /// The folder or the file system may not be written.
    #[error("cannot save `{path}`: the folder cannot be written to")]
    ReadOnly {
        /// The file.
        path: String,
    },
    /// No space is left.
    #[error("cannot save `{path}`: the disk is full")]
    DiskFull {
        /// The file.
        path: String,
    },
    /// More layers than could be opened again.
    #[error("cannot save `{path}`: its layers are too many, or too large together")]
    TooManyLayers {
        /// The file.
        path: String,
    },
    /// Anything else.
    #[error("cannot save `{path}`: {text}")]
    Other {
        /// The file.
        path: String,
        /// The system's or encoder's words.
        text: String,
    },
    /// Bytes that should be a PNG are not.
    #[error("this is not a sound PNG: {text}")]
    Unreadable {
        /// The decoder's words.
        text: String,
    },
}

impl RecordError {
    /// The system's error in our words.
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        let path = path.display().to_string();
        match error.kind() {
            ErrorKind::NotFound => Self::NoFolder { path, folder },
            ErrorKind::NotADirectory => Self::BelowFile { path },
            ErrorKind::IsADirectory => Self::NotAFile { path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::DiskFull { path },
            _ => Self::Other { path, text: error.to_string() },
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoFolder { .. } => "make the folder first, or choose another",
            Self::BelowFile { .. } | Self::NotAFile { .. } | Self::NotPlain { .. } | Self::NotEmpty { .. } => {
                "choose another name or folder"
            }
            Self::NoVideo { .. } => "build it with the feature `video`",
            Self::ReadOnly { .. } => "choose a folder that you may write to",
            Self::DiskFull { .. } => "free some space, or choose a folder on another disk",
            Self::TooManyLayers { .. } => "merge layers, or save it as PNG",
            Self::Other { .. } => "try another folder or a shorter name",
            Self::Unreadable { .. } => "choose a PNG that this program saved",
        }
        .into()
    }
}
