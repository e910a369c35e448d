//! The executor against the reference, on every instruction set this processor has, in memory that is spoiled as soon as
//! nobody needs it: a value read too late, or never written, is NaN.

use super::*;
use crate::exec::{Candle, Tensor, Value};
use crate::graph::{Activation, Bias, Conv, GraphBuilder, Mask, NodeId, Padding, Shape, Stage};

mod allocations;
mod beside;
mod changes;
mod f16_weights;
mod giving_up;
mod int16;
mod merged;
mod strips;

fn executors() -> Vec<Cpu> {
    let here = Isa::ALL.into_iter().filter(|isa| isa.is_here());
    let here = here.flat_map(|isa| [1, 3].map(|threads| Cpu::with(isa, threads, true).unwrap()));
    here.chain(emulated()).chain([winograd_strips(), int16()]).collect()
}

/// Convolutions of bf16 numbers by Winograd along rows, on any processor.
fn winograd_strips() -> Cpu {
    let mut kernels = Kernels::of(Isa::Portable).unwrap();
    kernels.strips = true;
    let team = Arc::new(Team::new(3).unwrap());
    Cpu { isa: Isa::Avx512Bf16, kernels, keeping: Keeping::Plain, team, keep: super::changes::MOST, poison: true }
}

/// Products of integers, on any processor.
fn int16() -> Cpu {
    let mut kernels = Kernels::of(Isa::Portable).unwrap();
    kernels.pairs = true;
    Cpu { isa: Isa::Avx512Int16, kernels, ..winograd_strips() }
}

/// AMX where the processor has none.
fn emulated() -> Option<Cpu> {
    let team = Arc::new(Team::new(2).unwrap());
    Some(Cpu {
        isa: Isa::Amx,
        kernels: Kernels::emulated()?,
        keeping: Keeping::Plain,
        team,
        keep: super::changes::MOST,
        poison: true,
    })
}

#[test]
fn an_executor_says_its_instructions_and_threads() {
    let names: Vec<String> = executors().iter().map(Executor::name).collect();
    assert_eq!(names[..2], ["CPU (portable f32, 1 thread)", "CPU (portable f32, 3 threads)"]);
    if let Some(emulated) = emulated() {
        assert_eq!((emulated.name().as_str(), emulated.rounding()), ("CPU (AMX bf16, 2 threads)", BF16_ROUNDING));
    }
}

/// Numbers that look random, from -0.5 to 0.5.
fn noise(seed: usize, len: usize) -> Vec<f32> {
    let mut state = seed as u64 * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

fn weights(graph: &Graph) -> Weights {
    let value = |(seed, weight): (usize, &crate::graph::Weight)| {
        (weight.key.clone(), weight.shape.clone(), noise(seed + 7, weight.shape.iter().product()))
    };
    Weights::from_values(graph.weights().iter().enumerate().map(value))
}

fn run(executor: &dyn Executor, graph: &Arc<Graph>, taps: &[&str], times: u64) -> Vec<Tensor> {
    run_with(executor, graph, &weights(graph), taps, times)
}

fn run_with(executor: &dyn Executor, graph: &Arc<Graph>, weights: &Weights, taps: &[&str], times: u64) -> Vec<Tensor> {
    let packed = executor.load(weights).unwrap();
    let mut program = executor.compile(graph.clone(), &packed, taps).unwrap();
    let tensors: Vec<(String, Tensor)> = graph
        .inputs()
        .enumerate()
        .map(|(i, (name, id))| {
            let shape = graph.node(id).shape;
            (name.to_owned(), Tensor::new(shape.dims(), noise(i + 100, shape.len())))
        })
        .collect();
    let value = |(name, tensor)| Value { name, revision: 1, tensor };
    let inputs: Vec<Value<'_>> = tensors.iter().map(|(name, tensor)| value((name.as_str(), tensor))).collect();
    (1..times).for_each(|slot| drop(program.run(&inputs, slot as usize % 2).unwrap()));
    program.run(&inputs, 0).unwrap()
}

/// The graph that `build` makes of one frame input gives what the reference gives, twice in a row.
fn same(shape: Shape, build: impl Fn(&mut GraphBuilder, NodeId) -> NodeId) {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", shape, Stage::Frame).unwrap();
    let y = build(&mut b, x);
    b.output("out", y);
    same_graph(b.finish(), &[]);
}

fn same_graph(graph: Graph, taps: &[&str]) {
    let graph = Arc::new(graph);
    let expected = run(&Candle::new(1).unwrap(), &graph, taps, 1);
    for executor in executors() {
        let found = run(&executor, &graph, taps, 3);
        assert_eq!(found.len(), expected.len());
        let limit = 2e-5 + executor.rounding();
        found.iter().zip(&expected).for_each(|(found, expected)| near(found, expected, limit, &executor.name()));
    }
}

/// `found` differs from `expected` by that part of the largest value at most.
fn near(found: &Tensor, expected: &Tensor, limit: f32, what: &str) {
    assert_eq!(found.shape, expected.shape);
    let largest = expected.data.iter().fold(1.0f32, |a, b| a.max(b.abs()));
    for (index, (a, b)) in found.data.iter().zip(&expected.data).enumerate() {
        assert!((a - b).abs() <= limit * largest, "{what}: element {index}: {a} instead of {b}");
    }
}

#[test]
fn int8_weights_lose_nothing_that_they_can_hold() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(2, 6, 7, 64), Stage::Frame).unwrap();
    let y = b.conv2d("wide", x, Conv::same(480, 3)).unwrap();
    let y = b.activate(y, Activation::Relu).unwrap();
    let up = b.upsample(y, 12, 14).unwrap();
    let y = b.conv2d("up", up, Conv::same(64, 3)).unwrap();
    let y = b.conv2d("narrow", y, Conv::same(3, 3)).unwrap();
    let y = b.conv2d("again", y, Conv::same(80, 1)).unwrap();
    let y = b.conv2d("out", y, Conv::same(64, 1)).unwrap();
    b.output("out", y);
    let graph = Arc::new(b.finish());
    // Integers from -127 to 127 times a scale, the largest of which each output has.
    let value = |(seed, weight): (usize, &crate::graph::Weight)| {
        let count: usize = weight.shape.iter().product();
        let inner = count / weight.shape[0];
        let mut values: Vec<f32> = noise(seed, count).iter().map(|v| (v * 254.0).round()).collect();
        values.chunks_mut(inner).for_each(|output| output[0] = 127.0);
        values.iter_mut().for_each(|v| *v /= 1024.0);
        (weight.key.clone(), weight.shape.clone(), values)
    };
    let weights = Weights::from_values(graph.weights().iter().enumerate().map(value));
    let expected = run_with(&Candle::new(1).unwrap(), &graph, &weights, &[], 1);
    let plain = Cpu::with(Isa::Portable, 1, false).unwrap().load(&weights).unwrap().bytes();
    for executor in executors() {
        let limit = 2e-5 + executor.rounding();
        let executor = Cpu { keeping: Keeping::Int8, ..executor };
        let bytes = [executor.load(&weights).unwrap().bytes(), plain];
        assert!(2 * bytes[0] < bytes[1], "{bytes:?}");
        near(&run_with(&executor, &graph, &weights, &[], 2)[0], &expected[0], limit, &executor.name());
    }
}

#[test]
fn pictures_come_apart_and_together() {
    for (n, h, w) in [(1, 1, 1), (2, 7, 5), (1, 64, 33)] {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", Shape::map(n, h, w, 1), Stage::Frame).unwrap();
        let values = b.from_pixels(x).unwrap();
        let other = b.conv2d("c", values, Conv::same(3, 3)).unwrap();
        let same = b.to_pixels(values).unwrap();
        let other = b.to_pixels(other).unwrap();
        [("values", values), ("same", same), ("other", other)].into_iter().for_each(|(name, id)| b.output(name, id));
        let graph = Arc::new(b.finish());
        let pixels: Vec<f32> = noise(3, n * h * w).iter().map(|v| f32::from_bits(v.to_bits() | 0xff00_0000)).collect();
        let picture = Tensor::new([n, h, w, 1], pixels.clone());
        let paint = |executor: &dyn Executor| {
            let packed = executor.load(&weights(&graph)).unwrap();
            let mut program = executor.compile(graph.clone(), &packed, &[]).unwrap();
            program.run(&[Value { name: "x", revision: 0, tensor: &picture }], 0).unwrap()
        };
        let bytes = |tensor: &Tensor| tensor.data.iter().flat_map(|v| v.to_bits().to_le_bytes()).collect::<Vec<u8>>();
        let expected = paint(&Candle::new(1).unwrap());
        for executor in executors() {
            let found = paint(&executor);
            near(&found[0], &expected[0], 1e-6, &executor.name());
            assert_eq!(bytes(&found[1]), bytes(&picture));
            // A rounding may fall to the other side.
            let limit = 1.5 + 255.0 * executor.rounding();
            let pairs = bytes(&found[2]).into_iter().zip(bytes(&expected[2]));
            pairs.for_each(|(a, b)| assert!((f32::from(a) - f32::from(b)).abs() <= limit, "{a} instead of {b}"));
        }
    }
}

#[test]
fn convolutions_of_all_kinds() {
    let mut seed = 0;
    for (n, h, w, c) in [(1, 1, 1, 3), (2, 7, 5, 3), (1, 13, 4, 17), (3, 9, 20, 8)] {
        for (kernel, stride, zeros) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 1, 2), (1, 2, 0), (3, 2, 0), (3, 1, 2)] {
            for out in [1, 4, 16, 33, 70] {
                seed += 1;
                let more = seed % 3;
                let padding = Padding { top: zeros, left: zeros, bottom: zeros + more, right: zeros + (more + 1) % 3 };
                if h + 2 * zeros < kernel || w + 2 * zeros < kernel {
                    continue;
                }
                let conv = Conv::same(out, kernel).strided(stride, padding);
                let conv = if seed % 2 == 0 { conv.without_bias() } else { conv };
                same(Shape::map(n, h, w, c), |b, x| b.conv2d("c", x, conv).unwrap());
            }
        }
    }
}

/// How many steps of a graph are convolutions done by Winograd.
fn winograd_steps(graph: &Graph) -> usize {
    let results: Vec<NodeId> = graph.outputs().iter().map(|(_, id)| *id).collect();
    let products = winograd::Products { factor: Factor::F32, pairs: false };
    crate::exec::planner::fuse(graph, &results, kernels::PANEL)
        .iter()
        .filter(|step| winograd::suits(graph, step, products))
        .count()
}

#[test]
fn winograd_convolutions() {
    let paddings = [[1, 1, 1, 1], [0, 0, 0, 0], [2, 0, 1, 3], [0, 1, 2, 2]];
    // Of the last, kernels are too many to be kept.
    let maps = [(1, 12, 12, 16), (2, 9, 20, 48), (3, 17, 13, 144), (1, 42, 35, 64), (1, 12, 12, 336)];
    for (at, (n, h, w, c)) in maps.into_iter().enumerate() {
        for (out, [top, left, bottom, right]) in [5, 16, 33, 70].into_iter().zip(paddings) {
            let mut b = GraphBuilder::new("test", "");
            let x = b.input("x", Shape::map(n, h, w, c), Stage::Frame).unwrap();
            let padding = Padding { top, left, bottom, right };
            let y = b.conv2d("c", x, Conv::same(out, 3).strided(1, padding)).unwrap();
            let other = b.input("other", b.shape(y), Stage::Frame).unwrap();
            let y = b.activate(y, [Activation::Silu, Activation::Relu][at % 2]).unwrap();
            let y = b.add(y, other).unwrap();
            b.output("out", y);
            let graph = b.finish();
            assert_eq!(winograd_steps(&graph), 1, "{graph}");
            same_graph(graph, &[]);
        }
    }
    // A doubled map, parts of a concatenated value, and values that share memory with others.
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(2, 16, 18, 32), Stage::Frame).unwrap();
    let skip = b.conv2d("skip", x, Conv::same(16, 3)).unwrap();
    let up = b.upsample(x, 32, 36).unwrap();
    let up = b.conv2d("up", up, Conv::same(16, 3)).unwrap();
    let down = b.conv2d("down", up, Conv::same(32, 3).strided(2, Padding::all(1))).unwrap();
    let both = b.concat(&[down, skip]).unwrap();
    let y = resnet(&mut b, "r", both, None, 64);
    b.output("out", y);
    let graph = b.finish();
    assert_eq!(winograd_steps(&graph), 4, "{graph}");
    same_graph(graph.clone(), &[]);
    same_graph(graph, &["up", "r.conv1"]);
}

#[test]
fn doubled_maps() {
    for (side, tall, wide) in [(3, 6, 6), (4, 8, 8), (4, 7, 8), (1, 2, 2)] {
        same(Shape::map(2, side, side, 5), |b, x| {
            let up = b.upsample(x, tall, wide).unwrap();
            let y = b.conv2d("c", up, Conv::same(20, 3)).unwrap();
            b.activate(y, Activation::Silu).unwrap()
        });
    }
}

/// Two convolutions around a shortcut, as U-Nets have them.
fn resnet(b: &mut GraphBuilder, path: &str, x: NodeId, time: Option<NodeId>, out: usize) -> NodeId {
    let build = |b: &mut GraphBuilder| {
        let h = b.group_norm("norm1", x, 4, 1e-5)?;
        let h = b.activate(h, Activation::Silu)?;
        let mut h = b.conv2d("conv1", h, Conv::same(out, 3))?;
        if let Some(time) = time {
            let shift = b.linear("time", time, out, Bias::With)?;
            let shift = b.reshape(shift, Shape::map(b.shape(x).batch(), 1, 1, out))?;
            h = b.add(h, shift)?;
        }
        let h = b.group_norm("norm2", h, 4, 1e-5)?;
        let h = b.activate(h, Activation::Silu)?;
        let h = b.conv2d("conv2", h, Conv::same(out, 3))?;
        let shortcut = if b.shape(x).channels() == out { x } else { b.conv2d("shortcut", x, Conv::same(out, 1))? };
        b.add(shortcut, h)
    };
    b.module(path, build).unwrap()
}

/// Pixels that attend to each other, then to a text, as U-Nets have it.
fn transformer(b: &mut GraphBuilder, path: &str, x: NodeId, text: NodeId, heads: usize) -> NodeId {
    let map = b.shape(x);
    let build = |b: &mut GraphBuilder| {
        let y = b.group_norm("norm", x, 4, 1e-6)?;
        let y = b.conv2d("in", y, Conv::same(map.channels(), 1))?;
        let mut y = b.reshape(y, Shape::tokens(map.batch(), map.positions(), map.channels()))?;
        for (name, over) in [("own", None), ("text", Some(text))] {
            let z = b.layer_norm(&format!("{name}.norm"), y, 1e-5)?;
            let [q, k, v] = ["q", "k", "v"].map(|part| {
                let from = if part == "q" { z } else { over.unwrap_or(z) };
                b.linear(&format!("{name}.{part}"), from, map.channels(), Bias::Without).unwrap()
            });
            let z = b.attention([q, k, v], heads, Mask::None)?;
            let z = b.linear(&format!("{name}.out"), z, map.channels(), Bias::With)?;
            y = b.add(z, y)?;
        }
        let z = b.linear("wide", y, 8 * map.channels(), Bias::With)?;
        let z = b.geglu(z)?;
        let z = b.linear("narrow", z, map.channels(), Bias::With)?;
        let y = b.add(z, y)?;
        let y = b.reshape(y, map)?;
        let y = b.conv2d("out", y, Conv::same(map.channels(), 1))?;
        b.add(y, x)
    };
    b.module(path, build).unwrap()
}

#[test]
fn whole_blocks() {
    same(Shape::map(2, 9, 6, 16), |b, x| resnet(b, "r", x, None, 24));
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(2, 4, 6, 16), Stage::Frame).unwrap();
    let time = b.input("time", Shape::rows(2, 12), Stage::Schedule).unwrap();
    let text = b.input("text", Shape::tokens(2, 5, 10), Stage::Prompt).unwrap();
    let skip = b.conv2d("in", x, Conv::same(16, 3)).unwrap();
    let y = b.conv2d("down", skip, Conv::same(16, 3).strided(2, Padding::all(1))).unwrap();
    let y = resnet(&mut b, "one", y, Some(time), 16);
    let y = transformer(&mut b, "a", y, text, 2);
    let y = transformer(&mut b, "b", y, text, 4);
    let y = b.upsample(y, 4, 6).unwrap();
    let y = b.conv2d("up", y, Conv::same(16, 3)).unwrap();
    let y = b.concat(&[y, skip]).unwrap();
    let y = resnet(&mut b, "two", y, Some(time), 24);
    b.output("out", y);
    let graph = b.finish();
    same_graph(graph.clone(), &[]);
    // Somebody looks inside, at values that would be joined.
    same_graph(graph, &["one.conv1", "one.norm2", "a.text.k", "up", "a.in", "b"]);
}

#[test]
fn attention_of_all_lengths() {
    for (queries, keys, width, heads) in [(1, 1, 4, 1), (5, 77, 40, 2), (50, 300, 24, 2), (100, 513, 33, 1)] {
        let mut b = GraphBuilder::new("test", "");
        let q = b.input("q", Shape::tokens(2, queries, width * heads), Stage::Frame).unwrap();
        let k = b.input("k", Shape::tokens(2, keys, width * heads), Stage::Prompt).unwrap();
        let v = b.input("v", Shape::tokens(2, keys, width * heads), Stage::Frame).unwrap();
        let [q, k] = [q, k].map(|x| b.affine(x, 6.0, 0.0).unwrap());
        let y = b.attention([q, k, v], heads, Mask::None).unwrap();
        b.output("out", y);
        same_graph(b.finish(), &[]);
    }
    for length in [1, 7, 33, 300] {
        same(Shape::tokens(1, length, 12), |b, x| {
            let q = b.linear("q", x, 12, Bias::Without).unwrap();
            b.attention([q, x, x], 3, Mask::Causal).unwrap()
        });
    }
}

#[test]
fn attention_of_a_value_to_itself() {
    // What is made before and after is of the size of the queries, so that it would lie on them.
    for (tokens, channels) in [(9, 32), (42, 24), (70, 64)] {
        same(Shape::tokens(1, tokens, channels), |b, x| {
            let y = b.layer_norm("norm", x, 1e-5).unwrap();
            let y = b.attention([y; 3], 2, Mask::None).unwrap();
            let z = b.layer_norm("after", y, 1e-5).unwrap();
            b.attention([z; 3], 2, Mask::Causal).unwrap()
        });
    }
}

#[test]
fn a_concatenation_that_is_reshaped_may_have_wide_readers() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(1, 6, 5, 16), Stage::Frame).unwrap();
    let [first, second] = ["first", "second"].map(|name| b.conv2d(name, x, Conv::same(16, 1)).unwrap());
    let both = b.concat(&[first, second]).unwrap();
    let wide = b.conv2d("wide", first, Conv::same(32, 3)).unwrap();
    let tokens = b.reshape(both, Shape::tokens(1, 30, 32)).unwrap();
    let wide = b.reshape(wide, Shape::tokens(1, 30, 32)).unwrap();
    let sum = b.add(tokens, wide).unwrap();
    b.output("out", sum);
    same_graph(b.finish(), &[]);
}

#[test]
fn concatenations_of_concatenations() {
    // The last value is made from a part of what it becomes a part of.
    same(Shape::map(1, 7, 6, 16), |b, x| {
        let [y, w] = ["y", "w"].map(|name| b.conv2d(name, x, Conv::same(16, 1)).unwrap());
        let both = b.concat(&[y, w]).unwrap();
        let z = b.conv2d("z", y, Conv::same(32, 3)).unwrap();
        let more = b.concat(&[both, z]).unwrap();
        b.conv2d("out", more, Conv::same(8, 3)).unwrap()
    });
}

#[test]
fn what_holds_nothing_is_refused_only_if_it_is_asked_for() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::tokens(1, 3, 8), Stage::Frame).unwrap();
    let y = b.linear("product", x, 8, Bias::With).unwrap();
    b.output("out", y);
    let graph = Arc::new(b.finish());
    // Sides beside a zero may be anything: there is nothing to read, and far too much to make room for.
    let huge = |key: &str| (key.to_owned(), vec![0, 1 << 33, 1, 1], Vec::new());
    let sound = |key: &str, shape: &[usize]| (key.to_owned(), shape.to_vec(), vec![0.5; shape.iter().product()]);
    for executor in [&Cpu::new(1).unwrap() as &dyn Executor, &Candle::new(1).unwrap()] {
        let weights = [sound("product.weight", &[8, 8]), sound("product.bias", &[8]), huge("other.weight")];
        let packed = executor.load(&Weights::from_values(weights)).unwrap();
        assert!(executor.compile(graph.clone(), &packed, &[]).is_ok());
        let packed =
            executor.load(&Weights::from_values([huge("product.weight"), sound("product.bias", &[8])])).unwrap();
        let Err(error) = executor.compile(graph.clone(), &packed, &[]) else { panic!("{}", executor.name()) };
        assert!(error.to_string().contains("at least one number"), "{error}");
    }
}

#[test]
fn values_that_share_memory() {
    let shape = Shape::map(2, 3, 4, 5);
    // The same value twice, an input, a value made from another part, and a part of a part.
    same(shape, |b, x| {
        let y = b.conv2d("y", x, Conv::same(6, 3)).unwrap();
        let z = b.conv2d("z", y, Conv::same(7, 3)).unwrap();
        let both = b.concat(&[y, z, y, x]).unwrap();
        let more = b.concat(&[both, z]).unwrap();
        b.conv2d("out", more, Conv::same(4, 3)).unwrap()
    });
    // A map that is seen as tokens and also convolved.
    same(shape, |b, x| {
        let y = b.affine(x, 2.0, 0.5).unwrap();
        let wide = b.conv2d("wide", y, Conv::same(5, 3)).unwrap();
        let tokens = b.reshape(y, Shape::tokens(2, 12, 5)).unwrap();
        let tokens = b.layer_norm("norm", tokens, 1e-5).unwrap();
        let back = b.reshape(tokens, shape).unwrap();
        b.add(back, wide).unwrap()
    });
    // Another number of channels.
    same(shape, |b, x| {
        let y = b.reshape(x, Shape::tokens(2, 5, 12)).unwrap();
        b.linear("out", y, 3, Bias::With).unwrap()
    });
}

#[test]
fn repeated_dimensions() {
    let shape = Shape::map(2, 3, 4, 6);
    for part in [Shape::map(1, 1, 1, 6), Shape::map(2, 1, 1, 1), Shape::map(1, 3, 4, 1), Shape::map(2, 3, 1, 6)] {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", shape, Stage::Frame).unwrap();
        let part = b.input("part", part, Stage::Schedule).unwrap();
        let y = b.conv2d("c", x, Conv::same(6, 1)).unwrap();
        let y = b.mul(y, part).unwrap();
        let y = b.add(y, part).unwrap();
        let y = b.activate(y, Activation::Tanh).unwrap();
        let z = b.add(x, x).unwrap();
        let z = b.mul(z, part).unwrap();
        let y = b.add(z, y).unwrap();
        b.output("out", y);
        same_graph(b.finish(), &[]);
    }
}

#[test]
fn geglu_and_rows() {
    for channels in [32, 96] {
        same(Shape::tokens(2, 19, 10), |b, x| {
            let y = b.linear("p", x, 2 * channels, if channels == 32 { Bias::Without } else { Bias::With }).unwrap();
            let y = b.geglu(y).unwrap();
            b.linear("o", y, 10, Bias::With).unwrap()
        });
    }
    same(Shape::tokens(2, 9, 10), |b, x| {
        let y = b.linear("p", x, 2 * 37, Bias::With).unwrap();
        let y = b.geglu(y).unwrap();
        let y = b.linear("o", y, 10, Bias::With).unwrap();
        b.add(y, x).unwrap()
    });
    same(Shape::rows(3, 5), |b, x| b.linear("o", x, 40, Bias::With).unwrap());
}

#[test]
fn only_stages_whose_inputs_changed_run_again() {
    let mut b = GraphBuilder::new("staged", "");
    let mut sum = None;
    for (name, stage) in [("prompt", Stage::Prompt), ("schedule", Stage::Schedule), ("frame", Stage::Frame)] {
        let x = b.input(name, Shape::rows(1, 1), stage).unwrap();
        let square = b.mul(x, x).unwrap();
        sum = Some(sum.map_or(square, |sum| b.add(square, sum).unwrap()));
        b.mark(name, sum.unwrap());
    }
    b.output("out", sum.unwrap());
    let graph = Arc::new(b.finish());
    for executor in executors() {
        let packed = executor.load(&weights(&graph)).unwrap();
        let mut program = executor.compile(graph.clone(), &packed, &["schedule"]).unwrap();
        let mut sums = |prompt: (u64, f32), schedule: (u64, f32), frame: f32, slot: usize| {
            let tensors = [prompt.1, schedule.1, frame].map(|v| Tensor::new([1, 1], vec![v]));
            let names = [("prompt", prompt.0), ("schedule", schedule.0), ("frame", 0)];
            let value = |((name, revision), tensor)| Value { name, revision, tensor };
            let inputs: Vec<Value<'_>> = names.into_iter().zip(&tensors).map(value).collect();
            let out = program.run(&inputs, slot).unwrap();
            [out[0].data[0], out[1].data[0]]
        };
        assert_eq!(sums((1, 1.0), (1, 10.0), 100.0, 0), [10101.0, 101.0]);
        assert_eq!(sums((1, 2.0), (1, 20.0), 200.0, 0), [40101.0, 101.0]);
        assert_eq!(sums((1, 2.0), (2, 20.0), 0.0, 1), [401.0, 401.0]);
        assert_eq!(sums((1, 2.0), (1, 30.0), 0.0, 0), [101.0, 101.0]);
        assert_eq!(sums((1, 2.0), (3, 30.0), 0.0, 0), [901.0, 901.0]);
        assert_eq!(sums((2, 3.0), (3, 40.0), 0.0, 0), [1609.0, 1609.0]);
        assert_eq!(sums((2, 3.0), (2, 50.0), 0.0, 1), [2509.0, 2509.0]);
    }
}

#[test]
fn ids_outside_the_table_are_errors() {
    let mut b = GraphBuilder::new("test", "");
    let ids = b.input("ids", Shape::rows(1, 2), Stage::Prompt).unwrap();
    let y = b.embedding("table", ids, 3, 20).unwrap();
    let place = b.table("place", 5, 2, 20).unwrap();
    let y = b.add(y, place).unwrap();
    b.output("out", y);
    let graph = Arc::new(b.finish());
    let cpu = Cpu::with(Isa::Portable, 2, true).unwrap();
    let packed = cpu.load(&weights(&graph)).unwrap();
    let mut program = cpu.compile(graph.clone(), &packed, &[]).unwrap();
    let candle = Candle::new(1).unwrap();
    let mut reference = candle.compile(graph.clone(), &candle.load(&weights(&graph)).unwrap(), &[]).unwrap();
    for (revision, bad) in [3.0, -1.0, 0.5, f32::NAN, 1e9].into_iter().enumerate() {
        let ids = Tensor::new([1, 2], vec![0.0, bad]);
        let value = Value { name: "ids", revision: revision as u64, tensor: &ids };
        assert!(program.run(&[value], 0).is_err(), "{bad}");
    }
    let ids = Tensor::new([1, 2], vec![0.0, 2.0]);
    let value = Value { name: "ids", revision: 9, tensor: &ids };
    assert_eq!(program.run(&[value], 0).unwrap(), reference.run(&[value], 0).unwrap());
}
