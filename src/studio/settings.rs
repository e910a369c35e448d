//! What is kept between starts: a versioned TOML of ours.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::choices::{Axis, Filmed, PanelTab, Timing, Tool, ViewMode, known_or_default};
use crate::capture::SourceSpec;
use crate::engine::Params;
use crate::frame::Size;
use crate::weights::ModelSource;

/// What is kept between starts. Unknown keys are ignored, missing ones take their default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Version of the file's form.
    pub version: u32,
    /// Whether the program was ever used: the sample drawing shows only before.
    pub welcomed: bool,
    /// The model; in the file its folder, empty for the default one.
    #[serde(serialize_with = "write_model", deserialize_with = "read_model")]
    pub model: ModelSource,
    /// Model folders opened before, newest first.
    pub recent_models: Vec<String>,
    /// Executor by name; "auto" takes the fastest.
    pub executor: String,
    /// Threads to compute with; 0 means all cores.
    pub threads: usize,
    /// Several pictures side by side, each one step further than the next: more pictures a second, each later.
    pub stream: bool,
    /// The parameters last used.
    pub params: Params,
    /// The canvas of new drawings; paintings have its shape.
    pub canvas: Size,
    /// Saved drawings leave their background out.
    pub transparent: bool,
    /// Where the live pictures come from.
    pub source: SourceSpec,
    /// The camera that was used last, opened again when a camera is asked for.
    pub camera: CameraSettings,
    /// Seed stays the same between pictures of a random prompt.
    pub seed_locked: bool,
    /// The window.
    pub window: WindowSettings,
    /// The tools.
    pub tools: ToolSettings,
    /// How recordings are made.
    pub recording: RecordingSettings,
}

/// How recordings are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSettings {
    /// What they show.
    #[serde(deserialize_with = "known_or_default")]
    pub shows: Filmed,
    /// How time goes by in them.
    #[serde(deserialize_with = "known_or_default")]
    pub timing: Timing,
}

/// How the window looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowSettings {
    /// Light instead of dark.
    pub light: bool,
    /// How drawing and painting share the stage.
    #[serde(deserialize_with = "known_or_default")]
    pub view: ViewMode,
    /// Share of the stage given to the drawing, in [`ViewMode::shares`].
    pub divider: f32,
    /// Smooth (true) or nearest pixels when enlarged.
    pub smooth: bool,
    /// Whether the right panel is open.
    pub panel_open: bool,
    /// The panel's tab.
    #[serde(deserialize_with = "known_or_default")]
    pub panel: PanelTab,
    /// What previews differ in.
    #[serde(deserialize_with = "known_or_default")]
    pub axis: Axis,
    /// Size of all texts and controls; 1.0 is normal.
    pub zoom: f32,
}

/// Which camera, and how it is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CameraSettings {
    /// As [`crate::capture::CameraInfo`] gives it; empty while none was used.
    pub id: String,
    /// Flip left and right, as in a mirror.
    pub mirror: bool,
}

/// The drawing tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolSettings {
    /// The one in hand.
    #[serde(deserialize_with = "known_or_default")]
    pub tool: Tool,
    /// Drawing colour, sRGB.
    pub colour: [u8; 3],
    /// The other colour, swapped by X.
    pub other: [u8; 3],
    /// Brush diameter in canvas pixels, in [`Self::DIAMETER_PX`].
    pub diameter_px: f32,
    /// 0 (soft) ..= 1 (hard).
    pub hardness: f32,
    /// 0..=1.
    pub opacity: f32,
    /// Fast strokes are thinner.
    pub speed_width: bool,
    /// Background of new drawings, sRGB.
    pub background: [u8; 3],
}

impl ToolSettings {
    /// The narrowest and the widest brush.
    pub const DIAMETER_PX: RangeInclusive<f32> = 1.0..=256.0;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 1,
            welcomed: false,
            model: ModelSource::Default,
            recent_models: Vec::new(),
            executor: "auto".into(),
            threads: 0,
            stream: false,
            params: Params::default(),
            canvas: Size::square(512),
            transparent: false,
            source: SourceSpec::Drawing,
            camera: CameraSettings::default(),
            seed_locked: true,
            window: WindowSettings::default(),
            tools: ToolSettings::default(),
            recording: RecordingSettings::default(),
        }
    }
}

impl Default for CameraSettings {
    fn default() -> Self {
        Self { id: String::new(), mirror: true }
    }
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            light: false,
            view: ViewMode::SideBySide,
            divider: 0.5,
            smooth: true,
            panel_open: true,
            panel: PanelTab::default(),
            axis: Axis::default(),
            zoom: 1.0,
        }
    }
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self {
            tool: Tool::Brush,
            colour: [0xd6, 0x2f, 0x2f],
            other: [0x2f, 0x7d, 0x3a],
            diameter_px: 24.0,
            hardness: 0.9,
            opacity: 1.0,
            speed_width: true,
            background: [255, 255, 255],
        }
    }
}

fn write_model<S: Serializer>(model: &ModelSource, serializer: S) -> Result<S::Ok, S::Error> {
    match model {
        ModelSource::Default => serializer.serialize_str(""),
        ModelSource::Dir(folder) => serializer.serialize_str(&folder.to_string_lossy()),
    }
}

fn read_model<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ModelSource, D::Error> {
    let folder = String::deserialize(deserializer)?;
    Ok(if folder.is_empty() { ModelSource::Default } else { ModelSource::Dir(folder.into()) })
}
