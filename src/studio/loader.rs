//! Loads models in the background. What a load has to say carries its number, so that the studio can tell the newest load,
//! which is the only one it listens to, from those it gave up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{EngineSpec, Event, Notice, Wake};
use crate::engine::{EngineError, Load, LoadedModel, ModelInfo, Params};
use crate::exec::ExecError;
use crate::flow::channel::{RecvTimeoutError, Sender, bounded};
use crate::flow::{StopToken, Worker, lower_priority, panic_text};
use crate::frame::Size;

/// How often a load that waits looks whether it shall stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a load has to say.
pub(super) struct LoadNews {
    /// Which load.
    pub load: u64,
    /// What it says.
    pub word: Word,
}

/// What a load says.
pub(super) enum Word {
    /// This is to be told.
    Tell(Event),
    /// Here is the model.
    Done(Box<LoadedModel>),
    /// The GPU has no room beside the model that paints: let it go, and say whether it was. Nobody answers a load that was given up.
    MakeRoom(Sender<bool>),
}

/// How a load speaks.
pub(super) struct Voice {
    /// Its number.
    pub load: u64,
    /// Where to.
    pub news: Sender<LoadNews>,
    /// Called when it has said something.
    pub wake: Wake,
}

impl Voice {
    fn say(&self, word: Word) {
        // The studio is gone when nobody listens.
        self.news.send(LoadNews { load: self.load, word }).ok();
        (self.wake)();
    }

    fn tell(&self, event: Event) {
        self.say(Word::Tell(event));
    }

    /// Whether the model that paints was let go, once its picture is done. Waits for that, unless the load is stopped.
    fn makes_room(&self, stop: &StopToken) -> bool {
        let (asker, answer) = bounded(1);
        self.say(Word::MakeRoom(asker));
        loop {
            match answer.recv_timeout(PATIENCE) {
                Ok(made) => return made,
                Err(RecvTimeoutError::Timeout) if !stop.is_stopped() => {}
                Err(_) => return false,
            }
        }
    }
}

/// Which pictures a model is loaded for.
pub(super) enum Wished {
    /// As they are painted now.
    Present(Arc<Params>),
    /// As the model suggests them for a canvas of this size.
    Suggested(Size),
}

impl Wished {
    fn params(&self, info: &ModelInfo) -> Params {
        match self {
            Self::Present(params) => Params::clone(params),
            Self::Suggested(canvas) => info.params_for(*canvas),
        }
    }
}

/// Starts a load on a thread of its own, for pictures as they are `wished`. A load that is stopped says nothing more.
pub(super) fn spawn(spec: EngineSpec, wished: Wished, voice: Voice) -> std::io::Result<Worker> {
    Worker::spawn("loader", move |stop| {
        // The executor's pool starts on this thread and takes over its priority.
        lower_priority();
        let begun = Instant::now();
        let mut told = None;
        let mut progress = |what: &str, fraction: f32| {
            // At most one message per hundredth: the window has better things to do.
            let step = (what.to_owned(), (fraction * 100.0) as i32);
            if told.as_ref() != Some(&step) && !stop.is_stopped() {
                told = Some(step);
                voice.tell(Event::Loading { what: what.to_owned(), fraction, elapsed: begun.elapsed() });
            }
            !stop.is_stopped()
        };
        let mut make_room = |error: &ExecError| {
            let made = voice.makes_room(&stop);
            if made {
                let what = "the model that painted makes room, and nothing is painted until the new one is there";
                voice.tell(Event::Notice(Notice { remedy: what.into(), ..Notice::info(error.to_string()) }));
            }
            made
        };
        let EngineSpec { model, executor, threads } = &spec;
        let wished = |info: &ModelInfo| Some(wished.params(info));
        let load = Load { source: model, executor, threads: *threads, wished: &wished, stop: stop.clone() };
        let work = || load.run_beside(&mut progress, &mut make_room);
        match catch_unwind(AssertUnwindSafe(work)) {
            _ if stop.is_stopped() => {}
            Err(panic) => {
                let what = format!("loading the model stopped: {}", panic_text(panic.as_ref()));
                voice.tell(Event::LoadFailed(Notice::error(what, "choose another model, and please report this")));
            }
            Ok(Ok(model)) => {
                if let Some(error) = model.refusal() {
                    voice.tell(Event::Notice(Notice::warning(error.to_string(), "the CPU paints instead")));
                }
                voice.say(Word::Done(Box::new(model)));
            }
            Ok(Err(EngineError::Exec(error @ ExecError::Device { .. }))) => {
                voice.tell(Event::NoDevice(Notice::error(error.to_string(), error.remedy())));
            }
            Ok(Err(error)) => voice.tell(Event::LoadFailed(Notice::error(error.to_string(), error.remedy()))),
        }
    })
}
