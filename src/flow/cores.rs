//! How many threads are worth computing with.

use std::sync::OnceLock;
use std::thread::available_parallelism;

use sysinfo::System;

/// So many threads, or one on each of the [`cores`] where 0 are asked for.
pub fn threads(asked: usize) -> usize {
    if asked == 0 { cores() } else { asked }
}

/// Cores this process may use: of each one thread, though it may run two at a time. Those two share what multiplies, so that a second
/// adds next to nothing where that is what takes long, and every thread must be waited for.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| {
        let threads = available_parallelism().map_or(1, usize::from);
        worth(threads, System::physical_core_count().ok())
    })
}

/// How many of `threads` that may run at once are worth it on so many cores, if that is known. Of a single core both are: virtual
/// machines call two cores so.
fn worth(threads: usize, cores: Option<usize>) -> usize {
    threads.min(cores.map_or(threads, |cores| cores.max(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_has_one_thread() {
        assert_eq!(worth(16, Some(8)), 8, "each core runs two");
        assert_eq!(worth(20, Some(14)), 14, "some cores run two");
        assert_eq!(worth(4, Some(4)), 4);
        assert_eq!(worth(3, Some(8)), 3, "the process may use three only");
        assert_eq!([worth(2, Some(1)), worth(1, Some(1)), worth(2, Some(0))], [2, 1, 2]);
        assert_eq!(worth(12, None), 12);
        assert_eq!([threads(0), threads(3)], [cores(), 3]);
        assert!((1..=available_parallelism().unwrap().get()).contains(&cores()));
    }
}
