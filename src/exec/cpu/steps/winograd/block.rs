//! Numbers at all places of the Winograd domain, and how they lie in memory: as f32, or as integers with their scales.

use bytemuck::{cast_slice, cast_slice_mut};

use crate::exec::cpu::kernels::winograd::PLACES;
use crate::exec::cpu::panels::Factor;

/// Numbers between the places beyond their own, for f32: a cache line, since steps of a power of two would all fall on the same few
/// lines of the cache.
const GAP: usize = 16;

/// How values of some tiles, or kernels of a panel, lie.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// As what they are multiplied: as f32 or as integers.
    pub factor: Factor,
    /// How many are at a place.
    pub len: usize,
    /// Scales of those, if they are integers: one for each tile. (Kernels have none there: their scales are the same at all places.)
    pub scales: usize,
}

impl Layout {
    fn is_int16(&self) -> bool {
        self.factor == Factor::Int16
    }

    /// From the numbers at one place to those at the next.
    pub fn step(&self) -> usize {
        self.len + if self.is_int16() { 2 * GAP } else { GAP }
    }

    /// Numbers of memory of all, in whole lines.
    pub fn cells(&self) -> usize {
        let cells = if self.is_int16() { self.int16_cells() + PLACES * self.scales } else { PLACES * self.step() };
        cells.next_multiple_of(GAP)
    }

    /// The part of these that integers take, two in each.
    fn int16_cells(&self) -> usize {
        PLACES * self.step() / 2
    }

    /// Where integers are to be written, and their scales.
    pub fn split<'a>(&self, cells: &'a mut [f32]) -> (&'a mut [i16], &'a mut [f32]) {
        let (numbers, scales) = cells.split_at_mut(self.int16_cells());
        (cast_slice_mut(numbers), scales)
    }
}

/// Those at one place, as they are multiplied.
#[derive(Clone, Copy, Debug)]
pub enum Factors<'a> {
    /// As f32.
    Exact(&'a [f32]),
    /// Integers and their scales.
    Int16(&'a [i16], &'a [f32]),
}

/// Some of them.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// How they lie.
    pub layout: Layout,
    /// The memory.
    pub cells: &'a [f32],
}

impl<'a> Block<'a> {
    /// Those at a place.
    #[inline]
    pub fn at(&self, place: usize) -> Factors<'a> {
        let Layout { len, scales, .. } = self.layout;
        let first = place * self.layout.step();
        if self.layout.is_int16() {
            let (numbers, all) = self.cells.split_at(self.layout.int16_cells());
            Factors::Int16(&cast_slice(numbers)[first..][..len], &all[place * scales..][..scales])
        } else {
            Factors::Exact(&self.cells[first..][..len])
        }
    }
}
