//! A compiled graph: runs what changed, keeps what did not.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::changes::both;
use super::kernels::Kernels;
use super::memory::Memory;
use super::packing::CpuPacked;
use super::panels::Factor;
use super::plan::{Options, POISON, Plan};
use super::profile::{bytes_per_s, flops_per_s};
use super::team::Team;
use crate::exec::inputs::{self, Inputs};
use crate::exec::planner::{About, View};
use crate::exec::{ExecError, Profile, Program, StepTime, Tensor, Value, room};
use crate::flow::Patience;
use crate::graph::{Graph, Stage};

/// A profile makes no more runs after this time.
const PROFILE_PATIENCE: Duration = Duration::from_secs(5);

/// A graph with its plan and its memory.
pub struct CpuProgram {
    graph: Arc<Graph>,
    work: Arc<Work>,
    team: Arc<Team>,
    /// As what factors are multiplied where that is possible.
    factor: Factor,
    poison: bool,
    /// By result: its shape.
    shapes: Vec<Vec<usize>>,
    /// Revisions of what the prompt stage was made from.
    prompt: Option<Vec<u64>>,
    /// By slot: revisions, and what the schedule stage made of them.
    schedule: HashMap<usize, (Vec<u64>, Arc<[f32]>)>,
    /// The slot whose results are in memory.
    slot: Option<usize>,
    /// Whether memory holds what is kept of the last run's frame stage.
    whole: bool,
}

/// What all threads need.
struct Work {
    plan: Plan,
    kernels: Kernels,
    memory: Memory,
    /// By step: how many tasks it has.
    tasks: Vec<usize>,
}

impl Work {
    /// Does a task of a step, in a dispatch.
    fn run(&self, step: usize, task: usize) {
        // SAFETY: the dispatch keeps rounds apart, the schedule puts no step into a round with one that writes what it reads
        // or writes, and the tasks of one step write places of their own, which no task of the step reads: outputs are
        // told apart by pixel and channel, and the plan never lets a step write a piece it reads. Nobody else uses the
        // memory meanwhile, since a dispatch borrows its program exclusively.
        #[expect(unsafe_code, reason = "threads write disjoint, interleaved parts of one block")]
        let memory = unsafe { self.memory.shared() };
        self.plan.steps[step].run(task, memory, &self.kernels);
    }
}

impl CpuProgram {
    /// Plans everything and makes what depends on weights alone.
    pub fn compile(
        graph: Arc<Graph>,
        packed: &CpuPacked,
        taps: &[&str],
        (team, kernels, keep, poison): (Arc<Team>, Kernels, usize, bool),
    ) -> Result<Self, ExecError> {
        let factor = packed.factor();
        let results = inputs::results(&graph, taps)?;
        packed.check(&graph, &results)?;
        let Kernels { rows, strips, pairs, .. } = kernels;
        let options = Options { threads: team.threads(), rows, strips, pairs, keep, poison };
        let plan = team.install(|| Plan::new(&graph, packed, &results, options))?;
        let tasks = plan.steps.iter().map(|step| step.tasks()).collect();
        room::ask_for_values((plan.len * size_of::<f32>()) as u64)?;
        let memory = Memory::new(plan.len);
        let shapes = results.iter().map(|id| graph.node(*id).shape.dims().to_vec()).collect();
        let (prompt, schedule, slot, whole) = (None, HashMap::new(), None, false);
        let work = Arc::new(Work { plan, kernels, memory, tasks });
        let mut program = Self { graph, work, team, factor, poison, shapes, prompt, schedule, slot, whole };
        if poison {
            program.memory().fill(POISON);
        }
        program.dispatch(Stage::Constant, &Patience::default())?;
        Ok(program)
    }

    /// All memory.
    fn memory(&mut self) -> &mut [f32] {
        // SAFETY: only this program runs its plan, it is borrowed exclusively, and no task is under way after a dispatch.
        #[expect(unsafe_code, reason = "between dispatches there is only one thread")]
        let memory = unsafe { self.work.memory.shared() };
        memory.write(0, self.work.plan.len)
    }

    /// Runs all rounds of a stage.
    fn dispatch(&mut self, stage: Stage, patience: &Patience) -> Result<(), ExecError> {
        self.dispatch_watched(self.work.plan.rounds[stage as usize].clone(), |_| go_on(patience))
    }

    fn dispatch_watched(
        &mut self,
        rounds: Arc<[Range<usize>]>,
        watch: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<(), ExecError> {
        let work = self.work.clone();
        let tasks: Vec<usize> = rounds.iter().map(|steps| work.tasks[steps.clone()].iter().sum()).collect();
        let run = move |round: usize, mut task: usize| {
            for step in rounds[round].clone() {
                if task < work.tasks[step] {
                    return work.run(step, task);
                }
                task -= work.tasks[step];
            }
        };
        done(self.team.dispatch(&tasks, Arc::new(run), watch))
    }

    /// Of the frame stage, does these tasks of each step.
    fn dispatch_again(&mut self, again: &[Vec<usize>], patience: &Patience) -> Result<(), ExecError> {
        let work = &self.work;
        let some = |step: usize| again[step].iter().map(move |task| (step, *task));
        let rounds = work.plan.rounds[Stage::Frame as usize].iter();
        let rounds: Vec<Vec<(usize, usize)>> = rounds.map(|steps| steps.clone().flat_map(some).collect()).collect();
        let tasks: Vec<usize> = rounds.iter().map(Vec::len).collect();
        let work = work.clone();
        let run = move |round: usize, task: usize| {
            let (step, task) = rounds[round][task];
            work.run(step, task);
        };
        done(self.team.dispatch(&tasks, Arc::new(run), |_| go_on(patience)))
    }

    /// The steps of the frame stage, and the milliseconds each takes alone.
    fn frame_times(&mut self) -> Vec<(usize, f64)> {
        let steps: Vec<usize> = self.work.plan.rounds[Stage::Frame as usize].iter().flat_map(Clone::clone).collect();
        let alone = steps.iter().map(|step| *step..step + 1).collect();
        let mut ends: Vec<f64> = Vec::new();
        let begun = Instant::now();
        let watch = |_| {
            ends.push(begun.elapsed().as_secs_f64() * 1e3);
            ControlFlow::Continue(())
        };
        // Nothing breaks it off.
        self.dispatch_watched(alone, watch).ok();
        let begins = std::iter::once(0.0).chain(ends.iter().copied());
        steps.into_iter().zip(ends.iter().zip(begins).map(|(end, begin)| end - begin)).collect()
    }

    /// Sets the inputs of one stage and runs it.
    fn run_stage(&mut self, stage: Stage, inputs: &Inputs<'_>, patience: &Patience) -> Result<(), ExecError> {
        self.set_inputs(stage, inputs)?;
        self.dispatch(stage, patience)
    }

    /// Sets the inputs of the frame stage and runs it, or what must be done again of it.
    fn run_frame(&mut self, inputs: &Inputs<'_>, patience: &Patience) -> Result<(), ExecError> {
        // What a run leaves that fails or is given up is nothing to go on from.
        let whole = std::mem::take(&mut self.whole);
        let changed = self.set_inputs(Stage::Frame, inputs)?;
        let work = self.work.clone();
        match (&work.plan.changes, whole) {
            (Some(changes), true) => self.dispatch_again(&changes.again(changed), patience)?,
            _ => self.dispatch(Stage::Frame, patience)?,
        }
        self.whole = true;
        Ok(())
    }

    /// Puts the inputs of one stage to their places. The rows in which they differ from what was there, from the first to the last.
    fn set_inputs(&mut self, stage: Stage, inputs: &Inputs<'_>) -> Result<Range<usize>, ExecError> {
        let mut changed = 0..0;
        for (id, value) in inputs.of(stage) {
            let work = self.work.clone();
            for (_, rows) in work.plan.ids.iter().filter(|(input, _)| *input == id) {
                inputs::check_ids(&value.tensor.data, *rows).map_err(super::failed)?;
            }
            let view = work.plan.inputs.iter().find(|(input, _)| *input == id).map(|(_, view)| *view);
            if let Some(view) = view {
                let memory = self.memory();
                view.for_runs(|at, from, count| {
                    let (old, new) = (&mut memory[at..at + count], &value.tensor.data[from..from + count]);
                    // By bits: pixels are numbers of any kind.
                    if bytemuck::cast_slice::<f32, u32>(old) != bytemuck::cast_slice::<f32, u32>(new) {
                        old.copy_from_slice(new);
                        let row = from / (view.w * view.c);
                        changed = both(changed.clone(), row..row + 1);
                    }
                });
            }
        }
        Ok(changed)
    }

    fn results(&mut self) -> Vec<Tensor> {
        let work = self.work.clone();
        let memory = self.memory();
        let taken = |view: &View| {
            let mut data = vec![0.0; view.n * view.positions() * view.c];
            view.for_runs(|at, to, count| data[to..to + count].copy_from_slice(&memory[at..at + count]));
            data
        };
        let data: Vec<Vec<f32>> = work.plan.results.iter().map(taken).collect();
        data.into_iter().zip(&self.shapes).map(|(data, shape)| Tensor::new(shape.clone(), data)).collect()
    }
}

/// Between two rounds.
fn go_on(patience: &Patience) -> ControlFlow<()> {
    if patience.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// What comes of a dispatch, by whether it was whole.
fn done(whole: bool) -> Result<(), ExecError> {
    if whole { Ok(()) } else { Err(ExecError::GivenUp) }
}

impl Program for CpuProgram {
    fn run(&mut self, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        self.run_within(&Patience::default(), inputs, slot)
    }

    fn run_within(&mut self, patience: &Patience, inputs: &[Value<'_>], slot: usize) -> Result<Vec<Tensor>, ExecError> {
        let graph = self.graph.clone();
        let inputs = Inputs::new(&graph, inputs)?;
        if self.poison {
            let shared = self.work.plan.shared;
            self.memory()[shared..].fill(POISON);
        }
        let revisions = inputs.revisions(Stage::Prompt);
        if self.prompt.as_ref() != Some(&revisions) {
            (self.prompt, self.whole) = (None, false);
            self.run_stage(Stage::Prompt, &inputs, patience)?;
            self.prompt = Some(revisions);
        }
        let revisions = inputs.revisions(Stage::Schedule);
        let range = self.work.plan.schedule.clone();
        match self.schedule.get(&slot).cloned() {
            Some((held, values)) if held == revisions => {
                if self.slot != Some(slot) {
                    self.memory()[range].copy_from_slice(&values);
                    self.whole = false;
                }
            }
            _ => {
                (self.slot, self.whole) = (None, false);
                self.run_stage(Stage::Schedule, &inputs, patience)?;
                let made = self.memory()[range].into();
                self.schedule.insert(slot, (revisions, made));
            }
        }
        self.slot = Some(slot);
        self.run_frame(&inputs, patience)?;
        Ok(self.results())
    }

    fn profile(&mut self, runs: usize) -> Option<Profile> {
        let mut times: Vec<(usize, Vec<f64>)> = Vec::new();
        let begun = Instant::now();
        for run in 0..runs.max(1) {
            if run > 0 && begun.elapsed() > PROFILE_PATIENCE {
                break;
            }
            let found = self.frame_times();
            times.resize_with(found.len(), Default::default);
            for ((step, times), (found, ms)) in times.iter_mut().zip(found) {
                *step = found;
                times.push(ms);
            }
        }
        let steps = times.iter_mut().map(|(step, times)| {
            times.sort_by(f64::total_cmp);
            let About { what, shape, flops, bytes } = self.work.plan.about[*step].clone();
            // Of two the quicker: the first run meets fresh pages.
            StepTime { what, shape, flops, bytes, ms: times[(times.len() - 1) / 2] }
        });
        let flops_per_s = flops_per_s(&self.team, &self.work.kernels, self.factor);
        Some(Profile { steps: steps.collect(), flops_per_s, bytes_per_s: bytes_per_s(&self.team) })
    }
}
