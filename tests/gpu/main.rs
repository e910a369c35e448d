//! What is drawn, seen through a software or real graphics adapter and without a window. Without any adapter these tests
//! are skipped, and say so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod adapter;
mod camera;
mod controls;
mod demo;
mod exploring;
mod fake;
#[path = "../fakecam.rs"]
mod fakecam;
#[path = "../gate.rs"]
mod gate;
mod gifts;
mod keeping;
mod layered;
mod loading;
mod navigation;
mod palette;
mod panics;
mod pixels;
mod rail;
#[cfg(feature = "video")]
mod recording;
mod repaints;
mod rooms;
mod shell;
mod sketching;
mod views;

use afterimage::flow::leave;

/// The exit code of test programs in which a test failed.
const FAILED: u8 = 101;

fn main() {
    // The scenes of the fake camera are this program again.
    if let Ok(scene) = std::env::var(fakecam::SCENE) {
        camera::play(&scene);
        leave(0);
    }
    let args = libtest_mimic::Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(pixels::tests());
    trials.extend(sketching::tests());
    trials.extend(navigation::tests());
    trials.extend(views::tests());
    trials.extend(rail::tests());
    trials.extend(shell::tests());
    trials.extend(rooms::tests());
    trials.extend(panics::tests());
    trials.extend(repaints::tests());
    trials.extend(keeping::tests());
    trials.extend(layered::tests());
    trials.extend(controls::tests());
    trials.extend(palette::tests());
    trials.extend(exploring::tests());
    trials.extend(gifts::tests());
    #[cfg(feature = "video")]
    trials.extend(recording::tests());
    trials.extend(loading::tests());
    trials.extend(camera::tests());
    let failed = libtest_mimic::run(&args, trials).has_failed();
    leave(if failed { FAILED } else { 0 });
}
