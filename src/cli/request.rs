//! What a command line means: every value checked, every default in its place. Knows nothing of how the jobs are done.

use std::path::{Path, PathBuf};

use super::Failure;
use super::args::{BenchArgs, CameraArgs, CommandLine, EngineArgs, Job, PaintArgs, RendererArg};
use crate::engine::Params;
use crate::exec;
use crate::studio::EngineSpec;
use crate::weights::ModelSource;

/// Shortest side that can be asked for, in pixels.
const SMALLEST_SIDE: u32 = 16;

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The window.
    Window(WindowRequest),
    /// Pictures over pictures.
    Paint(PaintRequest),
    /// Cameras.
    Camera(CameraRequest),
    /// Speed.
    Bench(BenchRequest),
    /// Numbers against references.
    Verify(VerifyRequest),
    /// The state of this machine.
    Doctor(DoctorRequest),
}

/// The window as asked for. What is `None` comes from the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRequest {
    /// How it draws.
    pub renderer: RendererArg,
    /// The model, if one is named.
    pub model: Option<ModelSource>,
    /// The executor, if one is named.
    pub executor: Option<String>,
    /// Threads, if named.
    pub threads: Option<usize>,
}

/// What shapes a picture, as far as it was said. The rest is the model's suggestion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// Denoising steps.
    pub steps: Option<u32>,
    /// 0..=1.
    pub strength: Option<f64>,
    /// Guidance scale.
    pub guidance: Option<f64>,
    /// Longer side in pixels.
    pub size: Option<u32>,
}

/// Pictures over pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct PaintRequest {
    /// Who paints.
    pub engine: EngineSpec,
    /// A picture or a folder.
    pub input: PathBuf,
    /// A picture or a folder, if said.
    pub out: Option<PathBuf>,
    /// What to paint.
    pub prompt: String,
    /// Seed of the noise.
    pub seed: u64,
    /// The rest.
    pub wishes: Wishes,
}

/// Cameras.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraRequest {
    /// What to do.
    pub what: CameraJob,
    /// Print JSON.
    pub json: bool,
}

/// What to do with cameras.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraJob {
    /// List them.
    List,
    /// Take a picture with one of them.
    Snapshot {
        /// Which; the first when `None`.
        id: Option<String>,
        /// Where the picture goes.
        out: PathBuf,
    },
}

/// Speed.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchRequest {
    /// Who paints.
    pub engine: EngineSpec,
    /// Steps and size.
    pub wishes: Wishes,
    /// How long to measure.
    pub seconds: f64,
    /// Several pictures side by side.
    pub stream: bool,
    /// Where a video of it goes.
    pub record: Option<PathBuf>,
    /// Show what every step costs instead.
    pub explain: bool,
    /// Print JSON.
    pub json: bool,
}

/// Numbers against references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyRequest {
    /// Who is judged.
    pub engine: EngineSpec,
    /// The fixture folder, if one is named.
    pub fixtures: Option<PathBuf>,
    /// Print JSON.
    pub json: bool,
}

/// The state of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorRequest {
    /// Who would paint.
    pub engine: EngineSpec,
    /// Print JSON.
    pub json: bool,
}

impl Request {
    /// What `line` means.
    ///
    /// # Errors
    /// A value that makes no sense, with what would.
    pub fn new(line: CommandLine) -> Result<Self, Failure> {
        let CommandLine { renderer, engine, command } = line;
        let Some(command) = command else {
            return window(renderer.unwrap_or(RendererArg::Auto), engine).map(Self::Window);
        };
        if renderer.is_some() {
            return Err(Failure::usage("--renderer is about the window", "leave it out, or leave out the command"));
        }
        let engine = spec(engine)?;
        match command {
            Job::Paint(args) => paint(engine, args).map(Self::Paint),
            Job::Camera(args) => Ok(Self::Camera(camera(args))),
            Job::Bench(args) => bench(engine, &args).map(Self::Bench),
            Job::Verify(args) => Ok(Self::Verify(VerifyRequest { engine, fixtures: args.fixtures, json: args.json })),
            Job::Doctor(args) => Ok(Self::Doctor(DoctorRequest { engine, json: args.json })),
        }
    }
}

fn window(renderer: RendererArg, args: EngineArgs) -> Result<WindowRequest, Failure> {
    let (executor, threads) = (args.executor.clone(), args.threads);
    let given = args.model.is_some();
    let spec = spec(args)?;
    Ok(WindowRequest { renderer, model: given.then_some(spec.model), executor, threads })
}

fn spec(args: EngineArgs) -> Result<EngineSpec, Failure> {
    let defaults = EngineSpec::default();
    let model = match args.model {
        None => ModelSource::Default,
        Some(path) => ModelSource::Dir(model_folder(path)?),
    };
    let threads = args.threads.unwrap_or(defaults.threads);
    if threads > EngineSpec::MAX_THREADS {
        return Err(Failure::usage(
            format!("--threads {threads} is too many"),
            format!("0 takes one on each core, {} is the most", EngineSpec::MAX_THREADS),
        ));
    }
    let executor = args.executor.unwrap_or(defaults.executor);
    if !exec::NAMES.contains(&executor.as_str()) {
        return Err(Failure::usage(
            format!("there is no executor {executor}"),
            format!("use {}", exec::NAMES.join(" or ")),
        ));
    }
    Ok(EngineSpec { model, executor, threads })
}

/// Whether it holds a model is seen when it is loaded; that it is a folder is seen at once.
fn model_folder(path: PathBuf) -> Result<PathBuf, Failure> {
    if path.is_dir() {
        // The window remembers it, and is started elsewhere the next time.
        return Ok(std::path::absolute(&path).unwrap_or(path));
    }
    let what = if path.exists() { "is not a folder" } else { "does not exist" };
    Err(Failure::new(
        super::Code::NoModel,
        format!("the model folder {} {what}", path.display()),
        "give a folder in diffusers layout (with unet, vae, text_encoder, tokenizer and scheduler in it), or leave out --model",
    ))
}

fn paint(engine: EngineSpec, args: PaintArgs) -> Result<PaintRequest, Failure> {
    let wishes = wishes(args.steps, args.strength, args.guidance, args.size)?;
    if !args.input.exists() {
        return Err(Failure::usage(
            format!("{} does not exist", args.input.display()),
            "give a PNG or JPEG picture, or a folder of them",
        ));
    }
    if args.out.as_deref().is_some_and(|out| same_place(out, &args.input)) {
        return Err(Failure::usage(
            format!("--out {} would replace the input", args.input.display()),
            "give another name",
        ));
    }
    let PaintArgs { input, prompt, out, seed, .. } = args;
    Ok(PaintRequest { engine, input, out, prompt, seed, wishes })
}

fn same_place(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn camera(args: CameraArgs) -> CameraRequest {
    let what = match args.snapshot {
        Some(out) => CameraJob::Snapshot { id: args.camera, out },
        None => CameraJob::List,
    };
    CameraRequest { what, json: args.json }
}

fn bench(engine: EngineSpec, args: &BenchArgs) -> Result<BenchRequest, Failure> {
    let wishes = wishes(args.steps, None, None, args.size)?;
    let seconds = args.seconds;
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err(Failure::usage(format!("--seconds {seconds} makes no sense"), "give 0.1 to 86400"));
    }
    let (stream, explain, json, record) = (args.stream, args.explain, args.json, args.record.clone());
    Ok(BenchRequest { engine, wishes, seconds, stream, record, explain, json })
}

fn wishes(
    steps: Option<u32>,
    strength: Option<f64>,
    guidance: Option<f64>,
    size: Option<u32>,
) -> Result<Wishes, Failure> {
    if steps == Some(0) {
        return Err(Failure::usage("--steps 0 paints nothing", "give 1 to 8; 2 is usual"));
    }
    if let Some(strength) = strength.filter(|s| !Params::STRENGTH.contains(s)) {
        return Err(Failure::usage(
            format!("--strength {strength} is outside 0 to 1"),
            "0 keeps the picture, 1 ignores it, 0.6 is usual",
        ));
    }
    if let Some(guidance) = guidance.filter(|g| !(0.0..=100.0).contains(g)) {
        return Err(Failure::usage(format!("--guidance {guidance} makes no sense"), "give 1 to 15"));
    }
    if let Some(size) = size.filter(|px| !(SMALLEST_SIDE..=Params::MAX_SIDE).contains(px)) {
        return Err(Failure::usage(
            format!("--size {size} is outside {SMALLEST_SIDE} to {} pixels", Params::MAX_SIDE),
            "256 is the size of the default model",
        ));
    }
    Ok(Wishes { steps, strength, guidance, size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Code;
    use clap::Parser as _;

    fn parse(words: &str) -> Result<Request, Failure> {
        let words = std::iter::once("afterimage").chain(words.split_whitespace());
        Request::new(CommandLine::try_parse_from(words).unwrap())
    }

    fn refused(words: &str, code: Code, part: &str) {
        let failure = parse(words).unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.to_string().contains(part), "{failure}");
        assert!(!failure.remedy.is_empty());
    }

    #[test]
    fn nothing_means_the_window_as_it_was_left() {
        let window = WindowRequest { renderer: RendererArg::Auto, model: None, executor: None, threads: None };
        assert_eq!(parse("").unwrap(), Request::Window(window));
    }

    #[test]
    fn odd_values_are_refused_with_what_would_do() {
        refused("paint Cargo.toml --prompt x --steps 0", Code::Usage, "1 to 8");
        refused("paint Cargo.toml --prompt x --strength 1.5", Code::Usage, "0 to 1");
        refused("paint Cargo.toml --prompt x --strength NaN", Code::Usage, "0 to 1");
        refused("paint Cargo.toml --prompt x --strength -1", Code::Usage, "0 to 1");
        refused("paint Cargo.toml --prompt x --guidance inf", Code::Usage, "1 to 15");
        refused("paint Cargo.toml --prompt x --size 60000", Code::Usage, "2048");
        refused("paint Cargo.toml --prompt x --out ./Cargo.toml", Code::Usage, "replace the input");
        refused("paint nowhere.png --prompt x", Code::Usage, "does not exist");
        refused("bench --seconds 0", Code::Usage, "0.1");
        refused("bench --threads 10000", Code::Usage, "256");
        refused("bench --executor abacus", Code::Usage, "candle");
        refused("--renderer glow bench", Code::Usage, "window");
        refused("--model nowhere", Code::NoModel, "does not exist");
        refused("--model Cargo.toml", Code::NoModel, "not a folder");
    }

    #[test]
    fn a_snapshot_has_a_name_of_its_own() {
        let Request::Camera(request) = parse("camera --snapshot").unwrap() else { panic!("not a camera request") };
        assert_eq!(request.what, CameraJob::Snapshot { id: None, out: "snapshot.png".into() });
    }
}
