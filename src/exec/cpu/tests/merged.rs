//! Two convolutions that are done as one.

use super::*;
use crate::exec::planner::{fuse, merge};

/// A convolution with a kernel of `side` that moves by `stride`, `zeros` around.
fn conv(outputs: usize, side: usize, stride: usize, zeros: Padding) -> Conv {
    Conv::same(outputs, side).strided(stride, zeros)
}

/// How many of a network's steps are two convolutions.
fn merged(graph: &Graph, results: &[NodeId]) -> usize {
    merge(graph, results, fuse(graph, results, kernels::PANEL)).iter().filter(|step| step.before.is_some()).count()
}

/// What `build` makes of one input is made by one kernel, and is what the reference makes.
fn same_as_one(shape: Shape, build: impl Fn(&mut GraphBuilder, NodeId) -> NodeId) {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", shape, Stage::Frame).unwrap();
    let y = build(&mut b, x);
    b.output("out", y);
    let graph = b.finish();
    assert_eq!(merged(&graph, &[y]), 1, "{graph}");
    same_graph(graph, &[]);
}

#[test]
fn kernels_of_all_sides_strides_and_zeros() {
    let uneven = Padding { top: 0, left: 1, bottom: 1, right: 2 };
    for (h, w) in [(3, 1), (3, 5), (7, 6), (19, 34)] {
        for (first, second) in [
            (conv(64, 3, 1, Padding::all(1)), conv(3, 3, 2, Padding::all(1))),
            (conv(96, 3, 1, Padding::all(1)), conv(40, 3, 1, Padding::all(1))),
            (conv(64, 3, 1, uneven), conv(4, 3, 1, uneven)),
            (conv(64, 1, 1, Padding::all(0)), conv(7, 3, 2, uneven)),
            (conv(48, 3, 1, Padding::all(1)), conv(5, 1, 1, Padding::all(0))),
            (conv(64, 3, 1, Padding::all(1)), conv(2, 5, 1, Padding::all(2))),
        ] {
            same_as_one(Shape::map(2, h, w, 5), |b, x| {
                let y = b.conv2d("first", x, first).unwrap();
                b.conv2d("second", y, second).unwrap()
            });
        }
    }
}

#[test]
fn kernels_over_doubled_maps() {
    for (h, w, channels) in [(1, 1, 8), (2, 1, 8), (5, 7, 16), (9, 40, 32), (6, 6, 5)] {
        for outputs in [3, 16] {
            same_as_one(Shape::map(2, h, w, channels), |b, x| {
                let y = b.upsample(x, 2 * h, 2 * w).unwrap();
                let y = b.conv2d("first", y, Conv::same(48, 3)).unwrap();
                let y = b.conv2d("second", y, Conv::same(outputs, 3)).unwrap();
                // Of sums of thousands of products tanh would show more than their share of the largest is lost.
                let y = b.affine(y, 0.05, 0.0).unwrap();
                let y = b.activate(y, Activation::Tanh).unwrap();
                let other = b.upsample(x, 2 * h, 2 * w).unwrap();
                let other = b.conv2d("other", other, Conv::same(outputs, 1)).unwrap();
                b.add(y, other).unwrap()
            });
        }
    }
}

#[test]
fn part_of_a_value_and_what_is_looked_at_between() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(1, 8, 9, 16), Stage::Frame).unwrap();
    let left = b.activate(x, Activation::Silu).unwrap();
    let right = b.conv2d("right", x, Conv::same(16, 3)).unwrap();
    let right = b.activate(right, Activation::Relu).unwrap();
    let all = b.concat(&[left, right]).unwrap();
    // What is read is a part of what is concatenated.
    let y = b.conv2d("first", right, Conv::same(64, 3)).unwrap();
    let y = b.conv2d("second", y, Conv::same(32, 3)).unwrap();
    let out = b.add(all, y).unwrap();
    b.output("out", out);
    let graph = b.finish();
    assert_eq!(merged(&graph, &[out]), 1);
    same_graph(graph.clone(), &[]);
    assert_eq!(merged(&graph, &[out, graph.find("first").unwrap()]), 0);
    same_graph(graph, &["first"]);
}

#[test]
fn two_convolutions_are_told_as_one() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(1, 8, 8, 32), Stage::Frame).unwrap();
    let y = b.upsample(x, 16, 16).unwrap();
    let y = b.conv2d("first", y, Conv::same(32, 3)).unwrap();
    let y = b.conv2d("second", y, Conv::same(3, 3)).unwrap();
    b.output("out", y);
    let executor = Cpu::with(Isa::Portable, 1, false).unwrap();
    let graph = Arc::new(b.finish());
    let packed = executor.load(&weights(&graph)).unwrap();
    let steps = executor.compile(graph, &packed, &[]).unwrap().profile(1).unwrap().steps;
    let [step] = steps.iter().filter(|step| step.flops > 0).collect::<Vec<_>>()[..] else { panic!("{steps:?}") };
    assert_eq!((step.what.as_str(), step.shape.as_str()), ("conv2d composed second", "[1, 16, 16, 3]"));
    assert_eq!(step.flops, 2 * 16 * 16 * 3 * 9 * 32);
}
