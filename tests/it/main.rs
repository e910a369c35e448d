//! Everything that needs no window, network or large weights. One named test per fixture; a skip always says why.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod camera;
mod canvas;
mod cli;
mod drops;
mod engine;
#[path = "../fakecam.rs"]
mod fakecam;
mod fixtures;
mod floors;
#[path = "../gate.rs"]
mod gate;
#[path = "../judge.rs"]
mod judge;
mod licences;
mod loading;
mod networks;
mod outlines;
mod pictures;
mod rounding;
mod scripts;
mod studio;
mod support;
mod tidy;
mod weights;
mod xl;

fn main() {
    // The scenes of the fake camera are this program again.
    if let Ok(scene) = std::env::var(fakecam::SCENE) {
        return camera::play(&scene);
    }
    let args = libtest_mimic::Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(camera::tests());
    trials.extend(canvas::tests());
    trials.extend(cli::tests());
    trials.extend(drops::tests());
    trials.extend(engine::tests());
    trials.extend(fixtures::tests());
    trials.extend(floors::tests());
    trials.extend(licences::tests());
    trials.extend(loading::tests());
    trials.extend(networks::tests());
    trials.extend(outlines::tests());
    trials.extend(pictures::tests());
    trials.extend(rounding::tests());
    trials.extend(scripts::tests());
    trials.extend(studio::tests());
    trials.extend(support::tests());
    trials.extend(tidy::tests());
    trials.extend(weights::tests());
    trials.extend(xl::tests());
    libtest_mimic::run(&args, trials).exit();
}
