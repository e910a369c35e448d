//! Attention with an online softmax: a panel of queries of one head at a time against some keys after the other, so that the scores of
//! all never exist at once.
//!
//! The queries are the panel, keys and values the rows: then each query has a lane of its own, in which its scores become probabilities
//! and are summed, and these are weights as they are. Keys and values are laid out for that first ([`keys`](super::keys)); those of the
//! text when the prompt changes.

use std::cell::RefCell;
use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};
use half::bf16;

use super::keys::{KEY_BLOCK, Packed, PackedKeys};
use super::{Step, piece};
use crate::exec::cpu::aligned_vec::AlignedVec;
use crate::exec::cpu::kernels::int16::Scales;
use crate::exec::cpu::kernels::{Kernels, MAX_ROWS, PANEL, Softmax, Tile};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::Factor;
use crate::exec::planner::{Kind, View};
use crate::graph::Mask;

/// Keys whose scores become probabilities at once: whole tiles of most instruction sets.
const GROUP: usize = KEY_BLOCK / 4;

/// softmax(q k^T / sqrt(d)) v. A task does a panel of queries of one head of one sample.
pub struct Attention {
    /// Queries [n, 1, t, c].
    pub queries: View,
    /// Keys and values.
    pub packed: PackedKeys,
    /// Where to, [n, 1, t, c].
    pub output: View,
    /// Who sees whom.
    pub mask: Mask,
}

/// Numbers of a task, and the same as bf16.
struct Room {
    /// Queries as weights.
    panel: AlignedVec<f32>,
    rounded_panel: AlignedVec<bf16>,
    int16_panel: AlignedVec<i16>,
    /// Queries one after the other, then sums of values, channel after channel of all queries.
    rows: AlignedVec<f32>,
    rounded_rows: AlignedVec<bf16>,
    /// Scores against some keys.
    scores: AlignedVec<f32>,
    probs: AlignedVec<bf16>,
    int16_probs: AlignedVec<i16>,
}

impl Room {
    const NONE: Self = Self {
        panel: AlignedVec::EMPTY,
        rounded_panel: AlignedVec::EMPTY,
        int16_panel: AlignedVec::EMPTY,
        rows: AlignedVec::EMPTY,
        rounded_rows: AlignedVec::EMPTY,
        scores: AlignedVec::EMPTY,
        probs: AlignedVec::EMPTY,
        int16_probs: AlignedVec::EMPTY,
    };

    /// For such keys.
    fn make(&mut self, packed: &PackedKeys) {
        let PackedKeys { width, factor, .. } = *packed;
        [&mut self.panel, &mut self.rows].into_iter().for_each(|lines| lines.make_room(width * PANEL));
        [&mut self.rounded_panel, &mut self.rounded_rows].into_iter().for_each(|lines| lines.make_room(width * PANEL));
        self.scores.make_room(KEY_BLOCK * PANEL);
        self.probs.make_room(KEY_BLOCK * PANEL);
        if factor == Factor::Int16 {
            self.int16_panel.make_room(width * PANEL);
            self.int16_probs.make_room(KEY_BLOCK * PANEL);
        }
    }
}

thread_local! {
    /// Where each thread keeps the numbers of its task.
    static KEEP: RefCell<Room> = const { RefCell::new(Room::NONE) };
}

impl Step for Attention {
    fn tasks(&self) -> usize {
        self.queries.n * self.packed.heads * self.queries.w.div_ceil(PANEL)
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let panels = self.queries.w.div_ceil(PANEL);
        let (n, head) = (task / panels / self.packed.heads, task / panels % self.packed.heads);
        let queries = piece(task % panels, PANEL, self.queries.w);
        let [keys, values] = self.packed.read(n, head, memory);
        KEEP.with_borrow_mut(|room| {
            room.make(&self.packed);
            let scales = self.fetch((n, head), &queries, room, (memory, kernels));
            let totals = Head { attention: self, kernels, queries: &queries, scales, keys, values }.attend(room);
            self.put((n, head), &queries, (room, &totals), (memory, kernels));
        });
    }
}

impl Attention {
    /// Packs some queries as weights, so that scores are exponents of 2. Returns the scales of integers.
    fn fetch(
        &self,
        (n, head): (usize, usize),
        queries: &Range<usize>,
        room: &mut Room,
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) -> [f32; PANEL] {
        let PackedKeys { width, factor, .. } = self.packed;
        let mut scales = [0.0; PANEL];
        let rows = &mut room.rows[..width * queries.len()];
        let scale = std::f32::consts::LOG2_E / (width as f32).sqrt();
        for (query, row) in queries.clone().zip(rows.chunks_exact_mut(width)) {
            let at = self.queries.at(n, 0, query) + head * width;
            match self.queries.kind {
                Kind::F32 => {
                    row.copy_from_slice(memory.read(at..at + width));
                    kernels.scale(row, scale);
                }
                Kind::Half => kernels.scale_bf16(memory.read_bf16(at..at + width), scale, row),
            }
        }
        match factor {
            Factor::F32 | Factor::Int16 => {
                let panel = &mut room.panel[..width * PANEL];
                kernels.transpose(cast_slice(rows), width, cast_slice_mut(panel), PANEL);
                if factor == Factor::Int16 {
                    kernels.quantize_columns(panel, &mut scales, &mut room.int16_panel[..width * PANEL]);
                }
            }
            Factor::Bf16 => {
                let rounded = &mut room.rounded_rows[..rows.len()];
                kernels.narrow(rows, rounded);
                // Two channels side by side.
                let panel = cast_slice_mut(&mut room.rounded_panel);
                kernels.transpose(cast_slice(rounded), width / 2, panel, PANEL);
            }
        }
        scales
    }

    /// Divides the sums by the totals and puts them where they belong.
    fn put(
        &self,
        (n, head): (usize, usize),
        queries: &Range<usize>,
        (room, totals): (&mut Room, &[f32; PANEL]),
        (memory, kernels): (MemoryRef<'_>, &Kernels),
    ) {
        let width = self.packed.width;
        let sums = &mut room.rows[..width * PANEL];
        let factors = totals.map(|total| 1.0 / total);
        for row in sums.as_chunks_mut::<PANEL>().0 {
            row.iter_mut().zip(&factors).for_each(|(sum, factor)| *sum *= factor);
        }
        let places = queries.clone().map(|query| self.output.at(n, 0, query) + head * width);
        // The queries are no longer needed: there is room for one row of sums after the other.
        let rows = &mut room.panel[..width * PANEL];
        kernels.transpose(cast_slice(sums), PANEL, cast_slice_mut(rows), width);
        match self.output.kind {
            Kind::F32 => {
                places.zip(rows.chunks_exact(width)).for_each(|(at, row)| memory.write(at, width).copy_from_slice(row));
            }
            Kind::Half => {
                let rounded = &mut room.rounded_rows[..rows.len()];
                kernels.narrow(rows, rounded);
                let rows = rounded.chunks_exact(width);
                places.zip(rows).for_each(|(at, row)| memory.write_bf16(at, width).copy_from_slice(row));
            }
        }
    }
}

/// Some queries of one head of one sample.
struct Head<'a> {
    attention: &'a Attention,
    kernels: &'a Kernels,
    queries: &'a Range<usize>,
    /// Of the queries, if they are integers.
    scales: [f32; PANEL],
    keys: Packed<'a>,
    values: Packed<'a>,
}

/// How far they are.
struct Run<'a> {
    panel: &'a [f32],
    rounded_panel: &'a [bf16],
    int16_panel: &'a [i16],
    /// Of each channel of values, of all queries.
    sums: &'a mut [f32],
    scores: &'a mut [f32],
    probs: &'a mut [bf16],
    int16_probs: &'a mut [i16],
    state: Softmax,
    /// Keys that have probabilities, but whose values are still to be added.
    waiting: Range<usize>,
}

impl Head<'_> {
    /// Sums the values of all keys that are seen. Returns what they are to be divided by.
    fn attend(&self, room: &mut Room) -> [f32; PANEL] {
        let PackedKeys { keys, width, .. } = self.attention.packed;
        let Room { panel, rounded_panel, int16_panel, rows, scores, probs, int16_probs, .. } = room;
        let (panel, rounded_panel, sums) =
            (&panel[..width * PANEL], &rounded_panel[..width * PANEL], &mut rows[..width * PANEL]);
        sums.fill(0.0);
        let (state, waiting) = (Softmax::START, 0..0);
        let mut run = Run { panel, rounded_panel, int16_panel, sums, scores, probs, int16_probs, state, waiting };
        let end = if self.attention.mask == Mask::Causal { keys.min(self.queries.end) } else { keys };
        for start in (0..end).step_by(GROUP) {
            let mut group = start..end.min(start + GROUP);
            while !group.is_empty() {
                group.start = self.probs_fused(&group, &mut run);
                if !group.is_empty() {
                    group.start = self.probs_by_scores(&group, &mut run);
                }
            }
            if group.end.is_multiple_of(KEY_BLOCK) || group.end == end {
                self.accumulate(&mut run);
            }
        }
        *run.state.totals()
    }

    /// Whether some keys come after some of the queries, which do not see them then.
    fn hides(&self, keys: &Range<usize>) -> bool {
        self.attention.mask == Mask::Causal && keys.end > self.queries.start
    }

    /// Makes probabilities of some of the first keys of a group, if the kernels fuse that with the scores. Returns the first that has
    /// none.
    fn probs_fused(&self, group: &Range<usize>, run: &mut Run<'_>) -> usize {
        let PackedKeys { width, factor, .. } = self.attention.packed;
        if factor == Factor::Bf16 && !self.hides(group) {
            let keys = &self.keys.rounded()[group.start * width..group.end * width];
            let out = &mut run.probs[PANEL * run.waiting.len()..];
            run.waiting.end += self.kernels.fused_probs(keys, run.rounded_panel, &mut run.state, out);
        }
        run.waiting.end
    }

    /// Makes probabilities of the first keys of a group: of as many as it takes until they can be [fused](Self::probs_fused) again.
    /// Returns the first that has none.
    fn probs_by_scores(&self, group: &Range<usize>, run: &mut Run<'_>) -> usize {
        let (rounded, kernels) = (self.attention.packed.factor == Factor::Bf16, self.kernels);
        let most = if kernels.fuses_probs && !self.hides(group) { kernels.rows } else { GROUP };
        let keys = group.start..group.end.min(group.start + most);
        // Scores become probabilities where they are, or leave their place to the next.
        let first = if rounded { 0 } else { PANEL * run.waiting.len() };
        let mut here = first..first + PANEL * keys.len();
        self.scores(&keys, run, first);
        if self.hides(&keys) {
            self.hide(&keys, &mut run.scores[here.clone()]);
        }
        if let Some(shrink) = kernels.rise(&run.scores[here.clone()], &mut run.state) {
            self.accumulate(run);
            for row in run.sums.chunks_exact_mut(PANEL) {
                row.iter_mut().zip(&shrink).for_each(|(sum, shrink)| *sum *= shrink);
            }
            run.scores.copy_within(here.clone(), 0);
            here = 0..here.len();
        }
        if rounded {
            let out = &mut run.probs[PANEL * run.waiting.len()..];
            kernels.probs_bf16(&mut run.scores[here], &mut run.state, out);
        } else {
            kernels.probs(&mut run.scores[here], &mut run.state);
        }
        run.waiting.end = keys.end;
        keys.end
    }

    /// The scores of all queries against some keys, from `scores[place]` on.
    fn scores(
        &self,
        keys: &Range<usize>,
        Run { panel, rounded_panel, int16_panel, scores, .. }: &mut Run<'_>,
        place: usize,
    ) {
        let (run, kernels) = (self.attention.packed.width, self.kernels);
        let (taps, width, hold, ahead) = (&[0][..], PANEL, false, &[][..]);
        // As even as can be: a last tile of few rows would take as long as a full one.
        let rows = keys.len().div_ceil(keys.len().div_ceil(kernels.rows));
        let out = &mut scores[place..][..PANEL * keys.len()];
        for (first, out) in keys.clone().step_by(rows).zip(out.chunks_mut(rows * PANEL)) {
            let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| (first + row) * run);
            let pixels = &pixels[..rows.min(keys.end - first)];
            match self.attention.packed.factor {
                Factor::F32 => {
                    let (input, weights) = (self.keys.exact(), &**panel);
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, out);
                }
                Factor::Bf16 => {
                    let (input, weights) = (self.keys.rounded(), &**rounded_panel);
                    kernels.tile_bf16(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, out);
                }
                Factor::Int16 => {
                    let ((input, scales), weights) = (self.keys.int16(), &int16_panel[..run * PANEL]);
                    let scales = Scales { rows: &scales[first..], step: 0, columns: &self.scales };
                    kernels.tile_int16(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, scales, out);
                }
            }
        }
    }

    /// Takes the scores against keys that come after a query out of its sight.
    fn hide(&self, keys: &Range<usize>, scores: &mut [f32]) {
        for (key, row) in keys.clone().zip(scores.chunks_exact_mut(PANEL)) {
            let before = key.saturating_sub(self.queries.start).min(PANEL);
            row[..before].fill(f32::NEG_INFINITY);
        }
    }

    /// Adds the values of the keys that wait, each times its probability, to the sums.
    fn accumulate(&self, run: &mut Run<'_>) {
        let PackedKeys { width: channels, factor, .. } = self.attention.packed;
        let (padded, kernels) = (self.attention.packed.padded(), self.kernels);
        let (taps, width, hold, ahead) = (&[0][..], PANEL, true, &[][..]);
        let keys = run.waiting.clone();
        run.waiting.start = keys.end;
        if keys.is_empty() {
            return;
        }
        // A last odd key has a partner whose probabilities are zeros.
        let pairs = keys.len().next_multiple_of(2);
        let mut columns = [0.0; PANEL];
        if factor == Factor::Int16 {
            let probs = &run.scores[..keys.len() * PANEL];
            kernels.quantize_columns(probs, &mut columns, &mut run.int16_probs[..pairs * PANEL]);
        }
        let rows = channels.div_ceil(channels.div_ceil(kernels.rows));
        for (first, sums) in (0..channels).step_by(rows).zip(run.sums.chunks_mut(rows * PANEL)) {
            let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| (first + row) * padded + keys.start);
            let pixels = &pixels[..rows.min(channels - first)];
            match factor {
                Factor::F32 => {
                    let (input, run, weights) = (self.values.exact(), keys.len(), &run.scores[..keys.len() * PANEL]);
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, sums);
                }
                Factor::Bf16 => {
                    let (input, run, weights) = (self.values.rounded(), pairs, &run.probs[..pairs * PANEL]);
                    kernels.tile_bf16(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, sums);
                }
                Factor::Int16 => {
                    let ((input, scales), run, weights) =
                        (self.values.int16(), pairs, &run.int16_probs[..pairs * PANEL]);
                    let rows = &scales[keys.start / KEY_BLOCK * channels + first..];
                    let tile = Tile { input, pixels, taps, run, weights, width, hold, ahead };
                    kernels.tile_int16(&tile, Scales { rows, step: 0, columns: &columns }, sums);
                }
            }
        }
    }
}
