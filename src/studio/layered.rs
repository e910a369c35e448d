//! Drawings as layered files, and layered files as drawings.

use std::path::Path;

use crate::canvas::{Backdrop, Document, LayerKind, PlainLayer};
use crate::record::{self, LayeredError, LayeredPicture, PictureLayer, RecordError};

/// What lies under a drawing that comes without a background.
const PAPER: [u8; 3] = [255; 3];

/// Writes all layers of `drawing`; `backdrop` is what lies under them where only their picture is shown.
///
/// # Errors
/// Those of [`record::save_ora`].
pub(super) fn save(path: &Path, drawing: &Document, backdrop: Backdrop) -> Result<(), RecordError> {
    let layers = drawing.layers();
    let picture = LayeredPicture {
        size: drawing.size(),
        background: Some(drawing.background()),
        transparent: backdrop == Backdrop::Transparent,
        layers: layers.iter().map(|layer| out(layer.plain())).collect(),
        active: layers.iter().position(|layer| layer.id() == drawing.active()),
    };
    record::save_ora(path, &picture, &drawing.frame(backdrop))
}

/// The drawing in a layered file, and what of the file it cannot be, in sentences without a stop.
///
/// # Errors
/// Those of [`record::read_ora`].
pub(super) fn read(bytes: &[u8], name: &str) -> Result<(Document, Vec<String>), LayeredError> {
    let (picture, differs) = record::read_ora(bytes, name, Document::MAX_SIDE)?;
    let layers = picture.layers.into_iter().map(back);
    Ok((Document::of_layers(picture.size, picture.background.unwrap_or(PAPER), layers, picture.active), differs))
}

fn out(layer: PlainLayer) -> PictureLayer {
    let PlainLayer { name, kind, visible, opacity, frame, at } = layer;
    PictureLayer { name, drawn: kind == LayerKind::Ink, visible, opacity, frame, at }
}

fn back(layer: PictureLayer) -> PlainLayer {
    let PictureLayer { name, drawn, visible, opacity, frame, at } = layer;
    let kind = if drawn { LayerKind::Ink } else { LayerKind::Picture };
    PlainLayer { name, kind, visible, opacity, frame, at }
}
