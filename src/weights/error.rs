//! Why a model's files cannot be used. Every message names the file, and the key, what was expected and what was found where
//! there are such.

/// Why a model's files cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// The folder is not there, or is a file.
    #[error("there is no model folder `{path}`{}", if *is_file { ": it is a file" } else { "" })]
    NoFolder {
        /// The folder.
        path: String,
        /// Something that is not a folder has this name.
        is_file: bool,
    },
    /// The folder is not in diffusers layout.
    #[error("`{path}` is not a model: it has no model_index.json")]
    NotAModel {
        /// The folder.
        path: String,
    },
    /// The system could not open or read a file.
    #[error("cannot read `{file}`: {text}")]
    Io {
        /// The file.
        file: String,
        /// The system's words.
        text: String,
        /// Whether the file is simply not there.
        absent: bool,
    },
    /// A configuration file of absurd size.
    #[error("`{file}` has {found} bytes; at most {limit} are expected")]
    TooLarge {
        /// The file.
        file: String,
        /// Bytes allowed.
        limit: u64,
        /// Bytes found.
        found: u64,
    },
    /// A file that should be JSON is not, or not as expected.
    #[error("`{file}` cannot be understood: {text}")]
    Json {
        /// The file.
        file: String,
        /// What is wrong with it.
        text: String,
    },
    /// A component has no weights.
    #[error("`{folder}` has no weights: expected {expected}, found {found}")]
    NoTensors {
        /// The component's folder.
        folder: String,
        /// The file names looked for.
        expected: String,
        /// The files that are there.
        found: String,
    },
    /// A component has only pickled weights, which can run code when they are read.
    #[error("`{file}` is a pickle, which can run any code when it is opened; only safetensors files are read")]
    Pickle {
        /// The pickled file.
        file: String,
    },
    /// A file that git-lfs has not fetched.
    #[error("`{file}` is a git-lfs pointer of {found} bytes, not the weights themselves")]
    LfsPointer {
        /// The file.
        file: String,
        /// Its length.
        found: u64,
    },
    /// A safetensors file is shorter than its header promises.
    #[error("`{file}` is cut short: expected {expected} bytes, found {found}")]
    Truncated {
        /// The file.
        file: String,
        /// Bytes the header promises.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The header of a safetensors file is not sound.
    #[error("`{file}` is not a sound safetensors file: {text}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong, with what was expected and found.
        text: String,
    },
    /// One tensor of a safetensors file is not described soundly.
    #[error("`{file}` is not sound at `{key}`: expected {expected}, found {found}")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor's name.
        key: String,
        /// What a sound file has.
        expected: String,
        /// What this one has.
        found: String,
    },
    /// A tensor that the network needs is not in the file.
    #[error("`{file}` has no tensor `{key}`{}", nearest.as_ref().map_or(String::new(), |n| format!("; the nearest name is `{n}`")))]
    Missing {
        /// The file or files of the component.
        file: String,
        /// The name asked for.
        key: String,
        /// The most similar name that is there.
        nearest: Option<String>,
    },
    /// A tensor has another shape than the network's configuration says.
    #[error("`{file}`: tensor `{key}` should have the shape {expected:?}, found {found:?}")]
    Shape {
        /// The file.
        file: String,
        /// The tensor's name.
        key: String,
        /// The shape the configuration asks for.
        expected: Vec<usize>,
        /// The shape on disk.
        found: Vec<usize>,
    },
    /// A tensor of numbers that cannot be weights.
    #[error("`{file}`: tensor `{key}` should be {expected}, found {found}")]
    Type {
        /// The file.
        file: String,
        /// The tensor's name.
        key: String,
        /// The types that can be read.
        expected: &'static str,
        /// The type on disk.
        found: &'static str,
    },
    /// Reading was given up by order.
    #[error("`{file}` is read no further")]
    Stopped {
        /// The file.
        file: String,
    },
}

impl WeightsError {
    /// An error of the system, with its file.
    pub(super) fn io(file: impl Into<String>, error: &std::io::Error) -> Self {
        let absent = error.kind() == std::io::ErrorKind::NotFound;
        let text = if absent { "there is no such file".into() } else { error.to_string() };
        Self::Io { file: file.into(), text, absent }
    }

    /// `file` lacks the tensor `key`; the nearest of `names` is offered.
    pub fn missing<'a>(file: &str, key: &str, names: impl Iterator<Item = &'a str>) -> Self {
        Self::Missing { file: file.into(), key: printable(key), nearest: super::keys::nearest(key, names) }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoFolder { .. } | Self::NotAModel { .. } => {
                "choose a folder in diffusers layout: it holds model_index.json, unet, vae, text_encoder and tokenizer"
            }
            Self::Io { absent: true, .. } => "download the model again: a file is missing",
            Self::Io { .. } => "check the disk and your right to read the file",
            Self::TooLarge { .. } | Self::Json { .. } => "download this file again, or choose another model",
            Self::NoTensors { .. } => "download the model's safetensors files, or choose another model",
            Self::Pickle { .. } => "convert it to safetensors first, or download the safetensors version of the model",
            Self::LfsPointer { .. } => "run `git lfs pull` in the model's folder, or download the file itself",
            Self::Truncated { .. } => "download the file again: it is not complete",
            Self::Header { .. } | Self::Tensor { .. } => {
                "download the file again: it is damaged or not what its name says"
            }
            Self::Missing { .. } | Self::Shape { .. } => {
                "use weights and config.json of the same model: these two do not belong together"
            }
            Self::Type { .. } => "use a float16 or float32 version of the model",
            Self::Stopped { .. } => "load the model again",
        }
        .into()
    }
}

/// A name from a file, safe to print: control characters escaped, cut after 120 characters.
pub(super) fn printable(name: &str) -> String {
    let mut text: String = name.chars().take(120).flat_map(char::escape_debug).collect();
    if name.chars().nth(120).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_or_odd_names_are_cut() {
        assert_eq!(printable("a\nb"), "a\\nb");
        assert_eq!(printable(&"x".repeat(5000)).chars().count(), 121);
    }

    #[test]
    fn a_missing_tensor_names_everything() {
        let error = WeightsError::Missing { file: "f".into(), key: "k".into(), nearest: Some("kk".into()) };
        assert_eq!(error.to_string(), "`f` has no tensor `k`; the nearest name is `kk`");
        assert!(!error.remedy().is_empty());
    }
}
