//! The drawing tools by name.

/// A drawing tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    /// The word the settings keep.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brush => "brush",
            Self::Eraser => "eraser",
            Self::Fill => "fill",
            Self::Picker => "picker",
        }
    }

    /// The one of this name; the brush for any other word.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|tool| tool.name() == name).unwrap_or_default()
    }
}
