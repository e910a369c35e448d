//! Attention, a panel of queries of one head at a time against some keys after the other, so that the scores of all never exist at
//! once.
//!
//! The queries are the panel, keys and values the rows: then each query has a lane of its own, in which its scores become chances
//! and are summed, and these are weights as they are. Keys and values are laid out for that first ([`PackKeys`]); those of the text
//! when the prompt changes.

use std::cell::RefCell;
use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};
use half::bf16;

use super::{Step, piece};
use crate::exec::cpu::kernels::{Kernels, MAX_ROWS, PANEL, Softmax, Tile};
use crate::exec::cpu::lines::Lines;
use crate::exec::cpu::memory::Desk;
use crate::exec::planner::{Kind, View};
use crate::graph::Mask;

/// Keys whose scores become chances at once: whole tiles of most instruction sets.
const GROUP: usize = 96;
/// Keys whose values are gathered at once: their chances stay in the first-level cache.
const GATHERED: usize = 4 * GROUP;

/// Where the packed keys and values of all heads lie.
#[derive(Clone, Copy, Debug)]
pub struct PackedKeys {
    /// Where they begin.
    pub offset: usize,
    /// Heads, in batch and channels.
    pub heads: usize,
    /// Keys, without padding.
    pub keys: usize,
    /// Channels of a head.
    pub width: usize,
    /// How they are stored: as f32, or as bf16 with two to a number of memory.
    pub kind: Kind,
}

impl PackedKeys {
    /// Keys with those that are only padding, which fill a line of values.
    fn padded(&self) -> usize {
        self.keys.next_multiple_of(PANEL)
    }

    /// Numbers of memory that the keys, or the values, of one head of one sample take.
    fn room(&self) -> usize {
        self.padded() * self.width / self.kind.per_cell()
    }

    /// Numbers of everything.
    pub fn len(&self, batch: usize) -> usize {
        2 * batch * self.heads * self.room()
    }

    /// Where the keys of a head, one after the other, and its values, channel after channel, begin.
    fn at(&self, n: usize, head: usize) -> [usize; 2] {
        let start = self.offset + 2 * (n * self.heads + head) * self.room();
        [start, start + self.room()]
    }
}

/// Packs keys and values. A task does one head of one sample.
pub struct PackKeys {
    /// Keys [n, 1, s, c].
    pub keys: View,
    /// Values [n, 1, s, c].
    pub values: View,
    /// Where to.
    pub packed: PackedKeys,
}

impl Step for PackKeys {
    fn tasks(&self) -> usize {
        self.keys.n * self.packed.heads
    }

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let PackedKeys { heads, width, kind, .. } = self.packed;
        let (n, head) = (task / heads, task % heads);
        let places = self.packed.at(n, head).map(|start| desk.write(start, self.packed.room()));
        KEEP.with_borrow_mut(|room| {
            room.make(width);
            match kind {
                Kind::F32 => self.pack((n, head), places, &mut room.rows, |view, at, row| match view.kind {
                    Kind::F32 => row.copy_from_slice(desk.read(at..at + width)),
                    Kind::Half => kernels.scale_bf16(desk.read_bf16(at..at + width), 1.0, row),
                }),
                Kind::Half => {
                    let places = places.map(cast_slice_mut);
                    self.pack((n, head), places, &mut room.rounded_rows, |view, at, row| match view.kind {
                        Kind::F32 => kernels.narrow(desk.read(at..at + width), row),
                        Kind::Half => row.copy_from_slice(desk.read_bf16(at..at + width)),
                    });
                }
            }
        });
    }
}

impl PackKeys {
    /// Packs one head of one sample from numbers that `read` brings. In `block` there is room for some values.
    fn pack<T: Copy + Default>(
        &self,
        (n, head): (usize, usize),
        [keys, values]: [&mut [T]; 2],
        block: &mut [T],
        read: impl Fn(&View, usize, &mut [T]),
    ) {
        let PackedKeys { width, keys: count, .. } = self.packed;
        let padded = self.packed.padded();
        let fetch = |view: &View, key: usize, row: &mut [T]| read(view, view.at(n, 0, key) + head * width, row);
        for (key, row) in keys.chunks_exact_mut(width).enumerate() {
            if key < count { fetch(&self.keys, key, row) } else { row.fill(T::default()) }
        }
        // Some values at a time, since one after the other would go to and fro between far places.
        for first in (0..padded).step_by(PANEL) {
            for (key, row) in (first..first + PANEL).zip(block.chunks_exact_mut(width)) {
                if key < count { fetch(&self.values, key, row) } else { row.fill(T::default()) }
            }
            for (channel, line) in values.chunks_exact_mut(padded).enumerate() {
                for (key, place) in line[first..][..PANEL].iter_mut().enumerate() {
                    *place = block[key * width + channel];
                }
            }
        }
    }
}

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
    panel: Lines<f32>,
    rounded_panel: Lines<bf16>,
    /// Queries one after the other, then sums of values, channel after channel of all queries.
    rows: Lines<f32>,
    rounded_rows: Lines<bf16>,
    /// Scores against some keys.
    scores: Lines<f32>,
    chances: Lines<bf16>,
}

impl Room {
    const NONE: Self = Self {
        panel: Lines::NONE,
        rounded_panel: Lines::NONE,
        rows: Lines::NONE,
        rounded_rows: Lines::NONE,
        scores: Lines::NONE,
        chances: Lines::NONE,
    };

    /// For heads of so many channels.
    fn make(&mut self, width: usize) {
        [&mut self.panel, &mut self.rows].into_iter().for_each(|lines| lines.make_room(width * PANEL));
        [&mut self.rounded_panel, &mut self.rounded_rows].into_iter().for_each(|lines| lines.make_room(width * PANEL));
        self.scores.make_room(GATHERED * PANEL);
        self.chances.make_room(GATHERED * PANEL);
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

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let panels = self.queries.w.div_ceil(PANEL);
        let (n, head) = (task / panels / self.packed.heads, task / panels % self.packed.heads);
        let queries = piece(task % panels, PANEL, self.queries.w);
        let [keys, values] = self.packed.at(n, head).map(|start| desk.read(start..start + self.packed.room()));
        KEEP.with_borrow_mut(|room| {
            room.make(self.packed.width);
            self.fetch((n, head), &queries, room, (desk, kernels));
            let totals = Head { attention: self, kernels, queries: &queries, keys, values }.attend(room);
            self.put((n, head), &queries, (room, &totals), (desk, kernels));
        });
    }
}

impl Attention {
    /// Packs some queries as weights, so that scores are powers of 2.
    fn fetch(&self, (n, head): (usize, usize), queries: &Range<usize>, room: &mut Room, how: (Desk<'_>, &Kernels)) {
        let (PackedKeys { width, kind, .. }, (desk, kernels)) = (self.packed, how);
        let rows = &mut room.rows[..width * queries.len()];
        let factor = std::f32::consts::LOG2_E / (width as f32).sqrt();
        for (query, row) in queries.clone().zip(rows.chunks_exact_mut(width)) {
            let at = self.queries.at(n, 0, query) + head * width;
            match self.queries.kind {
                Kind::F32 => {
                    row.copy_from_slice(desk.read(at..at + width));
                    kernels.scale(row, factor);
                }
                Kind::Half => kernels.scale_bf16(desk.read_bf16(at..at + width), factor, row),
            }
        }
        match kind {
            Kind::F32 => kernels.transpose(cast_slice(rows), width, cast_slice_mut(&mut room.panel), PANEL),
            Kind::Half => {
                let rounded = &mut room.rounded_rows[..rows.len()];
                kernels.narrow(rows, rounded);
                // Two channels side by side.
                let panel = cast_slice_mut(&mut room.rounded_panel);
                kernels.transpose(cast_slice(rounded), width / 2, panel, PANEL);
            }
        }
    }

    /// Divides the sums by the totals and puts them where they belong.
    fn put(
        &self,
        (n, head): (usize, usize),
        queries: &Range<usize>,
        (room, totals): (&mut Room, &[f32; PANEL]),
        (desk, kernels): (Desk<'_>, &Kernels),
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
                places.zip(rows.chunks_exact(width)).for_each(|(at, row)| desk.write(at, width).copy_from_slice(row));
            }
            Kind::Half => {
                let rounded = &mut room.rounded_rows[..rows.len()];
                kernels.narrow(rows, rounded);
                let rows = rounded.chunks_exact(width);
                places.zip(rows).for_each(|(at, row)| desk.write_bf16(at, width).copy_from_slice(row));
            }
        }
    }
}

/// Some queries of one head of one sample.
struct Head<'a> {
    attention: &'a Attention,
    kernels: &'a Kernels,
    queries: &'a Range<usize>,
    /// Packed keys and values, as they lie in memory.
    keys: &'a [f32],
    values: &'a [f32],
}

/// How far they are.
struct Run<'a> {
    panel: &'a [f32],
    rounded_panel: &'a [bf16],
    /// Of each channel of values, of all queries.
    sums: &'a mut [f32],
    scores: &'a mut [f32],
    chances: &'a mut [bf16],
    state: Softmax,
    /// Keys that have chances, but whose values are still to be gathered.
    waiting: Range<usize>,
}

impl Head<'_> {
    /// Sums the values of all keys that are seen. Returns what they are to be divided by.
    fn attend(&self, room: &mut Room) -> [f32; PANEL] {
        let PackedKeys { keys, width, .. } = self.attention.packed;
        let Room { panel, rounded_panel, rows, scores, chances, .. } = room;
        let (panel, rounded_panel, sums) =
            (&panel[..width * PANEL], &rounded_panel[..width * PANEL], &mut rows[..width * PANEL]);
        sums.fill(0.0);
        let mut run = Run { panel, rounded_panel, sums, scores, chances, state: Softmax::START, waiting: 0..0 };
        let end = if self.attention.mask == Mask::Causal { keys.min(self.queries.end) } else { keys };
        for start in (0..end).step_by(GROUP) {
            let mut group = start..end.min(start + GROUP);
            while !group.is_empty() {
                group.start = self.quickly(&group, &mut run);
                if !group.is_empty() {
                    group.start = self.slowly(&group, &mut run);
                }
            }
            if run.waiting.len() + GROUP > GATHERED || group.end == end {
                self.gather(&mut run);
            }
        }
        *run.state.totals()
    }

    /// Whether some keys come after some of the queries, which do not see them then.
    fn hides(&self, keys: &Range<usize>) -> bool {
        self.attention.mask == Mask::Causal && keys.end > self.queries.start
    }

    /// Makes chances of some of the first keys of a group, if the kernels can without their scores. Returns the first that has none.
    fn quickly(&self, group: &Range<usize>, run: &mut Run<'_>) -> usize {
        let PackedKeys { width, kind, .. } = self.attention.packed;
        if kind == Kind::Half && !self.hides(group) {
            let keys: &[bf16] = &cast_slice(self.keys)[group.start * width..group.end * width];
            let out = &mut run.chances[PANEL * run.waiting.len()..];
            run.waiting.end += self.kernels.powers(keys, run.rounded_panel, &mut run.state, out);
        }
        run.waiting.end
    }

    /// Makes chances of the first keys of a group: of as many as it takes until they can be made [`quickly`](Self::quickly) again.
    /// Returns the first that has none.
    fn slowly(&self, group: &Range<usize>, run: &mut Run<'_>) -> usize {
        let (kind, kernels) = (self.attention.packed.kind, self.kernels);
        let most = if kernels.quick && !self.hides(group) { kernels.rows } else { GROUP };
        let keys = group.start..group.end.min(group.start + most);
        // Scores become chances where they are, or leave their place to the next.
        let first = if kind == Kind::F32 { PANEL * run.waiting.len() } else { 0 };
        let mut here = first..first + PANEL * keys.len();
        self.scores((run.panel, run.rounded_panel), &keys, &mut run.scores[here.clone()]);
        if self.hides(&keys) {
            self.hide(&keys, &mut run.scores[here.clone()]);
        }
        if let Some(shrink) = kernels.rise(&run.scores[here.clone()], &mut run.state) {
            self.gather(run);
            for row in run.sums.chunks_exact_mut(PANEL) {
                row.iter_mut().zip(&shrink).for_each(|(sum, shrink)| *sum *= shrink);
            }
            run.scores.copy_within(here.clone(), 0);
            here = 0..here.len();
        }
        match kind {
            Kind::F32 => kernels.chances(&mut run.scores[here], &mut run.state),
            Kind::Half => {
                let out = &mut run.chances[PANEL * run.waiting.len()..];
                kernels.chances_bf16(&mut run.scores[here], &mut run.state, out);
            }
        }
        run.waiting.end = keys.end;
        keys.end
    }

    /// The scores of all queries against some keys.
    fn scores(&self, (panel, rounded_panel): (&[f32], &[bf16]), keys: &Range<usize>, out: &mut [f32]) {
        let (run, kernels) = (self.attention.packed.width, self.kernels);
        let (taps, width, hold, ahead) = (&[0][..], PANEL, false, &[][..]);
        // As even as can be: a last tile of few rows would take as long as a full one.
        let rows = keys.len().div_ceil(keys.len().div_ceil(kernels.rows));
        for (first, out) in keys.clone().step_by(rows).zip(out.chunks_mut(rows * PANEL)) {
            let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| (first + row) * run);
            let pixels = &pixels[..rows.min(keys.end - first)];
            match self.attention.packed.kind {
                Kind::F32 => {
                    let (input, weights) = (self.keys, panel);
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, out);
                }
                Kind::Half => {
                    let (input, weights) = (cast_slice(self.keys), rounded_panel);
                    kernels.tile_bf16(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, out);
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

    /// Adds the values of the keys that wait, each times its chance, to the sums.
    fn gather(&self, run: &mut Run<'_>) {
        let PackedKeys { width: channels, kind, .. } = self.attention.packed;
        let (padded, kernels) = (self.attention.packed.padded(), self.kernels);
        let (taps, width, hold, ahead) = (&[0][..], PANEL, true, &[][..]);
        let keys = run.waiting.clone();
        run.waiting.start = keys.end;
        if keys.is_empty() {
            return;
        }
        let rows = channels.div_ceil(channels.div_ceil(kernels.rows));
        for (first, sums) in (0..channels).step_by(rows).zip(run.sums.chunks_mut(rows * PANEL)) {
            let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| (first + row) * padded + keys.start);
            let pixels = &pixels[..rows.min(channels - first)];
            match kind {
                Kind::F32 => {
                    let (input, run, weights) = (self.values, keys.len(), &run.scores[..keys.len() * PANEL]);
                    kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, sums);
                }
                Kind::Half => {
                    // A last odd key has a partner whose chances are zeros.
                    let (input, pairs) = (cast_slice(self.values), keys.len().next_multiple_of(2));
                    let (run, weights) = (pairs, &run.chances[..pairs * PANEL]);
                    kernels.tile_bf16(&Tile { input, pixels, taps, run, weights, width, hold, ahead }, sums);
                }
            }
        }
    }
}
