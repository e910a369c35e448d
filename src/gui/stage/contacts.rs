//! What pens said during a frame, beside egui's events: pressure and end, which come another way on X11.

use egui::{Event, RawInput};

use crate::tablet::{Contact, Tablet};

/// The pens, and what they said since the last frame.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    tablet: Tablet,
    pointer_is_here: bool,
    said: Vec<Contact>,
}

impl Contacts {
    pub(super) fn new(tablet: Tablet) -> Self {
        Self { tablet, ..Self::default() }
    }

    /// Takes what was said until a frame with this input, and listens for as long as the pointer is over a window that is seen.
    pub(super) fn follow(&mut self, input: &RawInput) {
        self.said = self.tablet.contacts();
        for event in &input.events {
            match event {
                Event::PointerMoved(_) | Event::PointerButton { .. } => self.pointer_is_here = true,
                Event::PointerGone => self.pointer_is_here = false,
                _ => {}
            }
        }
        self.tablet.listen(self.pointer_is_here && input.viewport().visible() != Some(false));
    }

    /// What was said by the frame's event `n` (from 1) of `count`: both came on ways of their own, in the same time.
    pub(super) fn at(&self, n: usize, count: usize) -> Option<Contact> {
        at(&self.said, n, count)
    }
}

fn at(said: &[Contact], n: usize, count: usize) -> Option<Contact> {
    let until = (n * said.len()).div_ceil(count.max(1));
    until.checked_sub(1).and_then(|last| said.get(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressing(pressures: &[f32]) -> Vec<Contact> {
        pressures.iter().map(|&pressure| Contact { pressure: Some(pressure), eraser: false }).collect()
    }

    fn spread(said: &[Contact], count: usize) -> Vec<f32> {
        (1..=count).filter_map(|n| at(said, n, count)?.pressure).collect()
    }

    #[test]
    fn what_was_said_is_spread_over_the_events_of_its_frame() {
        let said = pressing(&[0.1, 0.2, 0.3, 0.4]);
        assert_eq!(spread(&said, 4), [0.1, 0.2, 0.3, 0.4]);
        assert_eq!(spread(&said, 2), [0.2, 0.4]);
        assert_eq!(spread(&said, 1), [0.4]);
        assert_eq!(spread(&said, 8), [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4]);
        assert_eq!(spread(&[], 3), [0.0; 0]);
    }

    #[test]
    fn the_pointer_is_here_from_its_first_move_until_it_leaves() {
        let mut contacts = Contacts::default();
        let mut after = |events: Vec<Event>| {
            contacts.follow(&RawInput { events, ..RawInput::default() });
            contacts.pointer_is_here
        };
        let moved = || Event::PointerMoved(egui::Pos2::ZERO);
        assert!(!after(vec![]));
        assert!(after(vec![moved()]));
        assert!(after(vec![]));
        assert!(!after(vec![moved(), Event::PointerGone]));
        assert!(after(vec![Event::PointerGone, moved()]));
    }
}
