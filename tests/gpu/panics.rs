//! A mistake somewhere inside is a sentence in the window, and the next input is painted. What is broken here ends in the
//! words that hit the program's failpoint for tests.

use std::path::Path;

use afterimage::capture::SourceSpec;
use afterimage::frame::{Frame, Size};
use afterimage::record::save_png;
use afterimage::studio::Settings;
use libtest_mimic::{Completion, Failed, Trial};

use crate::adapter::{check, missing};
use crate::shell::{Window, fresh_home, open_at, start_at, used};

const SIZE: [f32; 2] = [1200.0, 800.0];
/// `frame::TRIGGER`, which only builds with `inspect` have.
const TRIGGER: &[u8; 16] = b"a test of panics";
/// What the failpoint says.
const WORDS: &str = "the failpoint was hit";

/// A picture at which a decoder panics.
fn write_undecodable(file: &Path) {
    save_png(file, &Frame::filled(Size::square(32), [10, 20, 250, 255]), &[]).unwrap();
    let mut bytes = std::fs::read(file).unwrap();
    bytes.extend_from_slice(TRIGGER);
    std::fs::write(file, bytes).unwrap();
}

/// A picture that can be decoded and at which the mixer panics.
fn write_unmixable(file: &Path) {
    let mut pixels = [10, 20, 250, 255].repeat(32 * 32);
    let end = pixels.len() - TRIGGER.len();
    pixels[end..].copy_from_slice(TRIGGER);
    save_png(file, &Frame::new(Size::square(32), pixels).unwrap(), &[]).unwrap();
}

fn write_sound(file: &Path) {
    save_png(file, &Frame::filled(Size::new(50, 40), [250, 20, 10, 255]), &[]).unwrap();
}

/// A window whose source is the picture that `write` makes.
fn open_source(write: fn(&Path)) -> Window {
    let home = fresh_home();
    std::fs::create_dir_all(&home).unwrap();
    let path = home.join("source.png");
    write(&path);
    // There is a first picture only if one is painted before the source is there.
    start_at(home, SIZE, Settings { source: SourceSpec::Picture { path }, ..used() })
}

/// A sound picture takes the broken one's place and is painted.
fn goes_on(window: &mut Window) -> Result<(), Failed> {
    write_sound(&window.home.join("source.png"));
    window.until_said("source 50 × 40");
    // Ink may be painted before the picture comes.
    window.until("a painting of the sound picture", |window| {
        let pixel = window.app().picture().map(|picture| picture.frame.pixel(9, 9));
        // The model of these tests turns the colours.
        pixel == Some([20, 10, 250, 255])
    });
    Ok(())
}

fn a_decoder_that_panics() -> Result<(), Failed> {
    let mut window = open_source(write_undecodable);
    window.until_said(WORDS);
    check(window.says("source.png"), "the file is not named")?;
    window.draw();
    goes_on(&mut window)?;
    check(!window.says(WORDS), "the old trouble stays")
}

fn a_mixer_that_panics() -> Result<(), Failed> {
    let mut window = open_source(write_unmixable);
    window.until_said(&format!("The picture could not be put together: {WORDS}"));
    goes_on(&mut window)?;
    let before = window.asked.painted();
    window.draw();
    window.until("a painting of the stroke", |window| window.asked.painted() > before);
    Ok(())
}

fn a_dropped_file_that_panics() -> Result<(), Failed> {
    let mut window = open_at(fresh_home(), SIZE, used());
    let (broken, sound) = (window.home.join("broken.png"), window.home.join("sound.png"));
    write_undecodable(&broken);
    write_sound(&sound);
    window.drop_file(&broken);
    window.until_said(WORDS);
    check(window.says("broken.png"), "the file is not named")?;
    window.drop_file(&sound);
    window.until("a layer", |window| window.app().document().layers().len() == 2);
    Ok(())
}

fn trial(name: &str, run: fn() -> Result<(), Failed>) -> Trial {
    Trial::ignorable_test(format!("panics::{name}"), move || {
        if !cfg!(feature = "inspect") {
            return Ok(Completion::ignored_with("the failpoint needs the feature inspect"));
        }
        match missing() {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => run().map(|()| Completion::Completed),
        }
    })
}

pub fn tests() -> Vec<Trial> {
    vec![
        trial("a_decoder_that_panics", a_decoder_that_panics),
        trial("a_mixer_that_panics", a_mixer_that_panics),
        trial("a_dropped_file_that_panics", a_dropped_file_that_panics),
    ]
}
