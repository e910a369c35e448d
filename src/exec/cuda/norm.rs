//! What a group norm measures: in how many parts, and where it is kept.

use crate::exec::planner::View;

/// Numbers of a part of a map that one block measures, at least.
const LEAST: usize = 1 << 13;
/// Blocks that measure a map on each multiprocessor, at most: the last of them reads what all found.
const BLOCKS_EACH: usize = 2;
/// Count, mean and sum of squared differences of a group in a part of a map, in bytes.
const MOMENTS: usize = 3 * size_of::<f32>();
/// Mean and factor of a group, in bytes.
const SCALE: usize = 2 * size_of::<f32>();

/// Where the moments of all parts, the scales of all groups, and the counts of blocks that are done lie, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Parts of each sample, a block for each.
    pub chunks: usize,
    /// Address of the first.
    pub partial: u64,
    samples: usize,
    groups: usize,
}

impl Measured {
    /// Of a map with so many groups, on so many multiprocessors: parts for all of them, if the map is large enough.
    pub fn new(view: &View, groups: usize, processors: usize, partial: u64) -> Self {
        let most = (BLOCKS_EACH * processors).div_ceil(view.n);
        let chunks = (view.positions() * view.c / LEAST).clamp(1, most).min(view.positions());
        Self { chunks, partial, samples: view.n, groups }
    }

    /// Address of the scales.
    pub fn scales(&self) -> u64 {
        self.partial + (self.samples * self.groups * self.chunks * MOMENTS) as u64
    }

    /// Address of the counts, one for each sample, which are 0 between launches.
    pub fn done(&self) -> u64 {
        self.scales() + (self.samples * self.groups * SCALE) as u64
    }

    /// Behind the last of them.
    pub fn end(&self) -> u64 {
        self.done() + (self.samples * size_of::<i32>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Shape;

    fn chunks(shape: Shape, processors: usize) -> usize {
        Measured::new(&View::dense(0, &shape), 4, processors, 0).chunks
    }

    #[test]
    fn large_maps_keep_all_multiprocessors_busy() {
        assert_eq!(chunks(Shape::map(1, 512, 512, 128), 132), 264);
        assert_eq!(chunks(Shape::map(2, 512, 512, 128), 132), 132);
        assert_eq!(chunks(Shape::map(1, 64, 64, 320), 132), 160);
        assert_eq!(chunks(Shape::map(1, 64, 64, 320), 28), 56);
        assert_eq!(chunks(Shape::map(1, 8, 8, 320), 132), 2);
        assert_eq!(chunks(Shape::map(1, 1, 1, 1 << 16), 132), 1);
    }

    #[test]
    fn nothing_lies_on_something_else() {
        let measured = Measured::new(&View::dense(0, &Shape::map(3, 64, 64, 32)), 8, 4, 64);
        let numbers = |from: u64, to: u64| (to - from) / 4;
        let Measured { chunks, partial, .. } = measured;
        assert_eq!(numbers(partial, measured.scales()), 3 * 8 * 3 * chunks as u64);
        assert_eq!(numbers(measured.scales(), measured.done()), 2 * 8 * 3);
        assert_eq!(numbers(measured.done(), measured.end()), 3);
    }
}
