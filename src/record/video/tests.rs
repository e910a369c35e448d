//! Videos as others read them.

use mp4_atom::Any;

use super::playback::{boxes, codec, decoded, fragmented, index_of, indexed};
use super::*;

const SIZE: Size = Size::new(96, 64);

fn label() -> VideoLabel {
    VideoLabel { description: "a red apple".into(), program: "Painter 1.2".into() }
}

/// A file of its own that goes away.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("afterimage-video-{name}-{}.mp4", std::process::id())))
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.0).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// A soft slope with a block that moves to the right.
fn picture(nth: u32) -> Frame {
    let pixel = |at: u32| {
        let (x, y) = (at % SIZE.width, at / SIZE.width);
        let inside = (20..44).contains(&y) && (2 * nth..2 * nth + 24).contains(&x);
        if inside { [210, 60, 40, 255] } else { [40 + x as u8, 40 + 2 * y as u8, 90, 255] }
    };
    Frame::new(SIZE, (0..SIZE.area() as u32).flat_map(pixel).collect()).unwrap()
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Writes pictures that are seen from these times on.
fn written(place: &Place, times_ms: impl IntoIterator<Item = u64>) -> VideoWriter {
    let mut writer = VideoWriter::create(&place.0, SIZE, Enlarge::Not, label()).unwrap();
    for (nth, ms) in (0..).zip(times_ms) {
        writer.write(&picture(nth % 30), millis(ms)).unwrap();
    }
    writer
}

/// Mean difference of all values.
fn difference(seen: &Frame, frame: &Frame) -> f64 {
    let pixels = seen.pixels().iter().zip(frame.pixels());
    let sum: u64 = pixels.map(|(is, wanted)| u64::from(is.abs_diff(*wanted))).sum();
    sum as f64 / (3 * SIZE.area()) as f64
}

#[test]
fn what_is_written_is_seen() {
    let place = Place::new("seen");
    // Five seconds, with a pause in the middle.
    let times: Vec<u64> = (0..40).map(|nth| nth * 40).chain((0..40).map(|nth| 3400 + nth * 40)).collect();
    written(&place, times.clone()).finish(millis(5000)).unwrap();
    let bytes = place.bytes();
    let names = boxes(&bytes);
    let [(Any::Ftyp(_), 0), (Any::Mdat(_), _), (Any::Moov(moov), _)] = names.as_slice() else {
        panic!("not an ordinary file: {} boxes", names.len())
    };
    let (entries, avc1) = (indexed(moov), codec(moov));
    assert_eq!((avc1.visual.width, avc1.visual.height), (96, 64));
    let ends = times.iter().skip(1).chain(&[5000]);
    for ((entry, begin), end) in entries.iter().zip(&times).zip(ends) {
        assert_eq!(u64::from(entry.ticks), (end - begin) * 3);
    }
    let keys: Vec<u64> = entries.iter().zip(&times).filter(|(entry, _)| entry.is_key).map(|(_, time)| *time).collect();
    assert_eq!(keys, [0, 3400], "one can jump to the first picture of each piece");
    assert_eq!((moov.mvhd.duration, moov.trak[0].mdia.mdhd.duration), (15_000, 15_000));
    let pictures = decoded(&bytes, avc1, &entries);
    assert_eq!(pictures.len(), 80);
    for (nth, pixels) in (0..).zip(&pictures) {
        let off = difference(pixels, &picture(nth % 30));
        assert!(off < 2.5, "picture {nth} is off by {off:.2} of 255");
    }
}

#[test]
fn a_file_that_nobody_finished_can_be_played() {
    let place = Place::new("unfinished");
    let mut writer = written(&place, (0..100).map(|nth| nth * 50));
    let before = place.bytes();
    let (entries, times) = fragmented(&boxes(&before));
    assert_eq!((entries.len(), times), (80, vec![0, 6000]), "two pieces of two seconds are there");
    // What waits is written when nothing else comes, and the last picture stays.
    writer.flush(millis(5500)).unwrap();
    let bytes = place.bytes();
    assert!(bytes.starts_with(&before), "what was written stays as it is");
    let list = boxes(&bytes);
    let (entries, times) = fragmented(&list);
    assert_eq!((entries.len(), times), (100, vec![0, 6000, 12_000]));
    assert_eq!(entries.last().unwrap().ticks, 550 * 3);
    let Some(Any::Moov(moov)) = list.iter().map(|(one, _)| one).find(|one| matches!(one, Any::Moov(_))) else {
        panic!("no head")
    };
    assert!(moov.mvex.is_some() && moov.trak[0].mdia.minf.stbl.stts.entries.is_empty());
    for (nth, pixels) in (0..).zip(decoded(&bytes, codec(moov), &entries)) {
        let off = difference(&pixels, &picture(nth % 30));
        assert!(off < 2.5, "picture {nth} is off by {off:.2}");
    }
    // It goes on where it was, and the index has the true times.
    writer.write(&picture(7), millis(7000)).unwrap();
    writer.finish(millis(7100)).unwrap();
    let entries = indexed(&index_of(&place.bytes()));
    let last: Vec<u32> = entries[98..].iter().map(|entry| entry.ticks / 3).collect();
    assert_eq!(last, [50, 7000 - 4950, 100]);
}

#[test]
fn a_video_of_nothing_leaves_no_file() {
    let place = Place::new("nothing");
    written(&place, []).finish(millis(20)).unwrap();
    assert!(!place.0.exists());
}

#[test]
fn words_and_program_are_in_it() {
    let place = Place::new("words");
    written(&place, [0, 10]).finish(millis(20)).unwrap();
    let bytes = place.bytes();
    let has = |words: &str| bytes.windows(words.len()).any(|part| part == words.as_bytes());
    assert!(has("a red apple") && has("Painter 1.2"));
}

#[test]
fn small_pictures_are_enlarged() {
    let place = Place::new("small");
    let mut writer = VideoWriter::create(&place.0, SIZE, Enlarge::Twice, label()).unwrap();
    writer.write(&picture(9), millis(0)).unwrap();
    writer.finish(millis(40)).unwrap();
    let pictures = playback::play(&place.bytes());
    let (seen, _) = &pictures[0];
    assert_eq!(seen.size(), Size::new(192, 128));
    // In the middle of the block, and of each quarter of what is beside it.
    for (x, y) in [(30, 32), (2, 2), (90, 2), (2, 60), (90, 60)] {
        let (is, was) = (seen.pixel(2 * x, 2 * y), picture(9).pixel(x, y));
        let off = is.iter().zip(was).map(|(is, was)| is.abs_diff(was)).max();
        assert!(off < Some(8), "{is:?} is {was:?} enlarged");
    }
}

#[test]
fn times_that_stand_still_are_told_apart() {
    let place = Place::new("still");
    let mut writer = written(&place, [0, 0, 0]);
    writer.flush(millis(0)).unwrap();
    writer.finish(millis(0)).unwrap();
    let entries = indexed(&index_of(&place.bytes()));
    assert!(entries.len() == 3 && entries.iter().all(|entry| entry.ticks >= 1), "{entries:?}");
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let place = Place::new("there");
    std::fs::write(&place.0, b"a letter").unwrap();
    let refused = VideoWriter::create(&place.0, SIZE, Enlarge::Not, label()).map(|_| ()).unwrap_err();
    assert_eq!(refused, RecordError::NotEmpty { path: place.0.display().to_string() });
    assert_eq!(place.bytes(), b"a letter");
    let folder = std::env::temp_dir();
    let refused = VideoWriter::create(&folder, SIZE, Enlarge::Not, label()).map(|_| ()).unwrap_err();
    assert_eq!(refused, RecordError::NotPlain { path: folder.display().to_string() });
    let nowhere = folder.join("afterimage-no-such-folder").join("a.mp4");
    let refused = VideoWriter::create(&nowhere, SIZE, Enlarge::Not, label()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, RecordError::NoFolder { .. }), "{refused}");
}

/// A limit of the process's files stands for a full disk: the same error, at a place that is known.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_what_was_written() {
    if std::env::var_os("AFTERIMAGE_SMALL_FILES").is_none() {
        // The limit is of the process, so the test runs in one of its own.
        let test = std::env::current_exe().unwrap();
        let name = "record::video::tests::a_full_disk_leaves_what_was_written";
        let mut command = std::process::Command::new(test);
        let run = command.args([name, "--exact"]).env("AFTERIMAGE_SMALL_FILES", "1").output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    limit_files(20_000);
    let place = Place::new("full");
    let mut writer = VideoWriter::create(&place.0, SIZE, Enlarge::Not, label()).unwrap();
    let failed = (0..2000).find_map(|nth| writer.write(&picture(nth % 30), millis(40 * u64::from(nth))).err());
    let full = RecordError::DiskFull { path: place.0.display().to_string() };
    assert_eq!(failed, Some(full.clone()));
    let bytes = place.bytes();
    let (entries, _) = fragmented(&boxes(&bytes));
    assert!(entries.len() >= 50 && bytes.len() <= 20_000, "whole pieces, and nothing half written");
    // The index finds no room either, or what waits does not; both is told, and the pieces stay.
    assert_eq!(writer.finish(millis(100_000)), Err(full));
    let list = boxes(&place.bytes());
    match list.last() {
        Some((Any::Moov(moov), _)) => assert_eq!(indexed(moov).len(), entries.len()),
        _ => assert_eq!(fragmented(&list).0, entries),
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library sets no limits")]
fn limit_files(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the limit lives over the call; SIG_IGN is a handler that touches nothing.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
}
