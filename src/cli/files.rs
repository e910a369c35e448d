//! Which pictures `paint` reads and which it writes.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Code, Failure};

/// Extensions of pictures that can be read.
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];

/// Extensions of pictures that are not written.
const OTHERS: [&str; 9] = ["jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic"];

/// One picture to paint over, and where the painting goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Read.
    pub input: PathBuf,
    /// Written.
    pub out: PathBuf,
}

/// One errand for a picture; for a folder one for each picture in it, in the order of their names and numbers.
///
/// # Errors
/// A folder without pictures or one that cannot be read or made.
pub fn errands(input: &Path, out: Option<&Path>) -> Result<Vec<Errand>, Failure> {
    if !input.is_dir() {
        let out = match out {
            Some(folder) if folder.is_dir() => folder.join(painted(input).file_name().unwrap_or_default()),
            Some(file) if has_extension(file, &OTHERS) => {
                let what = format!("--out {} is no name for a PNG, which paintings are", file.display());
                return Err(Failure::usage(what, "let it end in .png"));
            }
            Some(file) => file.to_owned(),
            None => painted(input),
        };
        return Ok(vec![Errand { input: input.to_owned(), out }]);
    }
    let out = out.map_or_else(|| painted_folder(input), Path::to_owned);
    let pictures = pictures(input)?;
    std::fs::create_dir_all(&out).map_err(|error| {
        Failure::new(Code::Failed, format!("cannot make the folder {}: {error}", out.display()), "give another --out")
    })?;
    Ok(name_apart(&pictures, &out))
}

/// `a.jpg` becomes `a.png`, unless there is an `a.png` among the pictures too: then it becomes `a.jpg.png`, or, should that be
/// another's name, `a.jpg-2.png`.
fn name_apart(pictures: &[PathBuf], out: &Path) -> Vec<Errand> {
    // Names that differ in case alone are one on some systems.
    let low = |name: &OsStr| name.to_string_lossy().to_lowercase();
    let stem = |path: &Path| low(path.file_stem().unwrap_or_default());
    let mut stems = HashMap::new();
    for path in pictures {
        *stems.entry(stem(path)).or_insert(0) += 1;
    }
    let with_suffix = |base: &OsStr, suffix: &str| {
        let mut name = base.to_owned();
        name.push(suffix);
        name
    };
    let mut taken = HashSet::new();
    // Names that are nobody else's first, so that they stay what they were.
    let (alone, others): (Vec<_>, Vec<_>) = pictures.iter().enumerate().partition(|(_, path)| stems[&stem(path)] == 1);
    let mut errands: Vec<(usize, Errand)> = Vec::new();
    for (whole, group) in [(false, alone), (true, others)] {
        for (at, path) in group {
            let base = if whole { path.file_name() } else { path.file_stem() }.unwrap_or_default();
            let suffixes = std::iter::once(".png".to_owned()).chain((2..).map(|number| format!("-{number}.png")));
            let mut names = suffixes.map(|suffix| with_suffix(base, &suffix));
            let name = names.find(|name| taken.insert(low(name))).unwrap_or_default();
            errands.push((at, Errand { input: path.clone(), out: out.join(name) }));
        }
    }
    errands.sort_by_key(|(at, _)| *at);
    errands.into_iter().map(|(_, errand)| errand).collect()
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let what = format!("cannot read the folder {}: {error}", folder.display());
        Failure::new(Code::Failed, what, "make it readable or give another one")
    })?;
    let mut found: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| is_picture(p)).collect();
    if found.is_empty() {
        let what = format!("there is no picture in {}", folder.display());
        return Err(Failure::usage(what, "put PNG or JPEG pictures there or give another folder"));
    }
    found.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
    Ok(found)
}

fn is_picture(path: &Path) -> bool {
    path.is_file() && has_extension(path, &PICTURES)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
}

/// A key that puts `frame9` before `frame10`: every run of digits is led by its length.
fn natural(name: &str) -> String {
    let mut key = String::new();
    let mut digits = String::new();
    for c in name.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let number = digits.trim_start_matches('0');
        if !digits.is_empty() {
            key.push_str(&format!("{:05}{number}", number.len()));
        }
        digits.clear();
        key.push(c);
    }
    key
}

fn painted(input: &Path) -> PathBuf {
    let mut name = input.file_stem().unwrap_or_default().to_owned();
    name.push("-painted.png");
    input.with_file_name(name)
}

fn painted_folder(input: &Path) -> PathBuf {
    let whole = input.canonicalize().unwrap_or_else(|_| input.to_owned());
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push("-painted");
    whole.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_painted_beside_itself() {
        let errands = errands(Path::new("art/apple.jpg"), None).unwrap();
        assert_eq!(errands, [Errand { input: "art/apple.jpg".into(), out: "art/apple-painted.png".into() }]);
    }

    #[test]
    fn a_painting_is_no_jpeg() {
        let refused = errands(Path::new("art/apple.jpg"), Some(Path::new("fox.JPG"))).unwrap_err();
        assert!(refused.to_string().contains("let it end in .png"), "{refused}");
        assert!(errands(Path::new("art/apple.jpg"), Some(Path::new("/dev/stdout"))).is_ok());
    }

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = ["f10.png", "f9.png", "f009b.png", "a.png"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["a.png", "f9.png", "f009b.png", "f10.png"]);
    }

    #[test]
    fn two_pictures_never_share_a_painting() {
        let pictures = ["in/a.png", "in/a.jpg", "in/b.jpg"].map(PathBuf::from);
        let outs: Vec<_> = name_apart(&pictures, Path::new("out")).into_iter().map(|errand| errand.out).collect();
        assert_eq!(outs, ["out/a.png.png", "out/a.jpg.png", "out/b.png"].map(PathBuf::from));
        let pictures = ["in/a.jpg", "in/a.jpg.png", "in/a.png"].map(PathBuf::from);
        let outs: Vec<_> = name_apart(&pictures, Path::new("out")).into_iter().map(|errand| errand.out).collect();
        assert_eq!(outs, ["out/a.jpg-2.png", "out/a.jpg.png", "out/a.png.png"].map(PathBuf::from));
        let pictures = ["in/A.jpg", "in/a.png"].map(PathBuf::from);
        let outs: Vec<_> = name_apart(&pictures, Path::new("out")).into_iter().map(|errand| errand.out).collect();
        assert_eq!(outs, ["out/A.jpg.png", "out/a.png.png"].map(PathBuf::from));
    }
}
