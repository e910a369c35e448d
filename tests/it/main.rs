//! Everything that needs no window, network or large weights. One named test per fixture; a skip always says why.

mod fixtures;
mod support;

fn main() {
    let args = libtest_mimic::Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(fixtures::tests());
    trials.extend(support::tests());
    libtest_mimic::run(&args, trials).exit();
}
