//! Shapes, stages, names and refusals of graphs.

use super::*;

fn map(b: &mut GraphBuilder, h: usize, w: usize, c: usize) -> NodeId {
    b.input("x", Shape::map(1, h, w, c), Stage::Frame).unwrap()
}

#[test]
fn stages_follow_the_latest_input() {
    let mut b = GraphBuilder::new("g", "net");
    let prompt = b.input("prompt", Shape::tokens(1, 5, 8), Stage::Prompt).unwrap();
    let time = b.input("time", Shape::rows(1, 8), Stage::Schedule).unwrap();
    let table = b.table("positions", 5, 5, 8).unwrap();
    let key = b.linear("to_k", prompt, 8, Bias::Without).unwrap();
    let placed = b.add(key, table).unwrap();
    let time = b.reshape(time, Shape::tokens(1, 1, 8)).unwrap();
    let late = b.add(placed, time).unwrap();
    let graph = b.finish();
    let stages = [table, key, placed, late].map(|id| graph.node(id).stage);
    assert_eq!(stages, [Stage::Constant, Stage::Prompt, Stage::Prompt, Stage::Schedule]);
}

#[test]
fn modules_name_weights_and_nodes() {
    let mut b = GraphBuilder::new("g", "unet");
    let x = map(&mut b, 4, 4, 8);
    let out = b
        .module("down.0", |b| {
            let y = b.conv2d("conv", x, Conv::same(6, 3))?;
            b.mark("dropout", y);
            b.activate(y, Activation::Silu)
        })
        .unwrap();
    b.mark("", out);
    let graph = b.finish();
    let keys: Vec<_> = graph.weights().iter().map(|w| (w.key.as_str(), w.shape.as_slice())).collect();
    assert_eq!(keys, [("unet.down.0.conv.weight", &[6, 8, 3, 3][..]), ("unet.down.0.conv.bias", &[6][..])]);
    assert_eq!(graph.find("down.0"), Some(out));
    assert_eq!(graph.find(""), Some(out));
    assert_eq!(graph.find("down.0.dropout"), graph.find("down.0.conv"));
    assert_eq!(graph.find("down.1"), None);
    assert!(graph.to_string().contains("conv2d stride 1 pad 1,1,1,1 (%0) -> [1, 4, 4, 6]  down.0.conv"), "{graph}");
}

#[test]
fn shapes_of_convolutions() {
    let mut b = GraphBuilder::new("g", "");
    let x = map(&mut b, 7, 5, 2);
    let half = b.conv2d("a", x, Conv::same(3, 3).strided(2, Padding::all(1))).unwrap();
    assert_eq!(b.shape(half).dims(), [1, 4, 3, 3]);
    let corner = Padding { top: 0, left: 0, bottom: 1, right: 1 };
    let kl = b.conv2d("b", x, Conv::same(3, 3).strided(2, corner)).unwrap();
    assert_eq!(b.shape(kl).dims(), [1, 3, 2, 3]);
    let back = b.upsample(half, 7, 5).unwrap();
    let both = b.concat(&[x, back]).unwrap();
    assert_eq!(b.shape(both).dims(), [1, 7, 5, 5]);
}

#[test]
fn misfits_are_errors_that_name_the_place() {
    let mut b = GraphBuilder::new("g", "net");
    let x = map(&mut b, 4, 4, 6);
    let norm = b.module("mid", |b| b.group_norm("norm", x, 4, 1e-5)).unwrap_err();
    assert!(norm.to_string().contains("`mid.norm`") && norm.to_string().contains("4 groups"), "{norm}");
    b.linear("to_q", x, 3, Bias::Without).unwrap();
    let again = b.linear("to_q", x, 4, Bias::Without).unwrap_err();
    assert!(matches!(again, GraphError::Weight { .. }), "{again}");
    let small = b.conv2d("c", x, Conv::same(3, 9).strided(1, Padding::all(0))).unwrap_err();
    assert!(small.to_string().contains("kernel"), "{small}");
    assert!(b.linear("none", x, 0, Bias::Without).is_err());
    assert!(b.input("x", Shape::rows(1, 1), Stage::Frame).is_err());
    let huge = b.input("huge", Shape::map(1, usize::MAX, usize::MAX, 4), Stage::Frame).unwrap_err();
    assert!(matches!(huge, GraphError::TooLarge { .. }), "{huge}");
    let wide = b.input("wide", Shape::map(1, 1 << 16, 1 << 16, 4), Stage::Frame).unwrap_err();
    assert!(matches!(wide, GraphError::TooLarge { .. }), "{wide}");
    let tokens = b.reshape(x, Shape::tokens(1, 16, 6)).unwrap();
    assert!(b.attention([tokens, tokens, tokens], 4, Mask::None).is_err());
    assert!(b.reshape(x, Shape::tokens(1, 15, 6)).is_err());
    assert!(b.table("t", 4, 5, 6).is_err());
}

#[test]
fn arithmetic_is_counted() {
    let mut b = GraphBuilder::new("g", "");
    let x = map(&mut b, 4, 4, 8);
    let y = b.conv2d("c", x, Conv::same(6, 3)).unwrap();
    let graph = b.finish();
    assert_eq!(graph.node_flops(y), 2 * 16 * 6 * 8 * 9);
    assert_eq!(graph.flops(), graph.stage_flops(Stage::Frame));
}
