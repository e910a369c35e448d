//! File dialogs, the places of files and pasted pictures, each on a thread of its own: the window never waits.

use std::cell::Cell;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::keeping::Drawing;
use super::names::{free_name, of_extension, place_for};
use crate::canvas::Version;
use crate::engine::Picture;
use crate::flow::Worker;
use crate::flow::channel::{Receiver, Sender, unbounded};
use crate::frame::{Frame, Size};
use crate::studio::{self, Notice};

/// How long the window's end waits for a folder that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A dialog that is gone this quickly was never seen.
const NEVER_SEEN: Duration = Duration::from_millis(60);

/// How files of pictures end.
const PICTURES: &[&str] = &["png", "jpg", "jpeg"];
/// And those of drawings with their layers.
const LAYERED: &[&str] = &["ora"];

/// What came out of a dialog.
#[derive(Clone, Debug)]
pub enum Picked {
    /// Put this file onto the canvas.
    Open(PathBuf),
    /// Look at this file.
    Source(PathBuf),
    /// Load the model in this folder.
    Model(PathBuf),
    /// Write the picture that was there when it was asked for.
    SaveTo(Box<Picture>, PathBuf),
    /// Write the drawing as it was when it was asked for.
    SaveDrawing(Drawing, PathBuf),
    /// There is no place for the drawing in this state.
    DrawingNotSaved(Version, Notice),
    /// Record into this file.
    RecordTo(PathBuf),
    /// There is no place for a recording.
    NotRecorded(Notice),
    /// Put this picture onto the canvas.
    Pasted(Frame),
    /// It did not work.
    Trouble(Notice),
}

/// The way of answers from their threads to the window.
struct Answers {
    sender: Sender<Picked>,
    receiver: Receiver<Picked>,
}

impl Answers {
    fn new() -> Self {
        let (sender, receiver) = unbounded();
        Self { sender, receiver }
    }
}

/// Asks for files.
pub struct Dialogs {
    pictures: PathBuf,
    answers: Answers,
    /// The places that were found for quick saves, apart from what users are asked.
    places: Answers,
    /// The quick saves that still look for their place.
    seeking: Cell<usize>,
    wake: studio::Wake,
}

impl Dialogs {
    /// Pictures are saved into the folder `pictures`; answers are announced by `wake`.
    pub fn new(pictures: PathBuf, wake: studio::Wake) -> Self {
        Self { pictures, answers: Answers::new(), places: Answers::new(), seeking: Cell::new(0), wake }
    }

    /// The answers since the last call.
    pub fn answers(&self) -> Vec<Picked> {
        let places: Vec<Picked> = self.places.receiver.try_iter().collect();
        self.seeking.set(self.seeking.get() - places.len());
        places.into_iter().chain(self.answers.receiver.try_iter()).collect()
    }

    /// The last answers before the window goes: quick saves get their place, if that takes no longer than [`PATIENCE`];
    /// nobody waits for what users are asked.
    pub fn last_answers(&self) -> Vec<Picked> {
        let (end, mut answers) = (Instant::now() + PATIENCE, self.answers());
        while self.seeking.get() > 0 {
            match self.places.receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(place) => answers.push(place),
                Err(_) => {
                    log::warn!("{} did not answer: what was to be saved there is lost", self.pictures.display());
                    break;
                }
            }
            self.seeking.set(self.seeking.get() - 1);
        }
        answers
    }

    /// Asks for a picture or a layered drawing for the canvas.
    pub fn ask_open(&self) {
        let dialog = rfd::AsyncFileDialog::new().set_title("Open a picture or a drawing");
        let (all, layered) = ([PICTURES, LAYERED].concat(), "Layered drawings");
        self.ask(
            dialog.add_filter("Pictures and drawings", &all).add_filter(layered, LAYERED).pick_file(),
            Picked::Open,
        );
    }

    /// Asks for a picture file to look at.
    pub fn ask_source(&self) {
        let dialog = rfd::AsyncFileDialog::new().set_title("Choose a picture to paint over");
        self.ask(dialog.add_filter("Pictures", PICTURES).pick_file(), Picked::Source);
    }

    /// Asks for a model folder.
    pub fn ask_model(&self) {
        self.ask(rfd::AsyncFileDialog::new().set_title("Open a model folder").pick_folder(), Picked::Model);
    }

    /// Asks for a place like `name` for a file of one of these extensions; `picked` says what is to be written there.
    pub fn ask_place(
        &self,
        title: &str,
        name: &str,
        extensions: &'static [&'static str],
        picked: impl FnOnce(PathBuf) -> Picked + Send + 'static,
    ) {
        let dialog = rfd::AsyncFileDialog::new().set_title(title).set_file_name(name);
        let filtered = |dialog: rfd::AsyncFileDialog, extension: &&str| {
            dialog.add_filter(format!("{} (.{extension})", of_extension(extension)), &[*extension])
        };
        let dialog = extensions.iter().fold(dialog, filtered);
        self.ask(dialog.save_file(), move |path| match place_for(&path, extensions) {
            Some(place) => picked(place),
            None => Picked::Trouble(Notice::error(
                format!("All names like {} are taken", path.display()),
                "Choose another name",
            )),
        });
    }

    /// Finds a free name like `name` in the pictures folder, and takes it; `found` says what is to be written there, `failed`
    /// what follows if there is none.
    pub fn find_quick_place(
        &self,
        name: String,
        found: impl FnOnce(PathBuf) -> Picked + Send + 'static,
        failed: impl FnOnce(Notice) -> Picked + Copy + Send + 'static,
    ) {
        let folder = self.pictures.clone();
        self.seeking.set(self.seeking.get() + 1);
        let seek = move || Some(quick_place(&folder, &name).map_or_else(failed, found));
        self.work(&self.places, seek, failed);
    }

    /// Turns a pasted picture into ours.
    pub fn unpack(&self, image: Arc<egui::ColorImage>) {
        let unpack = move || {
            let size = Size::new(image.size[0] as u32, image.size[1] as u32);
            let pixels = image.pixels.iter().flat_map(egui::Color32::to_srgba_unmultiplied).collect();
            let frame = Frame::new(size, pixels);
            Some(frame.map_or_else(
                |e| Picked::Trouble(Notice::error(format!("Nothing was pasted: {e}"), e.remedy())),
                Picked::Pasted,
            ))
        };
        self.work(&self.answers, unpack, Picked::Trouble);
    }

    /// Where quick saves go.
    pub fn folder(&self) -> &Path {
        &self.pictures
    }

    fn ask(
        &self,
        dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
        picked: impl FnOnce(PathBuf) -> Picked + Send + 'static,
    ) {
        let ask = move || {
            let start = Instant::now();
            match wait_for(dialog) {
                Some(handle) => Some(picked(handle.path().to_owned())),
                None if start.elapsed() < NEVER_SEEN => Some(Picked::Trouble(Notice::error(
                    "No file dialog could be opened",
                    "Install xdg-desktop-portal or zenity, or name files on the command line (see --help)",
                ))),
                None => None,
            }
        };
        self.work(&self.answers, ask, Picked::Trouble);
    }

    fn work(
        &self,
        answers: &Answers,
        work: impl FnOnce() -> Option<Picked> + Send + 'static,
        failed: impl FnOnce(Notice) -> Picked,
    ) {
        let (sender, wake) = (answers.sender.clone(), self.wake.clone());
        let worker = Worker::spawn("dialog", move |_| {
            if let Some(answer) = work() {
                // A closed channel means that the window is gone.
                sender.send(answer).ok();
                wake();
            }
        });
        if let Err(error) = worker {
            let notice = Notice::error(format!("No thread for the file dialog ({error})"), "Close other programs");
            answers.sender.send(failed(notice)).ok();
        }
    }
}

/// A free name like `name` in `folder`, which is made if need be.
fn quick_place(folder: &Path, name: &str) -> Result<PathBuf, Notice> {
    let remedy = "Use the menu's “Save … as” and choose another place";
    std::fs::create_dir_all(folder)
        .map_err(|error| Notice::error(format!("The folder {} cannot be made ({error})", folder.display()), remedy))?;
    free_name(folder, name)
        .ok_or_else(|| Notice::error(format!("All names like {name} are taken in {}", folder.display()), remedy))
}

/// Wakes a parked thread.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs `future` to its end on this thread.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_is_woken_from_elsewhere_ends() {
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let waker_thread = Worker::spawn("test", move |_| receiver.recv().map(Waker::wake).is_ok()).unwrap();
        let mut asked = false;
        let value = wait_for(std::future::poll_fn(|context| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(7);
            }
            sender.send(context.waker().clone()).unwrap();
            Poll::Pending
        }));
        assert_eq!(value, 7);
        assert_eq!(waker_thread.join(), Ok(true));
    }
}
