//! The layers of a document: adding, removing, ordering, showing. Each change can be taken back.

use super::edit::Edit;
use super::history::Knob;
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

    /// Under the active layer, or over it, if that is a picture.
    fn beside_active(&self) -> usize {
        let place = self.stack.place(self.stack.active).unwrap_or(0);
        let over = self.stack.layer(self.stack.active).is_some_and(|active| active.kind == LayerKind::Picture);
        place + usize::from(over)
    }

    fn insert_picture(&mut self, picture: FittedPicture, name: &str, place: usize) -> LayerId {
        self.end_stroke();
        self.wipe_sample();
        let id = self.fresh_id();
        let layer = Layer { ink: picture.ink, ..Layer::new(id, name.to_owned(), LayerKind::Picture, self.size()) };
        self.commit("picture", Knob::None, Edit::Insert { place, layer: Box::new(layer) });
        // Also a wholly transparent picture is news: there is a layer more.
        self.revision += 1;
        id
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

    /// The first free name of the kind "Ink 2".
    fn ink_name(&self) -> String {
        let taken = |name: &str| self.stack.layers.iter().any(|layer| layer.name == name);
        (1..).map(|number| format!("Ink {number}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Who is active when the layer `id` goes: the nearest ink below, else above.
    fn heir(&self, id: LayerId) -> LayerId {
        let place = self.stack.place(id).unwrap_or(0);
        let (below, above) = self.stack.layers.split_at(place);
        let mut inks = below.iter().rev().chain(above).filter(|layer| layer.kind == LayerKind::Ink && layer.id != id);
        inks.next().map_or(id, |layer| layer.id)
    }
}
