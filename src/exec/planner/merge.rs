//! Which two convolutions are done as one: those with nothing between them, of which one kernel, composed of both, takes fewer
//! products.
//!
//! A convolution of a convolution is one with a larger kernel. That kernel would see what the first made outside its map, where
//! the second sees zeros: outputs at an edge have kernels of their own, without those taps ([`Span`]).

use super::fuse::Fused;
use super::view::extent;
use crate::graph::{Graph, NodeId, Op, Padding};

/// How two convolutions in a row are one along one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Side of the composed kernel.
    pub side: usize,
    /// From where it begins for an output of a span to where it begins for the next.
    pub stride: usize,
    /// From one output of a span to the next.
    pub spread: usize,
    /// Zeros before and behind the input.
    pub zeros: [usize; 2],
    /// All outputs.
    pub spans: Vec<Span>,
}

/// Outputs along an axis that have the same kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Where the kernel begins for the first, seen from the first zero before the input.
    pub from: usize,
    /// Which taps of the first and of the second kernel fall on which place of the composed one: place, first, second.
    pub taps: Vec<[usize; 3]>,
}

/// A convolution along one axis.
#[derive(Clone, Copy, Debug)]
struct Along {
    side: usize,
    stride: usize,
    before: usize,
}

impl Axis {
    /// The `first` convolution over `input` values, each read `repeat` times in succession, makes the `between`; of these the
    /// `second` makes `outputs`.
    fn new([input, between, outputs]: [usize; 3], repeat: usize, first: Along, second: Along) -> Self {
        // Where the kernel of an output begins in the input: before it, if this is negative.
        let begin = |output: usize| {
            ((output * second.stride) as isize - (first.before + second.before) as isize).div_euclid(repeat as isize)
        };
        let place = |output: usize, [of_first, of_second]: [usize; 2]| {
            let read =
                (output * second.stride + of_second + of_first) as isize - (first.before + second.before) as isize;
            (read.div_euclid(repeat as isize) - begin(output)) as usize
        };
        let last = [first.side - 1, second.side - 1];
        let side = (0..repeat.min(outputs)).map(|output| place(output, last) + 1).fold(0, usize::max);
        let before = usize::try_from(-begin(0)).unwrap_or(0);
        let reach = outputs.checked_sub(1).map_or(0, |output| begin(output) + side as isize);
        let zeros = [before, usize::try_from(reach - input as isize).unwrap_or(0)];
        let taps = |output: usize| {
            let seen =
                |tap: &usize| (output * second.stride + tap).checked_sub(second.before).is_some_and(|at| at < between);
            let pairs = (0..second.side).filter(seen).flat_map(|b| (0..first.side).map(move |a| [a, b]));
            pairs.map(|pair| [place(output, pair), pair[0], pair[1]]).collect::<Vec<_>>()
        };
        let mut spans: Vec<Span> = Vec::new();
        for start in 0..repeat {
            let firsts = spans.len();
            for output in (start..outputs).step_by(repeat) {
                let taps = taps(output);
                match spans[firsts..].last_mut() {
                    Some(span) if span.taps == taps => span.count += 1,
                    _ => {
                        let from = (begin(output) + before as isize) as usize;
                        spans.push(Span { first: output, count: 1, from, taps });
                    }
                }
            }
        }
        Self { side, stride: second.stride, spread: repeat, zeros, spans }
    }
}

impl Fused {
    /// How it is one convolution along height and width, if it is two.
    pub fn axes(&self, graph: &Graph) -> Option<[Axis; 2]> {
        let before = self.before?;
        let (first, second) = (convolution(graph, before)?, convolution(graph, self.main)?);
        let map = |id: NodeId| extent(&graph.node(id).shape);
        let maps = [map(self.source), map(before), map(self.result)];
        let repeat = if self.doubled { 2 } else { 1 };
        Some([1, 2].map(|axis| Axis::new(maps.map(|map| map[axis]), repeat, first[axis - 1], second[axis - 1])))
    }

    /// The zeros it wants around its source, if it is a convolution.
    pub fn zeros(&self, graph: &Graph) -> Option<Padding> {
        let Op::Conv2d { padding, .. } = graph.node(self.main).op else { return None };
        let Some([rows, columns]) = self.axes(graph) else { return Some(padding) };
        let ([top, bottom], [left, right]) = (rows.zeros, columns.zeros);
        Some(Padding { top, left, bottom, right })
    }

    /// Products of the kernel that two convolutions are composed to, if it is two.
    pub fn composed_products(&self, graph: &Graph) -> Option<usize> {
        let [rows, columns] = self.axes(graph)?;
        let inputs = graph.node(self.source).shape.channels();
        Some(graph.node(self.main).shape.len() * rows.side * columns.side * inputs)
    }
}

/// Joins those of `steps` that are convolutions with nothing between, where that saves products. What is among `results` is made.
pub fn merge(graph: &Graph, results: &[NodeId], mut steps: Vec<Fused>) -> Vec<Fused> {
    let mut index = 0;
    while index < steps.len() {
        let joined = before(graph, results, &steps, index);
        if let Some((place, merged)) = joined {
            steps[index] = merged;
            steps.remove(place);
            index -= usize::from(place < index);
        }
        index += 1;
    }
    steps
}

/// The step that a convolution can be one with, and what they are then.
fn before(graph: &Graph, results: &[NodeId], steps: &[Fused], index: usize) -> Option<(usize, Fused)> {
    let step = &steps[index];
    convolution(graph, step.main)?;
    let place = steps.iter().position(|other| other.result == step.source)?;
    let first = &steps[place];
    let [along, _] = convolution(graph, first.main)?;
    let value = first.result;
    let reads = |step: &Fused| {
        let others = step.posts.iter().filter_map(|post| post.other());
        [step.source]
            .into_iter()
            .chain(others)
            .chain(graph.node(step.main).inputs.iter().copied())
            .any(|id| id == value)
    };
    let alone = !results.contains(&value) && steps.iter().filter(|step| reads(step)).count() == 1;
    let plain = first.main == value && !step.doubled && [first, step].iter().all(|step| step.before.is_none());
    let posts = step.posts.iter().all(|post| post.other() != Some(value));
    let same = graph.node(first.main).stage == graph.node(step.main).stage;
    if !(alone && plain && posts && same && along.stride == 1) {
        return None;
    }
    let merged = Fused { before: Some(value), source: first.source, doubled: first.doubled, ..step.clone() };
    // A kernel of 3 x 3 over a doubled map is four of 2 x 2.
    let products = |step: &Fused| (step.flops(graph) / 2) as usize * if step.doubled { 4 } else { 9 } / 9;
    let [rows, columns] = merged.axes(graph)?;
    let pays = merged.composed_products(graph)? * 5 / 4 < products(first) + products(step);
    (pays && rows.side == columns.side).then_some((place, merged))
}

/// A convolution along height and width.
fn convolution(graph: &Graph, id: NodeId) -> Option<[Along; 2]> {
    let Op::Conv2d { weight, stride, padding, .. } = graph.node(id).op else { return None };
    let &[.., h, w] = &graph.weight(weight).shape[..] else { return None };
    Some([(h, padding.top), (w, padding.left)].map(|(side, before)| Along { side, stride, before }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::planner::fuse;
    use crate::graph::{Activation, Conv, GraphBuilder, Shape, Stage};

    /// Numbers that look random.
    fn number(seed: usize) -> f64 {
        (seed as f64 * 12.9898).sin() * 43758.5453 % 1.0
    }

    /// A convolution of one channel along one axis, of values that are each read `repeat` times.
    fn convolve(values: &[f64], repeat: usize, taps: &[f64], along: Along, outputs: usize) -> Vec<f64> {
        let read = |at: usize| at.checked_sub(along.before).and_then(|at| values.get(at / repeat)).copied();
        let output =
            |o: usize| taps.iter().enumerate().map(|(t, tap)| tap * read(o * along.stride + t).unwrap_or(0.0)).sum();
        (0..outputs).map(output).collect()
    }

    #[test]
    fn one_kernel_does_what_two_do() {
        for (side, repeat) in (1..9).flat_map(|side| [(side, 1), (side, 2)]) {
            for (a, b) in [([3, 1], [3, 1]), ([1, 0], [3, 1]), ([3, 1], [1, 0]), ([3, 0], [3, 1]), ([5, 2], [3, 0])] {
                for stride in [1, 2] {
                    let first = Along { side: a[0], stride: 1, before: a[1] };
                    let second = Along { side: b[0], stride, before: b[1] };
                    let Some(between) = (repeat * side + 2 * a[1]).checked_sub(a[0] - 1).filter(|len| *len > 0) else {
                        continue;
                    };
                    let Some(outputs) = (between + 2 * b[1]).checked_sub(b[0]).map(|rest| rest / stride + 1) else {
                        continue;
                    };
                    let values: Vec<f64> = (0..side).map(number).collect();
                    let kernels = [a[0], b[0]].map(|side| (0..side).map(|t| number(t + 50 * side)).collect::<Vec<_>>());
                    let middle = convolve(&values, repeat, &kernels[0], first, between);
                    let expected = convolve(&middle, 1, &kernels[1], second, outputs);

                    let axis = Axis::new([side, between, outputs], repeat, first, second);
                    let mut padded = vec![0.0; axis.zeros[0]];
                    padded.extend(&values);
                    padded.extend(vec![0.0; axis.zeros[1]]);
                    let mut found = vec![f64::NAN; outputs];
                    for span in &axis.spans {
                        let mut kernel = vec![0.0; axis.side];
                        span.taps.iter().for_each(|&[place, a, b]| kernel[place] += kernels[0][a] * kernels[1][b]);
                        for nth in 0..span.count {
                            let values = &padded[span.from + nth * axis.stride..][..axis.side];
                            let sum = kernel.iter().zip(values).map(|(tap, value)| tap * value).sum();
                            let place = &mut found[span.first + nth * axis.spread];
                            assert!(place.is_nan(), "an output is made twice");
                            *place = sum;
                        }
                    }
                    for (found, expected) in found.iter().zip(&expected) {
                        assert!((found - expected).abs() < 1e-12, "{axis:?}: {found} instead of {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn convolutions_with_nothing_between_are_one_where_that_saves_products() {
        let count = |build: &dyn Fn(&mut GraphBuilder, NodeId) -> Vec<NodeId>| {
            let mut b = GraphBuilder::new("test", "");
            let x = b.input("x", Shape::map(1, 8, 8, 16), Stage::Frame).unwrap();
            let results = build(&mut b, x);
            b.output("out", results[0]);
            let graph = b.finish();
            let steps = merge(&graph, &results, fuse(&graph, &results, 32));
            (steps.len(), steps.iter().filter(|step| step.before.is_some()).count())
        };
        let two = |b: &mut GraphBuilder, x: NodeId, [middle, out]: [usize; 2]| {
            let y = b.conv2d("first", x, Conv::same(middle, 3)).unwrap();
            (y, b.conv2d("second", y, Conv::same(out, 3)).unwrap())
        };
        assert_eq!(count(&|b, x| vec![two(b, x, [64, 2]).1]), (1, 1));
        assert_eq!(count(&|b, x| vec![two(b, x, [16, 16]).1]), (2, 0), "25 products instead of 18");
        let both = |b: &mut GraphBuilder, x: NodeId| {
            let (middle, out) = two(b, x, [64, 2]);
            vec![out, middle]
        };
        assert_eq!(count(&both), (2, 0), "somebody looks between");
        assert_eq!(
            count(&|b, x| {
                let y = b.upsample(x, 16, 16).unwrap();
                let (_, y) = two(b, y, [16, 3]);
                vec![b.activate(y, Activation::Tanh).unwrap()]
            }),
            (1, 1)
        );
        assert_eq!(
            count(&|b, x| {
                let y = b.conv2d("first", x, Conv::same(64, 3)).unwrap();
                let y = b.activate(y, Activation::Relu).unwrap();
                vec![b.conv2d("second", y, Conv::same(2, 3)).unwrap()]
            }),
            (2, 0)
        );
    }
}
