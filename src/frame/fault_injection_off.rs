//! No fault injection: this build is for people.

/// Does nothing.
pub fn panic_if_marked(_bytes: &[u8]) {}
