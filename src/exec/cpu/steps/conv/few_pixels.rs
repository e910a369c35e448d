//! Layers over few pixels, whose weights take longer to come than to be multiplied: they are widened piece by piece, in the L1
//! cache, while the next pieces are on their way.

use super::super::piece;
use super::{Conv, Input, Outputs, Spots, Task, WIDE};
use crate::exec::cpu::kernels::{Kernels, MAX_ROWS, PANEL, Sums, Tile};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::Numbers;

/// Rows of weights of a piece.
const DEPTH: usize = 64;

impl Conv {
    /// Whether a task has few pixels, and its weights are of f16.
    pub(super) fn has_few_pixels(&self, task: &Task<'_>) -> bool {
        if self.layer.gate.is_some() || task.pixels.len() > MAX_ROWS {
            return false;
        }
        // What lies side by side may have come from disk differently.
        let is_f16 = |index| matches!(task.part.panels.panel(index).weights, Numbers::F16(_));
        piece(task.group, self.group, self.count()).all(is_f16)
    }

    /// What [`multiply`](Self::multiply) does, for few pixels.
    pub(super) fn multiply_few_pixels(
        &self,
        task: &Task<'_>,
        input: &Input<'_>,
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) {
        let Task { part, n, ref pixels, group } = *task;
        let (mut sums, mut spots, count) = (Sums::ZERO, Spots::NONE, pixels.len());
        let tiles = count.div_ceil(kernels.rows);
        let rows = count.div_ceil(tiles);
        let mut wide = WIDE.take();
        let room = wide[0].exact.room(DEPTH * PANEL);
        let weights_of = |index: usize| match (index < self.count()).then(|| part.panels.panel(index).weights) {
            Some(Numbers::F16(weights)) => weights,
            _ => &[],
        };
        for index in piece(group, self.group, self.count()) {
            let panel = part.panels.panel(index);
            let (mut rest, width) = (weights_of(index), panel.width);
            let outputs = Outputs { part, n, input: input.first, output: panel.first };
            self.advance(&outputs, self.cursor(&outputs, part.place(pixels.start)), count, &mut spots);
            let (at, from, to) = (&spots.at[..count], &spots.from[..count], &spots.to[..count]);
            self.epilogue.prefetch(memory, &panel, at, to);
            let out = &mut sums.0[..count * width];
            let pieces = self.taps.iter().flat_map(|tap| (0..self.run).step_by(DEPTH).map(move |first| (*tap, first)));
            for (nth, (tap, first)) in pieces.enumerate() {
                let run = DEPTH.min(self.run - first);
                let (here, behind) = rest.split_at(run * width);
                rest = behind;
                let weights = &mut room[..here.len()];
                kernels.widen_f16(here, weights);
                let next = if rest.is_empty() { weights_of(index + 1) } else { rest };
                let next: &[u8] = bytemuck::cast_slice(&next[..next.len().min(DEPTH * width)]);
                let outs = out.chunks_mut(rows * width);
                for (tile, (pixels, out)) in from.chunks(rows).zip(outs).enumerate() {
                    let ahead = &next[piece(tile, next.len().div_ceil(tiles), next.len())];
                    let (input, taps, hold) = (input.exact, &[tap + first][..], nth > 0);
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, out);
                }
            }
            self.epilogue.store((memory, kernels), (out, &panel, &part.bias), at, to);
        }
        WIDE.set(wide);
    }
}
