//! Pictures that come from outside: dropped and pasted, small and enormous; and what the keys mean between prompt and pen.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::canvas::{FittedPicture, LayerKind};
use afterimage::frame::{Frame, Size};
use afterimage::record::save_png;
use afterimage::studio::{Places, Settings, SourceState, ViewMode};
use egui::{Key, Modifiers};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::shell::{Window, open, used};

const SIZE: [f32; 2] = [1200.0, 800.0];
const BLUE: [u8; 4] = [10, 20, 250, 255];

/// A file as the system hands it to the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

impl Window {
    /// Drops a file onto the window.
    pub fn drop_file(&mut self, path: &Path) {
        self.harness.input_mut().dropped_files.push(Arc::new(Dropped(path.to_owned())));
        self.harness.step();
        self.harness.input_mut().dropped_files.clear();
    }

    /// The longest frame until the drawing has a picture layer.
    fn longest_frame_until_layer(&mut self) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let mut longest = Duration::ZERO;
        while !self.app().document().layers().iter().any(|layer| layer.kind() == LayerKind::Picture) {
            check(begun.elapsed() < Duration::from_secs(30), format!("no layer: {:?}", self.app().notices()))?;
            let frame = Instant::now();
            self.harness.step();
            longest = longest.max(frame.elapsed());
            std::thread::sleep(Duration::from_millis(4));
        }
        Ok(longest)
    }
}

fn a_dropped_file_is_a_layer() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let file = window.home.join("lake.png");
    save_png(&file, &Frame::filled(Size::new(40, 30), BLUE), &[])?;
    window.drop_file(&file);
    window.wait("layer of the file", |app| app.document().layers().len() == 2);
    let layer = &window.app().document().layers()[0];
    check((layer.name(), layer.kind()) == ("lake.png", LayerKind::Picture), format!("{layer:?}"))?;
    // The empty canvas took its shape.
    check(window.app().document().size() == Size::new(256, 192), format!("{}", window.app().document().size()))?;
    check(window.app().document().pick(250.0, 5.0) == Some([10, 20, 250]), "it does not cover the canvas")?;
    window.wait("painting of it", |app| app.picture().is_some_and(|p| p.frame.pixel(5, 5)[..3] == [20, 250, 10]));
    window.key(Modifiers::COMMAND, Key::Z);
    check(window.app().document().layers().len() == 1, "dropping cannot be undone")
}

/// What lies on the canvas already is not stretched; the picture is cut, and that is said.
fn a_picture_of_another_shape_is_cut_and_says_so() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    let file = window.home.join("lake.png");
    save_png(&file, &Frame::filled(Size::new(40, 30), BLUE), &[])?;
    window.drop_file(&file);
    window.wait("layer of the file", |app| app.document().layers().len() == 2);
    check(window.app().document().size() == Size::square(512), "the drawing has another size")?;
    check(window.says("was cut to the shape of the canvas"), format!("{:?}", window.texts()))
}

fn layers_that_cover_a_live_picture_are_named() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    window.click("Pattern");
    window.harness.run_steps(3);
    check(!window.says("cover the live picture"), "a stroke covers nothing")?;
    window.click("Draw");
    let file = window.home.join("lake.png");
    save_png(&file, &Frame::filled(Size::square(64), BLUE), &[])?;
    window.drop_file(&file);
    window.wait("layer of the file", |app| app.document().layers().len() == 2);
    window.click("Pattern");
    window.until_said("Your layers cover the live picture");
    window.click("Hide what covers it");
    window.wait("the layer hidden", |app| !app.document().layers()[0].is_visible());
    check(window.app().document().layers()[1].is_visible(), "the ink was hidden, too")
}

/// Taking the prompt and the numbers of a painting leaves all else as it is: the size of the next one, and the line of the wipe.
fn a_recipe_is_prompt_and_numbers_alone() -> Result<(), Failed> {
    let mut settings = Settings { canvas: Size::new(1024, 100), ..used() };
    (settings.window.view, settings.window.divider) = (ViewMode::Wipe, 0.05);
    let mut window = open(SIZE, settings);
    window.wait("painting", |app| app.picture().is_some());
    window.key(Modifiers::COMMAND, Key::S);
    window.wait("word about the file", |app| !app.notices().is_empty());
    let file = Places::below(window.home.clone()).pictures.join("house-3d-42.png");
    window.drop_file(&file);
    window.wait("layer of the painting", |app| app.document().layers().len() == 2);
    let rest = |window: &Window| (window.app().settings().params.size, window.app().settings().window.clone());
    let before = rest(&window);
    check(before.0.height < 64 && before.1.divider == 0.05, format!("{before:?}"))?;
    window.click("Take prompt and numbers");
    check(rest(&window) == before, format!("{before:?} became {:?}", rest(&window)))
}

fn what_is_no_picture_is_said() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let file = window.home.join("notes.txt");
    std::fs::write(&file, "milk, eggs")?;
    window.drop_file(&file);
    window.wait("word about the file", |app| app.notices().iter().any(|text| text.contains("notes.txt")));
    check(window.app().document().layers().len() == 1, "it became a layer")
}

/// The frame that takes a huge picture must be far shorter than fitting it takes.
fn a_huge_picture_does_not_stop_the_window() -> Result<(), Failed> {
    let size = Size::new(7000, 6000);
    let picture = Frame::filled(size, BLUE);
    let begun = Instant::now();
    let fitted = FittedPicture::covering(&picture, Size::square(512));
    let fitting = begun.elapsed();
    check(fitted.size() == Size::square(512), "not fitted")?;
    let longest = best_of_three(|| {
        let mut window = open(SIZE, used());
        let file = window.home.join("huge.png");
        save_png(&file, &picture, &[])?;
        window.drop_file(&file);
        window.longest_frame_until_layer()
    })?;
    check(longest < fitting / 2, format!("dropping: a frame took {longest:?}, fitting takes {fitting:?}"))?;
    let longest = best_of_three(|| {
        let mut window = open(SIZE, used());
        let pixel = egui::Color32::from_rgb(BLUE[0], BLUE[1], BLUE[2]);
        let image = egui::ColorImage::filled([size.width as usize, size.height as usize], pixel);
        window.harness.event(egui::Event::PasteImage(Arc::new(image)));
        window.longest_frame_until_layer()
    })?;
    check(longest < fitting / 2, format!("pasting: a frame took {longest:?}, fitting takes {fitting:?}"))
}

/// The shortest of three: a machine that is busy with something else delays one of them, work on the window's thread all.
fn best_of_three(mut longest: impl FnMut() -> Result<Duration, Failed>) -> Result<Duration, Failed> {
    let times = [longest()?, longest()?, longest()?];
    Ok(times.into_iter().min().unwrap_or_default())
}

fn undo_after_typing_and_drawing_undoes_ink() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.type_prompt("red apple");
    window.draw();
    check(!window.app().document().is_blank(), "no ink")?;
    window.key(Modifiers::COMMAND, Key::Z);
    check(window.app().document().is_blank(), "Ctrl+Z left the ink")?;
    let prompt = &window.app().settings().params.prompt;
    check(prompt == "red apple", format!("Ctrl+Z made the prompt “{prompt}”"))?;
    // In the prompt the key is the prompt's.
    window.draw();
    window.type_prompt("blue fish");
    window.key(Modifiers::COMMAND, Key::Z);
    check(!window.app().document().is_blank(), "Ctrl+Z in the prompt took ink away")?;
    let prompt = &window.app().settings().params.prompt;
    check(prompt != "blue fish", "Ctrl+Z in the prompt does nothing")
}

fn the_painting_is_copied_and_in_the_prompt_the_text() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    window.wait("painting", |app| app.picture().is_some());
    let image = copied(&mut window).ok_or("nothing was copied")?;
    let painting = window.app().picture().map(|picture| picture.frame.clone());
    let painting = painting.ok_or("the painting is gone")?;
    check(image.size.map(|side| side as u32) == [painting.size().width, painting.size().height], "another size")?;
    let pixels: Vec<u8> = image.pixels.iter().flat_map(egui::Color32::to_srgba_unmultiplied).collect();
    check(pixels == painting.pixels(), "other pixels")?;
    window.type_prompt("red apple");
    check(copied(&mut window).is_none(), "in the prompt the key is the prompt's")
}

/// What the copy key puts onto the clipboard.
fn copied(window: &mut Window) -> Option<egui::ColorImage> {
    window.harness.event(egui::Event::Copy);
    window.harness.step();
    window.harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyImage(image) => Some(image.clone()),
        _ => None,
    })
}

fn the_painting_becomes_a_layer_to_draw_on() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.click("Pattern");
    window.draw();
    window.wait("a painting of the pattern", |app| {
        app.picture().is_some_and(|picture| picture.frame.pixels().chunks_exact(4).any(|pixel| pixel[0] != pixel[1]))
    });
    window.key(Modifiers::COMMAND, Key::J);
    window.wait("its layer", |app| app.document().layers().len() == 2);
    window.wait("the drawing", |app| app.studio().snapshot().source == SourceState::Drawing);
    let document = window.app().document();
    let top = document.layers().last().unwrap();
    check(top.name() == "Painting" && document.active() == top.id(), "one draws elsewhere")?;
    // What is drawn now lies over it.
    let size = document.size();
    let (x, y) = (size.width as f32 / 2.0, size.height as f32 / 2.0);
    let painted = document.pick(x, y);
    window.draw();
    check(window.app().document().pick(x, y) != painted, "the stroke lies under it")?;
    window.click("Undo");
    check(window.app().document().pick(x, y) == painted, "the stroke cannot be taken back")?;
    window.click("Undo");
    check(window.app().document().layers().len() == 1, "the painting cannot be taken back")?;
    // A key that is held puts no layer upon the other.
    let (key, modifiers) = (Key::J, Modifiers::COMMAND);
    for _ in 0..4 {
        window.harness.event(egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
        window.stay(Duration::from_millis(100));
    }
    let layers = window.app().document().layers().len();
    check(layers == 2, format!("{layers} layers from a key that is held"))
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("gifts::the_painting_becomes_a_layer_to_draw_on", the_painting_becomes_a_layer_to_draw_on),
        test(
            "gifts::the_painting_is_copied_and_in_the_prompt_the_text",
            the_painting_is_copied_and_in_the_prompt_the_text,
        ),
        test("gifts::a_dropped_file_is_a_layer", a_dropped_file_is_a_layer),
        test("gifts::a_picture_of_another_shape_is_cut_and_says_so", a_picture_of_another_shape_is_cut_and_says_so),
        test("gifts::layers_that_cover_a_live_picture_are_named", layers_that_cover_a_live_picture_are_named),
        test("gifts::a_recipe_is_prompt_and_numbers_alone", a_recipe_is_prompt_and_numbers_alone),
        test("gifts::what_is_no_picture_is_said", what_is_no_picture_is_said),
        test("gifts::a_huge_picture_does_not_stop_the_window", a_huge_picture_does_not_stop_the_window),
        test("gifts::undo_after_typing_and_drawing_undoes_ink", undo_after_typing_and_drawing_undoes_ink),
    ]
}
