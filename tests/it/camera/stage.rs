//! Starts this program again as a scene, with the fake camera preloaded, and waits for it with a limit.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use super::SCENE;
use crate::support::TempDir;

/// Longer than any scene on a slow machine; a scene that hangs is the worst that a camera can do.
const LIMIT: Duration = Duration::from_secs(90);

pub fn run(scene: &str) -> Result<(), Failed> {
    let program = std::env::current_exe()?;
    let fake = fake_camera(&program)?;
    let dir = TempDir::new("camera");
    std::fs::create_dir_all(dir.path().join("dev"))?;
    let said = dir.path().join("said");
    let child = Command::new(program)
        .env(SCENE, scene)
        .env("FAKECAM_DIR", dir.path())
        .env("LD_PRELOAD", fake)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said)?)
        .spawn()?;
    let end = wait(child);
    let text = std::fs::read_to_string(&said).unwrap_or_default();
    match end? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{status}\n{text}").into()),
        None => Err(format!("the scene hung for {} s\n{text}", LIMIT.as_secs()).into()),
    }
}

/// `target/release/examples/libfakecam.so`, beside `target/release/deps` where this program lies.
fn fake_camera(program: &Path) -> Result<PathBuf, Failed> {
    let folder = program.parent().and_then(Path::parent).ok_or("this program lies in no target folder")?;
    let path = folder.join("examples/libfakecam.so");
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is missing: plain `cargo test` builds it, so does `cargo build --example fakecam`", path.display())
        .into())
}

fn wait(mut child: Child) -> std::io::Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
