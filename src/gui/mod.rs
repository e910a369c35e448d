//! The window: a face of a [`Studio`](crate::studio::Studio). Nothing here computes pictures.

pub mod keys;
pub mod rail;
pub mod stage;
pub mod theme;
pub mod tool;
