//! The one block of memory a program computes in, shared by its threads.

use std::cell::UnsafeCell;
use std::ops::Range;

use half::bf16;

use super::aligned_vec::LINE;
use crate::flow::with_room;

/// Numbers of bf16 in the room of one of f32.
const PAIR: usize = 2;

/// Numbers of a line of the cache.
const NUMBERS: usize = LINE / size_of::<f32>();

/// One line.
#[repr(align(64))]
#[expect(dead_code, reason = "reached through the address of the first")]
struct Line(UnsafeCell<[f32; NUMBERS]>);

/// Numbers that several threads read and write, each its own part.
pub struct Memory {
    lines: Box<[Line]>,
}

// SAFETY: numbers are reached only through a `MemoryRef`, whose maker promises that no two threads use the same ones in a way that
// could race.
#[expect(unsafe_code, reason = "threads write disjoint, interleaved parts of one block, which slices cannot express")]
unsafe impl Sync for Memory {}

impl Memory {
    /// So many numbers, all zero, and a line is full.
    pub fn new(len: usize) -> Self {
        let count = len.div_ceil(NUMBERS);
        let mut lines = with_room(count);
        lines.resize_with(count, || Line(UnsafeCell::new([0.0; NUMBERS])));
        Self { lines: lines.into() }
    }

    /// Access for one of the threads that share it.
    ///
    /// # Safety
    /// Of all references in use at a time, none may write numbers that another reads or writes; and of one reference a slice that was
    /// written through must not be used after the same numbers were asked for again.
    #[expect(unsafe_code, reason = "the plan, not the compiler, keeps the threads apart")]
    pub unsafe fn shared(&self) -> MemoryRef<'_> {
        MemoryRef { memory: self }
    }
}

/// Access to a program's memory during one step. What may be read and written is settled by the plan, which gives every
/// task of a step its own places to write, and never lets a step read what it writes; see [`Memory::shared`].
#[derive(Clone, Copy)]
pub struct MemoryRef<'a> {
    memory: &'a Memory,
}

impl<'a> MemoryRef<'a> {
    /// The first number of all.
    #[inline]
    fn first(&self) -> *mut f32 {
        UnsafeCell::raw_get(self.memory.lines.as_ptr().cast::<UnsafeCell<f32>>())
    }

    /// Refuses numbers outside, of which so many have room in one of f32.
    ///
    /// # Panics
    /// That is how it refuses: it would be a mistake in the plan.
    #[inline]
    fn check(&self, range: &Range<usize>, per_cell: usize) {
        let len = per_cell * NUMBERS * self.memory.lines.len();
        assert!(range.start <= range.end && range.end <= len, "{range:?} is outside {len}");
    }

    /// Asks for the lines of numbers that will be read or written soon: a store that waits for its line holds up those behind it.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the instruction takes a pointer"))]
    pub fn prefetch(&self, first: usize, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for at in (first..first + len).step_by(NUMBERS) {
            use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
            // SAFETY: nothing is read or written, wherever it points.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(self.first().wrapping_add(at).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (first, len);
    }

    /// Numbers to read.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::shared`")]
    pub fn read(&self, range: Range<usize>) -> &'a [f32] {
        self.check(&range, 1);
        // SAFETY: the range lies in memory, and nobody writes these numbers now: that is what the maker of the reference promised.
        unsafe { std::slice::from_raw_parts(self.first().add(range.start), range.len()) }
    }

    /// Numbers to write.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::shared`")]
    pub fn write(&self, first: usize, len: usize) -> &'a mut [f32] {
        self.check(&(first..first.saturating_add(len)), 1);
        // SAFETY: the range lies in memory, and nobody else uses these numbers now: that is what the maker of the reference promised.
        unsafe { std::slice::from_raw_parts_mut(self.first().add(first), len) }
    }

    /// Numbers of bf16 to read, counted from the beginning of memory as if it held nothing else.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::shared`")]
    pub fn read_bf16(&self, range: Range<usize>) -> &'a [bf16] {
        self.check(&range, PAIR);
        // SAFETY: the range lies in memory, any bits are a bf16, and nobody writes these numbers now: that is what the
        // maker of the reference promised.
        unsafe {
            let first = self.first().cast::<bf16>().add(range.start);
            std::slice::from_raw_parts(first, range.len())
        }
    }

    /// Numbers of bf16 to write, counted like those to read.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::shared`")]
    pub fn write_bf16(&self, first: usize, len: usize) -> &'a mut [bf16] {
        self.check(&(first..first.saturating_add(len)), PAIR);
        // SAFETY: the range lies in memory, and nobody else uses these numbers now: that is what the maker of the reference
        // promised.
        unsafe {
            let first = self.first().cast::<bf16>().add(first);
            std::slice::from_raw_parts_mut(first, len)
        }
    }
}
