//! Where the stage's pictures are kept and drawn: on the graphics card through our shader, or plainly through egui.
//!
//! Both take the same [`Layer`]s and show the same pixels. Nothing above this file knows which one is at work.

use crate::canvas::PixelRect;
use crate::display::{Quad, Sampling};
use crate::frame::Size;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Camera, picture or pattern under the ink.
    Source,
    /// The drawing.
    Ink,
    /// The newest painting.
    Painting,
    /// The painting before it, while the new one fades in.
    Fading,
}

impl Slot {
    /// How many there are.
    pub(super) const COUNT: usize = 4;

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Source => "stage source",
            Self::Ink => "stage ink",
            Self::Painting => "stage painting",
            Self::Fading => "stage fading painting",
        }
    }
}

/// A picture, or the checkerboard (`None`), on a part of the screen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    pub(super) slot: Option<Slot>,
    pub(super) quad: Quad,
}

/// A way of keeping and drawing pictures.
pub(super) trait Surface {
    /// The size of a picture, if there is one.
    fn size(&self, slot: Slot) -> Option<Size>;

    /// True when only [`Self::replace`] can bring the picture to this size and way of sampling.
    fn needs_whole(&self, slot: Slot, size: Size, sampling: Sampling) -> bool;

    /// Takes a whole picture: RGBA8, straight alpha.
    fn replace(&mut self, ctx: &egui::Context, slot: Slot, size: Size, pixels: &[u8], sampling: Sampling);

    /// Takes a changed part of a picture.
    fn update(&mut self, slot: Slot, rect: PixelRect, pixels: &[u8]);

    /// Exchanges two pictures: the memory of the older one is used again for the next.
    fn swap(&mut self, a: Slot, b: Slot);

    /// Draws `layers` in order inside `rect`.
    fn paint(&mut self, ui: &egui::Ui, rect: egui::Rect, layers: Vec<Layer>);
}
