//! An unsaved drawing on disk, in case the program ends without asking: a crash, a power cut, the system's lack of memory.
//!
//! Each running program has one file of its own in the data folder, named after its process. A file whose process is gone holds
//! what somebody lost.

use std::path::{Path, PathBuf};

use super::Places;
use crate::canvas::{Backdrop, Document};
use crate::flow::is_running;
use crate::record::{self, RecordError};

/// At most so many lost drawings are kept; the oldest make way.
const MOST: usize = 8;

const BEGIN: &str = "unsaved-";
const END: &str = ".png";

/// Where the drawing of the process with this id is.
fn path(places: &Places, process: u32) -> PathBuf {
    places.data.join(format!("{BEGIN}{process}{END}"))
}

/// Writes `drawing` as it is, its background left out.
///
/// # Errors
/// Those of [`record::save_png`].
pub(super) fn keep(drawing: &Document, places: &Places) -> Result<(), RecordError> {
    let path = path(places, std::process::id());
    std::fs::create_dir_all(&places.data).ok();
    record::save_png(&path, &drawing.frame(Backdrop::Transparent), &[("kind", "unsaved drawing")])
}

/// Forgets what this process kept.
pub(super) fn forget(places: &Places) {
    std::fs::remove_file(path(places, std::process::id())).ok();
}

/// The newest lost drawing.
pub(super) fn find(places: &Places) -> Option<PathBuf> {
    let mut lost: Vec<_> = std::fs::read_dir(&places.data).ok()?.flatten().filter_map(|entry| lost(&entry)).collect();
    lost.sort_unstable();
    let newest = lost.pop().map(|(_, path)| path);
    for (_, old) in lost.iter().rev().skip(MOST - 1) {
        std::fs::remove_file(old).ok();
    }
    newest
}

/// When it was written and where it is, if it is a drawing that nobody works on.
fn lost(entry: &std::fs::DirEntry) -> Option<(std::time::SystemTime, PathBuf)> {
    let name = entry.file_name();
    let process: u32 = name.to_str()?.strip_prefix(BEGIN)?.strip_suffix(END)?.parse().ok()?;
    let is_lost = process != std::process::id() && !is_running(process);
    let found = entry.metadata().ok().filter(|found| is_lost && found.is_file())?;
    Some((found.modified().ok()?, entry.path()))
}

/// Makes a lost drawing this process's own; gives its place.
pub(super) fn adopt(lost: &Path, places: &Places) -> PathBuf {
    let own = path(places, std::process::id());
    match std::fs::rename(lost, &own) {
        Ok(()) => own,
        Err(_) => lost.to_owned(),
    }
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
        keep(&Document::sample(Size::square(64)), &places).unwrap();
        assert_eq!(find(&places), None, "a drawing that is being worked on");
        // No process has such a number.
        let old = |number: u32| path(&places, u32::MAX - number);
        for number in 0..12 {
            std::fs::copy(path(&places, std::process::id()), old(number)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::fs::write(places.data.join("unsaved-mine.png"), b"of somebody else").unwrap();
        assert_eq!(find(&places), Some(old(11)));
        let left = (0..12).filter(|number| old(*number).exists()).collect::<Vec<_>>();
        assert_eq!(left, (4..12).collect::<Vec<_>>());
        forget(&places);
        assert!(!path(&places, std::process::id()).exists());
        let own = adopt(&old(11), &places);
        assert_eq!(own, path(&places, std::process::id()));
        assert!(own.exists() && find(&places) == Some(old(10)));
        std::fs::remove_dir_all(home).unwrap();
    }
}
