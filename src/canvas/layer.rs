//! One sheet of the drawing. Knows its pixels, not its neighbours.

use super::tile::{Grid, InkTile, TILE};
use crate::frame::Size;

/// Names a layer for as long as its document lives, also through undo and redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(pub(super) u64);

/// What a layer was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// Drawn by hand.
    Ink,
    /// An opened picture or a frozen camera frame; can be painted over and erased like ink.
    Picture,
}

/// One sheet of the drawing.
///
/// ```
/// use afterimage::canvas::{Document, LayerKind};
/// use afterimage::frame::Size;
///
/// let document = Document::new(Size::square(256), [255; 3]);
/// let ink = &document.layers()[0];
/// assert_eq!((ink.name(), ink.kind(), ink.is_visible()), ("Ink 1", LayerKind::Ink, true));
/// ```
#[derive(Clone, Debug)]
pub struct Layer {
    pub(super) id: LayerId,
    pub(super) name: String,
    pub(super) kind: LayerKind,
    pub(super) visible: bool,
    pub(super) opacity: f32,
    pub(super) ink: Grid<InkTile>,
}

impl Layer {
    /// An empty visible layer.
    pub(super) fn new(id: LayerId, name: String, kind: LayerKind, size: Size) -> Self {
        Self { id, name, kind, visible: true, opacity: 1.0, ink: Grid::new(size) }
    }

    /// Its lasting name for the program.
    pub fn id(&self) -> LayerId {
        self.id
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was made for.
    pub fn kind(&self) -> LayerKind {
        self.kind
    }

    /// Whether it shows.
    pub fn is_visible(&self) -> bool {
        self.visible
    }

    /// Whether anything on it can be seen.
    pub fn shows(&self) -> bool {
        self.visible && self.opacity_255() > 0
    }

    /// How opaque it is, 0 to 1.
    pub fn opacity(&self) -> f32 {
        self.opacity
    }

    /// The same in steps of a pixel's alpha, 0 to 255.
    pub(super) fn opacity_255(&self) -> u32 {
        (self.opacity * 255.0).round() as u32
    }

    /// Whether nothing below it can be seen, anywhere.
    pub fn covers_all(&self) -> bool {
        let shape = self.ink.shape();
        let is_full = |index: usize| {
            let (rect, Some(tile)) = (shape.rect(index), self.ink.get(index)) else { return false };
            let rows = tile.chunks_exact(TILE as usize).take(rect.height as usize);
            rows.flat_map(|row| &row[..rect.width as usize]).all(|pixel| pixel[3] == 255)
        };
        self.visible && self.opacity_255() == 255 && (0..shape.count()).all(is_full)
    }

    /// True when nothing is on it.
    pub fn is_blank(&self) -> bool {
        self.ink.present().next().is_none()
    }
}
