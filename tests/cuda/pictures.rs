//! What the driver is asked for each picture of a drawing that goes on: nothing but what the picture needs.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use afterimage::engine::{self, Engine, Job, Params, Render};
use afterimage::frame::{Frame, Size};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

use crate::scenes::Folder;

/// Says that this program shall paint instead of running tests.
pub const SCENE: &str = "AFTERIMAGE_PICTURES_SCENE";

type Outcome = Result<(), Failed>;

/// Side of the pictures, of which each needs so many numbers of noise twice.
const SIDE: u32 = 64;
const NOISE: usize = (SIDE as usize / 8).pow(2) * 4;

/// Seeds of the pictures; every one has another drawing.
const SEEDS: [u64; 4] = [42, 42, 42, 43];

/// Paints with the default model in two steps. A line of the driver's log says where each picture begins, and one where all end.
pub fn play() {
    let log = std::env::var_os("FAKECUDA_LOG").unwrap();
    let mark = |what: &str| writeln!(std::fs::File::options().append(true).open(&log).unwrap(), "{what}").unwrap();
    let params = Params { prompt: "fox".into(), strength: 1.0, size: Size::square(SIDE), ..Params::default() };
    let loaded = engine::load(&ModelSource::Default, "cuda", 1, Some(&params), &mut |_, _| true).unwrap();
    let mut engine = Engine::new(loaded);
    for (number, seed) in SEEDS.into_iter().enumerate() {
        mark("a picture");
        let frame = Some(Frame::filled(Size::square(SIDE), [60 * number as u8, 99, 0, 255]));
        let params = Arc::new(Params { seed, ..params.clone() });
        assert!(engine.render(&Job::new(frame, params, 1)).unwrap().is_some());
    }
    mark("the end");
}

/// Every call that the driver was asked in each picture.
fn played() -> Result<Vec<Vec<String>>, Failed> {
    let folder = Folder::new("pictures");
    let log = folder.0.join("calls");
    let mut program = Command::new(std::env::current_exe()?);
    program.env(SCENE, "1").env("FAKECUDA_LOG", &log).env("AFTERIMAGE_CUDA_TUNE", "off").env("HOME", &folder.0);
    let output = program.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = std::fs::read_to_string(log)?;
    let (text, _) = text.split_once("the end").ok_or("it did not come to its end")?;
    // What the emulated GPU does is not a call.
    let is_call = |line: &&str| !line.starts_with("run ");
    let calls = |picture: &str| picture.lines().filter(is_call).map(str::to_owned).collect();
    Ok(text.split("a picture\n").skip(1).map(calls).collect())
}

/// The drawing and the noise of two steps go there, one graph is started, the picture comes back.
fn a_picture_is_six_calls() -> Outcome {
    let pixels = 4 * SIDE.pow(2);
    let mut expected = vec![format!("htod {} pinned", 4 * NOISE); 2];
    expected.insert(0, format!("htod {pixels} pinned"));
    expected.extend(["graph launch".into(), format!("dtoh {pixels} pinned"), "wait".into()]);
    let pictures = played()?;
    if pictures.len() != SEEDS.len() {
        return Err(format!("{} pictures", pictures.len()).into());
    }
    match pictures.iter().skip(1).find(|calls| **calls != expected) {
        None => Ok(()),
        Some(other) => Err(format!("{other:#?} instead of {expected:#?}").into()),
    }
}

pub fn tests() -> Vec<Trial> {
    vec![Trial::test("pictures::a_picture_is_six_calls", a_picture_is_six_calls)]
}
