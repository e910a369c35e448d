//! A compiled graph: runs what changed, keeps what did not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::kernels::Kernels;
use super::memory::Memory;
use super::panels::CpuPacked;
use super::plan::{Options, POISON, Plan};
use super::profile::{About, bytes_per_s, flops_per_s};
use super::team::Team;
use super::view::{Kind, View};
use crate::exec::given::{self, Given};
use crate::exec::{ExecError, Profile, Program, StepTime, Tensor, Value};
use crate::graph::{Graph, Stage};

/// A profile makes no more runs after this time.
const PROFILE_PATIENCE: Duration = Duration::from_secs(5);

/// A graph with its plan and its memory.
pub struct CpuProgram {
    graph: Arc<Graph>,
    plan: Plan,
    kernels: Kernels,
    team: Arc<Team>,
    /// Whether factors are rounded to bf16.
    bf16: bool,
    memory: Memory,
    /// By stage: how many tasks each step has.
    tasks: [Vec<usize>; 4],
    poison: bool,
    /// By result: its shape.
    shapes: Vec<Vec<usize>>,
    /// Revisions of what the prompt stage was made from.
    prompt: Option<Vec<u64>>,
    /// By slot: revisions, and what the schedule stage made of them.
    schedule: HashMap<usize, (Vec<u64>, Vec<f32>)>,
    /// The slot whose results are in memory.
    slot: Option<usize>,
}

impl CpuProgram {
    /// Plans everything and makes what depends on weights alone.
    pub fn compile(
        graph: Arc<Graph>,
        packed: &CpuPacked,
        taps: &[&str],
        (team, kernels, poison): (Arc<Team>, Kernels, bool),
    ) -> Result<Self, ExecError> {
        let bf16 = packed.kind() == Kind::Bf16;
        let results = given::results(&graph, taps)?;
        let options = Options { threads: team.threads(), poison };
        let plan = team.install(|| Plan::new(&graph, packed, &results, options))?;
        let tasks = Stage::ALL.map(|stage| {
            let steps = &plan.steps[plan.stages[stage as usize].clone()];
            steps.iter().map(|step| step.tasks()).collect()
        });
        let memory = Memory::new(plan.len);
        let shapes = results.iter().map(|id| graph.node(*id).shape.dims().to_vec()).collect();
        let (prompt, schedule, slot) = (None, HashMap::new(), None);
        let mut program =
            Self { graph, plan, kernels, team, bf16, memory, tasks, poison, shapes, prompt, schedule, slot };
        if poison {
            program.memory.all().fill(POISON);
        }
        program.walk(Stage::Constant);
        Ok(program)
    }

    /// Runs all steps of a stage.
    fn walk(&self, stage: Stage) {
        self.walk_watched(stage, |_| ());
    }

    fn walk_watched(&self, stage: Stage, watch: impl Fn(usize) + Sync) {
        let steps = &self.plan.steps[self.plan.stages[stage as usize].clone()];
        // SAFETY: the walk keeps steps apart, and the tasks of one step write places of their own, which no task of the
        // step reads: outputs are told apart by pixel and channel, and the plan never lets a step write a piece it reads.
        #[expect(unsafe_code, reason = "threads write disjoint, interleaved parts of one block")]
        let desk = unsafe { self.memory.desk() };
        let run = |step: usize, task: usize| steps[step].run(task, desk, &self.kernels);
        self.team.walk(&self.tasks[stage as usize], run, watch);
    }

    /// Milliseconds of each step of the frame stage.
    fn frame_times(&self) -> Vec<f64> {
        let ends: Vec<AtomicU64> = self.tasks[Stage::Frame as usize].iter().map(|_| AtomicU64::new(0)).collect();
        let begun = Instant::now();
        self.walk_watched(Stage::Frame, |step| ends[step].store(begun.elapsed().as_nanos() as u64, Ordering::Relaxed));
        let ends: Vec<f64> = ends.into_iter().map(|end| end.into_inner() as f64 / 1e6).collect();
        let begins = std::iter::once(0.0).chain(ends.iter().copied());
        ends.iter().zip(begins).map(|(end, begin)| end - begin).collect()
    }

    /// Sets the inputs of one stage and runs it.
    fn run_stage(&mut self, stage: Stage, given: &Given<'_>) -> Result<(), ExecError> {
        for (id, value) in given.of(stage) {
            for (_, rows) in self.plan.ids.iter().filter(|(input, _)| *input == id) {
                let bad = |id: &&f32| !(**id >= 0.0 && id.fract() == 0.0 && (**id as usize) < *rows);
                if let Some(id) = value.tensor.data.iter().find(bad) {
                    return Err(super::failed(format!("{id} is not a row of a table of {rows}")));
                }
            }
            let view = self.plan.inputs.iter().find(|(input, _)| *input == id).map(|(_, view)| *view);
            if let Some(view) = view {
                let memory = self.memory.all();
                for_runs(&view, |at, from, count| {
                    memory[at..at + count].copy_from_slice(&value.tensor.data[from..from + count]);
                });
            }
        }
        self.walk(stage);
        Ok(())
    }

    fn results(&mut self) -> Vec<Tensor> {
        let memory = self.memory.all();
        let taken = |view: &View| {
            let mut data = vec![0.0; view.n * view.positions() * view.c];
            for_runs(view, |at, to, count| data[to..to + count].copy_from_slice(&memory[at..at + count]));
            data
        };
        let data: Vec<Vec<f32>> = self.plan.results.iter().map(taken).collect();
        data.into_iter().zip(&self.shapes).map(|(data, shape)| Tensor::new(shape.clone(), data)).collect()
    }
}

impl Program for CpuProgram {
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        let graph = self.graph.clone();
        let given = Given::new(&graph, inputs)?;
        if self.poison {
            let shared = self.plan.shared;
            self.memory.all()[shared..].fill(POISON);
        }
        let revisions = given.revisions(Stage::Prompt);
        if self.prompt.as_ref() != Some(&revisions) {
            self.prompt = None;
            self.run_stage(Stage::Prompt, &given)?;
            self.prompt = Some(revisions);
        }
        let revisions = given.revisions(Stage::Schedule);
        let range = self.plan.schedule.clone();
        match self.schedule.get(&slot) {
            Some((held, values)) if *held == revisions => {
                if self.slot != Some(slot) {
                    self.memory.all()[range].copy_from_slice(values);
                }
            }
            _ => {
                self.slot = None;
                self.run_stage(Stage::Schedule, &given)?;
                self.schedule.insert(slot, (revisions, self.memory.all()[range].to_vec()));
            }
        }
        self.slot = Some(slot);
        self.run_stage(Stage::Frame, &given)?;
        Ok(self.results())
    }

    fn profile(&mut self, runs: usize) -> Option<Profile> {
        let range = self.plan.stages[Stage::Frame as usize].clone();
        let mut times: Vec<Vec<f64>> = range.clone().map(|_| Vec::new()).collect();
        let begun = Instant::now();
        for run in 0..runs.max(1) {
            if run > 0 && begun.elapsed() > PROFILE_PATIENCE {
                break;
            }
            for (times, ms) in times.iter_mut().zip(self.frame_times()) {
                times.push(ms);
            }
        }
        let steps = self.plan.about[range].iter().zip(&mut times).map(|(about, times)| {
            times.sort_by(f64::total_cmp);
            let About { what, shape, flops, bytes } = about.clone();
            StepTime { what, shape, flops, bytes, ms: times[times.len() / 2] }
        });
        let flops_per_s = flops_per_s(&self.team, &self.kernels, self.bf16);
        Some(Profile { steps: steps.collect(), flops_per_s, bytes_per_s: bytes_per_s(&self.team) })
    }
}

/// Calls `run(place, index, count)` for each run of elements of a view without gaps: where it lies, and which elements it is.
fn for_runs(view: &View, mut run: impl FnMut(usize, usize, usize)) {
    let (steps, count) = if view.pixels_touch() { (1, view.w * view.c) } else { (view.w, view.c) };
    let mut index = 0;
    for n in 0..view.n {
        for y in 0..view.h {
            for x in 0..steps {
                run(view.at(n, y, x), index, count);
                index += count;
            }
        }
    }
}
