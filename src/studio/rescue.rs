//! An unsaved drawing on disk, in case the program ends without asking: a crash, a power cut, the system's lack of memory.
//!
//! Each run of the program has a layered file of its own in the data folder, named after its process and the time it began. One whose
//! run is over holds what somebody lost.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Places, layered};
use crate::canvas::{Backdrop, Document};
use crate::flow::is_running;
use crate::record::RecordError;

/// At most so many lost drawings are kept; the oldest make way.
const MOST: usize = 8;

const BEGIN: &str = "unsaved-";
const END: &str = ".ora";

/// Where the drawing of this run is.
fn own(places: &Places) -> PathBuf {
    static BEGUN: OnceLock<u128> = OnceLock::new();
    let begun = BEGUN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis()));
    places.data.join(format!("{BEGIN}{}-{begun}{END}", std::process::id()))
}

/// Writes `drawing` with all its layers.
///
/// # Errors
/// Those of [`layered::save`].
pub(super) fn keep(drawing: &Document, places: &Places) -> Result<(), RecordError> {
    std::fs::create_dir_all(&places.data).ok();
    layered::save(&own(places), drawing, Backdrop::Document)
}

/// Forgets what this run kept.
pub(super) fn forget_own(places: &Places) {
    forget(&own(places));
}

/// Forgets a drawing.
pub(super) fn forget(path: &Path) {
    std::fs::remove_file(path).ok();
}

/// The newest lost drawing.
pub(super) fn find(places: &Places) -> Option<PathBuf> {
    let (own, entries) = (own(places), std::fs::read_dir(&places.data).ok()?.flatten());
    let mut lost: Vec<_> = entries.filter_map(|entry| lost(&entry, &own)).collect();
    lost.sort_unstable();
    let newest = lost.pop().map(|(_, path)| path);
    lost.iter().rev().skip(MOST - 1).for_each(|(_, old)| forget(old));
    newest
}

/// When it was written and where it is, if it is a drawing that nobody works on. In a container every run may have the same
/// number, so that another file under the number of this one is lost.
fn lost(entry: &std::fs::DirEntry, own: &Path) -> Option<(SystemTime, PathBuf)> {
    let (path, name) = (entry.path(), entry.file_name());
    let (process, _) = name.to_str()?.strip_prefix(BEGIN)?.strip_suffix(END)?.split_once('-')?;
    let process: u32 = process.parse().ok()?;
    let is_lost = path != own && (process == std::process::id() || !is_running(process));
    let found = entry.metadata().ok().filter(|found| is_lost && found.is_file())?;
    Some((found.modified().ok()?, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn what_is_lost_is_found_and_what_is_not_is_not() {
        let home = std::env::temp_dir().join(format!("afterimage-rescue-{}", std::process::id()));
        let places = Places::below(home.clone());
        assert_eq!(find(&places), None, "there is not even a folder");
        let mut drawing = Document::sample(Size::square(64));
        keep(&drawing, &places).unwrap();
        assert_eq!(find(&places), None, "a drawing that is being worked on");
        assert!(own(&places).exists());
        // No process has such a number.
        let old = |number: u32| places.data.join(format!("unsaved-{}-5.ora", u32::MAX - number));
        for number in 0..12 {
            std::fs::copy(own(&places), old(number)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::fs::write(places.data.join("unsaved-mine.ora"), b"of somebody else").unwrap();
        assert_eq!(find(&places), Some(old(11)));
        let left = (0..12).filter(|number| old(*number).exists()).collect::<Vec<_>>();
        assert_eq!(left, (4..12).collect::<Vec<_>>());
        // The same number, but not this run.
        let before = places.data.join(format!("unsaved-{}-5.ora", std::process::id()));
        std::fs::copy(own(&places), &before).unwrap();
        assert_eq!(find(&places), Some(before.clone()));
        forget(&before);
        assert_eq!(find(&places), Some(old(11)));
        // What is hidden, or has no opacity at all, is kept like the rest.
        let layer = drawing.layers()[0].id();
        let whole = drawing.frame(Backdrop::Transparent);
        drawing.set_visible(layer, false);
        drawing.set_opacity(layer, 0.0);
        keep(&drawing, &places).unwrap();
        let (mut kept, differs) = layered::read(&std::fs::read(own(&places)).unwrap(), "kept").unwrap();
        let layer = &kept.layers()[0];
        assert!(differs.is_empty() && !layer.is_visible() && layer.opacity() == 0.0, "{differs:?}");
        let layer = layer.id();
        kept.set_visible(layer, true);
        kept.set_opacity(layer, 1.0);
        assert_eq!(kept.frame(Backdrop::Transparent).pixels(), whole.pixels());
        forget_own(&places);
        assert!(!own(&places).exists());
        std::fs::remove_dir_all(home).unwrap();
    }
}
