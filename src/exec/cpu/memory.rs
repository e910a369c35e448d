//! The one block of memory a program computes in, shared by its threads.

use std::cell::UnsafeCell;
use std::ops::Range;

use half::bf16;

use crate::flow::with_room;

/// Numbers of bf16 in the room of one of f32.
const PAIR: usize = 2;

/// Numbers that several threads read and write, each its own part.
pub struct Memory {
    cells: Box<[UnsafeCell<f32>]>,
}

// SAFETY: numbers are reached only through a `Desk`, whose maker promises that no two threads use the same ones in a way that
// could race.
#[expect(unsafe_code, reason = "threads write disjoint, interleaved parts of one block, which slices cannot express")]
unsafe impl Sync for Memory {}

impl Memory {
    /// So many numbers, all zero.
    pub fn new(len: usize) -> Self {
        let mut cells = with_room(len);
        cells.resize_with(len, || UnsafeCell::new(0.0));
        Self { cells: cells.into() }
    }

    /// A place to work at.
    ///
    /// # Safety
    /// Of all desks in use at a time, none may write numbers that another reads or writes; and at one desk a slice that was
    /// written through must not be used after the same numbers were asked for again.
    #[expect(unsafe_code, reason = "the plan, not the compiler, keeps the threads apart")]
    pub unsafe fn desk(&self) -> Desk<'_> {
        Desk { memory: self }
    }
}

/// Access to a program's memory during one step. What may be read and written is settled by the plan, which gives every
/// task of a step its own places to write, and never lets a step read what it writes; see [`Memory::desk`].
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    memory: &'a Memory,
}

impl<'a> Desk<'a> {
    /// Numbers to read.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::desk`")]
    pub fn read(&self, range: Range<usize>) -> &'a [f32] {
        let cells = &self.memory.cells[range];
        // SAFETY: nobody writes these numbers now: that is what the maker of the desk promised.
        unsafe { std::slice::from_raw_parts(cells.as_ptr().cast::<f32>(), cells.len()) }
    }

    /// Numbers to write.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::desk`")]
    pub fn write(&self, first: usize, len: usize) -> &'a mut [f32] {
        let cells = &self.memory.cells[first..][..len];
        // SAFETY: nobody else uses these numbers now: that is what the maker of the desk promised.
        unsafe { std::slice::from_raw_parts_mut(UnsafeCell::raw_get(cells.as_ptr()), cells.len()) }
    }

    /// Numbers of bf16 to read, counted from the beginning of memory as if it held nothing else.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::desk`")]
    pub fn read_bf16(&self, range: Range<usize>) -> &'a [bf16] {
        assert!(range.start <= range.end && range.end <= PAIR * self.memory.cells.len(), "{range:?} is outside");
        // SAFETY: the range lies in memory, any bits are a bf16, and nobody writes these numbers now: that is what the
        // maker of the desk promised.
        unsafe {
            let first = self.memory.cells.as_ptr().cast::<bf16>().add(range.start);
            std::slice::from_raw_parts(first, range.len())
        }
    }

    /// Numbers of bf16 to write, counted like those to read.
    #[inline]
    #[expect(unsafe_code, reason = "see `Memory::desk`")]
    pub fn write_bf16(&self, first: usize, len: usize) -> &'a mut [bf16] {
        let cells = &self.memory.cells;
        assert!(first.checked_add(len).is_some_and(|end| end <= PAIR * cells.len()), "{len} from {first} are outside");
        // SAFETY: the range lies in memory, and nobody else uses these numbers now: that is what the maker of the desk
        // promised.
        unsafe {
            let first = UnsafeCell::raw_get(cells.as_ptr()).cast::<bf16>().add(first);
            std::slice::from_raw_parts_mut(first, len)
        }
    }
}
