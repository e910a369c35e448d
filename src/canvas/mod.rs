//! The drawing: layers, strokes, edits with their inverses. Knows no window.
//!
//! A [`Document`] is a stack of layers over a background colour. Pixels live in shared tiles that exist only where there
//! is ink; a stroke is a coverage mask that becomes part of a layer when it ends; every edit knows its way back. Who
//! shows a drawing asks for the rectangles that changed ([`Document::take_dirty`]) and for their pixels
//! ([`Document::composite_into`]); who sends it to a model asks for it at the model's size ([`Document::overlay`]).
//!
//! ```text
//! samples -> path (smooth line) -> sweep (coverage) -> stroke -> edit -> stack of layers -> look -> frame
//! ```

mod document;
mod drawing;
mod sheets;
mod views;

mod brush;
mod fitted;
mod layer;
mod plain;
mod rect;

mod path;
mod stroke;
mod sweep;
mod width;

mod edit;
mod fill;
mod history;

mod blend;
mod dirty;
mod look;
mod overlay;
mod reduce;
mod tile;

mod sample;

#[cfg(test)]
mod tests;

pub use brush::{Brush, StrokePoint, StrokeRecord, WidthRule};
pub use document::Document;
pub use fitted::FittedPicture;
pub use history::Version;
pub use layer::{Layer, LayerId, LayerKind};
pub use look::Backdrop;
pub use plain::PlainLayer;
pub use rect::PixelRect;
pub use sample::SAMPLE_PROMPT;
