//! Changes of the stack of layers, each with its inverse. An edit holds what it puts in; applying it gives back an edit
//! that holds what it took out, so undo and redo are the same walk.

use std::sync::Arc;

use super::dirty::Dirty;
use super::tile::{Grid, InkTile, Shape};
use super::{Layer, LayerId, LayerKind, StrokeRecord};

/// What edits change.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// How the canvas is cut.
    pub shape: Shape,
    /// The colour under all layers.
    pub background: [u8; 3],
    /// From bottom to top; at least one is ink.
    pub layers: Vec<Layer>,
    /// Where strokes go; always one of `layers`.
    pub active: LayerId,
    /// Every stroke that can be seen in the layers, oldest first.
    pub strokes: Vec<Arc<StrokeRecord>>,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// Other tiles for a layer.
    Tiles { layer: LayerId, tiles: Vec<(usize, Option<Arc<InkTile>>)> },
    /// Another background.
    Background([u8; 3]),
    /// One layer more.
    Insert { place: usize, layer: Box<Layer> },
    /// One layer less.
    Remove(LayerId),
    /// A layer somewhere else.
    Move { layer: LayerId, place: usize },
    /// A layer shown or hidden.
    Visible { layer: LayerId, visible: bool },
    /// A layer more or less opaque.
    Opacity { layer: LayerId, opacity: f32 },
    /// Another name for a layer.
    Name { layer: LayerId, name: String },
    /// Another active layer.
    Activate(LayerId),
    /// One more stroke on record.
    AddStroke(Arc<StrokeRecord>),
    /// The last stroke off the record.
    DropStroke,
    /// Another record of strokes.
    Strokes(Vec<Arc<StrokeRecord>>),
    /// Several, in this order.
    Many(Vec<Edit>),
}

impl Edit {
    /// About how much memory it holds, in bytes; tiles shared with others count too.
    pub fn bytes(&self) -> usize {
        let tile = size_of::<InkTile>();
        let points = |stroke: &StrokeRecord| stroke.points.len() * size_of::<super::StrokePoint>();
        let own = match self {
            Self::Tiles { tiles, .. } => {
                tiles.iter().filter(|(_, kept)| kept.is_some()).count() * tile + tiles.len() * 16
            }
            Self::Insert { layer, .. } => layer.ink.present().count() * tile,
            Self::Many(edits) => edits.iter().map(Self::bytes).sum(),
            Self::AddStroke(stroke) => points(stroke),
            Self::Strokes(strokes) => strokes.iter().map(|stroke| points(stroke)).sum(),
            _ => 0,
        };
        own + size_of::<Self>()
    }
}

impl Stack {
    /// The layer named `id`.
    pub fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.id == id)
    }

    /// Where the layer named `id` is, from the bottom.
    pub fn place(&self, id: LayerId) -> Option<usize> {
        self.layers.iter().position(|layer| layer.id == id)
    }

    /// Makes the change, marks the tiles whose look changes and gives back the way back. An edit about a layer that is
    /// not there does nothing.
    pub fn apply(&mut self, edit: Edit, dirty: &mut Dirty) -> Edit {
        match edit {
            Edit::Many(edits) => {
                let mut back: Vec<Edit> = edits.into_iter().map(|edit| self.apply(edit, dirty)).collect();
                back.reverse();
                Edit::Many(back)
            }
            Edit::Background(colour) => {
                dirty.mark_all();
                Edit::Background(std::mem::replace(&mut self.background, colour))
            }
            Edit::Activate(layer) => Edit::Activate(self.activate(layer)),
            Edit::AddStroke(stroke) => {
                self.strokes.push(stroke);
                Edit::DropStroke
            }
            Edit::DropStroke => self.strokes.pop().map_or_else(|| Edit::Many(Vec::new()), Edit::AddStroke),
            Edit::Strokes(strokes) => Edit::Strokes(std::mem::replace(&mut self.strokes, strokes)),
            Edit::Insert { place, layer } => self.insert(place, *layer, dirty),
            Edit::Remove(layer) => self.remove(layer, dirty),
            Edit::Move { layer, place } => self.moved(layer, place, dirty),
            Edit::Tiles { layer, tiles } => self.swap_tiles(layer, tiles, dirty),
            Edit::Visible { layer, visible } => {
                let was = self.change(layer, dirty, |layer| std::mem::replace(&mut layer.visible, visible));
                Edit::Visible { layer, visible: was.unwrap_or(visible) }
            }
            Edit::Opacity { layer, opacity } => {
                let was = self.change(layer, dirty, |layer| std::mem::replace(&mut layer.opacity, opacity));
                Edit::Opacity { layer, opacity: was.unwrap_or(opacity) }
            }
            Edit::Name { layer, mut name } => {
                if let Some(layer) = self.layers.iter_mut().find(|other| other.id == layer) {
                    std::mem::swap(&mut layer.name, &mut name);
                }
                Edit::Name { layer, name }
            }
        }
    }

    /// Makes a layer the active one, if it exists, and names the one before.
    fn activate(&mut self, id: LayerId) -> LayerId {
        if self.layer(id).is_some() { std::mem::replace(&mut self.active, id) } else { self.active }
    }

    /// Changes something about how a layer looks as a whole.
    fn change<R>(&mut self, id: LayerId, dirty: &mut Dirty, how: impl FnOnce(&mut Layer) -> R) -> Option<R> {
        let layer = self.layers.iter_mut().find(|layer| layer.id == id)?;
        mark_ink(&layer.ink, dirty);
        Some(how(layer))
    }

    fn swap_tiles(&mut self, id: LayerId, tiles: Vec<(usize, Option<Arc<InkTile>>)>, dirty: &mut Dirty) -> Edit {
        let Some(layer) = self.layers.iter_mut().find(|layer| layer.id == id) else { return Edit::Many(Vec::new()) };
        let mut back = Vec::with_capacity(tiles.len());
        for (index, tile) in tiles {
            dirty.mark(index);
            back.push((index, layer.ink.replace(index, tile)));
        }
        Edit::Tiles { layer: id, tiles: back }
    }

    fn insert(&mut self, place: usize, layer: Layer, dirty: &mut Dirty) -> Edit {
        mark_ink(&layer.ink, dirty);
        let id = layer.id;
        self.layers.insert(place.min(self.layers.len()), layer);
        Edit::Remove(id)
    }

    fn remove(&mut self, id: LayerId, dirty: &mut Dirty) -> Edit {
        let Some(place) = self.place(id) else { return Edit::Many(Vec::new()) };
        let layer = self.layers.remove(place);
        mark_ink(&layer.ink, dirty);
        if self.active == id {
            let below = self.layers[..place].iter().rev();
            let near = below.chain(&self.layers[place..]).find(|layer| layer.kind == LayerKind::Ink);
            self.active = near.or(self.layers.first()).map_or(id, |layer| layer.id);
        }
        Edit::Insert { place, layer: Box::new(layer) }
    }

    fn moved(&mut self, id: LayerId, place: usize, dirty: &mut Dirty) -> Edit {
        let Some(from) = self.place(id) else { return Edit::Many(Vec::new()) };
        let layer = self.layers.remove(from);
        mark_ink(&layer.ink, dirty);
        self.layers.insert(place.min(self.layers.len()), layer);
        Edit::Move { layer: id, place: from }
    }
}

/// Marks every tile that has ink.
fn mark_ink(ink: &Grid<InkTile>, dirty: &mut Dirty) {
    for index in ink.present() {
        dirty.mark(index);
    }
}
