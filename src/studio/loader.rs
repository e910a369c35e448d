//! Loads models in the background, one at a time; a newer order cancels an older one.

use std::time::Instant;

use super::{EngineSpec, Event, Notice, Wake};
use crate::engine::{self, LoadedModel};
use crate::flow::channel::Sender;
use crate::flow::{Worker, lower_priority};

/// Starts loading `spec` on a thread of its own. `install` gets the finished model.
pub(super) fn spawn(
    spec: EngineSpec,
    install: impl FnOnce(LoadedModel) + Send + 'static,
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
            if told.as_ref() != Some(&step) {
                told = Some(step);
                events.send(Event::Loading { what: what.to_owned(), fraction, elapsed: begun.elapsed() }).ok();
                wake();
            }
            !stop.is_stopped()
        };
        let loaded = engine::load(&spec.model, &spec.executor, spec.threads, &mut progress);
        let event = match loaded {
            _ if stop.is_stopped() => Event::LoadCancelled,
            Ok(model) => {
                let info = model.info().clone();
                install(model);
                Event::Loaded(Box::new(info))
            }
            Err(error) => Event::LoadFailed(Notice::error(error.to_string(), error.remedy())),
        };
        events.send(event).ok();
        wake();
    })
}
