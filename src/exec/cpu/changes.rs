//! What must be done again when only some rows of a picture changed.
//!
//! While somebody draws, most of a picture stays as it was. Where each row of every value depends on a few rows of the picture
//! alone, as in an encoder of nothing but convolutions, all that was made of the other rows is still right. Such a program keeps
//! its values from run to run, and a run does the tasks again that a change reaches: the result is the same to the bit.

use std::ops::Range;

use super::kernels::winograd::OUTPUTS;
use super::winograd;
use crate::exec::planner::{Fused, Item, Kind, Piece, Places, extent};
use crate::graph::{Graph, NodeId, Op, Stage};

/// Numbers that the values of such a program take at most. More would push each other out of the caches, and of the time that a
/// large model takes, its encoder is little.
const MOST: usize = 1 << 24;

/// How changes spread in a program's frame stage.
pub struct Changes {
    /// The picture.
    input: NodeId,
    /// By step of the plan.
    effects: Vec<Effect>,
    /// Nodes of the graph.
    nodes: usize,
}

/// What a step does about changes.
pub enum Effect {
    /// It is done in each run.
    Always,
    /// It is not done again: what it wrote stays.
    Never,
    /// What is made of the rows it reads is made again.
    Rows {
        /// Which values it reads, and of which rows it makes one of its own.
        reads: Vec<(NodeId, Window)>,
        /// The value it makes, if it is one of the graph.
        makes: Option<NodeId>,
    },
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
}

impl Changes {
    /// How a change of the one picture that `graph` reads spreads, with the effects of steps still to be told. `None` where a change
    /// may reach everything at once, or where too much would be kept.
    pub fn new(graph: &Graph, steps: &[Fused], places: &Places) -> Option<Self> {
        let mut inputs = graph.inputs().filter(|(_, id)| graph.node(*id).stage == Stage::Frame);
        let (Some((_, input)), None) = (inputs.next(), inputs.next()) else { return None };
        let frame = || steps.iter().filter(|step| graph.node(step.main).stage == Stage::Frame);
        let is_picture = frame().any(|step| step.source == input && matches!(graph.node(step.main).op, Op::FromPixels));
        // Whether a convolution is done the short way makes no difference to that.
        let local = frame().all(|step| window(graph, step, Kind::F32).is_some());
        let kept: usize = places.pieces.iter().map(Piece::len).sum();
        let found = is_picture && local && places.copies.is_empty() && kept <= MOST;
        found.then(|| Self { input, effects: Vec::new(), nodes: graph.nodes().len() })
    }

    /// Tells the effect of the next step of the plan.
    pub fn tell(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Which rows of its result each step must make again after these rows of the picture changed.
    pub fn again(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let mut changed = vec![0..0; self.nodes];
        changed[self.input.index()] = rows;
        let again = |effect: &Effect| match effect {
            Effect::Always => 0..usize::MAX,
            Effect::Never => 0..0,
            Effect::Rows { reads, makes } => {
                let reached = reads.iter().map(|(value, window)| window.reached(&changed[value.index()]));
                let rows = reached.reduce(both).unwrap_or(0..0);
                if let Some(value) = makes {
                    changed[value.index()] = rows.clone();
                }
                rows
            }
        };
        self.effects.iter().map(again).collect()
    }
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
pub fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// What an item of the frame stage does about changes, where weights are multiplied as `kind`.
pub fn effect(graph: &Graph, steps: &[Fused], item: Item, kind: Kind) -> Effect {
    let (step, made) = match item {
        Item::Fused(index) => (&steps[index], true),
        Item::Pack(index) => (&steps[index], false),
        Item::Border(_) => return Effect::Never,
        Item::Copy { .. } | Item::Measure(_) => return Effect::Always,
    };
    let Some(window) = window(graph, step, kind) else { return Effect::Always };
    let others = step.posts.iter().filter_map(|post| post.other()).map(|id| (id, Window::same(window.height)));
    let others = others.filter(|_| made);
    Effect::Rows {
        reads: [(step.source, window)].into_iter().chain(others).collect(),
        makes: made.then_some(step.result),
    }
}

/// What each row of a step's result is made of, if that is a few rows of what it reads.
fn window(graph: &Graph, step: &Fused, kind: Kind) -> Option<Window> {
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
            let short = winograd::suits(graph, step, kind);
            if short { Window { strip: OUTPUTS, ..window } } else { window }
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

    /// What [`Window::reached`] says, row by row.
    fn looked_up(window: &Window, rows: &Range<usize>) -> Range<usize> {
        let Window { repeat, reach, stride, before, strip, height } = *window;
        let reads = |row: usize| {
            (row * stride..row * stride + reach)
                .any(|at| at.checked_sub(before).is_some_and(|at| rows.contains(&(at / repeat))))
        };
        // A strip of the short way reads all between its first row and its last.
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
                assert!(window.reached(&(5..5)).is_empty());
            }
        }
    }
}
