//! The reference against sums written out by hand, and its promises about stages.

use super::*;
use crate::graph::{Activation, Bias, Conv, GraphBuilder, Mask, Padding, Shape, Stage};

fn candle() -> Candle {
    Candle::new(2).unwrap()
}

/// Numbers that look random, from -0.5 to 0.5.
fn noise(seed: u32, len: usize) -> Vec<f32> {
    let mut state = u64::from(seed) * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next()).collect()
}

/// Random values for all weights of a graph.
fn weights(graph: &Graph) -> Weights {
    let value = |(seed, weight): (usize, &crate::graph::Weight)| {
        let values = noise(seed as u32 + 7, weight.shape.iter().product());
        (weight.key.clone(), weight.shape.clone(), values)
    };
    Weights::from_values(graph.weights().iter().enumerate().map(value))
}

fn program(graph: Graph, taps: &[&str]) -> Box<dyn Program> {
    let packed = candle().load(&weights(&graph)).unwrap();
    candle().compile(Arc::new(graph), &packed, taps).unwrap()
}

fn run(program: &mut dyn Program, inputs: &[(&str, u64, &Tensor)], slot: usize) -> Vec<Tensor> {
    let values: Vec<Value<'_>> =
        inputs.iter().map(|&(name, revision, tensor)| Value { name, revision, tensor }).collect();
    program.run(&values, slot).unwrap()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "element {index}: {a} instead of {b}");
    }
}

/// One op of one input of `shape`, on noise.
fn check(
    shape: Shape,
    build: impl Fn(&mut GraphBuilder, crate::graph::NodeId) -> crate::graph::NodeId,
    by_hand: impl Fn(&[f32], &dyn Fn(&str) -> Vec<f32>) -> Vec<f32>,
) {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", shape, Stage::Frame).unwrap();
    let y = build(&mut b, x);
    b.output("out", y);
    let graph = b.finish();
    let weights = weights(&graph);
    let weight = |key: &str| weights.read(key, weights.shape(key).unwrap()).unwrap();
    let input = Tensor::new(shape.dims(), noise(3, shape.len()));
    let expected = by_hand(&input.data, &weight);
    let found = run(program(graph, &[]).as_mut(), &[("x", 0, &input)], 0);
    close(&found[0].data, &expected);
}

#[test]
fn convolution_is_the_sum_it_says() {
    let sizes = [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 1, 2), (1, 2, 0), (3, 2, 0)];
    for (kernel, stride, zeros) in sizes {
        let (n, h, w, c, out) = (2, 7, 5, 3, 4);
        let padding = Padding { top: zeros, left: zeros, bottom: zeros + stride - 1, right: zeros };
        let conv = Conv::same(out, kernel).strided(stride, padding);
        check(
            Shape::map(n, h, w, c),
            |b, x| b.conv2d("c", x, conv).unwrap(),
            |x, weight| {
                let (matrix, bias) = (weight("c.weight"), weight("c.bias"));
                let (out_h, out_w) =
                    ((h + 2 * zeros + stride - 1 - kernel) / stride + 1, (w + 2 * zeros - kernel) / stride + 1);
                let mut sums = Vec::new();
                for i in 0..n * out_h * out_w * out {
                    let (sample, y, column, o) =
                        (i / out / out_w / out_h, i / out / out_w % out_h, i / out % out_w, i % out);
                    let mut sum = bias[o];
                    for t in 0..kernel * kernel * c {
                        let (ky, kx, ci) = (t / c / kernel, t / c % kernel, t % c);
                        let (Some(iy), Some(ix)) =
                            ((y * stride + ky).checked_sub(zeros), (column * stride + kx).checked_sub(zeros))
                        else {
                            continue;
                        };
                        if iy < h && ix < w {
                            sum += x[((sample * h + iy) * w + ix) * c + ci]
                                * matrix[((o * c + ci) * kernel + ky) * kernel + kx];
                        }
                    }
                    sums.push(sum);
                }
                sums
            },
        );
    }
}

#[test]
fn a_large_convolution_is_its_pieces() {
    // More output pixels than one piece holds: a constant picture gives a constant inside.
    let shape = Shape::map(1, 96, 96, 32);
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", shape, Stage::Frame).unwrap();
    let y = b.conv2d("c", x, Conv::same(8, 3)).unwrap();
    b.output("out", y);
    let input = Tensor::new(shape.dims(), vec![1.0; shape.len()]);
    let found = run(program(b.finish(), &[]).as_mut(), &[("x", 0, &input)], 0).remove(0);
    let pixel = |y: usize, x: usize| &found.data[(y * 96 + x) * 8..][..8];
    for (y, x) in [(1, 1), (47, 3), (94, 94), (80, 50)] {
        close(pixel(y, x), pixel(40, 40));
    }
}

#[test]
fn norms_have_mean_zero_and_deviation_one() {
    let statistics = |values: &[f32]| {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        (mean, 1.0 / (variance + 1e-3).sqrt())
    };
    check(
        Shape::tokens(2, 3, 8),
        |b, x| b.layer_norm("n", x, 1e-3).unwrap(),
        |x, weight| {
            let (scale, shift) = (weight("n.weight"), weight("n.bias"));
            let row = |row: &[f32]| {
                let (mean, factor) = statistics(row);
                row.iter().enumerate().map(|(c, v)| (v - mean) * factor * scale[c] + shift[c]).collect::<Vec<_>>()
            };
            x.chunks(8).flat_map(row).collect()
        },
    );
    check(
        Shape::map(2, 9, 11, 6),
        |b, x| b.group_norm("n", x, 3, 1e-3).unwrap(),
        |x, weight| {
            let (scale, shift) = (weight("n.weight"), weight("n.bias"));
            let group = |i: usize| (i / (99 * 6), i % 6 / 2);
            let all =
                |wanted: (usize, usize)| (0..x.len()).filter(|&i| group(i) == wanted).map(|i| x[i]).collect::<Vec<_>>();
            let value = |i: usize| {
                let (mean, factor) = statistics(&all(group(i)));
                (x[i] - mean) * factor * scale[i % 6] + shift[i % 6]
            };
            (0..x.len()).map(value).collect()
        },
    );
}

#[test]
fn attention_sees_what_the_mask_lets_it() {
    for mask in [Mask::None, Mask::Causal] {
        check(
            Shape::tokens(2, 5, 6),
            |b, x| {
                let q = b.linear("q", x, 6, Bias::Without).unwrap();
                b.attention([q, x, x], 2, mask).unwrap()
            },
            |x, weight| {
                let matrix = weight("q.weight");
                let q = |row: usize, c: usize| (0..6).map(|i| x[row * 6 + i] * matrix[c * 6 + i]).sum::<f32>();
                let mut out = Vec::new();
                for i in 0..2 * 5 * 6 {
                    let (row, c) = (i / 6, i % 6);
                    let (first, head) = (row / 5 * 5, c / 3 * 3);
                    let last = if mask == Mask::Causal { row } else { first + 4 };
                    let score = |key: usize| {
                        (0..3).map(|j| q(row, head + j) * x[key * 6 + head + j]).sum::<f32>() / 3f32.sqrt()
                    };
                    let total: f32 = (first..=last).map(|key| score(key).exp()).sum();
                    out.push((first..=last).map(|key| score(key).exp() / total * x[key * 6 + c]).sum());
                }
                out
            },
        );
    }
}

#[test]
fn repeated_dimensions() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(2, 2, 2, 3), Stage::Frame).unwrap();
    let row = b.input("row", Shape::rows(2, 3), Stage::Schedule).unwrap();
    let row = b.reshape(row, Shape::map(2, 1, 1, 3)).unwrap();
    let sum = b.add(x, row).unwrap();
    let one = b.input("one", Shape::map(1, 2, 1, 1), Stage::Frame).unwrap();
    let product = b.mul(sum, one).unwrap();
    let up = b.upsample(product, 3, 5).unwrap();
    let both = b.concat(&[up, up]).unwrap();
    b.output("out", both);
    let x = Tensor::new([2, 2, 2, 3], (0..24).map(|v| v as f32).collect());
    let row = Tensor::new([2, 3], vec![0.0, 100.0, 200.0, 1000.0, 2000.0, 3000.0]);
    let one = Tensor::new([1, 2, 1, 1], vec![1.0, -1.0]);
    let out = run(program(b.finish(), &[]).as_mut(), &[("x", 0, &x), ("row", 0, &row), ("one", 0, &one)], 0).remove(0);
    assert_eq!(out.shape, [2, 3, 5, 6]);
    // Sample 1, row 2 (from 1), column 3 (from 1): x is 12 + 6 + 3 + c.
    let at = &out.data[((5 * 5) + 3) * 6..][..6];
    assert_eq!(at, [-1021.0, -2022.0, -3023.0, -1021.0, -2022.0, -3023.0]);
}

/// A graph with one input per stage, whose output is their sum; each stage squares its input so that it has work.
fn staged() -> Graph {
    let mut b = GraphBuilder::new("staged", "");
    let shape = Shape::rows(1, 1);
    let mut sum = None;
    for (name, stage) in [("prompt", Stage::Prompt), ("schedule", Stage::Schedule), ("frame", Stage::Frame)] {
        let x = b.input(name, shape, stage).unwrap();
        let square = b.mul(x, x).unwrap();
        sum = Some(match sum {
            Some(sum) => b.add(square, sum).unwrap(),
            None => square,
        });
        b.mark(name, sum.unwrap());
    }
    b.output("out", sum.unwrap());
    b.finish()
}

#[test]
fn only_stages_whose_inputs_changed_run_again() {
    let mut program = program(staged(), &["schedule"]);
    let number = |v: f32| Tensor::new([1, 1], vec![v]);
    let mut sums = |prompt: (u64, f32), schedule: (u64, f32), frame: f32, slot: usize| {
        let (p, s, f) = (number(prompt.1), number(schedule.1), number(frame));
        let inputs = [("prompt", prompt.0, &p), ("schedule", schedule.0, &s), ("frame", 0, &f)];
        let out = run(program.as_mut(), &inputs, slot);
        [out[0].data[0], out[1].data[0]]
    };
    assert_eq!(sums((1, 1.0), (1, 10.0), 100.0, 0), [10101.0, 101.0]);
    // The same revisions: the new numbers of earlier stages are not looked at, the frame's are.
    assert_eq!(sums((1, 2.0), (1, 20.0), 200.0, 0), [40101.0, 101.0]);
    // Another slot has its own schedule; the first keeps its own.
    assert_eq!(sums((1, 2.0), (2, 20.0), 0.0, 1), [401.0, 401.0]);
    assert_eq!(sums((1, 2.0), (1, 30.0), 0.0, 0), [101.0, 101.0]);
    assert_eq!(sums((1, 2.0), (3, 30.0), 0.0, 0), [901.0, 901.0]);
    // A new prompt makes all slots new.
    assert_eq!(sums((2, 3.0), (3, 40.0), 0.0, 0), [1609.0, 1609.0]);
    assert_eq!(sums((2, 3.0), (2, 50.0), 0.0, 1), [2509.0, 2509.0]);
}

#[test]
fn wrong_calls_are_errors() {
    let graph = Arc::new(staged());
    let packed = candle().load(&weights(&graph)).unwrap();
    let tap = candle().compile(graph.clone(), &packed, &["nowhere"]).err().unwrap();
    assert!(tap.to_string().contains("`nowhere`"), "{tap}");
    let mut program = candle().compile(graph, &packed, &[]).unwrap();
    let number = Tensor::new([1, 1], vec![1.0]);
    let value = |name, tensor| Value { name, revision: 0, tensor };
    let missing = program.run(&[value("prompt", &number), value("frame", &number)], 0).unwrap_err();
    assert_eq!(missing.to_string(), "input `schedule` of graph `staged` should be [1, 1], got nothing");
    let wide = Tensor::new([1, 2], vec![1.0; 2]);
    let misfit = [value("prompt", &number), value("schedule", &number), value("frame", &wide)];
    assert!(program.run(&misfit, 0).unwrap_err().to_string().contains("[1, 2]"));
}

#[test]
fn missing_and_misshapen_weights_are_named() {
    let mut b = GraphBuilder::new("test", "net");
    let x = b.input("x", Shape::rows(1, 4), Stage::Frame).unwrap();
    let y = b.linear("proj", x, 2, Bias::With).unwrap();
    b.output("out", y);
    let graph = Arc::new(b.finish());
    let error = |key: &str, shape: Vec<usize>| {
        let values = vec![0.0; shape.iter().product()];
        let packed = candle().load(&Weights::from_values([(key.to_owned(), shape, values)])).unwrap();
        candle().compile(graph.clone(), &packed, &[]).err().unwrap().to_string()
    };
    let missing = error("net.proj.wieght", vec![2, 4]);
    assert!(missing.contains("`net.proj.weight`") && missing.contains("`net.proj.wieght`"), "{missing}");
    let misshapen = error("net.proj.weight", vec![4, 2]);
    assert!(misshapen.contains("[2, 4]") && misshapen.contains("[4, 2]"), "{misshapen}");
}

#[test]
fn ids_outside_the_table_are_errors() {
    let mut b = GraphBuilder::new("test", "");
    let ids = b.input("ids", Shape::rows(1, 2), Stage::Prompt).unwrap();
    let y = b.embedding("table", ids, 3, 2).unwrap();
    let place = b.table("place", 5, 2, 2).unwrap();
    let y = b.add(y, place).unwrap();
    let y = b.activate(y, Activation::Relu).unwrap();
    b.output("out", y);
    let mut program = program(b.finish(), &[]);
    for bad in [3.0, -1.0, 0.5, f32::NAN, 1e9] {
        let ids = Tensor::new([1, 2], vec![0.0, bad]);
        let value = Value { name: "ids", revision: 0, tensor: &ids };
        assert!(program.run(&[value], 0).is_err(), "{bad}");
    }
    let ids = Tensor::new([1, 2], vec![0.0, 2.0]);
    assert!(program.run(&[Value { name: "ids", revision: 0, tensor: &ids }], 0).is_ok());
}
