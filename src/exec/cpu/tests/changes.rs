//! A program that does only again what a change reaches makes what one makes that does everything.

use super::*;
use crate::exec::cpu::changes::MOST;
use crate::exec::cpu::plan::{Options, Plan};

/// Convolutions as tiny encoders have them, by Winograd and others; something is added that depends on the prompt.
pub(super) fn encoder(side: usize) -> Graph {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(1, side, side + 8, 1), Stage::Frame).unwrap();
    let more = b.input("more", Shape::map(1, 1, 1, 32), Stage::Prompt).unwrap();
    let y = b.from_pixels(x).unwrap();
    let y = b.affine(y, 0.5, 0.5).unwrap();
    let mut y = b.conv2d("in", y, Conv::same(32, 3)).unwrap();
    for (at, stride) in [1, 2, 2].into_iter().enumerate() {
        let conv = Conv::same(32, 3).strided(stride, Padding::all(1));
        y = b.conv2d(&format!("{at}.down"), y, conv).unwrap();
        let skip = y;
        for part in 0..2 {
            y = b.conv2d(&format!("{at}.{part}"), y, Conv::same(32, 3)).unwrap();
            y = b.activate(y, Activation::Relu).unwrap();
        }
        y = b.add(y, skip).unwrap();
    }
    let y = b.add(y, more).unwrap();
    let shape = b.shape(y).as_map().unwrap();
    let y = b.upsample(y, 2 * shape[1], 2 * shape[2]).unwrap();
    let y = b.conv2d("up", y, Conv::same(48, 3)).unwrap();
    let y = b.conv2d("out", y, Conv::same(4, 3)).unwrap();
    b.output("out", y);
    b.finish()
}

/// What a network does with a picture.
type Build = fn(&mut GraphBuilder, NodeId) -> NodeId;

fn plan(executor: &Cpu, graph: &Graph) -> Plan {
    let packed = CpuPacked::load(&weights(graph), Factor::F32, Keeping::Plain).unwrap();
    let results: Vec<NodeId> = graph.outputs().iter().map(|(_, id)| *id).collect();
    let Kernels { rows, strips, pairs, .. } = executor.kernels;
    Plan::new(graph, &packed, &results, Options { threads: 2, rows, strips, pairs, keep: executor.keep, poison: false })
        .unwrap()
}

/// The executor with memory for so many values between runs.
fn keeping(executor: Cpu, keep: usize) -> Cpu {
    Cpu { keep, ..executor }
}

#[test]
fn what_a_change_does_not_reach_is_not_done_again() {
    let portable = |keep| keeping(Cpu::with(Isa::Portable, 2, false).unwrap(), keep);
    let graph = encoder(512);
    let counts = [MOST, 1_000_000, 0].map(|keep| {
        let plan = plan(&portable(keep), &graph);
        let again = plan.changes.as_ref().unwrap().again(240..270);
        let frame: Vec<usize> = plan.rounds[Stage::Frame as usize].iter().flat_map(Clone::clone).collect();
        let all: usize = frame.iter().map(|step| plan.steps[*step].tasks()).sum();
        let some: usize = frame.iter().map(|step| again[*step].len()).sum();
        (plan.len, some, all)
    });
    let [(_, most, all), (_, fewer, _), (_, none, _)] = counts;
    assert!(0 < most && most < fewer && fewer < none && 4 * most < all && 2 * fewer < all, "{counts:?}");
    assert!(counts[0].0 > counts[1].0 && counts[1].0 > counts[2].0, "{counts:?}");
    let plan = plan(&portable(MOST), &graph);
    assert!(plan.changes.unwrap().again(0..0).iter().all(Vec::is_empty));
}

#[test]
fn where_a_change_reaches_everything_nothing_is_kept() {
    let portable = Cpu::with(Isa::Portable, 1, false).unwrap();
    let norm: Build = |b, y| b.group_norm("norm", y, 1, 1e-5).unwrap();
    let two: Build = |b, y| {
        let other = b.input("other", b.shape(y), Stage::Frame).unwrap();
        b.add(y, other).unwrap()
    };
    let plain: Build = |_, y| y;
    let builds = [(norm, 1, false), (two, 1, false), (plain, 2, false), (plain, 1, true)];
    for (build, samples, expected) in builds {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", Shape::map(samples, 8, 8, 1), Stage::Frame).unwrap();
        let y = b.from_pixels(x).unwrap();
        let y = build(&mut b, y);
        b.output("out", y);
        assert_eq!(plan(&portable, &b.finish()).changes.is_some(), expected);
    }
}

#[test]
fn a_changed_picture_gives_what_it_gives_at_first() {
    for (index, side) in [40, 64].into_iter().enumerate() {
        let graph = Arc::new(encoder(side));
        let count = side * (side + 8);
        let pixels = |seed: usize| noise(seed, count).into_iter().map(|v| f32::from_bits(v.to_bits() | 0xff00_0000));
        let keeps = [MOST, 30_000, 0].into_iter().cycle().skip(index);
        for executor in executors().into_iter().zip(keeps).map(|(executor, keep)| keeping(executor, keep)) {
            let packed = executor.load(&weights(&graph)).unwrap();
            let compile = || executor.compile(graph.clone(), &packed, &[]).unwrap();
            let mut program = compile();
            let mut picture = Tensor::new([1, side, side + 8, 1], pixels(1).collect::<Vec<_>>());
            let mut more = (1, Tensor::new([1, 1, 1, 32], noise(5, 32)));
            let steps = [0..0, 0..side, 7..8, 0..1, side - 1..side, side / 2..side / 2 + 5, 0..0, 3..4, 3..4];
            for (step, rows) in steps.into_iter().enumerate() {
                let other = pixels(step + 10).collect::<Vec<_>>();
                let range = rows.start * (side + 8)..rows.end * (side + 8);
                picture.data[range.clone()].copy_from_slice(&other[range]);
                if step == 7 {
                    // What was kept depends on this too.
                    more = (2, Tensor::new([1, 1, 1, 32], noise(6, 32)));
                }
                let inputs = [
                    Value { name: "x", revision: 0, tensor: &picture },
                    Value { name: "more", revision: more.0, tensor: &more.1 },
                ];
                let found = program.run(&inputs, 0).unwrap();
                assert_eq!(found, compile().run(&inputs, 0).unwrap(), "{}, step {step}", executor.name());
                assert!(found[0].data.iter().all(|v| v.is_finite()));
            }
        }
    }
}
