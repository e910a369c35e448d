//! Pictures to disk.
