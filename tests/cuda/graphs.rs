//! Graphs of every kind of work against the reference: odd sizes, channels that are no multiple of anything, values that lie
//! side by side, stages that are kept.

use std::process::Command;
use std::sync::Arc;

use afterimage::exec::{Candle, Cuda, Executor, Tensor, Value};
use afterimage::graph::{
    Activation, Bias, Conv, Graph, GraphBuilder, GraphError, Mask, NodeId, Padding, Shape, Stage, Weight,
};
use afterimage::weights::Weights;
use libtest_mimic::{Failed, Trial};

use crate::scenes::Folder;

/// Largest difference allowed, as a part of the largest value: each value is rounded to 11 or 8 digits, and errors add up
/// over the few steps of these graphs.
pub const LIMITS: [f32; 2] = [0.004, 0.03];

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;
/// A node, or what the builder has against it.
pub type Built = Result<NodeId, GraphError>;

/// Numbers that look random, from -0.5 to 0.5.
fn noise(seed: usize, len: usize) -> Vec<f32> {
    let mut state = seed as u64 * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

/// Weights that keep values about as large as they are.
pub fn weights(graph: &Graph) -> Weights {
    let value = |(seed, weight): (usize, &Weight)| {
        let inputs: usize = weight.shape[1..].iter().product();
        let scale = if weight.shape.len() > 1 { 3.0 / (inputs as f32).sqrt() } else { 1.0 };
        let values = noise(seed + 7, weight.shape.iter().product()).iter().map(|value| value * scale).collect();
        (weight.key.clone(), weight.shape.clone(), values)
    };
    Weights::from_values(graph.weights().iter().enumerate().map(value))
}

/// Values for all inputs.
pub fn inputs(graph: &Graph, seed: usize) -> Vec<(String, Tensor)> {
    let tensor = |(i, (name, id)): (usize, (&str, NodeId))| {
        let shape = graph.node(id).shape;
        let values = noise(seed + i, shape.len());
        // Ids are integers.
        let values = if name == "ids" { values.iter().map(|v| ((v + 0.5) * 11.0).floor()).collect() } else { values };
        (name.to_owned(), Tensor::new(shape.dims(), values))
    };
    graph.inputs().enumerate().map(tensor).collect()
}

/// The results of some runs.
pub fn run(
    executor: &dyn Executor,
    graph: &Arc<Graph>,
    taps: &[&str],
    jobs: &[(usize, u64, usize)],
) -> Result<Vec<Vec<Tensor>>, Failed> {
    let packed = executor.load(&weights(graph)).map_err(|error| error.to_string())?;
    let mut program = executor.compile(graph.clone(), &packed, taps).map_err(|error| error.to_string())?;
    let mut results = Vec::new();
    for &(seed, revision, slot) in jobs {
        let tensors = inputs(graph, seed);
        let value = |(name, tensor)| Value { name, revision, tensor };
        let values: Vec<Value<'_>> = tensors.iter().map(|(name, tensor)| value((name.as_str(), tensor))).collect();
        results.push(program.run(&values, slot).map_err(|error| error.to_string())?);
    }
    Ok(results)
}

/// Inputs (by seed), their revision, and the slot of each run: again, another step, back, a new prompt.
pub const JOBS: [(usize, u64, usize); 4] = [(100, 1, 0), (100, 1, 1), (100, 1, 0), (300, 2, 0)];

/// A graph gives what the reference gives, in f16 and in bf16, with taps too.
pub fn same_graph(graph: Graph, taps: &[&str]) -> Outcome {
    let graph = Arc::new(graph);
    let expected = run(&Candle::new(1).map_err(|error| error.to_string())?, &graph, taps, &JOBS)?;
    for (executor, limit) in [Cuda::new(), Cuda::bf16()].into_iter().zip(LIMITS) {
        let executor = executor.map_err(|error| error.to_string())?;
        let found = run(&executor, &graph, taps, &JOBS)?;
        for (job, (found, expected)) in found.iter().zip(&expected).enumerate() {
            if found.len() != expected.len() {
                return Err(format!("{} results instead of {}", found.len(), expected.len()).into());
            }
            for (found, expected) in found.iter().zip(expected) {
                near(found, expected, limit).map_err(|text| format!("{}, run {job}: {text}", executor.name()))?;
            }
        }
        if found[0] != found[2] {
            return Err("two runs of the same work differ".into());
        }
    }
    Ok(())
}

/// Refuses a tensor with an element that is further from another's than a part of its largest.
pub fn near(found: &Tensor, expected: &Tensor, limit: f32) -> Result<(), String> {
    if found.shape != expected.shape {
        return Err(format!("shape {:?} instead of {:?}", found.shape, expected.shape));
    }
    let largest = expected.data.iter().fold(1.0f32, |a, b| a.max(b.abs()));
    for (index, (a, b)) in found.data.iter().zip(&expected.data).enumerate() {
        let near = (a - b).abs() <= limit * largest;
        // What is no number is near nothing.
        if !near {
            return Err(format!("element {index}: {a} instead of {b}, largest {largest}"));
        }
    }
    Ok(())
}

/// The graph that `build` makes of one frame input.
fn same(shape: Shape, build: impl Fn(&mut GraphBuilder, NodeId) -> Built) -> Outcome {
    let mut b = GraphBuilder::new("test", "");
    let built = b.input("x", shape, Stage::Frame).and_then(|x| build(&mut b, x));
    let out = built.map_err(|error| error.to_string())?;
    b.output("out", out);
    same_graph(b.finish(), &[])
}

fn convolutions() -> Outcome {
    let mut seed = 0;
    for (n, h, w, c) in [(1, 1, 1, 3), (2, 7, 5, 3), (1, 13, 4, 17), (3, 9, 20, 8), (1, 6, 6, 40)] {
        for (kernel, stride, zeros) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 1, 2), (1, 2, 0), (3, 2, 0)] {
            for out in [1, 4, 33, 72] {
                seed += 1;
                let more = seed % 3;
                let padding = Padding { top: zeros, left: zeros, bottom: zeros + more, right: zeros + (more + 1) % 3 };
                if h + 2 * zeros < kernel || w + 2 * zeros < kernel {
                    continue;
                }
                let conv = Conv::same(out, kernel).strided(stride, padding);
                let conv = if seed % 2 == 0 { conv.without_bias() } else { conv };
                same(Shape::map(n, h, w, c), |b, x| b.conv2d("c", x, conv))
                    .map_err(|error| format!("{n}x{h}x{w}x{c} {conv:?}: {}", error.message().unwrap_or("")))?;
            }
        }
    }
    Ok(())
}

/// Deep sums over few pixels are split, wide maps take large tiles.
fn products_of_every_tile() -> Outcome {
    for (side, inputs, outputs) in [(3, 320, 96), (24, 64, 160), (40, 24, 72), (5, 512, 64), (1, 1280, 320)] {
        same(Shape::map(1, side, side, inputs), |b, x| b.conv2d("c", x, Conv::same(outputs, 1)))?;
    }
    for (side, inputs, outputs) in [(4, 320, 64), (16, 64, 64), (33, 32, 128)] {
        same(Shape::map(1, side, side, inputs), |b, x| b.conv2d("c", x, Conv::same(outputs, 3)))?;
    }
    same(Shape::tokens(2, 77, 72), |b, x| b.linear("l", x, 130, Bias::With))
}

fn doubled_maps() -> Outcome {
    for side in [10, 7] {
        same(Shape::map(2, 5, 5, 16), |b, x| {
            let up = b.upsample(x, side, side)?;
            b.conv2d("c", up, Conv::same(24, 3))
        })?;
    }
    Ok(())
}

fn what_follows_a_product() -> Outcome {
    for activation in [Activation::Silu, Activation::Gelu, Activation::QuickGelu, Activation::Relu, Activation::Tanh] {
        same(Shape::map(2, 6, 5, 16), |b, x| {
            let y = b.conv2d("first", x, Conv::same(16, 3))?;
            let y = b.activate(y, activation)?;
            let y = b.affine(y, 0.5, -0.25)?;
            let y = b.add(y, x)?;
            b.mul(y, x)
        })?;
    }
    // One number per channel, added to all pixels, as the time is.
    let mut b = GraphBuilder::new("test", "");
    let built = (|| {
        let x = b.input("x", Shape::map(2, 6, 5, 16), Stage::Frame)?;
        let t = b.input("t", Shape::map(2, 1, 1, 24), Stage::Schedule)?;
        let t = b.conv2d("time", t, Conv::same(40, 1))?;
        let y = b.conv2d("first", x, Conv::same(40, 3))?;
        let y = b.add(y, t)?;
        b.group_norm("norm", y, 4, 1e-5)
    })();
    let out: NodeId = built.map_err(|error: GraphError| error.to_string())?;
    b.output("out", out);
    same_graph(b.finish(), &["first"])
}

fn norms() -> Outcome {
    for (h, w, c, groups) in [(1, 1, 4, 2), (7, 5, 24, 4), (33, 20, 64, 32), (64, 64, 32, 8), (3, 3, 15, 5)] {
        same(Shape::map(2, h, w, c), |b, x| {
            let y = b.group_norm("n", x, groups, 1e-5)?;
            b.activate(y, Activation::Silu)
        })?;
    }
    for (t, c) in [(1, 3), (77, 40), (5, 1283)] {
        same(Shape::tokens(2, t, c), |b, x| b.layer_norm("n", x, 1e-5))?;
    }
    Ok(())
}

fn attention() -> Outcome {
    for (t, heads, width) in [
        (1, 1, 4),
        (5, 2, 7),
        (77, 2, 40),
        (130, 3, 16),
        (64, 1, 64),
        (70, 2, 80),
        (65, 1, 160),
        (70, 1, 512),
        (20, 2, 171),
    ] {
        for mask in [Mask::None, Mask::Causal] {
            same(Shape::tokens(2, t, heads * width), |b, x| {
                let [q, k, v] = ["q", "k", "v"].map(|name| b.linear(name, x, heads * width, Bias::Without));
                b.attention([q?, k?, v?], heads, mask)
            })
            .map_err(|error| format!("{t} {heads} {width} {mask:?}: {}", error.message().unwrap_or("")))?;
        }
    }
    many_keys()?;
    // Keys of a prompt: other lengths, another stage.
    let mut b = GraphBuilder::new("test", "");
    let built = (|| {
        let x = b.input("x", Shape::tokens(1, 70, 48), Stage::Frame)?;
        let text = b.input("text", Shape::tokens(1, 9, 24), Stage::Prompt)?;
        let q = b.linear("q", x, 48, Bias::Without)?;
        let k = b.linear("k", text, 48, Bias::Without)?;
        let v = b.linear("v", text, 48, Bias::Without)?;
        let y = b.attention([q, k, v], 3, Mask::None)?;
        let y = b.linear("out", y, 48, Bias::With)?;
        b.add(y, x)
    })();
    let out: NodeId = built.map_err(|error: GraphError| error.to_string())?;
    b.output("out", out);
    same_graph(b.finish(), &[])
}

/// As many keys as GPUs of compute capability 9.0 have kernels of their own for, of few and of many heads.
fn many_keys() -> Outcome {
    for (t, heads, width) in [(256, 1, 40), (300, 8, 40), (260, 1, 64)] {
        same(Shape::tokens(1, t, heads * width), |b, x| {
            let [q, k, v] = ["q", "k", "v"].map(|name| b.linear(name, x, heads * width, Bias::Without));
            b.attention([q?, k?, v?], heads, Mask::None)
        })
        .map_err(|error| format!("{t} {heads} {width}: {}", error.message().unwrap_or("")))?;
    }
    Ok(())
}

/// All of that on a GPU of compute capability 9.0, which another process has.
fn attention_on_hopper() -> Outcome {
    let folder = Folder::new("attention");
    let log = folder.0.join("calls");
    let mut program = Command::new(std::env::current_exe()?);
    program.args(["--exact", "graphs::attention"]).env("FAKECUDA_CC", "90").env("FAKECUDA_DRIVER", "13000");
    let output = program.env("FAKECUDA_LOG", &log).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stdout).into_owned().into());
    }
    let calls = std::fs::read_to_string(&log)?;
    for kernel in ["attention_hopper_40", "attention_hopper_shared_40", "attention_hopper_shared_64", "attention_48"] {
        if !calls.contains(&format!("launch {kernel}_f16")) {
            return Err(format!("{kernel} was not started").into());
        }
    }
    Ok(())
}

fn gates() -> Outcome {
    for width in [64, 24, 12] {
        same(Shape::tokens(2, 19, 40), |b, x| {
            let y = b.linear("up", x, 2 * width, Bias::With)?;
            let y = b.geglu(y)?;
            b.linear("down", y, 40, Bias::With)
        })?;
    }
    same(Shape::tokens(2, 19, 40), |b, x| b.geglu(x))
}

fn values_side_by_side() -> Outcome {
    for channels in [16, 5] {
        same(Shape::map(2, 6, 5, channels), |b, x| {
            let left = b.conv2d("left", x, Conv::same(24, 3))?;
            let right = b.conv2d("right", x, Conv::same(channels, 1))?;
            let both = b.concat(&[left, right, x])?;
            let y = b.group_norm("norm", both, 1, 1e-5)?;
            let y = b.conv2d("join", y, Conv::same(16, 3))?;
            let short = b.conv2d("short", both, Conv::same(16, 1))?;
            b.add(y, short)
        })?;
    }
    same(Shape::map(1, 6, 4, 16), |b, x| {
        let tokens = b.reshape(x, Shape::tokens(1, 24, 16))?;
        let y = b.linear("l", tokens, 32, Bias::With)?;
        let map = b.reshape(y, Shape::map(1, 6, 4, 32))?;
        b.conv2d("c", map, Conv::same(8, 3))
    })
}

fn words() -> Outcome {
    for width in [24, 13] {
        let mut b = GraphBuilder::new("test", "");
        let built = (|| {
            let ids = b.input("ids", Shape::rows(1, 7), Stage::Frame)?;
            let words = b.embedding("words", ids, 11, width)?;
            let places = b.table("places", 9, 7, width)?;
            b.add(words, places)
        })();
        let out: NodeId = built.map_err(|error: GraphError| error.to_string())?;
        b.output("out", out);
        same_graph(b.finish(), &[])?;
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 11] = [
        ("convolutions", convolutions),
        ("products_of_every_tile", products_of_every_tile),
        ("doubled_maps", doubled_maps),
        ("what_follows_a_product", what_follows_a_product),
        ("norms", norms),
        ("attention", attention),
        ("attention_on_hopper", attention_on_hopper),
        ("gates", gates),
        ("values_side_by_side", values_side_by_side),
        ("words", words),
        ("names", names),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("graphs::{name}"), test)).collect()
}

fn names() -> Outcome {
    let name = Cuda::new().map_err(|error| error.to_string())?.name();
    if name.ends_with("(CUDA f16)") { Ok(()) } else { Err(format!("it calls itself {name}").into()) }
}
