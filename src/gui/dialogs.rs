//! File dialogs and the places of files, each asked for on a thread of its own: the window never waits.

use std::fs::OpenOptions;
use std::future::Future;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::engine::Picture;
use crate::flow::Worker;
use crate::flow::channel::{Receiver, Sender, unbounded};
use crate::studio::{self, Notice};

/// A dialog that is gone this quickly was never seen.
const NEVER_SEEN: Duration = Duration::from_millis(60);

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
    /// It did not work.
    Trouble(Notice),
}

/// Asks for files.
pub struct Dialogs {
    pictures: PathBuf,
    sender: Sender<Picked>,
    receiver: Receiver<Picked>,
    wake: studio::Wake,
}

impl Dialogs {
    /// Pictures are saved into the folder `pictures`; answers are announced by `wake`.
    pub fn new(pictures: PathBuf, wake: studio::Wake) -> Self {
        let (sender, receiver) = unbounded();
        Self { pictures, sender, receiver, wake }
    }

    /// The answers since the last call.
    pub fn answers(&self) -> Vec<Picked> {
        self.receiver.try_iter().collect()
    }

    /// Asks for a picture file for the canvas.
    pub fn ask_open(&self) {
        self.ask(picture_dialog("Open a picture").pick_file(), Picked::Open);
    }

    /// Asks for a picture file to look at.
    pub fn ask_source(&self) {
        self.ask(picture_dialog("Choose a picture to paint over").pick_file(), Picked::Source);
    }

    /// Asks for a model folder.
    pub fn ask_model(&self) {
        self.ask(rfd::AsyncFileDialog::new().set_title("Open a model folder").pick_folder(), Picked::Model);
    }

    /// Asks where to write `picture`.
    pub fn ask_save(&self, picture: Picture) {
        let name = file_name(&picture.params.prompt, picture.params.seed);
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Save the painting")
            .add_filter("PNG picture", &["png"])
            .set_file_name(name);
        self.ask(dialog.save_file(), |path| Picked::SaveTo(Box::new(picture), with_png(path)));
    }

    /// Finds a free name for `picture` in the pictures folder, and takes it.
    pub fn find_quick_place(&self, picture: Picture) {
        let name = file_name(&picture.params.prompt, picture.params.seed);
        let folder = self.pictures.clone();
        self.work(move || {
            std::fs::create_dir_all(&folder).map_err(|error| {
                let what = format!("The folder {} cannot be made ({error})", folder.display());
                Notice::error(what, "Use “Save painting as…” and choose another place")
            })?;
            Ok(Some(Picked::SaveTo(Box::new(picture), free_name(&folder, &name))))
        });
    }

    fn ask(
        &self,
        dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
        picked: impl FnOnce(PathBuf) -> Picked + Send + 'static,
    ) {
        self.work(move || {
            let start = Instant::now();
            match wait_for(dialog) {
                Some(handle) => Ok(Some(picked(handle.path().to_owned()))),
                None if start.elapsed() < NEVER_SEEN => Err(Notice::error(
                    "No file dialog could be opened",
                    "Install xdg-desktop-portal or zenity, or name files on the command line (see --help)",
                )),
                None => Ok(None),
            }
        });
    }

    fn work(&self, work: impl FnOnce() -> Result<Option<Picked>, Notice> + Send + 'static) {
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        let worker = Worker::spawn("dialog", move |_| {
            if let Some(answer) = work().unwrap_or_else(|notice| Some(Picked::Trouble(notice))) {
                // A closed channel means that the window is gone.
                sender.send(answer).ok();
                wake();
            }
        });
        if let Err(error) = worker {
            let notice = Notice::error(format!("No thread for the file dialog ({error})"), "Close other programs");
            self.sender.send(Picked::Trouble(notice)).ok();
        }
    }
}

fn picture_dialog(title: &str) -> rfd::AsyncFileDialog {
    rfd::AsyncFileDialog::new().set_title(title).add_filter("Pictures", &["png", "jpg", "jpeg"])
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

/// A file name for a picture of `prompt` with `seed`.
pub fn file_name(prompt: &str, seed: u64) -> String {
    let mut words = String::new();
    for c in prompt.chars().take(48) {
        match c {
            c if c.is_alphanumeric() => words.extend(c.to_lowercase()),
            _ if !words.is_empty() && !words.ends_with('-') => words.push('-'),
            _ => {}
        }
    }
    let words = words.trim_end_matches('-');
    format!("{}-{seed}.png", if words.is_empty() { "afterimage" } else { words })
}

/// A name typed without `.png` gets it; what looks like another extension ("v1.2") is part of the name.
fn with_png(path: PathBuf) -> PathBuf {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".png");
    name.into()
}

/// The first name that nothing has. An empty file takes it at once, so that the next picture in the same second gets another.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let stem = name.trim_end_matches(".png");
    let numbered = (2..10_000).map(|number| folder.join(format!("{stem}-{number}.png")));
    let taken = |path: &PathBuf| {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        made.is_err_and(|error| error.kind() == ErrorKind::AlreadyExists)
    };
    std::iter::once(folder.join(name)).chain(numbered).find(|path| !taken(path)).unwrap_or_else(|| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_the_prompt() {
        assert_eq!(file_name("Red apple, 3d", 42), "red-apple-3d-42.png");
        assert_eq!(file_name("../../etc", 1), "etc-1.png");
        assert_eq!(file_name("", 7), "afterimage-7.png");
    }

    #[test]
    fn a_name_without_png_gets_it() {
        for (typed, made) in [("a", "a.png"), ("v1.2", "v1.2.png"), ("a.PNG", "a.PNG"), ("a.jpg", "a.jpg.png")] {
            assert_eq!(with_png(typed.into()), PathBuf::from(made));
        }
    }

    #[test]
    fn a_taken_name_is_counted_up() {
        let folder = std::env::temp_dir().join(format!("afterimage-names-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.png"), b"").unwrap();
        assert_eq!(free_name(&folder, "a.png"), folder.join("a-2.png"));
        assert_eq!(free_name(&folder, "b.png"), folder.join("b.png"));
        assert_eq!(free_name(&folder, "b.png"), folder.join("b-2.png"), "before the first is written");
        std::fs::remove_dir_all(&folder).unwrap();
    }

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
