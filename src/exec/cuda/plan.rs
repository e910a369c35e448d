//! From a graph to launches over one block of device memory.

use std::ops::Range;

use std::sync::Arc;

use cudarc::driver::{CudaFunction, CudaSlice, DevicePtr};

use super::args::{Args, Placed};
use super::biases::Biases;
use super::cluster::ALONE;
use super::device::Device;
use super::heads::Heads;
use super::kernels::WIDE_HEAD;
use super::kinds::{in_16_bits, in_fp8};
use super::launch::{Launch, STRIDING_THREADS};
use super::norm::{self, Measured, WHOLE_THREADS, Whole, blocks_of, lanes_of_row};
use super::packing::{CudaPacked, TOGETHER};
use super::product::Product;
use super::tiles::{Cut, Extent};
use crate::exec::ExecError;
use crate::exec::planner::{About, After, Fused, Item, Kind, Places, Schedule, View, extent, fuse, join};
use crate::graph::{Activation, Graph, Mask, NodeId, Op, Stage, WeightId};

/// Channels whose gates lie beside them in a tile.
const GATE: usize = 8;

/// Something done to each element of a result: a post-op.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Post {
    /// A function of it.
    Activate(Activation),
    /// Times `scale` plus `shift`.
    Affine { scale: f32, shift: f32 },
    /// Plus another value, repeated to the result's extent.
    Add(Placed),
    /// Times another value.
    Mul(Placed),
}

/// Everything a program does, and the memory it does it in.
pub struct Plan {
    /// By stage, in order.
    pub launches: [Vec<Launch>; 4],
    /// By launch of the frame stage: what it is. The second of two has nothing to say.
    pub about: Vec<About>,
    /// Where inputs go.
    pub inputs: Vec<(NodeId, Placed)>,
    /// Where results are.
    pub results: Vec<Placed>,
    /// Inputs that name rows of a table, and how many rows it has.
    pub ids: Vec<(NodeId, usize)>,
    /// Bytes of memory that the schedule stage hands on.
    pub schedule: Range<usize>,
    /// What is kept between runs.
    pub memory: CudaSlice<u8>,
    /// What is not; other programs use the same.
    pub _common: Arc<CudaSlice<u8>>,
    /// What norms measured, sums of split products, and joined biases; the launches hold their addresses.
    pub _scratch: [CudaSlice<f32>; 3],
}

impl Plan {
    /// Plans `graph`.
    ///
    /// # Errors
    /// A weight that is missing or has another shape than the graph says; no room on the GPU.
    pub fn new(graph: &Graph, packed: &CudaPacked, results: &[NodeId], device: &Device) -> Result<Self, ExecError> {
        let steps = join(graph, results, fuse(graph, results, GATE), |weights| packed.row(weights));
        let mut places = Places::new(graph, &steps, false);
        for (piece, half) in in_16_bits(graph, &steps, &places).into_iter().enumerate() {
            places.pieces[piece].kind = if half { Kind::Half } else { Kind::F32 };
        }
        let fp8 = in_fp8(graph, &steps, &places, results, |weight| packed.may_be_fp8(weight));
        // As products see them: half as many pairs.
        let pairs = places.pieces.iter_mut().zip(&fp8).filter(|(_, fp8)| **fp8);
        pairs.for_each(|(piece, _)| piece.extent[3] /= 2);
        let schedule = Schedule::new(graph, &steps, &places, results, &[]);
        let cell = size_of::<f32>();
        let memory: CudaSlice<u8> = device.zeros(schedule.shared * cell, "what a network keeps")?;
        let common = device.common((schedule.len - schedule.shared) * cell, "the values of a network")?;
        let mut maker = Maker {
            graph,
            packed,
            steps: &steps,
            places: &places,
            fp8,
            schedule: &schedule,
            device,
            biases: Biases::new(graph, &steps, packed, device)?,
            memory: memory.device_ptr(device.stream()).0,
            common: common.device_ptr(device.stream()).0.wrapping_sub((schedule.shared * cell) as u64),
            measured: Vec::new(),
            products: Vec::new(),
            workspace: 0,
        };
        let moments = maker.measure()?;
        let workspace = maker.cut(&[&memory, &common])?;
        let mut launches: [Vec<Launch>; 4] = Default::default();
        let mut about = Vec::new();
        for (stage, items) in &schedule.rounds {
            for item in items {
                let made = maker.item(*item)?;
                if *stage == Stage::Frame && !made.is_empty() {
                    about.push(maker.about(*item));
                    about.resize(launches[*stage as usize].len() + made.len(), About::nothing("sums of splits"));
                }
                launches[*stage as usize].extend(made);
            }
        }
        let ids = steps.iter().filter_map(|step| match graph.node(step.main).op {
            Op::Embedding { weight } => Some((step.source, graph.weight(weight).shape[0])),
            _ => None,
        });
        Ok(Self {
            launches,
            about,
            inputs: graph.inputs().map(|(_, id)| (id, maker.placed(id))).collect(),
            results: results.iter().map(|id| maker.placed(*id)).collect(),
            ids: ids.collect(),
            schedule: schedule.schedule.start * cell..schedule.schedule.end * cell,
            memory,
            _common: common,
            _scratch: [moments, workspace, maker.biases.memory],
        })
    }
}

struct Maker<'a> {
    graph: &'a Graph,
    packed: &'a CudaPacked,
    steps: &'a [Fused],
    places: &'a Places,
    /// By piece: whether its numbers are fp8.
    fp8: Vec<bool>,
    schedule: &'a Schedule,
    device: &'a Device,
    biases: Biases,
    /// Address of the values that are kept.
    memory: u64,
    /// Address of all others, as if it began where those do.
    common: u64,
    /// By step: what a group norm measures.
    measured: Vec<Option<Measured>>,
    /// By step: the product that it is, and how it is cut.
    products: Vec<Option<(Product, Cut)>>,
    /// Address of the sums of split products.
    workspace: u64,
}

impl Maker<'_> {
    fn placed(&self, id: NodeId) -> Placed {
        let piece = self.places.piece(id);
        let (kept, fp8) = (self.schedule.kept[piece], self.fp8[piece]);
        let mut view = self.places.view(self.graph, id, &self.schedule.offsets);
        if fp8 {
            view.c /= 2;
        }
        Placed { memory: if kept { self.memory } else { self.common }, view, fp8 }
    }

    /// Makes room for what group norms measure. Each has its own, since several may be measured before the first is used.
    fn measure(&mut self) -> Result<CudaSlice<f32>, ExecError> {
        let mut end = 0;
        for step in self.steps {
            let norm = match self.graph.node(step.main).op {
                Op::GroupNorm { groups, .. } if self.whole(step, groups).is_none() => {
                    let view = self.placed(step.source).view;
                    Some(Measured::new(&view, groups, self.device.processors(), end))
                }
                _ => None,
            };
            end = norm.map_or(end, |norm| norm.end());
            self.measured.push(norm);
        }
        // Zero, as the counts of blocks that are done must be.
        let slice = self.device.zeros(end as usize / size_of::<f32>(), "the norms of a network")?;
        let base = slice.device_ptr(self.device.stream()).0;
        self.measured.iter_mut().flatten().for_each(|norm| norm.partial += base);
        Ok(slice)
    }

    /// Chooses how each product is cut, and makes room for the sums of the largest that is split. What is in `blocks`, the
    /// program's memory, may be lost.
    fn cut(&mut self, blocks: &[&CudaSlice<u8>]) -> Result<CudaSlice<f32>, ExecError> {
        let products: Vec<Option<Product>> =
            self.steps.iter().map(|step| self.product(step)).collect::<Result<_, _>>()?;
        let rounds = self.schedule.rounds.iter().filter(|(stage, _)| *stage == Stage::Frame);
        let often = rounds.flat_map(|(_, items)| items).filter_map(|item| match item {
            Item::Fused(index) => products[*index].as_ref(),
            _ => None,
        });
        let cuts = self.device.tuner().learn(self.device, self.graph.name(), often.collect(), blocks)?;
        let chosen = |product: Product| {
            let cut = cuts.of(&product, &self.device.chip());
            (product, cut)
        };
        self.products = products.into_iter().map(|product| product.map(chosen)).collect();
        let slice = self.room_for_sums()?;
        self.workspace = slice.device_ptr(self.device.stream()).0;
        Ok(slice)
    }

    /// Room for the sums of the largest product that is split. Where there is none, those that need most are not split, then the
    /// next ones: such a product takes longer, but a network that does not run at all takes for ever.
    fn room_for_sums(&mut self) -> Result<CudaSlice<f32>, ExecError> {
        let (device, chip) = (self.device, self.device.chip());
        loop {
            let split = self.products.iter().flatten();
            let most = split.map(|(product, cut)| cut.sums(&product.extent)).max().unwrap_or_default();
            let full = match device.zeros(most, "the sums of a network") {
                Err(error @ ExecError::Device { full: true, .. }) if most > 0 => error,
                made => return made,
            };
            log::info!("{full}: products of `{}` are not split", self.graph.name());
            for (product, cut) in self.products.iter_mut().flatten() {
                if cut.sums(&product.extent) == most {
                    let Some(whole) = product.without_sums(&chip) else { return Err(full) };
                    *cut = whole;
                }
            }
        }
    }

    /// The product that a step is, if it is one.
    fn product(&self, step: &Fused) -> Result<Option<Product>, ExecError> {
        let (weight, bias, geometry) = match self.graph.node(step.main).op {
            Op::Conv2d { weight, bias, stride, padding } => {
                (weight, bias, [self.graph.weight(weight).shape[2], stride, padding.top, padding.left])
            }
            Op::Linear { weight, bias } => (weight, bias, [1, 1, 0, 0]),
            _ => return Ok(None),
        };
        let (mut input, mut output) = (self.placed(step.source), self.placed(step.result));
        // A product reads pairs.
        let fp8 = std::mem::take(&mut input.fp8);
        let (address, scale) = if fp8 {
            self.packed.fp8(self.graph.weight(weight))?
        } else {
            (self.packed.matrix(self.graph.weight(weight))?.0, 0)
        };
        output.view.c = step.channels(self.graph) / if output.fp8 { 2 } else { 1 };
        let bias = match self.biases.of(step.main) {
            Some(joined) => joined,
            None => bias.map_or(Ok(0), |bias| self.flat(bias))?,
        };
        let weights = step.mains().filter_map(|id| self.graph.node(id).op.weights().next());
        let rows = weights.map(|id| self.graph.weight(id).shape[0]).sum();
        let View { n, h, w, .. } = output.view;
        let [kernel, stride, ..] = geometry;
        Ok(Some(Product {
            extent: Extent {
                map: [n, h, w],
                rows,
                inputs: input.view.c,
                taps: kernel.pow(2),
                stride,
                doubled: step.doubled,
                gated: step.gated,
                line: input.view.is_line(),
                fp8,
            },
            input,
            output,
            weight: [address, bias, scale],
            geometry,
            posts: step.posts.iter().map(|post| self.post(*post, step.result)).collect(),
        }))
    }

    fn about(&self, item: Item) -> About {
        let product = match item {
            Item::Fused(index) => self.products[index].as_ref(),
            _ => None,
        };
        About::new(self.graph, self.steps, item, |step| {
            let name = |(product, cut): &(Product, Cut)| match product.extent.fp8 {
                true => format!("{cut}, fp8"),
                false => cut.to_string(),
            };
            product.map(|product| (name(product).into(), step.flops(self.graph)))
        })
    }

    fn function(&self, name: &str) -> Result<CudaFunction, ExecError> {
        self.device.function(name, false)
    }

    /// A launch of a kernel that strides over the elements of `output`.
    fn striding(&self, name: &str, output: &View, args: Args) -> Result<Launch, ExecError> {
        let elements = output.n * output.positions() * output.c;
        Ok(Launch::striding(self.function(name)?, elements, self.device.processors(), args))
    }

    fn item(&self, item: Item) -> Result<Vec<Launch>, ExecError> {
        match item {
            Item::Fused(index) => self.fused(index),
            Item::Measure(index) => self.moments(index),
            Item::Copy { from, to, first } => {
                let input = self.placed(from);
                let mut output = self.placed(to);
                output.view = output.view.channels(first, input.view.c);
                Ok(vec![self.copy(&input, &output, false)?])
            }
            // Neither is planned: zeros around maps and what is packed are a CPU's.
            Item::Border(_) | Item::Pack(_) => Ok(Vec::new()),
        }
    }

    fn copy(&self, input: &Placed, output: &Placed, reshape: bool) -> Result<Launch, ExecError> {
        let args = Args::default().view(input).view(output).int(usize::from(reshape)).int(0);
        self.striding("copy", &output.view, args)
    }

    /// How what a group norm reads is measured and scaled by the same kernel, if there is one for it.
    fn whole(&self, step: &Fused, groups: usize) -> Option<Whole> {
        if !matches!(step.posts[..], [] | [After::Activate(Activation::Silu)]) {
            return None;
        }
        let [input, output] = [step.source, step.result].map(|id| self.placed(id).view);
        norm::whole(&input, &output, groups, self.device.chip().cluster)
    }

    fn moments(&self, index: usize) -> Result<Vec<Launch>, ExecError> {
        let step = &self.steps[index];
        let Op::GroupNorm { groups, eps, .. } = &self.graph.node(step.main).op else {
            return Err(super::failed("something is measured that is not normalised"));
        };
        // What is not measured here measures itself.
        let Some(norm) = self.measured[index] else { return Ok(Vec::new()) };
        let input = self.placed(step.source);
        let args = Args::default().view(&input).pointer(norm.partial).pointer(norm.scales()).pointer(norm.done());
        let args = args.int(*groups).int(norm.chunks).float(*eps).int(0);
        let grid = [norm.chunks, input.view.n, 1];
        let function = self.function("moments")?;
        Ok(vec![Launch { function, grid, threads: STRIDING_THREADS, shared: 0, cluster: ALONE, args: args.finish() }])
    }

    fn fused(&self, index: usize) -> Result<Vec<Launch>, ExecError> {
        if let Some((product, cut)) = &self.products[index] {
            return product.launches(*cut, self.workspace, self.device);
        }
        let step = &self.steps[index];
        let node = self.graph.node(step.main);
        let output = self.placed(step.result);
        let input = if node.inputs.is_empty() { output } else { self.placed(step.source) };
        let posts: Vec<Post> = step.posts.iter().map(|post| self.post(*post, step.result)).collect();
        let launch = match node.op {
            Op::GroupNorm { weight, bias, groups, eps } => {
                let args = Args::default().view(&input).view(&output);
                let (weight, bias) = (self.flat(weight)?, self.flat(bias)?);
                if let Some(Whole { kernel, blocks }) = self.whole(step, groups) {
                    let args = args.pointer(weight).pointer(bias).int(groups).float(eps).int(posts.len()).int(0);
                    let (function, grid) = (self.device.function(kernel, output.fp8)?, [groups, input.view.n, blocks]);
                    Launch {
                        function,
                        grid,
                        threads: WHOLE_THREADS,
                        shared: 0,
                        cluster: [1, 1, blocks],
                        args: args.finish(),
                    }
                } else {
                    let scales = self.measured[index].map_or(0, |norm| norm.scales());
                    let args = args.pointer(scales).pointer(weight).pointer(bias).int(groups).int(0).posts(&posts);
                    let grid = [blocks_of(&input.view, self.device.processors()), input.view.n, 1];
                    let function = self.device.function("group_norm", output.fp8)?;
                    Launch { function, grid, threads: STRIDING_THREADS, shared: 0, cluster: ALONE, args: args.finish() }
                }
            }
            Op::LayerNorm { weight, bias, eps } => {
                let args = Args::default().view(&input).view(&output);
                let lanes = lanes_of_row(input.view.c);
                let args = args.pointer(self.flat(weight)?).pointer(self.flat(bias)?).float(eps).int(lanes);
                let positions = input.view.n * input.view.positions();
                let grid = [(positions * lanes).div_ceil(STRIDING_THREADS as usize), 1, 1];
                let function = self.device.function("layer_norm", output.fp8)?;
                Launch { function, grid, threads: STRIDING_THREADS, shared: 0, cluster: ALONE, args: args.finish() }
            }
            Op::Attention { heads, mask } => self.attention(&node.inputs, &output, heads, mask)?,
            Op::Geglu => self.striding("geglu", &output.view, Args::default().view(&input).view(&output))?,
            Op::Activate(_) | Op::Affine { .. } | Op::Add | Op::Mul => {
                self.striding("map", &output.view, Args::default().view(&input).view(&output).posts(&posts))?
            }
            Op::FromPixels => self.striding("from_pixels", &output.view, Args::default().view(&input).view(&output))?,
            Op::ToPixels => self.striding("to_pixels", &output.view, Args::default().view(&input).view(&output))?,
            Op::Upsample => self.copy(&input, &output, false)?,
            Op::Reshape => self.copy(&input, &output, true)?,
            Op::Embedding { weight } => {
                if !matches!(self.graph.node(step.source).op, Op::Input { .. }) {
                    return Err(super::failed(format!("`{}` looks up ids that are no input", node.path)));
                }
                self.lookup(weight, Some(&input), &output)?
            }
            Op::Table { weight } => self.lookup(weight, None, &output)?,
            Op::Conv2d { .. } | Op::Linear { .. } | Op::Input { .. } | Op::Concat => {
                return Err(super::failed(format!("`{}` is no work", node.path)));
            }
        };
        Ok(vec![launch])
    }

    fn attention(&self, inputs: &[NodeId], output: &Placed, heads: usize, mask: Mask) -> Result<Launch, ExecError> {
        let width = output.view.c / heads;
        let read = [0, 1, 2].map(|input| self.placed(inputs[input]));
        let [queries, keys, values] = &read;
        let shape = Heads {
            heads,
            width,
            samples: queries.view.n,
            queries: queries.view.positions(),
            keys: keys.view.positions(),
            in_eights: read.iter().all(Placed::in_eights) && width.is_multiple_of(TOGETHER),
        };
        let Some(config) = shape.config(&self.device.chip()) else {
            let text = format!("attention with heads of {width} channels; at most {} are possible", WIDE_HEAD.0);
            return Err(super::failed(text));
        };
        let scale = 1.0 / (width as f32).sqrt();
        let args = Args::default().view(queries).view(keys).view(values).view(output);
        let args = args.int(heads).int(width).int(usize::from(mask == Mask::Causal)).float(scale);
        let (function, grid) = (self.function(config.kernel)?, shape.grid(&config));
        Ok(Launch {
            function,
            grid,
            threads: config.threads,
            shared: config.shared,
            cluster: ALONE,
            args: args.finish(),
        })
    }

    fn lookup(&self, table: WeightId, ids: Option<&Placed>, output: &Placed) -> Result<Launch, ExecError> {
        let (address, rows) = self.packed.matrix(self.graph.weight(table))?;
        let args = Args::default().pointer(address);
        let args = match ids {
            // Ids are the channels of a row.
            Some(ids) => args.view(&Placed { view: View { w: ids.view.c, c: 1, pixel: 1, ..ids.view }, ..*ids }),
            None => args.no_view(),
        };
        self.striding("lookup", &output.view, args.view(output).int(rows).int(0))
    }

    fn post(&self, after: After, result: NodeId) -> Post {
        let other = |id: NodeId| {
            let placed = self.placed(id);
            Placed { view: placed.view.repeated(extent(&self.graph.node(result).shape)), ..placed }
        };
        match after {
            After::Activate(activation) => Post::Activate(activation),
            After::Affine { scale, shift } => Post::Affine { scale, shift },
            After::Add(id) => Post::Add(other(id)),
            After::Mul(id) => Post::Mul(other(id)),
        }
    }

    fn flat(&self, id: WeightId) -> Result<u64, ExecError> {
        self.packed.flat(self.graph.weight(id))
    }
}
