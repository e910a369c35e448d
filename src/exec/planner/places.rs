//! Where every value lives: which values share a piece of memory, and how its pixels lie.
//!
//! Values that are concatenated, or made by one product, lie side by side from the start. A reshaped value is the same memory. A map that a wide
//! convolution reads has a border of zeros around it, if its executor wants one.

use super::fuse::Fused;
use super::view::{Kind, View, extent};
use crate::graph::{Graph, NodeId, Op, Padding};

/// A piece of memory for one value or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Batch, height, width, channels.
    pub extent: [usize; 4],
    /// Zeros around.
    pub border: Padding,
    /// How its numbers are stored.
    pub kind: Kind,
}

impl Piece {
    /// Numbers of memory it takes.
    pub fn len(&self) -> usize {
        let [n, ..] = self.extent;
        (n * self.image()).div_ceil(self.kind.per_cell())
    }

    fn row(&self) -> usize {
        let [_, _, w, c] = self.extent;
        (self.border.left + w + self.border.right) * c
    }

    fn image(&self) -> usize {
        (self.border.top + self.extent[1] + self.border.bottom) * self.row()
    }

    /// Whether there are zeros around.
    pub fn has_border(&self) -> bool {
        self.border != Padding::all(0)
    }

    /// The whole inner map, if the piece begins at `offset`.
    pub fn view(&self, offset: usize) -> View {
        let [n, h, w, c] = self.extent;
        let inner = self.border.top * self.row() + self.border.left * c;
        let offset = offset * self.kind.per_cell() + inner;
        View { kind: self.kind, offset, n, h, w, c, image: self.image(), row: self.row(), pixel: c }
    }
}

/// How a value gets its memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Home {
    /// A piece of its own.
    Own,
    /// That of another node under another shape.
    Same(NodeId),
    /// Some channels of another node's.
    Part(NodeId, usize),
}

/// All places.
pub struct Places {
    homes: Vec<Home>,
    /// By node: its piece, for those that have their own.
    piece_of: Vec<Option<usize>>,
    /// All pieces.
    pub pieces: Vec<Piece>,
    /// Values that must be copied: from, to (whose channels from the third on are meant).
    pub copies: Vec<(NodeId, NodeId, usize)>,
}

impl Places {
    /// Finds a place for every value of `steps` and every input, each stored as f32 at first. With `borders` there are zeros
    /// around what a wide convolution reads.
    pub fn new(graph: &Graph, steps: &[Fused], borders: bool) -> Self {
        let count = graph.nodes().len();
        let mut places =
            Self { homes: vec![Home::Own; count], piece_of: vec![None; count], pieces: Vec::new(), copies: Vec::new() };
        let borders = if borders { wanted(graph, steps) } else { Vec::new() };
        for step in steps {
            match graph.node(step.main).op {
                Op::Reshape => places.reshape(graph, step, &borders),
                Op::Concat => places.concat(graph, steps, step.main),
                _ => places.beside(graph, step),
            }
        }
        let inputs = graph.inputs().map(|(_, id)| (id, graph.node(id).shape.channels()));
        let made = steps.iter().map(|step| (step.result, step.channels(graph)));
        for (id, channels) in inputs.chain(made) {
            if places.homes[id.index()] == Home::Own {
                places.piece_of[id.index()] = Some(places.pieces.len());
                let extent = extent(&graph.node(id).shape.with_channels(channels));
                places.pieces.push(Piece { extent, border: Padding::all(0), kind: Kind::F32 });
            }
        }
        for (id, border) in borders {
            let piece = places.piece(id);
            widen(&mut places.pieces[piece].border, border);
        }
        places
    }

    /// The piece a value lies in.
    pub fn piece(&self, id: NodeId) -> usize {
        match self.homes[id.index()] {
            Home::Same(other) | Home::Part(other, _) => self.piece(other),
            Home::Own => self.piece_of[id.index()].unwrap_or_default(),
        }
    }

    /// Which channels of its piece a value is.
    pub fn channels(&self, graph: &Graph, id: NodeId) -> std::ops::Range<usize> {
        match self.homes[id.index()] {
            Home::Own => 0..graph.node(id).shape.channels(),
            Home::Same(other) => self.channels(graph, other),
            Home::Part(other, first) => {
                let start = self.channels(graph, other).start + first;
                start..start + graph.node(id).shape.channels()
            }
        }
    }

    /// Where a value lies, given where each piece begins.
    pub fn view(&self, graph: &Graph, id: NodeId, offsets: &[usize]) -> View {
        let shape = &graph.node(id).shape;
        match self.homes[id.index()] {
            Home::Own => {
                let piece = self.piece(id);
                self.pieces[piece].view(offsets[piece]).channels(0, shape.channels())
            }
            Home::Same(other) => self.view(graph, other, offsets).reshaped(shape),
            Home::Part(other, first) => self.view(graph, other, offsets).channels(first, shape.channels()),
        }
    }

    /// Whether a step does nothing, its value being there already.
    pub fn is_free(&self, step: &Fused) -> bool {
        matches!(self.homes[step.main.index()], Home::Same(_))
    }

    /// Whether `id` is `whole` or a part of it.
    fn lies_in(&self, id: NodeId, whole: NodeId) -> bool {
        let home = |id: &NodeId| match self.homes[id.index()] {
            Home::Same(other) | Home::Part(other, _) => Some(other),
            Home::Own => None,
        };
        std::iter::successors(Some(id), home).any(|id| id == whole)
    }

    fn reshape(&mut self, graph: &Graph, step: &Fused, borders: &[(NodeId, Padding)]) {
        let (from, to) = (step.source, step.main);
        let key = |id: NodeId| {
            let [n, h, w, c] = extent(&graph.node(id).shape);
            (n, h * w, c)
        };
        let bordered = |id: NodeId| borders.iter().any(|(other, _)| self.lies_in(*other, id));
        let part = matches!(self.homes[from.index()], Home::Part(..));
        if key(from) == key(to) && !bordered(from) && !bordered(to) && !part {
            self.homes[to.index()] = Home::Same(from);
        }
    }

    /// Lets what a product makes lie side by side.
    fn beside(&mut self, graph: &Graph, step: &Fused) {
        let mut first = graph.node(step.result).shape.channels();
        for &id in &step.beside {
            self.homes[id.index()] = Home::Part(step.result, first);
            first += graph.node(id).shape.channels();
        }
    }

    /// Lets the values that are concatenated lie in the result, where that is possible.
    fn concat(&mut self, graph: &Graph, steps: &[Fused], concat: NodeId) {
        let mut first = 0;
        for &id in &graph.node(concat).inputs {
            let node = graph.node(id);
            let made = steps.iter().any(|step| step.result == id);
            let reshaped = self.homes.contains(&Home::Same(id));
            let reads = |step: &Fused, value: NodeId| {
                step.source == value
                    || graph.node(step.main).inputs.contains(&value)
                    || step.posts.iter().any(|post| post.other() == Some(value))
            };
            // A step must not read the piece it writes.
            let clash = |made: NodeId, read: NodeId| {
                steps.iter().filter(|step| step.result == made).any(|maker| reads(maker, read))
            };
            let inside = |whole: NodeId| -> Vec<NodeId> {
                graph.ids().filter(|part| *part != concat && self.lies_in(*part, whole)).collect()
            };
            let apart = || {
                let (own, others) = (inside(id), inside(concat));
                own.iter().all(|a| others.iter().all(|b| !clash(*a, *b) && !clash(*b, *a)))
            };
            let free = self.homes[id.index()] == Home::Own && node.stage == graph.node(concat).stage && !reshaped;
            if free && made && apart() {
                self.homes[id.index()] = Home::Part(concat, first);
            } else {
                self.copies.push((id, concat, first));
            }
            first += node.shape.channels();
        }
    }
}

/// The zeros that each convolution wants around what it reads.
fn wanted(graph: &Graph, steps: &[Fused]) -> Vec<(NodeId, Padding)> {
    let border =
        |step: &Fused| step.zeros(graph).filter(|zeros| *zeros != Padding::all(0)).map(|zeros| (step.source, zeros));
    steps.iter().filter_map(border).collect()
}

fn widen(border: &mut Padding, other: Padding) {
    border.top = border.top.max(other.top);
    border.left = border.left.max(other.left);
    border.bottom = border.bottom.max(other.bottom);
    border.right = border.right.max(other.right);
}
