//! Moving values, and the zeros around maps.

use half::bf16;

use super::Step;
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::planner::Piece;
use crate::exec::planner::{Kind, View};

/// Copies a value to another place: as it is, repeated to a larger map, or under another shape. A task does one row.
pub struct Copy {
    /// What is read.
    pub input: View,
    /// Where to.
    pub output: View,
    /// Whether the elements keep their order instead of their places.
    pub reshape: bool,
}

impl Step for Copy {
    fn tasks(&self) -> usize {
        self.output.n * self.output.h
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, _: &Kernels) {
        let (from, to) = (&self.input, &self.output);
        let (n, y) = (task / to.h, task % to.h);
        for x in 0..to.w {
            let place = memory.write(to.at(n, y, x), to.c);
            if self.reshape {
                let first = ((n * to.h + y) * to.w + x) * to.c;
                for (index, value) in (first..).zip(place) {
                    let (pixel, c) = (index / from.c, index % from.c);
                    let at = from.at(pixel / from.positions(), pixel / from.w % from.h, pixel % from.w) + c;
                    *value = memory.read(at..at + 1)[0];
                }
            } else {
                let at = from.at(n, y * from.h / to.h, x * from.w / to.w);
                place.copy_from_slice(memory.read(at..at + to.c));
            }
        }
    }
}

/// Writes the zeros around a map. A task does one sample.
pub struct Border {
    piece: Piece,
    view: View,
}

impl Border {
    /// For a piece that begins at `offset`.
    pub fn new(piece: &Piece, offset: usize) -> Self {
        Self { piece: piece.clone(), view: piece.view(offset) }
    }
}

impl Step for Border {
    fn tasks(&self) -> usize {
        self.view.n
    }

    fn run(&self, n: usize, memory: MemoryRef<'_>, _: &Kernels) {
        let (view, border) = (&self.view, self.piece.border);
        let (start, before) =
            (view.at(n, 0, 0) - border.top * view.row - border.left * view.pixel, border.left * view.pixel);
        let after = border.right * view.pixel;
        let zeros = |at: usize, len: usize| match view.kind {
            Kind::F32 => memory.write(at, len).fill(0.0),
            Kind::Half => memory.write_bf16(at, len).fill(bf16::ZERO),
        };
        zeros(start, border.top * view.row);
        for y in 0..view.h {
            let row = start + (border.top + y) * view.row;
            zeros(row, before);
            zeros(row + view.row - after, after);
        }
        zeros(start + (border.top + view.h) * view.row, border.bottom * view.row);
    }
}
