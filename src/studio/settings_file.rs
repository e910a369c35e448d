//! Reading and writing the settings: whole or not at all, and never a reason not to start.

use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::{EngineSpec, Notice, Settings, ToolSettings};
use crate::canvas::Document;
use crate::engine::Params;
use crate::frame::Size;
use crate::record::{self, RecordError};

/// The shortest side of a canvas or a painting in a file, in pixels.
const SHORTEST_SIDE: u32 = 64;
/// How many of the text encoder's last layers a file may skip.
const MOST_SKIPPED: u32 = 4;
/// Bytes of the longest prompt that is read.
const LONGEST_PROMPT: usize = 4096;
/// Sizes of texts and controls that leave the window usable.
const ZOOM: RangeInclusive<f32> = 0.5..=3.0;
/// Ink that can be seen.
const OPACITY: RangeInclusive<f32> = 0.01..=1.0;

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
    fn sound(mut self) -> Self {
        let defaults = Self::default();
        self.params = Self::sound_recipe(self.params);
        self.params.size = clamped(self.params.size, Params::MAX_SIDE);
        self.canvas = clamped(self.canvas, Document::MAX_SIDE);
        let tools = &mut self.tools;
        tools.diameter_px = within(tools.diameter_px, &ToolSettings::DIAMETER_PX, defaults.tools.diameter_px);
        tools.hardness = within(tools.hardness, &(0.0..=1.0), defaults.tools.hardness);
        tools.opacity = within(tools.opacity, &OPACITY, defaults.tools.opacity);
        let window = &mut self.window;
        window.divider = within(window.divider, &window.view.shares(), defaults.window.divider);
        window.zoom = within(window.zoom, &ZOOM, defaults.window.zoom);
        self.threads = self.threads.min(EngineSpec::MAX_THREADS);
        self
    }

    /// `params` with a prompt and numbers that the window can show, whoever wrote them; the size is left as it is.
    pub fn sound_recipe(params: Params) -> Params {
        let defaults = Params::default();
        let mut prompt = params.prompt;
        prompt.truncate(prompt.floor_char_boundary(LONGEST_PROMPT));
        Params {
            prompt,
            steps: params.steps.clamp(*Params::STEPS.start(), *Params::STEPS.end()),
            strength: within(params.strength, &Params::STRENGTH, defaults.strength),
            guidance: within(params.guidance, &Params::GUIDANCE, defaults.guidance),
            clip_skip: params.clip_skip.min(MOST_SKIPPED),
            ..params
        }
    }
}

/// `value` in `range`; `otherwise` where it is no number.
fn within<T: Copy + PartialOrd + Into<f64>>(value: T, range: &RangeInclusive<T>, otherwise: T) -> T {
    match value {
        value if !value.into().is_finite() => otherwise,
        value if value < *range.start() => *range.start(),
        value if value > *range.end() => *range.end(),
        value => value,
    }
}

/// `size` with sides of [`SHORTEST_SIDE`] to `longest` pixels.
fn clamped(size: Size, longest: u32) -> Size {
    let side = |px: u32| px.clamp(SHORTEST_SIDE, longest);
    Size::new(side(size.width), side(size.height))
}

fn set_aside(path: &Path, reason: &str) -> Notice {
    let aside = path.with_extension("toml.bad");
    let what = format!("The settings in {} cannot be read ({reason}); the defaults are used", path.display());
    match std::fs::rename(path, &aside) {
        Ok(()) => Notice::warning(what, format!("the old file is kept as {}", aside.display())),
        Err(_) => Notice::warning(what, "remove the file to be rid of this message"),
    }
}
