//! What can go wrong with a source, in sentences.

use crate::frame::PictureError;

/// Why a source shows no pictures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The machine has no camera.
    #[error("no camera was found")]
    NoCamera,
    /// There are cameras, but not this one.
    #[error("there is no camera {id}")]
    NotFound {
        /// The id asked for.
        id: String,
    },
    /// Another program has it.
    #[error("the camera {id} is in use by another program")]
    Busy {
        /// The camera.
        id: String,
    },
    /// The user may not open it.
    #[error("the camera {id} may not be opened by this user")]
    Denied {
        /// The camera.
        id: String,
    },
    /// It was there and is gone.
    #[error("the camera {id} was unplugged")]
    Unplugged {
        /// The camera.
        id: String,
    },
    /// It is there and sends nothing.
    #[error("the camera {id} has sent no picture for {seconds} s")]
    Stalled {
        /// The camera.
        id: String,
        /// How long the silence lasted when it was noticed.
        seconds: u64,
    },
    /// It sends pictures that cannot be read.
    #[error("the last {in_a_row} pictures of the camera {id} were damaged")]
    BadFrames {
        /// The camera.
        id: String,
        /// How many there were when it was noticed.
        in_a_row: u32,
    },
    /// None of its formats can be read.
    #[error("the camera {id} has no picture format that Afterimage can read")]
    Unsupported {
        /// The camera.
        id: String,
    },
    /// Anything else the system says.
    #[error("the camera {id} does not work: {reason}")]
    Backend {
        /// The camera.
        id: String,
        /// The system's words.
        reason: String,
    },
    /// Cameras were left out of this build.
    #[error("this build of Afterimage has no cameras")]
    NotBuilt,
    /// A picture file cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The system has no thread to give.
    #[error("the source cannot start: {reason}")]
    Thread {
        /// The system's words.
        reason: String,
    },
}

impl CaptureError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Picture(error) => return error.remedy(),
            Self::NoCamera => "plug a camera in; it is used as soon as it is there",
            Self::NotFound { .. } => "choose another camera, or plug this one in",
            Self::Busy { .. } => "close the program that uses it; Afterimage tries again by itself",
            Self::Denied { .. } => {
                "allow it in the system's privacy settings; on Linux: sudo usermod -aG video $USER, then log in again"
            }
            Self::Unplugged { .. } => "plug it in again; it continues by itself",
            Self::Stalled { .. } => {
                "Afterimage tries again by itself; if it stays like this, unplug the camera and plug it in again"
            }
            Self::BadFrames { .. } => "try another cable or another USB port",
            Self::Unsupported { .. } => "choose another camera; YUYV, NV12, MJPEG and RGB are read",
            Self::Backend { .. } => "unplug the camera and plug it in again, or choose another",
            Self::NotBuilt => "build it with the feature `camera`, which is on by default",
            Self::Thread { .. } => "close other programs and choose the source again",
        }
        .into()
    }
}
