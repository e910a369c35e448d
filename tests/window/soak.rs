//! A minute of camera and drawing, with the camera pulled out and put back. `AFTERIMAGE_SOAK_S` sets another length.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::app::App;
use crate::screen::{self, Screen};

/// Memory may grow by this much between the first third and the end, in megabytes.
const GROWTH_MB: f64 = 40.0;

/// The fake camera's library, built as an example of this package.
fn fake_camera() -> Option<PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.parent()?.join("examples");
    Some(folder.join("libfakecam.so")).filter(|path| path.exists())
}

fn plug(folder: &Path) {
    std::fs::write(folder.join("dev/video0"), "name=Fake Camera\nformat=YUYV 640x480 30\n").unwrap();
}

fn unplug(folder: &Path) {
    std::fs::remove_file(folder.join("dev/video0")).unwrap();
}

/// Inputs that may be on their way to a picture: one in each of two slots, one of each that the engine has just taken.
const ON_THE_WAY: u64 = 4;

/// What the latency panel says of all inputs: each is painted, dropped, or one of the few on their way.
fn count_inputs(app: &mut App<'_>) -> Result<String, Failed> {
    app.click("Latency tab");
    let text = app.wait("the count of inputs", Duration::from_secs(10), |app| {
        app.texts().into_iter().find(|text| text.contains("inputs so far"))
    });
    let numbers: Vec<u64> = text.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let [inputs, painted, dropped] = numbers[..] else { return Err(format!("not three numbers: {text}").into()) };
    let right = painted + dropped <= inputs && inputs - painted - dropped <= ON_THE_WAY;
    // Strokes come in bursts that no model follows.
    if right && painted > 0 && dropped > 0 { Ok(text) } else { Err(format!("the count is wrong: {text}").into()) }
}

fn camera_and_drawing() -> Result<(), Failed> {
    let seconds = std::env::var("AFTERIMAGE_SOAK_S").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let library = fake_camera().ok_or("libfakecam.so is missing: build the examples too (cargo test does)")?;
    let folder = std::env::temp_dir().join(format!("afterimage-soak-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("dev")).unwrap();
    plug(&folder);
    let screen = Screen::start();
    let mut app = App::start(&screen, "soak", "", &[("LD_PRELOAD", &library), ("FAKECAM_DIR", &folder)]);
    app.wait("the model", Duration::from_secs(60), |app| {
        app.texts().iter().any(|text| text.contains("pictures/s")).then_some(())
    });
    app.click("Camera");
    app.wait("the camera", Duration::from_secs(20), |app| {
        app.texts().iter().any(|text| text.contains("640 × 480")).then_some(())
    });
    let begun = Instant::now();
    let (mut round, mut early_mb, mut plugged) = (0u32, f64::INFINITY, true);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let (x, y) = app.middle("Sketch canvas");
        let angle = f64::from(round);
        app.drag(
            (0..12).map(|i| (x + 90.0 * (angle + 0.2 * f64::from(i)).cos(), y + 90.0 * angle.sin() + f64::from(i))),
        );
        round += 1;
        // Taken back each time, so that memory tells of leaks and not of the undo history, which may grow to its limit.
        if std::env::var_os("AFTERIMAGE_SOAK_KEEP").is_none() {
            app.key("ctrl+z");
        }
        if round % 8 == 0 {
            let change = if plugged { unplug } else { plug };
            change(&folder);
            plugged = !plugged;
        }
        if begun.elapsed() > Duration::from_secs(seconds / 3) && early_mb.is_infinite() {
            early_mb = app.rss_mb();
        }
    }
    if !plugged {
        plug(&folder);
    }
    app.wait("the camera to come back", Duration::from_secs(10), |app| {
        app.texts().iter().any(|text| text.contains("640 × 480")).then_some(())
    });
    let late_mb = app.rss_mb();
    app.shot("soak");
    let status: Vec<String> = app.texts().into_iter().filter(|text| text.starts_with("Status:")).collect();
    let counts = count_inputs(&mut app);
    std::fs::remove_dir_all(&folder).ok();
    println!("soak: {round} strokes in {seconds} s, {early_mb:.0} MB then {late_mb:.0} MB; {status:?}; {counts:?}");
    counts?;
    if late_mb - early_mb < GROWTH_MB {
        Ok(())
    } else {
        Err(format!("memory grew from {early_mb:.0} to {late_mb:.0} MB").into())
    }
}

pub fn tests() -> Vec<Trial> {
    vec![screen::trial("camera_and_drawing_for_a_minute", camera_and_drawing)]
}
