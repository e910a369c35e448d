//! Where files live, and whether they can be written there.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Problem;
use crate::studio::Places;

/// One folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// What it is for.
    pub purpose: &'static str,
    /// Where it is, or will be once something is written.
    pub path: PathBuf,
    /// Why nothing can be written there.
    pub trouble: Option<String>,
}

/// The program's folders. Nothing is left behind.
pub fn folders(places: &Places) -> Vec<Folder> {
    let all = [
        ("settings", &places.config),
        ("data", &places.data),
        ("cache", &places.cache),
        ("pictures", &places.pictures),
    ];
    all.map(|(purpose, path)| Folder { purpose, path: path.clone(), trouble: trouble(path) }).into()
}

/// What is wrong with them.
pub fn problems(folders: &[Folder]) -> Vec<Problem> {
    let broken = folders.iter().filter_map(|folder| Some((folder, folder.trouble.as_ref()?)));
    broken
        .map(|(folder, trouble)| {
            Problem::remark(
                format!("the folder for {} cannot be written ({}): {trouble}", folder.purpose, folder.path.display()),
                "make it writable, or set AFTERIMAGE_HOME to another folder",
            )
        })
        .collect()
}

/// Tries the folder, or the first one above it that exists.
fn trouble(path: &Path) -> Option<String> {
    let Some(there) = path.ancestors().find(|folder| folder.exists()) else { return Some("no such place".into()) };
    if !there.is_dir() {
        return Some(format!("{} is not a folder", there.display()));
    }
    let probe = there.join(format!(".afterimage-probe-{}", std::process::id()));
    let written = std::fs::write(&probe, b"probe");
    std::fs::remove_file(&probe).ok();
    written.err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_a_file_is_trouble() {
        assert!(trouble(Path::new("Cargo.toml/settings")).is_some_and(|text| text.contains("not a folder")));
        assert_eq!(trouble(&std::env::temp_dir().join("afterimage-not-yet/deeper")), None);
    }
}
