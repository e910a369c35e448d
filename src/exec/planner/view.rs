//! Where a value lies in memory.

use crate::graph::Shape;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As f32.
    F32,
    /// Rounded to 16 bits: bf16 on a CPU, whatever its products want on a GPU.
    Half,
}

impl Kind {
    /// How many of them take the room of one f32.
    pub fn per_cell(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Half => 2,
        }
    }
}

/// A value as a feature map: element (n, y, x, c) is at `offset + n * image + y * row + x * pixel + c`. Tokens are a map of
/// one row, and rows of numbers are a map of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// How its elements are stored; they are what everything below counts.
    pub kind: Kind,
    /// Of the first element.
    pub offset: usize,
    /// Batch.
    pub n: usize,
    /// Height.
    pub h: usize,
    /// Width.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// From one sample to the next.
    pub image: usize,
    /// From one row to the next.
    pub row: usize,
    /// From one pixel to the next.
    pub pixel: usize,
}

/// Batch, height, width and channels of a value.
pub fn extent(shape: &Shape) -> [usize; 4] {
    match shape.as_map() {
        Some(map) => map,
        None => [shape.batch(), 1, shape.positions(), shape.channels()],
    }
}

impl View {
    /// A value without gaps.
    #[cfg(test)]
    pub fn dense(offset: usize, shape: &Shape) -> Self {
        let [n, h, w, c] = extent(shape);
        Self { kind: Kind::F32, offset, n, h, w, c, image: h * w * c, row: w * c, pixel: c }
    }

    /// The same memory seen as another shape of the same positions and channels.
    ///
    /// # Panics
    /// When the rows do not follow each other, which the plan sees to.
    pub fn reshaped(&self, shape: &Shape) -> Self {
        let [n, h, w, c] = extent(shape);
        assert!((n, h * w, c) == (self.n, self.h * self.w, self.c) && self.rows_touch(), "{self:?} as {shape}");
        Self { h, w, row: w * self.pixel, ..*self }
    }

    /// So many of the channels.
    pub fn channels(&self, first: usize, count: usize) -> Self {
        Self { offset: self.offset + first, c: count, ..*self }
    }

    /// The same value repeated to `extent`: a dimension of length 1 gets no step.
    pub fn repeated(&self, [n, h, w, _]: [usize; 4]) -> Self {
        let step = |have: usize, want: usize, step: usize| if have == 1 && want != 1 { 0 } else { step };
        Self {
            n,
            h,
            w,
            image: step(self.n, n, self.image),
            row: step(self.h, h, self.row),
            pixel: step(self.w, w, self.pixel),
            ..*self
        }
    }

    /// Offset of a pixel's first channel.
    #[inline]
    pub fn at(&self, n: usize, y: usize, x: usize) -> usize {
        self.offset + n * self.image + y * self.row + x * self.pixel
    }

    /// Calls `run(place, index, count)` for each run of elements without gaps: where it lies, and which elements it is.
    pub fn for_runs(&self, mut run: impl FnMut(usize, usize, usize)) {
        let (steps, count) = if self.pixels_touch() { (1, self.w * self.c) } else { (self.w, self.c) };
        let mut index = 0;
        for n in 0..self.n {
            for y in 0..self.h {
                for x in 0..steps {
                    run(self.at(n, y, x), index, count);
                    index += count;
                }
            }
        }
    }

    /// Whether the pixels of a row lie without gaps.
    pub fn pixels_touch(&self) -> bool {
        self.pixel == self.c || self.w == 1
    }

    /// Whether a row ends where the next begins.
    pub fn rows_touch(&self) -> bool {
        self.h == 1 || self.row == self.w * self.pixel
    }

    /// Whether all rows of all samples follow each other, pixel after pixel at the same distance.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "only GPUs ask"))]
    pub fn is_line(&self) -> bool {
        self.rows_touch() && (self.n == 1 || self.image == self.positions() * self.pixel)
    }

    /// Pixels of a sample.
    pub fn positions(&self) -> usize {
        self.h * self.w
    }

    /// The end of the last element.
    pub fn end(&self) -> usize {
        self.at(self.n - 1, self.h - 1, self.w - 1) + self.c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found() {
        let view = View::dense(10, &Shape::map(2, 3, 4, 5));
        assert_eq!(view.at(1, 2, 3) + 4, 10 + 2 * 3 * 4 * 5 - 1);
        assert_eq!(view.end(), 130);
        let tokens = view.reshaped(&Shape::tokens(2, 12, 5));
        assert_eq!(tokens.at(1, 0, 7), view.at(1, 1, 3));
        let slice = view.channels(2, 2);
        assert_eq!(slice.at(0, 0, 1), 17);
        assert!(!slice.pixels_touch() && view.pixels_touch());
        let one = View::dense(0, &Shape::map(1, 1, 1, 5)).repeated([2, 3, 4, 5]);
        assert_eq!(one.at(1, 2, 3), 0);
    }
}
