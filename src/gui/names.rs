//! What files are called when nobody types a name. Free names are looked for on the disk: not for the window's thread.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Names are counted up to here.
const MOST: u32 = 9_999;

/// A file name for a painting of `prompt` with `seed`.
pub fn of_painting(prompt: &str, seed: u64) -> String {
    format!("{}-{seed}.png", words(prompt))
}

/// A file name for the drawing beneath it: with its layers, or flat.
pub fn of_drawing(prompt: &str, layered: bool) -> String {
    format!("{}-drawing.{}", words(prompt), extensions(layered)[0])
}

/// A file name for a recording that begins with `prompt`.
pub fn of_recording(prompt: &str) -> String {
    format!("{}.mp4", words(prompt))
}

/// Extensions of files of paintings.
pub const PAINTING: &[&str] = &["png"];

/// Extensions of files of drawings, the better one first.
pub fn extensions(layered: bool) -> &'static [&'static str] {
    if layered { &["ora", "png"] } else { &["png", "ora"] }
}

/// What a file with such an extension is called in dialogs.
pub fn of_extension(extension: &str) -> &'static str {
    if extension == "ora" { "Layered drawing" } else { "PNG picture" }
}

/// What is worth saying, the first of it where it is much.
pub fn listed(all: &[String]) -> String {
    let (some, rest) = all.split_at(all.len().min(3));
    let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
    some.join("; ") + &more
}

/// The prompt as part of a file name.
fn words(prompt: &str) -> String {
    let mut words = String::new();
    for c in prompt.chars().take(48) {
        match c {
            c if c.is_alphanumeric() => words.extend(c.to_lowercase()),
            _ if !words.is_empty() && !words.ends_with('-') => words.push('-'),
            _ => {}
        }
    }
    let words = words.trim_end_matches('-');
    if words.is_empty() { "afterimage".into() } else { words.into() }
}

/// A name typed without any of `extensions` gets the first; what looks like another extension ("v1.2") is part of the name.
fn with_extension(path: PathBuf, extensions: &[&str]) -> PathBuf {
    let is = |wanted: &&str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted));
    let Some(first) = extensions.first().filter(|_| !extensions.iter().any(is)) else { return path };
    let mut name = path.into_os_string();
    name.push(format!(".{first}"));
    name.into()
}

/// Where to write for a name typed into a dialog. The dialog asked about replacing what was typed, not about what we made of
/// it: that gets a free name instead.
pub fn place_for(typed: &Path, extensions: &[&str]) -> Option<PathBuf> {
    let path = with_extension(typed.to_owned(), extensions);
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if path != typed => free_name(folder, &name.to_string_lossy()),
        _ => Some(path),
    }
}

/// The first name that nothing has, if there is one. An empty file takes it at once, so that the next picture in the same second gets another.
pub fn free_name(folder: &Path, name: &str) -> Option<PathBuf> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "png"));
    let numbered = (2..=MOST).map(|number| folder.join(format!("{stem}-{number}.{extension}")));
    let taken = |path: &PathBuf| {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        made.is_err_and(|error| error.kind() == ErrorKind::AlreadyExists)
    };
    std::iter::once(folder.join(name)).chain(numbered).find(|path| !taken(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_the_prompt() {
        assert_eq!(of_painting("Red apple, 3d", 42), "red-apple-3d-42.png");
        assert_eq!(of_painting("../../etc", 1), "etc-1.png");
        assert_eq!(of_painting("", 7), "afterimage-7.png");
        assert_eq!(of_drawing("Red apple, 3d", false), "red-apple-3d-drawing.png");
        assert_eq!(of_drawing("Red apple, 3d", true), "red-apple-3d-drawing.ora");
        assert_eq!(of_recording("Red apple, 3d"), "red-apple-3d.mp4");
    }

    #[test]
    fn a_name_without_png_gets_it() {
        for (typed, made) in [("a", "a.png"), ("v1.2", "v1.2.png"), ("a.PNG", "a.PNG"), ("a.jpg", "a.jpg.png")] {
            assert_eq!(with_extension(typed.into(), PAINTING), PathBuf::from(made));
        }
        assert_eq!(with_extension("a.ora".into(), PAINTING), PathBuf::from("a.ora.png"), "a painting has no layers");
    }

    #[test]
    fn the_extension_of_a_drawing_decides_about_its_layers() {
        for layered in [false, true] {
            for typed in ["a.ora", "a.ORA", "a.png"] {
                assert_eq!(with_extension(typed.into(), extensions(layered)), PathBuf::from(typed));
            }
        }
        assert_eq!(with_extension("v1.2".into(), extensions(true)), PathBuf::from("v1.2.ora"));
        assert_eq!(with_extension("v1.2".into(), extensions(false)), PathBuf::from("v1.2.png"));
    }

    #[test]
    fn a_name_we_made_replaces_nothing() {
        let folder = std::env::temp_dir().join(format!("afterimage-typed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("v1.2.png"), b"a picture").unwrap();
        let place_for = |name: &str, extensions| place_for(&folder.join(name), extensions);
        assert_eq!(place_for("v1.2.png", PAINTING), Some(folder.join("v1.2.png")), "the dialog asked about it");
        assert_eq!(place_for("v1.2", PAINTING), Some(folder.join("v1.2-2.png")));
        assert_eq!(place_for("v1.2", extensions(true)), Some(folder.join("v1.2.ora")));
        assert_eq!(place_for("v1.2", extensions(true)), Some(folder.join("v1.2-2.ora")));
        assert_eq!(place_for("v1.3", PAINTING), Some(folder.join("v1.3.png")));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_taken_name_is_counted_up() {
        let folder = std::env::temp_dir().join(format!("afterimage-names-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.png"), b"").unwrap();
        assert_eq!(free_name(&folder, "a.png"), Some(folder.join("a-2.png")));
        assert_eq!(free_name(&folder, "b.png"), Some(folder.join("b.png")));
        assert_eq!(free_name(&folder, "b.png"), Some(folder.join("b-2.png")), "before the first is written");
        for number in 3..=MOST {
            std::fs::write(folder.join(format!("b-{number}.png")), b"").unwrap();
        }
        assert_eq!(free_name(&folder, "b.png"), None, "no name is left, and no file is replaced");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
