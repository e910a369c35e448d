//! Networks written as graphs. Nothing here computes.
