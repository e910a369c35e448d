//! New drawings, saving them, and what is asked before one is thrown away. The model is a fake.

use std::path::PathBuf;

use afterimage::canvas::Backdrop;
use afterimage::frame::{self, Frame, Size};
use afterimage::gui::App;
use afterimage::record::{self, LayeredPicture, PictureLayer};
use afterimage::studio::{PanelTab, Places, Settings, Tool};
use egui::{Key, Modifiers, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::rooms::shoot;
use crate::shell::{Window, fresh_home, open, open_at, used};

const SIZE: [f32; 2] = [1200.0, 800.0];
const QUESTION: &str = "Save your drawing?";
const CTRL: Modifiers = Modifiers::COMMAND;

/// Asks the window to close, as the system does; whether it goes.
pub fn close(window: &mut Window) -> bool {
    let info = window.harness.input_mut().viewports.entry(ViewportId::ROOT).or_default();
    info.events.push(ViewportEvent::Close);
    window.harness.step();
    window.harness.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
    let goes = !commands(window).contains(&ViewportCommand::CancelClose);
    window.harness.step();
    goes
}

/// What the last frame told the system.
fn commands(window: &Window) -> Vec<ViewportCommand> {
    window.harness.output().viewport_output[&ViewportId::ROOT].commands.clone()
}

pub fn asks(window: &Window) -> bool {
    window.harness.query_by_label(QUESTION).is_some()
}

/// The files in the pictures folder, by name.
pub fn saved(window: &Window) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(Places::below(window.home.clone()).pictures) else { return Vec::new() };
    let mut files: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub fn says(app: &App, text: &str) -> bool {
    app.notices().iter().any(|notice| notice.contains(text))
}

fn new_drawing(window: &mut Window, choices: &[&str]) {
    window.key(CTRL, Key::N);
    for choice in choices {
        window.click(choice);
    }
    window.click("Create");
}

fn a_new_drawing_has_the_chosen_size() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    check(window.app().document().size() == Size::square(512), "it does not begin at 512")?;
    for (choices, canvas, painting) in [
        (["Landscape", "2048 pixels"], Size::new(2048, 1536), Size::new(256, 192)),
        (["Tall", "1024 pixels"], Size::new(576, 1024), Size::new(144, 256)),
        (["Square", "256 pixels"], Size::square(256), Size::square(256)),
    ] {
        new_drawing(&mut window, &choices);
        let got = window.app().document().size();
        check(got == canvas, format!("{choices:?} gave {got}"))?;
        window.wait("painting of the canvas's shape", |app| app.picture().is_some_and(|p| p.frame.size() == painting));
        // What went to the engine, and not only what it was told to paint, has the painting's size.
        let asked = window.asked.newest().map(|params| params.size);
        check(asked == Some(painting), format!("the engine was asked for {asked:?}"))?;
        check(window.app().settings().canvas == canvas, "the size is not kept")?;
    }
    Ok(())
}

fn the_size_is_kept_between_starts() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    new_drawing(&mut window, &["Portrait", "768 pixels"]);
    window.harness.run_steps(70);
    let file = Places::below(window.home.clone()).settings();
    window.wait("settings on disk", |_| std::fs::read_to_string(&file).is_ok_and(|text| text.contains("[canvas]")));
    let (settings, notice) = Settings::read(&file);
    check(notice.is_none() && settings.canvas == Size::new(576, 768), format!("{:?} was kept", settings.canvas))?;
    let again = open(SIZE, settings);
    let size = again.app().document().size();
    check(size == Size::new(576, 768), format!("it begins again at {size}"))?;
    let painted = again.app().picture().map(|picture| picture.frame.size());
    check(painted == Some(Size::new(192, 256)), format!("painted at {painted:?}"))
}

fn the_same_size_is_two_keys_away() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    new_drawing(&mut window, &["Wide", "1024 pixels"]);
    let width = window.app().settings().tools.diameter_px;
    check(width == 48.0, format!("the brush is {width} wide on a canvas twice as large"))?;
    window.type_prompt("apple");
    window.key(CTRL, Key::N);
    check(window.harness.query_by_label("Create").is_some(), "Ctrl+N does nothing while the prompt listens")?;
    shoot(&mut window, "new-drawing");
    window.key(Modifiers::NONE, Key::Enter);
    check(window.harness.query_by_label("Create").is_none(), "Enter does not create")?;
    check(window.app().document().size() == Size::new(1024, 576), "another size")?;
    check(window.app().settings().tools.diameter_px == width, "the brush changed")
}

fn a_card_keeps_the_keys() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    window.key(CTRL, Key::N);
    for key in [Key::Delete, Key::E, Key::Plus] {
        window.key(Modifiers::NONE, key);
    }
    window.key(CTRL, Key::Z);
    check(!window.app().document().is_blank(), "a key reached the drawing under the card")?;
    check(window.app().settings().tools.tool == Tool::Brush, "a key reached the tools under the card")?;
    window.draw();
    check(window.app().document().strokes().len() <= 1, "the pointer drew under the card")?;
    if window.harness.query_by_label("Create").is_some() {
        window.key(Modifiers::NONE, Key::Escape);
    }
    check(window.harness.query_by_label("Create").is_none(), "Escape does not put the card away")?;
    window.key(Modifiers::NONE, Key::E);
    check(window.app().settings().tools.tool == Tool::Eraser, "the keys do not come back")
}

fn a_drawing_that_is_not_saved_is_asked_about() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    new_drawing(&mut window, &["256 pixels"]);
    check(asks(&window), "nobody asked")?;
    check(!window.app().document().is_blank(), "the drawing is gone before the answer")?;
    shoot(&mut window, "question-new");
    window.click("Cancel");
    check(!asks(&window) && !window.app().document().is_blank(), "Cancel does not keep the drawing")?;
    new_drawing(&mut window, &["256 pixels"]);
    window.click("Discard");
    check(window.app().document().is_blank(), "Discard keeps the drawing")?;
    check(window.app().document().size() == Size::square(256) && saved(&window).is_empty(), "not what was asked")?;
    window.draw();
    new_drawing(&mut window, &["512 pixels"]);
    window.click("Save");
    window.wait("new canvas after saving", |app| app.document().size() == Size::square(512));
    check(window.app().document().is_blank() && !asks(&window), "it is not a new drawing")?;
    let files = saved(&window);
    check(files.len() == 1, format!("{files:?}"))?;
    check(frame::open(&files[0]).unwrap().size() == Size::square(256), "another picture was saved")
}

fn closing_asks_only_when_something_would_be_lost() -> Result<(), Failed> {
    let mut sample = open(SIZE, Settings::default());
    check(sample.app().document().is_sample() && close(&mut sample), "the untouched sample asks")?;
    let mut window = open(SIZE, used());
    check(close(&mut window), "an empty canvas asks")?;
    window.draw();
    check(!close(&mut window) && asks(&window), "ink is thrown away without a question")?;
    shoot(&mut window, "question-close");
    check(!close(&mut window) && asks(&window), "a second try gets through")?;
    window.key(Modifiers::NONE, Key::Escape);
    check(!asks(&window) && !window.app().document().is_blank(), "Escape is not Cancel")?;
    window.key(CTRL, Key::Z);
    check(close(&mut window), "there is nothing left to lose after undo")?;
    window.key(CTRL | Modifiers::SHIFT, Key::Z);
    window.key(CTRL, Key::D);
    window.wait("word about the file", |app| says(app, "Saved"));
    check(close(&mut window), "a saved drawing asks")?;
    window.draw();
    check(!close(&mut window), "changes after saving do not ask")?;
    window.key(Modifiers::NONE, Key::Escape);
    window.key(CTRL, Key::Z);
    check(close(&mut window), "back at what was saved, it asks")?;
    window.draw();
    window.key(Modifiers::NONE, Key::Delete);
    check(close(&mut window), "a canvas that was cleared asks")
}

/// Presses `answer` and sees whether the window closes.
fn closes_after(window: &mut Window, answer: &str) -> bool {
    window.harness.get_by_label(answer).click();
    closes_by_itself(window)
}

/// Goes on until the system is told to close the window, or for a second.
fn closes_by_itself(window: &mut Window) -> bool {
    for _ in 0..200 {
        window.harness.step();
        if commands(window).contains(&ViewportCommand::Close) {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    false
}

fn each_answer_does_what_it_says() -> Result<(), Failed> {
    for (answer, goes, files) in [("Save", true, 1), ("Discard", true, 0), ("Cancel", false, 0)] {
        let mut window = open(SIZE, used());
        window.draw();
        close(&mut window);
        check(closes_after(&mut window, answer) == goes, format!("{answer}: the window goes or stays"))?;
        check(saved(&window).len() == files, format!("{answer}: {:?}", saved(&window)))?;
        check(close(&mut window) == goes, format!("{answer}: it asks again or not"))?;
    }
    Ok(())
}

fn a_failed_save_keeps_the_window_open() -> Result<(), Failed> {
    let home = fresh_home();
    std::fs::create_dir_all(&home)?;
    // A file where the pictures folder should be: not even root can write below it.
    std::fs::write(Places::below(home.clone()).pictures, b"")?;
    let mut window = open_at(home, SIZE, used());
    window.draw();
    close(&mut window);
    check(!closes_after(&mut window, "Save"), "it closes although nothing was saved")?;
    check(!asks(&window) && !window.app().document().is_blank(), "the drawing is in danger")?;
    check(says(window.app(), "cannot be made"), format!("{:?}", window.app().notices()))?;
    check(!close(&mut window), "it does not ask again")
}

fn a_saved_drawing_is_the_canvas() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    window.key(CTRL, Key::D);
    window.wait("word about the file", |app| says(app, "Saved"));
    let files = saved(&window);
    let wanted = Places::below(window.home.clone()).pictures.join("house-3d-drawing.png");
    check(files == [wanted.clone()], format!("{files:?}"))?;
    let whole = window.app().document().frame(Backdrop::Document);
    check(frame::open(&wanted).unwrap().pixels() == whole.pixels(), "other pixels than on the canvas")?;
    // The same file again, and without its background now.
    window.click("Save and open");
    shoot(&mut window, "menu-files");
    window.click("Leave the background out");
    window.key(Modifiers::NONE, Key::Escape);
    window.draw();
    window.key(CTRL, Key::D);
    let clear = window.app().document().frame(Backdrop::Transparent).pixels().to_vec();
    check(clear.as_chunks::<4>().0.iter().any(|pixel| pixel[3] == 0), "nothing is transparent")?;
    window.wait("file with the new ink", |_| frame::open(&wanted).is_ok_and(|file| file.pixels() == clear));
    check(saved(&window).len() == 1, format!("{:?}", saved(&window)))
}

/// The disk hangs after the first file; what is saved meanwhile waits for it.
pub fn hang(window: &mut Window) {
    window.draw();
    window.disk.close();
    window.key(CTRL, Key::D);
    window.wait("word about the file", |app| says(app, "Saved"));
}

fn closing_waits_for_what_is_being_saved() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    hang(&mut window);
    window.draw();
    window.key(CTRL, Key::D);
    window.harness.run_steps(5);
    // Saved, but not written: nothing to decide, only to wait for.
    check(!close(&mut window) && asks(&window), "it closes before the drawing is written")?;
    check(window.says("Saving…"), format!("{:?}", window.texts()))?;
    window.disk.open();
    check(closes_by_itself(&mut window), "the window stays although all is saved")?;
    check(saved(&window).len() == 1, format!("{:?}", saved(&window)))
}

fn an_older_save_that_ends_later_does_not_hold_the_window() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    hang(&mut window);
    for _ in 0..2 {
        window.draw();
        window.key(CTRL, Key::D);
        window.harness.run_steps(5);
    }
    window.draw();
    check(!close(&mut window) && asks(&window), "nobody asked")?;
    window.click("Save");
    window.disk.open();
    check(closes_by_itself(&mut window), "the window stays although all is saved")?;
    check(saved(&window).len() == 1, format!("{:?}", saved(&window)))
}

/// Whether or not the first has its place when the second comes, both go to the same one.
fn saving_twice_in_a_row_is_one_file() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.draw();
    for _ in 0..2 {
        window.harness.key_press_modifiers(CTRL, Key::D);
        window.harness.step();
    }
    window.wait("word about the file", |app| says(app, "Saved"));
    window.stay(std::time::Duration::from_millis(300));
    check(saved(&window).len() == 1, format!("{:?}", saved(&window)))?;
    check(close(&mut window), "a saved drawing asks")
}

fn a_painting_saved_at_the_last_moment_is_there() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.harness.key_press_modifiers(CTRL, Key::S);
    window.harness.step();
    // No frame comes after that.
    eframe::App::on_exit(window.harness.state_mut(), None);
    for _ in 0..1000 {
        if saved(&window).first().is_some_and(|file| frame::open(file).is_ok()) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Err(format!("{:?}", saved(&window)).into())
}

fn what_is_drawn_after_clearing_is_another_drawing() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    for count in 1..=2 {
        window.draw();
        window.key(CTRL, Key::D);
        window.wait("word about the file", |app| {
            app.notices().iter().filter(|notice| notice.contains("Saved")).count() == count
        });
        window.key(Modifiers::NONE, Key::Delete);
        check(window.app().document().is_blank(), "Delete does not clear")?;
    }
    check(saved(&window).len() == 2, format!("one drawing replaced the other: {:?}", saved(&window)))
}

fn hidden_layers_are_not_called_saved() -> Result<(), Failed> {
    let mut settings = used();
    settings.window.panel = PanelTab::Layers;
    let mut window = open(SIZE, settings);
    window.draw();
    window.click("Hide Ink 1");
    window.key(CTRL, Key::D);
    window.wait("word about the file", |app| says(app, "without the hidden layers"));
    check(!close(&mut window) && asks(&window), "the hidden layer is thrown away without a question")?;
    check(!closes_after(&mut window, "Save") && asks(&window), "saving once more does not bring it into the file")?;
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Show Ink 1");
    check(!asks(&window) && window.app().document().is_active_visible(), format!("{:?}", window.texts()))?;
    window.key(CTRL, Key::D);
    let whole = window.app().document().frame(Backdrop::Document).pixels().to_vec();
    let file = Places::below(window.home.clone()).pictures.join("house-3d-drawing.png");
    window.wait("the layer in the file", |_| frame::open(&file).is_ok_and(|file| file.pixels() == whole));
    window.stay(std::time::Duration::from_millis(100));
    check(close(&mut window), "it asks although all is saved")
}

/// The drawings that are kept for the case of a crash.
fn kept(window: &Window) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(Places::below(window.home.clone()).data) else { return Vec::new() };
    let files = list.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "ora")).collect()
}

/// Draws and waits until that is kept.
fn draw_and_keep(window: &mut Window) {
    window.draw();
    let begun = std::time::Instant::now();
    while kept(window).is_empty() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "the drawing is not kept");
        window.stay(std::time::Duration::from_millis(100));
    }
}

/// Where files live, and where a drawing is that was lost there: no process has such a number.
fn home_of_a_crash() -> (PathBuf, PathBuf) {
    let home = fresh_home();
    let data = Places::below(home.clone()).data;
    std::fs::create_dir_all(&data).unwrap();
    (home, data.join(format!("unsaved-{}-7.ora", u32::MAX)))
}

/// A window that says that a drawing of this size was lost, and where it is.
fn open_after_a_crash(size: Size) -> Result<(Window, PathBuf), Failed> {
    let (home, lost) = home_of_a_crash();
    let picture = Frame::filled(size, [9, 9, 9, 255]);
    let name = "Picture".to_owned();
    let layer =
        PictureLayer { name, drawn: false, visible: true, opacity: 1.0, frame: Some(picture.clone()), at: (0, 0) };
    let drawing = LayeredPicture { size, background: None, transparent: false, layers: vec![layer], active: None };
    record::save_ora(&lost, &drawing, &picture)?;
    let mut window = open_at(home, SIZE, used());
    window.until_said("ended before a drawing was saved");
    Ok((window, lost))
}

fn a_drawing_that_was_lost_comes_back() -> Result<(), Failed> {
    let mut window = open(SIZE, Settings { canvas: Size::new(320, 256), ..used() });
    // A picture on a hidden layer, which no picture of the drawing shows.
    let blue = window.home.join("blue.png");
    let hidden = Frame::filled(Size::new(320, 256), [0, 0, 255, 255]);
    record::save_png(&blue, &hidden, &[])?;
    window.drop_file(&blue);
    window.wait("layer of the file", |app| app.document().layers().len() == 2);
    window.click("Layers tab");
    window.click("Hide blue.png");
    draw_and_keep(&mut window);
    let drawn = window.app().document().frame(Backdrop::Document).pixels().to_vec();
    // As after a crash: the files are there, and no process has their number.
    let (home, lost) = home_of_a_crash();
    std::fs::copy(&kept(&window)[0], &lost)?;
    drop(window);
    // On another canvas, which takes the size of what comes back.
    let mut window = open_at(home, SIZE, used());
    window.until_said("ended before a drawing was saved");
    shoot(&mut window, "lost-drawing");
    window.click("Bring it back");
    window.wait("the drawing", |app| app.document().layers().len() == 2);
    check(window.app().document().size() == Size::new(320, 256), "on a canvas of another size")?;
    let back = window.app().document().frame(Backdrop::Document).pixels().to_vec();
    check(back == drawn, "it came back otherwise")?;
    check(window.app().document().has_hidden(), "the hidden layer is gone")?;
    check(!window.says("Bring it back"), "the card stays")?;
    // It is not saved yet, and is still kept, by this run now.
    check(!close(&mut window), "it would be lost once more")?;
    window.key(Modifiers::NONE, Key::Escape);
    let own = format!("unsaved-{}-", std::process::id());
    let is_own = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&own));
    window.until("this run's own file", |window| kept(window).iter().any(is_own));
    check(lost.exists(), "it is forgotten before it is saved")?;
    window.click("Layers tab");
    window.click("Show blue.png");
    window.key(CTRL, Key::D);
    window.wait("word about the file", |app| says(app, "Saved"));
    window.until("nothing to be kept", |window| kept(window).is_empty());
    check(!lost.exists(), "what is saved is offered once more")
}

fn a_lost_drawing_that_is_cleared_stays_where_it_was() -> Result<(), Failed> {
    let (mut window, lost) = open_after_a_crash(Size::square(512))?;
    window.click("Bring it back");
    window.wait("the drawing", |app| !app.document().is_blank());
    window.key(Modifiers::NONE, Key::Delete);
    check(window.app().document().is_blank() && close(&mut window), "it asks about nothing")?;
    // Another drawing that is saved is no reason to forget it either.
    window.draw();
    window.key(CTRL, Key::D);
    window.wait("word about the file", |app| says(app, "Saved"));
    window.stay(std::time::Duration::from_millis(200));
    check(lost.exists(), "it is lost for good")
}

fn a_lost_drawing_takes_no_other_ones_place_without_asking() -> Result<(), Failed> {
    let (mut window, lost) = open_after_a_crash(Size::square(64))?;
    window.draw();
    let drawn = window.app().document().version();
    window.click("Bring it back");
    window.until("the question", asks);
    window.click("Cancel");
    check(window.app().document().version() == drawn, "the drawing is another one")?;
    check(!close(&mut window) && lost.exists(), "one of them is lost")
}

fn a_lost_drawing_can_be_thrown_away() -> Result<(), Failed> {
    let (mut window, lost) = open_after_a_crash(Size::square(64))?;
    window.click("Throw it away");
    window.until("the end of it", |_| !lost.exists());
    check(window.app().document().is_blank() && !window.says("Bring it back"), "it is there all the same")
}

fn a_lost_drawing_that_cannot_be_read_is_named() -> Result<(), Failed> {
    for (bytes, word) in [(Some(&b"half a picture"[..]), "is no layered drawing"), (None, "there is no such file")] {
        let (mut window, lost) = open_after_a_crash(Size::square(64))?;
        match bytes {
            Some(bytes) => std::fs::write(&lost, bytes)?,
            None => std::fs::remove_file(&lost)?,
        }
        window.click("Bring it back");
        window.until(word, |window| {
            let name = lost.file_name().unwrap_or_default().to_string_lossy().into_owned();
            window.app().notices().iter().any(|notice| notice.contains(&name) && notice.contains(word))
        });
        check(window.app().document().is_blank(), "something was put onto the canvas")?;
        check(lost.exists() == bytes.is_some(), "what cannot be read was thrown away")?;
    }
    Ok(())
}

fn what_is_taken_back_is_not_kept() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    draw_and_keep(&mut window);
    window.key(CTRL, Key::Z);
    window.until("nothing to be kept", |window| kept(window).is_empty());
    Ok(())
}

fn two_quick_saves_are_two_files() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    window.harness.key_press_modifiers(CTRL, Key::S);
    window.harness.key_press_modifiers(CTRL, Key::S);
    window.harness.run_steps(2);
    window.wait("two files", |app| app.notices().iter().filter(|notice| notice.contains("Saved")).count() == 2);
    let files = saved(&window);
    check(files.len() == 2, format!("{files:?}"))?;
    for file in files {
        check(frame::open(&file).is_ok(), format!("{} is no picture", file.display()))?;
    }
    Ok(())
}

fn an_opened_picture_alone_is_already_saved() -> Result<(), Failed> {
    let mut window = open(SIZE, used());
    let file = window.home.join("blue.png");
    record::save_png(&file, &Frame::filled(Size::square(64), [0, 0, 255, 255]), &[])?;
    window.drop_file(&file);
    window.wait("layer of the file", |app| app.document().layers().len() == 2);
    check(close(&mut window), "a picture that is on disk asks")?;
    window.draw();
    check(!close(&mut window), "ink over an opened picture does not ask")
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("keeping::a_new_drawing_has_the_chosen_size", a_new_drawing_has_the_chosen_size),
        test("keeping::the_size_is_kept_between_starts", the_size_is_kept_between_starts),
        test("keeping::the_same_size_is_two_keys_away", the_same_size_is_two_keys_away),
        test("keeping::a_card_keeps_the_keys", a_card_keeps_the_keys),
        test("keeping::a_drawing_that_is_not_saved_is_asked_about", a_drawing_that_is_not_saved_is_asked_about),
        test("keeping::closing_asks_only_when_something_would_be_lost", closing_asks_only_when_something_would_be_lost),
        test("keeping::each_answer_does_what_it_says", each_answer_does_what_it_says),
        test("keeping::a_failed_save_keeps_the_window_open", a_failed_save_keeps_the_window_open),
        test("keeping::a_saved_drawing_is_the_canvas", a_saved_drawing_is_the_canvas),
        test(
            "keeping::what_is_drawn_after_clearing_is_another_drawing",
            what_is_drawn_after_clearing_is_another_drawing,
        ),
        test("keeping::hidden_layers_are_not_called_saved", hidden_layers_are_not_called_saved),
        test("keeping::a_drawing_that_was_lost_comes_back", a_drawing_that_was_lost_comes_back),
        test(
            "keeping::a_lost_drawing_that_is_cleared_stays_where_it_was",
            a_lost_drawing_that_is_cleared_stays_where_it_was,
        ),
        test(
            "keeping::a_lost_drawing_takes_no_other_ones_place_without_asking",
            a_lost_drawing_takes_no_other_ones_place_without_asking,
        ),
        test("keeping::a_lost_drawing_can_be_thrown_away", a_lost_drawing_can_be_thrown_away),
        test("keeping::a_lost_drawing_that_cannot_be_read_is_named", a_lost_drawing_that_cannot_be_read_is_named),
        test("keeping::what_is_taken_back_is_not_kept", what_is_taken_back_is_not_kept),
        test("keeping::closing_waits_for_what_is_being_saved", closing_waits_for_what_is_being_saved),
        test(
            "keeping::an_older_save_that_ends_later_does_not_hold_the_window",
            an_older_save_that_ends_later_does_not_hold_the_window,
        ),
        test("keeping::saving_twice_in_a_row_is_one_file", saving_twice_in_a_row_is_one_file),
        test("keeping::a_painting_saved_at_the_last_moment_is_there", a_painting_saved_at_the_last_moment_is_there),
        test("keeping::two_quick_saves_are_two_files", two_quick_saves_are_two_files),
        test("keeping::an_opened_picture_alone_is_already_saved", an_opened_picture_alone_is_already_saved),
    ]
}
