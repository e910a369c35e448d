//! The language networks are written in: a static list of about twenty ops with known shapes. It computes nothing.

/// A network.
pub struct Graph;
