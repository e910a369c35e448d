//! The way back and forth, within a bound of memory. Knows edits only as values with a size.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::LayerId;
use super::edit::Edit;

/// Most bytes kept for going back.
const MAX_BYTES: usize = 256 << 20;
/// Most steps kept for going back.
const MAX_STEPS: usize = 500;
/// Changes of one knob closer together than this are one step.
const ONE_DRAG: Duration = Duration::from_secs(1);

/// Names one state of one drawing: going back to a state is going back to its name, and no other drawing has it. Two
/// versions are equal when nothing lies between them that a file would have to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u64);

impl Version {
    /// A name no state had before.
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Which steps may become one: successive changes of the same knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knob {
    /// Each is a step of its own.
    None,
    /// The background colour.
    Background,
    /// The opacity of a layer.
    Opacity(LayerId),
}

/// One step: the edit that leads back (or, once undone, forth).
#[derive(Clone, Debug)]
struct Step {
    name: &'static str,
    knob: Knob,
    at: Instant,
    edit: Edit,
    bytes: usize,
    /// The state that the edit leads to.
    leads_to: Version,
}

/// Steps done and steps undone.
#[derive(Clone, Debug)]
pub(super) struct History {
    now: Version,
    done: VecDeque<Step>,
    undone: Vec<Step>,
    done_bytes: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { now: Version::fresh(), done: VecDeque::new(), undone: Vec::new(), done_bytes: 0 }
    }
}

impl History {
    /// Of a drawing in the state `now`, with no way back.
    pub fn at(now: Version) -> Self {
        Self { now, ..Self::default() }
    }

    /// The state the drawing is in.
    pub fn now(&self) -> Version {
        self.now
    }

    /// Remembers a change just made by its way back.
    pub fn push(&mut self, name: &'static str, knob: Knob, back: Edit) {
        self.undone.clear();
        let at = Instant::now();
        let before = std::mem::replace(&mut self.now, Version::fresh());
        // The older way back leads to before the whole drag.
        if let Some(last) = self.done.back_mut().filter(|last| knob != Knob::None && last.knob == knob)
            && at.duration_since(last.at) < ONE_DRAG
        {
            last.at = at;
            return;
        }
        self.keep(Step { name, knob, at, bytes: back.bytes(), edit: back, leads_to: before });
        while self.done.len() > 1 && (self.done_bytes > MAX_BYTES || self.done.len() > MAX_STEPS) {
            self.done_bytes -= self.done.pop_front().map_or(0, |oldest| oldest.bytes);
        }
    }

    /// Goes one step back: `apply` makes the edit it is given and gives back its inverse.
    pub fn undo(&mut self, apply: impl FnOnce(Edit) -> Edit) -> bool {
        let Some(mut step) = self.done.pop_back() else { return false };
        self.done_bytes -= step.bytes;
        std::mem::swap(&mut self.now, &mut step.leads_to);
        self.undone.push(turned(step, apply));
        true
    }

    /// Goes one step forth.
    pub fn redo(&mut self, apply: impl FnOnce(Edit) -> Edit) -> bool {
        let Some(mut step) = self.undone.pop() else { return false };
        std::mem::swap(&mut self.now, &mut step.leads_to);
        self.keep(turned(step, apply));
        true
    }

    /// What the next step back is called.
    pub fn undo_name(&self) -> Option<&'static str> {
        self.done.back().map(|step| step.name)
    }

    /// What the next step forth is called.
    pub fn redo_name(&self) -> Option<&'static str> {
        self.undone.last().map(|step| step.name)
    }

    /// About how much memory the way back holds.
    pub fn bytes(&self) -> usize {
        self.done_bytes
    }

    fn keep(&mut self, step: Step) {
        self.done_bytes += step.bytes;
        self.done.push_back(step);
    }
}

/// The step in the other direction.
fn turned(step: Step, apply: impl FnOnce(Edit) -> Edit) -> Step {
    let edit = apply(step.edit);
    Step { bytes: edit.bytes(), edit, knob: Knob::None, ..step }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::canvas::tile::NO_INK;

    #[test]
    fn memory_is_bounded_and_the_newest_step_stays() {
        let mut history = History::default();
        let tile = Arc::new(NO_INK);
        let tiles: Vec<_> = (0..1024).map(|index| (index, Some(Arc::clone(&tile)))).collect();
        for _ in 0..100 {
            history.push("stroke", Knob::None, Edit::Tiles { layer: LayerId(1), tiles: tiles.clone() });
            assert!(history.bytes() <= MAX_BYTES);
        }
        assert!(history.bytes() > MAX_BYTES / 2);
        let huge: Vec<_> = tiles.iter().cycle().take(40_000).cloned().collect();
        history.push("huge", Knob::None, Edit::Tiles { layer: LayerId(1), tiles: huge });
        assert_eq!(history.undo_name(), Some("huge"));
        assert!(history.undo(|edit| edit) && !history.undo(|edit| edit));
        assert_eq!(history.bytes(), 0);
    }

    #[test]
    fn going_back_to_a_state_is_going_back_to_its_version() {
        let mut history = History::default();
        let first = history.now();
        history.push("stroke", Knob::None, Edit::DropStroke);
        let second = history.now();
        assert!(history.undo(|edit| edit));
        assert_eq!(history.now(), first);
        assert!(history.redo(|edit| edit));
        assert_eq!(history.now(), second);
        assert!(history.undo(|edit| edit));
        history.push("stroke", Knob::None, Edit::DropStroke);
        assert_ne!(history.now(), second, "another stroke is another state");
        assert!(history.undo(|edit| edit));
        assert_eq!(history.now(), first);
        for value in 0..3 {
            let before = history.now();
            history.push("background", Knob::Background, Edit::Background([value; 3]));
            assert_ne!(history.now(), before, "each value of a drag is a state");
        }
        assert!(history.undo(|edit| edit));
        assert_eq!(history.now(), first, "the whole drag is one way back");
        assert_ne!(History::default().now(), History::default().now(), "no two drawings share a state");
    }

    #[test]
    fn a_drag_is_one_step_and_another_edit_ends_it() {
        let mut history = History::default();
        for value in 0..5 {
            history.push("background", Knob::Background, Edit::Background([value; 3]));
        }
        history.push("stroke", Knob::None, Edit::DropStroke);
        history.push("background", Knob::Background, Edit::Background([9; 3]));
        let mut seen = Vec::new();
        while history.undo(|edit| {
            seen.push(format!("{edit:?}"));
            edit
        }) {}
        assert_eq!(seen, ["Background([9, 9, 9])", "DropStroke", "Background([0, 0, 0])"]);
    }
}
