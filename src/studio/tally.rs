//! Where inputs went, counted exactly: each frame of a source and each change of the ink is painted, dropped, or still on
//! its way.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counts; written by whoever sees an input come or go.
#[derive(Default)]
pub(super) struct Tally {
    /// Changes of the ink.
    drawn: AtomicU64,
    /// Frames that came from a source.
    arrived: AtomicU64,
    /// Frames that the source itself passed over: stale, damaged or overtaken.
    lost: AtomicU64,
    /// Inputs overtaken on their way to the engine, or given up there.
    overtaken: AtomicU64,
    /// Inputs that a picture was begun from.
    painted: AtomicU64,
}

impl Tally {
    pub(super) fn draw(&self) {
        self.drawn.fetch_add(1, Relaxed);
    }

    pub(super) fn arrive(&self) {
        self.arrived.fetch_add(1, Relaxed);
    }

    pub(super) fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Relaxed);
    }

    pub(super) fn overtake(&self, count: u64) {
        self.overtaken.fetch_add(count, Relaxed);
    }

    pub(super) fn paint(&self, count: u64) {
        self.painted.fetch_add(count, Relaxed);
    }

    /// Frames that came from a source.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived.load(Relaxed)
    }

    /// All inputs there were.
    pub(super) fn inputs(&self) -> u64 {
        self.drawn.load(Relaxed) + self.arrived() + self.lost.load(Relaxed)
    }

    /// Inputs that a picture was begun from.
    pub(super) fn painted(&self) -> u64 {
        self.painted.load(Relaxed)
    }

    /// Inputs that no picture was begun from, and none will be.
    pub(super) fn dropped(&self) -> u64 {
        self.lost.load(Relaxed) + self.overtaken.load(Relaxed)
    }
}
