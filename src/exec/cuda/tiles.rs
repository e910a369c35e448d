//! Into which tiles, and in how many parts, a product may be cut: by counting waves of blocks, which knows nothing of caches and
//! clocks. What is measured decides between the cuts that come out near each other (`tune.rs`).

use std::fmt;

use super::bulk::Rectangles;
use super::cluster::MOST_BLOCKS;
use super::kernels::{Chips, GATHER, SLICE, STRIP, TILES, Tile, Tiling};
use super::packing::TOGETHER as EIGHT;

/// A product's extent: pixels, outputs (rows of weights) and steps of each, depth by taps.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Samples, height and width of the output.
    pub map: [usize; 3],
    /// Rows of weights.
    pub rows: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Pixels of the kernel.
    pub taps: usize,
    /// Pixels that the kernel moves by.
    pub stride: usize,
    /// Whether the map is read as if doubled in height and width.
    pub doubled: bool,
    /// Whether the second half of the rows are gates.
    pub gated: bool,
    /// Whether the pixels of the input lie one after the other.
    pub line: bool,
    /// Whether factors are fp8 numbers; each two of them count as one channel then.
    pub fp8: bool,
}

impl Extent {
    /// Pixels of the output.
    pub fn pixels(&self) -> usize {
        self.map.iter().product()
    }

    /// Weights of an output.
    pub fn depth(&self) -> usize {
        self.taps * self.inputs.next_multiple_of(EIGHT)
    }

    /// Whether what lies under its pixels is one line.
    pub fn in_line(&self) -> bool {
        self.line && self.taps == 1 && self.stride == 1
    }
}

/// What counting knows of a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// Streaming multiprocessors.
    pub processors: usize,
    /// Compute capability, which says which tiles there are.
    pub capability: (i32, i32),
    /// Blocks of a cluster at most; 1 where there are none.
    pub cluster: usize,
}

/// How a product is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// The tile.
    pub tile: &'static Tile,
    /// Parts of the sum that are computed side by side and added afterwards (split-K).
    pub splits: usize,
    /// Blocks beside each other that weights are multicast to, and below each other that pixels are.
    pub multicast: [usize; 2],
}

/// Multiplications a multiprocessor does while it loads or stores one byte of memory, from the H100's figures.
const PRODUCTS_PER_BYTE: f64 = 110.0;
/// What a block costs before its first and after its last product, in products of its tile's area.
const SETUP: f64 = 160.0;
/// What a second kernel costs, in products of one multiprocessor: about two microseconds.
const SECOND_KERNEL: f64 = 6.0e6;
/// What two barriers of a cluster cost, in the same: about a microsecond.
const CLUSTER_BARRIERS: f64 = 3.0e6;
/// A cluster's blocks are on neighbouring multiprocessors: an H100 has groups of so many or two more.
const NEIGHBOURS: usize = 16;
/// Parts at most.
const MAX_SPLITS: usize = 16;
/// A part of a sum has so many steps at least.
const LEAST_STEPS: usize = 4;
/// Cuts that cost up to so many times the least may be faster in truth: the tiles' efficiencies are guesses.
const NEAR: f64 = 2.5;
/// Candidates of each tile: neighbouring numbers of parts cost nearly the same.
const EACH_TILE: usize = 3;
/// The same of tiles whose blocks may share, in so many ways.
const EACH_MULTICAST: usize = 6;
/// By how many blocks weights and pixels may be multicast: larger clusters leave multiprocessors without work.
const MULTICAST: [[usize; 2]; 3] = [ALONE, [2, 1], [1, 2]];
/// A block that shares nothing.
const ALONE: [usize; 2] = [1, 1];
/// Blocks share no less than so many rows, whose eights lie in an order that repeats after them; with gates twice as many.
const LEAST_ROWS: usize = 8;
/// Candidates at most: each is measured.
const MOST: usize = 32;

impl Tile {
    /// Whether its blocks can be a cluster that adds parts of sums: those with sixteen pixels for each warp (`conv_cluster_reduce.cuh`).
    fn can_reduce_in_cluster(&self) -> bool {
        let each = self.pixels == 16 * self.threads as usize / 32;
        self.chips == Chips::Hopper && (each || self.can_multicast())
    }

    /// Whether neighbouring blocks can bring weights or pixels for each other.
    fn can_multicast(&self) -> bool {
        matches!(self.tiling, Tiling::Rectangles(_))
    }

    /// In which ways the blocks of a product can share.
    fn multicasts(&self, extent: &Extent) -> impl Iterator<Item = [usize; 2]> + use<'_> {
        let [beside, below] = [self.blocks(extent), extent.rows.div_ceil(self.outputs)];
        let rows = if extent.gated { 2 * LEAST_ROWS } else { LEAST_ROWS };
        let possible = move |[x, y]: [usize; 2]| x <= beside && y <= below && (self.outputs / x).is_multiple_of(rows);
        let ways = if self.can_multicast() { &MULTICAST[..] } else { &MULTICAST[..1] };
        ways.iter().copied().filter(move |multicast| *multicast == ALONE || possible(*multicast))
    }

    /// Whether a product can have it on such a GPU.
    fn is_for(&self, extent: &Extent, chip: &Chip) -> bool {
        // One of compute capability 9.0 multiplies fp8 numbers by four warps alone.
        if extent.fp8 && self.chips == Chips::All && Chips::Hopper.have(chip.capability) {
            return false;
        }
        match self.tiling {
            Tiling::Pixels => true,
            Tiling::Strips(most) => extent.taps == 9 && extent.stride == 1 && extent.inputs <= most,
            Tiling::Rectangles(_) => !extent.doubled && extent.stride <= 2 && extent.inputs >= SLICE,
        }
    }

    /// Blocks side by side along the pixels.
    pub fn blocks(&self, extent: &Extent) -> usize {
        let [n, h, w] = extent.map;
        match self.tiling {
            Tiling::Pixels => extent.pixels().div_ceil(self.pixels),
            Tiling::Strips(_) => {
                let strips = w.div_ceil(STRIP);
                let line = w.div_ceil(strips) + 2;
                n * strips * (h * line - 2).div_ceil(self.pixels)
            }
            Tiling::Rectangles(_) => Rectangles::new(self.pixels, extent).count(extent),
        }
    }

    /// Steps of the depth.
    fn steps(&self, extent: &Extent) -> usize {
        match self.tiling {
            Tiling::Pixels => extent.depth().div_ceil(self.depth),
            Tiling::Strips(_) | Tiling::Rectangles(_) => extent.taps * extent.inputs.div_ceil(SLICE),
        }
    }
}

impl Cut {
    /// For inputs that cannot be loaded 16 bytes at a time.
    pub const GATHER: Self = Self { tile: &GATHER, splits: 1, multicast: ALONE };

    /// Whether the blocks that have the parts of a sum are a cluster and add them by themselves.
    pub fn reduces_in_cluster(&self) -> bool {
        let [x, y] = self.multicast;
        self.tile.can_reduce_in_cluster() && self.splits > 1 && x * y * self.splits <= MOST_BLOCKS
    }

    /// The blocks of a cluster along the three axes.
    pub fn cluster(&self) -> [usize; 3] {
        let [x, y] = self.multicast;
        [x, y, if self.reduces_in_cluster() { self.splits } else { 1 }]
    }

    /// Blocks along the three axes: whole clusters.
    pub fn grid(&self, extent: &Extent) -> [usize; 3] {
        let ([x, y], Self { tile, splits, .. }) = (self.multicast, self);
        let lines = extent.rows.div_ceil(tile.outputs);
        [tile.blocks(extent).next_multiple_of(x), lines.next_multiple_of(y), *splits]
    }

    /// Whether such a GPU can do it.
    fn is_for(&self, chip: &Chip) -> bool {
        self.tile.chips.have(chip.capability) && self.cluster().iter().product::<usize>() <= chip.cluster
    }

    /// Blocks that such a GPU has room for.
    fn room(&self, chip: &Chip) -> usize {
        let (tile, all) = (self.tile, chip.processors * self.tile.occupancy);
        let blocks: usize = self.cluster().iter().product();
        if blocks == 1 {
            return all;
        }
        let of_group = NEIGHBOURS.min(chip.processors) * tile.occupancy / blocks * blocks;
        ((chip.processors / NEIGHBOURS).max(1) * of_group).max(blocks)
    }

    /// Numbers of f32 in memory that the parts of the sums take.
    pub fn sums(&self, extent: &Extent) -> usize {
        if self.splits == 1 || self.reduces_in_cluster() {
            return 0;
        }
        self.splits * extent.pixels() * extent.rows.next_multiple_of(EIGHT)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tile.name.trim_start_matches("conv_"))?;
        if let Tiling::Rectangles(stages) = self.tile.tiling {
            write!(f, " of {stages}")?;
        }
        if self.multicast != ALONE {
            let [x, y] = self.multicast;
            write!(f, " shared {x} by {y}")?;
        }
        if self.splits > 1 { write!(f, " in {}", self.splits) } else { Ok(()) }
    }
}

/// The cuts that may take the least time on such a GPU: first the one that does by counting, then those near it; two dozen at
/// most.
pub fn candidates(extent: &Extent, chip: &Chip) -> Vec<Cut> {
    let cost = |cut: &Cut| cost(extent, cut, chip);
    let mut cuts: Vec<Cut> = TILES
        .iter()
        .filter(|tile| tile.is_for(extent, chip))
        .flat_map(|tile| {
            let mut cuts: Vec<Cut> = cuts_of(tile, extent, chip).collect();
            cuts.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
            cuts.into_iter().take(if tile.can_multicast() { EACH_MULTICAST } else { EACH_TILE })
        })
        .collect();
    cuts.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    let limit = cuts.first().map_or(0.0, |best| NEAR * cost(best));
    cuts.retain(|cut| cost(cut) <= limit);
    cuts.truncate(MOST);
    cuts
}

/// The cut that takes the least time by counting among those that need no memory for parts of sums, if there is one.
pub fn without_sums(extent: &Extent, chip: &Chip) -> Option<Cut> {
    let tiles = TILES.iter().filter(|tile| tile.is_for(extent, chip));
    let cuts = tiles.flat_map(|tile| cuts_of(tile, extent, chip)).filter(|cut| cut.sums(extent) == 0);
    cuts.min_by(|a, b| cost(extent, a, chip).total_cmp(&cost(extent, b, chip)))
}

/// All that such a GPU can do with a tile.
fn cuts_of(tile: &'static Tile, extent: &Extent, chip: &Chip) -> impl Iterator<Item = Cut> {
    let splits = 1..=most_splits(extent, tile);
    let cuts =
        splits.flat_map(move |splits| tile.multicasts(extent).map(move |multicast| Cut { tile, splits, multicast }));
    cuts.filter(move |cut| cut.is_for(chip))
}

fn most_splits(extent: &Extent, tile: &Tile) -> usize {
    (tile.steps(extent) / LEAST_STEPS).clamp(1, MAX_SPLITS)
}

/// Time by counting, in products of one multiprocessor.
pub fn cost(extent: &Extent, cut: &Cut, chip: &Chip) -> f64 {
    let (Cut { tile, splits, .. }, processors) = (*cut, chip.processors);
    let blocks: usize = cut.grid(extent).iter().product();
    let waves = blocks.div_ceil(cut.room(chip)) as f64 * tile.occupancy.min(blocks.div_ceil(processors)) as f64;
    let area = (tile.pixels * tile.outputs) as f64;
    let depth = (tile.steps(extent).div_ceil(splits) * tile.depth) as f64 + SETUP;
    waves * area * depth / tile.efficiency + adding(extent, cut, processors)
}

/// What it takes to add the parts of the sums.
fn adding(extent: &Extent, cut: &Cut, processors: usize) -> f64 {
    let each = (extent.pixels() * extent.rows * size_of::<f32>()) as f64 * PRODUCTS_PER_BYTE / processors as f64;
    match cut.splits {
        1 => 0.0,
        // Shared memory of others is read about as fast as memory.
        splits if cut.reduces_in_cluster() => CLUSTER_BARRIERS + each * (splits - 1) as f64,
        splits => SECOND_KERNEL + 2.0 * each * splits as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H100: Chip = Chip { processors: 132, capability: (9, 0), cluster: 8 };
    const AMPERE: Chip = Chip { processors: 132, capability: (8, 6), cluster: 1 };
    const ADA: Chip = Chip { processors: 128, capability: (8, 9), cluster: 1 };

    fn map(side: usize, rows: usize, inputs: usize) -> Extent {
        let map = [1, side, side];
        Extent { map, rows, inputs, taps: 9, stride: 1, doubled: false, gated: false, line: true, fp8: false }
    }

    #[test]
    fn few_blocks_are_split_and_many_are_not() {
        let deep = candidates(&map(8, 1280, 1280), &H100)[0];
        assert!(deep.splits > 1, "{deep:?}");
        let wide = candidates(&map(512, 64, 64), &H100)[0];
        assert_eq!(wide.splits, 1, "{wide:?}");
    }

    #[test]
    fn strips_are_for_kernels_that_move_by_one() {
        let has = |extent: &Extent, name: &str| candidates(extent, &H100).iter().any(|cut| cut.tile.name == name);
        let [one, more] = [map(512, 64, 64), map(64, 320, 320)];
        assert!(has(&one, "conv_halo_hopper_256x64") && has(&more, "conv_halo_hopper_128x160"));
        assert!(!has(&map(512, 64, 72), "conv_halo_hopper_256x64"), "one slice is all it has room for");
        for other in [Extent { taps: 1, ..more }, Extent { taps: 25, ..more }, Extent { stride: 2, ..more }] {
            let found = candidates(&other, &H100);
            assert!(found.iter().all(|cut| !matches!(cut.tile.tiling, Tiling::Strips(_))), "{found:?}");
        }
    }

    #[test]
    fn strips_cover_a_map() {
        let tile = TILES.iter().find(|tile| tile.name == "conv_halo_hopper_256x64").unwrap();
        let blocks = |n, h, w| tile.blocks(&Extent { map: [n, h, w], ..map(1, 64, 64) });
        // 66 positions a line, 8 strips; a line of 35 in each of two; nothing behind the last column.
        assert_eq!([blocks(1, 512, 512), blocks(2, 8, 65), blocks(1, 1, 1), blocks(1, 43, 4)], [8 * 132, 8, 1, 1]);
    }

    fn check_candidates(extent: &Extent, chip: &Chip, most: usize) {
        let found = candidates(extent, chip);
        assert!((2..=most).contains(&found.len()), "{extent:?}: {}", found.len());
        let costs: Vec<f64> = found.iter().map(|cut| cost(extent, cut, chip)).collect();
        assert!(costs.is_sorted() && costs[costs.len() - 1] <= NEAR * costs[0], "{costs:?}");
        for cut in found {
            assert!(cut.splits == 1 || cut.tile.steps(extent) / cut.splits >= LEAST_STEPS, "{cut:?}");
            assert!(cut.tile.chips.have(chip.capability) && cut.tile.is_for(extent, chip), "{cut:?}");
        }
    }

    #[test]
    fn candidates_are_few_possible_and_of_several_tiles() {
        for map in [[1, 1, 1], [1, 1, 77], [1, 32, 32], [2, 128, 256]] {
            for (inputs, taps) in [(8, 1), (320, 1), (10240, 1), (64, 9), (320, 9), (1280, 9)] {
                let extent = Extent { map, taps, ..self::map(1, 320, inputs) };
                check_candidates(&extent, &H100, MOST);
                check_candidates(&extent, &AMPERE, 12);
                let fp8 = Extent { fp8: true, ..extent };
                check_candidates(&fp8, &H100, MOST);
                check_candidates(&fp8, &ADA, 12);
            }
        }
    }

    #[test]
    fn fp8_is_multiplied_as_each_gpu_does_it_best() {
        let extent = Extent { fp8: true, ..map(64, 320, 160) };
        assert!(candidates(&extent, &H100).iter().all(|cut| cut.tile.chips == Chips::Hopper));
        assert!(candidates(&extent, &ADA).iter().all(|cut| cut.tile.chips == Chips::All));
    }

    #[test]
    fn parts_reduced_in_clusters_need_no_memory() {
        let extent = map(16, 1280, 1280);
        for tile in &TILES {
            for splits in [1, 2, 8, 9, 16] {
                let cut = Cut { tile, splits, multicast: [1, 1] };
                let in_cluster = tile.chips == Chips::Hopper && tile.pixels < 256 && (2..=8).contains(&splits);
                assert_eq!(cut.reduces_in_cluster(), in_cluster, "{cut}");
                assert_eq!(cut.sums(&extent) > 0, splits > 1 && !in_cluster, "{cut}");
                let blocks = cut.room(&H100);
                assert!(blocks.is_multiple_of(splits) || !in_cluster, "{cut}: {blocks}");
                assert!((112..=132).contains(&(blocks / tile.occupancy)) || splits == 6, "{cut}: {blocks}");
            }
        }
    }

    #[test]
    fn every_product_can_do_without_memory_for_sums() {
        for (side, inputs) in [(1, 64), (8, 1280), (16, 1280), (64, 320)] {
            for fp8 in [false, true] {
                let extent = Extent { fp8, ..map(side, 1280, inputs) };
                for chip in [H100, Chip { cluster: 1, ..H100 }, AMPERE, ADA] {
                    let cut = without_sums(&extent, &chip).unwrap();
                    assert_eq!(cut.sums(&extent), 0, "{cut}");
                    assert!(cut.tile.is_for(&extent, &chip) && cut.is_for(&chip), "{cut}");
                    let best = candidates(&extent, &chip)[0];
                    assert!(best.sums(&extent) > 0 || cost(&extent, &cut, &chip) == cost(&extent, &best, &chip));
                }
            }
        }
    }

    #[test]
    fn parts_are_reduced_where_clusters_are_as_large() {
        let extent = map(16, 1280, 1280);
        let most = |cluster| {
            let found = candidates(&extent, &Chip { cluster, ..H100 });
            assert!(!found.is_empty());
            found.iter().filter(|cut| cut.reduces_in_cluster()).map(|cut| cut.splits).max()
        };
        assert_eq!(most(1), None);
        assert!(most(4).is_some_and(|splits| splits <= 4));
        assert!(most(8).is_some_and(|splits| splits > 4));
    }
}
