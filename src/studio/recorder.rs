//! The recorder: paintings, and what they were painted over, to a video, on a thread of its own.
//!
//! The newest pair wins: a film has 30 pictures a second at most, and a disk or an encoder that is slow costs pictures of the film and
//! never any of the window. The last one always gets in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::choices::Filmed;
use super::files::leave_place;
use super::snapshot::RecordingProgress;
use super::{Event, Notice, RecordingSettings, Wake};
use crate::flow::channel::{Receiver, Sender, bounded, select};
use crate::flow::{LatestReceiver, LatestSender, Worker, latest, lower_priority, panic_text};
use crate::frame::Frame;
use crate::record::{Enlarge, FilmClock, Montage, PICTURES_PER_S, RecordError, VideoLabel, VideoWriter};

/// After this long without a picture, what there is is written.
const BREATH: Duration = Duration::from_secs(1);
/// And where they come without end, after this long.
const UNWRITTEN: Duration = Duration::from_secs(2);
/// A picture that stays is in the film again after so many: not all who play or cut films like one that stays for minutes.
const REPEATED: u32 = 10 * PICTURES_PER_S;

/// A painting, and what it was painted over.
#[derive(Clone)]
pub(super) struct Shot {
    pub(super) input: Frame,
    pub(super) painting: Frame,
    /// When it was there to be seen.
    pub(super) at: Instant,
}

/// What is to be recorded.
pub(super) struct Recording {
    /// An empty file, or one that is not there.
    pub(super) path: PathBuf,
    /// What is to be seen, in words.
    pub(super) description: String,
    pub(super) settings: RecordingSettings,
}

/// How far it is; written by its thread.
#[derive(Default)]
struct Progress {
    film_ms: AtomicU64,
    bytes: AtomicU64,
    has_ended: AtomicBool,
}

/// A recording under way. Dropping it ends the film.
pub(super) struct Recorder {
    path: PathBuf,
    /// Closed to end the film, whatever the engine does just then.
    end: Option<Sender<()>>,
    progress: Arc<Progress>,
    worker: Worker,
}

impl Recorder {
    /// Starts the thread; shots go into the slot.
    pub(super) fn spawn(
        recording: Recording,
        events: Sender<Event>,
        wake: Wake,
    ) -> std::io::Result<(Self, LatestSender<Shot>)> {
        let (shots, received) = latest();
        let (end, ended) = bounded(0);
        let (path, progress) = (recording.path.clone(), Arc::<Progress>::default());
        let mut reel = Reel::new(recording, progress.clone(), wake.clone());
        let worker = Worker::spawn("recorder", move |_| {
            lower_priority();
            let event = reel.event(&received, &ended);
            reel.progress.has_ended.store(true, Relaxed);
            events.send(event).ok();
            wake();
        })?;
        Ok((Self { path, end: Some(end), progress, worker }, shots))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its thread told what came of it: a file of its name may be another one's by now.
    pub(super) fn has_ended(&self) -> bool {
        self.progress.has_ended.load(Relaxed)
    }

    /// Ends the film; its thread tells when it is on disk.
    pub(super) fn end(mut self) -> Worker {
        self.end = None;
        self.worker
    }

    /// How far it is.
    pub(super) fn progress(&self) -> RecordingProgress {
        let Progress { film_ms, bytes, .. } = &*self.progress;
        RecordingProgress { length: Duration::from_millis(film_ms.load(Relaxed)), bytes: bytes.load(Relaxed) }
    }
}

/// The film on its thread.
struct Reel {
    recording: Recording,
    progress: Arc<Progress>,
    wake: Wake,
    clock: FilmClock,
    /// There from the first picture on.
    film: Option<(VideoWriter, Montage)>,
    /// The newest picture and its number, should another one come for the same.
    held: Option<(u32, Shot)>,
    /// The least number of the next picture.
    next: u32,
    /// The last one that was written.
    last: Option<Shot>,
    /// The file is ours.
    has_begun: bool,
    /// When all there was was written; not yet at first, so that there is something soon.
    flushed: Option<Instant>,
}

impl Reel {
    fn new(recording: Recording, progress: Arc<Progress>, wake: Wake) -> Self {
        let clock = FilmClock::new(recording.settings.timing.tempo());
        Self {
            recording,
            progress,
            wake,
            clock,
            film: None,
            held: None,
            next: 0,
            has_begun: false,
            last: None,
            flushed: None,
        }
    }

    /// Records to the end and says what came of it.
    fn event(&mut self, shots: &LatestReceiver<Shot>, end: &Receiver<()>) -> Event {
        let recorded = catch_unwind(AssertUnwindSafe(|| self.record(shots, end)));
        let length = recorded.unwrap_or_else(|panic| {
            let what = format!("the recorder broke: {}", panic_text(panic.as_ref()));
            Err((what, "please report this".into()))
        });
        let path = self.recording.path.clone();
        leave_place(&path);
        match length {
            Ok(Some(_)) if !path.exists() => {
                let what = format!("The recording is gone: somebody removed `{}` meanwhile", path.display());
                Event::NotRecorded {
                    path,
                    notice: Notice::error(what, "record again, and leave the file until it ends"),
                }
            }
            Ok(Some(length)) => Event::Recorded { path, length },
            Ok(None) => {
                let notice = Notice::warning("Nothing was recorded, for nothing was painted", "draw, and record again");
                Event::NotRecorded { path, notice }
            }
            Err((what, remedy)) => {
                let kept = if self.has_begun && path.exists() { "; what was recorded until then is there" } else { "" };
                Event::NotRecorded { path, notice: Notice::error(format!("The recording ended: {what}{kept}"), remedy) }
            }
        }
    }

    /// The length of the film; `None` where there is nothing in it.
    fn record(
        &mut self,
        shots: &LatestReceiver<Shot>,
        end: &Receiver<()>,
    ) -> Result<Option<Duration>, (String, String)> {
        let recorded = self.follow(shots, end).and_then(|()| self.repeat(Instant::now()));
        let length = time(number(self.clock.at(Instant::now())).max(self.next));
        let film = self.film.take();
        let finished = film.map(|(writer, _)| writer.finish(length));
        match recorded.and(finished.transpose()) {
            Ok(Some(())) => Ok(Some(length)),
            Ok(None) => Ok(None),
            Err(error) => Err((error.to_string(), remedy(&error))),
        }
    }

    /// Takes shots until it is told to end, or nobody is there to send any.
    fn follow(&mut self, shots: &LatestReceiver<Shot>, end: &Receiver<()>) -> Result<(), RecordError> {
        loop {
            let goes_on = select! {
                recv(shots.wake()) -> shot => shot.is_ok(),
                recv(end) -> _ => false,
                default(BREATH) => {
                    self.breathe()?;
                    true
                }
            };
            if let Some(shot) = shots.take() {
                self.take(shot)?;
            }
            self.note_progress();
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn take(&mut self, shot: Shot) -> Result<(), RecordError> {
        let number = number(self.clock.tick(shot.at)).max(self.next);
        if self.held.as_ref().is_some_and(|(held, _)| *held < number) {
            self.write_held()?;
        }
        self.held = Some((number, shot));
        let is_long = self.flushed.is_none_or(|flushed| flushed.elapsed() >= UNWRITTEN);
        if is_long { self.flush() } else { Ok(()) }
    }

    /// Nothing came for a while.
    fn breathe(&mut self) -> Result<(), RecordError> {
        self.write_held()?;
        let now = Instant::now();
        if number(self.clock.at(now)) >= self.next.saturating_add(REPEATED) {
            self.repeat(now)?;
        }
        self.flush()?;
        let seen = self.progress.film_ms.load(Relaxed);
        self.note_progress();
        if seen != self.progress.film_ms.load(Relaxed) {
            // The time goes on, though nobody else has news.
            (self.wake)();
        }
        Ok(())
    }

    /// What is seen is seen until `now`, and still is then.
    fn repeat(&mut self, now: Instant) -> Result<(), RecordError> {
        self.write_held()?;
        let number = number(self.clock.at(now));
        match self.last.clone() {
            Some(last) if number > self.next => self.write(number - 1, last),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), RecordError> {
        let now = Instant::now();
        self.flushed = self.film.is_some().then_some(now);
        // What is held is seen from its own time on.
        let number = self.held.as_ref().map_or_else(|| number(self.clock.at(now)), |(held, _)| *held);
        let now = time(number);
        self.film.as_mut().map_or(Ok(()), |(writer, _)| writer.flush(now))
    }

    fn write_held(&mut self) -> Result<(), RecordError> {
        self.held.take().map_or(Ok(()), |(number, shot)| self.write(number, shot))
    }

    fn write(&mut self, number: u32, shot: Shot) -> Result<(), RecordError> {
        let pictures = match self.recording.settings.shows {
            Filmed::Both => &[&shot.input, &shot.painting][..],
            Filmed::Painting => &[&shot.painting],
        };
        let (writer, montage) = match &mut self.film {
            Some(film) => film,
            none => none.insert(begin(&self.recording, shot.painting.size(), pictures.len())?),
        };
        self.has_begun = true;
        self.next = number + 1;
        let picture = montage.put_together(pictures);
        self.last = Some(shot);
        writer.write(&picture, time(number))
    }

    fn note_progress(&self) {
        let length = self.clock.at(Instant::now()).as_millis();
        self.progress.film_ms.store(length as u64, Relaxed);
        self.progress.bytes.store(self.film.as_ref().map_or(0, |(writer, _)| writer.bytes()), Relaxed);
    }
}

/// Nobody chooses where recordings go.
fn remedy(error: &RecordError) -> String {
    match error {
        RecordError::DiskFull { .. } => "free some space on that disk".into(),
        RecordError::ReadOnly { .. } => "make the folder writable".into(),
        other => other.remedy(),
    }
}

fn begin(recording: &Recording, size: crate::frame::Size, count: usize) -> Result<(VideoWriter, Montage), RecordError> {
    let montage = Montage::new(size, count as u32);
    let program = format!("Afterimage {}", env!("CARGO_PKG_VERSION"));
    let label = VideoLabel { description: recording.description.clone(), program };
    let enlarge = if montage.is_small() { Enlarge::Twice } else { Enlarge::Not };
    Ok((VideoWriter::create(&recording.path, montage.size(), enlarge, label)?, montage))
}

/// When the picture of this number is seen, rounded up to what a clock tells, so that [`number`] is its inverse.
fn time(number: u32) -> Duration {
    let nanos = (u64::from(number) * 1_000_000_000).div_ceil(PICTURES_PER_S.into());
    Duration::from_nanos(nanos)
}

/// The picture that is seen at this time, in a film of years at most.
fn number(at: Duration) -> u32 {
    let number = at.as_nanos() * u128::from(PICTURES_PER_S) / 1_000_000_000;
    u32::try_from(number).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
#[cfg(feature = "video")]
mod tests;
