//! Webcams through the whole path, with the fake camera of `examples/fakecam`: each scene is this very test program,
//! started again with the fake preloaded and a folder whose files are the cameras.

mod kernel;
mod scenes;

use libtest_mimic::{Completion, Trial};

pub use scenes::play;

use crate::fakecam;

pub fn tests() -> Vec<Trial> {
    let mut trials: Vec<Trial> = scenes::NAMES
        .iter()
        .map(|scene| Trial::ignorable_test(format!("camera::{scene}"), move || run(scene)))
        .collect();
    trials.push(Trial::ignorable_test("camera::kernel_structures_are_the_kernels", kernel::compare));
    trials
}

fn run(scene: &str) -> Result<Completion, libtest_mimic::Failed> {
    if !cfg!(feature = "camera") {
        return Ok(Completion::ignored_with("built without the feature camera"));
    }
    if !cfg!(target_os = "linux") {
        return Ok(Completion::ignored_with("the fake camera needs LD_PRELOAD and V4L2: Linux only"));
    }
    fakecam::run(scene).map(|()| Completion::Completed)
}
