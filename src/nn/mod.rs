//! Networks written as graphs. Nothing here computes.

pub mod text;
