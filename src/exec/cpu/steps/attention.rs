//! Attention, some queries of one head at a time against blocks of keys, so that the scores of all never exist at once.
//!
//! Keys and values are first packed like weights ([`PackKeys`]): then scores and sums are products like any other. Those of
//! the text are packed when the prompt changes.

use std::cell::RefCell;

use half::bf16;

use super::{Step, piece, read, write};
use crate::exec::cpu::kernels::{Kernels, LANES, MAX_ROWS, PANEL, Softmax, Tile};
use crate::exec::cpu::lines::Lines;
use crate::exec::cpu::memory::Desk;
use crate::exec::planner::{Kind, View};
use crate::graph::Mask;

/// Keys of a block at most.
const BLOCK: usize = 512;
/// Scores of a tile against a block, about: they stay near the first-level cache.
const SCORES: usize = 9 << 10;
/// Queries of a task at least, in whole tiles: they share a block of keys while it is in the cache.
const QUERIES: usize = 48;

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
    /// Columns of the narrowest tile.
    pub lanes: usize,
}

impl PackedKeys {
    /// Keys with those that are only padding.
    fn padded(&self) -> usize {
        self.keys.next_multiple_of(PANEL)
    }

    /// Columns of values with those that are only padding.
    fn columns(&self) -> usize {
        let rest = self.width % PANEL;
        let room = [0, self.lanes, LANES].into_iter().find(|columns| rest <= *columns);
        self.width - rest + room.unwrap_or(PANEL)
    }

    /// Numbers of memory that so many keys or values take.
    fn room(&self, values: usize) -> usize {
        values / self.kind.per_cell()
    }

    /// Numbers of memory for one head of one sample.
    fn head(&self) -> usize {
        self.room(self.padded() * (self.width + self.columns()))
    }

    /// Numbers of everything.
    pub fn len(&self, batch: usize) -> usize {
        batch * self.heads * self.head()
    }

    /// Where the keys, in panels of 32, and the values, in panels of 32 columns and one of what is left, of a head begin.
    fn at(&self, n: usize, head: usize) -> [usize; 2] {
        let start = self.offset + (n * self.heads + head) * self.head();
        [start, start + self.room(self.padded() * self.width)]
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
        let PackedKeys { heads, width, .. } = self.packed;
        let (n, head) = (task / heads, task % heads);
        let [key_start, value_start] = self.packed.at(n, head);
        let (padded, columns) = (self.packed.padded(), self.packed.columns());
        let keys = desk.write(key_start, self.packed.room(padded * width));
        let values = desk.write(value_start, self.packed.room(padded * columns));
        match self.packed.kind {
            Kind::F32 => self.pack::<1, f32>((n, head), [keys, values], |view, at, row| read(view, at, desk, row)),
            Kind::Half => {
                let places = [keys, values].map(bytemuck::cast_slice_mut);
                self.pack::<2, bf16>((n, head), places, |view, at, row| match view.kind {
                    Kind::F32 => kernels.narrow(desk.read(at..at + width), row),
                    Kind::Half => row.copy_from_slice(desk.read_bf16(at..at + width)),
                });
            }
        }
    }
}

impl PackKeys {
    /// Packs one head of one sample, with so many rows lying together, from numbers that `read` brings.
    fn pack<const TOGETHER: usize, T: Copy + Default>(
        &self,
        (n, head): (usize, usize),
        [keys, values]: [&mut [T]; 2],
        read: impl Fn(&View, usize, &mut [T]),
    ) {
        let PackedKeys { width, keys: count, .. } = self.packed;
        let (padded, columns) = (self.packed.padded(), self.packed.columns());
        // A panel of keys at a time, since one key after the other would go to and fro between far places. Those that are only
        // padding are zeros.
        let mut block = vec![T::default(); PANEL * width];
        for first in (0..padded).step_by(PANEL) {
            let here = PANEL.min(count - first);
            block[here * width..].fill(T::default());
            let fetch = |view: &View, block: &mut [T]| {
                for (key, row) in (first..first + here).zip(block.chunks_exact_mut(width)) {
                    read(view, view.at(n, 0, key) + head * width, row);
                }
            };
            fetch(&self.keys, &mut block);
            let panel = keys[first * width..][..PANEL * width].chunks_exact_mut(PANEL * TOGETHER);
            for (channel, out) in (0..width).step_by(TOGETHER).zip(panel) {
                for (row, out) in block.chunks_exact(width).zip(out.as_chunks_mut::<TOGETHER>().0) {
                    out.copy_from_slice(&row[channel..][..TOGETHER]);
                }
            }
            fetch(&self.values, &mut block);
            for column in (0..columns).step_by(PANEL) {
                let (wide, used) = ((columns - column).min(PANEL), (width - column).min(PANEL));
                let panel = values[padded * column + first * wide..][..PANEL * wide].chunks_exact_mut(wide * TOGETHER);
                for (rows, out) in block.chunks_exact(TOGETHER * width).zip(panel) {
                    let (out, rest) = out.split_at_mut(used * TOGETHER);
                    for (c, out) in out.as_chunks_mut::<TOGETHER>().0.iter_mut().enumerate() {
                        *out = std::array::from_fn(|together| rows[together * width + column + c]);
                    }
                    rest.fill(T::default());
                }
            }
        }
    }
}

/// softmax(q k^T / sqrt(d)) v. A task does some queries of one head of one sample.
pub struct Attention {
    /// Queries [n, 1, t, c].
    pub queries: View,
    /// Keys and values.
    pub packed: PackedKeys,
    /// Where to, [n, 1, t, c].
    pub output: View,
    /// Who sees whom.
    pub mask: Mask,
    /// Rows of a tile that are quickest.
    pub rows: usize,
}

impl Attention {
    /// Queries of a task.
    fn per_task(&self) -> usize {
        QUERIES.next_multiple_of(self.rows)
    }

    /// Keys of a block.
    fn block(&self) -> usize {
        (SCORES / self.rows).next_multiple_of(PANEL).clamp(BLOCK / 2, BLOCK)
    }

    fn parts(&self) -> usize {
        self.queries.w.div_ceil(self.per_task())
    }

    /// How many keys of a block a query sees.
    fn seen(&self, query: usize, block: &std::ops::Range<usize>) -> usize {
        let end = if self.mask == Mask::Causal { block.end.min(query + 1) } else { block.end };
        end.saturating_sub(block.start)
    }
}

/// Values as f32, or rounded where the packed keys are.
enum Factors<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

/// Numbers of a task: queries, scores against a block of keys, sums of values, and the rounded queries and chances.
struct Room {
    queries: Lines<f32>,
    scores: Lines<f32>,
    sums: Lines<f32>,
    rounded: Lines<bf16>,
    chances: Lines<bf16>,
}

thread_local! {
    /// Where each thread keeps the numbers of its task.
    static KEEP: RefCell<Room> = const {
        RefCell::new(Room {
            queries: Lines::NONE,
            scores: Lines::NONE,
            sums: Lines::NONE,
            rounded: Lines::NONE,
            chances: Lines::NONE,
        })
    };
}

/// The two products of one head of one sample.
struct Products<'a> {
    packed: PackedKeys,
    kernels: &'a Kernels,
    /// Of keys, and of values, as they lie in memory.
    panels: [&'a [f32]; 2],
}

impl Products<'_> {
    fn factors<'a>(&self, values: &'a [f32], rounded: &'a mut Lines<bf16>) -> Factors<'a> {
        match self.packed.kind {
            Kind::F32 => Factors::F32(values),
            Kind::Half => {
                rounded.make_room(values.len());
                let rounded = &mut rounded[..values.len()];
                self.kernels.narrow(values, rounded);
                Factors::Bf16(rounded)
            }
        }
    }

    /// The scores of the queries that begin at `pixels` against the panel of keys from `key` on.
    fn scores(&self, queries: &Factors<'_>, pixels: &[usize], key: usize, out: &mut [f32]) {
        let (run, width, hold, taps) = (self.packed.width, PANEL, false, &[0][..]);
        let range = key * run..(key + PANEL) * run;
        match queries {
            Factors::F32(input) => {
                let weights = &self.panels[0][range];
                self.kernels.tile(&Tile { input, pixels, taps, run, weights, width, hold }, out);
            }
            Factors::Bf16(input) => {
                let weights = &bytemuck::cast_slice(self.panels[0])[range];
                self.kernels.tile_bf16(&Tile { input, pixels, taps, run, weights, width, hold }, out);
            }
        }
    }

    /// Adds the values of some keys, each times its chance, to the sums of `wide` columns from `first` on. Chances lie like
    /// scores: panel after panel, in each the rows, in each of these the keys.
    fn gather(
        &self,
        (exact, rounded): (&[f32], &[bf16]),
        rows: usize,
        keys: std::ops::Range<usize>,
        (first, wide): (usize, usize),
        sums: &mut [f32],
    ) {
        let offsets: [usize; MAX_ROWS] = std::array::from_fn(|row| row * PANEL);
        let taps: [usize; BLOCK / PANEL] = std::array::from_fn(|panel| panel * rows * PANEL);
        let (pixels, taps, run, width, hold) = (&offsets[..rows], &taps[..keys.len() / PANEL], PANEL, wide, true);
        let begin = self.packed.padded() * first;
        let range = begin + keys.start * wide..begin + keys.end * wide;
        match self.packed.kind {
            Kind::F32 => {
                let weights = &self.panels[1][range];
                self.kernels.tile(&Tile { input: exact, pixels, taps, run, weights, width, hold }, sums);
            }
            Kind::Half => {
                let weights = &bytemuck::cast_slice(self.panels[1])[range];
                self.kernels.tile_bf16(&Tile { input: rounded, pixels, taps, run, weights, width, hold }, sums);
            }
        }
    }
}

impl Step for Attention {
    fn tasks(&self) -> usize {
        self.queries.n * self.packed.heads * self.parts()
    }

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        KEEP.with_borrow_mut(|room| self.attend(task, room, desk, kernels));
    }
}

impl Attention {
    /// Does a task.
    fn attend(&self, task: usize, room: &mut Room, desk: Desk<'_>, kernels: &Kernels) {
        let PackedKeys { heads, keys, width, .. } = self.packed;
        let (n, head, part) = (task / self.parts() / heads, task / self.parts() % heads, task % self.parts());
        let queries = piece(part, self.per_task(), self.queries.w);
        let (padded, columns) = (self.packed.padded(), self.packed.columns());
        let [key_start, value_start] = self.packed.at(n, head);
        let key_panels = desk.read(key_start..key_start + self.packed.room(padded * width));
        let value_panels = desk.read(value_start..value_start + self.packed.room(padded * columns));
        let products = Products { packed: self.packed, kernels, panels: [key_panels, value_panels] };
        // Scores are to be powers of 2.
        let scale = std::f32::consts::LOG2_E / (width as f32).sqrt();

        let mut states = vec![Softmax::START; queries.len()];
        let lens = [queries.len() * width, kernels.rows * self.block().min(padded), queries.len() * columns];
        room.queries.make_room(lens[0]);
        room.scores.make_room(lens[1]);
        room.sums.make_room(lens[2]);
        room.chances.make_room(if self.packed.kind == Kind::Half { lens[1] } else { 0 });
        let (scores, sums, chances) = (&mut room.scores[..lens[1]], &mut room.sums[..lens[2]], &mut room.chances[..]);
        sums.fill(0.0);
        // The queries of the task side by side, and the factors of each product as its weights want them.
        let input = &mut room.queries[..lens[0]];
        for (query, place) in queries.clone().zip(input.chunks_exact_mut(width)) {
            read(&self.queries, self.queries.at(n, 0, query) + head * width, desk, place);
        }
        kernels.scale(input, scale);
        let input = products.factors(input, &mut room.rounded);
        // As even as can be: a last tile of few rows would take as long as a full one.
        let rows_of_tile = queries.len().div_ceil(queries.len().div_ceil(kernels.rows));
        for start in (0..keys).step_by(self.block()) {
            let block = start..(start + self.block()).min(keys);
            let length = block.len().next_multiple_of(PANEL);
            for first in (0..queries.len()).step_by(rows_of_tile) {
                let rows = rows_of_tile.min(queries.len() - first);
                let query = |row: usize| queries.start + first + row;
                let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| (first + row) * width);
                let (step, used) = (rows * PANEL, rows * length);
                for (key, out) in (start..).step_by(PANEL).zip(scores[..used].chunks_exact_mut(step)) {
                    products.scores(&input, &pixels[..rows], key, out);
                }
                for row in 0..rows {
                    let (seen, state) = (self.seen(query(row), &block), &mut states[first + row]);
                    let scores = &mut scores[row * PANEL..used];
                    let shrink = match self.packed.kind {
                        Kind::F32 => kernels.softmax(scores, step, seen, state),
                        Kind::Half => {
                            kernels.softmax_bf16(scores, (step, seen), state, &mut chances[row * PANEL..used])
                        }
                    };
                    if shrink != 1.0 {
                        for panel in (0..columns).step_by(PANEL) {
                            let wide = (columns - panel).min(PANEL);
                            let at = panel * queries.len() + (first + row) * wide;
                            kernels.scale(&mut sums[at..at + wide], shrink);
                        }
                    }
                }
                let chances = (&scores[..], &chances[..]);
                for panel in (0..columns).step_by(PANEL) {
                    let wide = (columns - panel).min(PANEL);
                    let at = panel * queries.len() + first * wide;
                    products.gather(
                        chances,
                        rows,
                        start..start + length,
                        (panel, wide),
                        &mut sums[at..at + rows * wide],
                    );
                }
            }
        }
        for (row, query) in queries.clone().enumerate() {
            let at = self.output.at(n, 0, query) + head * width;
            write(&self.output, at, width, (desk, kernels), |place| {
                for (panel, place) in (0..).step_by(PANEL).zip(place.chunks_mut(PANEL)) {
                    let wide = (columns - panel).min(PANEL);
                    let at = panel * queries.len() + row * wide;
                    place.copy_from_slice(&sums[at..at + place.len()]);
                    kernels.scale(place, 1.0 / states[row].total());
                }
            });
        }
    }
}
