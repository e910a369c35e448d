//! The window's contents without a window: the real App under egui_kittest, drawn by whatever adapter there is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod fake;
mod shell;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut args = Arguments::from_args();
    // One at a time: software adapters share the cores.
    args.test_threads = Some(1);
    let trials: Vec<Trial> = [shell::tests()].into_iter().flatten().collect();
    libtest_mimic::run(&args, trials).exit();
}
