//! A camera in the whole window, as a person sees it: what is written over the stage, and what is on it. Each scene is
//! this very test program, started again with the fake camera; without one the scenes fail and say how to build it.

use std::time::Duration;

use afterimage::studio::{CameraSettings, Settings};
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Completion, Failed, Trial};

use crate::adapter;
use crate::fakecam::{self, Plugs, YUYV};
use crate::rooms::shoot;
use crate::shell::{Window, open, used};

/// What the status line says of a camera that works.
const LIVE: &str = "source 640 × 480";

type Scene = fn(&Plugs);

const SCENES: [(&str, Scene); 10] = [
    ("live_frames_reach_the_stage_and_a_picture_follows", live),
    ("frozen_into_a_layer", frozen),
    ("unplugged_is_said_over_the_last_picture_and_a_replug_goes_on", replugged),
    ("busy_is_said_until_it_is_free", busy),
    ("denied_is_said_with_the_remedy", denied),
    ("a_stall_is_said_and_passes", stalled),
    ("none_found_is_said_in_a_card", none_found),
    ("the_camera_of_last_time_is_waited_for", waited_for),
    ("damaged_pictures_are_said", damaged),
    ("a_decoder_that_panics_is_said_and_sound_pictures_go_on", panicking),
];

pub fn tests() -> Vec<Trial> {
    SCENES.iter().map(|(name, _)| Trial::ignorable_test(format!("camera::{name}"), move || run(name))).collect()
}

fn run(scene: &str) -> Result<Completion, Failed> {
    if !cfg!(all(feature = "camera", target_os = "linux")) {
        return Ok(Completion::ignored_with("the fake camera needs the feature camera and Linux"));
    }
    if let Some(reason) = adapter::missing() {
        return Ok(Completion::ignored_with(reason));
    }
    fakecam::run(scene).map(|()| Completion::Completed)
}

/// Plays the scene called `name`. A scene that fails panics.
pub fn play(name: &str) {
    let (_, scene) = SCENES.iter().find(|(scene, _)| *scene == name).expect("a scene of that name");
    scene(&Plugs::here());
}

/// The pixels of the widget called `label`, row by row, and how many are in a row.
fn pixels(window: &mut Window, label: &str) -> (Vec<[u8; 3]>, usize) {
    let rect = window.harness.get_by_label(label).rect().shrink(8.0);
    let picture = window.harness.render().unwrap();
    let (left, right) = (rect.left() as u32, rect.right() as u32);
    let rows = rect.top() as u32..rect.bottom() as u32;
    let pixels = rows.flat_map(|y| (left..right).map(move |x| (x, y)));
    (pixels.map(|(x, y)| picture.get_pixel(x, y).0).map(|[r, g, b, _]| [r, g, b]).collect(), (right - left) as usize)
}

/// The colours at the left and the right edge of the widget, well below any sentence in its middle.
fn edges(window: &mut Window, label: &str) -> [[u8; 3]; 2] {
    let (pixels, width) = pixels(window, label);
    let row = &pixels[pixels.len() / width * 9 / 10 * width..][..width];
    // The fake camera's bar may stand anywhere: it is thinner than half of these.
    [0, width - 60].map(|from| {
        let mut part = row[from..from + 60].to_vec();
        part.sort_unstable();
        part[30]
    })
}

/// The fake camera's picture as a mirror shows it: reddish, bright on the left and dark on the right.
fn assert_camera_shows(window: &mut Window) {
    let [left, right] = edges(window, "Sketch canvas");
    assert!(left[1] > right[1] + 60 && left[0] > left[1] && left[1] > left[2], "not the camera: {left:?} {right:?}");
}

/// Whether the widget looks another way a moment later.
fn moves(window: &mut Window, label: &str) -> bool {
    let before = pixels(window, label).0;
    window.stay(Duration::from_millis(400));
    pixels(window, label).0 != before
}

/// A window whose camera is on and shows pictures.
fn open_live(machine: &Plugs, camera: &str) -> Window {
    machine.plug(0, camera);
    let mut window = open([1200.0, 800.0], used());
    assert!(!window.says(LIVE), "live without having been asked");
    window.click("Camera");
    window.until_said(LIVE);
    window.stay(Duration::from_millis(300));
    window
}

fn live(machine: &Plugs) {
    let mut window = open_live(machine, YUYV);
    assert_camera_shows(&mut window);
    assert!(moves(&mut window, "Sketch canvas"), "the camera's picture stands still");
    // The model of these tests turns the colours: green becomes red, blue green, red blue.
    let [left, right] = edges(&mut window, "Painting");
    assert!(left[0] > right[0] + 60 && left[2] > left[0] && left[0] > left[1], "not painted: {left:?} {right:?}");
    assert!(moves(&mut window, "Painting"), "the painting stands still");
    shoot(&mut window, "camera-live");
}

fn frozen(machine: &Plugs) {
    let mut window = open_live(machine, YUYV);
    window.click("Freeze");
    window.until("the drawing instead of the camera", |window| !window.says(LIVE));
    if !window.says("Layers tab") {
        window.click("Panel");
    }
    window.click("Layers tab");
    window.until_said("Hide Camera (frozen)");
    assert!(!window.says("Freeze"), "what is frozen can be frozen again");
    assert_camera_shows(&mut window);
    assert!(!moves(&mut window, "Sketch canvas"), "the frozen picture moves");
    shoot(&mut window, "camera-frozen");
    window.click("Hide Camera (frozen)");
    let [left, right] = edges(&mut window, "Sketch canvas");
    assert!(left == right, "the frozen picture is no layer that hides: {left:?} {right:?}");
}

fn replugged(machine: &Plugs) {
    let mut window = open_live(machine, YUYV);
    machine.unplug(0);
    let words = "The camera /dev/video0 was unplugged: plug it in again; it continues by itself.";
    window.until_said(words);
    assert!(!window.says(LIVE), "it still says live");
    let stage = window.harness.get_by_label("Sketch canvas").rect();
    assert!(stage.contains_rect(window.harness.get_by_label(words).rect()), "the sentence is not over the stage");
    assert_camera_shows(&mut window);
    assert!(!moves(&mut window, "Sketch canvas"), "a camera that is gone moves");
    shoot(&mut window, "camera-unplugged");
    machine.plug(0, YUYV);
    window.until_said(LIVE);
    assert!(!window.says("unplugged"), "the old trouble stays");
    assert!(moves(&mut window, "Sketch canvas"), "it is back and stands still");
    assert_camera_shows(&mut window);
}

fn busy(machine: &Plugs) {
    machine.plug(0, "errno=16\n");
    let mut window = open([1200.0, 800.0], used());
    window.click("Camera");
    window.until_said("The camera /dev/video0 is in use by another program: close the program that uses it");
    assert!(!window.says(LIVE));
    shoot(&mut window, "camera-busy");
    machine.plug(0, YUYV);
    window.until_said(LIVE);
    assert!(!window.says("in use by another program"), "the old trouble stays");
    assert!(moves(&mut window, "Sketch canvas"));
}

fn denied(machine: &Plugs) {
    machine.plug(0, "errno=13\n");
    let mut window = open([1200.0, 800.0], used());
    window.click("Camera");
    window.until_said("The camera /dev/video0 may not be opened by this user: allow it in");
    assert!(window.says("usermod -aG video"), "the remedy is missing");
    shoot(&mut window, "camera-denied");
    // The way back to the drawing is open.
    window.click("Draw");
    window.until("the drawing", |window| !window.says("may not be opened"));
    window.draw();
    assert!(!window.app().document().is_blank(), "no drawing after the trouble");
}

fn stalled(machine: &Plugs) {
    // Whenever it is opened it sends so many pictures and falls silent.
    let mut window = open_live(machine, "format=YUYV 640x480 30\nstall_after=30\n");
    window.until_said("The camera /dev/video0 has sent no picture for 2 s: Afterimage tries again by itself");
    assert_camera_shows(&mut window);
    shoot(&mut window, "camera-stalled");
    window.until_said(LIVE);
    assert!(!window.says("has sent no picture"), "the old trouble stays");
}

fn none_found(_machine: &Plugs) {
    let mut window = open([1200.0, 800.0], used());
    window.click("Camera");
    window.until_said("No camera was found");
    assert!(window.says("Plug one in and choose Camera again"), "the remedy is missing");
    shoot(&mut window, "camera-none");
    window.draw();
    assert!(!window.app().document().is_blank(), "no drawing without a camera");
}

fn waited_for(machine: &Plugs) {
    let camera = CameraSettings { id: "/dev/video0".into(), mirror: false };
    let source = afterimage::capture::SourceSpec::Camera { id: camera.id.clone(), mirror: false };
    let mut window = open([1200.0, 800.0], Settings { camera, source, ..used() });
    window.until_said("No camera was found: plug a camera in; it is used as soon as it is there.");
    machine.plug(5, YUYV);
    machine.plug(0, YUYV);
    window.until_said(LIVE);
    assert!(!window.says("No camera was found"), "the old trouble stays");
}

fn damaged(machine: &Plugs) {
    machine.plug(0, "format=MJPG 640x480 30\ncorrupt_every=1\n");
    let mut window = open([1200.0, 800.0], used());
    window.click("Camera");
    window.until_said("pictures of the camera /dev/video0 were damaged: try another cable");
}

fn panicking(machine: &Plugs) {
    // The builds for people have no way to make a decoder panic.
    if !cfg!(feature = "inspect") {
        return;
    }
    // Now and then: the other pictures are shown.
    let mut window = open_live(machine, "format=MJPG 640x480 30\npanic_every=2\n");
    assert!(moves(&mut window, "Sketch canvas"), "the sound pictures are not shown");
    assert!(!window.says("damaged"), "single pictures are no trouble");
    machine.unplug(0);
    window.until_said("was unplugged");
    // Each of them.
    machine.plug(0, "format=MJPG 640x480 30\npanic_every=1\n");
    window.until_said("pictures of the camera /dev/video0 were damaged: try another cable");
    machine.unplug(0);
    window.until_said("was unplugged");
    machine.plug(0, YUYV);
    window.until_said(LIVE);
    assert!(moves(&mut window, "Painting"), "nothing is painted after the panics");
}
