//! The CUDA executor on an emulated GPU: `tests/fakecuda` takes the driver's place and runs the kernels' own sources, thread by
//! thread, on this machine. It finds wrong indices, layouts and missing barriers; only a real GPU tells how fast they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod beside;
mod emulated;
mod fixtures;
mod fp8;
mod graphs;
#[path = "../judge.rs"]
mod judge;
mod kernels;
mod overlap;
mod pictures;
mod room;
mod scenes;
mod stream;
mod transfers;
mod tuning;
mod xl;

fn main() {
    if std::env::var_os(tuning::SCENE).is_some() {
        return tuning::play();
    }
    if std::env::var_os(fp8::SCENE).is_some() {
        return fp8::play();
    }
    if std::env::var_os(transfers::SCENE).is_some() {
        return transfers::play();
    }
    if std::env::var_os(room::SCENE).is_some() {
        return room::play();
    }
    if std::env::var_os(pictures::SCENE).is_some() {
        return pictures::play();
    }
    let mut args = libtest_mimic::Arguments::from_args();
    // One more than there are processors: two tests wait for compilers and for a program of their own, and there is one GPU for all others.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    args.test_threads.get_or_insert(processors + 1);
    let mut trials = Vec::new();
    trials.extend(kernels::tests());
    match emulated::stage() {
        emulated::Stage::Here => {
            trials.extend(beside::tests());
            trials.extend(fixtures::tests());
            trials.extend(fp8::tests());
            trials.extend(graphs::tests());
            trials.extend(overlap::tests());
            trials.extend(pictures::tests());
            trials.extend(room::tests());
            trials.extend(scenes::tests());
            trials.extend(stream::tests());
            trials.extend(transfers::tests());
            trials.extend(tuning::tests());
            trials.extend(xl::tests());
        }
        // Listing needs no GPU, and a failure to build one is a failure of this program.
        emulated::Stage::Elsewhere(reason) => trials.push(emulated::refused(reason)),
        emulated::Stage::Done(status) => std::process::exit(status),
    }
    libtest_mimic::run(&args, trials).exit();
}
