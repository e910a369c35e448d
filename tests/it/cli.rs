//! The program itself, called as a shell calls it: exit codes, sentences, JSON. Without a display and with a home of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::support::TempDir;

/// No call takes longer than this; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a call gave.
pub struct Said {
    /// Its exit code; -1 after a signal.
    pub code: i32,
    /// What it said on stdout.
    pub out: String,
    /// What it said on stderr.
    pub err: String,
}

/// Calls the program in `dir`.
fn call(dir: &TempDir, words: &[&str]) -> Result<Said, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_afterimage"));
    command.args(words).current_dir(dir.path()).env("AFTERIMAGE_HOME", dir.path().join("home"));
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "RUST_LOG", "LD_PRELOAD"] {
        command.env_remove(name);
    }
    finish(command)
}

/// Waits, but not for ever. What is said goes to files, so that a full pipe cannot hold the program.
pub fn finish(mut command: Command) -> Result<Said, Failed> {
    let talk = TempDir::new("talk");
    let file = |name: &str| std::fs::File::create(talk.path().join(name));
    let mut child = command.stdin(Stdio::null()).stdout(file("out")?).stderr(file("err")?).spawn()?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            return Err(format!("{command:?} did not end").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read =
        |name: &str| std::fs::read(talk.path().join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Said { code: status.code().unwrap_or(-1), out: read("out")?, err: read("err")? })
}

impl Said {
    /// Fails unless the program ended with `code`, did not panic, and said `parts` in one line on stderr.
    fn refused(&self, code: i32, parts: &[&str]) -> Result<(), Failed> {
        let told = parts.iter().all(|part| self.err.contains(part));
        let lines = self.err.lines().filter(|line| line.starts_with("error: ")).count();
        if self.code != code || !told || lines != 1 || self.err.contains("panicked") {
            return Err(format!("expected {code} and {parts:?}, got {} and {:?}", self.code, self.err).into());
        }
        Ok(())
    }

    fn done(&self) -> Result<(), Failed> {
        if self.code == 0 && !self.err.contains("panicked") {
            return Ok(());
        }
        Err(format!("ended with {}: {}", self.code, self.err).into())
    }

    /// As [`Said::done`], and without a word on stderr: no warning of ours or of a library's.
    fn done_silently(&self) -> Result<(), Failed> {
        self.done()?;
        if self.err.is_empty() { Ok(()) } else { Err(format!("it went well, but it said {:?}", self.err).into()) }
    }

    fn json(&self) -> Result<Value, Failed> {
        serde_json::from_str(&self.out).map_err(|error| format!("{error}: {:?}", self.out).into())
    }
}

fn here() -> TempDir {
    TempDir::new("cli")
}

/// A small sound PNG.
fn picture(path: &Path, side: u32) -> Result<(), Failed> {
    png_of(path, side, side, &[200, 40, 40, 255].repeat((side * side) as usize))
}

fn png_of(path: &Path, width: u32, height: u32, rgba: &[u8]) -> Result<(), Failed> {
    let mut encoder = png::Encoder::new(std::fs::File::create(path)?, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header()?.write_image_data(rgba)?;
    Ok(())
}

fn help_teaches() -> Result<(), Failed> {
    let dir = here();
    let help = call(&dir, &["--help"])?;
    help.done()?;
    let taught = ["Examples:", "Exit codes:", "paint", "camera", "bench", "verify", "doctor", "AFTERIMAGE_HOME"];
    for part in taught {
        if !help.out.contains(part) {
            return Err(format!("--help does not mention {part}").into());
        }
    }
    for command in ["paint", "camera", "bench", "verify", "doctor"] {
        call(&dir, &[command, "--help"])?.done()?;
    }
    Ok(())
}

fn version_is_one_line() -> Result<(), Failed> {
    let version = call(&here(), &["--version"])?;
    version.done_silently()?;
    let expected = format!("afterimage {}\n", env!("CARGO_PKG_VERSION"));
    if version.out == expected { Ok(()) } else { Err(format!("{:?}", version.out).into()) }
}

fn bad_flags_are_usage() -> Result<(), Failed> {
    let dir = here();
    for words in [&["--nonsense"][..], &["dance"], &["paint"], &["camera"], &["bench", "--steps", "many"]] {
        let said = call(&dir, words)?;
        if said.code != 2 || !said.err.contains("error") {
            return Err(format!("{words:?} ended with {}: {}", said.code, said.err).into());
        }
    }
    call(&dir, &["--renderer", "glow", "bench"])?.refused(2, &["--renderer", "window"])?;
    call(&dir, &["bench", "--executor", "abacus"])?.refused(2, &["abacus", "candle"])?;
    call(&dir, &["bench", "--seconds", "-1"])?.code.eq(&2).then_some(()).ok_or_else(|| "negative seconds".into())
}

fn a_model_that_is_not_there() -> Result<(), Failed> {
    let dir = here();
    call(&dir, &["--model", "nowhere"])?.refused(4, &["nowhere", "does not exist"])?;
    std::fs::create_dir(dir.path().join("empty"))?;
    call(&dir, &["bench", "--model", "empty", "--seconds", "1"])?.refused(4, &["empty"])
}

fn no_display_is_one_sentence() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    call(&here(), &[])?.refused(3, &["display"])
}

fn damaged_settings_are_kept_aside() -> Result<(), Failed> {
    let dir = here();
    let config = dir.path().join("home/config");
    std::fs::create_dir_all(&config)?;
    std::fs::write(config.join("settings.toml"), "version = [broken")?;
    let said = call(&dir, &[])?;
    if said.code != 3 || said.err.contains("panicked") {
        return Err(format!("{}: {}", said.code, said.err).into());
    }
    let kept = std::fs::read_to_string(config.join("settings.toml.bad"))?;
    if kept == "version = [broken" { Ok(()) } else { Err("the old settings are gone".into()) }
}

fn doctor_speaks_json() -> Result<(), Failed> {
    let said = call(&here(), &["doctor", "--json"])?;
    let found = said.json()?;
    // Without a display one could not draw here.
    if cfg!(target_os = "linux") && (said.code != 1 || found["ok"] != false) {
        return Err(format!("ended with {}: {}", said.code, said.err).into());
    }
    let problems = found["problems"].as_array().ok_or("no problems")?;
    if problems.iter().any(|problem| problem["what"] == "" || problem["remedy"] == "") {
        return Err(format!("a problem without remedy: {problems:?}").into());
    }
    for key in ["version", "machine", "window", "cameras", "model", "folders"] {
        if found.get(key).is_none() {
            return Err(format!("no {key}").into());
        }
    }
    if found["model"]["picture_ms"].as_f64().is_none() {
        return Err(format!("the default model does not paint: {}", found["model"]).into());
    }
    Ok(())
}

fn doctor_speaks_to_people() -> Result<(), Failed> {
    let said = call(&here(), &["doctor"])?;
    let told = ["afterimage", "processor", "graphics", "model", "settings"].iter().all(|row| said.out.contains(row));
    if told { Ok(()) } else { Err(said.out.into()) }
}

fn paint_refuses_bad_values() -> Result<(), Failed> {
    let dir = here();
    picture(&dir.path().join("in.png"), 8)?;
    let paint = |more: &[&str]| call(&dir, &[&["paint", "in.png", "--prompt", "red apple"], more].concat());
    paint(&["--steps", "0"])?.refused(2, &["--steps 0"])?;
    paint(&["--strength", "2"])?.refused(2, &["--strength", "0 to 1"])?;
    paint(&["--strength", "NaN"])?.refused(2, &["--strength"])?;
    paint(&["--guidance", "-3"])?.refused(2, &["--guidance"])?;
    paint(&["--size", "0"])?.refused(2, &["--size", "2048"])?;
    paint(&["--out", "in.png"])?.refused(2, &["replace the input"])?;
    #[cfg(unix)]
    {
        let _listening = std::os::unix::net::UnixListener::bind(dir.path().join("socket.png"))?;
        paint(&["--out", "socket.png"])?.refused(1, &["socket.png", "not a plain file", "choose another name"])?;
    }
    paint(&["--steps", "1000"])?.refused(1, &["1000"])
}

fn paint_refuses_bad_pictures() -> Result<(), Failed> {
    let dir = here();
    let file = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes);
    picture(&dir.path().join("sound.png"), 32)?;
    let sound = std::fs::read(dir.path().join("sound.png"))?;
    file("empty.png", b"")?;
    file("cut.png", &sound[..sound.len() / 2])?;
    file("words.jpg", b"this is no picture")?;
    // The header's width and height are at bytes 16 to 24; its checksum follows the header.
    for (name, side) in [("zero.png", 0u32), ("huge.png", 60_000)] {
        let mut bytes = sound.clone();
        bytes[16..20].copy_from_slice(&side.to_be_bytes());
        bytes[20..24].copy_from_slice(&side.to_be_bytes());
        let sum = crc(&bytes[12..29]).to_be_bytes();
        bytes[29..33].copy_from_slice(&sum);
        file(name, &bytes)?;
    }
    for name in ["empty.png", "cut.png", "words.jpg", "zero.png", "huge.png"] {
        call(&dir, &["paint", name, "--prompt", "red apple"])?.refused(1, &[name])?;
    }
    call(&dir, &["paint", "gone.png", "--prompt", "x"])?.refused(2, &["gone.png", "does not exist"])?;
    std::fs::create_dir(dir.path().join("bare"))?;
    call(&dir, &["paint", "bare", "--prompt", "x"])?.refused(2, &["no picture", "bare"])
}

/// The checksum of a PNG chunk, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn paint_paints() -> Result<(), Failed> {
    let dir = here();
    picture(&dir.path().join("in.png"), 64)?;
    let words = ["paint", "in.png", "--prompt", "red apple, 3d", "--steps", "1", "--seed", "7", "--out", "out.png"];
    let said = call(&dir, &words)?;
    said.done_silently()?;
    if said.out.trim() != "out.png" {
        return Err(format!("said {:?}", said.out).into());
    }
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(dir.path().join("out.png"))?));
    let reader = decoder.read_info()?;
    let info = reader.info();
    let has_prompt = info.uncompressed_latin1_text.iter().any(|text| text.text.contains("red apple"))
        || info.utf8_text.iter().any(|text| text.get_text().is_ok_and(|text| text.contains("red apple")));
    if (info.width, info.height) != (256, 256) || !has_prompt {
        return Err(format!("{} x {}, prompt inside: {has_prompt}", info.width, info.height).into());
    }
    // The same seed gives the same picture.
    let again: Vec<&str> = words.iter().map(|word| if *word == "out.png" { "again.png" } else { word }).collect();
    call(&dir, &again)?.done()?;
    let bytes = |name| std::fs::read(dir.path().join(name));
    if bytes("out.png")? == bytes("again.png")? { Ok(()) } else { Err("the same seed gave another picture".into()) }
}

fn paint_goes_on_after_a_broken_frame() -> Result<(), Failed> {
    let dir = here();
    let frames = dir.path().join("frames");
    std::fs::create_dir(&frames)?;
    picture(&frames.join("f1.png"), 64)?;
    std::fs::write(frames.join("f2.png"), "broken")?;
    picture(&frames.join("f10.png"), 48)?;
    let said =
        call(&dir, &["paint", "frames", "--prompt", "fox, 3d", "--steps", "1", "--size", "64", "--out", "made"])?;
    let written: Vec<&str> = said.out.lines().collect();
    if said.code != 1 || written != ["made/f1.png", "made/f10.png"] || !said.err.contains("1 of 3") {
        return Err(format!("{} {written:?} {}", said.code, said.err).into());
    }
    Ok(())
}

fn paint_survives_an_odd_prompt_and_size() -> Result<(), Failed> {
    let dir = here();
    png_of(&dir.path().join("in.png"), 90, 61, &[40; 90 * 61 * 4])?;
    let long = "red apple \u{7}\u{1b}[31m ".repeat(5000);
    let said = call(&dir, &["paint", "in.png", "--prompt", &long, "--steps", "1", "--size", "101", "--out", "o.png"])?;
    said.done()
}

fn a_painting_that_cannot_be_written() -> Result<(), Failed> {
    let dir = here();
    picture(&dir.path().join("in.png"), 32)?;
    let words = ["paint", "in.png", "--prompt", "x", "--steps", "1", "--size", "64", "--out", "in.png/below/out.png"];
    call(&dir, &words)?.refused(1, &["in.png/below"])
}

fn bench_gives_the_promised_keys() -> Result<(), Failed> {
    for stream in [false, true] {
        let mut words = vec!["bench", "--size", "64", "--steps", "2", "--seconds", "0.5", "--json"];
        words.extend(stream.then_some("--stream"));
        let said = call(&here(), &words)?;
        said.done()?;
        let found = said.json()?;
        let keys =
            |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let sorted = |mut list: Vec<&str>| {
            list.sort_unstable();
            list.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let promised = "model executor size steps stream pictures_per_s latency_ms stages_ms dropped rss_mb";
        let right = keys(&found) == sorted(promised.split(' ').collect())
            && keys(&found["latency_ms"]) == sorted(vec!["p50", "p95"])
            && keys(&found["stages_ms"]) == sorted(vec!["encode", "step", "decode", "transfer"]);
        let positive = found["pictures_per_s"].as_f64().is_some_and(|rate| rate > 0.0);
        let asked = found["size"] == 64 && found["steps"] == 2 && found["stream"] == stream;
        if !(right && positive && asked) {
            return Err(said.out.into());
        }
    }
    Ok(())
}

#[cfg(feature = "video")]
fn bench_records_what_it_paints() -> Result<(), Failed> {
    let dir = here();
    let words = ["bench", "--size", "64", "--steps", "1", "--seconds", "0.5", "--record", "a.mp4"];
    call(&dir, &words)?.done()?;
    let bytes = std::fs::read(dir.path().join("a.mp4"))?;
    if &bytes[4..8] != b"ftyp" || bytes.len() < 2000 {
        return Err(format!("no video of {} bytes", bytes.len()).into());
    }
    // What is there is not written over.
    call(&dir, &words)?.refused(1, &["a.mp4", "something of that name already"])
}

fn cameras_are_listed() -> Result<(), Failed> {
    let said = call(&here(), &["camera", "--list", "--json"])?;
    said.done()?;
    if said.json()?.is_array() { Ok(()) } else { Err(said.out.into()) }
}

fn a_camera_that_is_not_there() -> Result<(), Failed> {
    let dir = here();
    let said = call(&dir, &["camera", "--snapshot", "--camera", "/dev/video-nowhere"])?;
    said.refused(5, &["camera"])?;
    if dir.path().join("snapshot.png").exists() { Err("a picture from nowhere".into()) } else { Ok(()) }
}

fn verify_needs_an_index() -> Result<(), Failed> {
    let dir = here();
    call(&dir, &["verify", "--fixtures", "."])?.refused(1, &["index"])
}

fn verify_needs_no_folder() -> Result<(), Failed> {
    let said = call(&here(), &["verify", "--json"])?;
    said.done()?;
    let kinds = &said.json()?["kinds"];
    for kind in ["default_model", "torch_cpu_rng", "lcm_step", "guidance_embedding"] {
        if kinds[kind]["status"] != "pass" || kinds[kind]["tensors"] == 0 {
            return Err(format!("{kind}: {}", kinds[kind]).into());
        }
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("cli::help_teaches", help_teaches),
        Trial::test("cli::version_is_one_line", version_is_one_line),
        Trial::test("cli::bad_flags_are_usage", bad_flags_are_usage),
        Trial::test("cli::a_model_that_is_not_there", a_model_that_is_not_there),
        Trial::test("cli::no_display_is_one_sentence", no_display_is_one_sentence),
        Trial::test("cli::damaged_settings_are_kept_aside", damaged_settings_are_kept_aside),
        Trial::test("cli::doctor_speaks_json", doctor_speaks_json),
        Trial::test("cli::doctor_speaks_to_people", doctor_speaks_to_people),
        Trial::test("cli::paint_refuses_bad_values", paint_refuses_bad_values),
        Trial::test("cli::paint_refuses_bad_pictures", paint_refuses_bad_pictures),
        Trial::test("cli::paint_paints", paint_paints),
        Trial::test("cli::paint_goes_on_after_a_broken_frame", paint_goes_on_after_a_broken_frame),
        Trial::test("cli::paint_survives_an_odd_prompt_and_size", paint_survives_an_odd_prompt_and_size),
        Trial::test("cli::a_painting_that_cannot_be_written", a_painting_that_cannot_be_written),
        Trial::test("cli::bench_gives_the_promised_keys", bench_gives_the_promised_keys),
        #[cfg(feature = "video")]
        Trial::test("cli::bench_records_what_it_paints", bench_records_what_it_paints),
        Trial::test("cli::cameras_are_listed", cameras_are_listed),
        Trial::test("cli::a_camera_that_is_not_there", a_camera_that_is_not_there),
        Trial::test("cli::verify_needs_an_index", verify_needs_an_index),
        Trial::test("cli::verify_needs_no_folder", verify_needs_no_folder),
    ]
}
