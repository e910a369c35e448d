//! A failpoint for tests: work on bytes that end in [`TRIGGER`] panics, as a decoder with a mistake would. Only for tests and
//! in builds with the feature `inspect`, never in a release.

/// What hits it: the last bytes of a file, or of a picture's pixels.
pub const TRIGGER: [u8; 16] = *b"a test of panics";

/// Panics when `bytes` end in [`TRIGGER`].
pub fn failpoint(bytes: &[u8]) {
    // Cameras fill the rest of their buffer with zeros.
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    assert!(!bytes[..end].ends_with(&TRIGGER), "the failpoint was hit");
}
