//! A model's files by their path within the model, wherever they are. Knows folders and file names of the diffusers layout,
//! not what the files mean.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::bundled;
use super::bytes::Bytes;
use super::{ModelCard, ModelSource, TensorFile, WeightsError, shards};
use crate::flow::StopToken;

/// Largest configuration file that is read whole.
const SMALL_LIMIT_BYTES: u64 = 16 << 20;

/// A model inside the program: path within the model, and bytes.
pub type Table = &'static [(&'static str, &'static [u8])];

/// Where files are.
enum Place {
    Dir(PathBuf),
    Table(Table),
}

/// A model's files. Paths are relative to the model and use `/`.
pub struct ModelFiles {
    place: Place,
    name: String,
    stop: StopToken,
}

impl ModelFiles {
    /// Finds the model.
    ///
    /// # Errors
    /// [`WeightsError::NoFolder`] or [`WeightsError::NotAModel`]; a card that cannot be understood.
    pub fn open(source: &ModelSource) -> Result<Self, WeightsError> {
        let mut files = match source {
            ModelSource::Default => Self::default_model()?,
            ModelSource::Dir(path) => Self::folder(path)?,
        };
        if !files.exists("model_index.json") {
            return Err(WeightsError::NotAModel { path: files.label("") });
        }
        if let Some(card) = files.card()?.filter(|card| !card.name.trim().is_empty()) {
            files.name = card.name;
        }
        Ok(files)
    }

    /// Any folder, which need not hold a whole model.
    ///
    /// # Errors
    /// [`WeightsError::NoFolder`].
    pub fn folder(path: &Path) -> Result<Self, WeightsError> {
        let absent = || WeightsError::NoFolder { path: path.display().to_string(), is_file: path.exists() };
        if !path.is_dir() {
            return Err(absent());
        }
        Ok(Self { place: Place::Dir(path.into()), name: folder_name(path), stop: StopToken::default() })
    }

    /// The default model: inside the program, else in the source tree, else beside the program.
    fn default_model() -> Result<Self, WeightsError> {
        let place = match bundled::TABLE {
            Some(table) => Place::Table(table),
            None => Self::folder(&default_folder())?.place,
        };
        Ok(Self { place, name: "default model".into(), stop: StopToken::default() })
    }

    /// The same, whose weights are read no further as soon as `stop` says so.
    #[must_use]
    pub fn until(self, stop: StopToken) -> Self {
        Self { stop, ..self }
    }

    /// The model's name: its card's, else its folder's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How messages name the file at `path`.
    pub fn label(&self, path: &str) -> String {
        match &self.place {
            Place::Dir(dir) if path.is_empty() => dir.display().to_string(),
            Place::Dir(dir) => dir.join(path).display().to_string(),
            Place::Table(_) => format!("bundled:{path}"),
        }
    }

    /// Whether there is a file at `path`, though it may not be read, or a link to one that is gone: reading it says so.
    pub fn exists(&self, path: &str) -> bool {
        match &self.place {
            Place::Dir(dir) => {
                let path = dir.join(path);
                match std::fs::metadata(&path) {
                    Ok(found) => found.is_file(),
                    Err(error) if error.kind() == ErrorKind::NotADirectory => false,
                    Err(error) => error.kind() != ErrorKind::NotFound || path.is_symlink(),
                }
            }
            Place::Table(table) => table.iter().any(|(name, _)| *name == path),
        }
    }

    /// The whole of a small file.
    ///
    /// # Errors
    /// [`WeightsError::Io`], or [`WeightsError::TooLarge`] above 16 MiB.
    pub fn read_small(&self, path: &str) -> Result<Vec<u8>, WeightsError> {
        let io = |error| WeightsError::io(self.label(path), &error);
        let bytes = self.bytes(path)?;
        let found = bytes.len().map_err(io)?;
        if found > SMALL_LIMIT_BYTES {
            return Err(WeightsError::TooLarge { file: self.label(path), limit: SMALL_LIMIT_BYTES, found });
        }
        let mut buffer = vec![0; found as usize];
        bytes.read_at(&mut buffer, 0).map_err(io)?;
        Ok(buffer)
    }

    /// The model's card, if it has one.
    ///
    /// # Errors
    /// [`WeightsError::Json`] for a card that cannot be understood.
    pub fn card(&self) -> Result<Option<ModelCard>, WeightsError> {
        if !self.exists("card.json") {
            return Ok(None);
        }
        ModelCard::parse(&self.read_small("card.json")?, &self.label("card.json")).map(Some)
    }

    /// The checked weight files of the component in `folder` (`unet`, `vae`, ...): one, or all shards.
    ///
    /// # Errors
    /// No weights, pickles only, or a file that is not sound.
    pub fn tensors(&self, folder: &str) -> Result<Vec<TensorFile>, WeightsError> {
        shards::find(self, folder)
    }

    /// One safetensors file, checked.
    ///
    /// # Errors
    /// A file that is not there or not sound.
    pub fn tensor_file(&self, path: &str) -> Result<TensorFile, WeightsError> {
        TensorFile::from_bytes(self.label(path), self.bytes(path)?, self.stop.clone())
    }

    /// The names of the files directly in `folder`, sorted.
    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = match &self.place {
            Place::Dir(dir) => std::fs::read_dir(dir.join(folder))
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect(),
            Place::Table(table) => table
                .iter()
                .filter_map(|(path, _)| path.strip_prefix(folder)?.strip_prefix('/'))
                .map(ToOwned::to_owned)
                .collect(),
        };
        names.sort();
        names
    }

    fn bytes(&self, path: &str) -> Result<Bytes, WeightsError> {
        match &self.place {
            Place::Dir(dir) => Bytes::open(&dir.join(path)),
            Place::Table(table) => table
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, bytes)| Bytes::Static(bytes))
                .ok_or_else(|| ErrorKind::NotFound.into()),
        }
        .map_err(|error| WeightsError::io(self.label(path), &error))
    }
}

/// Where the default model is when it is not inside the program.
fn default_folder() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/model");
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("assets/model")));
    beside.filter(|beside| beside.is_dir() && !source.is_dir()).unwrap_or(source)
}

/// The last part of a path, also of `.` and of `models/x/`.
fn folder_name(path: &Path) -> String {
    let whole: PathBuf = path.canonicalize().unwrap_or_else(|_| path.into());
    whole.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = &[("unet/config.json", b"{}"), ("unet/model.safetensors", b"short"), ("x/a.bin", b"")];

    fn bundled() -> ModelFiles {
        ModelFiles { place: Place::Table(TABLE), name: "x".into(), stop: StopToken::default() }
    }

    #[test]
    fn files_inside_the_program_are_named_so() {
        assert!(bundled().exists("unet/config.json") && !bundled().exists("unet"));
        assert_eq!(bundled().read_small("unet/config.json").unwrap(), b"{}");
        let error = bundled().read_small("vae/config.json").unwrap_err();
        assert_eq!(error.to_string(), "cannot read `bundled:vae/config.json`: there is no such file");
        let error = bundled().tensors("unet").unwrap_err().to_string();
        assert!(error.contains("bundled:unet/model.safetensors") && error.contains("found 5"), "{error}");
        assert_eq!(bundled().list("unet"), ["config.json", "model.safetensors"]);
        assert!(matches!(bundled().tensors("x").unwrap_err(), WeightsError::Pickle { .. }));
    }

    #[test]
    fn weights_are_read_until_that_is_stopped() {
        let stop = StopToken::default();
        let files = ModelFiles::open(&ModelSource::Default).unwrap().until(stop.clone());
        let unet = files.tensors("unet").unwrap().remove(0);
        let key = unet.keys().next().unwrap();
        assert!(unet.read_floats(key).is_ok());
        stop.stop();
        let error = unet.read_floats(key).unwrap_err();
        assert!(matches!(error, WeightsError::Stopped { .. }), "{error}");
        assert!(files.card().is_ok(), "small files are read whole");
    }

    #[test]
    fn the_default_model_has_its_cards_name() {
        let files = ModelFiles::open(&ModelSource::Default).unwrap();
        assert_eq!(files.name(), "Pebble");
        assert_eq!(files.tensors("unet").unwrap().len(), 1);
    }
}
