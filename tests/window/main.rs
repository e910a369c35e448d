//! The real program in a real window: an X server without a screen, real mouse and keyboard events, the default model.
//!
//! Needs the programs Xvfb and xdotool, and Xorg for a pen; without them the tests are ignored with that reason.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]
#![expect(clippy::print_stdout, reason = "what was measured belongs in the log")]

mod app;
mod drawing;
mod pen;
mod screen;
mod soak;
mod tablet;
mod tour;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut args = Arguments::from_args();
    // One at a time: they measure times, and two cores are soon busy.
    args.test_threads = Some(1);
    let trials: Vec<Trial> =
        [drawing::tests(), pen::tests(), soak::tests(), tablet::tests(), tour::tests()].into_iter().flatten().collect();
    libtest_mimic::run(&args, trials).exit();
}
