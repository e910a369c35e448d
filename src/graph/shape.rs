//! Lengths of a value's dimensions, channels last.

use std::fmt;

/// The shape of a value: a feature map [n, h, w, c], tokens [n, t, c], or rows [n, c] (also ids [n, t]).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    lengths: [usize; 4],
    rank: usize,
}

impl Shape {
    /// A feature map: batch, height, width, channels.
    pub fn map(batch: usize, height: usize, width: usize, channels: usize) -> Self {
        Self { lengths: [batch, height, width, channels], rank: 4 }
    }

    /// A sequence of tokens: batch, length, channels.
    pub fn tokens(batch: usize, length: usize, channels: usize) -> Self {
        Self { lengths: [batch, length, channels, 0], rank: 3 }
    }

    /// One row per sample: batch, channels.
    pub fn rows(batch: usize, channels: usize) -> Self {
        Self { lengths: [batch, channels, 0, 0], rank: 2 }
    }

    /// Length of every dimension.
    pub fn dims(&self) -> &[usize] {
        &self.lengths[..self.rank]
    }

    /// How many dimensions.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Length of the first dimension.
    pub fn batch(&self) -> usize {
        self.lengths[0]
    }

    /// Length of the last dimension.
    pub fn channels(&self) -> usize {
        self.lengths[self.rank - 1]
    }

    /// Pixels or tokens per sample: the product of the dimensions between batch and channels.
    pub fn positions(&self) -> usize {
        self.lengths[1..self.rank - 1].iter().product()
    }

    /// Batch, height, width and channels of a feature map.
    pub fn as_map(&self) -> Option<[usize; 4]> {
        (self.rank == 4).then_some(self.lengths)
    }

    /// Batch, length and channels of tokens.
    pub fn as_tokens(&self) -> Option<[usize; 3]> {
        let [n, t, c, _] = self.lengths;
        (self.rank == 3).then_some([n, t, c])
    }

    /// The same with another number of channels.
    pub fn with_channels(mut self, channels: usize) -> Self {
        self.lengths[self.rank - 1] = channels;
        self
    }

    /// Number of elements, or `None` when it does not fit a `usize`.
    pub fn checked_len(&self) -> Option<usize> {
        self.dims().iter().try_fold(1usize, |product, &length| product.checked_mul(length))
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.dims().contains(&0)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.dims(), f)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.dims(), f)
    }
}
