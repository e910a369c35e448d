//! What the settings let a user choose among: words in the file, enums everywhere else.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize};

use crate::record::Tempo;

/// A drawing tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// Lays ink down.
    #[default]
    Brush,
    /// Takes ink away.
    Eraser,
    /// Fills an area of one colour.
    Fill,
    /// Takes a colour from a picture.
    Picker,
}

impl Tool {
    /// Every one, in the order of the rail.
    pub const ALL: [Self; 4] = [Self::Brush, Self::Eraser, Self::Fill, Self::Picker];
}

/// How drawing and painting share the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewMode {
    /// Next to each other; on top of each other in a narrow window.
    #[default]
    SideBySide,
    /// One picture: the drawing left of a line, the painting right of it.
    Wipe,
    /// The painting half transparent over the drawing.
    Overlay,
    /// The painting alone.
    Picture,
}

impl ViewMode {
    /// Every one, in the order of the window.
    pub const ALL: [Self; 4] = [Self::SideBySide, Self::Wipe, Self::Overlay, Self::Picture];

    /// The shares of the stage that the drawing may have.
    pub const fn shares(self) -> RangeInclusive<f32> {
        match self {
            Self::Wipe => 0.0..=1.0,
            Self::SideBySide | Self::Overlay | Self::Picture => 0.2..=0.8,
        }
    }
}

/// A tab of the right panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PanelTab {
    /// What other parameters would give.
    #[default]
    Explore,
    /// What lies over what.
    Layers,
    /// Which models there are, and what they know.
    Models,
    /// How long from pen to picture.
    Latency,
}

impl PanelTab {
    /// Every one, in the order of the panel.
    pub const ALL: [Self; 4] = [Self::Explore, Self::Layers, Self::Models, Self::Latency];
}

/// What previews differ in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// What is painted, of what the model knows.
    #[default]
    Subject,
    /// The noise.
    Seed,
    /// How it is painted.
    Style,
    /// The colour behind it.
    Background,
    /// How far the painting may leave its input.
    Strength,
}

impl Axis {
    /// Every one, in the order of the panel.
    pub const ALL: [Self; 5] = [Self::Subject, Self::Seed, Self::Strength, Self::Style, Self::Background];
}

/// What a recording shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filmed {
    /// The drawing, or what the camera sees, and the painting.
    #[default]
    Both,
    /// The painting alone.
    Painting,
}

/// How time goes by in a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// As it was.
    #[default]
    AsItWas,
    /// The same, but where nothing changes for longer than a second, it is a second.
    WithoutPauses,
    /// Eight times as fast, and without pauses.
    TimeLapse,
}

impl Timing {
    /// The same in numbers.
    pub(super) const fn tempo(self) -> Tempo {
        let second = Duration::from_secs(1);
        match self {
            Self::AsItWas => Tempo { speed: 1, longest_pause: Duration::MAX },
            Self::WithoutPauses => Tempo { speed: 1, longest_pause: second },
            Self::TimeLapse => Tempo { speed: 8, longest_pause: second },
        }
    }
}

/// Reads the word of a choice. One that is not known, for example from another version, is the usual choice and no reason to set
/// the file aside.
pub(super) fn known_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let word = String::deserialize(deserializer)?;
    let word: StrDeserializer<'_, Error> = word.as_str().into_deserializer();
    Ok(T::deserialize(word).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::studio::{Axis, PanelTab, Settings, Tool, ViewMode};
    use crate::weights::ModelSource;

    #[test]
    fn the_file_keeps_words() {
        let mut settings = Settings::default();
        let chosen = |settings: &Settings| (settings.window.view, settings.window.panel, settings.tools.tool);
        let words = [
            (ViewMode::SideBySide, "view = \"side-by-side\"", PanelTab::Latency, "panel = \"latency\""),
            (ViewMode::Wipe, "view = \"wipe\"", PanelTab::Layers, "panel = \"layers\""),
            (ViewMode::Overlay, "view = \"overlay\"", PanelTab::Models, "panel = \"models\""),
            (ViewMode::Picture, "view = \"picture\"", PanelTab::Explore, "panel = \"explore\""),
        ];
        let tools = ["brush", "eraser", "fill", "picker"].map(|word| format!("tool = \"{word}\""));
        for ((view, view_line, panel, panel_line), (tool, tool_line)) in
            words.into_iter().zip(Tool::ALL.iter().zip(&tools))
        {
            (settings.window.view, settings.window.panel, settings.tools.tool) = (view, panel, *tool);
            let text = toml::to_string_pretty(&settings).unwrap();
            for line in [view_line, panel_line, tool_line.as_str()] {
                assert!(text.lines().any(|written| written == line), "no {line} in:\n{text}");
            }
            assert_eq!(chosen(&toml::from_str(&text).unwrap()), chosen(&settings));
        }
    }

    #[test]
    fn an_axis_is_a_word_too() {
        let words = ["subject", "seed", "strength", "style", "background"];
        for (axis, word) in Axis::ALL.into_iter().zip(words) {
            let mut settings = Settings::default();
            settings.window.axis = axis;
            let text = toml::to_string_pretty(&settings).unwrap();
            assert!(text.lines().any(|written| written == format!("axis = \"{word}\"")), "{text}");
            assert_eq!(toml::from_str::<Settings>(&text).unwrap().window.axis, axis);
        }
    }

    #[test]
    fn a_model_is_its_folder() {
        for (model, line) in
            [(ModelSource::Default, "model = \"\""), (ModelSource::Dir("a/b".into()), "model = \"a/b\"")]
        {
            let text = toml::to_string_pretty(&Settings { model: model.clone(), ..Settings::default() }).unwrap();
            assert!(text.lines().any(|written| written == line), "no {line} in:\n{text}");
            assert_eq!(toml::from_str::<Settings>(&text).unwrap().model, model);
        }
    }

    #[test]
    fn a_word_that_nobody_knows_is_the_usual_choice() {
        let text =
            "[window]\nview = \"hologram\"\npanel = \"\"\nzoom = 2.0\n[tools]\ntool = \"Eraser\"\nhardness = 0.5";
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!((settings.window.view, settings.window.panel), (ViewMode::SideBySide, PanelTab::Explore));
        assert_eq!((settings.tools.tool, settings.tools.hardness, settings.window.zoom), (Tool::Brush, 0.5, 2.0));
    }
}
