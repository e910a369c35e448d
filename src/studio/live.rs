//! The engine thread: newest frame and newest parameters in, newest picture out, asleep when nothing changed.

mod film;
mod sheet;
mod state;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::state::{Next, Painter, State};
use super::recorder::Shot;
use super::tally::Tally;
use super::{Event, LiveState, Notice, Preview, Wake};
use crate::engine::{Params, Picture, Render};
use crate::flow::channel::{Receiver, Sender, after, never, select};
use crate::flow::{LatestReceiver, LatestSender, Patience, StopToken, Worker, lower_priority, panic_text};
use crate::frame::Frame;

/// After this long without a picture the loop calls itself idle, and asks for the last repaint.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// A second panic within this time stops the engine instead of starting it again.
const PANIC_PATIENCE: Duration = Duration::from_secs(30);

/// An order to the engine thread.
pub(super) enum Order {
    /// Whole parameters with their revision.
    Params(Arc<Params>, u64),
    /// Stop or go on.
    Pause(bool),
    /// One picture while paused.
    Step,
    /// A new seed each picture.
    Dream(bool),
    /// Pictures side by side: more of them, each later.
    Stream(bool),
    /// What else to paint of the same input, in what time is left.
    Explore(Vec<Arc<Params>>),
    /// Send what is shown there, or nowhere.
    Record(Option<LatestSender<Shot>>),
    /// Paint with this from now on. Made on the engine thread, because some devices want that.
    Install(Box<dyn FnOnce() -> Box<dyn Render> + Send>),
    /// Go on with the same renderer after it was stopped.
    Resume,
    /// Let the renderer go if it takes memory of a GPU, where another one finds no room, and say whether it did.
    MakeRoom(Sender<bool>),
    /// A load came to nothing; whoever waits for it has to be asked.
    LoadEnded,
}

/// What comes out besides pictures.
pub(super) enum News {
    /// For the studio's owner.
    Event(Event),
    /// What the engine does now.
    State(LiveState),
    /// The renderer panicked and was dropped: load it again.
    Reload {
        /// How many renderers were installed before: if there are more now, this is about none that paints.
        installs: u64,
    },
    /// Nothing is painted until the user decides.
    Stopped {
        /// Why, and what to do.
        notice: Notice,
        /// As in [`News::Reload`].
        installs: u64,
    },
    /// The renderer was let go for another one.
    MadeRoom,
}

/// What the thread holds.
pub(super) struct Live {
    /// Orders; closed to end the thread.
    pub orders: Receiver<Order>,
    /// The newest source frame; `None` says that there is no source.
    pub base: LatestReceiver<Option<Frame>>,
    /// The newest ink.
    pub ink: LatestReceiver<Frame>,
    /// Pictures out.
    pub pictures: LatestSender<Picture>,
    /// The newest of them with what they were painted over, out.
    pub shots: LatestSender<Shot>,
    /// What other parameters would give, out.
    pub previews: LatestSender<Vec<Preview>>,
    /// News out.
    pub news: Sender<News>,
    /// Where inputs went.
    pub tally: Arc<Tally>,
    /// Memory of the process in bytes, kept up to date here.
    pub rss: Arc<AtomicU64>,
    /// Called on news.
    pub wake: Wake,
}

impl Live {
    /// Starts the thread.
    pub(super) fn spawn(self) -> std::io::Result<Worker> {
        Worker::spawn("engine", move |stop| {
            lower_priority();
            self.run(&stop);
        })
    }

    fn run(self, stop: &StopToken) {
        let mut state = State::new(self.shots.clone());
        let (stop, orders, ink) = (stop.clone(), self.orders.clone(), self.ink.clone());
        // The hand, and whoever gives orders, wait for no preview.
        let patience = Patience::until(move || stop.is_stopped() || !orders.is_empty() || ink.has_news());
        while self.listen(&mut state) {
            self.tell_state(&mut state);
            match state.next() {
                Next::Picture => self.paint(&mut state),
                Next::Preview(at) => self.paint_preview(&mut state, at, &patience),
                Next::Nothing(_) => continue,
            }
            self.tell_state(&mut state);
        }
    }

    /// Waits for news, unless there is work, and takes all that came. `false` when the studio is gone.
    fn listen(&self, state: &mut State) -> bool {
        if let Next::Nothing(rest) = state.next() {
            let idle = (state.told == LiveState::Live).then_some(IDLE_AFTER);
            let timer = rest.into_iter().chain(idle).min().map_or_else(never, after);
            select! {
                recv(self.orders) -> order => match order {
                    Ok(order) => self.obey(state, order),
                    Err(_) => return false,
                },
                recv(self.base.wake()) -> gone => if gone.is_err() { return false; },
                recv(self.ink.wake()) -> gone => if gone.is_err() { return false; },
                recv(timer) -> _ => {}
            }
        }
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.obey(state, order),
                Err(error) if error.is_disconnected() => return false,
                Err(_) => break,
            }
        }
        if let Some(base) = self.base.take() {
            // The end of a source changes nothing until new ink comes: the last picture stays.
            state.dirty |= base.is_some();
            let overtaken = state.mixer.set_base(base);
            self.tally.overtake(overtaken.into());
        }
        if let Some(ink) = self.ink.take() {
            let overtaken = state.mixer.set_ink(ink);
            self.tally.overtake(overtaken.into());
            state.dirty = true;
            state.moved = Instant::now();
        }
        state.drop_vain_step();
        true
    }

    /// Does it at once: orders that come together are followed one after the other.
    fn obey(&self, state: &mut State, order: Order) {
        match order {
            Order::Params(params, revision) => {
                let was_dirty = state.dirty;
                state.set_params(params, revision);
                // Unless something else is to be painted first: what was chosen from the sheet is there already.
                let is_free = !was_dirty || state.is_paused();
                if let Some((picture, over)) = is_free.then(|| state.take_from_sheet()).flatten() {
                    self.show(state, picture, over);
                }
            }
            Order::Explore(list) => {
                let (ends, keeps) = (list.is_empty(), state.sheet.set(list));
                // Where all of it is to be painted, what was there before is seen until then.
                if ends || keeps {
                    self.show_previews(state);
                }
            }
            Order::Pause(true) => state.pause(),
            Order::Pause(false) => state.go_on(),
            Order::Step => state.step(),
            Order::Dream(dream) => state.dream = dream,
            Order::Stream(stream) => state.stream = stream,
            Order::Record(recorder) => state.film.send_to(recorder),
            Order::Install(make) => self.install(state, make),
            Order::Resume => state.resume(),
            Order::MakeRoom(asker) => {
                let made = state.painter.make_room();
                if made {
                    // Before whoever asked can go on: what comes of it must be heard of later.
                    self.news.send(News::MadeRoom).ok();
                    (self.wake)();
                }
                asker.send(made).ok();
            }
            // Nobody paints who did, and nobody comes in their place.
            Order::LoadEnded if state.painter.is_lost() => {
                let what = "The engine stopped and could not be loaded again";
                self.stop(state, Notice::error(what, "press \"Start again\", or choose another model"));
            }
            Order::LoadEnded => {}
        }
    }

    fn install(&self, state: &mut State, make: Box<dyn FnOnce() -> Box<dyn Render> + Send>) {
        state.installs += 1;
        state.painter.drop_suspect();
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(render) => {
                state.install(render);
                self.show_previews(state);
            }
            Err(panic) => {
                let what = format!("The engine could not be started: {}", panic_text(panic.as_ref()));
                self.stop(state, Notice::error(what, "press \"Start again\", or choose another model"));
            }
        }
        state.changed = Instant::now();
    }

    fn paint(&self, state: &mut State) {
        state.begin_picture();
        let inputs = state.mixer.take_fresh();
        let Some(frame) = self.mix(state, inputs) else { return };
        let job = state.job(frame);
        let Painter::Ready(render) = &mut state.painter else { return };
        self.tally.paint(inputs);
        state.film.begin(&job);
        let begun = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| render.render(&job))) {
            Ok(Ok(picture)) => {
                state.is_behind = render.is_behind();
                state.dirty |= state.is_behind;
                state.last_error.clear();
                state.sheet.note_picture(begun.elapsed());
                if let Some(picture) = picture {
                    let over = state.film.input_of(&picture);
                    if !job.stream {
                        state.sheet.note_input(state.mixer.version(), job.frame.as_ref());
                    }
                    // Where pictures are on their way, this one is of an earlier input.
                    let is_seen = !job.stream && state.sheet.put_same(state.mixer.version(), &picture);
                    // Those that are to be painted anew take it with them, when there is time for it soon.
                    if is_seen && state.wanted_preview().is_none() || state.sheet.shows_age() {
                        self.show_previews(state);
                    }
                    self.show(state, picture, over);
                }
            }
            Ok(Err(error)) => {
                let text = error.to_string();
                if state.last_error != text {
                    self.event(Event::RenderFailed(Notice::error(&text, error.remedy())));
                    state.last_error = text;
                }
            }
            Err(panic) => self.survive(state, &panic_text(panic.as_ref())),
        }
    }

    /// One of the contact sheet. What cannot be painted is seen there, and is not tried again before something changes; what is given
    /// up is.
    fn paint_preview(&self, state: &mut State, at: usize, patience: &Patience) {
        let Some(params) = state.sheet.params(at) else { return };
        let (begun, input) = (Instant::now(), state.mixer.version());
        let Some(frame) = self.mix(state, 0) else { return };
        let job = state.preview_job(frame, params, patience.clone());
        let Painter::Ready(render) = &mut state.painter else { return };
        let painted = match catch_unwind(AssertUnwindSafe(|| render.render(&job))) {
            Ok(Ok(Some(picture))) => Ok(picture),
            Ok(Ok(None)) => Err(Notice::error("Nothing was painted", "")),
            Ok(Err(error)) if error.is_given_up() => return,
            Ok(Err(error)) => Err(Notice::error(error.to_string(), error.remedy())),
            Err(panic) => {
                // The next renderer would break over it, too: nothing is painted beside before other parameters are looked at.
                state.sheet.set(Vec::new());
                self.show_previews(state);
                return self.survive(state, &panic_text(panic.as_ref()));
            }
        };
        state.sheet.note_input(input, job.frame.as_ref());
        state.sheet.put(at, input, painted, begun.elapsed());
        self.rss.store(state.resident.bytes(), Ordering::Relaxed);
        self.show_previews(state);
    }

    fn show_previews(&self, state: &State) {
        self.previews.send(state.previews());
        (self.wake)();
    }

    /// What is painted over: the newest of both inputs.
    fn mix(&self, state: &mut State, inputs: u64) -> Option<Frame> {
        let (mixer, size) = (&mut state.mixer, state.params.size);
        catch_unwind(AssertUnwindSafe(|| mixer.mix(size))).unwrap_or_else(|panic| {
            // What it remembers may be half made; the next frame and the next ink come whole.
            let fresh = state.mixer.take_fresh();
            state.mixer.reset();
            self.tally.overtake(inputs + fresh);
            let what = format!("The picture could not be put together: {}", panic_text(panic.as_ref()));
            self.event(Event::Notice(Notice::error(what, "draw on, and please report this")));
            None
        })
    }

    fn show(&self, state: &mut State, picture: Picture, over: Option<Frame>) {
        state.last_picture = Some(Instant::now());
        state.film.show(&picture, over);
        self.rss.store(state.resident.bytes(), Ordering::Relaxed);
        self.pictures.send(picture);
        (self.wake)();
    }

    /// After a panic the renderer's insides cannot be trusted: the first time it is loaded again, the second time the user decides.
    fn survive(&self, state: &mut State, text: &str) {
        let again = state.last_panic.is_some_and(|last| last.elapsed() < PANIC_PATIENCE);
        state.last_panic = Some(Instant::now());
        state.painter.distrust();
        let what = format!("The engine stopped: {text}");
        if again {
            self.stop(state, Notice::error(what, "press \"Start again\", or choose other settings first"));
        } else {
            self.event(Event::Notice(Notice::warning(what, "it is being started again; your drawing is kept")));
            self.news.send(News::Reload { installs: state.installs }).ok();
            (self.wake)();
        }
    }

    /// Paints nothing more until the user decides.
    fn stop(&self, state: &mut State, notice: Notice) {
        state.stopped = true;
        self.news.send(News::Stopped { notice, installs: state.installs }).ok();
        (self.wake)();
    }

    fn tell_state(&self, state: &mut State) {
        let now = state.describe();
        if now != state.told {
            state.told = now.clone();
            self.news.send(News::State(now)).ok();
            (self.wake)();
        }
    }

    fn event(&self, event: Event) {
        self.news.send(News::Event(event)).ok();
        (self.wake)();
    }
}

#[cfg(test)]
pub(super) mod tests;
