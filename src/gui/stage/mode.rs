//! The ways of looking at drawing and painting together.

/// How drawing and painting share the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    /// The word the settings keep.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SideBySide => "side-by-side",
            Self::Wipe => "wipe",
            Self::Overlay => "overlay",
            Self::Picture => "picture",
        }
    }

    /// The one of this name; side by side for any other word.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|mode| mode.name() == name).unwrap_or_default()
    }
}
