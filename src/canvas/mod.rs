//! The drawing: layers, strokes, edits with their inverses. Knows no window.

mod brush;
mod document;
mod layer;
mod rect;
mod tile;

pub use brush::{Brush, StrokePoint, StrokeRecord, WidthRule};
pub use document::{Backdrop, Document, SAMPLE_PROMPT};
pub use layer::{Layer, LayerId, LayerKind};
pub use rect::Rect;
