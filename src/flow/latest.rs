//! A slot where the newest value wins.
//!
//! A bounded channel keeps the old values and refuses the new one, which is the wrong way round for pictures. This is a
//! slot beside a one-element wake channel: sending replaces what was not taken yet and counts it as dropped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

struct Slot<T> {
    value: Mutex<Option<T>>,
    dropped: AtomicU64,
}

impl<T> Slot<T> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<T>> {
        // A panic cannot leave an Option half written, so a poisoned slot is as good as any.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side that puts values in. Clones share the slot.
pub struct LatestSender<T> {
    slot: Arc<Slot<T>>,
    wake: Sender<()>,
}

/// The side that takes values out. Clones share the slot: each value reaches one of them.
pub struct LatestReceiver<T> {
    slot: Arc<Slot<T>>,
    wake: Receiver<()>,
}

/// Makes a slot.
///
/// ```
/// let (sender, receiver) = afterimage::flow::latest();
/// sender.send(1);
/// assert!(sender.send(2), "1 was not taken: it is dropped");
/// assert_eq!(receiver.take(), Some(2));
/// assert_eq!(receiver.take(), None);
/// assert_eq!(receiver.dropped(), 1);
/// ```
pub fn latest<T>() -> (LatestSender<T>, LatestReceiver<T>) {
    let slot = Arc::new(Slot { value: Mutex::new(None), dropped: AtomicU64::new(0) });
    let (wake_sender, wake_receiver) = bounded(1);
    (LatestSender { slot: slot.clone(), wake: wake_sender }, LatestReceiver { slot, wake: wake_receiver })
}

impl<T> LatestSender<T> {
    /// Puts `value` in and wakes the receiver. Says whether an older value was dropped for it.
    pub fn send(&self, value: T) -> bool {
        let replaced = self.replace(value).is_some();
        if replaced {
            self.slot.dropped.fetch_add(1, Ordering::Relaxed);
        }
        replaced
    }

    /// Puts `value` in, wakes the receiver, and gives back what nobody took, for callers who count by themselves.
    pub fn replace(&self, value: T) -> Option<T> {
        let replaced = self.slot.lock().replace(value);
        // A full wake channel means the receiver is to be woken anyway; a closed one means that nobody listens.
        self.wake.try_send(()).ok();
        replaced
    }

    /// Counts a value that was already too old to be put in.
    pub fn count_dropped(&self) {
        self.slot.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many values were replaced before anyone took them.
    pub fn dropped(&self) -> u64 {
        self.slot.dropped.load(Ordering::Relaxed)
    }
}

impl<T> LatestReceiver<T> {
    /// Takes the newest value, if there is one. Never waits.
    pub fn take(&self) -> Option<T> {
        self.wake.try_recv().ok();
        self.slot.lock().take()
    }

    /// The newest value without taking it.
    pub fn peek(&self) -> Option<T>
    where
        T: Clone,
    {
        self.slot.lock().clone()
    }

    /// Whether something came that was not taken.
    pub fn has_news(&self) -> bool {
        !self.wake.is_empty()
    }

    /// The wake channel, for `select!`: it has a message when there is news, and is closed when all senders are gone.
    pub fn wake(&self) -> &Receiver<()> {
        &self.wake
    }

    /// How many values were replaced before anyone took them.
    pub fn dropped(&self) -> u64 {
        self.slot.dropped.load(Ordering::Relaxed)
    }
}

impl<T> Clone for LatestSender<T> {
    fn clone(&self) -> Self {
        Self { slot: self.slot.clone(), wake: self.wake.clone() }
    }
}

impl<T> Clone for LatestReceiver<T> {
    fn clone(&self) -> Self {
        Self { slot: self.slot.clone(), wake: self.wake.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_the_newest_and_counts_the_rest() {
        let (sender, receiver) = latest();
        for value in 0..100 {
            sender.send(value);
        }
        assert_eq!(receiver.take(), Some(99));
        assert_eq!(receiver.dropped(), 99);
    }

    #[test]
    fn one_wake_for_any_number_of_values() {
        let (sender, receiver) = latest();
        sender.send(1);
        sender.send(2);
        assert!(receiver.wake().try_recv().is_ok());
        assert!(receiver.wake().try_recv().is_err());
        assert_eq!(receiver.take(), Some(2));
    }

    #[test]
    fn a_dropped_sender_closes_the_wake_channel() {
        let (sender, receiver) = latest::<u8>();
        drop(sender);
        assert!(receiver.wake().recv().is_err());
    }
}
