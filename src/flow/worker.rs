//! A named thread that can be asked to stop, and whose panic is a value.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Tells a worker that it should end. Clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<AtomicBool>);

impl StopToken {
    /// Asks for the end.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A named thread. Dropping it asks it to stop and lets it go; [`Worker::join`] waits.
pub struct Worker<T = ()> {
    stop: StopToken,
    handle: Option<JoinHandle<Result<T, String>>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts `body` on a thread called `name` (at most 15 bytes are shown by Linux).
    ///
    /// # Errors
    /// The system's error when it has no thread to give.
    pub fn spawn(name: &str, body: impl FnOnce(StopToken) -> T + Send + 'static) -> std::io::Result<Self> {
        let stop = StopToken::default();
        let token = stop.clone();
        let handle = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            catch_unwind(AssertUnwindSafe(|| body(token))).map_err(|panic| panic_text(panic.as_ref()))
        })?;
        Ok(Self { stop, handle: Some(handle) })
    }

    /// The token the thread looks at.
    pub fn stop_token(&self) -> &StopToken {
        &self.stop
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks the thread to stop and waits for its value; a panic comes back as its text.
    ///
    /// # Errors
    /// The text of the panic that ended the thread.
    pub fn join(mut self) -> Result<T, String> {
        self.stop.stop();
        match self.handle.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(panic_text(panic.as_ref())),
            None => Err("the thread was already joined".into()),
        }
    }

    /// Asks the thread to stop and waits at most `patience`; a thread that does not answer is detached and `false` returned.
    pub fn stop_within(mut self, patience: Duration) -> bool {
        self.stop.stop();
        let Some(handle) = self.handle.take() else { return true };
        let deadline = Instant::now() + patience;
        while !handle.is_finished() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        handle.join().is_ok()
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// The text of a caught panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".into())
}

/// Lowers the calling thread's priority (nice +10 on Linux), so that computing never delays the pen. Elsewhere nothing.
pub fn lower_priority() {
    #[cfg(target_os = "linux")]
    // SAFETY: setpriority and gettid take plain integers and touch no memory of ours.
    #[expect(unsafe_code, reason = "the standard library has no thread priorities")]
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value() {
        let worker = Worker::<()>::spawn("test", |_| panic!("boom {}", 7)).unwrap();
        assert_eq!(worker.join(), Err("boom 7".into()));
    }

    #[test]
    fn a_worker_stops_when_asked() {
        let worker = Worker::spawn("test", |stop| {
            while !stop.is_stopped() {
                std::thread::yield_now();
            }
            42
        });
        assert_eq!(worker.unwrap().join(), Ok(42));
    }

    #[test]
    fn a_stalled_worker_is_detached() {
        let worker = Worker::spawn("test", |_| std::thread::sleep(Duration::from_millis(300))).unwrap();
        assert!(!worker.stop_within(Duration::from_millis(10)));
    }
}
