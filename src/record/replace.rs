//! Writing a file so that it is whole or not there: under another name beside it first, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::RecordError;
use crate::flow::is_running;

/// What files are called until they are whole: this, the process, a number, and [`END`].
const BEGIN: &str = ".afterimage-";
const END: &str = ".part";
/// Untouched for so long, a file is written to by nobody, whatever the numbers of processes say: in a container every run may
/// have the same one.
const LEFT_AFTER: Duration = Duration::from_secs(600);

/// Lets `write` fill a file that then takes the place of `path`. On failure nothing new remains and what was there stays.
///
/// # Errors
/// Those of [`place`]; the file system's.
pub fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> Result<(), RecordError> {
    let failed = |error: io::Error| RecordError::io(path, &error);
    let place = place(path)?;
    let (beside, file) = create_beside(&place).map_err(failed)?;
    let mut buffer = BufWriter::new(&file);
    let written = write(&mut buffer).and_then(|()| buffer.flush()).and_then(|()| file.sync_all());
    drop(buffer);
    drop(file);
    if let Err(error) = written.and_then(|()| fs::rename(&beside, &place)) {
        fs::remove_file(&beside).ok();
        return Err(failed(error));
    }
    Ok(())
}

/// Where the file named `path` is or will be. Only a plain file is replaced: a new name in the place of a device, a pipe or a
/// socket would take it from all who use it. A link stays, and its file is replaced: `/dev/stdout` is one.
///
/// # Errors
/// [`RecordError::NotAFile`] and [`RecordError::NotPlain`] for anything else that is there.
fn place(path: &Path) -> Result<PathBuf, RecordError> {
    let shown = || path.display().to_string();
    if path.file_name().is_none() || path.is_dir() || shown().ends_with(std::path::is_separator) {
        return Err(RecordError::NotAFile { path: shown() });
    }
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(path.to_owned()) };
    // A link that leads nowhere is nothing to replace either.
    let target = if found.is_symlink() { fs::canonicalize(path).ok() } else { Some(path.to_owned()) };
    target.filter(|target| target.is_file()).ok_or_else(|| RecordError::NotPlain { path: shown() })
}

/// Whether a file could be written at `path` now: a look before long work, which leaves nothing behind.
///
/// # Errors
/// Those of [`replace`].
pub fn try_place(path: &Path) -> Result<(), RecordError> {
    let failed = |error: io::Error| RecordError::io(path, &error);
    let (beside, _) = create_beside(&place(path)?).map_err(failed)?;
    fs::remove_file(beside).map_err(failed)
}

/// A new file in the folder of `path`, under a name that nothing has.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_file_name(format!("{BEGIN}{}-{number}{END}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes what runs that ended in the middle of [`replace`] left in `folder`.
pub fn clear_left(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_left(entry).unwrap_or(false)) {
        fs::remove_file(entry.path()).ok();
    }
}

/// Whether nobody will make this a whole file; `None` when it is none of ours, or the system does not tell.
fn is_left(entry: &fs::DirEntry) -> Option<bool> {
    let name = entry.file_name();
    let (process, number) = name.to_str()?.strip_prefix(BEGIN)?.strip_suffix(END)?.split_once('-')?;
    let (process, _) = (process.parse::<u32>().ok()?, number.parse::<u64>().ok()?);
    let found = entry.metadata().ok()?;
    let age = found.modified().ok()?.elapsed().ok()?;
    Some(found.is_file() && age > LEFT_AFTER && (process == std::process::id() || !is_running(process)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own that goes away.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("afterimage-replace-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn a_full_disk_leaves_the_old_file() {
        let folder = Folder::new("full");
        let path = folder.0.join("a.png");
        replace(&path, |file| file.write_all(b"old")).unwrap();
        let error = replace(&path, |file| {
            file.write_all(&[0; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(error.unwrap_err(), RecordError::DiskFull { path: path.display().to_string() });
        assert_eq!((folder.names(), fs::read(&path).unwrap()), (vec!["a.png".to_owned()], b"old".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn only_plain_files_are_replaced() {
        let folder = Folder::new("plain");
        let [pipe, socket, link, nowhere, real] =
            ["pipe", "socket", "link", "nowhere", "real"].map(|name| folder.0.join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let [to_pipe, to_nothing] = ["to-pipe", "to-nothing"].map(|name| folder.0.join(name));
        std::os::unix::fs::symlink(&pipe, &to_pipe).unwrap();
        std::os::unix::fs::symlink(&nowhere, &to_nothing).unwrap();
        let before = folder.names();
        for path in [&pipe, &socket, &to_pipe, &to_nothing] {
            let error = replace(path, |_| unreachable!("{} is written to", path.display())).unwrap_err();
            assert_eq!(error, RecordError::NotPlain { path: path.display().to_string() });
        }
        assert_eq!(replace(&folder.0, |_| Ok(())), Err(RecordError::NotAFile { path: folder.0.display().to_string() }));
        let absent = folder.0.join("absent").join("");
        assert_eq!(try_place(&absent), Err(RecordError::NotAFile { path: absent.display().to_string() }));
        assert_eq!(try_place(&folder.0.join("new.png")), Ok(()));
        assert_eq!(folder.names(), before);
        // A link to a file stays one.
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace(&link, |file| file.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }

    #[test]
    fn what_ended_runs_left_is_cleared_and_nothing_else() {
        let folder = Folder::new("left");
        let old = std::time::SystemTime::now() - 2 * LEFT_AFTER;
        let make = |name: &str, written| {
            let file = File::create(folder.0.join(name)).unwrap();
            file.set_modified(written).unwrap();
        };
        // No process has such a number.
        let (gone, this) = (u32::MAX - 1, std::process::id());
        make(&format!(".afterimage-{gone}-0.part"), old);
        make(&format!(".afterimage-{this}-7.part"), old);
        let mut kept = [
            format!(".afterimage-{gone}-1.part"),
            format!(".afterimage-{this}-8.part"),
            ".afterimage-mine.part".into(),
            "drawing.part".into(),
        ];
        for (nth, name) in kept.iter().enumerate() {
            make(name, if nth < 2 { std::time::SystemTime::now() } else { old });
        }
        clear_left(&folder.0);
        let mut names = folder.names();
        names.sort();
        kept.sort();
        assert_eq!(names, kept, "only old ones of nobody go");
        clear_left(&folder.0.join("absent"));
    }

    #[test]
    fn a_new_file_takes_the_place_of_the_old() {
        let folder = Folder::new("new");
        let path = folder.0.join("a.png");
        replace(&path, |file| file.write_all(b"old")).unwrap();
        replace(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!((folder.names().len(), fs::read(&path).unwrap()), (1, b"new".to_vec()));
    }
}
