//! What must be done again when only some rows of a picture changed.
//!
//! While somebody draws, most of a picture stays as it was. Where each row of every value depends on a few rows of the picture
//! alone, as in an encoder of nothing but convolutions, all that was made of the other rows is still right. Such a program keeps
//! values from run to run, and a run does the tasks again that a change reaches: the result is the same to the bit.
//!
//! Large values would take much memory. They are not kept: of them a run makes those rows again which it reads to make what
//! changed of the kept ones, a few more than changed.

use std::ops::Range;

use super::kernels::winograd::OUTPUTS;
use super::panels::Factor;
use super::steps::Step;
use super::winograd::{self, Products};
use crate::exec::planner::{Fused, Item, Places, extent};
use crate::graph::{Graph, NodeId, Op, Stage};

/// Numbers that kept values of a program take at most, 64 MB. Those are kept first that are smaller than what they are made of, so
/// that less of the larger ones is read again, then the small ones.
pub const MOST: usize = 1 << 24;

/// How changes spread in a program's frame stage.
pub struct Changes {
    /// The picture.
    input: NodeId,
    /// By node of the graph: whether it holds from run to run what it should.
    kept: Vec<bool>,
    /// By step of the plan: what it does, and of each of its tasks the rows it makes.
    steps: Vec<(Effect, Vec<Range<usize>>)>,
}

/// What a step does about changes.
enum Effect {
    /// It is done in each run.
    Always,
    /// It is not done again: what it wrote stays.
    Never,
    /// What is made of the rows it reads is made again, or packed for what makes it.
    Rows { reads: Vec<(NodeId, Window)>, result: NodeId },
}

/// Which rows of a value each row of a result is made of: `reach` of them, each row of the result beginning `stride` further than
/// the one before, the first of all `before` the value's first. `strip` rows of the result are made together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How often each row of the value is read in succession: 2 where it is doubled.
    repeat: usize,
    reach: usize,
    stride: usize,
    before: usize,
    strip: usize,
    /// Rows of the result.
    height: usize,
}

impl Window {
    /// Of a result of so many rows, each made of the same row.
    fn same(height: usize) -> Self {
        Self { repeat: 1, reach: 1, stride: 1, before: 0, strip: 1, height }
    }

    /// The rows of the result that are made of any of `rows`; with them those that are made together with one.
    fn reached(&self, rows: &Range<usize>) -> Range<usize> {
        if rows.is_empty() {
            return 0..0;
        }
        let Self { repeat, reach, stride, before, strip, height } = *self;
        let (first, end) = (repeat * rows.start + before, repeat * rows.end + before);
        let step = strip * stride;
        // The strip before which all rows end too early, and the one that begins too late.
        let strips = (first + stride).saturating_sub(reach) / step..end.div_ceil(step);
        (strips.start * strip).min(height)..(strips.end * strip).min(height)
    }

    /// The rows of the value that `rows` of the result are made of, and those that are made together with them; of both, those past
    /// the end mean nothing.
    fn read(&self, rows: &Range<usize>) -> Range<usize> {
        if rows.is_empty() {
            return 0..0;
        }
        let Self { repeat, reach, stride, before, strip, height } = *self;
        let (first, end) = (rows.start / strip * strip, rows.end.min(height).next_multiple_of(strip).min(height));
        let last = end - 1;
        (first * stride).saturating_sub(before) / repeat
            ..(last * stride + reach).saturating_sub(before).div_ceil(repeat)
    }
}

impl Changes {
    /// How a change of the one picture that `graph` reads spreads, with the steps still to be told. Beside `results` values of `most`
    /// numbers are kept. `None` where a change may reach everything at once.
    pub fn new(graph: &Graph, steps: &[Fused], places: &Places, (results, most): (&[NodeId], usize)) -> Option<Self> {
        let mut inputs = graph.inputs().filter(|(_, id)| graph.node(*id).stage == Stage::Frame);
        let (Some((_, input)), None) = (inputs.next(), inputs.next()) else { return None };
        let frame = || steps.iter().filter(|step| graph.node(step.main).stage == Stage::Frame);
        let is_picture = frame().any(|step| step.source == input && matches!(graph.node(step.main).op, Op::FromPixels));
        // Whether a convolution is done by Winograd makes no difference to that.
        let any = Products { factor: Factor::F32, pairs: false };
        let local = frame().all(|step| window(graph, step, any).is_some());
        if !is_picture || !local || !places.copies.is_empty() {
            return None;
        }
        let mut kept = vec![false; graph.nodes().len()];
        results.iter().chain([&input]).for_each(|id| kept[id.index()] = true);
        let height = |id: NodeId| extent(&graph.node(id).shape)[1];
        let value = |step: &Fused| {
            let smaller = height(step.result) < height(step.source);
            (!smaller, places.pieces[places.piece(step.result)].len(), step.result)
        };
        let mut values: Vec<(bool, usize, NodeId)> = frame().map(value).collect();
        values.sort_by_key(|(other, len, _)| (*other, *len));
        let mut sum = 0;
        for (_, len, id) in values {
            if sum + len <= most {
                sum += len;
                kept[id.index()] = true;
            }
        }
        Some(Self { input, kept, steps: Vec::new() })
    }

    /// What holds from run to run what it should.
    pub fn kept<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = NodeId> + 'a {
        graph.ids().filter(|id| self.kept[id.index()])
    }

    /// Tells that the next step of the plan is done in each run.
    pub fn tell_always(&mut self, step: &dyn Step) {
        self.steps.push((Effect::Always, rows_of(step)));
    }

    /// Tells that the next step of the plan does `item`, where convolutions are made of `products`.
    pub fn tell(
        &mut self,
        step: &dyn Step,
        item: Item,
        (graph, steps, places): (&Graph, &[Fused], &Places),
        products: Products,
    ) {
        let effect = match item {
            Item::Fused(index) => effect(graph, &steps[index], products, true),
            Item::Pack(index) => effect(graph, &steps[index], products, false),
            Item::Border(piece) if self.kept(graph).any(|id| places.piece(id) == piece) => Effect::Never,
            Item::Border(_) | Item::Copy { .. } | Item::Measure(_) => Effect::Always,
        };
        self.steps.push((effect, rows_of(step)));
    }

    /// Which of its tasks each step must do again after these rows of the picture changed.
    pub fn again(&self, rows: Range<usize>) -> Vec<Vec<usize>> {
        if rows.is_empty() {
            return vec![Vec::new(); self.steps.len()];
        }
        let changed = self.changed(rows);
        // Of what is not kept, the rows that are read, and of what is kept, those that changed.
        let mut wanted: Vec<Range<usize>> =
            changed.into_iter().zip(&self.kept).map(|(rows, kept)| if *kept { rows } else { 0..0 }).collect();
        let mut again = vec![Vec::new(); self.steps.len()];
        for (again, (effect, tasks)) in again.iter_mut().zip(&self.steps).rev() {
            *again = match effect {
                Effect::Always => (0..tasks.len()).collect(),
                Effect::Never => Vec::new(),
                Effect::Rows { reads, result } => self.wanted_of(reads, result.index(), tasks, &mut wanted),
            };
        }
        again
    }

    /// The tasks of a step that make any of the rows wanted of its result. What they read of values that are not kept is wanted, too.
    fn wanted_of(
        &self,
        reads: &[(NodeId, Window)],
        result: usize,
        tasks: &[Range<usize>],
        wanted: &mut [Range<usize>],
    ) -> Vec<usize> {
        let done: Vec<usize> = (0..tasks.len()).filter(|task| meet(&tasks[*task], &wanted[result])).collect();
        if self.kept[result] {
            // All that a task makes of it must be right.
            let whole = done.iter().map(|task| tasks[*task].clone());
            wanted[result] = whole.fold(wanted[result].clone(), both);
        }
        for (value, window) in reads.iter().filter(|(value, _)| !self.kept[value.index()]) {
            let read = window.read(&wanted[result]);
            wanted[value.index()] = both(wanted[value.index()].clone(), read);
        }
        done
    }

    /// By node: the rows that are not what they were after these rows of the picture changed.
    fn changed(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let mut changed = vec![0..0; self.kept.len()];
        changed[self.input.index()] = rows;
        for (effect, _) in &self.steps {
            let Effect::Rows { reads, result } = effect else { continue };
            let reached = reads.iter().map(|(value, window)| window.reached(&changed[value.index()]));
            changed[result.index()] = reached.fold(changed[result.index()].clone(), both);
        }
        changed
    }
}

/// By task of a step: the rows it makes.
fn rows_of(step: &dyn Step) -> Vec<Range<usize>> {
    (0..step.tasks()).map(|task| step.rows(task)).collect()
}

/// The rows from the first to the last of either.
pub fn both(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// Whether some rows are among both.
fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// What a step of the frame stage does about changes, or what packs for it, where convolutions are made of `products`.
fn effect(graph: &Graph, step: &Fused, products: Products, makes: bool) -> Effect {
    let Some(window) = window(graph, step, products) else { return Effect::Always };
    let others = step.posts.iter().filter_map(|post| post.other()).map(|id| (id, Window::same(window.height)));
    let reads = [(step.source, window)].into_iter().chain(others.filter(|_| makes)).collect();
    Effect::Rows { reads, result: step.result }
}

/// What each row of a step's result is made of, if that is a few rows of what it reads.
fn window(graph: &Graph, step: &Fused, products: Products) -> Option<Window> {
    let node = graph.node(step.main);
    let [samples, height, ..] = extent(&graph.node(step.result).shape);
    let same = Window::same(height);
    let window = match node.op {
        Op::Conv2d { stride, .. } => {
            let repeat = if step.doubled { 2 } else { 1 };
            // A kernel that reads what another makes reaches as far further as that does.
            let kernels = [Some(step.main), step.before].into_iter().flatten().filter_map(|id| rows(graph, id));
            let (reach, before) = kernels.fold((1, 0), |sum, (side, before)| (sum.0 + side - 1, sum.1 + before));
            let window = Window { repeat, reach, stride, before, ..same };
            let winograd = winograd::suits(graph, step, products);
            if winograd { Window { strip: OUTPUTS, ..window } } else { window }
        }
        Op::FromPixels | Op::ToPixels | Op::Activate(_) | Op::Affine { .. } | Op::Add | Op::Mul => same,
        _ => return None,
    };
    // Another value has the same rows, or does not change.
    let like = |id: NodeId| graph.node(id).stage != Stage::Frame || extent(&graph.node(id).shape)[1] == height;
    (samples == 1 && step.beside.is_empty() && step.posts.iter().filter_map(|post| post.other()).all(like))
        .then_some(window)
}

/// Rows of the kernel of a convolution, and zeros above its map.
fn rows(graph: &Graph, id: NodeId) -> Option<(usize, usize)> {
    let Op::Conv2d { weight, padding, .. } = graph.node(id).op else { return None };
    Some((graph.weight(weight).shape[2], padding.top))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which rows of the value a row of the result reads, past the end of the value too.
    fn reads(window: &Window, row: usize) -> impl Iterator<Item = usize> {
        let Window { repeat, reach, stride, before, .. } = *window;
        (row * stride..row * stride + reach).filter_map(move |at| Some(at.checked_sub(before)? / repeat))
    }

    /// What [`Window::reached`] says, row by row.
    fn looked_up(window: &Window, rows: &Range<usize>) -> Range<usize> {
        let Window { strip, height, .. } = *window;
        let reads = |row: usize| reads(window, row).any(|at| rows.contains(&at));
        // A strip of a Winograd convolution reads all between its first row and its last.
        let strips: Vec<usize> =
            (0..height.div_ceil(strip)).filter(|index| (index * strip..(index + 1) * strip).any(reads)).collect();
        match (strips.first(), strips.last()) {
            (Some(first), Some(last)) => first * strip..((last + 1) * strip).min(height),
            _ => 0..0,
        }
    }

    #[test]
    fn a_change_reaches_the_rows_that_are_made_of_it() {
        for (repeat, reach, stride, before) in [
            (1, 1, 1, 0),
            (1, 3, 1, 1),
            (1, 3, 2, 1),
            (1, 3, 2, 0),
            (2, 3, 1, 1),
            (1, 5, 1, 2),
            (1, 3, 1, 2),
            (1, 2, 2, 0),
        ] {
            for strip in [1, 4] {
                if strip > 1 && stride > 1 {
                    continue;
                }
                let value = 13;
                let height = (repeat * value + 2 * before - reach) / stride + 1;
                let window = Window { repeat, reach, stride, before, strip, height };
                for rows in (0..value).flat_map(|first| (first + 1..=value).map(move |end| first..end)) {
                    let (found, expected) = (window.reached(&rows), looked_up(&window, &rows));
                    assert!(
                        found == expected || found.is_empty() && expected.is_empty(),
                        "{window:?} {rows:?} {found:?} {expected:?}"
                    );
                }
                assert!(window.reached(&(5..5)).is_empty() && window.read(&(5..5)).is_empty());
                for rows in (0..height).flat_map(|first| (first + 1..=height).map(move |end| first..end)) {
                    let together = rows.start / strip * strip..rows.end.next_multiple_of(strip).min(height);
                    let all = together.flat_map(|row| reads(&window, row)).fold(0..0, |all, at| both(all, at..at + 1));
                    assert_eq!(window.read(&rows), all, "{window:?} {rows:?}");
                }
            }
        }
    }
}
