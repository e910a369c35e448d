//! Drawings with layers: saved, opened again, and what is asked before one takes the place of another. The model is a fake.

use std::path::{Path, PathBuf};

use afterimage::canvas::{Backdrop, Document, LayerKind};
use afterimage::frame::{self, Frame, Size};
use afterimage::record::{LayeredPicture, PictureLayer, save_ora, save_png};
use afterimage::studio::{Places, Settings};
use egui::{Key, Modifiers};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::keeping::{asks, close, hang, saved, says};
use crate::rooms::shoot;
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1200.0, 800.0];
const CTRL: Modifiers = Modifiers::COMMAND;

/// All that can be seen of a drawing's layers, from bottom to top.
fn layers(document: &Document) -> Vec<String> {
    let all = document.layers().iter().map(|layer| {
        let (plain, active) = (layer.plain(), layer.id() == document.active());
        let pixels = plain.frame.map(|frame| {
            let seen = frame.pixels().as_chunks::<4>().0.iter().enumerate().filter(|(_, pixel)| pixel[3] > 0);
            seen.fold(0_u64, |sum, (at, pixel)| {
                sum.wrapping_mul(31) ^ u64::from(u32::from_le_bytes(*pixel)) ^ at as u64
            })
        });
        let on = (plain.name, plain.kind, plain.visible, plain.opacity, pixels, plain.at);
        format!("{on:?} {active}")
    });
    all.chain([format!("on {:?}", document.background())]).collect()
}

/// A window with a picture, ink, and hidden ink, all of which differ, each on a layer of its own.
fn drawn(settings: Settings) -> Window {
    let mut window = open(SIZE, Settings { canvas: Size::new(320, 256), ..settings });
    let picture = window.home.join("lake.png");
    save_png(&picture, &Frame::filled(Size::new(320, 256), [0, 90, 200, 255]), &[]).unwrap();
    window.drop_file(&picture);
    window.wait("layer of the file", |app| app.document().layers().len() == 2);
    window.draw();
    window.click("Layers tab");
    window.click("New layer");
    window.key(Modifiers::NONE, Key::X);
    window.draw();
    window.click("Hide Ink 1");
    window
}

fn until_saved(window: &mut Window) {
    window.wait("word about the file", |app| says(app, "Saved"));
}

fn its_file(window: &Window, name: &str) -> PathBuf {
    Places::below(window.home.clone()).pictures.join(name)
}

fn drop_and_wait(window: &mut Window, file: &Path, layers: usize) {
    window.drop_file(file);
    window.wait("the layers of the file", |app| app.document().layers().len() == layers && !app.document().is_blank());
}

fn layers_survive_saving() -> Result<(), Failed> {
    let mut window = drawn(used());
    let before = layers(window.app().document());
    let look = window.app().document().frame(Backdrop::Document);
    window.key(CTRL, Key::D);
    until_saved(&mut window);
    check(!says(window.app(), "without the hidden"), format!("{:?}", window.app().notices()))?;
    let file = its_file(&window, "house-3d-drawing.ora");
    check(saved(&window) == [file.clone()], format!("{:?}", saved(&window)))?;
    check(close(&mut window), "it asks although all is saved, hidden layers too")?;
    // Another window, whose canvas is of another size.
    let mut other = open(SIZE, used());
    drop_and_wait(&mut other, &file, 3);
    let after = layers(other.app().document());
    check(after == before, format!("{before:#?} became {after:#?}"))?;
    let document = other.app().document();
    check(
        document.size() == Size::new(320, 256) && document.layers()[0].kind() == LayerKind::Picture,
        "another canvas",
    )?;
    check(document.frame(Backdrop::Document).pixels() == look.pixels(), "it looks otherwise")?;
    check(other.app().settings().canvas == Size::new(320, 256), "the size is not kept")?;
    check(close(&mut other), "what was only opened asks")?;
    // Its file is the drawing's file: what is drawn is not in it yet, and then is.
    other.draw();
    check(!close(&mut other) && asks(&other), "ink on an opened drawing does not ask")?;
    shoot(&mut other, "question-layers");
    check(other.says("Save writes all layers to"), format!("{:?}", other.texts()))?;
    other.key(Modifiers::NONE, Key::Escape);
    let now = layers(other.app().document());
    check(now != before, "nothing was drawn")?;
    other.key(CTRL, Key::D);
    until_saved(&mut other);
    check(saved(&other).is_empty(), format!("it went elsewhere: {:?}", saved(&other)))?;
    let mut third = open(SIZE, used());
    drop_and_wait(&mut third, &file, 3);
    check(layers(third.app().document()) == now, "the ink is not in the file")
}

fn an_opened_drawing_takes_the_place_of_an_unsaved_one_only_after_asking() -> Result<(), Failed> {
    let mut window = drawn(used());
    window.key(CTRL, Key::D);
    until_saved(&mut window);
    let file = its_file(&window, "house-3d-drawing.ora");
    let mut other = open(SIZE, used());
    other.draw();
    let mine = layers(other.app().document());
    let question = |other: &mut Window| {
        other.drop_file(&file);
        other.until_said("The drawing that you open takes the place of this one");
    };
    question(&mut other);
    shoot(&mut other, "question-open");
    other.click("Cancel");
    check(layers(other.app().document()) == mine && !asks(&other), "Cancel does not keep the drawing")?;
    question(&mut other);
    other.click("Save");
    other.wait("the layers of the file", |app| app.document().layers().len() == 3);
    // One layer has no more to lose than its background.
    let flat = its_file(&other, "house-3d-drawing.png");
    check(saved(&other) == [flat.clone()] && frame::open(&flat).is_ok(), format!("{:?}", saved(&other)))?;
    check(!asks(&other) && close(&mut other), "what was opened asks")?;
    other.key(CTRL, Key::Z);
    check(other.app().document().layers().len() == 3, "opening another drawing is no step back")
}

fn a_drawing_that_gets_layers_gets_a_file_with_layers() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    window.key(CTRL, Key::D);
    until_saved(&mut window);
    let flat = its_file(&window, "house-3d-drawing.png");
    let before = std::fs::read(&flat)?;
    window.click("Layers tab");
    window.click("New layer");
    window.key(Modifiers::NONE, Key::X);
    window.draw();
    let two = layers(window.app().document());
    check(!close(&mut window) && window.says("Save writes all layers to"), format!("{:?}", window.texts()))?;
    window.click("Save");
    let file = its_file(&window, "house-3d-drawing.ora");
    window.until("the file with layers", |window| saved(window).contains(&file) && !asks(window));
    check(std::fs::read(&flat)? == before, "the flat file is another")?;
    let mut other = open(SIZE, used());
    drop_and_wait(&mut other, &file, 2);
    check(layers(other.app().document()) == two, "other layers")
}

/// While the disk hangs after a flat file, a layer is added and saved twice: both go into one file of their own.
fn layers_saved_while_a_flat_file_is_written_are_in_a_file_of_their_own() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Layers tab");
    hang(&mut window);
    window.click("New layer");
    window.key(Modifiers::NONE, Key::X);
    for _ in 0..2 {
        window.draw();
        window.key(CTRL, Key::D);
    }
    window.disk.open();
    let file = its_file(&window, "house-3d-drawing.ora");
    window.wait("word about the file", |app| says(app, "drawing.ora"));
    window.stay(std::time::Duration::from_millis(300));
    check(
        saved(&window) == [file.clone(), its_file(&window, "house-3d-drawing.png")],
        format!("{:?}", saved(&window)),
    )?;
    check(close(&mut window), "all is saved and it asks")?;
    let mut other = open(SIZE, used());
    drop_and_wait(&mut other, &file, 2);
    check(layers(other.app().document()) == layers(window.app().document()), "an older state was saved last")
}

fn left_out_backgrounds_come_back() -> Result<(), Failed> {
    let mut settings = used();
    (settings.transparent, settings.tools.background) = (true, [10, 200, 30]);
    let mut window = drawn(settings);
    window.key(CTRL, Key::D);
    until_saved(&mut window);
    let mut other = open(SIZE, used());
    drop_and_wait(&mut other, &its_file(&window, "house-3d-drawing.ora"), 3);
    let background = other.app().document().background();
    check(background == [10, 200, 30], format!("{background:?}"))
}

/// What another program made with more than our layers can be is not overwritten.
fn a_drawing_that_looks_otherwise_here_keeps_its_file() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let file = window.home.join("theirs.ora");
    let sheet = |name: &str| PictureLayer {
        name: name.into(),
        drawn: true,
        visible: true,
        opacity: 1.0,
        frame: Some(Frame::filled(Size::square(64), [9, 8, 7, 255])),
        at: (0, 0),
    };
    let layers = vec![sheet("Paper"), sheet("Shade")];
    let theirs = LayeredPicture { size: Size::square(64), background: None, transparent: false, layers, active: None };
    save_ora(&file, &theirs, &Frame::filled(Size::square(64), [9, 8, 7, 255]))?;
    // The page can be changed where it lies, for it is stored as it is; the checksum is still that of the page before.
    let bytes = std::fs::read(&file)?;
    let at = bytes.windows(12).position(|part| part == b"svg:src-over").ok_or("no blending")?;
    let mut damaged = bytes.clone();
    damaged[at..at + 12].copy_from_slice(b"svg:multiply");
    std::fs::write(&file, &damaged)?;
    window.drop_file(&file);
    window.wait("word about the damage", |app| says(app, "theirs.ora"));
    check(window.app().document().is_blank(), "a damaged file was opened")?;
    std::fs::write(&file, mended(&damaged))?;
    drop_and_wait(&mut window, &file, 2);
    let said = "“Shade” is blended by “svg:multiply”";
    check(says(window.app(), said), format!("{:?}", window.app().notices()))?;
    check(close(&mut window), "what was only opened asks")?;
    let before = std::fs::read(&file)?;
    window.draw();
    window.key(CTRL, Key::D);
    until_saved(&mut window);
    check(std::fs::read(&file)? == before, "it was overwritten")?;
    check(saved(&window) == [its_file(&window, "house-3d-drawing.ora")], format!("{:?}", saved(&window)))
}

/// The same archive with the checksum of `stack.xml` put right, in both places where it stands.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let named = |begin: &[u8], name_at: usize| {
        let is = |at: &usize| bytes[*at..].starts_with(begin) && bytes[at + name_at..].starts_with(b"stack.xml");
        (0..bytes.len() - 64).find(is).unwrap()
    };
    let (local, listed) = (named(b"PK\x03\x04", 30), named(b"PK\x01\x02", 46));
    let length = number(&bytes, listed + 24) as usize;
    let crc = bytes[local + 39..local + 39 + length].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    for at in [local + 14, listed + 16] {
        bytes[at..at + 4].copy_from_slice(&(!crc).to_le_bytes());
    }
    bytes
}

fn what_is_no_layered_drawing_is_said() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for (name, bytes) in [("notes.ora", &b"milk, eggs"[..]), ("empty.ora", b"")] {
        let file = window.home.join(name);
        std::fs::write(&file, bytes)?;
        window.drop_file(&file);
        window.wait("word about the file", |app| says(app, name) && says(app, "is no layered drawing"));
    }
    check(window.app().document().is_blank() && !asks(&window), "something took the drawing's place")
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("layered::layers_survive_saving", layers_survive_saving),
        test(
            "layered::an_opened_drawing_takes_the_place_of_an_unsaved_one_only_after_asking",
            an_opened_drawing_takes_the_place_of_an_unsaved_one_only_after_asking,
        ),
        test(
            "layered::a_drawing_that_gets_layers_gets_a_file_with_layers",
            a_drawing_that_gets_layers_gets_a_file_with_layers,
        ),
        test(
            "layered::layers_saved_while_a_flat_file_is_written_are_in_a_file_of_their_own",
            layers_saved_while_a_flat_file_is_written_are_in_a_file_of_their_own,
        ),
        test("layered::left_out_backgrounds_come_back", left_out_backgrounds_come_back),
        test(
            "layered::a_drawing_that_looks_otherwise_here_keeps_its_file",
            a_drawing_that_looks_otherwise_here_keeps_its_file,
        ),
        test("layered::what_is_no_layered_drawing_is_said", what_is_no_layered_drawing_is_said),
    ]
}
