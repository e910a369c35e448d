//! How often several ways to compute the same are measured, and whether what came out can be believed: another program that has the
//! GPU now and then makes some times many times as long as others.

use std::time::Instant;

use crate::exec::ExecError;

/// Rounds, if there is time for more than are necessary.
const USUAL: usize = 5;
/// So many at most, where times differ from round to round.
const MOST: usize = 15;
/// What nobody saw twice may be anything.
const LEAST: usize = 2;
/// Medians are so many times the least at most, or so many milliseconds above it: clocks change by less, and kernels of a microsecond
/// are measured no better.
const STEADY: f64 = 1.25;
const GRAIN_MS: f64 = 0.001;

/// When measuring has to end.
#[derive(Clone, Copy)]
pub struct Ends {
    /// No round begins after it that is not necessary.
    pub share: Instant,
    /// Nothing begins that would end after it.
    pub all: Instant,
}

/// What was measured of one way, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// The median of all rounds.
    pub median: f64,
    /// The least.
    pub least: f64,
}

/// Measures so many `ways`, which take turns. `round` gives the time in milliseconds of each of the first so many of them. Nothing if
/// there is no time for it.
///
/// # Errors
/// Those of `round`.
pub fn measure(
    ways: usize,
    ends: Ends,
    clock: impl Fn() -> Instant,
    mut round: impl FnMut(usize) -> Result<Vec<f64>, ExecError>,
) -> Result<Option<Vec<Time>>, ExecError> {
    // How long a round takes is known from one of the ways. The first kernel wakes the GPU, so its time may say nothing.
    let mut there_is_time = || {
        let begun = clock();
        round(1)?;
        let now = clock();
        let rounds = (now - begun) * (ways * (1 + LEAST)) as u32;
        Ok::<_, ExecError>(now + rounds <= ends.all)
    };
    if !there_is_time()? && !there_is_time()? {
        return Ok(None);
    }
    // The first round loads what the others find in caches.
    round(ways)?;
    let mut rounds = Vec::new();
    loop {
        rounds.push(round(ways)?);
        let times = times(ways, &rounds);
        let enough = rounds.len() >= USUAL && are_steady(&times) || rounds.len() >= MOST;
        if enough || rounds.len() >= LEAST && clock() >= ends.share {
            return Ok(Some(times));
        }
    }
}

fn times(ways: usize, rounds: &[Vec<f64>]) -> Vec<Time> {
    let time = |way: usize| {
        let mut all: Vec<f64> = rounds.iter().map(|round| round[way]).collect();
        all.sort_by(f64::total_cmp);
        Time { median: all[all.len() / 2], least: all[0] }
    };
    (0..ways).map(time).collect()
}

/// Whether these tell which way is the fastest: all that may be have taken about the same time again and again.
pub fn are_steady(times: &[Time]) -> bool {
    let fastest = times.iter().map(|time| time.median).fold(f64::INFINITY, f64::min);
    let mut nearly = times.iter().filter(|time| time.least <= fastest);
    fastest.is_finite() && nearly.all(|time| time.median <= STEADY * time.least + GRAIN_MS)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What is measured within so many seconds, a fifth of which is the share, of ways that take so long, each time another one of
    /// their times; and how many ways were tried, and how many seconds that took.
    fn measured(ways: &[&[f64]], within_s: f64) -> (Option<Vec<Time>>, usize, f64) {
        let begun = Instant::now();
        let (passed, tried, rounds) = (Cell::new(Duration::ZERO), Cell::new(0), Cell::new(0));
        let within = SECOND.mul_f64(within_s);
        let ends = Ends { share: begun + within / 5, all: begun + within };
        let found = measure(
            ways.len(),
            ends,
            || begun + passed.get(),
            |count| {
                let times: Vec<f64> = ways[..count].iter().map(|way| way[rounds.get() % way.len()]).collect();
                passed.set(passed.get() + SECOND.mul_f64(times.iter().sum::<f64>() / 1e3));
                tried.set(tried.get() + count);
                rounds.set(rounds.get() + 1);
                Ok(times)
            },
        );
        (found.unwrap(), tried.get(), passed.get().as_secs_f64())
    }

    #[test]
    fn what_takes_too_long_is_not_begun() {
        let (found, tried, took_s) = measured(&[&[900.0], &[900.0], &[900.0], &[900.0]], 2.0);
        assert_eq!((found, tried), (None, 2), "the first way says how long all take, twice");
        assert!(took_s < 2.0, "{took_s} s");
        let (found, tried, took_s) = measured(&[&[100.0], &[120.0], &[100.0], &[110.0]], 2.0);
        assert_eq!((found.unwrap().len(), tried), (4, 1 + 3 * 4), "what is necessary, beyond its share");
        assert!(took_s < 2.0, "{took_s} s");
    }

    #[test]
    fn the_first_kernel_may_take_long() {
        let (found, tried, _) = measured(&[&[500.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], &[2.0]], 2.0);
        let time = |ms| Time { median: ms, least: ms };
        assert_eq!((found, tried), (Some(vec![time(1.0), time(2.0)]), 2 + 2 * (1 + LEAST)), "its share is over");
    }

    #[test]
    fn times_that_differ_are_measured_more_often() {
        let (_, usual, _) = measured(&[&[1.0], &[1.1]], 60.0);
        assert_eq!(usual, 1 + 2 * (1 + USUAL));
        let (found, tried, _) = measured(&[&[1.0, 20.0, 20.0], &[1.1]], 60.0);
        assert_eq!(tried, 1 + 2 * (1 + MOST));
        assert!(!are_steady(&found.unwrap()), "it may be the fastest");
    }

    #[test]
    fn only_who_may_be_the_fastest_counts() {
        let time = |median, least| Time { median, least };
        assert!(are_steady(&[time(1.0, 0.9), time(1.2, 1.0)]));
        assert!(are_steady(&[time(1.0, 0.9), time(20.0, 1.1)]));
        assert!(!are_steady(&[time(1.0, 0.9), time(20.0, 0.95)]));
        assert!(!are_steady(&[time(1.0, 0.5), time(1.2, 1.1)]));
        assert!(are_steady(&[time(0.003, 0.002), time(0.004, 0.004)]), "a kernel of two microseconds");
        let never = time(f64::INFINITY, f64::INFINITY);
        assert!(are_steady(&[never, time(1.0, 1.0)]));
        assert!(!are_steady(&[never, never]), "all were refused");
    }
}
