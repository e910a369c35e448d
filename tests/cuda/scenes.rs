//! The whole program on GPUs that are missing, old, small or lost: one sentence each, with the thing and the remedy, and
//! nothing that hangs. And on one that works: the same picture as the CPU paints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use afterimage::verify::Index;
use libtest_mimic::{Failed, Trial};

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

/// A folder that is removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty one.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("afterimage-cuda-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the program does in a folder of its own.
pub fn afterimage(folder: &Folder, args: &[&str], scene: &[(&str, &str)]) -> Result<Output, Failed> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_afterimage"));
    program.args(args).envs(scene.iter().copied()).env("HOME", &folder.0).env("XDG_DATA_HOME", folder.0.join("data"));
    Ok(program
        .env("XDG_CONFIG_HOME", folder.0.join("config"))
        .env("XDG_CACHE_HOME", folder.0.join("cache"))
        .output()?)
}

/// Paints over a small picture with a tiny model.
fn paint(folder: &Folder, executor: &str, scene: &[(&str, &str)]) -> Result<Output, Failed> {
    paint_with(folder, (&root().join("tests/fixtures/sd15-lcm"), &[]), executor, scene)
}

/// Paints over a small picture with the model in a folder, and other words of the command line.
pub fn paint_with(
    folder: &Folder,
    (model, words): (&Path, &[&str]),
    executor: &str,
    scene: &[(&str, &str)],
) -> Result<Output, Failed> {
    let drawing = folder.0.join("drawing.png");
    std::fs::copy(root().join("tests/snapshots/stage_picture.png"), &drawing)?;
    let (drawing, model) = (drawing.display().to_string(), model.display().to_string());
    let out = folder.0.join(format!("{executor}.png")).display().to_string();
    let fixed = ["paint", &drawing, "--prompt", "fox", "--model", &model, "--size", "64", "--out", &out];
    afterimage(folder, &[&fixed[..], &["--executor", executor], words].concat(), scene)
}

/// A failure with all these words in its sentence.
pub fn refused(output: &Output, words: &[&str]) -> Outcome {
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || output.status.code().is_none_or(|code| code > 10) {
        return Err(format!("it ended with {}: {said}", output.status).into());
    }
    match words.iter().find(|word| !said.contains(**word)) {
        None if !said.contains("panicked") => Ok(()),
        _ => Err(format!("not all of {words:?} in: {said}").into()),
    }
}

fn no_driver() -> Outcome {
    let folder = Folder::new("none");
    refused(&paint(&folder, "cuda", &[("LD_LIBRARY_PATH", "")])?, &["libcuda", "--executor cpu"])
}

fn no_gpu() -> Outcome {
    let folder = Folder::new("no-gpu");
    refused(&paint(&folder, "cuda", &[("FAKECUDA_DEVICES", "0")])?, &["finds no GPU", "--executor cpu"])
}

fn an_old_driver() -> Outcome {
    let folder = Folder::new("old-driver");
    refused(&paint(&folder, "cuda", &[("FAKECUDA_DRIVER", "10020")])?, &["driver", "535"])
}

fn an_old_gpu() -> Outcome {
    let folder = Folder::new("old-gpu");
    refused(&paint(&folder, "cuda", &[("FAKECUDA_CC", "75")])?, &["7.5", "8.0 is needed", "RTX 30"])
}

fn one_of_two_gpus() -> Outcome {
    let folder = Folder::new("two");
    let two = ("FAKECUDA_DEVICES", "2");
    let wrong = paint(&folder, "cuda", &[two, ("AFTERIMAGE_CUDA_DEVICE", "2")])?;
    refused(&wrong, &["AFTERIMAGE_CUDA_DEVICE", "0 to 1"])?;
    // The first is chosen, or is too old though it is larger, or is taken by another program.
    for first in [("AFTERIMAGE_CUDA_DEVICE", "1"), ("FAKECUDA_OLD", "0"), ("FAKECUDA_TAKEN", "0")] {
        let right = paint(&folder, "cuda", &[two, first])?;
        if !right.status.success() {
            return Err(format!("{first:?}: {}", String::from_utf8_lossy(&right.stderr)).into());
        }
    }
    refused(&paint(&folder, "cuda", &[("FAKECUDA_TAKEN", "0")])?, &["taken by another program"])
}

/// Memory ends at every single allocation in turn.
fn no_room() -> Outcome {
    let folder = Folder::new("no-room");
    let mut refusals = 0;
    for allocation in [1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 300, 400] {
        let output = paint(&folder, "cuda", &[("FAKECUDA_FAIL_ALLOC", &allocation.to_string())])?;
        if output.status.success() {
            break;
        }
        refused(&output, &["has no room for", "are needed", "are free", "smaller picture"])?;
        refusals += 1;
    }
    if refusals >= 6 { Ok(()) } else { Err(format!("only {refusals} allocations failed").into()) }
}

/// A GPU is taken unasked; where it has no room, for the check or for the model, the CPU paints.
fn nobody_asked_for_it() -> Outcome {
    let folder = Folder::new("unasked");
    let log = folder.0.join("calls").display().to_string();
    for (allocation, instead) in [("0", false), ("3", true), ("129", true)] {
        std::fs::remove_file(&log).ok();
        let output = paint(&folder, "auto", &[("FAKECUDA_FAIL_ALLOC", allocation), ("FAKECUDA_LOG", &log)])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() || said.contains("the CPU paints instead") != instead {
            return Err(format!("allocation {allocation} failed, and it ended with {}: {said}", output.status).into());
        }
        // The check is one graph.
        let calls = std::fs::read_to_string(&log)?;
        let graphs = calls.lines().filter(|line| line.trim() == "graph launch").count();
        if (graphs > 1) == instead {
            return Err(format!("{graphs} graphs were started when allocation {allocation} failed").into());
        }
    }
    Ok(())
}

/// The GPU stops in the middle of its work.
fn a_lost_gpu() -> Outcome {
    let folder = Folder::new("lost");
    for launch in [1, 20, 200] {
        let output = paint(&folder, "cuda", &[("FAKECUDA_LOST", &launch.to_string())])?;
        refused(&output, &["the GPU stopped", "--executor cpu"])?;
    }
    Ok(())
}

fn the_same_picture() -> Outcome {
    let folder = Folder::new("same");
    for executor in ["cuda", "cuda-bf16", "cpu-f32"] {
        let output = paint(&folder, executor, &[])?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
    }
    for (name, least) in [("cuda", 45.0), ("cuda-bf16", 30.0)] {
        let psnr = psnr(&folder, name, "cpu-f32")?;
        if psnr < least {
            return Err(format!("{name} paints another picture: {psnr:.1} dB, at least {least} are expected").into());
        }
    }
    Ok(())
}

/// On a GPU that multiplies with its own instructions.
fn the_same_picture_on_hopper() -> Outcome {
    let folder = Folder::new("hopper");
    let log = folder.0.join("calls").display().to_string();
    let scene = [("FAKECUDA_CC", "90"), ("FAKECUDA_DRIVER", "13000"), ("FAKECUDA_LOG", log.as_str())];
    for (executor, scene) in [("cuda", &scene[..]), ("cuda-bf16", &scene[..]), ("cpu-f32", &[])] {
        let output = paint(&folder, executor, scene)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
    }
    let calls = std::fs::read_to_string(&log)?;
    if !calls.contains("launch conv_hopper_") {
        return Err("its own kernels were not started".into());
    }
    for (name, least) in [("cuda", 45.0), ("cuda-bf16", 30.0)] {
        let psnr = psnr(&folder, name, "cpu-f32")?;
        if psnr < least {
            return Err(format!("{name} paints another picture: {psnr:.1} dB, at least {least} are expected").into());
        }
    }
    Ok(())
}

/// The default model, which an executor may paint in one go: one graph is started for the whole picture.
fn a_whole_picture_in_one_go() -> Outcome {
    let folder = Folder::new("whole");
    let drawing = folder.0.join("drawing.png");
    std::fs::copy(root().join("tests/snapshots/stage_picture.png"), &drawing)?;
    let log = folder.0.join("calls");
    let (drawing, calls) = (drawing.display().to_string(), log.display().to_string());
    for executor in ["cuda", "cpu-f32"] {
        let out = folder.0.join(format!("{executor}.png")).display().to_string();
        let args =
            ["paint", &drawing, "--prompt", "red apple, 3d", "--size", "128", "--out", &out, "--executor", executor];
        let output = afterimage(&folder, &args, &[("FAKECUDA_LOG", &calls)])?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
    }
    let text = std::fs::read_to_string(&log)?;
    let started = text.lines().filter(|line| line.trim() == "graph launch").count();
    let fetched = text.lines().filter(|line| line.starts_with("dtoh")).count();
    // Loading made ready what was asked for, and nothing else; the text has none.
    let recorded = text.lines().filter(|line| line.starts_with("graph of")).count();
    if recorded != 1 {
        return Err(format!("{recorded} graphs were recorded").into());
    }
    // The driver takes its time to translate a kernel: it gets those that are started, once, and no others.
    let given = text.lines().filter(|line| line.starts_with("module of 1 ")).count();
    let started_kernels: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("launch ")).collect();
    if given != started_kernels.len() {
        return Err(format!("the driver got {given} kernels for {started_kernels:?}").into());
    }
    // The prompt's states are fetched too.
    if (started, fetched) != (1, 2) {
        return Err(format!("{started} graphs were started, {fetched} results fetched").into());
    }
    let psnr = psnr(&folder, "cuda", "cpu-f32")?;
    if psnr >= 50.0 { Ok(()) } else { Err(format!("another picture than the CPU's: {psnr:.1} dB").into()) }
}

/// How like each other two pictures of `folder` are, in dB.
pub fn psnr(folder: &Folder, found: &str, expected: &str) -> Result<f64, Failed> {
    let picture = |name: &str| -> Result<Vec<u8>, Failed> {
        let path = folder.0.join(format!("{name}.png"));
        Ok(image::open(path).map_err(|error| error.to_string())?.to_rgba8().into_raw())
    };
    let (found, expected) = (picture(found)?, picture(expected)?);
    if found.len() != expected.len() {
        return Err("the pictures have different sizes".into());
    }
    let squares = found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
    Ok(10.0 * (255.0 * 255.0 * expected.len() as f64 / squares.max(1e-9)).log10())
}

/// A folder with the first fixture of each kind: a verification wants all kinds, and each fixture has a test of its own.
fn few_fixtures(folder: &Folder) -> Result<String, Failed> {
    let (all, few) = (root().join("tests/fixtures"), folder.0.join("fixtures"));
    std::fs::create_dir_all(&few)?;
    for entry in std::fs::read_dir(&all)?.flatten().filter(|entry| entry.file_name() != "index.json") {
        std::os::unix::fs::symlink(entry.path(), few.join(entry.file_name()))?;
    }
    let index = std::fs::read_to_string(all.join("index.json"))?;
    let mut index: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&index)?;
    let mut seen = BTreeSet::new();
    index.retain(|name, _| seen.insert(Index::kind_of(name).to_owned()));
    std::fs::write(few.join("index.json"), serde_json::to_string(&index)?)?;
    Ok(few.display().to_string())
}

/// The doctor names the GPU and what was never compared on it; a verification that passed is remembered, though nobody asked
/// for the GPU by its name.
fn the_doctor_knows_what_was_verified() -> Outcome {
    let folder = Folder::new("doctor");
    let doctor = || -> Result<String, Failed> {
        Ok(String::from_utf8_lossy(&afterimage(&folder, &["doctor"], &[])?.stdout).into_owned())
    };
    let before = doctor()?;
    if !before.contains("not verified on this device") {
        return Err(format!("nothing said about the GPU:\n{before}").into());
    }
    let fixtures = few_fixtures(&folder)?;
    let verify = afterimage(&folder, &["verify", "--fixtures", &fixtures], &[])?;
    if !verify.status.success() {
        return Err(String::from_utf8_lossy(&verify.stdout).into_owned().into());
    }
    let after = doctor()?;
    if after.contains("not verified") || !after.contains("verified") {
        return Err(format!("still not verified:\n{after}").into());
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 12] = [
        ("no_driver", no_driver),
        ("no_gpu", no_gpu),
        ("an_old_driver", an_old_driver),
        ("an_old_gpu", an_old_gpu),
        ("one_of_two_gpus", one_of_two_gpus),
        ("no_room", no_room),
        ("nobody_asked_for_it", nobody_asked_for_it),
        ("a_lost_gpu", a_lost_gpu),
        ("the_same_picture", the_same_picture),
        ("the_same_picture_on_hopper", the_same_picture_on_hopper),
        ("a_whole_picture_in_one_go", a_whole_picture_in_one_go),
        ("the_doctor_knows_what_was_verified", the_doctor_knows_what_was_verified),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("scenes::{name}"), test)).collect()
}
