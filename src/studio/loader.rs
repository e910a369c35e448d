//! Loads models in the background. What a load has to say carries its number, so that the studio can tell the newest load,
//! which is the only one it listens to, from those it gave up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::{EngineSpec, Event, Notice, Wake};
use crate::engine::{self, EngineError, LoadedModel, Params};
use crate::exec::ExecError;
use crate::flow::channel::Sender;
use crate::flow::{Worker, lower_priority, panic_text};

/// What a load has to say.
pub(super) struct LoadNews {
    /// Which load.
    pub load: u64,
    /// What to tell.
    pub event: Event,
    /// The finished model, with [`Event::Loaded`].
    pub model: Option<Box<LoadedModel>>,
}

/// Starts the load with the number `load` on a thread of its own, for pictures as they are `wished` now. A load that is stopped
/// says nothing more.
pub(super) fn spawn(
    load: u64,
    spec: EngineSpec,
    wished: Arc<Params>,
    news: Sender<LoadNews>,
    wake: Wake,
) -> std::io::Result<Worker> {
    Worker::spawn("loader", move |stop| {
        // The executor's pool starts on this thread and takes over its priority.
        lower_priority();
        let begun = Instant::now();
        let tell = |event, model| {
            // The studio is gone when nobody listens.
            news.send(LoadNews { load, event, model }).ok();
            wake();
        };
        let mut told = None;
        let mut progress = |what: &str, fraction: f32| {
            // At most one message per hundredth: the window has better things to do.
            let step = (what.to_owned(), (fraction * 100.0) as i32);
            if told.as_ref() != Some(&step) && !stop.is_stopped() {
                told = Some(step);
                tell(Event::Loading { what: what.to_owned(), fraction, elapsed: begun.elapsed() }, None);
            }
            !stop.is_stopped()
        };
        let work = || engine::load(&spec.model, &spec.executor, spec.threads, Some(&wished), &mut progress);
        match catch_unwind(AssertUnwindSafe(work)) {
            _ if stop.is_stopped() => {}
            Err(panic) => {
                let what = format!("loading the model stopped: {}", panic_text(panic.as_ref()));
                tell(Event::LoadFailed(Notice::error(what, "choose another model, and please report this")), None);
            }
            Ok(Ok(model)) => tell(Event::Loaded(Box::new(model.info().clone())), Some(Box::new(model))),
            Ok(Err(EngineError::Exec(error @ ExecError::Device { .. }))) => {
                tell(Event::NoDevice(Notice::error(error.to_string(), error.remedy())), None);
            }
            Ok(Err(error)) => tell(Event::LoadFailed(Notice::error(error.to_string(), error.remedy())), None),
        }
    })
}
