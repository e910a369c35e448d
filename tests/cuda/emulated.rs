//! Builds the emulated GPU and starts this program again with it in the driver's place.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

/// For this processor alone, since whole networks are computed thread by thread: two thirds of the time.
const FASTER: &str = "-O3 -march=native";

/// Names the folder of the emulated driver in a program that was started with it.
const FOLDER: &str = "AFTERIMAGE_PLAYED_GPU";

/// Where this program is in its life.
pub enum Stage {
    /// The driver is emulated here.
    Here,
    /// It was emulated in another process, which ended with this status.
    Done(i32),
    /// It cannot be emulated.
    Elsewhere(String),
}

/// Starts this program again unless that has happened.
pub fn stage() -> Stage {
    if std::env::var_os(FOLDER).is_some() {
        return Stage::Here;
    }
    if !cfg!(target_os = "linux") {
        return Stage::Elsewhere("the emulated GPU takes the driver's place as Linux loads libraries".into());
    }
    match built() {
        Ok(folder) => match again(&folder) {
            Ok(status) => Stage::Done(status),
            Err(error) => Stage::Elsewhere(format!("this program could not be started again: {error}")),
        },
        Err(text) => Stage::Elsewhere(text),
    }
}

/// The reason why nothing can be tested, as a test: a failure on Linux, shown as ignored elsewhere.
pub fn refused(reason: String) -> Trial {
    if cfg!(target_os = "linux") {
        Trial::test("emulated::the_gpu_is_built", move || Err(reason.into()))
    } else {
        Trial::ignorable_test("emulated::the_gpu_is_built", move || Ok(libtest_mimic::Completion::ignored_with(reason)))
    }
}

/// The folder the driver is in, built from `tests/fakecuda`.
fn built() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fakecuda");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakecuda/build");
    let run = Command::new(&script).arg(&folder).arg("again").env("CXXFLAGS", FASTER).output();
    let output = run.map_err(|error| format!("{} did not start: {error}", script.display()))?;
    if output.status.success() {
        return Ok(folder);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed (a C++ compiler is needed: `./scripts/test` installs it):\n{said}", script.display()))
}

fn again(folder: &Path) -> std::io::Result<i32> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args(std::env::args_os().skip(1)).env(FOLDER, folder).env("LD_LIBRARY_PATH", folder);
    // Measuring takes long when a GPU is emulated; the tests that are about it turn it on.
    program.env("AFTERIMAGE_CUDA_TUNE", "off");
    let status = program.status()?;
    Ok(status.code().unwrap_or(1))
}
