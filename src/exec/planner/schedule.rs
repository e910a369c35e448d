//! The order of all work of a program, what may be done side by side, and what memory each piece of it touches.

use std::ops::Range;

use super::arena::{Need, arrange};
use super::fuse::Fused;
use super::places::Places;
use crate::graph::{Graph, NodeId, Op, Stage};

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A joined step, by its place in the list.
    Fused(usize),
    /// A value copied into channels of another.
    Copy { from: NodeId, to: NodeId, first: usize },
    /// The zeros around a piece.
    Border(usize),
    /// What this joined step wants in another form before it begins: keys and values of attention, the map of a convolution.
    Pack(usize),
    /// What the group normalisation that is this joined step normalises with.
    Measure(usize),
}

/// An item joins a round that is so many before the last at most: memory that it writes is needed from then on.
const WINDOW: usize = 3;

/// The order, and where each piece of memory begins.
pub struct Schedule {
    /// What to do, stage after stage, round after round. A round is a level of the graph of dependencies, between two barriers: its
    /// items may run in any order or at the same time.
    pub rounds: Vec<(Stage, Vec<Item>)>,
    /// By piece of memory: those of the places, then what is packed for each joined step ([`packed_piece`]).
    pub offsets: Vec<usize>,
    /// By piece: needed until the next run, or longer.
    pub kept: Vec<bool>,
    /// By piece: in which rounds it is needed.
    pub needs: Vec<Need>,
    /// Numbers that keep what the schedule stage made, from one to the other.
    pub schedule: Range<usize>,
    /// Where pieces begin that share memory.
    pub shared: usize,
    /// Numbers in all.
    pub len: usize,
}

/// The piece of memory of what is packed for a joined step.
pub fn packed_piece(places: &Places, index: usize) -> usize {
    places.pieces.len() + index
}

/// What is packed for a joined step, if anything is.
fn unpacked<'a>(graph: &'a Graph, step: &'a Fused) -> &'a [NodeId] {
    let node = graph.node(step.main);
    if matches!(node.op, Op::Attention { .. }) { &node.inputs[1..] } else { std::slice::from_ref(&step.source) }
}

impl Schedule {
    /// Orders `steps` and gives every piece its memory. `packed` is by step how many numbers it takes what is packed for it; 0, or
    /// nothing at all, where nothing is.
    pub fn new(graph: &Graph, steps: &[Fused], places: &Places, results: &[NodeId], packed: &[usize]) -> Self {
        let mut writer = Writer {
            graph,
            steps,
            places,
            packed,
            rounds: Vec::new(),
            accesses: Vec::new(),
            bordered: vec![false; places.pieces.len()],
        };
        let mut begins = Vec::new();
        for stage in Stage::ALL {
            begins.push(writer.rounds.len());
            writer.stage(stage);
        }
        let Writer { rounds, .. } = writer;
        let lens = places.pieces.iter().map(super::places::Piece::len).chain(packed.iter().copied());
        let mut needs: Vec<Need> = lens.map(|len| Need { len, first: usize::MAX, last: 0 }).collect();
        let mut stages: Vec<Option<(Stage, Stage)>> = vec![None; needs.len()];
        let mut touch = |piece: usize, at: usize, stage: Stage| {
            needs[piece].first = needs[piece].first.min(at);
            needs[piece].last = needs[piece].last.max(at);
            let (first, last) = stages[piece].unwrap_or((stage, stage));
            stages[piece] = Some((first.min(stage), last.max(stage)));
        };
        for (_, id) in graph.inputs() {
            let stage = graph.node(id).stage;
            touch(places.piece(id), begins[stage as usize], stage);
        }
        for (at, (stage, items)) in rounds.iter().enumerate() {
            for item in items {
                let Access { reads, writes } = access(graph, steps, places, packed, *item);
                let pieces = reads.iter().chain(&writes).map(|part| part.piece);
                // What a normalisation measures is not in memory.
                pieces.filter(|piece| *piece < MEASURED).for_each(|piece| touch(piece, at, *stage));
            }
        }
        let mut kept: Vec<bool> = stages.iter().map(|s| s.is_some_and(|(first, last)| first != last)).collect();
        results.iter().for_each(|id| kept[places.piece(*id)] = true);

        let mut offsets = vec![0; needs.len()];
        let mut end = 0;
        let mut schedule = 0..0;
        for stage in Stage::ALL {
            let start = end;
            for piece in (0..needs.len()).filter(|&p| kept[p] && stages[p].is_some_and(|(first, _)| first == stage)) {
                offsets[piece] = end;
                end += needs[piece].len.next_multiple_of(16);
            }
            if stage == Stage::Schedule {
                schedule = start..end;
            }
        }
        let sharing: Vec<usize> = (0..needs.len()).filter(|&p| !kept[p] && stages[p].is_some()).collect();
        let sharing_needs: Vec<Need> = sharing.iter().map(|&p| needs[p]).collect();
        let (places, len) = arrange(&sharing_needs, end);
        sharing.iter().zip(places).for_each(|(&piece, offset)| offsets[piece] = offset);
        Self { rounds, offsets, kept, needs, schedule, shared: end, len }
    }
}

struct Writer<'a> {
    graph: &'a Graph,
    steps: &'a [Fused],
    places: &'a Places,
    /// By step: how many numbers what is packed for it takes.
    packed: &'a [usize],
    rounds: Vec<(Stage, Vec<Item>)>,
    /// By round: what its items touch.
    accesses: Vec<Vec<Access>>,
    /// By piece: its zeros are written.
    bordered: Vec<bool>,
}

impl Writer<'_> {
    /// Puts an item into a round: the last but a few, or after the last that has something it must not run beside.
    fn add(&mut self, stage: Stage, item: Item) {
        let access = access(self.graph, self.steps, self.places, self.packed, item);
        let begin = self.rounds.partition_point(|(of, _)| *of < stage);
        let earliest = begin.max(self.rounds.len().saturating_sub(WINDOW));
        let apart = |round: &usize| self.accesses[*round].iter().any(|other| access.meets(other));
        let round = (earliest..self.rounds.len()).rev().find(apart).map_or(earliest, |round| round + 1);
        if round == self.rounds.len() {
            self.rounds.push((stage, Vec::new()));
            self.accesses.push(Vec::new());
        }
        self.rounds[round].1.push(item);
        self.accesses[round].push(access);
    }

    fn stage(&mut self, stage: Stage) {
        for (_, id) in self.graph.inputs().filter(|(_, id)| self.graph.node(*id).stage == stage) {
            self.border(self.places.piece(id), stage);
        }
        for (index, step) in self.steps.iter().enumerate() {
            let node = self.graph.node(step.main);
            if node.stage != stage || self.places.is_free(step) {
                continue;
            }
            self.border(self.places.piece(step.result), stage);
            if matches!(node.op, Op::Concat) {
                for &(from, to, first) in self.places.copies.iter().filter(|(_, to, _)| *to == step.main) {
                    self.add(stage, Item::Copy { from, to, first });
                }
                continue;
            }
            if self.packed_stage(index) == Some(stage) {
                self.add(stage, Item::Pack(index));
            }
            if matches!(node.op, Op::GroupNorm { .. }) {
                self.add(stage, Item::Measure(index));
            }
            self.add(stage, Item::Fused(index));
        }
        // What is there before the stage of the step that wants it is packed at the end of its own.
        for (index, step) in self.steps.iter().enumerate() {
            if self.graph.node(step.main).stage != stage && self.packed_stage(index) == Some(stage) {
                self.add(stage, Item::Pack(index));
            }
        }
    }

    /// When something can be packed for a step, if anything is.
    fn packed_stage(&self, index: usize) -> Option<Stage> {
        let stages = unpacked(self.graph, &self.steps[index]).iter().map(|id| self.graph.node(*id).stage);
        stages.max().filter(|_| is_packed(self.packed, index))
    }

    fn border(&mut self, piece: usize, stage: Stage) {
        if self.places.pieces[piece].has_border() && !std::mem::replace(&mut self.bordered[piece], true) {
            self.add(stage, Item::Border(piece));
        }
    }
}

/// Some channels of a piece of memory.
struct Part {
    piece: usize,
    channels: Range<usize>,
}

impl Part {
    fn meets(&self, other: &Self) -> bool {
        let (a, b) = (&self.channels, &other.channels);
        self.piece == other.piece && a.start < b.end && b.start < a.end
    }
}

/// Stands for the zeros around a piece among its channels.
const EDGE: Range<usize> = usize::MAX - 1..usize::MAX;
/// From here on pieces stand for what the group normalisation measures that is the joined step so many further.
const MEASURED: usize = usize::MAX / 2;

/// What an item reads and writes.
struct Access {
    reads: Vec<Part>,
    writes: Vec<Part>,
}

impl Access {
    /// Whether one of two items must wait for the other.
    fn meets(&self, other: &Self) -> bool {
        let any = |a: &[Part], b: &[Part]| a.iter().any(|a| b.iter().any(|b| a.meets(b)));
        any(&self.writes, &other.writes) || any(&self.writes, &other.reads) || any(&self.reads, &other.writes)
    }
}

/// Whether something is packed for a step.
fn is_packed(packed: &[usize], index: usize) -> bool {
    packed.get(index).is_some_and(|len| *len > 0)
}

fn access(graph: &Graph, steps: &[Fused], places: &Places, packed: &[usize], item: Item) -> Access {
    let part = |id: NodeId| Part { piece: places.piece(id), channels: places.channels(graph, id) };
    // A range of pixels holds the channels of its neighbours in a concatenation, too.
    let read = |id: NodeId| Part { piece: places.piece(id), channels: 0..EDGE.start };
    let read_wide = |id: NodeId| Part { piece: places.piece(id), channels: 0..EDGE.end };
    let whole = |index: usize| Part { piece: packed_piece(places, index), channels: 0..1 };
    let measured = |index: usize| Part { piece: MEASURED + index, channels: 0..1 };
    match item {
        Item::Copy { from, to, first } => {
            let start = places.channels(graph, to).start + first;
            let channels = start..start + graph.node(from).shape.channels();
            Access { reads: vec![read(from)], writes: vec![Part { piece: places.piece(to), channels }] }
        }
        Item::Border(piece) => Access { reads: Vec::new(), writes: vec![Part { piece, channels: EDGE }] },
        Item::Pack(index) => {
            let reads = unpacked(graph, &steps[index]).iter().map(|id| read_wide(*id)).collect();
            Access { reads, writes: vec![whole(index)] }
        }
        Item::Measure(index) => Access { reads: vec![read(steps[index].source)], writes: vec![measured(index)] },
        Item::Fused(index) => {
            let step = &steps[index];
            let node = graph.node(step.main);
            let mut reads: Vec<Part> = step.posts.iter().filter_map(|post| post.other()).map(read).collect();
            let (mut values, attention) = (vec![step.source], matches!(node.op, Op::Attention { .. }));
            match is_packed(packed, index) {
                true => {
                    // Keys and values are read packed. The queries are not, even where they are the same value.
                    values.truncate(usize::from(attention));
                    reads.push(whole(index));
                }
                false if attention => values.extend(&node.inputs[1..]),
                false => {}
            }
            if !node.inputs.is_empty() {
                reads.extend(values.iter().map(|id| read_wide(*id)));
            }
            if matches!(node.op, Op::GroupNorm { .. }) {
                reads.push(measured(index));
            }
            Access { reads, writes: step.results().map(part).collect() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::planner::fuse;
    use crate::graph::{Conv, GraphBuilder, Shape};

    /// The round in which a value is made.
    fn round_of(id: NodeId, steps: &[Fused], rounds: &[(Stage, Vec<Item>)]) -> usize {
        let index = steps.iter().position(|step| step.result == id).unwrap();
        rounds.iter().position(|(_, items)| items.contains(&Item::Fused(index))).unwrap()
    }

    #[test]
    fn what_does_not_meet_shares_a_round() {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", Shape::map(1, 8, 8, 4), Stage::Frame).unwrap();
        let deep = b.conv2d("deep", x, Conv::same(8, 3)).unwrap();
        let deeper = b.conv2d("deeper", deep, Conv::same(8, 3)).unwrap();
        let beside = b.conv2d("beside", x, Conv::same(8, 1)).unwrap();
        let both = b.concat(&[deeper, beside]).unwrap();
        b.output("out", both);
        let graph = b.finish();
        let steps = fuse(&graph, &[both], 32);
        let places = Places::new(&graph, &steps, true);
        let Schedule { rounds, .. } = Schedule::new(&graph, &steps, &places, &[both], &[]);
        let at = |id| round_of(id, &steps, &rounds);
        assert!(at(deep) < at(deeper));
        assert!(at(beside) <= at(deeper), "{rounds:?}");
        // The zeros around both maps are written beside other work: the first before anything, the second with its map.
        assert_eq!(rounds.len(), 3, "{rounds:?}");
    }

    #[test]
    fn a_part_is_not_read_while_its_neighbour_is_written() {
        let mut b = GraphBuilder::new("test", "");
        let x = b.input("x", Shape::map(1, 8, 8, 4), Stage::Frame).unwrap();
        let first = b.conv2d("first", x, Conv::same(8, 1)).unwrap();
        let wide = b.conv2d("wide", first, Conv::same(8, 3)).unwrap();
        let second = b.conv2d("second", x, Conv::same(8, 1)).unwrap();
        let both = b.concat(&[first, second]).unwrap();
        b.output("wide", wide);
        b.output("both", both);
        let graph = b.finish();
        let steps = fuse(&graph, &[wide, both], 32);
        let places = Places::new(&graph, &steps, true);
        assert_eq!(places.piece(first), places.piece(second));
        let Schedule { rounds, .. } = Schedule::new(&graph, &steps, &places, &[wide, both], &[]);
        let at = |id| round_of(id, &steps, &rounds);
        assert_ne!(at(wide), at(second), "{rounds:?}");
    }
}
