//! Recordings, from the button to the card that tells where the video is.

use std::path::PathBuf;
use std::time::Duration;

use afterimage::studio::{Filmed, Places, Timing};
use egui::{Key, Modifiers};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1200.0, 800.0];

fn video(window: &Window, name: &str) -> PathBuf {
    Places::below(window.home.clone()).pictures.join(name)
}

fn is_recording(window: &Window) -> bool {
    window.app().studio().snapshot().recording.is_some()
}

/// Waits for a recording that has a picture in it.
fn wait_for_film(window: &mut Window) {
    window.until("a recording", is_recording);
    window.wait("a painting", |app| app.picture().is_some());
    window.draw();
    window.stay(Duration::from_millis(200));
}

fn wait_for_card(window: &mut Window, words: &str) {
    window.wait(words, |app| app.notices().iter().any(|text| text.contains(words)));
}

fn the_button_records_and_stops() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    window.click("Record");
    wait_for_film(&mut window);
    check(window.texts().iter().any(|text| text.contains("recording 0:00")), "the status line does not tell")?;
    check(!window.says("Record") && window.says("Stop recording"), "the button does not tell")?;
    window.click("Stop recording");
    wait_for_card(&mut window, "house-3d.mp4 (0:00)");
    check(window.says("Record") && !is_recording(&window), "it goes on")?;
    let bytes = std::fs::read(video(&window, "house-3d.mp4"))?;
    check(&bytes[4..8] == b"ftyp" && bytes.len() > 1000, format!("no video: {} bytes", bytes.len()))
}

fn the_keys_do_too_and_each_recording_has_its_own_file() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for name in ["house-3d.mp4", "house-3d-2.mp4"] {
        window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::R);
        wait_for_film(&mut window);
        window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::R);
        wait_for_card(&mut window, name);
        check(std::fs::metadata(video(&window, name))?.len() > 1000, name)?;
    }
    check(window.app().settings().params.prompt == used().params.prompt, "it is the key of the random prompt")
}

/// Wished for and taken back before there was a place: neither a video nor an empty file, and no word.
fn a_wish_that_is_taken_back_leaves_nothing() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.wait("first picture", |app| app.picture().is_some());
    let modifiers = Modifiers::COMMAND | Modifiers::SHIFT;
    // In one frame, before any place can be found; the last is wanted.
    for presses in [2, 3] {
        for _ in 0..presses {
            for pressed in [true, false] {
                let event = egui::Event::Key { key: Key::R, physical_key: None, pressed, repeat: false, modifiers };
                window.harness.input_mut().events.push(event);
            }
            window.harness.step();
        }
        window.stay(Duration::from_millis(300));
        check(is_recording(&window) == (presses == 3), format!("not what {presses} presses mean"))?;
    }
    window.click("Stop recording");
    wait_for_card(&mut window, "Recorded");
    check(window.app().notices().len() == 1, format!("{:?}", window.app().notices()))?;
    let files = std::fs::read_dir(Places::below(window.home.clone()).pictures)?.count();
    check(files == 1, format!("{files} files"))
}

fn a_folder_that_cannot_be_made_is_told() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let pictures = Places::below(window.home.clone()).pictures;
    std::fs::remove_dir_all(&pictures).ok();
    std::fs::create_dir_all(pictures.parent().ok_or("no folder above")?)?;
    std::fs::write(&pictures, b"a file in its place")?;
    window.click("Record");
    wait_for_card(&mut window, "cannot be made");
    check(window.says("Record") && !is_recording(&window), "the button stays pressed")
}

fn what_it_shows_and_how_time_goes_is_chosen_in_the_menu() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Save and open");
    let chosen = |window: &Window| {
        let recording = &window.app().settings().recording;
        (recording.shows, recording.timing)
    };
    check(chosen(&window) == (Filmed::Both, Timing::AsItWas), "not the usual choice")?;
    for (label, wanted) in [
        ("Record the painting", (Filmed::Painting, Timing::AsItWas)),
        ("Time lapse", (Filmed::Painting, Timing::TimeLapse)),
        ("Without pauses", (Filmed::Painting, Timing::WithoutPauses)),
        ("Record both", (Filmed::Both, Timing::WithoutPauses)),
        ("Time as it is", (Filmed::Both, Timing::AsItWas)),
    ] {
        window.click(label);
        check(chosen(&window) == wanted, label)?;
    }
    window.click("Record a video Ctrl+Shift+R");
    wait_for_film(&mut window);
    Ok(())
}

fn a_key_that_is_held_records_once() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let modifiers = Modifiers::COMMAND | Modifiers::SHIFT;
    for _ in 0..4 {
        // egui tells by itself that it repeats.
        let event = egui::Event::Key { key: Key::R, physical_key: None, pressed: true, repeat: false, modifiers };
        window.harness.input_mut().events.push(event);
        window.harness.step();
    }
    wait_for_film(&mut window);
    check(is_recording(&window), "it ended again")?;
    check(window.app().settings().params == used().params, "the repeated key was another one")
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("recording::the_button_records_and_stops", the_button_records_and_stops),
        test("recording::each_has_its_own_file", the_keys_do_too_and_each_recording_has_its_own_file),
        test("recording::taken_back", a_wish_that_is_taken_back_leaves_nothing),
        test("recording::no_folder", a_folder_that_cannot_be_made_is_told),
        test("recording::menu", what_it_shows_and_how_time_goes_is_chosen_in_the_menu),
        test("recording::held_key", a_key_that_is_held_records_once),
    ]
}
