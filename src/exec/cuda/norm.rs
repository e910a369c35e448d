//! How norms are cut: in how many parts a group norm measures a map, where that is kept, and how many blocks normalise it; how
//! many lanes share a row of a layer norm.

use crate::exec::planner::{Kind, View};

/// Threads of a block of a group norm, each of which follows so many channels, and positions that one measures at once
/// (`AT_ONCE` in `moments.cu`): a part of a map has no more of them, if there may be so many parts.
const THREADS: usize = 256;
const CHANNELS: usize = 8;
const AT_ONCE: usize = 4;
/// Blocks that measure a map on each multiprocessor, at most: the last of them reads what all found.
const BLOCKS_EACH: usize = 2;
/// Mean and sum of squared differences of a group in a part of a map, in bytes.
const MOMENTS: usize = 2 * size_of::<f32>();
/// Blocks of a group norm that a multiprocessor has room for (`__launch_bounds__` in `group_norm.cu`).
const RESIDENT: usize = 4;
/// Channels that a lane of a layer norm keeps in registers (`PIECES` in `layer_norm.cu`, times eight).
const KEPT: usize = 40;
/// Mean and factor of a group, in bytes, and what they are aligned to.
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
        let chunks = view.positions().div_ceil(rows_of(view) * AT_ONCE).clamp(1, most);
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

    /// Behind the last of them, where the next may be.
    pub fn end(&self) -> u64 {
        self.done() + (self.samples * size_of::<i32>()).next_multiple_of(SCALE) as u64
    }
}

/// Threads of a block that keeps a group, or its share of one, in registers.
pub const WHOLE_THREADS: u32 = 512;
/// How many positions each thread keeps of its two channels, by kernel: of a block alone (`group_norm_whole.cu`), and of one of a
/// few in a cluster (`group_norm_hopper.cu`).
const ALONE: [(usize, &str); 3] = [(8, "group_norm_whole_8"), (24, "group_norm_whole_24"), (64, "group_norm_whole_64")];
const TOGETHER: [(usize, &str); 3] =
    [(8, "group_norm_hopper_8"), (12, "group_norm_hopper_12"), (24, "group_norm_hopper_24")];
/// More positions than this are shared where there are clusters, by so many blocks.
const MANY: usize = 16;
const BLOCKS: [usize; 2] = [4, 8];

/// How a group norm is done in one launch: by which kernel, and by how many blocks for each group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whole {
    /// The kernel.
    pub kernel: &'static str,
    /// Blocks of a group: a cluster if they are several.
    pub blocks: usize,
}

/// How the groups of a map are kept whole, if there is a kernel that can and reads and writes such maps, on a GPU whose clusters
/// have at most so many blocks.
pub fn whole(input: &View, output: &View, groups: usize, cluster: usize) -> Option<Whole> {
    let is_regular = |view: &View| {
        let View { kind, offset, image, row, pixel, .. } = *view;
        let even = [offset, image, row, pixel].iter().all(|number| number.is_multiple_of(2));
        kind == Kind::Half && even && view.rows_touch()
    };
    let depth = input.c / groups;
    let pairs = depth / 2;
    if !is_regular(input)
        || !is_regular(output)
        || !depth.is_multiple_of(2)
        || !(1..=WHOLE_THREADS as usize).contains(&pairs)
    {
        return None;
    }
    let rows = WHOLE_THREADS as usize / pairs;
    let find = |kernels: &[(usize, &'static str)], blocks: usize| {
        let each = input.positions().div_ceil(rows * blocks);
        kernels.iter().find(|(most, _)| each <= *most).map(|&(_, kernel)| Whole { kernel, blocks })
    };
    let shared = || BLOCKS.into_iter().filter(|blocks| *blocks <= cluster).find_map(|blocks| find(&TOGETHER, blocks));
    let many = input.positions().div_ceil(rows) > MANY;
    if many { shared() } else { None }.or_else(|| find(&ALONE, 1))
}

/// Blocks that normalise each sample of a map: all begin at once, and each thread has as many positions as any other.
pub fn blocks_of(view: &View, processors: usize) -> usize {
    let most = (RESIDENT * processors).div_ceil(view.n);
    let turns = view.positions().div_ceil(rows_of(view));
    turns.div_ceil(turns.div_ceil(most).max(1)).max(1)
}

/// Positions that a block has at a time.
fn rows_of(view: &View) -> usize {
    (THREADS * CHANNELS / view.c.max(1)).max(1)
}

/// Lanes of a warp that share a row of a layer norm: as few as keep so many channels, but no fewer than eight, which read
/// neighbouring memory.
pub fn lanes_of_row(channels: usize) -> usize {
    channels.div_ceil(KEPT).next_power_of_two().clamp(8, 32)
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
        assert_eq!(chunks(Shape::map(1, 64, 64, 320), 132), 171);
        assert_eq!(chunks(Shape::map(1, 16, 16, 1280), 132), 64);
        assert_eq!(chunks(Shape::map(1, 64, 64, 320), 28), 56);
        assert_eq!(chunks(Shape::map(1, 8, 8, 320), 132), 3);
        assert_eq!(chunks(Shape::map(1, 1, 1, 1 << 16), 132), 1);
    }

    #[test]
    fn blocks_have_equal_shares() {
        let blocks = |shape: Shape| blocks_of(&View::dense(0, &shape), 132);
        assert_eq!(blocks(Shape::map(1, 64, 64, 320)), 342);
        assert_eq!(blocks(Shape::map(1, 32, 32, 640)), 342);
        assert_eq!(blocks(Shape::map(1, 16, 16, 1280)), 256);
        assert_eq!(blocks(Shape::map(2, 512, 512, 128)), 261);
        assert_eq!(blocks(Shape::map(1, 1, 1, 8)), 1);
    }

    #[test]
    fn rows_have_lanes_that_keep_them() {
        assert_eq!([1, 320, 328, 640, 768, 1280, 5000].map(lanes_of_row), [8, 8, 16, 16, 32, 32, 32]);
    }

    #[test]
    fn a_block_keeps_groups_that_are_not_too_large() {
        let way = |shape: &Shape, groups, cluster| {
            let view = View { kind: Kind::Half, ..View::dense(0, shape) };
            whole(&view, &view, groups, cluster)
        };
        let name = |shape: &Shape, groups| way(shape, groups, 1).map(|way| way.kernel);
        assert_eq!(name(&Shape::map(1, 64, 64, 320), 32), Some("group_norm_whole_64"));
        assert_eq!(name(&Shape::map(1, 64, 64, 640), 32), None);
        assert_eq!(name(&Shape::map(2, 32, 32, 640), 32), Some("group_norm_whole_24"));
        assert_eq!(name(&Shape::map(1, 8, 8, 1280), 32), Some("group_norm_whole_8"));
        assert_eq!(name(&Shape::map(1, 8, 8, 96), 32), None, "three channels");
        assert_eq!(name(&Shape::map(1, 1, 1, 4096), 1), None);
        let view = View::dense(0, &Shape::map(1, 8, 8, 64));
        assert_eq!(whole(&view, &view, 32, 8), None, "f32");
        let together = |side, channels, cluster| {
            way(&Shape::map(1, side, side, channels), 32, cluster).map(|way| (way.kernel, way.blocks))
        };
        assert_eq!(together(64, 320, 8), Some(("group_norm_hopper_12", 4)));
        assert_eq!(together(64, 960, 8), Some(("group_norm_hopper_24", 8)));
        assert_eq!(together(64, 960, 4), None);
        assert_eq!(together(32, 640, 4), Some(("group_norm_hopper_8", 4)));
        assert_eq!(together(16, 1280, 8), Some(("group_norm_whole_24", 1)), "small enough for one");
    }

    #[test]
    fn nothing_lies_on_something_else() {
        let measured = Measured::new(&View::dense(0, &Shape::map(3, 64, 64, 32)), 8, 4, 64);
        let numbers = |from: u64, to: u64| (to - from) / 4;
        let Measured { chunks, partial, .. } = measured;
        assert_eq!(numbers(partial, measured.scales()), 2 * 8 * 3 * chunks as u64);
        assert_eq!(numbers(measured.scales(), measured.done()), 2 * 8 * 3);
        assert_eq!(numbers(measured.done(), measured.end()), 4);
    }
}
