//! Reading and writing the settings: whole or not at all, and never a reason not to start.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::settings::SMALLEST_CANVAS;
use super::{Notice, Settings};
use crate::canvas::Document;
use crate::frame::Size;
use crate::record::{self, RecordError};

/// Longest side a saved picture size may have, in pixels.
const LARGEST_SIDE: u32 = 2048;

/// Why settings were not written.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Their folder cannot be made.
    #[error("cannot write the settings: no folder {folder} can be made: {source}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the settings: {0}")]
    Write(#[from] RecordError),
    /// They have no TOML form.
    #[error("cannot write the settings: {0}")]
    Form(#[from] toml::ser::Error),
}

impl SettingsError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        "make room or make the folder writable, or set AFTERIMAGE_HOME to another folder"
    }
}

impl Settings {
    /// Reads `path`. A missing file gives the defaults; a damaged one is renamed to `.bad`, with a notice that says so.
    pub fn read(path: &Path) -> (Self, Option<Notice>) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => return (Self::default(), Some(set_aside(path, &error.to_string()))),
        };
        match toml::from_str::<Self>(&text) {
            Ok(settings) => (settings.sound(), None),
            Err(error) => (Self::default(), Some(set_aside(path, error.message()))),
        }
    }

    /// Writes to `path`, whole or not at all; a link stays one. Other windows may do so at the same time: the last one wins.
    ///
    /// # Errors
    /// [`SettingsError`] naming the file or its folder.
    pub fn write(&self, path: &Path) -> Result<(), SettingsError> {
        let text = toml::to_string_pretty(self)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| SettingsError::Folder { folder: folder.to_owned(), source })?;
        }
        Ok(record::replace(path, |file| file.write_all(text.as_bytes()))?)
    }

    /// The same settings with every number in its range: a hand-edited file must not break the window.
    pub fn sound(mut self) -> Self {
        let defaults = Self::default();
        let params = &mut self.params;
        params.steps = params.steps.clamp(1, 8);
        params.strength = within(params.strength, 0.0, 1.0, defaults.params.strength);
        params.guidance = within(params.guidance, 1.0, 15.0, defaults.params.guidance);
        let side = |px: u32| px.clamp(64, LARGEST_SIDE);
        params.size = Size::new(side(params.size.width), side(params.size.height));
        let side = |px: u32| px.clamp(SMALLEST_CANVAS, Document::MAX_SIDE);
        self.canvas = Size::new(side(self.canvas.width), side(self.canvas.height));
        params.clip_skip = params.clip_skip.min(4);
        params.prompt.truncate(params.prompt.floor_char_boundary(4096));
        let tools = &mut self.tools;
        tools.diameter_px = within(f64::from(tools.diameter_px), 1.0, 256.0, 24.0) as f32;
        tools.hardness = within(f64::from(tools.hardness), 0.0, 1.0, 0.9) as f32;
        tools.opacity = within(f64::from(tools.opacity), 0.01, 1.0, 1.0) as f32;
        let window = &mut self.window;
        window.divider = within(f64::from(window.divider), 0.2, 0.8, 0.5) as f32;
        window.zoom = within(f64::from(window.zoom), 0.5, 3.0, 1.0) as f32;
        self.threads = self.threads.min(256);
        self
    }
}

fn within(value: f64, low: f64, high: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value.clamp(low, high) } else { otherwise }
}

fn set_aside(path: &Path, reason: &str) -> Notice {
    let aside = path.with_extension("toml.bad");
    let what = format!("The settings in {} cannot be read ({reason}); the defaults are used", path.display());
    match std::fs::rename(path, &aside) {
        Ok(()) => Notice::warning(what, format!("the old file is kept as {}", aside.display())),
        Err(_) => Notice::warning(what, "remove the file to be rid of this message"),
    }
}
