//! The cuts that were measured on one GPU, and the file that remembers those of all: a line for each, which anyone may delete.
//! Whatever is wrong with the file, what can be read of it counts, and the rest is measured again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use super::product::Product;
use super::tiles::{Chip, Cut};
use crate::record::{RecordError, replace};

/// Larger files are not ours.
const MOST_BYTES: u64 = 4 << 20;
/// Lines at most; the oldest go first. A network has some fifty shapes at each size.
const MOST_LINES: usize = 8192;
/// What a person who opens the file should know.
const HEAD: &str = "# How afterimage cuts products on the GPUs it was measured on. Delete this file to measure again.";

/// What was measured on one GPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cuts {
    /// The GPU, with everything else that times depend on.
    device: String,
    /// By key of a product: its cut in words.
    known: BTreeMap<String, String>,
}

impl Cuts {
    /// What the file says of a device. One that is not there or not ours says nothing.
    pub fn read(path: &Path, device: &str) -> Self {
        let device = device.replace(char::is_control, " ");
        let of_device = lines(path).into_iter().filter(|line| line.device == device);
        Self { known: of_device.map(|line| (line.key, line.cut)).collect(), device }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// How a product is cut: as was measured, else as the counting says.
    pub fn of(&self, product: &Product, chip: &Chip) -> Cut {
        let candidates = product.candidates(chip);
        let measured = self.get(&product.key(), &candidates);
        measured.or(candidates.first().copied()).unwrap_or(Cut::GATHER)
    }

    /// The cut of the product with this key, if it is known and one of the `candidates`: the file is anybody's.
    pub fn get(&self, key: &str, candidates: &[Cut]) -> Option<Cut> {
        let words = self.known.get(key)?;
        candidates.iter().find(|cut| cut.to_string() == *words).copied()
    }

    /// These and more.
    pub fn with(&self, more: &[(String, Cut)]) -> Self {
        let mut all = self.clone();
        all.known.extend(more.iter().map(|(key, cut)| (key.clone(), cut.to_string())));
        all
    }

    /// Puts these into the file, beside what others put there meanwhile. Two programs that do so at the same time leave what one of
    /// them wrote.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RecordError> {
        if let Some(folder) = path.parent() {
            // If this fails, so does writing, and says what is wrong.
            std::fs::create_dir_all(folder).ok();
        }
        let mut all = lines(path);
        all.retain(|line| line.device != self.device || !self.known.contains_key(&line.key));
        all.extend(self.known.iter().map(|(key, cut)| Line {
            device: self.device.clone(),
            key: key.clone(),
            cut: cut.clone(),
        }));
        let first = all.len().saturating_sub(MOST_LINES);
        replace(path, |file| {
            writeln!(file, "{HEAD}")?;
            for Line { device, key, cut } in &all[first..] {
                writeln!(file, "{device}\t{key}\t{cut}")?;
            }
            Ok(())
        })
    }
}

/// A line of the file.
struct Line {
    device: String,
    key: String,
    cut: String,
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let [device, key, cut] = *text.split('\t').collect::<Vec<_>>().as_slice() else { return None };
        Some(Self { device: device.into(), key: key.into(), cut: cut.into() })
    }
}

/// The lines of the file that can be read.
fn lines(path: &Path) -> Vec<Line> {
    // A pipe would be waited for.
    let Ok(found) = std::fs::metadata(path) else { return Vec::new() };
    let text = if found.is_file() && found.len() <= MOST_BYTES { std::fs::read(path).ok() } else { None };
    let Some(text) = text else {
        log::info!("{} is no list of cuts; they are measured again", path.display());
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let all: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let good: Vec<Line> = all.iter().filter_map(|line| Line::parse(line)).collect();
    if good.len() < all.len() {
        log::info!("{} has {} lines that are no cuts", path.display(), all.len() - good.len());
    }
    good
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::kernels::TILES;
    use super::*;

    /// What may be measured of some product.
    const ALL: [Cut; 4] = [cut(2, 2), cut(0, 1), cut(1, 1), cut(3, 1)];

    /// A file in a folder of its own that goes away.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("afterimage-cuts-{name}-{}", std::process::id())))
        }

        fn file(&self) -> PathBuf {
            self.0.join("deep").join("cuts.txt")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    const fn cut(tile: usize, splits: usize) -> Cut {
        Cut { tile: &TILES[tile], splits, multicast: [1, 1] }
    }

    #[test]
    fn what_was_measured_is_read_again() {
        let place = Place::new("again");
        let (one, other) = (Cuts::read(&place.file(), "GPU\n1"), Cuts::read(&place.file(), "GPU 2"));
        assert_eq!((one.len(), other.len()), (0, 0));
        one.with(&[("a".into(), cut(2, 2)), ("b".into(), cut(0, 1))]).write(&place.file()).unwrap();
        other.with(&[("a".into(), cut(3, 1))]).write(&place.file()).unwrap();
        one.with(&[("b".into(), cut(1, 1)), ("c".into(), cut(1, 1))]).write(&place.file()).unwrap();
        let one = Cuts::read(&place.file(), "GPU\n1");
        assert_eq!(["a", "b", "c"].map(|key| one.get(key, &ALL)), [cut(2, 2), cut(1, 1), cut(1, 1)].map(Some));
        assert_eq!(Cuts::read(&place.file(), "GPU 2").get("a", &ALL), Some(cut(3, 1)));
        assert_eq!(Cuts::read(&place.file(), "GPU 3").len(), 0);
    }

    #[test]
    fn a_line_that_is_wrong_counts_as_none() {
        let place = Place::new("wrong");
        Cuts::read(&place.file(), "GPU").with(&[("good".into(), cut(2, 2))]).write(&place.file()).unwrap();
        let mut bytes = std::fs::read(place.file()).unwrap();
        let lines =
            ["many\t64x64 in 99", "no\t64x64 in 0", "tile\tattention_16", "x\t64x64 in -1", "short", "", "\t\t"];
        lines.iter().for_each(|line| bytes.extend(format!("GPU\t{line}\n").as_bytes()));
        bytes.extend(b"\xff\xfe\0\nGPU\tcut off\tconv_6");
        std::fs::write(place.file(), bytes).unwrap();
        let read = Cuts::read(&place.file(), "GPU");
        for key in ["many", "no", "tile", "x", "short", "", "cut off"] {
            assert_eq!(read.get(key, &ALL), None, "{key}");
        }
        assert_eq!(read.get("good", &ALL), Some(cut(2, 2)));
        read.write(&place.file()).unwrap();
        assert_eq!(Cuts::read(&place.file(), "GPU"), read, "what is written can be read");
    }

    #[test]
    fn what_is_no_file_says_nothing() {
        let place = Place::new("none");
        std::fs::create_dir_all(place.file()).unwrap();
        let cuts = Cuts::read(&place.file(), "GPU").with(&[("a".into(), cut(0, 1))]);
        assert_eq!(Cuts::read(&place.file(), "GPU").len(), 0);
        cuts.write(&place.file()).unwrap_err();
        std::fs::remove_dir(place.file()).unwrap();
        std::fs::write(place.file(), vec![b'\n'; MOST_BYTES as usize + 1]).unwrap();
        assert_eq!(Cuts::read(&place.file(), "GPU").len(), 0);
        cuts.write(&place.file()).unwrap();
        assert_eq!(Cuts::read(&place.file(), "GPU"), cuts);
    }

    #[test]
    fn the_file_stays_small() {
        let place = Place::new("small");
        let many: Vec<(String, Cut)> = (0..MOST_LINES).map(|key| (format!("{key:05}"), cut(0, 1))).collect();
        Cuts::read(&place.file(), "old").with(&many).write(&place.file()).unwrap();
        Cuts::read(&place.file(), "new").with(&many[..10]).write(&place.file()).unwrap();
        assert_eq!(Cuts::read(&place.file(), "old").len(), MOST_LINES - 10);
        assert_eq!(Cuts::read(&place.file(), "new").len(), 10);
        assert!(std::fs::metadata(place.file()).unwrap().len() < MOST_BYTES);
    }
}
