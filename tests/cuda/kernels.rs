//! The compiled kernels belong to the sources that are here.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Completion, Failed, Trial};

type Test = fn() -> Result<(), Failed>;

/// `shaders/cuda/ptx/SOURCES` has the hash of every source file as it was when the kernels were compiled.
fn the_compiled_kernels_are_those_of_the_sources() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders/cuda");
    let list = std::fs::read_to_string(folder.join("ptx/SOURCES"))?;
    let named: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    for entry in std::fs::read_dir(&folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_source = name.ends_with(".cu") || name.ends_with(".cuh");
        if is_source && !named.contains(&name.as_str()) {
            return Err(format!("{name} is newer than the compiled kernels: run scripts/build-cuda").into());
        }
    }
    let output = Command::new("sha256sum").args(["--check", "--quiet", "ptx/SOURCES"]).current_dir(&folder).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(format!("sources changed since they were compiled (run scripts/build-cuda):\n{said}").into())
}

/// Every kernel on small and odd shapes against plain loops, with addresses and undefined behaviour watched.
fn every_kernel_under_sanitizers() -> Result<(), Failed> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fakecuda-asan");
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakecuda/build");
    let built = Command::new(build).arg(&out).args(["asan", "again"]).output()?;
    if !built.status.success() {
        return Err(format!("it was not built:\n{}", String::from_utf8_lossy(&built.stderr)).into());
    }
    // Faults on purpose leave the threads of their block where they were.
    let output = Command::new(out.join("selftest")).env("ASAN_OPTIONS", "detect_leaks=0").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.trim_end().ends_with("cases are right") {
        return Ok(());
    }
    let wrong: Vec<&str> = said.lines().filter(|line| !line.ends_with(" ok")).collect();
    Err(format!("{}\n{}\n{}", output.status, wrong.join("\n"), String::from_utf8_lossy(&output.stderr)).into())
}

/// What is committed is what a compiler makes of the sources, and an assembler of CUDA 12.2 takes it for every generation of
/// GPUs. Both are fetched as Python wheels; where they cannot be had, the test says so.
fn a_real_assembler_takes_the_kernels() -> Result<Completion, Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        return Ok(Completion::ignored_with("not here: pip would fetch the compiler"));
    }
    let output = Command::new(root.join("scripts/build-cuda")).arg("--check").output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        Ok(Completion::Completed)
    } else if said.contains("could not be fetched") {
        Ok(Completion::ignored_with("not here: the compiler could not be fetched"))
    } else {
        Err(format!("scripts/build-cuda --check failed:\n{said}").into())
    }
}

pub fn tests() -> Vec<Trial> {
    if cfg!(target_os = "linux") {
        let all: [(&str, Test); 2] = [
            ("the_compiled_kernels_are_those_of_the_sources", the_compiled_kernels_are_those_of_the_sources),
            ("every_kernel_under_sanitizers", every_kernel_under_sanitizers),
        ];
        let assembled = "kernels::a_real_assembler_takes_the_kernels";
        let assembled = Trial::ignorable_test(assembled, a_real_assembler_takes_the_kernels);
        let all = all.into_iter().map(|(name, test)| Trial::test(format!("kernels::{name}"), test));
        all.chain([assembled]).collect()
    } else {
        Vec::new()
    }
}
