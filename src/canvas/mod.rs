//! The drawing: layers, strokes, edits with their inverses. Knows no window.
