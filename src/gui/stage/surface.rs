//! Where the stage's pictures are kept and drawn: on the graphics card through our shader, or plainly through egui.
//!
//! Both take the same [`Layer`]s and show the same pixels. Nothing above this file knows which one is at work.

use super::card::Card;
use super::plain::Plain;
use crate::canvas::Rect;
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

/// The two ways of keeping and drawing pictures.
pub(super) enum Surface {
    /// wgpu textures and `shaders/picture.wgsl`.
    Card(Box<Card>),
    /// egui's own textures and meshes, for every other renderer.
    Plain(Plain),
}

impl Surface {
    /// The size of a picture, if there is one.
    pub(super) fn size(&self, slot: Slot) -> Option<Size> {
        match self {
            Self::Card(card) => card.size(slot),
            Self::Plain(plain) => plain.size(slot),
        }
    }

    /// True when only [`Self::replace`] can bring the picture to this size and way of sampling.
    pub(super) fn needs_whole(&self, slot: Slot, size: Size, sampling: Sampling) -> bool {
        match self {
            Self::Card(card) => card.size(slot) != Some(size),
            Self::Plain(plain) => plain.needs_whole(slot, size, sampling),
        }
    }

    /// Takes a whole picture: RGBA8, straight alpha.
    pub(super) fn replace(&mut self, ctx: &egui::Context, slot: Slot, size: Size, pixels: &[u8], sampling: Sampling) {
        match self {
            Self::Card(card) => card.replace(slot, size, pixels),
            Self::Plain(plain) => plain.replace(ctx, slot, size, pixels, sampling),
        }
    }

    /// Takes a changed part of a picture.
    pub(super) fn update(&mut self, slot: Slot, rect: Rect, pixels: &[u8]) {
        match self {
            Self::Card(card) => card.update(slot, rect, pixels),
            Self::Plain(plain) => plain.update(slot, rect, pixels),
        }
    }

    /// The painting becomes the fading one; its memory is used again for the next.
    pub(super) fn set_painting_aside(&mut self) {
        match self {
            Self::Card(card) => card.swap(Slot::Painting, Slot::Fading),
            Self::Plain(plain) => plain.swap(Slot::Painting, Slot::Fading),
        }
    }

    /// Draws `layers` in order inside `rect`.
    pub(super) fn paint(&mut self, ui: &egui::Ui, rect: egui::Rect, layers: Vec<Layer>) {
        match self {
            Self::Card(card) => card.paint(ui, rect, layers),
            Self::Plain(plain) => plain.paint(ui, rect, &layers),
        }
    }
}
