//! Threads that go through a list of steps together.
//!
//! All threads walk the same list. In each step they take tasks off a counter until none is left, then wait for each other:
//! a step may read what the step before wrote. Waiting is a short spin, since steps take microseconds. Between runs the
//! threads sleep.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::exec::ExecError;
use crate::flow::lower_priority;

/// Rounds of a wait before the core is offered to others.
const SPINS: u32 = 4_000;

/// Some threads.
pub struct Team {
    pool: ThreadPool,
}

impl Team {
    /// So many threads, 0 for one on each core. They give way to everything else on the machine.
    ///
    /// # Errors
    /// [`ExecError::Backend`] when the system refuses the threads.
    pub fn new(threads: usize) -> Result<Self, ExecError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("cpu {index}"))
            .start_handler(|_| lower_priority())
            .build()
            .map_err(super::failed)?;
        Ok(Self { pool })
    }

    /// How many threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs something that splits its own work.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// What each thread makes of `work`.
    pub fn each<T: Send>(&self, work: impl Fn() -> T + Sync) -> Vec<T> {
        self.pool.broadcast(|_| work())
    }

    /// Does `work` on every thread and says how many seconds the slowest took.
    pub fn together(&self, work: impl Fn() + Sync) -> f64 {
        let timed = || {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64()
        };
        self.each(timed).into_iter().fold(0.0, f64::max)
    }

    /// For each step in turn, calls `run(step, task)` for each task below `tasks[step]`, on all threads, and then
    /// `ended(step)` on one of them.
    ///
    /// # Panics
    /// When a task does, after all threads have stopped.
    pub fn walk(&self, tasks: &[usize], run: impl Fn(usize, usize) + Sync, ended: impl Fn(usize) + Sync) {
        let walk = Walk::new(self.threads(), tasks);
        let ends: Vec<Result<(), Box<dyn Any + Send>>> = self.pool.broadcast(|thread| {
            let ended = |step| {
                if thread.index() == 0 {
                    ended(step);
                }
            };
            let end = catch_unwind(AssertUnwindSafe(|| walk.go(tasks, &run, ended)));
            if end.is_err() {
                walk.broken.store(true, Ordering::Release);
            }
            end
        });
        if let Some(panic) = ends.into_iter().find_map(Result::err) {
            resume_unwind(panic);
        }
    }
}

/// What the threads of one walk share.
struct Walk {
    threads: usize,
    /// By step: the next task.
    next: Vec<AtomicUsize>,
    /// Arrivals at ends of steps, counted over the whole walk.
    arrived: AtomicUsize,
    /// A task has panicked.
    broken: AtomicBool,
}

impl Walk {
    fn new(threads: usize, tasks: &[usize]) -> Self {
        let next = tasks.iter().map(|_| AtomicUsize::new(0)).collect();
        Self { threads, next, arrived: AtomicUsize::new(0), broken: AtomicBool::new(false) }
    }

    fn go(&self, tasks: &[usize], run: &(impl Fn(usize, usize) + Sync), ended: impl Fn(usize)) {
        for (step, &count) in tasks.iter().enumerate() {
            loop {
                let task = self.next[step].fetch_add(1, Ordering::Relaxed);
                if task >= count {
                    break;
                }
                run(step, task);
            }
            if !self.wait((step + 1) * self.threads) {
                return;
            }
            ended(step);
        }
    }

    /// Waits until so many arrivals were counted; false when somebody will not arrive.
    fn wait(&self, arrivals: usize) -> bool {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        let mut rounds = 0;
        while self.arrived.load(Ordering::Acquire) < arrivals {
            if self.broken.load(Ordering::Acquire) {
                return false;
            }
            rounds += 1;
            if rounds < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_and_steps_follow_each_other() {
        for threads in 1..=4 {
            let team = Team::new(threads).unwrap();
            let tasks: Vec<usize> = (0..200).map(|step| step % 7).collect();
            let done: Vec<AtomicUsize> = tasks.iter().map(|_| AtomicUsize::new(0)).collect();
            let ends = AtomicUsize::new(0);
            let run = |step: usize, _| {
                done[step].fetch_add(1, Ordering::Relaxed);
                assert!((0..step).all(|before| done[before].load(Ordering::Relaxed) == tasks[before]));
            };
            team.walk(&tasks, run, |step| assert_eq!(ends.fetch_add(1, Ordering::Relaxed), step));
            assert_eq!(ends.into_inner(), tasks.len());
            assert!(done.iter().zip(&tasks).all(|(done, tasks)| done.load(Ordering::Relaxed) == *tasks));
        }
    }

    #[test]
    fn a_panic_ends_the_walk_and_the_team_goes_on() {
        let team = Team::new(3).unwrap();
        let walk = || team.walk(&[3, 3, 3], |step, task| assert!((step, task) != (1, 1), "on purpose"), |_| ());
        assert!(catch_unwind(AssertUnwindSafe(walk)).is_err());
        team.walk(&[5], |_, _| (), |_| ());
    }
}
