//! The layers of a document: adding, removing, ordering, showing. Each change can be taken back.

use std::sync::Arc;

use super::blend::{faded, over};
use super::edit::Edit;
use super::history::Knob;
use super::tile::{Grid, InkTile, NO_INK};
use super::{Document, FittedPicture, Layer, LayerId, LayerKind};
use crate::frame::Frame;

impl Document {
    /// All layers from bottom to top; there is always one of ink.
    pub fn layers(&self) -> &[Layer] {
        &self.stack.layers
    }

    /// The layer that strokes and fills go to.
    pub fn active(&self) -> LayerId {
        self.stack.active
    }

    /// Chooses the layer that strokes and fills go to; false when there is no such layer. Not a step of history.
    pub fn set_active(&mut self, id: LayerId) -> bool {
        self.end_stroke();
        let known = self.stack.layer(id).is_some();
        if known {
            self.stack.active = id;
        }
        known
    }

    /// Lays a picture under the active layer (over it, if that is a picture too), cropped and scaled so that it covers the
    /// canvas. A sample drawing makes room.
    ///
    /// ```
    /// use afterimage::canvas::{Document, LayerKind};
    /// use afterimage::frame::{Frame, Size};
    ///
    /// let mut document = Document::new(Size::new(128, 96), [255; 3]);
    /// document.add_picture(&Frame::filled(Size::square(500), [9, 90, 200, 255]), "Lake");
    /// assert_eq!(document.layers()[0].kind(), LayerKind::Picture);
    /// assert_eq!(document.pick(127.0, 95.0), Some([9, 90, 200]));
    /// ```
    pub fn add_picture(&mut self, picture: &Frame, name: &str) -> LayerId {
        self.insert_picture(FittedPicture::covering(picture, self.size()), name, self.beside_active())
    }

    /// [`Self::add_picture`] with a picture that was fitted before, perhaps on another thread; none when that was for a
    /// canvas of another size.
    pub fn add_fitted(&mut self, picture: FittedPicture, name: &str) -> Option<LayerId> {
        (picture.size() == self.size()).then(|| self.insert_picture(picture, name, self.beside_active()))
    }

    /// The same under all layers, where a live source lies.
    pub fn add_fitted_below(&mut self, picture: FittedPicture, name: &str) -> Option<LayerId> {
        (picture.size() == self.size()).then(|| self.insert_picture(picture, name, 0))
    }

    /// The same over all layers, as one to draw on, which becomes the active one.
    pub fn add_fitted_above(&mut self, picture: FittedPicture, name: &str) -> Option<LayerId> {
        if picture.size() != self.size() {
            return None;
        }
        let layer = self.picture_layer(picture, self.free_name(name, None), LayerKind::Ink);
        let id = layer.id;
        let edits = vec![Edit::Insert { place: self.stack.layers.len(), layer }, Edit::Activate(id)];
        self.commit("painting", Knob::None, Edit::Many(edits));
        Some(id)
    }

    /// Under the active layer, or over it, if that is a picture.
    fn beside_active(&self) -> usize {
        let place = self.stack.place(self.stack.active).unwrap_or(0);
        let over = self.stack.layer(self.stack.active).is_some_and(|active| active.kind == LayerKind::Picture);
        place + usize::from(over)
    }

    fn insert_picture(&mut self, picture: FittedPicture, name: &str, place: usize) -> LayerId {
        let layer = self.picture_layer(picture, name.to_owned(), LayerKind::Picture);
        let id = layer.id;
        self.commit("picture", Knob::None, Edit::Insert { place, layer });
        // Also a wholly transparent picture is news: there is a layer more.
        self.revision += 1;
        id
    }

    /// A layer of a picture, for which the sample and a stroke that is being drawn make room.
    fn picture_layer(&mut self, picture: FittedPicture, name: String, kind: LayerKind) -> Box<Layer> {
        self.end_stroke();
        self.wipe_sample();
        Box::new(Layer { ink: picture.ink, ..Layer::new(self.fresh_id(), name, kind, self.size()) })
    }

    /// Adds an empty ink layer above the active one and makes it active.
    pub fn add_ink_layer(&mut self) -> LayerId {
        self.end_stroke();
        let id = self.fresh_id();
        let layer = Box::new(Layer::new(id, self.ink_name(), LayerKind::Ink, self.size()));
        let place = self.stack.place(self.stack.active).map_or(0, |place| place + 1);
        let edits = vec![Edit::Insert { place, layer }, Edit::Activate(id)];
        self.commit("new layer", Knob::None, Edit::Many(edits));
        id
    }

    /// Removes a layer; false for the last ink layer and for one that is not there.
    pub fn remove_layer(&mut self, id: LayerId) -> bool {
        self.end_stroke();
        let Some(layer) = self.stack.layer(id) else { return false };
        let inks = self.stack.layers.iter().filter(|layer| layer.kind == LayerKind::Ink).count();
        if layer.kind == LayerKind::Ink && inks == 1 {
            return false;
        }
        // Named first, so that going back makes it the active one again.
        let edits = vec![Edit::Remove(id), Edit::Activate(self.stack.active)];
        let edits = if self.stack.active == id { vec![Edit::Activate(self.heir(id)), Edit::Remove(id)] } else { edits };
        self.commit("removed layer", Knob::None, Edit::Many(edits));
        true
    }

    /// Lays a copy of a layer over it and makes that the active one; none when there is no such layer.
    pub fn duplicate_layer(&mut self, id: LayerId) -> Option<LayerId> {
        self.end_stroke();
        let place = self.stack.place(id)? + 1;
        let copy = self.fresh_id();
        let layer = self.stack.layer(id)?;
        let name = self.free_name(&format!("{} copy", layer.name.trim_end_matches(" copy")), None);
        let layer = Box::new(Layer { id: copy, name, ..layer.clone() });
        let edits = vec![Edit::Insert { place, layer }, Edit::Activate(copy)];
        self.commit("layer copy", Knob::None, Edit::Many(edits));
        Some(copy)
    }

    /// Whether a layer can become one with the layer below: both have to be seen, or what is merged would not look the same.
    pub fn can_merge_down(&self, id: LayerId) -> bool {
        self.pair(id).is_some_and(|(below, layer)| below.shows() && layer.shows())
    }

    /// Makes a layer and the one below a single layer that looks as both did, and makes it the active one; none where
    /// [`Self::can_merge_down`] says no.
    ///
    /// ```
    /// use afterimage::canvas::Document;
    /// use afterimage::frame::Size;
    ///
    /// let mut document = Document::new(Size::square(64), [255; 3]);
    /// document.fill(1.0, 1.0, [200, 0, 0], 16);
    /// let above = document.add_ink_layer();
    /// assert!(document.merge_down(above).is_some_and(|merged| document.active() == merged));
    /// assert_eq!((document.layers().len(), document.pick(9.0, 9.0)), (1, Some([200, 0, 0])));
    /// ```
    pub fn merge_down(&mut self, id: LayerId) -> Option<LayerId> {
        self.end_stroke();
        if !self.can_merge_down(id) {
            return None;
        }
        let merged = self.fresh_id();
        let (below, layer) = self.pair(id)?;
        // Ink stays drawable by that name: the last layer of ink cannot be lost in a picture.
        let kind = if layer.kind == LayerKind::Ink { LayerKind::Ink } else { below.kind };
        let ink = merged_ink(below, layer);
        let edits = vec![
            Edit::Insert {
                place: self.stack.place(below.id)?,
                layer: Box::new(Layer { ink, ..Layer::new(merged, below.name.clone(), kind, self.size()) }),
            },
            Edit::Activate(merged),
            Edit::Remove(layer.id),
            Edit::Remove(below.id),
        ];
        self.commit("merged layers", Knob::None, Edit::Many(edits));
        Some(merged)
    }

    /// The layer below the layer `id`, and that layer.
    fn pair(&self, id: LayerId) -> Option<(&Layer, &Layer)> {
        let place = self.stack.place(id)?;
        Some((&self.stack.layers[place.checked_sub(1)?], &self.stack.layers[place]))
    }

    /// Moves a layer to `place`, counted from the bottom; false when there is no such layer or it is there already.
    pub fn move_layer(&mut self, id: LayerId, place: usize) -> bool {
        self.end_stroke();
        let place = place.min(self.stack.layers.len() - 1);
        let moves = self.stack.place(id).is_some_and(|now| now != place);
        if moves {
            self.commit("layer order", Knob::None, Edit::Move { layer: id, place });
        }
        moves
    }

    /// Shows or hides a layer; false when nothing changed.
    pub fn set_visible(&mut self, id: LayerId, visible: bool) -> bool {
        self.end_stroke();
        let changes = self.stack.layer(id).is_some_and(|layer| layer.visible != visible);
        if changes {
            let name = if visible { "shown layer" } else { "hidden layer" };
            self.commit(name, Knob::None, Edit::Visible { layer: id, visible });
        }
        changes
    }

    /// Sets how opaque a layer is, 0 to 1; changes in quick succession are one step back. False when nothing changed.
    pub fn set_opacity(&mut self, id: LayerId, opacity: f32) -> bool {
        self.end_stroke();
        if opacity.is_nan() {
            return false;
        }
        let opacity = opacity.clamp(0.0, 1.0);
        let changes = self.stack.layer(id).is_some_and(|layer| layer.opacity != opacity);
        if changes {
            self.commit("layer opacity", Knob::Opacity(id), Edit::Opacity { layer: id, opacity });
        }
        changes
    }

    /// Calls a layer otherwise: by `name` without spaces around it, [`Self::LONGEST_NAME`] characters of it at most, and with a number
    /// where another layer is called so. False when nothing changed, as for a name of nothing.
    pub fn rename_layer(&mut self, id: LayerId, name: &str) -> bool {
        self.end_stroke();
        let text = name.chars().filter(|c| !c.is_control()).take(Self::LONGEST_NAME).collect::<String>();
        let text = text.trim();
        let name = self.free_name(text, Some(id));
        let changes = !text.is_empty() && self.stack.layer(id).is_some_and(|layer| layer.name != name);
        if changes {
            self.commit("layer name", Knob::None, Edit::Name { layer: id, name });
        }
        changes
    }

    /// The first free name of the kind "Ink 2".
    fn ink_name(&self) -> String {
        (1..).map(|number| format!("Ink {number}")).find(|name| !self.is_taken(name, None)).unwrap_or_default()
    }

    /// `name`, with a number where a layer has it already; `own` may keep its name.
    fn free_name(&self, name: &str, own: Option<LayerId>) -> String {
        let numbered = (2..).map(|number| format!("{name} {number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.is_taken(name, own)).unwrap_or_default()
    }

    fn is_taken(&self, name: &str, own: Option<LayerId>) -> bool {
        self.stack.layers.iter().any(|layer| layer.name == name && Some(layer.id) != own)
    }

    /// Who is active when the layer `id` goes: the nearest ink below, else above.
    fn heir(&self, id: LayerId) -> LayerId {
        let place = self.stack.place(id).unwrap_or(0);
        let (below, above) = self.stack.layers.split_at(place);
        let mut inks = below.iter().rev().chain(above).filter(|layer| layer.kind == LayerKind::Ink && layer.id != id);
        inks.next().map_or(id, |layer| layer.id)
    }
}

/// What two layers are together, without what lies under them.
fn merged_ink(below: &Layer, layer: &Layer) -> Grid<InkTile> {
    let mut ink = Grid::new(below.ink.shape().size);
    for index in 0..ink.shape().count() {
        let mut tile = NO_INK;
        for (sheet, opacity) in [below, layer].map(|layer| (layer.ink.get(index), layer.opacity_255())) {
            let Some(sheet) = sheet else { continue };
            for (under, &pixel) in tile.iter_mut().zip(sheet.iter()) {
                *under = over(*under, faded(pixel, opacity));
            }
        }
        if tile != NO_INK {
            ink.replace(index, Some(Arc::new(tile)));
        }
    }
    ink
}
