//! The whole App with a webcam that is plugged in, pulled out, in use or forbidden. The scene is this very program, started
//! again with the fake camera of `examples/fakecam` preloaded and a folder whose files are the cameras.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use afterimage::gui::App;
use afterimage::studio::SourceState;
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Completion, Failed, Trial};

use crate::adapter::{check, test};
use crate::rooms::shoot;
use crate::shell::{Window, open, used};

/// Set for a program that is to play the scene instead of running tests.
pub const SCENE: &str = "AFTERIMAGE_GPU_SCENE";

const YUYV: &str = "name=Fake Camera\nformat=YUYV 640x480 30\n";
/// Longer than the scene on a slow machine.
const LIMIT: Duration = Duration::from_secs(180);

pub fn tests() -> Vec<Trial> {
    if cfg!(all(feature = "camera", target_os = "linux")) {
        return vec![test("camera::a_webcam_from_plug_to_plug", again)];
    }
    let ignored = || Ok(Completion::ignored_with("the fake camera needs Linux and the feature camera"));
    vec![Trial::ignorable_test("camera::a_webcam_from_plug_to_plug", ignored)]
}

/// Starts this program again as the scene.
fn again() -> Result<(), Failed> {
    let program = std::env::current_exe()?;
    let folder = program.parent().and_then(|folder| folder.parent()).ok_or("this program lies in no target folder")?;
    let fake = folder.join("examples/libfakecam.so");
    check(fake.is_file(), format!("{} is missing: plain `cargo test` builds it", fake.display()))?;
    let machine = std::env::temp_dir().join(format!("afterimage-gpu-camera-{}", std::process::id()));
    std::fs::create_dir_all(machine.join("dev"))?;
    let said = machine.join("said");
    let mut child = Command::new(program)
        .env(SCENE, "1")
        .env("FAKECAM_DIR", &machine)
        .env("LD_PRELOAD", fake)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said)?)
        .spawn()?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if begun.elapsed() > LIMIT => {
                child.kill()?;
                child.wait()?;
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let text = std::fs::read_to_string(&said).unwrap_or_default();
    std::fs::remove_dir_all(&machine).ok();
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{status}\n{text}").into()),
        None => Err(format!("the scene hung\n{text}").into()),
    }
}

/// Cameras of this machine, as files.
struct Cameras(PathBuf);

impl Cameras {
    fn plug(&self, text: &str) {
        // By renaming, so that a camera is never seen half written.
        let hidden = self.0.join("half");
        std::fs::write(&hidden, text).unwrap();
        std::fs::rename(hidden, self.0.join("video0")).unwrap();
    }

    fn unplug(&self) {
        std::fs::remove_file(self.0.join("video0")).unwrap();
    }
}

/// Plays the scene. What goes wrong panics.
pub fn play() {
    let folder = std::env::var_os("FAKECAM_DIR").unwrap();
    let machine = Cameras(PathBuf::from(folder).join("dev"));
    let mut window = open([1200.0, 800.0], used());
    let painted = pixels(window.app());

    // No camera: said, and the drawing stays.
    window.click("Camera");
    says(&mut window, "No camera was found");
    assert_eq!(pixels(window.app()), painted, "the last picture is gone");
    shoot(&mut window, "camera-none");

    // Plugged in: live, and the picture follows.
    machine.plug(YUYV);
    window.click("Camera");
    goes_live(&mut window);
    silent(&window);
    let before = window.asked.painted();
    let (first, begun) = (pixels(window.app()), Instant::now());
    while window.asked.painted() < before + 5 || pixels(window.app()) == first {
        assert!(begun.elapsed() < Duration::from_secs(20), "the picture does not follow the camera");
        window.harness.step();
    }
    shoot(&mut window, "camera-live");

    // A frame is frozen and stays.
    let layers = window.app().document().layers().len();
    window.click("Freeze");
    window.wait("a frozen layer", move |app| app.document().layers().len() > layers || !app.document().is_blank());
    shoot(&mut window, "camera-frozen");

    // Pulled out, then back.
    window.click("Camera");
    goes_live(&mut window);
    machine.unplug();
    says(&mut window, "was unplugged: plug it in again");
    assert!(window.app().picture().is_some(), "the last picture is gone");
    shoot(&mut window, "camera-unplugged");
    machine.plug(YUYV);
    goes_live(&mut window);
    silent(&window);

    // In use by somebody else, forbidden, silent: each has its own words, and goes away by itself.
    for (camera, words) in [
        (format!("{YUYV}errno=16\n"), "is in use by another program: close the program"),
        (format!("{YUYV}errno=13\n"), "may not be opened by this user: allow it"),
        (format!("{YUYV}stall_after=10\n"), "has sent no picture for 2 s"),
    ] {
        machine.unplug();
        says(&mut window, "was unplugged");
        machine.plug(&camera);
        says(&mut window, words);
        machine.unplug();
        machine.plug(YUYV);
        goes_live(&mut window);
    }

    // Away from it: nothing of it stays over the drawing.
    machine.unplug();
    says(&mut window, "was unplugged");
    window.click("Draw");
    window.wait("the drawing", |app| !matches!(app.studio().snapshot().source, SourceState::Trouble(_)));
    silent(&window);
}

fn pixels(app: &App) -> Vec<u8> {
    app.picture().map(|picture| picture.frame.pixels().to_vec()).unwrap_or_default()
}

/// Waits until the window says so.
fn says(window: &mut Window, words: &str) {
    let begun = Instant::now();
    while window.harness.query_all_by_label_contains(words).next().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the window does not say “{words}”");
        window.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn goes_live(window: &mut Window) {
    let begun = Instant::now();
    while !matches!(window.app().studio().snapshot().source, SourceState::Live(_)) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the camera does not go live");
        window.harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    window.harness.run_steps(3);
}

/// Nothing is wrong, so nothing is said.
fn silent(window: &Window) {
    for words in ["No camera was found:", "was unplugged", "is in use", "may not be opened", "has sent no picture"] {
        assert!(window.harness.query_all_by_label_contains(words).next().is_none(), "the window still says “{words}”");
    }
}
