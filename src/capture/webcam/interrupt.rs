//! Wakes a thread out of a wait inside the camera library.
//!
//! nokhwa waits for a frame without a time limit. On Linux a signal ends that wait with "interrupted", after which the
//! device can be closed like any other; elsewhere nothing can be done and the thread is left behind.

#[cfg(target_os = "linux")]
pub(super) use linux::Interrupt;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Interrupt;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no signals")]
mod linux {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI32, Ordering};

    /// Nobody minds this signal: its default is to be ignored.
    const SIGNAL: libc::c_int = libc::SIGURG;

    /// A way to reach one thread. Clones reach the same.
    #[derive(Clone, Default)]
    pub struct Interrupt(Arc<AtomicI32>);

    /// The thread can be reached while this lives.
    pub struct Reachable<'a>(&'a Interrupt);

    impl Interrupt {
        /// Makes the calling thread the one that is reached.
        pub fn here(&self) -> Reachable<'_> {
            answer_signal();
            // SAFETY: gettid takes nothing and touches no memory.
            let thread = unsafe { libc::syscall(libc::SYS_gettid) } as i32;
            self.0.store(thread, Ordering::Release);
            Reachable(self)
        }

        /// Ends the system call the thread is waiting in, if it is.
        pub fn send(&self) {
            let thread = self.0.load(Ordering::Acquire);
            if thread == 0 {
                return;
            }
            // SAFETY: tgkill takes plain integers. A thread of ours that has just ended makes it fail, or in the worst
            // case a new one of ours with its number is woken once for nothing.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, SIGNAL) };
        }
    }

    impl Drop for Reachable<'_> {
        fn drop(&mut self) {
            self.0.0.store(0, Ordering::Release);
        }
    }

    /// A signal that is ignored interrupts nothing: it needs someone who takes it.
    fn answer_signal() {
        extern "C" fn nothing(_: libc::c_int) {}
        // SAFETY: both structures are plain data that outlive the calls, and the handler does nothing, which is safe at
        // any moment. A handler that somebody else has put there stays.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(SIGNAL, std::ptr::null(), &raw mut old) != 0 || old.sa_sigaction != libc::SIG_DFL {
                return;
            }
            let mut new: libc::sigaction = std::mem::zeroed();
            // Waits in poll are never restarted; everything else is, so that closing the device cannot be interrupted.
            new.sa_flags = libc::SA_RESTART;
            new.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
            libc::sigaction(SIGNAL, &raw const new, std::ptr::null_mut());
        }
    }

    #[cfg(test)]
    mod tests {
        use std::time::{Duration, Instant};

        use super::*;
        use crate::flow::Worker;

        #[test]
        fn an_endless_wait_ends() {
            let interrupt = Interrupt::default();
            let theirs = interrupt.clone();
            let worker = Worker::spawn("test", move |_| {
                let _reachable = theirs.here();
                // SAFETY: no descriptors are given, so nothing is read or written.
                unsafe { libc::poll(std::ptr::null_mut(), 0, 20_000) }
            })
            .unwrap();
            let start = Instant::now();
            while !worker.is_finished() && start.elapsed() < Duration::from_secs(10) {
                interrupt.send();
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(worker.join(), Ok(-1));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// No way to reach a thread.
    #[derive(Clone, Default)]
    pub struct Interrupt;

    /// Nothing.
    pub struct Reachable;

    impl Interrupt {
        /// Does nothing.
        pub fn here(&self) -> Reachable {
            Reachable
        }

        /// Does nothing.
        pub fn send(&self) {}
    }
}
