//! The fake camera for tests: starts the test program again as a scene, with the fake of `examples/fakecam` preloaded, and
//! gives the scene plugs to put cameras into. Part of several test programs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

/// Names the scene in a program that is to play one instead of running tests.
pub const SCENE: &str = "AFTERIMAGE_CAMERA_SCENE";
/// A camera that works.
pub const YUYV: &str = "format=YUYV 640x480 30\n";

/// Longer than any scene on a slow machine; a scene that hangs is the worst that a camera can do.
const LIMIT: Duration = Duration::from_secs(90);

/// The plugs of this machine.
pub struct Plugs(PathBuf);

impl Plugs {
    /// Those of the scene that this program plays.
    pub fn here() -> Self {
        let folder = std::env::var_os("FAKECAM_DIR").expect("the folder of the fake cameras");
        Self(PathBuf::from(folder).join("dev"))
    }

    /// Puts the camera that `text` describes in as `/dev/video<number>`.
    pub fn plug(&self, number: u32, text: &str) {
        self.put(&format!("video{number}"), text);
    }

    /// Puts a file into what is seen as `/dev`. By renaming, so that a camera is never seen half written.
    pub fn put(&self, name: &str, text: &str) {
        let hidden = self.0.join("half");
        std::fs::write(&hidden, text).unwrap();
        std::fs::rename(hidden, self.0.join(name)).unwrap();
    }

    /// Pulls it out.
    pub fn unplug(&self, number: u32) {
        std::fs::remove_file(self.0.join(format!("video{number}"))).unwrap();
    }
}

/// Plays `scene` in a process of its own. A scene that fails panics, and what it said is the failure.
pub fn run(scene: &str) -> Result<(), Failed> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let program = std::env::current_exe()?;
    let fake = fake_camera(&program)?;
    let dir = std::env::temp_dir().join(format!("afterimage-camera-{}-{number}", std::process::id()));
    std::fs::create_dir_all(dir.join("dev"))?;
    let said = dir.join("said");
    let child = Command::new(program)
        .env(SCENE, scene)
        .env("FAKECAM_DIR", &dir)
        .env("LD_PRELOAD", fake)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said)?)
        .spawn()?;
    let end = wait(child);
    let text = std::fs::read_to_string(&said).unwrap_or_default();
    std::fs::remove_dir_all(&dir).ok();
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
    Err(format!(
        "the fake camera is not built: {} is missing; plain `cargo test` builds it, so does `cargo build --example fakecam`",
        path.display()
    )
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
