//! What the tests share: temporary folders and the place of the fixtures.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use afterimage::frame::Size;
use afterimage::studio::{GuidanceWay, ModelInfo};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

/// A folder that is removed when dropped.
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new empty folder.
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("afterimage-{name}-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What a stand-in for a model says of itself: it paints pictures of 8 x 8 pixels.
pub fn tiny_model(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.into(),
        source: ModelSource::Default,
        card: None,
        size: Size::square(8),
        multiple: 8,
        guidance: GuidanceWay::Embedded,
        executor: "none".into(),
        bytes: 0,
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The fixtures: `AFTERIMAGE_FIXTURES`, else `tests/fixtures`.
pub fn fixtures() -> PathBuf {
    let set = std::env::var_os("AFTERIMAGE_FIXTURES").filter(|dir| !dir.is_empty());
    set.map_or_else(|| root().join("tests/fixtures"), PathBuf::from)
}

/// A copy of a fixture folder that may be damaged.
pub fn copy(folder: &str) -> TempDir {
    let dir = TempDir::new("model");
    copy_into(&fixtures().join(folder), dir.path());
    dir
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_into(&entry.path(), &target);
        } else {
            // Not a file copy: that would copy a read-only mark too.
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// Replaces `from`, which must be there, by `to` in a text file.
pub fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from}", path.display());
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

pub fn tests() -> Vec<Trial> {
    vec![Trial::test("support::a_temporary_folder_goes_away", || {
        let dir = TempDir::new("support");
        let path = dir.path().to_owned();
        if !path.is_dir() {
            return Err(Failed::from("not made"));
        }
        drop(dir);
        if path.exists() { Err("still there".into()) } else { Ok(()) }
    })]
}
