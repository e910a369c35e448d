//! The order of all work of a program, and what memory each piece of it touches.

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
    /// Keys and values of the attention that is this joined step.
    Pack(usize),
}

/// The order, and where each piece of memory begins.
pub struct Schedule {
    /// What to do, stage after stage.
    pub items: Vec<(Stage, Item)>,
    /// By piece of memory: those of the places, then the packed keys of each attention in the order of the list.
    pub offsets: Vec<usize>,
    /// By piece: needed until the next run, or longer.
    pub kept: Vec<bool>,
    /// By piece: when it is needed.
    pub needs: Vec<Need>,
    /// Numbers that keep what the schedule stage made, from one to the other.
    pub schedule: std::ops::Range<usize>,
    /// Where pieces begin that share memory.
    pub shared: usize,
    /// Numbers in all.
    pub len: usize,
}

/// The attentions among `steps`, in order, and the piece of memory of each one's packed keys.
pub fn packed_piece(graph: &Graph, steps: &[Fused], places: &Places, attention: usize) -> usize {
    let is_attention = |step: &&Fused| matches!(graph.node(step.main).op, Op::Attention { .. });
    places.pieces.len() + steps[..attention].iter().filter(is_attention).count()
}

impl Schedule {
    /// Orders `steps` and gives every piece its memory. `packed` is how many numbers the keys of each attention take.
    pub fn new(graph: &Graph, steps: &[Fused], places: &Places, results: &[NodeId], packed: &[usize]) -> Self {
        let mut writer = Writer { graph, steps, places, items: Vec::new(), bordered: vec![false; places.pieces.len()] };
        let mut begins = Vec::new();
        for stage in Stage::ALL {
            begins.push(writer.items.len());
            writer.stage(stage);
        }
        let items = writer.items;
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
        for (at, (stage, item)) in items.iter().enumerate() {
            for piece in touched(graph, steps, places, *item) {
                touch(piece, at, *stage);
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
        Self { items, offsets, kept, needs, schedule, shared: end, len }
    }
}

struct Writer<'a> {
    graph: &'a Graph,
    steps: &'a [Fused],
    places: &'a Places,
    items: Vec<(Stage, Item)>,
    /// By piece: its zeros are written.
    bordered: Vec<bool>,
}

impl Writer<'_> {
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
                let copies = self.places.copies.iter().filter(|(_, to, _)| *to == step.main);
                self.items.extend(copies.map(|&(from, to, first)| (stage, Item::Copy { from, to, first })));
                continue;
            }
            if matches!(node.op, Op::Attention { .. }) && self.keys_stage(step) == stage {
                self.items.push((stage, Item::Pack(index)));
            }
            self.items.push((stage, Item::Fused(index)));
        }
        // Keys that are there before the stage of their attention are packed at the end of their own.
        for (index, step) in self.steps.iter().enumerate() {
            let node = self.graph.node(step.main);
            if matches!(node.op, Op::Attention { .. }) && node.stage != stage && self.keys_stage(step) == stage {
                self.items.push((stage, Item::Pack(index)));
            }
        }
    }

    fn keys_stage(&self, step: &Fused) -> Stage {
        let inputs = &self.graph.node(step.main).inputs;
        self.graph.node(inputs[1]).stage.max(self.graph.node(inputs[2]).stage)
    }

    fn border(&mut self, piece: usize, stage: Stage) {
        if self.places.pieces[piece].has_border() && !std::mem::replace(&mut self.bordered[piece], true) {
            self.items.push((stage, Item::Border(piece)));
        }
    }
}

/// The pieces an item reads or writes.
fn touched(graph: &Graph, steps: &[Fused], places: &Places, item: Item) -> Vec<usize> {
    match item {
        Item::Copy { from, to, .. } => vec![places.piece(from), places.piece(to)],
        Item::Border(piece) => vec![piece],
        Item::Pack(index) => {
            let inputs = &graph.node(steps[index].main).inputs;
            vec![places.piece(inputs[1]), places.piece(inputs[2]), packed_piece(graph, steps, places, index)]
        }
        Item::Fused(index) => {
            let step = &steps[index];
            let node = graph.node(step.main);
            let others = step.posts.iter().filter_map(|post| post.other()).chain([step.result]);
            let mut pieces: Vec<usize> = others.map(|id| places.piece(id)).collect();
            if !node.inputs.is_empty() {
                pieces.push(places.piece(step.source));
            }
            if matches!(node.op, Op::Attention { .. }) {
                pieces.push(packed_piece(graph, steps, places, index));
            }
            pieces
        }
    }
}
