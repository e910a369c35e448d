//! The one block of memory a program computes in, shared by its threads.

use std::cell::UnsafeCell;
use std::ops::Range;

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
        Self { cells: (0..len).map(|_| UnsafeCell::new(0.0)).collect() }
    }

    /// Everything, for the only thread there is.
    pub fn all(&mut self) -> &mut [f32] {
        let len = self.cells.len();
        // SAFETY: an `UnsafeCell<f32>` lies like an `f32`, and the exclusive borrow keeps everybody else away.
        #[expect(unsafe_code, reason = "the standard library cannot turn a slice of cells into a slice")]
        unsafe {
            std::slice::from_raw_parts_mut(self.cells.as_mut_ptr().cast::<f32>(), len)
        }
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
}
