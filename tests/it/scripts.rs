//! The two scripts on machines that lack something: stand-ins for the system's programs come first in `PATH`.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::cli::{Said, finish};
use crate::support::{TempDir, root};

/// A folder of stand-ins: each a name and a line of shell.
fn stand_ins(programs: &[(&str, &str)]) -> Result<TempDir, Failed> {
    let dir = TempDir::new("scripts");
    for (name, line) in programs {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{line}\n"))?;
        allow_running(&path)?;
    }
    Ok(dir)
}

#[cfg(unix)]
fn allow_running(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn allow_running(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Runs a script without a terminal, with only `stand_ins` and the system's own folders in `PATH`.
fn script(name: &str, words: &[&str], stand_ins: &TempDir) -> Result<Said, Failed> {
    let mut command = Command::new("bash");
    command.arg(root().join("scripts").join(name)).args(words).current_dir(stand_ins.path());
    command.env("PATH", format!("{}:/usr/bin:/bin", stand_ins.path().display()));
    command.env("HOME", stand_ins.path()).env("NOTES", stand_ins.path().join("notes"));
    command.env_remove("CI").env_remove("CARGO_HOME");
    finish(command)
}

fn notes(dir: &TempDir) -> String {
    std::fs::read_to_string(dir.path().join("notes")).unwrap_or_default()
}

fn expect(said: &Said, good: bool, parts: &[&str]) -> Result<(), Failed> {
    let told = parts.iter().all(|part| said.err.contains(part) || said.out.contains(part));
    if told && (said.code == 0) == good {
        return Ok(());
    }
    Err(format!("expected {parts:?}, got {}: {}{}", said.code, said.out, said.err).into())
}

const CARGO: (&str, &str) = ("cargo", "echo \"$@\" >> \"$NOTES\"");
const RUSTC: (&str, &str) = ("rustc", "echo 'rustc 1.95.0 (abc 2026-01-01)'");
const NO_LINKER: (&str, &str) = ("cc", "exit 1");
const NOBODY: (&str, &str) = ("id", "echo 1000");
const ROOT: (&str, &str) = ("id", "echo 0");
const APT: (&str, &str) = ("apt-get", "echo apt-get \"$@\" >> \"$NOTES\"");
const SUDO: (&str, &str) = ("sudo", "echo sudo >> \"$NOTES\"; exec \"$@\"");

fn no_rust() -> Result<(), Failed> {
    let dir = stand_ins(&[])?;
    if Path::new("/usr/bin/cargo").exists() {
        return Ok(());
    }
    expect(&script("run", &[], &dir)?, false, &["Rust is not installed", "https://rustup.rs"])
}

fn old_rust() -> Result<(), Failed> {
    let dir = stand_ins(&[CARGO, ("rustc", "echo 'rustc 1.80.1 (abc 2024-01-01)'")])?;
    expect(&script("test", &["--yes"], &dir)?, false, &["Rust 1.95 or newer", "1.80", "rustup update"])
}

fn rust_without_a_toolchain() -> Result<(), Failed> {
    let dir = stand_ins(&[CARGO, ("rustc", "echo 'error: no default toolchain' >&2; exit 1")])?;
    expect(&script("run", &["--yes"], &dir)?, false, &["rustc does not run", "rustup default stable"])
}

fn without_a_terminal_the_command_is_shown_and_nothing_done() -> Result<(), Failed> {
    let dir = stand_ins(&[CARGO, RUSTC, NO_LINKER, NOBODY, APT, SUDO])?;
    let said = script("run", &[], &dir)?;
    expect(&said, false, &["a C linker", "sudo apt-get update && sudo", "gcc libc6-dev", "--yes"])?;
    if notes(&dir).is_empty() { Ok(()) } else { Err(format!("it did {}", notes(&dir)).into()) }
}

fn with_yes_it_installs_and_goes_on() -> Result<(), Failed> {
    let dir = stand_ins(&[CARGO, RUSTC, NO_LINKER, NOBODY, APT, SUDO])?;
    expect(&script("run", &["--yes", "doctor", "--json"], &dir)?, true, &["apt-get install -y"])?;
    let done = notes(&dir);
    let order = ["sudo", "apt-get update", "apt-get install", "build --release --locked", "-- doctor --json"];
    let mut rest = done.as_str();
    for part in order {
        rest = rest.split_once(part).ok_or_else(|| format!("no {part} in {done}"))?.1;
    }
    Ok(())
}

fn root_is_not_asked_and_needs_no_sudo() -> Result<(), Failed> {
    let dir = stand_ins(&[CARGO, RUSTC, NO_LINKER, ROOT, APT, ("sudo", "exit 9")])?;
    expect(&script("run", &[], &dir)?, true, &["apt-get install -y"])?;
    if notes(&dir).contains("sudo") { Err(notes(&dir).into()) } else { Ok(()) }
}

fn a_failed_installation_stops() -> Result<(), Failed> {
    let dir = stand_ins(&[CARGO, RUSTC, NO_LINKER, ROOT, ("apt-get", "exit 100")])?;
    expect(&script("run", &[], &dir)?, false, &["could not be installed"])?;
    if notes(&dir).is_empty() { Ok(()) } else { Err("it built all the same".into()) }
}

pub fn tests() -> Vec<Trial> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    vec![
        Trial::test("scripts::no_rust", no_rust),
        Trial::test("scripts::old_rust", old_rust),
        Trial::test("scripts::rust_without_a_toolchain", rust_without_a_toolchain),
        Trial::test(
            "scripts::without_a_terminal_the_command_is_shown_and_nothing_done",
            without_a_terminal_the_command_is_shown_and_nothing_done,
        ),
        Trial::test("scripts::with_yes_it_installs_and_goes_on", with_yes_it_installs_and_goes_on),
        Trial::test("scripts::root_is_not_asked_and_needs_no_sudo", root_is_not_asked_and_needs_no_sudo),
        Trial::test("scripts::a_failed_installation_stops", a_failed_installation_stops),
    ]
}
