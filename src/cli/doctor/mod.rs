//! `afterimage doctor`: what was found on this machine, what is wrong with it, and what to do.

mod folders;
mod gpu;
mod machine;
mod model;
mod print;
mod window;

use serde::Serialize;

use self::folders::Folder;
use self::gpu::GpuFindings;
use self::machine::Machine;
use self::model::ModelFindings;
use self::window::WindowFindings;
use super::request::DoctorRequest;
use super::{Code, Failure, output};
use crate::capture;
use crate::studio::Places;

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Whether a person could draw here.
    pub ok: bool,
    /// Program and parts.
    pub version: Version,
    /// Processor, memory, system.
    pub machine: Machine,
    /// What a window would find.
    pub window: WindowFindings,
    /// GPUs that could paint.
    pub gpus: GpuFindings,
    /// Cameras.
    pub cameras: Vec<CameraFinding>,
    /// The model.
    pub model: ModelFindings,
    /// Where files live.
    pub folders: Vec<Folder>,
    /// What is wrong, worst first.
    pub problems: Vec<Problem>,
}

/// The program and how it was built.
#[derive(Debug, Serialize)]
pub struct Version {
    /// Of the program.
    pub afterimage: &'static str,
    /// Cargo features it was built with.
    pub features: Vec<&'static str>,
}

/// A camera.
#[derive(Debug, Serialize)]
pub struct CameraFinding {
    /// For `--camera`.
    pub id: String,
    /// What it calls itself.
    pub name: String,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether it keeps a person from drawing.
    pub fatal: bool,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// Keeps a person from drawing.
    pub fn fatal(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { fatal: true, what: what.into(), remedy: remedy.into() }
    }

    /// Worth knowing.
    pub fn remark(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { fatal: false, what: what.into(), remedy: remedy.into() }
    }
}

/// Looks around and says what it found.
///
/// # Errors
/// When a person could not draw here, after everything was printed.
pub fn run(request: &DoctorRequest) -> Result<(), Failure> {
    let findings = Findings::find(request);
    if request.json {
        output::json(&findings)?;
    } else {
        print::findings(&findings);
    }
    match findings.problems.iter().find(|problem| problem.fatal) {
        None => Ok(()),
        Some(problem) => Err(Failure::new(Code::Failed, &problem.what, &problem.remedy)),
    }
}

impl Findings {
    fn find(request: &DoctorRequest) -> Self {
        let window = WindowFindings::find();
        let model = ModelFindings::find(&request.engine);
        let places = Places::find();
        let gpus = GpuFindings::find(&places);
        let folders = folders::folders(&places);
        let (cameras, camera_problem) = cameras();
        let mut problems = window.problems();
        problems.extend(model.problem());
        problems.extend(folders::problems(&folders));
        problems.extend(camera_problem);
        problems.extend(gpus.problems());
        problems.sort_by_key(|problem| !problem.fatal);
        Self {
            ok: problems.iter().all(|problem| !problem.fatal),
            version: Version { afterimage: env!("CARGO_PKG_VERSION"), features: features() },
            machine: Machine::find(),
            window,
            gpus,
            cameras,
            model,
            folders,
            problems,
        }
    }
}

fn features() -> Vec<&'static str> {
    let all = [
        ("camera", cfg!(feature = "camera")),
        ("bundled-model", cfg!(feature = "bundled-model")),
        ("cuda", cfg!(feature = "cuda")),
        ("inspect", cfg!(feature = "inspect")),
    ];
    all.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}

/// No camera is no problem: one draws without.
fn cameras() -> (Vec<CameraFinding>, Option<Problem>) {
    match capture::cameras() {
        Ok(list) => (list.into_iter().map(|camera| CameraFinding { id: camera.id, name: camera.name }).collect(), None),
        Err(error) => (Vec::new(), Some(Problem::remark(error.to_string(), error.remedy()))),
    }
}
