//! How the rooms share the window. Pure numbers, so that they can be tested.

/// Height of the top bar.
pub const TOP: f32 = 44.0;
/// Width of the right panel.
pub const PANEL: f32 = 264.0;
/// Height of the status line.
pub const STATUS: f32 = 26.0;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Points across.
    pub width: f32,
    /// Points down.
    pub height: f32,
}

/// How wide the window is, in the three steps that change the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// Under 700 points: the pictures stack.
    Tiny,
    /// Under 1000 points: the panel floats, the dock has two rows.
    Narrow,
    /// Everything has its place.
    Wide,
}

impl Room {
    /// The step the window is at.
    pub fn breadth(self) -> Breadth {
        match self.width {
            w if w < 700.0 => Breadth::Tiny,
            w if w < 1000.0 => Breadth::Narrow,
            _ => Breadth::Wide,
        }
    }

    /// Too low for the numbers to stand in the dock: they hide behind a button.
    pub fn is_low(self) -> bool {
        self.height < 620.0
    }

    /// Too low even for the row of chips.
    pub fn chips_hide(self) -> bool {
        self.height < 540.0
    }

    /// Whether the panel floats over the stage.
    pub fn panel_floats(self) -> bool {
        self.breadth() < Breadth::Wide
    }

    /// Columns of numbers beside or below the prompt.
    pub fn number_columns(self) -> usize {
        match self.breadth() {
            Breadth::Tiny | Breadth::Wide => 2,
            Breadth::Narrow => 3,
        }
    }

    /// Height of the dock.
    pub fn dock(self) -> f32 {
        match (self.breadth(), self.is_low()) {
            (Breadth::Wide, _) => 104.0,
            (_, true) if self.chips_hide() => 60.0,
            (_, true) => 92.0,
            (Breadth::Narrow, false) => 152.0,
            (Breadth::Tiny, false) => 180.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_keeps_most_of_every_window() {
        for (width, height) in [(480.0, 480.0), (640.0, 700.0), (999.0, 700.0), (1440.0, 900.0)] {
            let room = Room { width, height };
            let stage = height - TOP - STATUS - room.dock();
            assert!(stage > height * 0.6, "{room:?} leaves {stage}");
        }
    }

    #[test]
    fn the_panel_floats_below_a_thousand() {
        assert!(Room { width: 999.0, height: 900.0 }.panel_floats());
        assert!(!Room { width: 1000.0, height: 900.0 }.panel_floats());
    }
}
