//! What the kernels of each instruction set do in a second: `cargo bench --bench kernels -- FILTER`.
//!
//! Every case is a graph of one operation, of the shapes that Stable Diffusion 1.5 and smaller models have. Ours is the sum
//! of what `Program::profile` times, so neither the input's way in nor the result's way out counts; candle, which tells no
//! steps apart, is timed from call to return and runs only the small cases. "elem" in Criterion's table is a floating-point
//! operation. All cores take part: `taskset -c 0` in front measures one.

#![expect(missing_docs, reason = "criterion's macro writes a public function without a word")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::exec::{Candle, Cpu, Executor, Program, Tensor, Value};
use afterimage::graph::{Activation, Bias, Conv, Graph, GraphBuilder, GraphError, Mask, NodeId, Shape, Stage};
use afterimage::weights::Weights;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

/// Candle runs cases of at most so many operations.
const SMALL_FLOPS: u64 = 1 << 31;
/// Attention of all these networks has so many heads.
const HEADS: usize = 8;

/// A graph of one operation, its input, and a program once it is needed.
struct Case {
    graph: Arc<Graph>,
    input: Tensor,
}

impl Case {
    /// The operation that `write` gives for an input of `shape`.
    fn new(shape: Shape, write: impl FnOnce(&mut GraphBuilder, NodeId) -> Result<NodeId, GraphError>) -> Self {
        let mut builder = GraphBuilder::new("case", "");
        let written = || {
            let input = builder.input("x", shape, Stage::Frame)?;
            let result = write(&mut builder, input)?;
            builder.output("y", result);
            Ok::<_, GraphError>(())
        };
        written().expect("the shapes of this file fit");
        Self { graph: Arc::new(builder.finish()), input: Tensor::new(shape.dims(), numbers(1, shape.len())) }
    }

    /// A program that has run once, so that its memory is warm and holds ordinary numbers.
    fn program(&self, executor: &dyn Executor) -> Box<dyn Program> {
        let weights = self.graph.weights().iter().zip(2..).map(|(weight, seed)| {
            let len = weight.shape.iter().product();
            (weight.key.clone(), weight.shape.clone(), numbers(seed, len))
        });
        let packed = executor.load(&Weights::from_values(weights)).expect("the weights were just made");
        let mut program = executor.compile(self.graph.clone(), &packed, &[]).expect("the weights are the graph's");
        self.run(&mut *program);
        program
    }

    fn run(&self, program: &mut dyn Program) {
        let input = Value { name: "x", revision: 0, tensor: &self.input };
        std::hint::black_box(program.run(&[input], 0).expect("the input is the graph's"));
    }

    /// The time of so many runs, after one.
    fn time(&self, program: &mut dyn Program, runs: u64) -> Duration {
        if let Some(profile) = program.profile(usize::try_from(runs).unwrap_or(usize::MAX)) {
            let ms: f64 = profile.steps.iter().map(|step| step.ms).sum();
            return Duration::from_secs_f64(1e-3 * ms * runs as f64);
        }
        let begun = Instant::now();
        (0..runs).for_each(|_| self.run(program));
        begun.elapsed()
    }
}

/// So many numbers around zero, always the same ones for a seed.
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Everybody who can run a case, with the word for each.
fn executors() -> Vec<(&'static str, Box<dyn Executor>)> {
    let ours = Cpu::instructions().into_iter().map(|word| {
        let cpu = Cpu::forced(word, 0).expect("the processor has these instructions");
        (word, Box::new(cpu) as Box<dyn Executor>)
    });
    let candle = Candle::new(0).expect("the system has threads for us");
    ours.chain([("candle", Box::new(candle) as Box<dyn Executor>)]).collect()
}

/// Measures all `cases` on all executors.
fn measure(criterion: &mut Criterion, name: &str, cases: Vec<(String, Case)>) {
    let executors = executors();
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    for (label, case) in &cases {
        let flops = case.graph.flops();
        group.throughput(Throughput::Elements(flops));
        for (word, executor) in &executors {
            if *word == "candle" && flops > SMALL_FLOPS {
                continue;
            }
            // Made when the filter lets the case through, and once for all its samples.
            let mut program = None;
            group.bench_function(BenchmarkId::new(label, word), |bencher| {
                let program = program.get_or_insert_with(|| case.program(&**executor));
                bencher.iter_custom(|runs| case.time(&mut **program, runs));
            });
        }
    }
}

fn convolutions(criterion: &mut Criterion) {
    let case = |(channels, side): (usize, usize)| {
        let shape = Shape::map(1, side, side, channels);
        let case = Case::new(shape, |b, x| b.conv2d("conv", x, Conv::same(channels, 3)));
        (format!("{channels}@{side}x{side}"), case)
    };
    let sizes = [(32, 256), (64, 128), (320, 64), (640, 32), (1280, 16)];
    measure(criterion, "conv3x3", sizes.map(case).into());
}

fn products(criterion: &mut Criterion) {
    let case = |[rows, width, out]: [usize; 3]| {
        let shape = Shape::tokens(1, rows, width);
        (format!("{rows}x{width}x{out}"), Case::new(shape, |b, x| b.linear("product", x, out, Bias::With)))
    };
    let sizes = [[64, 128, 1024], [4096, 320, 320], [4096, 320, 2560], [1024, 640, 640], [256, 1280, 1280]];
    measure(criterion, "product", sizes.map(case).into());
}

fn attention(criterion: &mut Criterion) {
    let case = |(width, length): (usize, usize)| {
        let shape = Shape::tokens(1, length, HEADS * width);
        (format!("{width}@{length}"), Case::new(shape, |b, x| b.attention([x; 3], HEADS, Mask::None)))
    };
    // Width of a head and number of tokens, of pictures of 512 and of 256 pixels.
    let sizes = [(40, 4096), (80, 1024), (160, 256), (40, 1024), (80, 256)];
    measure(criterion, "attention", sizes.map(case).into());
}

fn norms(criterion: &mut Criterion) {
    let case = |(channels, side): (usize, usize)| {
        let case = Case::new(Shape::map(1, side, side, channels), |b, x| {
            let normed = b.group_norm("norm", x, 32, 1e-5)?;
            b.activate(normed, Activation::Silu)
        });
        (format!("{channels}@{side}x{side}"), case)
    };
    let sizes = [(32, 256), (320, 64), (640, 32), (1280, 16)];
    measure(criterion, "norm+silu", sizes.map(case).into());
}

fn geglu(criterion: &mut Criterion) {
    let case = |(length, out): (usize, usize)| {
        (format!("{out}@{length}"), Case::new(Shape::tokens(1, length, 2 * out), |b, x| b.geglu(x)))
    };
    let sizes = [(4096, 1280), (1024, 2560), (256, 5120)];
    measure(criterion, "geglu", sizes.map(case).into());
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = convolutions, products, attention, norms, geglu
}
criterion_main!(kernels);
