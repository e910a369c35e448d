//! Convolutions of bf16 numbers along rows, four outputs at a time.

use super::*;

/// How many steps are done that way.
fn strips(executor: &Cpu, graph: &Graph) -> usize {
    let packed = executor.load(&weights(graph)).unwrap();
    let steps = executor.compile(Arc::new(graph.clone()), &packed, &[]).unwrap().profile(1).unwrap().steps;
    steps.iter().filter(|step| step.what.starts_with("conv2d strips")).count()
}

/// A convolution with what usually follows one, and two that read what it makes: rounded, if the second is none of those that add it.
fn network(shape: Shape, outputs: usize, adds: bool) -> Graph {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", shape, Stage::Frame).unwrap();
    let y = b.conv2d("first", x, Conv::same(outputs, 3)).unwrap();
    let y = b.activate(y, Activation::Relu).unwrap();
    let z = b.conv2d("second", y, Conv::same(outputs, 3).without_bias()).unwrap();
    let z = if adds { b.add(z, y).unwrap() } else { z };
    let z = b.activate(z, Activation::Relu).unwrap();
    b.output("out", z);
    b.finish()
}

#[test]
fn maps_of_all_sizes_and_channels() {
    for (n, h, w, inputs, outputs, expected) in [
        (1, 4, 16, 32, 32, 2),
        (2, 1, 32, 64, 16, 1),
        (1, 9, 20, 96, 48, 1),
        (3, 7, 12, 32, 64, 2),
        (1, 17, 132, 32, 32, 2),
        (1, 40, 16, 160, 96, 2),
        (1, 33, 8, 192, 33, 1),
        // Too few strips, a width that is no strips, channels that are no whole registers, few outputs.
        (1, 2, 4, 32, 32, 0),
        (1, 8, 18, 32, 32, 0),
        (1, 8, 16, 48, 8, 0),
        (1, 8, 16, 32, 4, 0),
    ] {
        for adds in [false, true] {
            let graph = network(Shape::map(n, h, w, inputs), outputs, adds);
            assert_eq!(strips(&winograd_strips(), &graph), expected, "{graph}");
            same_graph(graph, &[]);
        }
    }
}

#[test]
fn parts_of_a_map_and_parts_of_channels() {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", Shape::map(2, 12, 16, 64), Stage::Frame).unwrap();
    let left = b.conv2d("left", x, Conv::same(160, 3)).unwrap();
    let left = b.activate(left, Activation::Silu).unwrap();
    let right = b.conv2d("right", x, Conv::same(64, 1)).unwrap();
    let both = b.concat(&[left, right]).unwrap();
    let y = b.conv2d("both", both, Conv::same(352, 3)).unwrap();
    let z = b.conv2d("part", left, Conv::same(352, 3)).unwrap();
    let shift = b.input("shift", Shape::map(2, 1, 1, 352), Stage::Schedule).unwrap();
    let y = b.add(y, shift).unwrap();
    let y = b.add(y, z).unwrap();
    b.output("out", y);
    let graph = b.finish();
    assert_eq!(strips(&winograd_strips(), &graph), 3);
    same_graph(graph, &[]);
}

#[test]
fn int8_kernels() {
    let graph = Arc::new(network(Shape::map(1, 16, 16, 192), 192, true));
    let expected = run(&Candle::new(1).unwrap(), &graph, &[], 1);
    for executor in executors() {
        let executor = Cpu { keeping: Keeping::Int8, ..executor };
        near(&run(&executor, &graph, &[], 2)[0], &expected[0], 2e-5 + executor.rounding(), &executor.name());
    }
}
