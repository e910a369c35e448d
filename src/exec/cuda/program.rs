//! A compiled graph: runs what changed, keeps what did not.

use std::collections::HashMap;
use std::sync::Arc;

use cudarc::driver::sys::{CUevent_flags, CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{CudaGraph, CudaSlice};

use super::args::bytes_of;
use super::device::{Device, trouble};
use super::kernels::Half;
use super::packing::CudaPacked;
use super::plan::Plan;
use super::staging::{Direction, Staging};
use crate::exec::inputs::{self, Inputs};
use crate::exec::planner::{About, Kind, View};
use crate::exec::{ExecError, Packed, Profile, Program, StepTime, Tensor, Value};
use crate::graph::{Graph, Stage};

/// A graph with its plan and its memory on the GPU.
pub struct CudaProgram {
    graph: Arc<Graph>,
    plan: Plan,
    device: Arc<Device>,
    half: Half,
    /// The weights the launches read.
    _packed: Arc<dyn Packed>,
    /// All launches of the frame stage as one.
    frame: Option<Captured>,
    /// By result: its shape.
    shapes: Vec<Vec<usize>>,
    /// Revisions of what the prompt stage was made from.
    prompt: Option<Vec<u64>>,
    /// By slot: revisions, and what the schedule stage made of them.
    schedule: HashMap<usize, (Vec<u64>, CudaSlice<u8>)>,
    /// The slot whose results are in memory.
    slot: Option<usize>,
    /// Inputs on their way, in the order of the plan.
    up: Staging,
    /// Results on theirs.
    down: Staging,
}

/// A CUDA graph that may move between threads with its program.
struct Captured(CudaGraph);

// SAFETY: a graph must not be used by two threads at a time; its program owns it, and runs only when borrowed exclusively.
#[expect(unsafe_code, reason = "the driver allows any thread, one at a time")]
unsafe impl Send for Captured {}

impl CudaProgram {
    /// Plans everything and makes what depends on weights alone.
    ///
    /// # Errors
    /// Those of [`Plan::new`]; the driver's.
    pub fn compile(
        graph: Arc<Graph>,
        (weights, packed): (&CudaPacked, &Arc<dyn Packed>),
        taps: &[&str],
        device: &Arc<Device>,
        half: Half,
    ) -> Result<Self, ExecError> {
        let results = inputs::results(&graph, taps)?;
        let plan = Plan::new(&graph, weights, &results, device)?;
        let shapes = results.iter().map(|id| graph.node(*id).shape.dims().to_vec()).collect();
        let up = Staging::new(device, plan.inputs.iter().map(|(_, place)| place), Direction::ToGpu);
        let down = Staging::new(device, plan.results.iter(), Direction::FromGpu);
        let mut program = Self {
            graph,
            plan,
            device: device.clone(),
            half,
            _packed: packed.clone(),
            frame: None,
            shapes,
            prompt: None,
            schedule: HashMap::new(),
            slot: None,
            up,
            down,
        };
        program.start(Stage::Constant)?;
        program.device.wait()?;
        program.frame = program.capture()?;
        Ok(program)
    }

    /// The frame stage as one CUDA graph, if there is anything in it.
    fn capture(&self) -> Result<Option<Captured>, ExecError> {
        if self.plan.launches[Stage::Frame as usize].is_empty() {
            return Ok(None);
        }
        let stream = self.device.stream();
        let doing = |error| trouble("recording a CUDA graph", error);
        stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).map_err(doing)?;
        let started = self.start(Stage::Frame);
        // Whatever happened, the stream must not stay in this state.
        let graph = stream.end_capture(CUgraphInstantiate_flags(0)).map_err(doing);
        started?;
        let graph = graph?;
        if let Some(graph) = &graph {
            graph.upload().map_err(doing)?;
        }
        Ok(graph.map(Captured))
    }

    /// Puts all launches of a stage on the stream.
    fn start(&self, stage: Stage) -> Result<(), ExecError> {
        self.device.enter()?;
        let overlaps = self.device.overlaps();
        // The first one follows copies, and whatever wrote the weights.
        let mut launches = self.plan.launches[stage as usize].iter().enumerate();
        launches.try_for_each(|(i, launch)| launch.start(self.device.stream(), overlaps && i > 0))
    }

    /// Sets the inputs of one stage and runs it.
    fn run_stage(&mut self, stage: Stage, inputs: &Inputs<'_>) -> Result<(), ExecError> {
        for (id, value) in inputs.of(stage) {
            for (_, rows) in self.plan.ids.iter().filter(|(input, _)| *input == id) {
                inputs::check_ids(&value.tensor.data, *rows).map_err(super::failed)?;
            }
            if let Some(index) = self.plan.inputs.iter().position(|(input, _)| *input == id) {
                self.upload(index, &value.tensor.data)?;
            }
        }
        match &self.frame {
            Some(Captured(graph)) if stage == Stage::Frame => {
                graph.launch().map_err(|error| trouble("starting a CUDA graph", error))
            }
            _ => self.start(stage),
        }
    }

    /// Sends an input to its place, which has no gaps.
    fn upload(&mut self, index: usize, values: &[f32]) -> Result<(), ExecError> {
        let (_, place) = self.plan.inputs[index];
        let bytes = self.up.value(index)?;
        match place.view.kind {
            Kind::F32 => bytes.copy_from_slice(bytemuck::cast_slice(values)),
            Kind::Half => {
                let (to, _) = bytes.as_chunks_mut();
                to.iter_mut().zip(values).for_each(|(to, value)| *to = self.half.bits(*value).to_ne_bytes());
            }
        }
        self.device.write(place.address(), bytes)
    }

    /// Fetches all results, and waits for them and everything before them.
    fn results(&mut self) -> Result<Vec<Tensor>, ExecError> {
        for (index, place) in self.plan.results.iter().enumerate() {
            self.device.read(place.address(), self.down.value(index)?)?;
        }
        self.device.wait()?;
        let mut tensors = Vec::new();
        for (index, (place, shape)) in self.plan.results.iter().zip(&self.shapes).enumerate() {
            let data = gathered(&place.view, self.down.value(index)?, self.half);
            tensors.push(Tensor::new(shape.clone(), data));
        }
        Ok(tensors)
    }

    /// Makes the results of the schedule stage those of `slot`: again where they are out of date, else from where they are kept.
    fn schedule(&mut self, inputs: &Inputs<'_>, slot: usize) -> Result<(), ExecError> {
        let revisions = inputs.revisions(Stage::Schedule);
        let range = self.plan.schedule.clone();
        let stream = self.device.stream().clone();
        let doing = |error| trouble("keeping what a step needs", error);
        if self.schedule.get(&slot).is_some_and(|(held, _)| *held == revisions) {
            if let Some((_, kept)) = self.schedule.get(&slot).filter(|_| self.slot != Some(slot) && !range.is_empty()) {
                stream.memcpy_dtod(kept, &mut self.plan.memory.slice_mut(range)).map_err(doing)?;
            }
        } else {
            self.slot = None;
            self.run_stage(Stage::Schedule, inputs)?;
            let mut kept = match self.schedule.remove(&slot) {
                Some((_, kept)) => kept,
                None => self.device.zeros(range.len(), "what a step needs")?,
            };
            if !range.is_empty() {
                stream.memcpy_dtod(&self.plan.memory.slice(range), &mut kept).map_err(doing)?;
            }
            self.schedule.insert(slot, (revisions, kept));
        }
        self.slot = Some(slot);
        Ok(())
    }

    /// All stages that are out of date, and what comes out.
    fn attempt(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        let graph = self.graph.clone();
        let inputs = Inputs::new(&graph, inputs)?;
        let revisions = inputs.revisions(Stage::Prompt);
        if self.prompt.as_ref() != Some(&revisions) {
            self.prompt = None;
            self.run_stage(Stage::Prompt, &inputs)?;
            self.prompt = Some(revisions);
        }
        self.schedule(&inputs, slot)?;
        self.run_stage(Stage::Frame, &inputs)?;
        self.results()
    }
}

impl CudaProgram {
    /// Milliseconds of each launch of the frame stage, from one event to the next.
    fn frame_times(&self) -> Result<Vec<f64>, ExecError> {
        let doing = |error| trouble("timing a kernel", error);
        let stream = self.device.stream();
        let event = || stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map_err(doing);
        let launches = &self.plan.launches[Stage::Frame as usize];
        let mut events = vec![event()?];
        for launch in launches {
            launch.start(stream, false)?;
            events.push(event()?);
        }
        self.device.wait()?;
        let pairs = events.iter().zip(&events[1..]);
        pairs.map(|(begin, end)| Ok(f64::from(begin.elapsed_ms(end).map_err(doing)?))).collect()
    }
}

impl Program for CudaProgram {
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        let results = self.attempt(inputs, slot);
        if results.is_err() {
            // What is still on its way must arrive as it is: the next run writes to the same memory. What else is wrong it will see.
            self.device.wait().ok();
        }
        results
    }

    fn profile(&mut self, runs: usize) -> Option<Profile> {
        let times = (0..runs.max(1)).map(|_| self.frame_times()).collect::<Result<Vec<_>, _>>();
        let times = times.inspect_err(|error| log::warn!("{error}")).ok()?;
        let median = |launch: usize| {
            let mut all: Vec<f64> = times.iter().map(|run| run[launch]).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let step = |(launch, about): (usize, &About)| {
            let About { what, shape, flops, bytes } = about.clone();
            StepTime { what, shape, flops, bytes, ms: median(launch) }
        };
        let [flops_per_s, bytes_per_s] = self.device.best();
        Some(Profile { steps: self.plan.about.iter().enumerate().map(step).collect(), flops_per_s, bytes_per_s })
    }
}

/// The elements of a view in order, from the bytes that begin with its first.
fn gathered(view: &View, bytes: &[u8], half: Half) -> Vec<f32> {
    let mut data = Vec::with_capacity(view.n * view.positions() * view.c);
    let size = bytes_of(view.kind);
    view.for_runs(|place, _, count| {
        let run = &bytes[(place - view.offset) * size..][..count * size];
        match view.kind {
            Kind::F32 => data.extend(run.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes))),
            Kind::Half => {
                let bits = run.as_chunks().0.iter().map(|bytes| u16::from_ne_bytes(*bytes));
                data.extend(bits.map(|bits| half.value(bits)));
            }
        }
    });
    data
}
