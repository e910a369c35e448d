//! Products that are made as one: queries, keys and values of the same value, whose weights lie one after the other.

use std::sync::Arc;

use afterimage::exec::{Cuda, Executor};
use afterimage::graph::{Bias, Graph, GraphBuilder, GraphError, Mask, NodeId, Shape, Stage};
use libtest_mimic::{Failed, Trial};

use crate::graphs::{Built, same_graph, weights};

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;
type More = fn(&mut GraphBuilder, [NodeId; 4], NodeId) -> Built;

/// Attention over products of `x`, with the biases given; `more` may add to the network.
fn attends([length, channels, heads]: [usize; 3], biases: [Bias; 3], more: More) -> Result<Graph, GraphError> {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::tokens(2, length, channels), Stage::Frame)?;
    let x = b.layer_norm("norm", x, 1e-5)?;
    let mut part = |name, bias| b.linear(name, x, channels, bias);
    let [q, k, v] = [part("to_q", biases[0])?, part("to_k", biases[1])?, part("to_v", biases[2])?];
    let y = b.attention([q, k, v], heads, Mask::None)?;
    let out = more(&mut b, [x, q, k, v], y)?;
    b.output("out", out);
    Ok(b.finish())
}

/// What the products of the frame stage are called.
fn products(graph: &Graph) -> Result<Vec<String>, Failed> {
    let executor = Cuda::new().map_err(|error| error.to_string())?;
    let packed = executor.load(&weights(graph)).map_err(|error| error.to_string())?;
    let mut program = executor.compile(Arc::new(graph.clone()), &packed, &[]).map_err(|error| error.to_string())?;
    let steps = program.profile(1).ok_or("no profile")?.steps.into_iter();
    let products = steps.map(|step| step.what).filter(|what| what.starts_with("linear"));
    // Without the way it is cut.
    Ok(products.map(|what| what.split_once("to_").map_or_else(String::new, |(_, name)| format!("to_{name}"))).collect())
}

/// The network gives what the reference gives, and its products are these.
fn check(graph: Result<Graph, GraphError>, expected: &[&str]) -> Outcome {
    let graph = graph.map_err(|error| error.to_string())?;
    let found = products(&graph)?;
    if found != expected {
        return Err(format!("{found:?} instead of {expected:?}").into());
    }
    same_graph(graph, &[])
}

const ALL: &str = "to_k + to_q + to_v";

fn nothing(_: &mut GraphBuilder, _: [NodeId; 4], y: NodeId) -> Built {
    Ok(y)
}

fn of_all_widths() -> Outcome {
    for extent in [[70, 80, 2], [9, 24, 2], [5, 33, 3], [6, 12, 1], [3, 160, 1]] {
        for biases in [[Bias::With; 3], [Bias::Without; 3], [Bias::With, Bias::Without, Bias::With]] {
            check(attends(extent, biases, nothing), &[ALL])?;
        }
    }
    Ok(())
}

/// What somebody else reads too is made by itself, and so are those whose weights it stands between.
fn one_of_three_is_read_by_others() -> Outcome {
    let another: [More; 3] =
        [|b, [_, q, ..], y| b.add(y, q), |b, [_, _, k, _], y| b.add(y, k), |b, [_, _, _, v], y| b.add(y, v)];
    let expected = [&["to_q", "to_k", "to_v"][..], &["to_q + to_v", "to_k"], &["to_k + to_q", "to_v"]];
    for (more, expected) in another.into_iter().zip(expected) {
        check(attends([9, 40, 2], [Bias::With; 3], more), expected)?;
    }
    let graph = attends([9, 40, 2], [Bias::Without; 3], nothing).map_err(|error| error.to_string())?;
    same_graph(graph.clone(), &["to_k"])?;
    same_graph(graph, &["to_q", "to_k", "to_v"])
}

fn keys_and_values_of_a_text() -> Outcome {
    let text: More = |b, _, y| {
        let text = b.input("text", Shape::tokens(2, 5, 20), Stage::Prompt)?;
        b.module("text", |b| {
            let (q, k) = (b.linear("to_q", y, 40, Bias::Without)?, b.linear("to_k", text, 40, Bias::With)?);
            let v = b.linear("to_v", text, 40, Bias::Without)?;
            b.attention([q, k, v], 2, Mask::None)
        })
    };
    check(attends([9, 40, 2], [Bias::Without; 3], text), &[ALL, "to_q"])
}

fn attentions_of_the_same() -> Outcome {
    let twice: More = |b, [_, q, k, v], y| {
        let z = b.attention([q, k, v], 4, Mask::Causal)?;
        b.add(y, z)
    };
    check(attends([9, 40, 2], [Bias::With; 3], twice), &[ALL])?;
    // Of one value the same matrix twice.
    let shared: More = |b, [x, ..], y| {
        let [q, k, v] = ["to_q", "to_q", "to_v"].map(|name| b.linear(name, x, 40, Bias::With));
        let z = b.attention([q?, k?, v?], 2, Mask::None)?;
        b.add(z, y)
    };
    check(attends([9, 40, 2], [Bias::With; 3], shared), &[ALL, "to_q", "to_q", "to_v"])
}

/// Bytes of weights are those of all matrices, once.
fn nothing_is_held_twice() -> Outcome {
    let graph = attends([9, 40, 2], [Bias::With; 3], nothing).map_err(|error| error.to_string())?;
    let executor = Cuda::new().map_err(|error| error.to_string())?;
    let bytes = executor.load(&weights(&graph)).map_err(|error| error.to_string())?.bytes();
    let (matrices, rows) = (3 * 40 * 40 * 2, (3 + 2) * 40 * 4);
    if bytes == matrices + rows { Ok(()) } else { Err(format!("{bytes} bytes").into()) }
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 5] = [
        ("of_all_widths", of_all_widths),
        ("one_of_three_is_read_by_others", one_of_three_is_read_by_others),
        ("keys_and_values_of_a_text", keys_and_values_of_a_text),
        ("attentions_of_the_same", attentions_of_the_same),
        ("nothing_is_held_twice", nothing_is_held_twice),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("beside::{name}"), test)).collect()
}
