//! Into which tiles, and in how many parts, a product may be cut: by counting waves of blocks, which knows nothing of caches and
//! clocks. What is measured decides between the cuts that come out near each other (`tune.rs`).

use std::fmt;

use super::cluster::MOST_BLOCKS;
use super::kernels::{Chips, GATHER, TILES, Tile};
use super::packing::TOGETHER as EIGHT;

/// A product's extent: pixels, outputs (rows of weights) and steps of each, depth by taps.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Pixels.
    pub pixels: usize,
    /// Rows of weights.
    pub rows: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Pixels of the kernel.
    pub taps: usize,
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
    /// Parts of the sum that are computed side by side and added afterwards.
    pub splits: usize,
}

/// Multiplications a multiprocessor does while it loads or stores one byte of memory, from the H100's figures.
const PRODUCTS_PER_BYTE: f64 = 110.0;
/// What a block costs before its first and after its last product, in products of its tile's area.
const SETUP: f64 = 160.0;
/// What a second kernel costs, in products of one multiprocessor: about two microseconds.
const SECOND_KERNEL: f64 = 6.0e6;
/// What it costs that the blocks of a cluster meet twice, in the same: about a microsecond.
const MEETINGS: f64 = 3.0e6;
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

impl Cut {
    /// For inputs that cannot be loaded 16 bytes at a time.
    pub const GATHER: Self = Self { tile: &GATHER, splits: 1 };

    /// Whether the blocks that have the parts of a sum are a cluster and add them by themselves.
    pub fn meets(&self) -> bool {
        self.tile.chips == Chips::Hopper && (2..=MOST_BLOCKS).contains(&self.splits)
    }

    /// Whether such a GPU can do it.
    fn is_for(&self, chip: &Chip) -> bool {
        self.tile.chips.have(chip.capability) && (!self.meets() || self.splits <= chip.cluster)
    }

    /// Blocks that such a GPU has room for.
    fn room(&self, chip: &Chip) -> usize {
        let (Self { tile, splits }, all) = (self, chip.processors * self.tile.together);
        if !self.meets() {
            return all;
        }
        let of_group = NEIGHBOURS.min(chip.processors) * tile.together / splits * splits;
        ((chip.processors / NEIGHBOURS).max(1) * of_group).max(*splits)
    }

    /// Numbers of f32 in memory that the parts of the sums take.
    pub fn sums(&self, extent: &Extent) -> usize {
        if self.splits == 1 || self.meets() {
            return 0;
        }
        self.splits * extent.pixels * extent.rows.next_multiple_of(EIGHT)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tile.name.trim_start_matches("conv_"))?;
        if self.splits > 1 { write!(f, " in {}", self.splits) } else { Ok(()) }
    }
}

/// The cuts that may take the least time on such a GPU: first the one that does by counting, then those near it; two dozen at
/// most.
pub fn candidates(extent: &Extent, chip: &Chip) -> Vec<Cut> {
    let cost = |cut: &Cut| cost(extent, cut, chip);
    let mut cuts: Vec<Cut> = TILES
        .iter()
        .flat_map(|tile| {
            let cuts = (1..=most_splits(extent, tile)).map(move |splits| Cut { tile, splits });
            let mut cuts: Vec<Cut> = cuts.filter(|cut| cut.is_for(chip)).collect();
            cuts.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
            cuts.into_iter().take(EACH_TILE)
        })
        .collect();
    cuts.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    let limit = cuts.first().map_or(0.0, |best| NEAR * cost(best));
    cuts.retain(|cut| cost(cut) <= limit);
    cuts
}

fn steps(extent: &Extent, tile: &Tile) -> usize {
    (extent.taps * extent.inputs.next_multiple_of(EIGHT)).div_ceil(tile.depth)
}

fn most_splits(extent: &Extent, tile: &Tile) -> usize {
    (steps(extent, tile) / LEAST_STEPS).clamp(1, MAX_SPLITS)
}

/// Time by counting, in products of one multiprocessor.
pub fn cost(extent: &Extent, cut: &Cut, chip: &Chip) -> f64 {
    let (Cut { tile, splits }, processors) = (*cut, chip.processors);
    let blocks = extent.pixels.div_ceil(tile.pixels) * extent.rows.div_ceil(tile.outputs) * splits;
    let waves = blocks.div_ceil(cut.room(chip)) as f64 * tile.together.min(blocks.div_ceil(processors)) as f64;
    let area = (tile.pixels * tile.outputs) as f64;
    let depth = (steps(extent, tile).div_ceil(splits) * tile.depth) as f64 + SETUP;
    waves * area * depth / tile.efficiency + adding(extent, cut, processors)
}

/// What it takes to add the parts of the sums.
fn adding(extent: &Extent, cut: &Cut, processors: usize) -> f64 {
    let each = (extent.pixels * extent.rows * size_of::<f32>()) as f64 * PRODUCTS_PER_BYTE / processors as f64;
    match cut.splits {
        1 => 0.0,
        // Shared memory of others is read about as fast as memory.
        splits if cut.meets() => MEETINGS + each * (splits - 1) as f64,
        splits => SECOND_KERNEL + 2.0 * each * splits as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H100: Chip = Chip { processors: 132, capability: (9, 0), cluster: 8 };
    const AMPERE: Chip = Chip { processors: 132, capability: (8, 6), cluster: 1 };

    fn cut(pixels: usize, rows: usize, inputs: usize, taps: usize) -> Cut {
        candidates(&Extent { pixels, rows, inputs, taps }, &H100)[0]
    }

    #[test]
    fn few_blocks_are_split_and_many_are_not() {
        let deep = cut(64, 1280, 1280, 9);
        assert!(deep.splits > 1, "{deep:?}");
        let wide = cut(1 << 18, 64, 64, 9);
        assert_eq!(wide.splits, 1, "{wide:?}");
    }

    #[test]
    fn candidates_are_few_possible_and_of_several_tiles() {
        for pixels in [1, 77, 1024, 1 << 16] {
            for inputs in [8, 320, 10240] {
                let extent = Extent { pixels, rows: 320, inputs, taps: 1 };
                for (chip, most) in [(H100, 24), (AMPERE, 12)] {
                    let found = candidates(&extent, &chip);
                    assert!((2..=most).contains(&found.len()), "{extent:?}: {}", found.len());
                    let costs: Vec<f64> = found.iter().map(|cut| cost(&extent, cut, &chip)).collect();
                    assert!(costs.is_sorted() && costs[costs.len() - 1] <= NEAR * costs[0], "{costs:?}");
                    for cut in found {
                        assert!(cut.splits == 1 || steps(&extent, cut.tile) / cut.splits >= LEAST_STEPS, "{cut:?}");
                        assert!(cut.tile.chips.have(chip.capability), "{cut:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn parts_that_meet_need_no_memory() {
        let extent = Extent { pixels: 256, rows: 1280, inputs: 1280, taps: 9 };
        for tile in &TILES {
            for splits in [1, 2, 8, 9, 16] {
                let cut = Cut { tile, splits };
                let meets = tile.chips == Chips::Hopper && (2..=8).contains(&splits);
                assert_eq!(cut.meets(), meets, "{cut}");
                assert_eq!(cut.sums(&extent) > 0, splits > 1 && !meets, "{cut}");
                let blocks = cut.room(&H100);
                assert!(blocks.is_multiple_of(splits) || !meets, "{cut}: {blocks}");
                assert!((112..=132).contains(&(blocks / tile.together)) || splits == 6, "{cut}: {blocks}");
            }
        }
    }

    #[test]
    fn blocks_meet_where_there_are_clusters_as_large() {
        let extent = Extent { pixels: 256, rows: 1280, inputs: 1280, taps: 9 };
        let most = |cluster| {
            let found = candidates(&extent, &Chip { cluster, ..H100 });
            assert!(!found.is_empty());
            found.iter().filter(|cut| cut.meets()).map(|cut| cut.splits).max()
        };
        assert_eq!(most(1), None);
        assert!(most(4).is_some_and(|splits| splits <= 4));
        assert!(most(8).is_some_and(|splits| splits > 4));
    }
}
