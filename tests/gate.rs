//! A slow disk for tests: holds the first thread of a name that wants to tell something until it is let go, and counts those
//! that ended. To be called wherever the studio calls its `wake`. Part of several test programs.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// The gate; clones are the same one.
#[derive(Clone)]
pub struct Gate {
    thread: &'static str,
    armed: Arc<AtomicBool>,
    opened: Arc<AtomicBool>,
    ended: Arc<AtomicU32>,
}

/// Counts its thread when that ends.
struct Ending(Arc<AtomicU32>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    static ENDING: RefCell<Option<Ending>> = const { RefCell::new(None) };
}

impl Default for Gate {
    /// For loaders.
    fn default() -> Self {
        Self::of("loader")
    }
}

impl Gate {
    /// For threads of this name.
    pub fn of(thread: &'static str) -> Self {
        Self { thread, armed: Arc::default(), opened: Arc::default(), ended: Arc::default() }
    }

    /// Holds the next one.
    pub fn close(&self) {
        self.opened.store(false, Ordering::SeqCst);
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Lets it go on.
    pub fn open(&self) {
        self.opened.store(true, Ordering::SeqCst);
    }

    /// How many have ended.
    pub fn ended(&self) -> u32 {
        self.ended.load(Ordering::SeqCst)
    }

    /// What the studio's `wake` calls.
    pub fn pass(&self) {
        if std::thread::current().name() != Some(self.thread) {
            return;
        }
        ENDING.with_borrow_mut(|ending| _ = ending.get_or_insert_with(|| Ending(self.ended.clone())));
        if self.armed.swap(false, Ordering::SeqCst) {
            while !self.opened.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
