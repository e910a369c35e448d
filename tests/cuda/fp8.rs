//! Products of fp8 numbers, on GPUs that have them: small networks and those of the fixtures against their references, the
//! default model's picture, and what is said where they are not to be had.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;

use afterimage::exec::{Candle, Cuda, Executor, Value};
use afterimage::graph::{Activation, Bias, Conv, Graph, GraphBuilder, Mask, NodeId, Shape, Stage};
use afterimage::weights::Weights;
use libtest_mimic::{Failed, Trial};

use crate::graphs::{Built, JOBS, inputs, near, run, weights};
use crate::judge::judge;
use crate::scenes::{Folder, afterimage, psnr, refused, root};

/// Says that this program shall compute instead of running tests.
pub const SCENE: &str = "AFTERIMAGE_FP8_SCENE";

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

/// The first driver that knows such products.
const DRIVER: (&str, &str) = ("FAKECUDA_DRIVER", "12040");
/// GPUs that have them, which multiply in different ways.
const CHIPS: [(&str, &str); 2] = [("FAKECUDA_CC", "89"), ("FAKECUDA_CC", "90")];

/// Largest difference allowed in a small network, as a part of the largest value: factors have four digits.
const LIMIT: f32 = 0.06;

/// U-Nets with odd sizes, several heads, and linear projections.
const NETWORKS: [&str; 4] = ["unet/base_8x8", "unet/lcm_7x5", "unet/sd21_turbo", "sdxl/unet_lcm_odd"];

/// The graph that `build` makes of one frame input.
fn graph(shape: Shape, build: impl Fn(&mut GraphBuilder, NodeId) -> Built) -> Graph {
    let mut b = GraphBuilder::new("test", "");
    let out = b.input("x", shape, Stage::Frame).and_then(|x| build(&mut b, x)).unwrap();
    b.output("out", out);
    b.finish()
}

/// A residual block, a map that is doubled or halved, and a transformer's block, of which products read fp8 numbers; and what
/// looks like them and may not: odd channels, and a norm that somebody else reads, too.
fn small_networks() -> Vec<Graph> {
    let block = |c: usize, out: usize, conv: Conv| {
        graph(Shape::map(2, 6, 5, c), move |b, x| {
            let y = b.group_norm("norm", x, 4, 1e-5)?;
            let y = b.activate(y, Activation::Silu)?;
            let y = b.conv2d("conv", y, conv)?;
            if c == out { b.add(y, x) } else { Ok(y) }
        })
    };
    let doubled = graph(Shape::map(1, 7, 4, 32), |b, x| {
        let y = b.group_norm("norm", x, 8, 1e-5)?;
        let up = b.upsample(y, 14, 8)?;
        b.conv2d("conv", up, Conv::same(48, 3))
    });
    let transformer = graph(Shape::tokens(2, 35, 64), |b, x| {
        let y = b.layer_norm("norm1", x, 1e-5)?;
        let [q, k, v] = ["q", "k", "v"].map(|name| b.linear(&format!("attn.to_{name}"), y, 64, Bias::Without));
        let y = b.attention([q?, k?, v?], 4, Mask::None)?;
        let y = b.linear("attn.out", y, 64, Bias::With)?;
        let x = b.add(x, y)?;
        let y = b.layer_norm("norm2", x, 1e-5)?;
        let y = b.linear("up", y, 512, Bias::With)?;
        let y = b.geglu(y)?;
        let y = b.linear("down", y, 64, Bias::With)?;
        b.add(x, y)
    });
    let shared = graph(Shape::map(1, 6, 5, 32), |b, x| {
        let y = b.group_norm("norm", x, 4, 1e-5)?;
        let z = b.conv2d("conv", y, Conv::same(32, 3))?;
        b.add(y, z)
    });
    let deep = graph(Shape::map(1, 4, 4, 1280), |b, x| {
        let y = b.group_norm("norm", x, 32, 1e-5)?;
        b.conv2d("conv", y, Conv::same(64, 3))
    });
    vec![
        block(32, 32, Conv::same(32, 3)),
        block(64, 48, Conv::same(48, 1).without_bias()),
        block(24, 24, Conv::same(24, 3)),
        doubled,
        transformer,
        shared,
        deep,
    ]
}

/// Whether a network gives numbers alone, of which this weight has one that is infinite.
fn hides_infinity(executor: &dyn Executor, graph: &Arc<Graph>, key: &str) -> bool {
    let usual = weights(graph);
    let values = graph.weights().iter().map(|weight| {
        let mut values = usual.read(&weight.key, &weight.shape).unwrap();
        if weight.key == key {
            values[1] = f32::INFINITY;
        }
        (weight.key.clone(), weight.shape.clone(), values)
    });
    let packed = executor.load(&Weights::from_values(values)).unwrap();
    let mut program = executor.compile(graph.clone(), &packed, &[]).unwrap();
    let tensors = inputs(graph, 1);
    let values = tensors.iter().map(|(name, tensor)| Value { name, revision: 1, tensor });
    let found = program.run(&values.collect::<Vec<_>>(), 0).unwrap();
    found[0].data.iter().all(|value| value.is_finite())
}

/// What is infinite becomes the largest fp8 number when it is rounded: then a broken model would paint, and nobody be told.
fn infinities_are_seen(executor: &dyn Executor) {
    let graph = Arc::new(graph(Shape::tokens(2, 35, 64), |b, x| {
        let y = b.layer_norm("norm", x, 1e-5)?;
        let y = b.linear("up", y, 512, Bias::With)?;
        let y = b.geglu(y)?;
        b.linear("down", y, 64, Bias::With)
    }));
    for key in ["norm.weight", "norm.bias", "up.bias", "down.bias"] {
        assert!(!hides_infinity(executor, &graph, key), "{key}");
    }
}

/// All small networks beside the reference, then those of the fixtures.
pub fn play() {
    let (candle, cuda) = (Candle::new(1).unwrap(), Cuda::fp8().unwrap());
    infinities_are_seen(&cuda);
    for (number, graph) in small_networks().into_iter().enumerate() {
        let graph = Arc::new(graph);
        let [expected, found] =
            [&candle as &dyn Executor, &cuda].map(|executor| run(executor, &graph, &[], &JOBS).unwrap());
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            near(found, expected, LIMIT).map_err(|text| format!("network {number}: {text}")).unwrap();
        }
        assert_eq!(found[0], found[2], "two runs of the same work are the same");
    }
    let (network, pictures) = (cuda.rounding(), cuda.rounding_of_pictures());
    assert!(network <= 0.3 && pictures > network, "a network may be off by {network}, pictures by {pictures}");
    for name in NETWORKS {
        judge(&root().join("tests/fixtures"), name, &cuda).map_err(|error| format!("{name}: {error:?}")).unwrap();
    }
}

/// On each of the GPUs, which starts those kernels that are for it.
fn networks() -> Outcome {
    for chip in CHIPS {
        let folder = Folder::new(&format!("fp8-{}", chip.1));
        let log = folder.0.join("calls");
        let mut program = Command::new(std::env::current_exe()?);
        program.env(SCENE, "1").env("FAKECUDA_LOG", &log).envs([chip, DRIVER]).env("HOME", &folder.0);
        let output = program.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(format!("{chip:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let calls = std::fs::read_to_string(&log)?;
        let launched = calls.lines().filter_map(|line| line.strip_prefix("launch ")?.split(' ').next());
        let kernels: BTreeSet<&str> = launched.filter(|name| name.ends_with("_f8")).collect();
        let products = || kernels.iter().filter(|name| name.starts_with("conv_") && **name != "conv_finish_f8");
        let own = products().all(|name| name.contains("_hopper_") == (chip.1 == "90"));
        if !own || products().count() < 2 || !kernels.contains("layer_norm_f8") {
            return Err(format!("{chip:?} started {kernels:?}").into());
        }
    }
    Ok(())
}

/// The default model's picture is nearly the reference's, in less memory than with numbers of 16 bits.
fn a_picture() -> Outcome {
    let folder = Folder::new("fp8-picture");
    let drawing = folder.0.join("drawing.png");
    std::fs::copy(root().join("tests/snapshots/stage_picture.png"), &drawing)?;
    let drawing = drawing.display().to_string();
    let mut memory = Vec::new();
    for executor in ["cuda-fp8", "cuda", "cpu-f32"] {
        let [log, out] = ["log", "png"].map(|end| folder.0.join(format!("{executor}.{end}")).display().to_string());
        let words = ["paint", &drawing, "--prompt", "red apple, 3d", "--size", "64", "--steps", "2", "--out", &out];
        let scene = [CHIPS[0], DRIVER, ("FAKECUDA_LOG", log.as_str())];
        let output = afterimage(&folder, &[&words[..], &["--executor", executor]].concat(), &scene)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let calls = std::fs::read_to_string(&log).unwrap_or_default();
        let bytes = calls.lines().filter_map(|line| line.strip_prefix("alloc ")?.parse::<usize>().ok());
        memory.push(bytes.sum::<usize>());
    }
    let psnr = psnr(&folder, "cuda-fp8", "cpu-f32")?;
    if psnr < 28.0 {
        return Err(format!("another picture: {psnr:.1} dB").into());
    }
    if 4 * memory[0] > 3 * memory[1] {
        return Err(format!("{} bytes instead of {}", memory[0], memory[1]).into());
    }
    Ok(())
}

fn gpus_and_drivers_that_cannot() -> Outcome {
    let folder = Folder::new("fp8-old");
    for scene in [[("FAKECUDA_CC", "86"), DRIVER], [CHIPS[0], ("FAKECUDA_DRIVER", "12030")]] {
        let output = afterimage(&folder, &["bench", "--executor", "cuda-fp8"], &scene)?;
        refused(&output, &["8.9", "12.4", "RTX 40", "--executor cuda"])?;
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 3] = [
        ("networks", networks),
        ("a_picture", a_picture),
        ("gpus_and_drivers_that_cannot", gpus_and_drivers_that_cannot),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("fp8::{name}"), test)).collect()
}
