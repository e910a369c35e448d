//! What goes to and from the GPU in a run: each value once, by way of pinned memory, and one wait for all of it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use afterimage::exec::{Candle, Cuda, ExecError, Executor, Tensor, Value};
use afterimage::graph::{Bias, Conv, Graph, GraphBuilder, GraphError, Shape, Stage};
use libtest_mimic::{Failed, Trial};

use crate::graphs::{LIMITS, inputs, near, weights};
use crate::scenes::Folder;

/// Says that this program shall run a network instead of tests, and where to write what came out.
pub const SCENE: &str = "AFTERIMAGE_TRANSFER_SCENE";

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;
type Results = Vec<Result<Vec<Tensor>, ExecError>>;

/// A run: seed and revision of its inputs, and its slot.
type Job = (usize, u64, usize);

/// Inputs of three stages, two results.
fn network() -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("transfers", "");
    let text = b.input("text", Shape::map(1, 1, 1, 16), Stage::Prompt)?;
    let time = b.input("time", Shape::map(1, 1, 1, 16), Stage::Schedule)?;
    let [x, noise] = ["x", "noise"].map(|name| b.input(name, Shape::map(1, 6, 5, 16), Stage::Frame));
    let text = b.conv2d("text", text, Conv::same(16, 1))?;
    let time = b.conv2d("time", time, Conv::same(16, 1))?;
    let both = b.add(x?, noise?)?;
    let y = b.conv2d("conv", both, Conv::same(16, 3))?;
    let y = b.add(y, text)?;
    let y = b.add(y, time)?;
    let z = b.conv2d("more", y, Conv::same(8, 1))?;
    b.output("y", y);
    b.output("z", z);
    Ok(b.finish())
}

/// The results of each run on one program; `seen` is told before each.
fn run(executor: &dyn Executor, graph: &Arc<Graph>, jobs: &[Job], seen: impl Fn(usize)) -> Result<Results, Failed> {
    let packed = executor.load(&weights(graph)).map_err(|error| error.to_string())?;
    let mut program = executor.compile(graph.clone(), &packed, &[]).map_err(|error| error.to_string())?;
    let mut results = Vec::new();
    for (number, &(seed, revision, slot)) in jobs.iter().enumerate() {
        let tensors = inputs(graph, seed);
        let value = |(name, tensor)| Value { name, revision, tensor };
        let values: Vec<Value<'_>> = tensors.iter().map(|(name, tensor)| value((name.as_str(), tensor))).collect();
        seen(number);
        results.push(program.run(&values, slot));
    }
    Ok(results)
}

/// The first run, the same again, and one where everything is new.
const JOBS: [Job; 3] = [(1, 1, 0), (1, 1, 0), (5, 2, 1)];

/// Runs the network. A line of the driver's log says where each run begins.
pub fn play() {
    env_logger::init();
    let log = std::env::var_os("FAKECUDA_LOG").unwrap();
    let mark = |number| {
        let mut log = std::fs::File::options().append(true).open(&log).unwrap();
        writeln!(log, "run of job {number}").unwrap();
    };
    let graph = Arc::new(network().unwrap());
    let results = run(&Cuda::new().unwrap(), &graph, &JOBS, mark).unwrap();
    let values = results.iter().flat_map(|run| run.as_ref().unwrap()).flat_map(|tensor| &tensor.data);
    let bytes: Vec<u8> = values.flat_map(|value| value.to_ne_bytes()).collect();
    std::fs::write(std::env::var_os(SCENE).unwrap(), bytes).unwrap();
}

/// What the driver was asked in each run, what was said, and what came out.
struct Played {
    runs: Vec<Vec<String>>,
    said: String,
    bytes: Vec<u8>,
}

fn played(name: &str, scene: &[(&str, &str)]) -> Result<Played, Failed> {
    let folder = Folder::new(&format!("transfers-{name}"));
    let [log, result]: [PathBuf; 2] = ["calls", "result"].map(|name| folder.0.join(name));
    let mut program = Command::new(std::env::current_exe()?);
    program
        .env(SCENE, &result)
        .env("FAKECUDA_LOG", &log)
        .env("RUST_LOG", "afterimage=info")
        .envs(scene.iter().copied());
    let output = program.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{}: {said}", output.status).into());
    }
    let text = std::fs::read_to_string(log)?;
    let moves = |line: &&str| ["htod", "dtoh", "wait", "graph launch"].iter().any(|word| line.starts_with(word));
    let runs = text.split("run of job ").skip(1);
    let runs = runs.map(|run| run.lines().filter(moves).map(str::to_owned).collect()).collect();
    Ok(Played { runs, said, bytes: std::fs::read(result)? })
}

/// Texts, times, two maps in; two maps out, of 16 bits; `kind` is what the driver's log says of the memory.
fn expected(kind: &str) -> [Vec<String>; 3] {
    let lines = |lines: &[&str]| lines.iter().map(|line| line.replace('*', kind)).collect::<Vec<String>>();
    let frame = ["htod 1920*", "htod 1920*", "graph launch", "dtoh 960*", "dtoh 960*"];
    let all = [&["htod 32*", "htod 32*"], &frame[..], &["wait"]].concat();
    let again = [&frame[..], &["wait"]].concat();
    [lines(&all), lines(&again), lines(&all)]
}

fn a_run_waits_once() -> Outcome {
    let played = played("pinned", &[])?;
    if played.runs == expected(" pinned") { Ok(()) } else { Err(format!("{:#?}", played.runs).into()) }
}

/// The same pictures by way of ordinary memory, and a word about it.
fn without_pinned_memory_it_takes_longer() -> Outcome {
    let [pinned, plain] = [played("with", &[])?, played("without", &[("FAKECUDA_PINNED", "0")])?];
    if plain.runs != expected("") {
        return Err(format!("{:#?}", plain.runs).into());
    }
    let words = "by way of other memory";
    if plain.bytes != pinned.bytes || !plain.said.contains(words) || pinned.said.contains(words) {
        return Err(format!("other results, or other words: {} {}", plain.said, pinned.said).into());
    }
    Ok(())
}

/// No promise of the driver's says when it has read ordinary memory: weights stay where they are until they have arrived.
fn weights_are_not_changed_on_their_way() -> Outcome {
    let scenes: [&[(&str, &str)]; 2] = [&[("FAKECUDA_LATE", "1")], &[("FAKECUDA_LATE", "1"), ("FAKECUDA_PINNED", "0")]];
    let usual = played("usual", &[])?;
    for (number, scene) in scenes.into_iter().enumerate() {
        if played(&format!("late-{number}"), scene)?.bytes != usual.bytes {
            return Err(format!("other results with {scene:?}").into());
        }
    }
    Ok(())
}

/// A run that is refused has sent something already; the next must not change it on its way.
fn a_refused_run_leaves_what_it_sent() -> Outcome {
    let mut b = GraphBuilder::new("refused", "");
    let built = (|| {
        let time = b.input("time", Shape::rows(1, 24), Stage::Schedule)?;
        let ids = b.input("ids", Shape::rows(1, 7), Stage::Frame)?;
        let words = b.embedding("words", ids, 11, 24)?;
        let time = b.linear("time", time, 24, Bias::With)?;
        let time = b.reshape(time, Shape::tokens(1, 1, 24))?;
        b.add(words, time)
    })();
    let out = built.map_err(|error: GraphError| error.to_string())?;
    b.output("out", out);
    let graph = Arc::new(b.finish());
    let results = |executor: &dyn Executor| -> Result<Vec<Option<Vec<Tensor>>>, Failed> {
        let packed = executor.load(&weights(&graph)).map_err(|error| error.to_string())?;
        let mut program = executor.compile(graph.clone(), &packed, &[]).map_err(|error| error.to_string())?;
        let mut run = |id: f32, (seed, revision, slot): Job| {
            let (_, time) = inputs(&graph, seed).into_iter().find(|(name, _)| name == "time").unwrap();
            let ids = Tensor::new([1, 7], vec![id; 7]);
            let time = Value { name: "time", revision, tensor: &time };
            program.run(&[time, Value { name: "ids", revision, tensor: &ids }], slot).ok()
        };
        Ok(vec![run(99.0, (1, 1, 0)), run(3.0, (2, 2, 1)), run(3.0, (1, 1, 0))])
    };
    let found = results(&Cuda::new().map_err(|error| error.to_string())?)?;
    let reference = results(&Candle::new(1).map_err(|error| error.to_string())?)?;
    for (found, reference) in found.iter().zip(&reference).skip(1) {
        let (Some(found), Some(reference)) = (found, reference) else { return Err("a run was refused".into()) };
        near(&found[0], &reference[0], LIMITS[0])?;
    }
    if found[0].is_none() { Ok(()) } else { Err("a word that is none was looked up".into()) }
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 4] = [
        ("a_run_waits_once", a_run_waits_once),
        ("without_pinned_memory_it_takes_longer", without_pinned_memory_it_takes_longer),
        ("weights_are_not_changed_on_their_way", weights_are_not_changed_on_their_way),
        ("a_refused_run_leaves_what_it_sent", a_refused_run_leaves_what_it_sent),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("transfers::{name}"), test)).collect()
}
