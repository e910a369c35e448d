//! Which states of the drawing are in a file, on their way to one, or nowhere else. Knows no window and no disk.

use std::path::{Path, PathBuf};

use crate::canvas::Version;
use crate::studio::SavedPart;

/// What is known about one drawing's safety.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The state that is in a file, or in which the drawing began, if that is worth none.
    saved: Option<Version>,
    /// The states that a dialog asks a place for; the user may also put it away.
    asked: Vec<Version>,
    /// The states that will be written, each with its place once that is found, in this order.
    sent: Vec<(Version, Option<PathBuf>)>,
    /// The drawing's file, once it has one.
    file: Option<PathBuf>,
    /// The place that was chosen last, not found.
    chosen: Option<PathBuf>,
}

impl Ledger {
    /// Of a drawing in the state `version`, of which nothing is worth a file yet.
    pub(super) fn of(version: Version) -> Self {
        Self { saved: Some(version), ..Self::unsaved() }
    }

    /// Of a drawing that begins in a state which is in no file.
    pub(super) fn unsaved() -> Self {
        Self { saved: None, asked: Vec::new(), sent: Vec::new(), file: None, chosen: None }
    }

    /// Of a drawing in the state `version` that came from `file`.
    pub(super) fn opened(version: Version, file: PathBuf) -> Self {
        Self { file: Some(file), ..Self::of(version) }
    }

    /// Whether `version` is in a file, or nothing was drawn since the beginning.
    pub(super) fn is_safe(&self, version: Version) -> bool {
        self.saved == Some(version)
    }

    /// Whether `version` is being written.
    pub(super) fn is_on_its_way(&self, version: Version) -> bool {
        self.sent.iter().any(|(sent, _)| *sent == version)
    }

    /// The state that a place is being looked for.
    pub(super) fn seeking(&self) -> Option<Version> {
        self.sent.iter().find(|(_, place)| place.is_none()).map(|(sent, _)| *sent)
    }

    /// Where the drawing is written to: to where it was sent last, if that did not fail.
    pub(super) fn file(&self) -> Option<&Path> {
        let newest = self.sent.iter().rev().find_map(|(_, place)| place.as_deref());
        newest.or(self.file.as_deref())
    }

    /// Whether the user named this place, and so what kind of file it is.
    pub(super) fn is_chosen(&self, place: &Path) -> bool {
        self.chosen.as_deref() == Some(place)
    }

    /// The drawing as it is came from a file.
    pub(super) fn note_on_disk(&mut self, version: Version) {
        self.saved = Some(version);
    }

    /// A dialog asks where `version` shall be.
    pub(super) fn ask(&mut self, version: Version) {
        self.asked.push(version);
    }

    /// `version` will be written, to `place` or to where one is found.
    pub(super) fn send(&mut self, version: Version, place: Option<PathBuf>) {
        self.sent.push((version, place));
    }

    /// There is a place for `version`.
    pub(super) fn placed(&mut self, version: Version, place: PathBuf) {
        if let Some(at) = self.asked.iter().position(|asked| *asked == version) {
            self.asked.swap_remove(at);
            self.chosen = Some(place.clone());
            self.sent.push((version, Some(place)));
        } else if let Some(sent) = self.sent.iter_mut().find(|(sent, place)| *sent == version && place.is_none()) {
            sent.1 = Some(place);
        }
    }

    /// `place` holds `version`, or a part of it. Of a drawing that was put away meanwhile it says nothing.
    pub(super) fn confirmed(&mut self, version: Version, place: PathBuf, part: SavedPart) {
        if !self.is_on_its_way(version) {
            return;
        }
        self.failed(version);
        self.file = Some(place);
        if part == SavedPart::Whole {
            self.saved = Some(version);
        }
    }

    /// `version` was not written, or needs not be.
    pub(super) fn failed(&mut self, version: Version) {
        if let Some(at) = self.sent.iter().position(|(sent, _)| *sent == version) {
            self.sent.remove(at);
        }
    }

    /// What is drawn from now on is another drawing: it does not replace the file of the one before, nor of one that is
    /// still being written.
    pub(super) fn leave_file(&mut self) {
        (self.file, self.chosen, self.asked, self.sent) = (None, None, Vec::new(), Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::Document;
    use crate::frame::Size;

    /// States of one drawing.
    fn versions<const N: usize>() -> [Version; N] {
        let mut document = Document::new(Size::square(8), [255; 3]);
        std::array::from_fn(|shade| {
            document.set_background([shade as u8; 3]);
            document.add_ink_layer();
            document.version()
        })
    }

    #[test]
    fn only_what_is_written_is_safe() {
        let [blank, first, second] = versions();
        let mut ledger = Ledger::of(blank);
        assert!(ledger.is_safe(blank) && !ledger.is_safe(first));
        ledger.send(first, None);
        assert!(ledger.seeking() == Some(first) && ledger.is_on_its_way(first) && ledger.file().is_none());
        ledger.placed(first, "a.png".into());
        assert!(ledger.seeking().is_none() && ledger.is_on_its_way(first) && !ledger.is_safe(first));
        // Drawn on and saved once more before the first is written: the same file, and the second is what counts.
        let place = ledger.file().map(Path::to_owned);
        assert_eq!(place, Some("a.png".into()));
        ledger.send(second, place);
        ledger.confirmed(first, "a.png".into(), SavedPart::Whole);
        assert!(!ledger.is_safe(second) && ledger.is_on_its_way(second));
        ledger.confirmed(second, "a.png".into(), SavedPart::Whole);
        assert!(ledger.is_safe(second) && !ledger.is_on_its_way(second));
    }

    #[test]
    fn what_failed_or_showed_in_part_is_not_safe() {
        let [blank, first] = versions();
        let mut ledger = Ledger::of(blank);
        ledger.send(first, Some("full/a.png".into()));
        ledger.failed(first);
        assert!(!ledger.is_on_its_way(first) && !ledger.is_safe(first));
        assert_eq!(ledger.file(), None, "a place that failed is not gone to again");
        ledger.send(first, Some("b.png".into()));
        ledger.confirmed(first, "b.png".into(), SavedPart::Visible);
        assert!(!ledger.is_safe(first) && !ledger.is_on_its_way(first));
        assert_eq!(ledger.file(), Some(Path::new("b.png")));
    }

    #[test]
    fn a_dialog_promises_nothing() {
        let [blank, first] = versions();
        let mut ledger = Ledger::of(blank);
        ledger.ask(first);
        assert!(!ledger.is_on_its_way(first) && ledger.seeking().is_none());
        ledger.placed(first, "c.png".into());
        assert!(ledger.is_on_its_way(first) && ledger.file() == Some(Path::new("c.png")));
    }

    #[test]
    fn a_place_that_was_found_was_not_chosen() {
        let [blank, first, second] = versions();
        let mut ledger = Ledger::of(blank);
        ledger.send(first, None);
        ledger.placed(first, "found.png".into());
        assert!(!ledger.is_chosen(Path::new("found.png")));
        ledger.ask(second);
        ledger.placed(second, "c.png".into());
        assert!(ledger.is_chosen(Path::new("c.png")) && !ledger.is_chosen(Path::new("found.png")));
        ledger.leave_file();
        assert!(!ledger.is_chosen(Path::new("c.png")));
    }

    #[test]
    fn what_was_opened_is_safe_and_has_its_file() {
        let [opened, drawn] = versions();
        let ledger = Ledger::opened(opened, "a.ora".into());
        assert!(ledger.is_safe(opened) && !ledger.is_safe(drawn));
        assert_eq!(ledger.file(), Some(Path::new("a.ora")));
    }

    #[test]
    fn another_drawing_has_another_file() {
        let [blank, first, second] = versions();
        let mut ledger = Ledger::of(blank);
        ledger.send(first, Some("a.png".into()));
        ledger.ask(second);
        ledger.leave_file();
        ledger.placed(second, "b.png".into());
        ledger.confirmed(first, "a.png".into(), SavedPart::Whole);
        ledger.confirmed(second, "b.png".into(), SavedPart::Whole);
        assert!(ledger.file().is_none() && ledger.is_safe(blank));
    }
}
