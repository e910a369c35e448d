//! Weights that are f16 on disk and multiplied as f32: all at once over many pixels, piece by piece over few.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device};

use super::*;
use crate::weights::{Dtype, TensorFile};

/// Files that were written.
static FILES: AtomicUsize = AtomicUsize::new(0);

/// Writes the weights of `graph` to a file of f16, but for that called `exact`.
fn write(graph: &Graph, exact: &str, file: &std::path::Path) {
    let tensor = |(seed, weight): (usize, &crate::graph::Weight)| {
        let values = noise(seed + 3, weight.shape.iter().product());
        let tensor = candle_core::Tensor::from_vec(values, &*weight.shape, &Device::Cpu).unwrap();
        let dtype = if weight.key == exact { DType::F32 } else { DType::F16 };
        (weight.key.clone(), tensor.to_dtype(dtype).unwrap())
    };
    let tensors: HashMap<_, _> = graph.weights().iter().enumerate().map(tensor).collect();
    candle_core::safetensors::save(&tensors, file).unwrap();
}

/// The graph that `build` makes of one frame input gives what the reference gives with the same weights of f16.
fn same_f16(shape: Shape, build: impl Fn(&mut GraphBuilder, NodeId) -> NodeId) {
    same_mixture("", shape, build);
}

/// The same with one weight of f32.
fn same_mixture(exact: &str, shape: Shape, build: impl Fn(&mut GraphBuilder, NodeId) -> NodeId) {
    let mut b = GraphBuilder::new("test", "");
    let x = b.input("x", shape, Stage::Frame).unwrap();
    let y = build(&mut b, x);
    b.output("out", y);
    let graph = Arc::new(b.finish());
    let name = (std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(format!("afterimage-f16-{}-{}.safetensors", name.0, name.1));
    write(&graph, exact, &file);
    let weights = Weights::open(&[("", vec![TensorFile::open(&file).unwrap()])]).unwrap();
    let dtype = |key: &str| if key == exact { Dtype::F32 } else { Dtype::F16 };
    assert!(graph.weights().iter().all(|weight| weights.dtype(&weight.key) == Some(dtype(&weight.key))));
    let expected = run_with(&Candle::new(1).unwrap(), &graph, &weights, &[], 1);
    for executor in executors() {
        let limit = 2e-5 + executor.rounding();
        near(&run_with(&executor, &graph, &weights, &[], 2)[0], &expected[0], limit, &executor.name());
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn of_few_pixels_and_of_many() {
    // Up to 32 pixels are few; channels that are no whole pieces, and a last panel that is not full.
    for (n, [h, w], inputs, outputs) in
        [(1, [1, 1], 64, 64), (1, [4, 4], 256, 96), (2, [3, 5], 72, 80), (1, [4, 8], 40, 200), (1, [3, 11], 96, 72)]
    {
        same_f16(Shape::map(n, h, w, inputs), |b, x| {
            let y = b.conv2d("conv", x, Conv::same(outputs, 3)).unwrap();
            b.activate(y, Activation::Silu).unwrap()
        });
        // What follows another convolution of the same map, and is added to it.
        same_f16(Shape::map(n, h, w, outputs), |b, x| {
            let y = b.conv2d("first", x, Conv::same(inputs, 3)).unwrap();
            let y = b.conv2d("second", y, Conv::same(outputs, 1)).unwrap();
            b.add(x, y).unwrap()
        });
    }
}

#[test]
fn of_every_second_pixel_and_of_tokens() {
    same_f16(Shape::map(1, 9, 7, 64), |b, x| b.conv2d("conv", x, Conv { stride: 2, ..Conv::same(96, 3) }).unwrap());
    for tokens in [1, 7, 31, 33] {
        same_f16(Shape::tokens(2, tokens, 136), |b, x| b.linear("product", x, 112, Bias::With).unwrap());
    }
}

#[test]
fn of_products_side_by_side_that_are_stored_differently() {
    for exact in ["q.weight", "k.weight", "v.weight"] {
        same_mixture(exact, Shape::tokens(1, 16, 64), |b, x| {
            let x = b.layer_norm("norm", x, 1e-5).unwrap();
            let parts = ["q", "k", "v"].map(|name| b.linear(name, x, 64, Bias::Without).unwrap());
            b.attention(parts, 2, Mask::None).unwrap()
        });
    }
}
