//! A trapdoor for tests: work on bytes that end in [`SPRING`] panics, as a decoder with a mistake would. Only for tests and
//! in builds with the feature `inspect`, never in a release.

/// What opens it: the last bytes of a file, or of a picture's pixels.
pub const SPRING: [u8; 16] = *b"a test of panics";

/// Panics when `bytes` end in [`SPRING`].
pub fn trapdoor(bytes: &[u8]) {
    // Cameras fill the rest of their buffer with zeros.
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    assert!(!bytes[..end].ends_with(&SPRING), "the trapdoor was opened");
}
