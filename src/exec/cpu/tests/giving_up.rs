//! Runs that nobody waits for any more.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::flow::Patience;

/// That of somebody who waits for so many questions.
fn questions(count: usize) -> Patience {
    let left = AtomicUsize::new(count);
    Patience::until(move || {
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    })
}

#[test]
fn a_run_may_be_given_up_anywhere_and_the_next_one_is_whole() {
    let mut b = GraphBuilder::new("staged", "");
    let words = b.input("words", Shape::map(1, 1, 1, 32), Stage::Prompt).unwrap();
    let words = b.conv2d("words", words, Conv::same(40, 1)).unwrap();
    let x = b.input("x", Shape::map(1, 12, 9, 32), Stage::Frame).unwrap();
    let mut y = b.conv2d("first", x, Conv::same(40, 3)).unwrap();
    y = b.add(y, words).unwrap();
    y = b.group_norm("norm", y, 4, 1e-5).unwrap();
    y = b.conv2d("second", y, Conv::same(24, 3)).unwrap();
    b.output("out", y);
    let graph = Arc::new(b.finish());
    let tensors =
        [Tensor::new([1, 12, 9, 32], noise(1, 12 * 9 * 32)), Tensor::new([1, 12, 9, 32], noise(2, 12 * 9 * 32))];
    let word = |revision: u64| Tensor::new([1, 1, 1, 32], noise(7 + revision as usize, 32));
    for executor in executors() {
        let packed = executor.load(&weights(&graph)).unwrap();
        let compile = || executor.compile(graph.clone(), &packed, &[]).unwrap();
        let mut program = compile();
        let mut given_up = 0;
        for patience in (0..).map(questions) {
            let revision = given_up % 2;
            let word = word(revision);
            let inputs =
                |x| [Value { name: "words", revision, tensor: &word }, Value { name: "x", revision: 0, tensor: x }];
            match program.run_within(&patience, &inputs(&tensors[0]), 0) {
                Ok(found) => {
                    assert!(found == compile().run(&inputs(&tensors[0]), 0).unwrap(), "{}", executor.name());
                    break;
                }
                Err(error) => assert!(error.is_given_up(), "{error}"),
            }
            given_up += 1;
            let found = program.run(&inputs(&tensors[1]), 0).unwrap();
            assert!(found == compile().run(&inputs(&tensors[1]), 0).unwrap(), "{} after {given_up}", executor.name());
        }
        assert!(given_up > 2, "{} was asked {given_up} times only", executor.name());
    }
}

#[test]
fn what_a_given_up_run_left_is_nothing_to_go_on_from() {
    let side = 40;
    let graph = Arc::new(changes::encoder(side));
    let picture = |seed: usize, rows: std::ops::Range<usize>| {
        let width = side + 8;
        let pixels =
            |seed: usize| noise(seed, side * width).into_iter().map(|v| f32::from_bits(v.to_bits() | 0xff00_0000));
        let mut data: Vec<f32> = pixels(1).collect();
        let other: Vec<f32> = pixels(seed).collect();
        let range = rows.start * width..rows.end * width;
        data[range.clone()].copy_from_slice(&other[range]);
        Tensor::new([1, side, width, 1], data)
    };
    let more = Tensor::new([1, 1, 1, 32], noise(5, 32));
    for executor in executors() {
        let packed = executor.load(&weights(&graph)).unwrap();
        let compile = || executor.compile(graph.clone(), &packed, &[]).unwrap();
        let inputs =
            |x| [Value { name: "x", revision: 0, tensor: x }, Value { name: "more", revision: 1, tensor: &more }];
        let (first, second) = (picture(1, 0..0), picture(2, 7..9));
        let expected = compile().run(&inputs(&second), 0).unwrap();
        let mut program = compile();
        let mut given_up = 0;
        for patience in [0, 1, 2, 3, 5, 9, 17, 33, 1000].map(questions) {
            program.run(&inputs(&first), 0).unwrap();
            let found = program.run_within(&patience, &inputs(&second), 0);
            given_up += usize::from(found.is_err());
            // The same again: its rows do not differ from those that the run which was given up had.
            let found = program.run(&inputs(&second), 0).unwrap();
            assert!(found == expected, "{} after {given_up}", executor.name());
        }
        assert!(given_up > 2, "{} was given up {given_up} times only", executor.name());
    }
}
