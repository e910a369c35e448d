//! File dialogs, the places of files and pasted pictures, each on a thread of its own: the window never waits.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::keeping::Drawing;
use super::names::{free_name, place_for};
use crate::engine::Picture;
use crate::flow::Worker;
use crate::flow::channel::{Receiver, Sender, unbounded};
use crate::frame::{Frame, Size};
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
    /// Write the drawing as it was when it was asked for.
    SaveDrawing(Drawing, PathBuf),
    /// Put this picture onto the canvas.
    Pasted(Frame),
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

    /// Asks for a place; `picked` says what is to be written there.
    pub fn ask_place(&self, title: &str, name: &str, picked: impl FnOnce(PathBuf) -> Picked + Send + 'static) {
        let dialog =
            rfd::AsyncFileDialog::new().set_title(title).add_filter("PNG picture", &["png"]).set_file_name(name);
        self.ask(dialog.save_file(), |path| picked(place_for(path)));
    }

    /// Finds a free name like `name` in the pictures folder, and takes it; `picked` says what is to be written there.
    pub fn find_quick_place(&self, name: String, picked: impl FnOnce(PathBuf) -> Picked + Send + 'static) {
        let folder = self.pictures.clone();
        self.work(move || {
            std::fs::create_dir_all(&folder).map_err(|error| {
                let what = format!("The folder {} cannot be made ({error})", folder.display());
                Notice::error(what, "Use the menu's “Save … as” and choose another place")
            })?;
            Ok(Some(picked(free_name(&folder, &name))))
        });
    }

    /// Turns a pasted picture into ours.
    pub fn unpack(&self, image: Arc<egui::ColorImage>) {
        self.work(move || {
            let size = Size::new(image.size[0] as u32, image.size[1] as u32);
            let pixels = image.pixels.iter().flat_map(egui::Color32::to_srgba_unmultiplied).collect();
            let frame = Frame::new(size, pixels);
            let frame = frame.map_err(|e| Notice::error(format!("Nothing was pasted: {e}"), e.remedy()))?;
            Ok(Some(Picked::Pasted(frame)))
        });
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
