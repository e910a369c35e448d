//! A thread pool whose threads go through a list of rounds together: a dispatch.
//!
//! All threads have the same list. In each round they do the tasks of their own share, then steal those that are left of others', then
//! wait until all tasks of the round have ended (a barrier): a round may read what the round before wrote. Shares are as tasks lie,
//! so that in one round after the other a thread has the same part of a map, which it has in its cache: that of another core is
//! far. Whoever asks for a dispatch takes part in it. The others wait awake for a moment after each dispatch, since the next one of
//! the same picture follows soon and waking a thread takes longer than many a round; then they sleep.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::exec::ExecError;
use crate::flow::{self, Worker, lower_priority, panic_text};

/// Looks at a counter before the core is offered to others.
const SPINS: u32 = 4_000;
/// How long a helper stays awake after a dispatch.
const AWAKE: Duration = Duration::from_millis(1);

/// Does a task of a round.
pub type Run = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Some threads.
pub struct Team {
    /// For work that splits itself.
    pool: ThreadPool,
    /// All threads but the one who asks.
    helpers: Vec<Helper>,
    /// A dispatch is under way that has the helpers.
    busy: AtomicBool,
}

/// A thread that waits for dispatches. It ends when the team does.
struct Helper {
    dispatches: Sender<Arc<Dispatch>>,
    _thread: Worker,
}

impl Team {
    /// So many threads, 0 for one on each core. They give way to everything else on the machine.
    ///
    /// # Errors
    /// [`ExecError::Backend`] when the system refuses the threads.
    pub fn new(threads: usize) -> Result<Self, ExecError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(flow::threads(threads))
            .thread_name(|index| format!("pack {index}"))
            .start_handler(|_| lower_priority())
            .build()
            .map_err(super::failed)?;
        let helper = |index: usize| {
            let (dispatches, jobs) = channel();
            let thread = Worker::spawn(&format!("cpu {index}"), move |_| help(&jobs, index)).map_err(super::failed)?;
            Ok(Helper { dispatches, _thread: thread })
        };
        let helpers = (1..pool.current_num_threads()).map(helper).collect::<Result<_, ExecError>>()?;
        Ok(Self { pool, helpers, busy: AtomicBool::new(false) })
    }

    /// How many threads.
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
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

    /// For each round in turn, calls `run(round, task)` for each task below `tasks[round]`, on all threads, and then
    /// `ended(round)` on this one, which may break the rest off: says whether it did not. When it returns, no call is under way any
    /// more. While another dispatch is under way the helpers are with that one, and this thread is alone.
    ///
    /// # Panics
    /// When a task or `ended` does, with its text. The tasks after it are not done.
    pub fn dispatch(&self, tasks: &[usize], run: Run, ended: impl FnMut(usize) -> ControlFlow<()>) -> bool {
        let rounds = tasks.iter().map(|tasks| Round::new(*tasks)).collect();
        let shares = (0..self.threads()).map(|_| CachePadded(AtomicU64::new(0))).collect();
        let dispatch = Arc::new(Dispatch::new(rounds, shares, run));
        let free = self.busy.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if free {
            // A helper that is gone is no loss but speed.
            self.helpers.iter().for_each(|helper| drop(helper.dispatches.send(dispatch.clone())));
        }
        dispatch.go(0, ended);
        if free {
            self.busy.store(false, Ordering::Release);
        }
        if let Some(text) = dispatch.panic.get() {
            std::panic::resume_unwind(Box::new(text.clone()));
        }
        !dispatch.broken_off.load(Ordering::Relaxed)
    }
}

/// The life of the helper that is thread `index`.
fn help(dispatches: &Receiver<Arc<Dispatch>>, index: usize) {
    lower_priority();
    while let Ok(dispatch) = dispatches.recv() {
        dispatch.go(index, |_| ControlFlow::Continue(()));
        drop(dispatch);
        let mut ended = Instant::now();
        while ended.elapsed() < AWAKE {
            match dispatches.try_recv() {
                Ok(dispatch) => {
                    dispatch.go(index, |_| ControlFlow::Continue(()));
                    ended = Instant::now();
                }
                Err(TryRecvError::Empty) => std::hint::spin_loop(),
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }
}

/// What the threads of one dispatch share.
struct Dispatch {
    rounds: Box<[Round]>,
    /// Of each thread: in its upper half the number of the round, from 1 on, that its share was last taken from, in its lower half how
    /// many tasks of that were taken.
    shares: Box<[CachePadded<AtomicU64>]>,
    run: Run,
    /// The text of the first panic of a task.
    panic: OnceLock<String>,
    /// Whether the tasks that are left are not wanted any more.
    broken_off: AtomicBool,
}

/// The tasks of `all` that are the share of thread `index` of so many. Of a few the first threads have most: who asks for a
/// dispatch is awake.
fn share(index: usize, threads: usize, all: usize) -> Range<usize> {
    (index * all).div_ceil(threads)..((index + 1) * all).div_ceil(threads)
}

/// How far a round is. Who waits looks at the last only, which is written once: looking at a counter would take its line from those
/// who count.
struct Round {
    tasks: usize,
    /// Tasks that have ended.
    ended: CachePadded<AtomicUsize>,
    /// Whether all have.
    over: CachePadded<AtomicBool>,
}

/// On a line of the cache of its own, and of its neighbour, which processors fetch together.
#[repr(align(128))]
struct CachePadded<T>(T);

impl Dispatch {
    fn new(rounds: Box<[Round]>, shares: Box<[CachePadded<AtomicU64>]>, run: Run) -> Self {
        Self { rounds, shares, run, panic: OnceLock::new(), broken_off: AtomicBool::new(false) }
    }

    /// What a thread does.
    fn go(&self, thread: usize, mut ended: impl FnMut(usize) -> ControlFlow<()>) {
        for (index, round) in self.rounds.iter().enumerate() {
            let mut done = 0;
            for task in self.tasks(index, thread) {
                self.task(index, task);
                done += 1;
            }
            round.end(done);
            round.wait();
            // A panic must not leave others at work on what the caller has.
            match catch_unwind(AssertUnwindSafe(|| ended(index))) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.broken_off.store(true, Ordering::Relaxed),
                Err(panic) => self.fail(panic.as_ref()),
            }
        }
    }

    /// The tasks of a round that nobody else has: of the share of `thread`, then of those after it.
    fn tasks(&self, round: usize, thread: usize) -> impl Iterator<Item = usize> {
        let (threads, tasks) = (self.shares.len(), self.rounds[round].tasks);
        (thread..thread + threads).map(move |owner| owner % threads).flat_map(move |owner| {
            let share = share(owner, threads, tasks);
            std::iter::from_fn(move || self.take(round, owner, &share))
        })
    }

    /// The next task of the share of `owner`.
    fn take(&self, round: usize, owner: usize, tasks: &Range<usize>) -> Option<usize> {
        if tasks.is_empty() {
            return None;
        }
        let place = &self.shares[owner].0;
        let mut seen = place.load(Ordering::Relaxed);
        loop {
            let taken = match ((seen >> 32) as usize).cmp(&(round + 1)) {
                // Nobody was here yet in this round.
                Less => 0,
                Equal => seen as u32 as usize,
                // The round is over, and somebody far ahead.
                Greater => return None,
            };
            // Looked at first, so that who comes late takes the line from nobody.
            if taken >= tasks.len() {
                return None;
            }
            let next = (round as u64 + 1) << 32 | (taken as u64 + 1);
            match place.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(tasks.start + taken),
                Err(found) => seen = found,
            }
        }
    }

    /// Does one task, unless another has panicked or the rest is broken off: then it is only counted, so that nobody waits for ever.
    fn task(&self, round: usize, task: usize) {
        if self.panic.get().is_some() || self.broken_off.load(Ordering::Relaxed) {
            return;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.run)(round, task))) {
            self.fail(panic.as_ref());
        }
    }

    /// There was a panic; only the first counts.
    fn fail(&self, panic: &(dyn std::any::Any + Send)) {
        self.panic.set(panic_text(panic)).ok();
    }
}

impl Round {
    fn new(tasks: usize) -> Self {
        Self { tasks, ended: CachePadded(AtomicUsize::new(0)), over: CachePadded(AtomicBool::new(tasks == 0)) }
    }

    /// Counts tasks that have ended. What all tasks wrote is there for whoever sees that the round is over.
    fn end(&self, count: usize) {
        if count > 0 && self.ended.0.fetch_add(count, Ordering::AcqRel) + count == self.tasks {
            self.over.0.store(true, Ordering::Release);
        }
    }

    fn is_over(&self) -> bool {
        self.over.0.load(Ordering::Acquire)
    }

    fn wait(&self) {
        let mut looks = 0;
        while !self.is_over() {
            looks += 1;
            if looks < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dispatches `tasks` and checks that each runs once, and after all of the round before.
    fn dispatch_and_check(team: &Team, tasks: Vec<usize>) {
        let done: Arc<Vec<AtomicUsize>> = Arc::new(tasks.iter().map(|_| AtomicUsize::new(0)).collect());
        let (counted, expected) = (done.clone(), tasks.clone());
        let run: Run = Arc::new(move |round, _| {
            counted[round].fetch_add(1, Ordering::Relaxed);
            assert!((0..round).all(|before| counted[before].load(Ordering::Relaxed) == expected[before]));
        });
        let mut ends = 0;
        let whole = team.dispatch(&tasks, run, |round| {
            assert_eq!(round, ends);
            ends += 1;
            ControlFlow::Continue(())
        });
        assert!(whole && ends == tasks.len());
        assert!(done.iter().zip(&tasks).all(|(done, tasks)| done.load(Ordering::Relaxed) == *tasks));
    }

    #[test]
    fn every_task_runs_once_and_rounds_follow_each_other() {
        for threads in 1..=4 {
            let team = Team::new(threads).unwrap();
            assert_eq!(team.threads(), threads);
            for pause in [0, 0, 3, 0] {
                std::thread::sleep(Duration::from_millis(pause));
                dispatch_and_check(&team, (0..200).map(|round| round % 7).collect());
            }
        }
    }

    #[test]
    fn a_thread_does_its_own_share_before_what_is_left_of_others() {
        let rounds = [10, 2].map(Round::new).into();
        let shares = (0..3).map(|_| CachePadded(AtomicU64::new(0))).collect();
        let dispatch = Dispatch::new(rounds, shares, Arc::new(|_, _| ()));
        let take = |round: usize, thread: usize| dispatch.tasks(round, thread).next();
        assert_eq!((0..3).map(|thread| take(0, thread)).collect::<Vec<_>>(), [Some(0), Some(4), Some(7)]);
        let rest: Vec<usize> = dispatch.tasks(0, 1).collect();
        assert_eq!(rest, [5, 6, 8, 9, 1, 2, 3]);
        // Of two tasks the last thread has none of its own.
        assert_eq!([take(1, 2), take(1, 2), take(1, 2)], [Some(0), Some(1), None]);
        assert_eq!([take(0, 0), take(0, 2)], [None; 2], "that round is over");
    }

    #[test]
    fn two_dispatches_at_the_same_time() {
        let team = Team::new(3).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..50).for_each(|_| dispatch_and_check(&team, vec![5; 40])));
            }
        });
    }

    #[test]
    fn a_panic_ends_the_dispatch_and_the_team_goes_on() {
        let team = Team::new(3).unwrap();
        let after = Arc::new(AtomicUsize::new(0));
        let counted = after.clone();
        let run: Run = Arc::new(move |round, task| {
            assert!((round, task) != (1, 1), "on purpose");
            counted.fetch_add(usize::from(round == 2), Ordering::Relaxed);
        });
        let panic = catch_unwind(AssertUnwindSafe(|| team.dispatch(&[3, 3, 3], run, |_| ControlFlow::Continue(()))))
            .unwrap_err();
        assert_eq!(panic_text(panic.as_ref()), "on purpose");
        assert_eq!(after.load(Ordering::Relaxed), 0);
        dispatch_and_check(&team, vec![5]);
        // So does one between rounds, and nobody is at work any more when it is heard of.
        let at_work = Arc::new(AtomicUsize::new(0));
        let counted = at_work.clone();
        let run: Run = Arc::new(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(5));
            counted.fetch_sub(1, Ordering::Relaxed);
        });
        let dispatch = || team.dispatch(&[3, 9, 9], run, |round| panic!("after round {round}"));
        let panic = catch_unwind(AssertUnwindSafe(dispatch)).unwrap_err();
        assert_eq!((panic_text(panic.as_ref()).as_str(), at_work.load(Ordering::Relaxed)), ("after round 0", 0));
        dispatch_and_check(&team, vec![5]);
    }

    #[test]
    fn what_is_broken_off_does_no_round_more_and_the_team_goes_on() {
        for threads in 1..=3 {
            let team = Team::new(threads).unwrap();
            let done = Arc::new([0, 1, 2].map(AtomicUsize::new));
            let counted = done.clone();
            let run: Run = Arc::new(move |round, _| {
                counted[round.min(2)].fetch_add(1, Ordering::Relaxed);
                // Others may be some rounds ahead when the word comes.
                std::thread::sleep(Duration::from_millis(u64::from(round > 1)));
            });
            let at_once = |round| if round == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            assert!(!team.dispatch(&[4; 5000], run, at_once));
            let [first, second, others] = [0, 1, 2].map(|index| done[index].load(Ordering::Relaxed) - index);
            assert!((first, second) == (4, 4) && others < 4 * 4998, "{others} of {threads} threads");
            assert!(threads > 1 || others == 0, "{others} tasks more");
            dispatch_and_check(&team, vec![5; 3]);
        }
    }

    #[test]
    fn helpers_end_with_their_team() {
        let team = Team::new(2).unwrap();
        dispatch_and_check(&team, vec![4]);
        let kept: Arc<()> = Arc::new(());
        let held = kept.clone();
        team.dispatch(&[2], Arc::new(move |_, _| assert!(Arc::strong_count(&held) > 0)), |_| ControlFlow::Continue(()));
        drop(team);
        let begun = Instant::now();
        while Arc::strong_count(&kept) > 1 {
            assert!(begun.elapsed() < Duration::from_secs(10), "a helper still holds a dispatch");
            std::thread::yield_now();
        }
    }
}
