//! The recorder without an engine, with times that are given.

use super::*;
use crate::frame::Size;
use crate::record::play;
use crate::studio::Timing;

const RED: [u8; 4] = [200, 30, 30, 255];
const GREEN: [u8; 4] = [30, 160, 30, 255];
const WHITE: [u8; 4] = [235, 235, 235, 255];

/// A place in a folder of its own, taken by an empty file as the window does it; goes away.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("afterimage-recorder-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.mp4"), b"").unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("a.mp4")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn recording(path: PathBuf, shows: Filmed, timing: Timing) -> Recording {
    Recording { path, description: "an apple".into(), settings: RecordingSettings { shows, timing } }
}

/// A film with shots of these colours, so many milliseconds after its beginning, and when that was.
fn reel(recording: Recording, shots: &[(u64, [u8; 4])]) -> (Reel, Instant) {
    let mut reel = Reel::new(recording, Arc::default(), Arc::new(|| ()));
    let begun = Instant::now();
    for (ms, colour) in shots {
        reel.take(shot(*colour, begun + Duration::from_millis(*ms))).unwrap();
    }
    (reel, begun)
}

/// A painting of one colour over white.
fn shot(colour: [u8; 4], at: Instant) -> Shot {
    let [input, painting] = [WHITE, colour].map(|colour| Frame::filled(Size::square(64), colour));
    Shot { input, painting, at }
}

/// What comes of it when it ends now.
fn ended(reel: &mut Reel) -> Event {
    let ((_shots, received), (end, ended)) = (latest(), bounded(0));
    drop(end);
    reel.event(&received, &ended)
}

/// What comes of such shots.
fn filmed(recording: Recording, shots: &[(u64, [u8; 4])]) -> Event {
    ended(&mut reel(recording, shots).0)
}

fn is_like(pixel: [u8; 4], wanted: [u8; 4]) -> bool {
    pixel.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) < 8)
}

/// The colours at the left and at the right, and the numbers of thirtieths of a second for which each is seen.
fn seen(path: &Path) -> Vec<([u8; 4], [u8; 4], u128)> {
    let pictures = play(&std::fs::read(path).unwrap());
    let part = |(frame, length): &(Frame, Duration)| {
        let right = frame.size().width - 8;
        (frame.pixel(8, 8), frame.pixel(right, 8), (length.as_millis() * 30 + 500) / 1000)
    };
    pictures.iter().map(part).collect()
}

#[test]
fn drawing_and_painting_are_seen_side_by_side_and_the_newest_counts() {
    let place = Place::new("both");
    // Three within the first thirtieth, one in the third, one long after.
    let shots = [(0, RED), (9, RED), (25, GREEN), (70, RED), (1000, GREEN)];
    let event = filmed(recording(place.path(), Filmed::Both, Timing::AsItWas), &shots);
    let Event::Recorded { path, length } = event else { panic!("{event:?}") };
    // Its last picture has its time, too.
    assert_eq!((path.clone(), length), (place.path(), time(31)));
    let seen = seen(&path);
    for ((left, right, count), (wanted, wanted_count)) in seen.iter().zip([(GREEN, 2), (RED, 28), (GREEN, 1)]) {
        assert!(is_like(*left, WHITE) && is_like(*right, wanted), "{left:?} and {right:?}, not {wanted:?}");
        assert_eq!(*count, wanted_count);
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn the_painting_may_be_alone_and_pauses_left_out() {
    let place = Place::new("alone");
    let shots = [(0, RED), (500, GREEN), (60_500, RED)];
    let event = filmed(recording(place.path(), Filmed::Painting, Timing::WithoutPauses), &shots);
    let Event::Recorded { path, .. } = event else { panic!("{event:?}") };
    let seen = seen(&path);
    assert!(seen.iter().all(|(left, right, _)| is_like(*left, *right)), "{seen:?}");
    assert_eq!(seen.iter().map(|(.., count)| *count).collect::<Vec<_>>(), [15, 30, 1]);
}

#[test]
fn a_time_lapse_is_eight_times_as_short() {
    let place = Place::new("lapse");
    let shots: Vec<(u64, [u8; 4])> = (0..81).map(|nth| (100 * nth, if nth % 2 == 0 { RED } else { GREEN })).collect();
    let event = filmed(recording(place.path(), Filmed::Both, Timing::TimeLapse), &shots);
    let Event::Recorded { length, .. } = event else { panic!("{event:?}") };
    assert_eq!(length, time(31), "eight seconds are one");
    let longest = seen(&place.path()).iter().map(|(.., count)| *count).max();
    assert_eq!(longest, Some(1), "each thirtieth has its own picture");
}

#[test]
fn a_film_of_nothing_leaves_no_file() {
    let place = Place::new("nothing");
    let event = filmed(recording(place.path(), Filmed::Both, Timing::AsItWas), &[]);
    let Event::NotRecorded { path, notice } = event else { panic!("{event:?}") };
    assert!(path == place.path() && notice.what.contains("Nothing was recorded"), "{notice}");
    assert!(!path.exists());
}

#[test]
fn what_is_there_is_kept_and_what_cannot_be_written_is_told() {
    let place = Place::new("there");
    std::fs::write(place.path(), b"a letter").unwrap();
    for (path, why) in [(place.path(), "something of that name"), (place.0.join("no").join("a.mp4"), "no folder")] {
        let event = filmed(recording(path.clone(), Filmed::Both, Timing::AsItWas), &[(0, RED)]);
        let Event::NotRecorded { notice, .. } = event else { panic!("{event:?}") };
        let names = notice.what.contains(&path.display().to_string());
        assert!(names && notice.what.contains(why) && !notice.remedy.is_empty(), "{notice}");
    }
    assert_eq!(std::fs::read(place.path()).unwrap(), b"a letter");
}

#[test]
fn times_and_numbers_are_each_others_inverse() {
    for n in (0..100_000).chain(u32::MAX - 9..u32::MAX) {
        assert_eq!(number(time(n)), n);
    }
    assert_eq!(number(Duration::from_nanos(33_333_333)), 0);
}

/// Whole thirtieths of a second: programs that cut films count pictures.
#[test]
fn pictures_are_seen_for_whole_numbers_of_ticks() {
    let place = Place::new("ticks");
    let shots: Vec<(u64, [u8; 4])> = (0..50).map(|nth| (nth * 50, RED)).collect();
    filmed(recording(place.path(), Filmed::Painting, Timing::AsItWas), &shots);
    let pictures = play(&std::fs::read(place.path()).unwrap());
    let ticks: Vec<u128> =
        pictures.iter().map(|(_, length)| (length.as_nanos() * 3000 + 500_000_000) / 1_000_000_000).collect();
    assert!(ticks.iter().all(|ticks| [100, 200].contains(ticks)), "{ticks:?}");
}

#[test]
fn what_stays_is_seen_again_at_the_end() {
    let place = Place::new("stays");
    let (mut reel, begun) = reel(recording(place.path(), Filmed::Painting, Timing::AsItWas), &[(0, RED)]);
    for second in [3, 3, 10] {
        reel.repeat(begun + Duration::from_secs(second)).unwrap();
    }
    assert!(matches!(ended(&mut reel), Event::Recorded { length, .. } if length == time(300)));
    let counts: Vec<u128> = seen(&place.path()).iter().map(|(.., count)| *count).collect();
    assert_eq!(counts, [89, 210, 1]);
}

#[cfg(unix)]
#[test]
fn a_file_that_somebody_removed_is_missed() {
    let place = Place::new("removed");
    let shots = [(0, RED), (1000, GREEN)];
    let (mut reel, _) = reel(recording(place.path(), Filmed::Both, Timing::AsItWas), &shots);
    std::fs::remove_file(place.path()).unwrap();
    let event = ended(&mut reel);
    let Event::NotRecorded { path, notice } = event else { panic!("{event:?}") };
    assert!(path == place.path() && notice.what.contains("is gone"), "{notice}");
}

/// A file that grows has pictures soon, whatever happens then, and all but the last ones later.
#[test]
fn what_there_is_is_written_soon_and_again() {
    let place = Place::new("soon");
    let shots = [(0, RED), (40, GREEN)];
    let (mut reel, begun) = reel(recording(place.path(), Filmed::Both, Timing::AsItWas), &shots);
    let pieces = || std::fs::read(place.path()).unwrap().windows(4).filter(|name| *name == b"moof").count();
    assert_eq!(pieces(), 1);
    reel.take(shot(RED, begun + Duration::from_millis(80))).unwrap();
    assert_eq!(pieces(), 1, "not with each picture");
    reel.flushed = reel.flushed.map(|flushed| flushed - UNWRITTEN);
    reel.take(shot(GREEN, begun + Duration::from_millis(120))).unwrap();
    assert_eq!(pieces(), 2);
}

#[test]
fn it_ends_when_it_is_told_to_and_when_nobody_is_there() {
    for told in [true, false] {
        let place = Place::new(if told { "told" } else { "left" });
        let (events, news) = crate::flow::channel::unbounded();
        let recording = recording(place.path(), Filmed::Both, Timing::AsItWas);
        let (recorder, shots) = Recorder::spawn(recording, events, Arc::new(|| ())).unwrap();
        shots.send(shot(RED, Instant::now()));
        let wait = Duration::from_secs(10);
        let event = if told {
            let worker = recorder.end();
            let event = news.recv_timeout(wait).unwrap();
            assert!(worker.stop_within(wait), "the thread did not end");
            event
        } else {
            drop(shots);
            news.recv_timeout(wait).unwrap()
        };
        assert!(matches!(event, Event::Recorded { .. }), "{event:?}");
        // Once, and again at the end where that took its time.
        let seen = seen(&place.path());
        assert!(!seen.is_empty() && seen.iter().all(|(_, right, _)| is_like(*right, RED)), "{seen:?}");
    }
}
