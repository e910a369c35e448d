//! Attention, some queries of one head at a time against blocks of keys, so that the scores of all never exist at once.
//!
//! Keys and values are first packed like weights ([`PackKeys`]): then scores and sums are products like any other. Those of
//! the text are packed when the prompt changes.

use super::{Step, piece};
use crate::exec::cpu::kernels::{Kernels, LANES, MAX_ROWS, PANEL, Softmax, Tile};
use crate::exec::cpu::memory::Desk;
use crate::exec::cpu::view::View;
use crate::graph::Mask;

/// Keys of a block.
const BLOCK: usize = 256;
/// Tiles of queries that share a block of keys while it is in the cache.
const TILES: usize = 4;

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
}

impl PackedKeys {
    /// Keys with those that are only padding.
    fn padded(&self) -> usize {
        self.keys.next_multiple_of(PANEL)
    }

    /// Columns of values with those that are only padding.
    fn columns(&self) -> usize {
        self.width.next_multiple_of(LANES)
    }

    /// Numbers of one head of one sample.
    fn head(&self) -> usize {
        self.padded() * (self.width + self.columns())
    }

    /// Numbers of everything.
    pub fn len(&self, batch: usize) -> usize {
        batch * self.heads * self.head()
    }

    /// Where the keys, in panels of 32, and the values, in panels of 32 or 16 columns, of a head begin.
    fn at(&self, n: usize, head: usize) -> [usize; 2] {
        let start = self.offset + (n * self.heads + head) * self.head();
        [start, start + self.padded() * self.width]
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

    fn run(&self, task: usize, desk: Desk<'_>, _: &Kernels) {
        let PackedKeys { heads, keys, width, .. } = self.packed;
        let (n, head) = (task / heads, task % heads);
        let [key_start, value_start] = self.packed.at(n, head);
        let padded = self.packed.padded();
        let out = desk.write(key_start, padded * width);
        for (panel, out) in out.chunks_exact_mut(PANEL * width).enumerate() {
            out.fill(0.0);
            for key in panel * PANEL..((panel + 1) * PANEL).min(keys) {
                let at = self.keys.at(n, 0, key) + head * width;
                for (c, value) in desk.read(at..at + width).iter().enumerate() {
                    out[c * PANEL + key % PANEL] = *value;
                }
            }
        }
        let out = desk.write(value_start, padded * self.packed.columns());
        out.fill(0.0);
        for key in 0..keys {
            let at = self.values.at(n, 0, key) + head * width;
            for (first, values) in (0..).step_by(PANEL).zip(desk.read(at..at + width).chunks(PANEL)) {
                let panel = (self.packed.columns() - first).min(PANEL);
                out[padded * first + key * panel..][..values.len()].copy_from_slice(values);
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
}

impl Attention {
    fn parts(&self) -> usize {
        self.queries.w.div_ceil(TILES * MAX_ROWS)
    }

    /// How many keys of a block a query sees.
    fn seen(&self, query: usize, block: &std::ops::Range<usize>) -> usize {
        let end = if self.mask == Mask::Causal { block.end.min(query + 1) } else { block.end };
        end.saturating_sub(block.start)
    }
}

impl Step for Attention {
    fn tasks(&self) -> usize {
        self.queries.n * self.packed.heads * self.parts()
    }

    fn run(&self, task: usize, desk: Desk<'_>, kernels: &Kernels) {
        let PackedKeys { heads, keys, width, .. } = self.packed;
        let (n, head, part) = (task / self.parts() / heads, task / self.parts() % heads, task % self.parts());
        let queries = piece(part, TILES * MAX_ROWS, self.queries.w);
        let (padded, columns) = (self.packed.padded(), self.packed.columns());
        let [key_start, value_start] = self.packed.at(n, head);
        let key_panels = desk.read(key_start..key_start + padded * width);
        let value_panels = desk.read(value_start..value_start + padded * columns);
        let input = desk.read(self.queries.offset..self.queries.end());
        let scale = 1.0 / (width as f32).sqrt();

        let mut states = vec![Softmax::START; queries.len()];
        let mut sums = vec![0.0f32; queries.len() * columns];
        let mut scores = vec![0.0f32; MAX_ROWS * BLOCK];
        let mut out = [0.0f32; MAX_ROWS * PANEL];
        for start in (0..keys).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(keys);
            let length = block.len().next_multiple_of(PANEL);
            for first in (0..queries.len()).step_by(kernels.rows) {
                let rows = kernels.rows.min(queries.len() - first);
                let query = |row: usize| queries.start + first + row;
                let mut pixels = [0; MAX_ROWS];
                for (row, pixel) in pixels.iter_mut().enumerate().take(rows) {
                    *pixel = self.queries.at(n, 0, query(row)) - self.queries.offset + head * width;
                }
                for key in (0..length).step_by(PANEL) {
                    let weights = &key_panels[(start + key) * width..][..PANEL * width];
                    let pixels = &pixels[..rows];
                    let tile = Tile { input, pixels, taps: &[0], run: width, weights, width: PANEL, hold: false };
                    kernels.tile(&tile, &mut out[..rows * PANEL]);
                    for (row, out) in out.chunks_exact(PANEL).enumerate().take(rows) {
                        scores[row * BLOCK + key..][..PANEL].copy_from_slice(out);
                    }
                }
                for row in 0..rows {
                    let seen = self.seen(query(row), &block);
                    let scores = &mut scores[row * BLOCK..][..length];
                    let shrink = kernels.softmax(scores, seen, scale, &mut states[first + row]);
                    if shrink != 1.0 {
                        for panel in (0..columns).step_by(PANEL) {
                            let wide = (columns - panel).min(PANEL);
                            let at = panel * queries.len() + (first + row) * wide;
                            kernels.scale(&mut sums[at..at + wide], shrink);
                        }
                    }
                }
                let pixels: [usize; MAX_ROWS] = std::array::from_fn(|row| row * BLOCK);
                for panel in (0..columns).step_by(PANEL) {
                    let wide = (columns - panel).min(PANEL);
                    let weights = &value_panels[padded * panel + start * wide..][..length * wide];
                    let (input, pixels) = (&scores[..], &pixels[..rows]);
                    let tile = Tile { input, pixels, taps: &[0], run: length, weights, width: wide, hold: true };
                    let at = panel * queries.len() + first * wide;
                    kernels.tile(&tile, &mut sums[at..at + rows * wide]);
                }
            }
        }
        for (row, query) in queries.clone().enumerate() {
            let place = desk.write(self.output.at(n, 0, query) + head * width, width);
            for (panel, place) in (0..).step_by(PANEL).zip(place.chunks_mut(PANEL)) {
                let wide = (columns - panel).min(PANEL);
                let at = panel * queries.len() + row * wide;
                place.copy_from_slice(&sums[at..at + place.len()]);
                kernels.scale(place, 1.0 / states[row].total);
            }
        }
    }
}
