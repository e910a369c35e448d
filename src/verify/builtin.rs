//! The cases inside the program: the small maths, so that a machine can be checked without a fixture folder.

use std::path::{Path, PathBuf};

use super::{Check, Checks, Outcome, Report, Suite, VerifyError};
use crate::engine::{Engine, Job, Load, ModelInfo, Params, Render as _};
use crate::exec;
use crate::flow::StopToken;
use crate::frame::{Frame, Size};
use crate::weights::ModelSource;

macro_rules! fixture {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../tests/fixtures/", $path)))
    };
}

/// Files of the fixture folder that need no network. Other cases of the index are left out.
const FILES: [(&str, &[u8]); 16] = [
    fixture!("index.json"),
    fixture!("ref/guidance_embedding.safetensors"),
    fixture!("ref/image_ops.safetensors"),
    fixture!("ref/lcm_add_noise.safetensors"),
    fixture!("ref/lcm_step/clip4.safetensors"),
    fixture!("ref/lcm_step/custom_s50.safetensors"),
    fixture!("ref/lcm_step/eps1.safetensors"),
    fixture!("ref/lcm_step/eps2_s50.safetensors"),
    fixture!("ref/lcm_step/eps4.safetensors"),
    fixture!("ref/lcm_step/linear6_o100.safetensors"),
    fixture!("ref/lcm_step/sample3_scal3.safetensors"),
    fixture!("ref/lcm_step/thresh4.safetensors"),
    fixture!("ref/lcm_step/v4.safetensors"),
    fixture!("ref/lcm_tables.safetensors"),
    fixture!("ref/lcm_timesteps.json"),
    fixture!("ref/torch_cpu_rng.safetensors"),
];

/// The executor that the others are judged by.
const REFERENCE: &str = "candle";
/// How far an 8-bit value painted by another executor may be from the reference's.
const PICTURE_LIMIT: f64 = 2.0;
/// The same for an executor that rounds factors.
const ROUNDED_LIMIT: f64 = 10.0;

/// Who is judged without a fixture folder.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The model that is painted with.
    pub model: &'a ModelSource,
    /// The executor, by name.
    pub executor: &'a str,
    /// Its threads; 0 means all cores.
    pub threads: usize,
}

/// Judges the cases inside the program, then a picture by the model. `news` hears each name and outcome as they come.
///
/// # Errors
/// A temporary folder that cannot be written; an executor that is not known.
pub fn run_builtin(candidate: Candidate<'_>, mut news: impl FnMut(&str, &Outcome)) -> Result<Report, VerifyError> {
    let executor = exec::open(candidate.executor, candidate.threads)?;
    let folder = Unpacked::new()?;
    let suite = Suite::open(&folder.0, &*executor)?;
    let mut report = Report::new(&*executor, Path::new("inside the program"));
    let mut add = |name: &str, outcome: Outcome| {
        news(name, &outcome);
        report.add(name, &outcome);
    };
    let inside = |file: &str| FILES.iter().any(|(name, _)| *name == file);
    for name in suite.index.entries.iter().filter(|(_, entry)| inside(&entry.file)).map(|(name, _)| name) {
        add(name, suite.run_case(name));
    }
    let (judged, painter) = match default_model(candidate) {
        Ok((checks, painter)) => (Outcome::Ran(checks), painter),
        Err(error) => (Outcome::Failed(error), String::new()),
    };
    add("default_model", judged);
    // A GPU that nobody named may have had no room for the model.
    report.gpu &= painter == report.executor;
    Ok(report)
}

/// The same picture on the reference executor and on the one that is judged, each freshly loaded. The reference itself must
/// repeat its own picture exactly. Also says who painted the one that is judged.
fn default_model(candidate: Candidate<'_>) -> Result<(Checks, String), VerifyError> {
    let (reference, _) = picture(Candidate { executor: REFERENCE, ..candidate })?;
    let (judged, painter) = picture(candidate)?;
    let pairs = reference.pixels().iter().zip(judged.pixels());
    let error = pairs.fold(0.0f64, |error, (a, b)| error.max(f64::from(a.abs_diff(*b))));
    let rounds = exec::open(candidate.executor, candidate.threads)?.rounding() > 0.0;
    let limit = match candidate.executor {
        REFERENCE => 0.0,
        _ if rounds => ROUNDED_LIMIT,
        _ => PICTURE_LIMIT,
    };
    let ratio = if error == 0.0 { 0.0 } else { error / limit };
    let check = Check { tensor: "picture".into(), error, limit, ratio, remark: String::new() };
    Ok((Checks { list: vec![check], ..Checks::default() }, painter))
}

/// A picture, and who painted it.
fn picture(candidate: Candidate<'_>) -> Result<(Frame, String), VerifyError> {
    let Candidate { model, executor, threads } = candidate;
    let params = |info: &ModelInfo| Params { prompt: "red apple, 3d".into(), size: info.size, ..Params::default() };
    let wished = |info: &ModelInfo| Some(params(info));
    let load = Load { source: model, executor, threads, wished: &wished, stop: StopToken::default() };
    let loaded = load.run(&mut |_, _| true)?;
    let params = params(loaded.info());
    let painter = loaded.info().executor.clone();
    let paper = Frame::filled(Size::square(64), [200, 60, 40, 255]);
    let job = Job::new(Some(paper), params, 1);
    let picture = Engine::new(loaded).render(&job)?;
    picture
        .map(|picture| (picture.frame, painter))
        .ok_or_else(|| VerifyError::Other("the engine painted nothing".into()))
}

/// The cases as files, for as long as they are needed.
struct Unpacked(PathBuf);

impl Unpacked {
    fn new() -> Result<Self, VerifyError> {
        let cannot = |path: &Path, error| VerifyError::Other(format!("cannot write {}: {error}", path.display()));
        let folder = std::env::temp_dir();
        let folder = Self(Self::fresh(&folder).map_err(|error| cannot(&folder, error))?);
        for (name, bytes) in FILES {
            let path = folder.0.join(name);
            let made =
                path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, bytes));
            made.map_err(|error| cannot(&path, error))?;
        }
        Ok(folder)
    }

    /// A new folder that only this user may write to: others could lay links in it beforehand, since `parent` is everybody's.
    fn fresh(parent: &Path) -> std::io::Result<PathBuf> {
        let mut number = 0;
        loop {
            let path = parent.join(format!("afterimage-verify-{}-{number}", std::process::id()));
            match new_folder(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
                made => return made.map(|()| path),
            }
        }
    }
}

#[cfg(unix)]
fn new_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn new_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir(path)
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
