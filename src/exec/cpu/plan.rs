//! From a graph to steps over one block of memory.

use std::ops::Range;
use std::sync::Arc;

use super::changes::Changes;
use super::kernels::PANEL;
use super::packing::CpuPacked;
use super::panels::{Factor, Row};
use super::rounding::rounded;
use super::steps::{
    Attention, Border, Conv, Copy, Cut, Epilogue, Factors, Geglu, GroupNorm, Kernel, Layer, LayerNorm, Lookup, Map,
    Moments, Norm, PackKeys, PackedKeys, Pixels, PostView, Step, StripConv, Winograd,
};
use super::winograd::{self, Products};
use crate::exec::ExecError;
use crate::exec::planner::{
    About, After, Axis, Fused, Item, Kind, Places, Schedule, View, extent, fuse, join, merge, packed_piece,
};
use crate::graph::{Graph, NodeId, Op, Padding, WeightId};

/// Elements of an elementwise task: some microseconds.
const TASK_ELEMENTS: usize = 1 << 14;

/// Keys from which on attention multiplies integers, where there are such.
const INT16_KEYS: usize = 256;

/// What memory holds that nobody should read: not a number, and neither is either half of it as bf16.
pub const POISON: f32 = f32::from_bits(0x7fc0_7fc0);

/// Everything a program does.
pub struct Plan {
    /// All steps, stage after stage.
    pub steps: Vec<Box<dyn Step>>,
    /// By step: what it is.
    pub about: Vec<About>,
    /// By stage: the steps of each of its rounds. Those of a round may run in any order or at the same time.
    pub rounds: [Arc<[Range<usize>]>; 4],
    /// Where inputs go.
    pub inputs: Vec<(NodeId, View)>,
    /// Where results are.
    pub results: Vec<View>,
    /// Inputs that name rows of a table, and how many rows it has.
    pub ids: Vec<(NodeId, usize)>,
    /// How a change of some rows of a picture spreads, if it does not reach everything at once.
    pub changes: Option<Changes>,
    /// What the schedule stage hands on.
    pub schedule: Range<usize>,
    /// Where memory begins that holds nothing between runs.
    pub shared: usize,
    /// Numbers of memory.
    pub len: usize,
}

impl Plan {
    /// Plans `graph` for so many threads.
    ///
    /// # Errors
    /// A weight that is missing or has another shape than the graph says.
    pub fn new(graph: &Graph, packed: &CpuPacked, results: &[NodeId], options: Options) -> Result<Self, ExecError> {
        let steps = join(graph, results, fuse(graph, results, PANEL), |weights| Some((0..weights.len()).collect()));
        let steps = merge(graph, results, steps);
        let mut places = Places::new(graph, &steps, true);
        for piece in rounded(graph, &steps, &places, results, |step, id| rounds(graph, packed, step, id)) {
            places.pieces[piece].kind = Kind::Half;
        }
        let nowhere = vec![0; places.pieces.len()];
        let room = |step: &Fused| {
            if let Some(keys) = keys(graph, step, packed.factor()) {
                return Ok(keys.len(batch(graph, step)));
            }
            let input = places.view(graph, step.source, &nowhere);
            Ok(cut(graph, packed, step, (input, options))?.and_then(|cut| cut.values()).unwrap_or(0))
        };
        let room = steps.iter().map(room).collect::<Result<Vec<usize>, ExecError>>()?;
        let mut changes = Changes::new(graph, &steps, &places, (results, options.keep));
        let mut kept = results.to_vec();
        kept.extend(changes.iter().flat_map(|changes| changes.kept(graph)));
        let schedule = Schedule::new(graph, &steps, &places, &kept, &room);
        let factors = steps.iter().map(|step| {
            let shape = &graph.node(step.main).shape;
            matches!(graph.node(step.main).op, Op::GroupNorm { .. })
                .then(|| Arc::new(Factors::new(shape.batch(), shape.channels())))
        });
        let maker = Maker {
            graph,
            packed,
            steps: &steps,
            factors: factors.collect(),
            places: &places,
            schedule: &schedule,
            options,
        };
        let mut plan = Self {
            steps: Vec::new(),
            about: Vec::new(),
            rounds: std::array::from_fn(|_| Arc::default()),
            inputs: graph.inputs().map(|(_, id)| (id, maker.view(id))).collect(),
            results: results.iter().map(|id| maker.view(*id)).collect(),
            ids: Vec::new(),
            changes: None,
            schedule: schedule.schedule.clone(),
            shared: schedule.shared,
            len: schedule.len,
        };
        let mut rounds: [Vec<Range<usize>>; 4] = Default::default();
        for (at, (stage, items)) in schedule.rounds.iter().enumerate() {
            let first = plan.steps.len();
            for item in items {
                let step = maker.step(*item)?;
                if let Some(changes) = &mut changes {
                    changes.tell(&*step, *item, (graph, &steps, &places), products(packed, options));
                }
                plan.steps.push(step);
                plan.about.push(About::new(graph, &steps, *item, |step| {
                    way(graph, packed, step, options).map(|(word, flops)| (word.into(), flops))
                }));
            }
            let rounds = &mut rounds[*stage as usize];
            rounds.push(first..plan.steps.len());
            if options.poison {
                let first = plan.steps.len();
                plan.steps.extend(maker.poison(at));
                plan.about.resize(plan.steps.len(), About::nothing("spoiled memory"));
                if let Some(changes) = &mut changes {
                    plan.steps[first..].iter().for_each(|step| changes.tell_always(&**step));
                }
                rounds.push(first..plan.steps.len());
            }
        }
        plan.rounds = rounds.map(Arc::from);
        plan.changes = changes;
        for step in &steps {
            if let Op::Embedding { weight } = graph.node(step.main).op {
                plan.ids.push((step.source, graph.weight(weight).shape[0]));
            }
        }
        Ok(plan)
    }
}

/// How to plan.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads that will run it.
    pub threads: usize,
    /// Rows of a tile that are quickest.
    pub rows: usize,
    /// Whether convolutions of bf16 numbers are faster by Winograd along rows.
    pub strips: bool,
    /// Whether pairs of integers are multiplied and summed by one instruction.
    pub pairs: bool,
    /// Numbers of values that are kept from run to run at most, where a change of a picture does not reach everything at once.
    pub keep: usize,
    /// Whether memory is filled with NaN as soon as nothing in it is needed, so that a stale read is seen. For tests.
    pub poison: bool,
}

/// Whether a step rounds the value `id`, one of those it reads, before it does anything else with it.
fn rounds(graph: &Graph, packed: &CpuPacked, step: &Fused, id: NodeId) -> bool {
    let node = graph.node(step.main);
    match node.op {
        Op::Conv2d { .. } if step.before.is_some() => {
            id == step.source && composed_kind(graph, packed, step) == Kind::Half
        }
        Op::Conv2d { weight, .. } | Op::Linear { weight, .. } => {
            id == step.source
                && packed.panels(graph.weight(weight)).is_ok_and(|panels| panels.factor().kind() == Kind::Half)
        }
        Op::Attention { heads, .. } => even(node.shape.channels() / heads, packed.factor()) == Factor::Bf16,
        _ => false,
    }
}

/// How a step is done that is not done as its op says, and with how many operations.
fn way(graph: &Graph, packed: &CpuPacked, step: &Fused, options: Options) -> Option<(&'static str, u64)> {
    if options.strips && winograd::suits_strips(graph, step, packed) {
        return Some(("strips", winograd::strip_flops(graph, step)));
    }
    if winograd::suits(graph, step, products(packed, options)) {
        let int16 = winograd::factor(graph, step, packed.factor()) == Factor::Int16;
        return Some((if int16 { "winograd int16" } else { "winograd" }, winograd::flops(graph, step)));
    }
    if let Some(products) = step.composed_products(graph) {
        return Some(("composed", 2 * products as u64));
    }
    // A kernel of 3 x 3 over a doubled map is done as four of 2 x 2.
    step.doubled.then(|| ("doubled", graph.node_flops(step.main) * 4 / 9))
}

/// As what the factors of a composed kernel are multiplied: an odd number of channels is no whole pairs.
fn composed_kind(graph: &Graph, packed: &CpuPacked, step: &Fused) -> Kind {
    if graph.node(step.source).shape.channels().is_multiple_of(2) { packed.kind() } else { Kind::F32 }
}

/// Where the keys of an attention go, from offset 0.
fn keys(graph: &Graph, step: &Fused, factor: Factor) -> Option<PackedKeys> {
    let node = graph.node(step.main);
    let Op::Attention { heads, .. } = node.op else { return None };
    let keys = graph.node(node.inputs[1]).shape.positions();
    let width = node.shape.channels() / heads;
    let factor = match even(width, factor) {
        // So few are not worth quantizing.
        Factor::Int16 if keys < INT16_KEYS => Factor::F32,
        factor => factor,
    };
    Some(PackedKeys { offset: 0, heads, keys, width, factor })
}

/// As what keys of so many channels are multiplied beside weights that are `factor`s: an odd number is no whole pairs.
fn even(width: usize, factor: Factor) -> Factor {
    if width.is_multiple_of(2) { factor } else { Factor::F32 }
}

/// What products are made of where convolutions are planned.
fn products(packed: &CpuPacked, options: Options) -> Products {
    Products { factor: packed.factor(), pairs: options.pairs }
}

/// How a convolution over `input` that is done by Winograd is cut for so many threads.
fn cut(
    graph: &Graph,
    packed: &CpuPacked,
    step: &Fused,
    (input, options): (View, Options),
) -> Result<Option<Cut>, ExecError> {
    let node = graph.node(step.main);
    let Op::Conv2d { weight, padding, .. } = node.op else { return Ok(None) };
    if !winograd::suits(graph, step, products(packed, options)) {
        return Ok(None);
    }
    let (panels, [_, h, w, _]) = (packed.panels(graph.weight(weight))?, extent(&graph.node(step.result).shape));
    let factor = winograd::factor(graph, step, packed.factor());
    Ok(Some(Cut::new(factor, input, (padding, step.doubled), [h, w], panels.count(), options.threads)))
}

fn batch(graph: &Graph, step: &Fused) -> usize {
    graph.node(step.main).shape.batch()
}

struct Maker<'a> {
    graph: &'a Graph,
    packed: &'a CpuPacked,
    steps: &'a [Fused],
    /// By joined step that is a group normalisation: what it normalises with.
    factors: Vec<Option<Arc<Factors>>>,
    places: &'a Places,
    schedule: &'a Schedule,
    options: Options,
}

impl Maker<'_> {
    fn view(&self, id: NodeId) -> View {
        self.places.view(self.graph, id, &self.schedule.offsets)
    }

    fn step(&self, item: Item) -> Result<Box<dyn Step>, ExecError> {
        let step: Box<dyn Step> = match item {
            Item::Fused(index) => return self.fused(index),
            Item::Measure(index) => return self.moments(index),
            Item::Border(piece) => Box::new(Border::new(&self.places.pieces[piece], self.schedule.offsets[piece])),
            Item::Copy { from, to, first } => {
                let input = self.view(from);
                Box::new(Copy { input, output: self.view(to).channels(first, input.c), reshape: false })
            }
            Item::Pack(index) => {
                let inputs = &self.graph.node(self.steps[index].main).inputs;
                match self.cut(index)? {
                    Some(cut) => Box::new(cut.pack(self.packed_at(index))),
                    None => {
                        let packed = self.keys(index);
                        Box::new(PackKeys { keys: self.view(inputs[1]), values: self.view(inputs[2]), packed })
                    }
                }
            }
        };
        Ok(step)
    }

    /// Steps that spoil the memory nobody needs after a round.
    fn poison(&self, at: usize) -> impl Iterator<Item = Box<dyn Step>> {
        let Schedule { needs, kept, offsets, .. } = self.schedule;
        let dead = (0..needs.len()).filter(move |&p| !kept[p] && needs[p].first <= at && needs[p].last == at);
        dead.map(|p| Box::new(Spoil(offsets[p]..offsets[p] + needs[p].len)) as Box<dyn Step>)
    }

    fn keys(&self, index: usize) -> PackedKeys {
        let nothing = PackedKeys { offset: 0, heads: 1, keys: 0, width: 0, factor: Factor::F32 };
        PackedKeys {
            offset: self.packed_at(index),
            ..keys(self.graph, &self.steps[index], self.packed.factor()).unwrap_or(nothing)
        }
    }

    /// Where what is packed for a step is.
    fn packed_at(&self, index: usize) -> usize {
        self.schedule.offsets[packed_piece(self.places, index)]
    }

    fn cut(&self, index: usize) -> Result<Option<Cut>, ExecError> {
        let step = &self.steps[index];
        cut(self.graph, self.packed, step, (self.view(step.source), self.options))
    }

    fn factors(&self, index: usize) -> Result<Arc<Factors>, ExecError> {
        self.factors[index].clone().ok_or_else(|| super::failed("something is measured that is not normalised"))
    }

    fn moments(&self, index: usize) -> Result<Box<dyn Step>, ExecError> {
        let step = &self.steps[index];
        let Op::GroupNorm { weight, bias, groups, eps } = self.graph.node(step.main).op else {
            return Err(super::failed("something is measured that is not normalised"));
        };
        let norm = Norm { scale: self.flat(weight)?, shift: self.flat(bias)?, eps };
        let per_task = groups.div_ceil(self.options.threads.min(groups));
        let (input, factors) = (self.view(step.source), self.factors(index)?);
        Ok(Box::new(Moments { input, norm, groups, per_task, factors }))
    }

    fn fused(&self, index: usize) -> Result<Box<dyn Step>, ExecError> {
        let step = &self.steps[index];
        let node = self.graph.node(step.main);
        let (input, output) = (self.view(step.source), self.view(step.result));
        let per_task = (TASK_ELEMENTS / (input.c.max(1))).max(1);
        let posts: Vec<PostView> = step.posts.iter().map(|post| self.post(*post, step.result)).collect();
        let step: Box<dyn Step> = match node.op {
            Op::Conv2d { weight, bias, stride, padding } => {
                let (epilogue, bias) = (Epilogue { output, posts }, self.bias(bias, output.c)?);
                let panels = self.packed.panels(self.graph.weight(weight))?;
                if self.options.strips && winograd::suits_strips(self.graph, step, self.packed) {
                    return Ok(Box::new(StripConv::new(input, (panels, bias), epilogue, self.options.threads)));
                }
                if let Some(cut) = self.cut(index)? {
                    return Ok(Box::new(Winograd::new(cut, self.packed_at(index), (panels, bias), epilogue)));
                }
                let layer = match step.axes(self.graph) {
                    Some(axes) => self.composed(step, &axes)?,
                    None if step.doubled => Layer::doubled(&panels, &bias, [input.h, input.w]),
                    None => {
                        let (panels, side) = (Row::new(panels, Vec::new()), self.graph.weight(weight).shape[2]);
                        Layer::whole(panels, bias, side, (stride, padding), [output.h, output.w])
                    }
                };
                let int16 = self.packed.factor() == Factor::Int16 && input.pixel == input.c;
                let layer = if int16 { layer.with_int16(input.c) } else { layer };
                Box::new(Conv::new(input, layer, epilogue, (self.options.threads, self.options.rows)))
            }
            Op::Linear { weight, .. } => {
                let panels = self.packed.panels(self.graph.weight(weight))?;
                let matrices = step.matrices(self.graph);
                let beside = matrices[1..].iter().map(|(weight, _)| self.packed.panels(self.graph.weight(*weight)));
                let beside = beside.collect::<Result<_, _>>()?;
                let bias = self.biases(&matrices)?;
                let output = View { c: step.channels(self.graph), ..output };
                // Of a product with a gate, biases are added before it.
                let (bias, gate) = if step.gated { (Arc::new(vec![0.0; output.c]), Some(bias)) } else { (bias, None) };
                let (panels, grid) = (Row::new(panels, beside), [output.h, output.w]);
                let layer = Layer { gate, ..Layer::whole(panels, bias, 1, (1, Padding::all(0)), grid) };
                Box::new(Conv::new(input, layer, Epilogue { output, posts }, (self.options.threads, self.options.rows)))
            }
            Op::GroupNorm { .. } => {
                let per_task = (TASK_ELEMENTS / (input.w * input.c)).clamp(1, input.h.div_ceil(self.options.threads));
                Box::new(GroupNorm { input, output, factors: self.factors(index)?, posts, per_task })
            }
            Op::LayerNorm { weight, bias, eps } => {
                let norm = Norm { scale: self.flat(weight)?, shift: self.flat(bias)?, eps };
                Box::new(LayerNorm { input, output, norm, per_task })
            }
            Op::Attention { mask, .. } => {
                Box::new(Attention { queries: input, packed: self.keys(index), output, mask })
            }
            Op::Geglu => Box::new(Geglu { input, output, per_task }),
            Op::Activate(_) | Op::Affine { .. } | Op::Add | Op::Mul => {
                let per_task = (TASK_ELEMENTS / (input.w * input.c)).max(1);
                Box::new(Map { input, output, posts, per_task })
            }
            Op::FromPixels | Op::ToPixels => {
                let per_task = (TASK_ELEMENTS / (4 * input.w)).max(1);
                Box::new(Pixels { input, output, per_task })
            }
            Op::Upsample => Box::new(Copy { input, output, reshape: false }),
            Op::Reshape => Box::new(Copy { input, output, reshape: true }),
            Op::Embedding { weight } => {
                if !matches!(self.graph.node(step.source).op, Op::Input { .. }) {
                    return Err(super::failed(format!("`{}` looks up ids that are no input", node.path)));
                }
                Box::new(Lookup { table: self.packed.panels(self.graph.weight(weight))?, ids: Some(input), output })
            }
            Op::Table { weight } => {
                Box::new(Lookup { table: self.packed.panels(self.graph.weight(weight))?, ids: None, output })
            }
            Op::Input { .. } | Op::Concat => return Err(super::failed(format!("`{}` is no work", node.path))),
        };
        Ok(step)
    }

    /// Two convolutions as one.
    fn composed(&self, step: &Fused, axes: &[Axis; 2]) -> Result<Layer, ExecError> {
        let kernel = |id: NodeId| {
            let node = self.graph.node(id);
            let Op::Conv2d { weight, bias, .. } = node.op else { return Err(super::failed("no convolution")) };
            let (weight, bias) = (self.graph.weight(weight), self.bias(bias, node.shape.channels())?);
            Ok(Kernel { panels: self.packed.panels(weight)?, bias, sides: [weight.shape[2], weight.shape[3]] })
        };
        let (first, second) = (kernel(step.before.unwrap_or(step.main))?, kernel(step.main)?);
        Ok(Layer::composed(&first, &second, axes, composed_kind(self.graph, self.packed, step)))
    }

    fn post(&self, after: After, result: NodeId) -> PostView {
        let other = |id: NodeId| self.view(id).repeated(extent(&self.graph.node(result).shape));
        match after {
            After::Activate(activation) => PostView::Activate(activation),
            After::Affine { scale, shift } => PostView::Affine { scale, shift },
            After::Add(id) => PostView::Add(other(id)),
            After::Mul(id) => PostView::Mul(other(id)),
        }
    }

    /// The biases of matrices, one beside the other.
    fn biases(&self, matrices: &[(WeightId, Option<WeightId>)]) -> Result<Arc<Vec<f32>>, ExecError> {
        let bias = |&(weight, bias): &(WeightId, Option<WeightId>)| self.bias(bias, self.graph.weight(weight).shape[0]);
        match matrices {
            [one] => bias(one),
            several => {
                let several = several.iter().map(bias).collect::<Result<Vec<_>, _>>()?;
                Ok(Arc::new(several.iter().flat_map(|bias| bias.iter().copied()).collect()))
            }
        }
    }

    /// A bias, zeros where a layer has none.
    fn bias(&self, id: Option<WeightId>, outputs: usize) -> Result<Arc<Vec<f32>>, ExecError> {
        id.map_or_else(|| Ok(Arc::new(vec![0.0; outputs])), |id| self.flat(id))
    }

    fn flat(&self, id: WeightId) -> Result<Arc<Vec<f32>>, ExecError> {
        self.packed.flat(self.graph.weight(id))
    }
}

/// Fills memory with [`POISON`].
struct Spoil(Range<usize>);

impl Step for Spoil {
    fn tasks(&self) -> usize {
        1
    }

    fn run(&self, _: usize, memory: super::memory::MemoryRef<'_>, _: &super::kernels::Kernels) {
        memory.write(self.0.start, self.0.len()).fill(POISON);
    }
}
