//! Products are measured on the emulated GPU, whose clock is a function of what it runs: what is chosen and written down, what a
//! second start reads, and that nothing that goes wrong on the way changes more than the time.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use afterimage::exec::{Candle, Cuda};
use afterimage::graph::{Conv, Graph, GraphBuilder, GraphError, NodeId, Padding, Shape, Stage};
use libtest_mimic::{Failed, Trial};

use crate::graphs::{JOBS, LIMITS, near, run};
use crate::scenes::{Folder, afterimage};

/// Says that this program shall run a network instead of tests, and where to write what came out.
pub const SCENE: &str = "AFTERIMAGE_TUNED_SCENE";
/// Says that the last product shall be of few pixels and deep, so that its sum is split.
const DEEP: &str = "AFTERIMAGE_TUNED_DEEP";
const TUNE: &str = "AFTERIMAGE_CUDA_TUNE";
const SLOW: &str = "FAKECUDA_SLOW";
/// Shapes of products in the network, and products.
const SHAPES: usize = 2;
const PRODUCTS: usize = 3;
const TILES: [&str; 4] = ["conv_128x128", "conv_128x64", "conv_64x64", "conv_64x32"];

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

fn network() -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("tuned", "");
    let x = b.input("x", Shape::map(1, 16, 16, 32), Stage::Frame)?;
    let [left, right] = ["left", "right"].map(|name| b.conv2d(name, x, Conv::same(128, 3)));
    let both = b.concat(&[left?, right?])?;
    let (deep, flat) = (Conv::same(40, 3).strided(4, Padding::all(1)), Conv::same(40, 1));
    let out: NodeId = b.conv2d("join", both, if std::env::var_os(DEEP).is_some() { deep } else { flat })?;
    b.output("out", out);
    Ok(b.finish())
}

/// Runs the network on the GPU and compares it with the reference.
pub fn play() {
    env_logger::init();
    if let Err(error) = played() {
        eprintln!("{}", error.message().unwrap_or_default());
        std::process::exit(1);
    }
}

fn played() -> Outcome {
    let graph = Arc::new(network().map_err(|error| error.to_string())?);
    let gpu = Cuda::new().map_err(|error| error.to_string())?;
    let found = run(&gpu, &graph, &[], &JOBS[..1])?;
    let reference = Candle::new(1).map_err(|error| error.to_string())?;
    let expected = run(&reference, &graph, &[], &JOBS[..1])?;
    near(&found[0][0], &expected[0][0], LIMITS[0])?;
    let bits: Vec<u8> = found[0][0].data.iter().flat_map(|value| value.to_ne_bytes()).collect();
    Ok(std::fs::write(std::env::var_os(SCENE).unwrap_or_default(), bits)?)
}

/// A place where something may be written down, and what happened there.
struct Place(Folder);

/// A start of the program.
struct Start {
    said: String,
    /// What came out, every number as it is.
    bits: Vec<u8>,
    /// Names of the kernels that were started, or recorded to be.
    products: Vec<String>,
}

impl Place {
    fn new(name: &str) -> Self {
        Self(Folder::new(&format!("tuning-{name}")))
    }

    fn home(&self) -> PathBuf {
        self.0.0.join("home")
    }

    fn file(&self) -> PathBuf {
        self.home().join("cache/cuda-cuts.txt")
    }

    fn log(&self) -> PathBuf {
        self.0.0.join("calls")
    }

    fn result(&self) -> PathBuf {
        self.0.0.join("result")
    }

    fn spawn(&self, scene: &[(&str, &str)]) -> Result<Child, Failed> {
        let mut program = Command::new(std::env::current_exe()?);
        program
            .env(SCENE, self.result())
            .env("AFTERIMAGE_HOME", self.home())
            .env(TUNE, "600")
            .env("RUST_LOG", "afterimage=debug");
        program.env("FAKECUDA_LOG", self.log()).envs(scene.iter().copied());
        Ok(program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
    }

    fn output(&self, scene: &[(&str, &str)]) -> Result<Output, Failed> {
        std::fs::remove_file(self.log()).ok();
        Ok(self.spawn(scene)?.wait_with_output()?)
    }

    /// Runs the network, which must succeed.
    fn start(&self, scene: &[(&str, &str)]) -> Result<Start, Failed> {
        let output = self.output(scene)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(format!("{scene:?} ended with {}: {said}", output.status).into());
        }
        let log = std::fs::read_to_string(self.log())?;
        let launched = log.lines().filter_map(|line| line.strip_prefix("launch "));
        let products = launched.filter(|name| TILES.iter().any(|tile| name.starts_with(tile)));
        Ok(Start { said, bits: std::fs::read(self.result())?, products: products.map(str::to_owned).collect() })
    }

    /// The lines of the file, without the first, which is for people.
    fn written(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().skip(1).map(str::to_owned).collect()
    }
}

fn expect(is: bool, text: impl FnOnce() -> String) -> Outcome {
    if is { Ok(()) } else { Err(text().into()) }
}

fn nothing_was_measured(start: &Start) -> Outcome {
    let launched = &start.products;
    expect(launched.len() == PRODUCTS, || format!("{launched:?} were started: {}", start.said))
}

fn all_was_measured(start: &Start) -> Outcome {
    let words = format!("{SHAPES} of {SHAPES} new shapes");
    expect(start.products.len() > 10 * PRODUCTS && start.said.contains(&words), || start.said.clone())
}

/// Whatever counting says: each tile in turn is ten times as fast as the others.
fn what_is_fastest_is_chosen() -> Outcome {
    let place = Place::new("fastest");
    let mut chosen = Vec::new();
    for tile in TILES {
        let others = TILES.iter().filter(|other| **other != tile);
        let slow: Vec<String> = others.map(|other| format!("{other}_:10")).collect();
        let scene = [(SLOW, &*slow.join(",")), ("FAKECUDA_NAME", tile)];
        all_was_measured(&place.start(&scene)?)?;
        let again = place.start(&scene)?;
        nothing_was_measured(&again)?;
        // Of the shape that is there twice, every tile is a candidate.
        let both = again.products.iter().filter(|name| name.starts_with(tile)).count();
        expect(both >= 2, || format!("{tile} is fastest, but {:?} were started", again.products))?;
        chosen.push(again.products);
    }
    let counted = place.start(&[(TUNE, "off")])?.products;
    expect(chosen.iter().any(|products| *products != counted), || "the counting was always right".into())
}

/// Clusters add parts of sums on GPUs that have them; where the driver refuses what it has room for, another way is found.
fn parts_meet_unless_that_is_refused() -> Outcome {
    let place = Place::new("refused");
    let scene = [(DEEP, "1"), ("FAKECUDA_CC", "90"), ("FAKECUDA_ROOM", "8")];
    let met = || Ok::<_, Failed>(std::fs::read_to_string(place.log())?.contains(" in clusters of "));
    let counted = place.start(&[&scene[..], &[(TUNE, "off")]].concat())?;
    expect(met()?, || format!("not by counting: {}", counted.said))?;
    for (most, refused) in [("8", false), ("1", true)] {
        let start = place.start(&[&scene[..], &[("FAKECUDA_CLUSTER", most), ("FAKECUDA_NAME", most)]].concat())?;
        let said = start.said.contains("a way to cut a product is left out");
        expect(met()? != refused && said == refused, || format!("clusters of {most}: {}", start.said))?;
        expect(start.said.contains(&format!("{SHAPES} of {SHAPES} new shapes")), || start.said.clone())?;
    }
    Ok(())
}

fn a_second_start_reads_what_the_first_wrote() -> Outcome {
    let place = Place::new("second");
    let first = place.start(&[])?;
    all_was_measured(&first)?;
    let written = place.written();
    expect(written.len() == SHAPES, || format!("{written:?}"))?;
    let second = place.start(&[])?;
    nothing_was_measured(&second)?;
    expect(second.bits == first.bits, || "the same cuts gave other numbers".into())?;
    expect(place.written() == written, || "the file was written again".into())?;
    std::fs::remove_file(place.file())?;
    all_was_measured(&place.start(&[])?)
}

/// Another program has the GPU for half of the kernels: nothing is written down of which that may be wrong, and the next start
/// measures.
fn what_others_disturb_is_measured_again() -> Outcome {
    let place = Place::new("busy");
    let busy = place.start(&[("FAKECUDA_BUSY", "20")])?;
    expect(busy.products.len() > 10 * PRODUCTS, || format!("nothing was measured: {}", busy.said))?;
    let believed = place.written();
    expect(believed.len() < SHAPES, || format!("{believed:?} was written: {}", busy.said))?;
    expect(busy.said.contains("something else uses the GPU"), || busy.said.clone())?;
    let quiet = place.start(&[])?;
    expect(quiet.products.len() > 5 * PRODUCTS, || format!("nothing was measured: {}", quiet.said))?;
    let right = place.written();
    expect(right.len() == SHAPES, || format!("{right:?}"))?;
    std::fs::remove_file(place.file())?;
    all_was_measured(&place.start(&[])?)?;
    expect(place.written() == right, || format!("{right:?} instead of {:?}", place.written()))
}

/// Every allocation fails in turn: where it is that for the parts of sums, products are not split, and nothing else is different.
fn sums_without_room_are_not_split() -> Outcome {
    let place = Place::new("sums");
    let scene = [(DEEP, "1"), (TUNE, "off")];
    place.start(&scene)?;
    let log = std::fs::read_to_string(place.log())?;
    let finished = |log: &str| log.contains("launch conv_finish");
    expect(finished(&log), || "no sum was split".into())?;
    let mut unsplit = 0;
    for allocation in 1..=log.lines().filter(|line| line.starts_with("alloc ")).count() {
        let output = place.output(&[&scene[..], &[("FAKECUDA_FAIL_ALLOC", &allocation.to_string())]].concat())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            let log = std::fs::read_to_string(place.log())?;
            expect(!finished(&log) && said.contains("the sums of a network"), || said.clone())?;
            unsplit += 1;
        } else {
            expect(said.contains("has no room for") && !said.contains("the sums of a network"), || said.clone())?;
        }
    }
    expect(unsplit == 1, || format!("{unsplit} allocations can be done without"))
}

fn another_driver_or_gpu_is_measured_anew() -> Outcome {
    let place = Place::new("another");
    for (count, scene) in
        [("FAKECUDA_SEED", "2"), ("FAKECUDA_DRIVER", "12040"), ("FAKECUDA_NAME", "Other GPU"), ("FAKECUDA_CC", "86")]
            .into_iter()
            .enumerate()
    {
        all_was_measured(&place.start(&[scene])?)?;
        let written = place.written().len();
        expect(written == (count + 1) * SHAPES, || format!("{written} lines after {scene:?}"))?;
        nothing_was_measured(&place.start(&[scene])?)?;
    }
    Ok(())
}

fn a_broken_file_is_replaced() -> Outcome {
    let place = Place::new("broken");
    let first = place.start(&[])?;
    let good = std::fs::read(place.file())?;
    let other = |line: &str| line.rsplit_once('\t').map(|(shape, cut)| format!("{shape}\tattention_{cut}\n"));
    let wrong: String = String::from_utf8_lossy(&good).lines().filter_map(other).collect();
    for text in [&b"\0\xff rubbish"[..], &good[..good.len() / 2], wrong.as_bytes(), b""] {
        std::fs::write(place.file(), text)?;
        let start = place.start(&[])?;
        expect(start.bits == first.bits && start.products.len() > PRODUCTS, || start.said.clone())?;
        expect(place.written().len() == SHAPES, || format!("{:?}", place.written()))?;
        nothing_was_measured(&place.start(&[])?)?;
    }
    Ok(())
}

fn a_place_that_cannot_be_written_is_no_error() -> Outcome {
    let place = Place::new("unwritable");
    std::fs::create_dir_all(place.home())?;
    std::fs::write(place.home().join("cache"), "a file where the folder should be")?;
    for _ in 0..2 {
        let start = place.start(&[])?;
        all_was_measured(&start)?;
        expect(start.said.contains("will be measured again"), || start.said.clone())?;
    }
    Ok(())
}

fn no_room_or_time_to_measure_is_no_error() -> Outcome {
    let place = Place::new("no-room");
    all_was_measured(&place.start(&[])?)?;
    let log = std::fs::read_to_string(place.log())?;
    let sizes = log.lines().filter_map(|line| line.strip_prefix("alloc ")?.parse::<usize>().ok());
    // What measures is by far the largest piece of memory that this network asks for.
    let largest = sizes.enumerate().max_by_key(|(_, bytes)| *bytes).map_or(0, |(index, _)| index + 1);
    std::fs::remove_file(place.file())?;
    let start = place.start(&[("FAKECUDA_FAIL_ALLOC", &largest.to_string())])?;
    nothing_was_measured(&start)?;
    expect(start.said.contains("nothing of `tuned` is measured"), || start.said.clone())?;
    let start = place.start(&[(TUNE, "1e-9")])?;
    nothing_was_measured(&start)?;
    expect(place.written().is_empty(), || format!("{:?}", place.written()))
}

fn a_gpu_that_is_lost_meanwhile_is_one_sentence() -> Outcome {
    let place = Place::new("lost");
    for launch in ["1", "7", "30"] {
        let output = place.output(&[("FAKECUDA_LOST", launch), ("RUST_LOG", "")])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let one = output.status.code() == Some(1) && said.starts_with("the GPU stopped (") && said.lines().count() == 1;
        expect(one, || format!("{}: {said}", output.status))?;
    }
    expect(place.written().is_empty(), || format!("{:?}", place.written()))
}

fn several_programs_at_once_leave_a_good_file() -> Outcome {
    let place = Place::new("several");
    let children: Vec<Child> = (0..4).map(|_| place.spawn(&[])).collect::<Result<_, _>>()?;
    for child in children {
        let output = child.wait_with_output()?;
        expect(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    }
    nothing_was_measured(&place.start(&[])?)?;
    let names = std::fs::read_dir(place.home().join("cache"))?.count();
    expect(names == 1, || format!("{names} files were left"))
}

fn it_can_be_switched_off() -> Outcome {
    let place = Place::new("off");
    all_was_measured(&place.start(&[(SLOW, "conv_64:100")])?)?;
    let measured = place.start(&[])?;
    for word in ["off", "0"] {
        let off = place.start(&[(TUNE, word)])?;
        nothing_was_measured(&off)?;
        expect(off.products != measured.products, || "what was measured still counts".into())?;
    }
    let output = place.output(&[(TUNE, "no")])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    expect(!output.status.success() && said.contains(TUNE) && said.contains("`no`"), || said.clone())
}

fn the_doctor_knows_what_was_measured() -> Outcome {
    let place = Place::new("doctor");
    all_was_measured(&place.start(&[])?)?;
    let home = place.home().display().to_string();
    let output = afterimage(&place.0, &["doctor"], &[("AFTERIMAGE_HOME", &home)])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    expect(said.contains(&format!("{SHAPES} shapes of products measured")), || said.clone())
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 13] = [
        ("what_is_fastest_is_chosen", what_is_fastest_is_chosen),
        ("parts_meet_unless_that_is_refused", parts_meet_unless_that_is_refused),
        ("a_second_start_reads_what_the_first_wrote", a_second_start_reads_what_the_first_wrote),
        ("what_others_disturb_is_measured_again", what_others_disturb_is_measured_again),
        ("sums_without_room_are_not_split", sums_without_room_are_not_split),
        ("another_driver_or_gpu_is_measured_anew", another_driver_or_gpu_is_measured_anew),
        ("a_broken_file_is_replaced", a_broken_file_is_replaced),
        ("a_place_that_cannot_be_written_is_no_error", a_place_that_cannot_be_written_is_no_error),
        ("no_room_or_time_to_measure_is_no_error", no_room_or_time_to_measure_is_no_error),
        ("a_gpu_that_is_lost_meanwhile_is_one_sentence", a_gpu_that_is_lost_meanwhile_is_one_sentence),
        ("several_programs_at_once_leave_a_good_file", several_programs_at_once_leave_a_good_file),
        ("it_can_be_switched_off", it_can_be_switched_off),
        ("the_doctor_knows_what_was_measured", the_doctor_knows_what_was_measured),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("tuning::{name}"), test)).collect()
}
