//! The conductor: one handle that ties sources, mixer, engine, files and numbers together. The faces only talk to this.
//!
//! ```text
//! camera, picture, pattern -> source thread -+-> engine thread -> Latest<Picture> -> face
//!                              face: ink  ---+        ^
//!                                        loader thread
//! ```
//!
//! Streams are newest-wins, words are channels, and nothing here waits on behalf of a face.

mod choices;
mod command;
mod files;
mod layered;
mod live;
mod loader;
mod mixer;
mod notice;
mod preview;
mod recipe;
mod recorder;
mod rescue;
mod settings;
mod settings_file;
mod snapshot;
mod source;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use choices::{Axis, Filmed, PanelTab, Timing, Tool, ViewMode};
pub use command::{Arrival, Command, EngineSpec, Event, OpenedFrom, Origin, SavedPart, SourceFrame, SourceState};
pub use notice::{Notice, NoticeKind};
pub use preview::Preview;
pub use recipe::describe;
pub use settings::{CameraSettings, RecordingSettings, Settings, ToolSettings, WindowSettings};
pub use settings_file::SettingsError;
pub use snapshot::{LiveState, LoadProgress, RecordingProgress, Snapshot};

use crate::canvas::Document;
use crate::engine::{Engine, Params, Picture, Render};
pub use crate::engine::{GuidanceWay, ModelInfo};
use crate::flow::channel::{Receiver, Sender, unbounded};
use crate::flow::{Latency, LatestReceiver, LatestSender, Rate, Worker, latest};
use crate::frame::{Frame, Size};
pub use crate::places::Places;
use files::{Errand, Errands};
use live::{Live, News, Order};
use loader::{LoadNews, Voice, Wished, Word};
use recorder::{Recorder, Recording, Shot};
use source::SourcePump;
use tally::Tally;

/// Called from any thread whenever there is news; the window passes its repaint request.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// How long `events` may take out of one window frame.
const EVENT_BUDGET: Duration = Duration::from_millis(4);
/// How long the end waits for a thread before it lets it go.
const JOIN_PATIENCE: Duration = Duration::from_secs(2);

/// What lies over the source: the ink, at any size, straight alpha.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The ink. Its `id` and `taken` are those of the newest change of the drawing.
    pub frame: Frame,
}

/// A running live loop. Owned by one face; dropping it stops and joins its threads.
pub struct Studio {
    orders: Option<Sender<Order>>,
    specs: Option<Sender<crate::capture::SourceSpec>>,
    errands: Option<Errands>,
    events: Receiver<Event>,
    event_sender: Sender<Event>,
    news: Receiver<News>,
    ink: Option<LatestSender<Frame>>,
    pictures: LatestReceiver<Picture>,
    /// What is seen, and what it was painted over.
    shown_shot: LatestReceiver<Shot>,
    previews: LatestReceiver<Vec<Preview>>,
    source_frames: LatestReceiver<SourceFrame>,
    /// Keeps the engine's way in open, should the source's thread be lost.
    _base: LatestSender<Option<Frame>>,
    loader: Option<Worker>,
    loads: Receiver<LoadNews>,
    load_sender: Sender<LoadNews>,
    /// The number of the newest load; what others say is not heard.
    load: u64,
    /// How many renderers the engine thread was given.
    installs: u64,
    recorder: Option<Recorder>,
    workers: Vec<Worker>,
    wake: Wake,
    /// What paints now, and what is being loaded.
    spec: Option<EngineSpec>,
    wanted: Option<Wanted>,
    /// What shapes pictures now, and how often that has changed.
    params: Arc<Params>,
    revision: u64,
    tally: Arc<Tally>,
    arrived_before: u64,
    rss: Arc<AtomicU64>,
    inputs: Rate,
    shown: Rate,
    latency: Latency,
    /// Steps and size of the pictures whose latency was counted.
    counted: Option<(u32, Size)>,
    snapshot: Snapshot,
}

/// A load under way.
struct Wanted {
    spec: EngineSpec,
    /// Whether what painted was let go for it.
    made_room: bool,
}

impl Studio {
    /// Starts the threads and loads the model that `settings` name.
    ///
    /// # Errors
    /// The system's error when it has no thread to give.
    pub fn start(settings: &Settings, places: Places, wake: Wake) -> std::io::Result<Self> {
        let mut studio = Self::silent(settings, places, wake)?;
        studio.send(Command::Load(EngineSpec::of(settings)));
        Ok(studio)
    }

    /// Starts with a renderer of the caller's instead of a model: tests and demos.
    ///
    /// # Errors
    /// The system's error when it has no thread to give.
    pub fn with_render(
        settings: &Settings,
        places: Places,
        render: Box<dyn Render>,
        info: ModelInfo,
        wake: Wake,
    ) -> std::io::Result<Self> {
        let mut studio = Self::silent(settings, places, wake)?;
        studio.install(move || render);
        studio.event_sender.send(Event::Loaded(Box::new(info))).ok();
        Ok(studio)
    }

    /// All threads, no model.
    fn silent(settings: &Settings, places: Places, wake: Wake) -> std::io::Result<Self> {
        let (order_sender, orders) = unbounded();
        let (spec_sender, specs) = unbounded();
        let (event_sender, events) = unbounded();
        let (news_sender, news) = unbounded();
        let (load_sender, loads) = unbounded();
        let (base_sender, base) = latest();
        let (ink_sender, ink) = latest();
        let (picture_sender, pictures) = latest();
        let ((preview_sender, previews), (shot_sender, shown_shot)) = (latest(), latest());
        let (source_frame_sender, source_frames) = latest();
        let (rss, tally) = (Arc::new(AtomicU64::new(0)), Arc::new(Tally::default()));
        let live = Live {
            orders,
            base,
            ink,
            pictures: picture_sender,
            shots: shot_sender,
            previews: preview_sender,
            news: news_sender,
            tally: tally.clone(),
            rss: rss.clone(),
            wake: wake.clone(),
        };
        let pump = SourcePump {
            specs,
            engine: base_sender.clone(),
            frames: source_frame_sender,
            events: event_sender.clone(),
            tally: tally.clone(),
            wake: wake.clone(),
        };
        let (errands, others) = Errands::spawn(&places, &event_sender, &wake)?;
        let mut workers = vec![live.spawn()?, pump.spawn()?];
        workers.extend(others);
        let mut studio = Self {
            orders: Some(order_sender),
            specs: Some(spec_sender),
            errands: Some(errands),
            events,
            event_sender,
            news,
            ink: Some(ink_sender),
            pictures,
            shown_shot,
            previews,
            source_frames,
            _base: base_sender,
            loader: None,
            loads,
            load_sender,
            load: 0,
            installs: 0,
            recorder: None,
            workers,
            wake,
            spec: None,
            wanted: None,
            params: Arc::default(),
            revision: 0,
            tally,
            arrived_before: 0,
            rss,
            inputs: Rate::default(),
            shown: Rate::default(),
            latency: Latency::default(),
            counted: None,
            snapshot: Snapshot::starting(),
        };
        studio.send(Command::SetParams(settings.params.clone()));
        studio.send(Command::Stream(settings.stream));
        if settings.source != crate::capture::SourceSpec::Drawing {
            studio.send(Command::SetSource(settings.source.clone()));
        }
        Ok(studio)
    }

    /// Gives an order. Never waits.
    pub fn send(&mut self, command: Command) {
        match command {
            Command::SetParams(params) => {
                self.revision += 1;
                self.params = Arc::new(params);
                self.order(Order::Params(self.params.clone(), self.revision));
            }
            Command::SetSource(spec) => {
                if let Some(specs) = &self.specs {
                    specs.send(spec).ok();
                }
            }
            Command::Pause(paused) => self.order(Order::Pause(paused)),
            Command::Step => self.order(Order::Step),
            Command::Dream(dream) => self.order(Order::Dream(dream)),
            Command::Stream(stream) => self.order(Order::Stream(stream)),
            Command::Explore(list) => self.order(Order::Explore(list.into_iter().map(Arc::new).collect())),
            Command::Load(spec) => self.load(spec, Wished::Present(self.params.clone())),
            Command::LoadNew { spec, canvas } => self.load(spec, Wished::Suggested(canvas)),
            Command::CancelLoad => self.cancel_load(),
            Command::Restart => self.restart(),
            Command::ListCameras => self.errand(Errand::Cameras),
            Command::OpenPicture { path, canvas } => self.errand(Errand::Open(path, canvas)),
            Command::FitPicture { picture, canvas } => self.errand(Errand::Fit(picture, canvas)),
            Command::SaveDrawing { drawing, backdrop, path } => {
                self.errand(Errand::SaveDrawing(drawing, backdrop, path));
            }
            Command::SavePicture { picture, path } => {
                // Whoever paints now may not be who painted this one.
                let painter = picture.painter.clone().or_else(|| self.snapshot.model.clone().map(Arc::new));
                self.errand(Errand::Save(picture, painter, path));
            }
            Command::Record { path, description, settings } => {
                self.record(Recording { path, description, settings });
            }
            Command::EndRecording => self.end_recording(),
            Command::LeavePlace(path) => self.errand(Errand::LeavePlace(path)),
            Command::SaveSettings(settings) => self.errand(Errand::Settings(settings)),
            Command::KeepDrawing(drawing) => self.unsaved(Some(drawing)),
            Command::ForgetDrawing => self.unsaved(None),
            Command::FindLost => self.errand(Errand::FindLost),
            Command::BringBack(path) => self.errand(Errand::BringBack(path)),
            Command::ForgetLost(path) => self.errand(Errand::ForgetLost(path)),
        }
    }

    /// Puts new ink over the source. Newest wins. Never waits.
    pub fn draw(&mut self, overlay: Overlay) {
        self.inputs.tick(Instant::now());
        self.tally.draw();
        if self.ink.as_ref().is_some_and(|ink| ink.send(overlay.frame)) {
            self.tally.overtake(1);
        }
    }

    /// The events since the last call, at most a few milliseconds' worth. Updates the snapshot.
    pub fn events(&mut self) -> Vec<Event> {
        let begun = Instant::now();
        let mut list = Vec::new();
        while let Ok(news) = self.news.try_recv() {
            match news {
                News::State(state) => self.snapshot.state = state,
                News::Event(event) => list.push(event),
                // Another renderer is there already: what the last one of its predecessor's pictures did to it is over.
                News::Reload { installs } | News::Stopped { installs, .. } if installs < self.installs => {}
                // A load under way brings another renderer, and is told of when it cannot.
                News::Reload { .. } if self.wanted.is_some() => {}
                News::Reload { .. } => self.restart(),
                News::Stopped { notice, .. } => list.push(Event::EngineStopped(notice)),
                News::MadeRoom => match &mut self.wanted {
                    Some(wanted) => wanted.made_room = true,
                    // The load that asked for it was given up meanwhile.
                    None => self.restart(),
                },
            }
        }
        while let Ok(news) = self.loads.try_recv() {
            list.extend(self.hear_load(news));
        }
        while let Ok(event) = self.events.try_recv() {
            self.note(&event);
            list.push(event);
            if begun.elapsed() > EVENT_BUDGET {
                // The rest comes with the next frame.
                (self.wake)();
                break;
            }
        }
        self.measure(begun);
        list
    }

    /// The newest painted picture, once. Counts it as shown now.
    pub fn take_picture(&mut self) -> Option<Picture> {
        let picture = self.pictures.take()?;
        let now = Instant::now();
        self.shown.tick(now);
        let kind = (picture.params.steps, picture.params.size);
        if self.counted.replace(kind) != Some(kind) {
            self.latency = Latency::default();
        }
        if picture.stamps.was_waited_for() {
            self.latency.add(now.saturating_duration_since(picture.stamps.taken));
        }
        self.snapshot.stages = picture.stages.clone();
        self.measure(now);
        Some(picture)
    }

    /// What is known of the parameters that [`Command::Explore`] named, in their order, once for each change.
    pub fn take_previews(&mut self) -> Option<Vec<Preview>> {
        self.previews.take()
    }

    /// The newest frame of the source, once, for showing under the ink.
    pub fn take_source_frame(&mut self) -> Option<SourceFrame> {
        self.source_frames.take()
    }

    /// The numbers of the moment.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The last latencies, oldest first, in milliseconds.
    pub fn latencies_ms(&self) -> impl Iterator<Item = f64> + '_ {
        self.latency.samples_ms()
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            orders.send(order).ok();
        }
    }

    fn install(&mut self, make: impl FnOnce() -> Box<dyn Render> + Send + 'static) {
        self.installs += 1;
        self.order(Order::Install(Box::new(make)));
    }

    fn record(&mut self, recording: Recording) {
        self.end_recording();
        let path = recording.path.clone();
        match Recorder::spawn(recording, self.event_sender.clone(), self.wake.clone()) {
            Ok((recorder, shots)) => {
                self.recorder = Some(recorder);
                // At once: the engine may be in a picture of many seconds.
                if let Some(shot) = self.shown_shot.peek() {
                    shots.send(Shot { at: Instant::now(), ..shot });
                }
                self.order(Order::Record(Some(shots)));
            }
            Err(error) => {
                let notice = Notice::error(format!("No thread to record with: {error}"), "close other programs");
                self.event_sender.send(Event::NotRecorded { path, notice }).ok();
                (self.wake)();
            }
        }
    }

    /// Its thread tells what came of it.
    fn end_recording(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            self.order(Order::Record(None));
            self.workers.push(recorder.end());
        }
    }

    fn unsaved(&self, drawing: Option<Box<Document>>) {
        if let Some(errands) = &self.errands {
            errands.keep(drawing);
        }
    }

    fn errand(&self, errand: Errand) {
        if let Some(errands) = &self.errands {
            errands.give(errand);
        }
    }

    fn load(&mut self, spec: EngineSpec, wished: Wished) {
        self.leave_load();
        let made_room = self.wanted.take().is_some_and(|wanted| wanted.made_room);
        self.wanted = Some(Wanted { spec: spec.clone(), made_room });
        let voice = Voice { load: self.load, news: self.load_sender.clone(), wake: self.wake.clone() };
        match loader::spawn(spec, wished, voice) {
            Ok(worker) => {
                self.loader = Some(worker);
                self.snapshot.loading = Some(LoadProgress { what: "starting".into(), fraction: 0.0, seconds: 0.0 });
            }
            Err(error) => {
                let notice = Notice::error(format!("no thread to load the model: {error}"), "close other programs");
                self.say_of_load(Event::LoadFailed(notice));
            }
        }
    }

    /// At once, even where the loader's thread is held by a disk that does not answer.
    fn cancel_load(&mut self) {
        if self.wanted.is_some() {
            self.leave_load();
            self.say_of_load(Event::LoadCancelled);
        }
    }

    /// Tells of the newest load in the loader's stead; a load that is ordered meanwhile overtakes this too.
    fn say_of_load(&self, event: Event) {
        self.load_sender.send(LoadNews { load: self.load, word: Word::Tell(event) }).ok();
        (self.wake)();
    }

    /// Stops the load under way, if there is one, and does not listen to it any more.
    fn leave_load(&mut self) {
        self.load += 1;
        // Dropping a worker asks it to stop.
        self.loader = None;
    }

    /// What the newest load says is news, and only its model is taken: here, where nothing can overtake it.
    fn hear_load(&mut self, news: LoadNews) -> Option<Event> {
        if news.load != self.load {
            return None;
        }
        let event = match news.word {
            Word::Tell(event) => event,
            Word::Done(model) => {
                let event = Event::Loaded(Box::new(model.info().clone()));
                self.install(move || Box::new(Engine::new(*model)));
                event
            }
            Word::MakeRoom(asker) => {
                self.order(Order::MakeRoom(asker));
                return None;
            }
        };
        self.note(&event);
        Some(event)
    }

    fn restart(&mut self) {
        match self.spec.clone() {
            Some(spec) => self.load(spec, Wished::Present(self.params.clone())),
            None => self.order(Order::Resume),
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Loading { what, fraction, elapsed } => {
                let (what, seconds) = (what.clone(), elapsed.as_secs_f32());
                self.snapshot.loading = Some(LoadProgress { what, fraction: *fraction, seconds });
            }
            Event::Loaded(info) => {
                self.snapshot.loading = None;
                self.snapshot.model = Some((**info).clone());
                self.spec = self.wanted.take().map(|wanted| wanted.spec).or(self.spec.take());
                self.latency = Latency::default();
            }
            Event::LoadCancelled | Event::LoadFailed(_) | Event::NoDevice(_) => {
                self.snapshot.loading = None;
                let made_room = self.wanted.take().is_some_and(|wanted| wanted.made_room);
                if made_room && self.spec.is_some() {
                    // What painted paints on, once it is there again.
                    self.restart();
                } else {
                    self.order(Order::LoadEnded);
                }
            }
            Event::Source(state) => self.snapshot.source = state.clone(),
            // It may have ended by itself; another one may be under way since.
            Event::Recorded { path, .. } | Event::NotRecorded { path, .. } => {
                if self.recorder.as_ref().is_some_and(|recorder| recorder.path() == path && recorder.has_ended()) {
                    self.end_recording();
                }
                self.workers.retain(|worker| !worker.is_finished());
            }
            _ => {}
        }
    }

    fn measure(&mut self, now: Instant) {
        let arrived = self.tally.arrived();
        for _ in self.arrived_before..arrived {
            self.inputs.tick(now);
        }
        self.arrived_before = arrived;
        let snapshot = &mut self.snapshot;
        snapshot.inputs_per_s = match snapshot.state {
            // Nothing came for a while, and nobody looks again before something does.
            LiveState::Idle => 0.0,
            _ => self.inputs.per_second(now),
        };
        snapshot.pictures_per_s = match snapshot.state {
            LiveState::Live => self.shown.per_second(now),
            _ => 0.0,
        };
        snapshot.latency_ms = self.latency.percentile_ms(50.0).zip(self.latency.percentile_ms(95.0));
        (snapshot.painted, snapshot.dropped) = (self.tally.painted(), self.tally.dropped());
        // Last, because other threads go on counting: so there are never more ends than inputs.
        snapshot.inputs = self.tally.inputs();
        snapshot.unshown = self.pictures.dropped();
        snapshot.rss_mb = self.rss.load(Ordering::Relaxed) as f64 / 1e6;
        snapshot.recording = self.recorder.as_ref().map(Recorder::progress);
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.end_recording();
        // Closing the channels is the order to end.
        drop((self.orders.take(), self.specs.take(), self.errands.take(), self.ink.take()));
        let loader = self.loader.take();
        for worker in self.workers.drain(..).chain(loader) {
            if !worker.stop_within(JOIN_PATIENCE) {
                log::info!("a thread was still busy at the end and was let go");
            }
        }
    }
}

impl EngineSpec {
    /// What `settings` ask for.
    pub fn of(settings: &Settings) -> Self {
        Self { model: settings.model.clone(), executor: settings.executor.clone(), threads: settings.threads }
    }
}

#[cfg(test)]
mod tests;
