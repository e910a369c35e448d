//! The window: a face of a [`Studio`](crate::studio::Studio). Nothing here computes pictures.

pub mod theme;
