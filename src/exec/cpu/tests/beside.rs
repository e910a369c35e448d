//! Products that are made as one.

use super::*;

/// Attention over products of `x`, with the biases given; `more` may add to the network.
fn attends(
    (batch, length, channels): (usize, usize, usize),
    (heads, biases): (usize, [Bias; 3]),
    more: impl Fn(&mut GraphBuilder, [NodeId; 4], NodeId) -> NodeId,
) -> Graph {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::tokens(batch, length, channels), Stage::Frame).unwrap();
    let x = b.layer_norm("norm", x, 1e-5).unwrap();
    let mut part = |name, bias| b.linear(name, x, channels, bias).unwrap();
    let [q, k, v] = [part("q", biases[0]), part("k", biases[1]), part("v", biases[2])];
    let y = b.attention([q, k, v], heads, Mask::None).unwrap();
    let out = more(&mut b, [x, q, k, v], y);
    b.output("out", out);
    b.finish()
}

/// The networks, with how many products of them are several in one.
fn networks() -> Vec<(Graph, usize)> {
    let (with, without) = ([Bias::With; 3], [Bias::Without; 3]);
    let nothing = |_: &mut GraphBuilder, _: [NodeId; 4], y: NodeId| y;
    let mut all = Vec::new();
    for (extent, heads) in [((2, 50, 40), 2), ((1, 9, 64), 1), ((2, 7, 33), 3), ((2, 3, 12), 1), ((1, 5, 4), 2)] {
        for biases in [with, without, [Bias::With, Bias::Without, Bias::With]] {
            all.push((attends(extent, (heads, biases), nothing), 1));
        }
    }
    // One of three is read by others too: keys, values and queries in turn.
    for one in 1..4 {
        let another = move |b: &mut GraphBuilder, parts: [NodeId; 4], y| b.add(y, parts[one]).unwrap();
        all.push((attends((2, 9, 40), (2, with), another), 1));
    }
    // Two attentions of the same.
    let twice = |b: &mut GraphBuilder, [_, q, k, v]: [NodeId; 4], y| {
        let z = b.attention([q, k, v], 4, Mask::Causal).unwrap();
        b.add(y, z).unwrap()
    };
    all.push((attends((2, 9, 40), (2, with), twice), 1));
    // Keys that are values, and products of the same value that nobody attends to.
    let same = |b: &mut GraphBuilder, [x, ..]: [NodeId; 4], y| {
        let [q, k] = ["q2", "k2"].map(|name| b.linear(name, x, 40, Bias::Without).unwrap());
        let z = b.attention([q, k, k], 2, Mask::None).unwrap();
        let z = b.add(z, y).unwrap();
        let w = b.linear("w", x, 40, Bias::With).unwrap();
        b.add(w, z).unwrap()
    };
    all.push((attends((2, 9, 40), (2, with), same), 2));
    // The same weights once more.
    let shared = |b: &mut GraphBuilder, [x, ..]: [NodeId; 4], y| {
        let [q, k, v] = ["q", "q", "v"].map(|name| b.linear(name, x, 40, Bias::With).unwrap());
        let z = b.attention([q, k, v], 2, Mask::None).unwrap();
        b.add(z, y).unwrap()
    };
    all.push((attends((2, 9, 40), (2, with), shared), 2));
    // Keys and values of a text.
    let text = |b: &mut GraphBuilder, _: [NodeId; 4], y| {
        let text = b.input("text", Shape::tokens(2, 5, 20), Stage::Prompt).unwrap();
        let [k, v] = ["k2", "v2"].map(|name| b.linear(name, text, 40, Bias::Without).unwrap());
        let q = b.linear("q2", y, 40, Bias::Without).unwrap();
        b.attention([q, k, v], 2, Mask::None).unwrap()
    };
    all.push((attends((2, 9, 40), (2, without), text), 2));
    all
}

#[test]
fn several_products_of_one_value() {
    for (graph, joined) in networks() {
        let results: Vec<NodeId> = graph.outputs().iter().map(|(_, id)| *id).collect();
        let steps = crate::exec::planner::fuse(&graph, &results, kernels::PANEL);
        let steps = crate::exec::planner::join(&graph, &results, steps, |weights| Some((0..weights.len()).collect()));
        assert_eq!(steps.iter().filter(|step| !step.beside.is_empty()).count(), joined, "{graph}");
        same_graph(graph, &[]);
    }
    let (graph, _) = networks().swap_remove(0);
    same_graph(graph.clone(), &["k"]);
    same_graph(graph, &["q", "k", "v"]);
}

#[test]
fn several_int8_products() {
    let graph = Arc::new(attends((2, 9, 96), (2, [Bias::With; 3]), |_, _, y| y));
    let expected = run(&Candle::new(1).unwrap(), &graph, &[], 1);
    for executor in executors() {
        let executor = Cpu { keeping: Keeping::Int8, ..executor };
        let found = run(&executor, &graph, &[], 2);
        near(&found[0], &expected[0], 2e-5 + executor.rounding(), &executor.name());
    }
}

#[test]
fn several_products_are_told_as_one() {
    let graph = Arc::new(attends((2, 9, 96), (2, [Bias::With; 3]), |_, _, y| y));
    let executor = Cpu::with(Isa::Portable, 1, false).unwrap();
    let packed = executor.load(&weights(&graph)).unwrap();
    let steps = executor.compile(graph, &packed, &[]).unwrap().profile(1).unwrap().steps;
    let step = steps.iter().find(|step| step.what.starts_with("linear")).unwrap();
    assert_eq!((step.what.as_str(), step.shape.as_str()), ("linear q + k + v", "[2, 9, 288]"));
    assert_eq!(step.flops, 2 * 2 * 9 * 288 * 96);
}
