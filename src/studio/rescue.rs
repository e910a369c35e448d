//! An unsaved drawing on disk, in case the program ends without asking: a crash, a power cut, the system's lack of memory.
//!
//! Each run of the program has a file of its own in the data folder, named after its process and the time it began, and a second
//! one for what is on hidden layers. A file whose run is over holds what somebody lost.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Places;
use crate::canvas::{Backdrop, Document};
use crate::flow::is_running;
use crate::frame::Frame;
use crate::record::{self, RecordError};

/// At most so many lost drawings are kept; the oldest make way.
const MOST: usize = 8;

const BEGIN: &str = "unsaved-";
const END: &str = ".png";

/// Where the drawing of this run is.
fn own(places: &Places) -> PathBuf {
    static BEGUN: OnceLock<u128> = OnceLock::new();
    let begun = BEGUN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis()));
    places.data.join(format!("{BEGIN}{}-{begun}{END}", std::process::id()))
}

/// Where that of its hidden layers is.
pub(super) fn hidden(path: &Path) -> PathBuf {
    path.with_extension("hidden")
}

/// Writes `drawing`, its background left out.
///
/// # Errors
/// Those of [`record::save_png`].
pub(super) fn keep(drawing: &Document, places: &Places) -> Result<(), RecordError> {
    let path = own(places);
    std::fs::create_dir_all(&places.data).ok();
    let save = |path: &Path, frame: &Frame| record::save_png(path, frame, &[("kind", "unsaved drawing")]);
    if drawing.has_hidden() {
        save(&hidden(&path), &what_is_hidden(drawing))?;
    }
    save(&path, &drawing.frame(Backdrop::Transparent))?;
    if !drawing.has_hidden() {
        std::fs::remove_file(hidden(&path)).ok();
    }
    Ok(())
}

/// The layers that do not show, and no others.
fn what_is_hidden(drawing: &Document) -> Frame {
    let mut drawing = drawing.clone();
    let layers: Vec<_> = drawing.layers().iter().map(|layer| (layer.id(), layer.shows())).collect();
    for (layer, shows) in layers {
        drawing.set_visible(layer, !shows);
        if !shows {
            drawing.set_opacity(layer, 1.0);
        }
    }
    drawing.frame(Backdrop::Transparent)
}

/// Forgets what this run kept.
pub(super) fn forget_own(places: &Places) {
    forget(&own(places));
}

/// Forgets a drawing.
pub(super) fn forget(path: &Path) {
    for path in [hidden(path), path.to_owned()] {
        std::fs::remove_file(path).ok();
    }
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
        assert!(own(&places).exists() && !hidden(&own(&places)).exists());
        // No process has such a number.
        let old = |number: u32| places.data.join(format!("unsaved-{}-5.png", u32::MAX - number));
        for number in 0..12 {
            std::fs::copy(own(&places), old(number)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::fs::write(places.data.join("unsaved-mine.png"), b"of somebody else").unwrap();
        assert_eq!(find(&places), Some(old(11)));
        let left = (0..12).filter(|number| old(*number).exists()).collect::<Vec<_>>();
        assert_eq!(left, (4..12).collect::<Vec<_>>());
        // The same number, but not this run.
        let before = places.data.join(format!("unsaved-{}-5.png", std::process::id()));
        std::fs::copy(own(&places), &before).unwrap();
        assert_eq!(find(&places), Some(before.clone()));
        forget(&before);
        assert_eq!(find(&places), Some(old(11)));
        // What is hidden is kept beside the rest.
        let layer = drawing.layers()[0].id();
        let whole = drawing.frame(Backdrop::Transparent);
        drawing.set_visible(layer, false);
        keep(&drawing, &places).unwrap();
        let kept = crate::frame::open(&hidden(&own(&places))).unwrap();
        assert_eq!(kept.pixels(), whole.pixels());
        // At no opacity at all it is hidden, too.
        drawing.set_visible(layer, true);
        drawing.set_opacity(layer, 0.0);
        keep(&drawing, &places).unwrap();
        assert_eq!(crate::frame::open(&hidden(&own(&places))).unwrap().pixels(), whole.pixels());
        drawing.set_opacity(layer, 1.0);
        keep(&drawing, &places).unwrap();
        assert!(!hidden(&own(&places)).exists());
        forget_own(&places);
        assert!(!own(&places).exists() && !hidden(&own(&places)).exists());
        std::fs::remove_dir_all(home).unwrap();
    }
}
