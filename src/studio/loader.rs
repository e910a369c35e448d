//! Loads models in the background, one at a time; a newer order cancels an older one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::{EngineSpec, Event, Notice, Wake};
use crate::engine::{self, LoadedModel};
use crate::flow::channel::Sender;
use crate::flow::{StopToken, Worker, lower_priority, panic_text};

/// Starts loading `spec` on a thread of its own. `install` gets the finished model. Once `superseded` is stopped, nothing more
/// is told: a newer load has taken over.
pub(super) fn spawn(
    spec: EngineSpec,
    install: impl FnOnce(LoadedModel) + Send + 'static,
    superseded: StopToken,
    events: Sender<Event>,
    wake: Wake,
) -> std::io::Result<Worker> {
    Worker::spawn("loader", move |stop| {
        // The executor's pool starts on this thread and takes over its priority.
        lower_priority();
        let begun = Instant::now();
        let mut told = None;
        let mut progress = |what: &str, fraction: f32| {
            // At most one message per hundredth: the window has better things to do.
            let step = (what.to_owned(), (fraction * 100.0) as i32);
            if told.as_ref() != Some(&step) && !superseded.is_stopped() {
                told = Some(step);
                events.send(Event::Loading { what: what.to_owned(), fraction, elapsed: begun.elapsed() }).ok();
                wake();
            }
            !stop.is_stopped()
        };
        let load = || engine::load(&spec.model, &spec.executor, spec.threads, &mut progress);
        let event = match catch_unwind(AssertUnwindSafe(load)) {
            _ if superseded.is_stopped() => return,
            _ if stop.is_stopped() => Event::LoadCancelled,
            Err(panic) => {
                let what = format!("loading the model stopped: {}", panic_text(panic.as_ref()));
                Event::LoadFailed(Notice::error(what, "choose another model, and please report this"))
            }
            Ok(Ok(model)) => {
                let info = model.info().clone();
                install(model);
                Event::Loaded(Box::new(info))
            }
            Ok(Err(error)) => Event::LoadFailed(Notice::error(error.to_string(), error.remedy())),
        };
        events.send(event).ok();
        wake();
    })
}
