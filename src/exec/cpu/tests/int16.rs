//! Convolutions and attention of 16-bit integers.

use super::*;

/// Which steps are done that way, of those that begin with `what`.
fn steps(graph: &Graph, what: &str) -> usize {
    let (executor, graph) = (int16(), Arc::new(graph.clone()));
    let packed = executor.load(&weights(&graph)).unwrap();
    let steps = executor.compile(graph, &packed, &[]).unwrap().profile(1).unwrap().steps;
    steps.iter().filter(|step| step.what.starts_with(what)).count()
}

/// A convolution of a map, which may be doubled before.
fn convolution(map: Shape, doubled: bool, conv: Conv) -> Graph {
    let mut b = GraphBuilder::new("test", "");
    let [_, h, w, _] = map.as_map().unwrap();
    let x = b.input("x", map, Stage::Frame).unwrap();
    let x = if doubled { b.upsample(x, 2 * h, 2 * w).unwrap() } else { x };
    let y = b.conv2d("conv", x, conv).unwrap();
    let y = b.activate(y, Activation::Silu).unwrap();
    b.output("out", y);
    b.finish()
}

#[test]
fn int16_convolutions() {
    for (n, side, inputs, outputs, expected) in [
        // Kernels that are kept in the Winograd domain, of one part and of two with fewer channels in the last.
        (1, 20, 64, 64, 1),
        (2, 20, 96, 80, 1),
        // Kernels that are taken there for each task; a chunk of tiles that is not full; odd sides.
        (1, 27, 192, 200, 1),
        (1, 13, 208, 176, 1),
        // Few outputs, few pixels beside many weights, and not so many that direct products of integers are dearer.
        (1, 16, 64, 32, 0),
        (1, 8, 128, 128, 0),
        (1, 4, 256, 256, 0),
    ] {
        for doubled in [false, true] {
            let side = if doubled { side / 2 } else { side };
            let graph = convolution(Shape::map(n, side, side + 1, inputs), doubled, Conv::same(outputs, 3));
            if !doubled {
                assert_eq!(steps(&graph, "conv2d winograd int16"), expected, "{graph}");
            }
            same_graph(graph, &[]);
        }
    }
}

#[test]
fn kernels_over_few_pixels_or_in_steps() {
    for (n, h, w, inputs, outputs, stride) in [
        (2, 4, 4, 256, 96, 1),
        (1, 8, 8, 128, 128, 1),
        (1, 17, 22, 34, 40, 2),
        (2, 9, 40, 32, 16, 3),
        (1, 1, 1, 64, 5, 1),
    ] {
        for doubled in [false, true] {
            let conv = Conv::same(outputs, 3).strided(stride, Padding::all(1));
            let graph = convolution(Shape::map(n, h, w, inputs), doubled, conv);
            assert_eq!(steps(&graph, "conv2d winograd"), 0, "{graph}");
            same_graph(graph, &[]);
        }
    }
}

#[test]
fn rows_of_pixels_are_cut_anywhere() {
    // Shared by more threads there are more tasks: some begin and end within a row, and no scale tells.
    let conv = Conv::same(64, 3).strided(2, Padding::all(1));
    let graph = Arc::new(convolution(Shape::map(1, 20, 100, 64), false, conv));
    let with = |threads: usize| Cpu { team: Arc::new(Team::new(threads).unwrap()), ..int16() };
    let [few, many] = [1, 7].map(|threads| run(&with(threads), &graph, &[], 1));
    assert_eq!(few[0].data, many[0].data);
}

#[test]
fn int8_kernels_become_int16() {
    let graph = Arc::new(convolution(Shape::map(1, 16, 16, 128), false, Conv::same(112, 3)));
    let expected = run(&Candle::new(1).unwrap(), &graph, &[], 1);
    for executor in executors() {
        let executor = Cpu { keeping: Keeping::Int8, ..executor };
        near(&run(&executor, &graph, &[], 2)[0], &expected[0], 2e-5 + executor.rounding(), &executor.name());
    }
}

#[test]
fn int16_attention() {
    for (queries, keys, heads, width, mask) in [
        (5, 256, 3, 40, Mask::None),
        (70, 401, 2, 8, Mask::None),
        (33, 770, 1, 160, Mask::None),
        (300, 300, 2, 64, Mask::Causal),
        (40, 300, 1, 5, Mask::None),
    ] {
        let mut b = GraphBuilder::new("test", "");
        let [q, k, v] = [("q", queries), ("k", keys), ("v", keys)]
            .map(|(name, tokens)| b.input(name, Shape::tokens(2, tokens, heads * width), Stage::Frame).unwrap());
        // Some scores are far above others, so that what was accumulated is made smaller.
        let q = b.affine(q, 40.0, 0.1).unwrap();
        let y = b.attention([q, k, v], heads, mask).unwrap();
        b.output("out", y);
        same_graph(b.finish(), &[]);
    }
}
