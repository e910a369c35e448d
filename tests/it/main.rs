//! Everything that needs no window, network or large weights. One named test per fixture; a skip always says why.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod fixtures;
mod pictures;
mod studio;
mod support;
mod weights;

fn main() {
    let args = libtest_mimic::Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(fixtures::tests());
    trials.extend(pictures::tests());
    trials.extend(studio::tests());
    trials.extend(support::tests());
    trials.extend(weights::tests());
    libtest_mimic::run(&args, trials).exit();
}
