//! A vector aligned to cache lines.
//!
//! Vectors of 64 bytes and rows of tile registers are whole lines then. One that begins within a line needs two of them: on a Xeon
//! with AMX, products of such rows took 2.8 times as long.

use std::ops::{Deref, DerefMut};

use crate::flow::with_room;

/// Bytes of a line.
pub const LINE: usize = 64;

/// A vector of numbers, the first of which begins a cache line.
#[derive(Debug)]
pub struct AlignedVec<T> {
    /// Behind some that nobody uses.
    numbers: Vec<T>,
    /// The first that is used.
    first: usize,
}

impl<T> AlignedVec<T> {
    /// Of no numbers.
    pub const EMPTY: Self = Self { numbers: Vec::new(), first: 0 };
}

impl<T: Copy + Default> AlignedVec<T> {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        let more = LINE / size_of::<T>();
        let mut numbers: Vec<T> = with_room(len + more);
        // Never more than that, for numbers of which a whole number fills a line.
        let first = numbers.as_ptr().align_offset(LINE).min(more);
        numbers.resize(first + len, T::default());
        Self { numbers, first }
    }

    /// Makes room for so many numbers. What they are is nobody's business.
    pub fn make_room(&mut self, len: usize) {
        if self.len() < len {
            *self = Self::zeros(len);
        }
    }

    /// Room for so many numbers. What they are is nobody's business.
    pub fn room(&mut self, len: usize) -> &mut [T] {
        self.make_room(len);
        &mut self[..len]
    }
}

impl<T> Deref for AlignedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.numbers[self.first..]
    }
}

impl<T> DerefMut for AlignedVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.numbers[self.first..]
    }
}

impl<T: Copy + Default> From<&[T]> for AlignedVec<T> {
    fn from(numbers: &[T]) -> Self {
        let mut lines = Self::zeros(numbers.len());
        lines.copy_from_slice(numbers);
        lines
    }
}

impl<T: Copy + Default> Clone for AlignedVec<T> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T: PartialEq> PartialEq for AlignedVec<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    fn is_aligned<T>(numbers: &[T]) -> bool {
        numbers.as_ptr().addr().is_multiple_of(LINE)
    }

    #[test]
    fn numbers_are_aligned_wherever_they_come_from() {
        // Kept, so that each is at another place.
        let mut kept = Vec::new();
        for len in [0, 1, 15, 16, 100, 1 << 20] {
            let own: Vec<f32> = (0..len).map(|v| v as f32).collect();
            let mut lines = AlignedVec::from(&own[..]);
            let copy = lines.clone();
            assert!(is_aligned(&lines) && is_aligned(&copy) && *copy == *own && copy == lines);
            lines.make_room(len + 1);
            assert!(is_aligned(&lines) && lines.len() == len + 1);
            let rounded = AlignedVec::<bf16>::zeros(len);
            assert!(is_aligned(&rounded) && rounded.len() == len && rounded.iter().all(|v| *v == bf16::ZERO));
            let bytes = AlignedVec::<i8>::zeros(len);
            assert!(is_aligned(&bytes) && bytes.len() == len);
            kept.push((own, lines, copy, rounded, bytes));
        }
        assert!(AlignedVec::<f32>::EMPTY.is_empty());
    }
}
