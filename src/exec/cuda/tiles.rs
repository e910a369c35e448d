//! Which tile and how many splits suit a product: the least time by counting waves of blocks.

use super::kernels::{GATHER, TILES, Tile};
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

/// How a product is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// The tile.
    pub tile: &'static Tile,
    /// Parts of the sum that are computed side by side and added afterwards.
    pub splits: usize,
}

/// Blocks of a tile that are on a multiprocessor at a time: shared memory (100 KB and more) and registers leave room for two.
const TOGETHER: usize = 2;
/// Multiplications a multiprocessor does while it loads or stores one byte of memory, from the H100's figures.
const PRODUCTS_PER_BYTE: f64 = 110.0;
/// What a block costs before its first and after its last product, in products of its tile's area.
const SETUP: f64 = 160.0;
/// What a second kernel costs, in products of one multiprocessor: about two microseconds.
const SECOND_KERNEL: f64 = 6.0e6;
/// Parts at most.
const MAX_SPLITS: usize = 16;
/// A part of a sum has so many steps at least.
const LEAST_STEPS: usize = 4;

/// The cut that should take the least time on so many multiprocessors.
pub fn best(extent: &Extent, aligned: bool, processors: usize) -> Cut {
    if !aligned {
        return Cut { tile: &GATHER, splits: 1 };
    }
    let cuts = TILES.iter().flat_map(|tile| {
        let most = (steps(extent, tile) / LEAST_STEPS).clamp(1, MAX_SPLITS);
        (1..=most).map(move |splits| Cut { tile, splits })
    });
    let cost = |cut: &Cut| cost(extent, cut, processors);
    let best = cuts.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    best.unwrap_or(Cut { tile: &TILES[0], splits: 1 })
}

fn steps(extent: &Extent, tile: &Tile) -> usize {
    (extent.taps * extent.inputs.next_multiple_of(EIGHT)).div_ceil(tile.depth)
}

/// Time in products of one multiprocessor.
fn cost(extent: &Extent, cut: &Cut, processors: usize) -> f64 {
    let Cut { tile, splits } = *cut;
    let blocks = extent.pixels.div_ceil(tile.pixels) * extent.rows.div_ceil(tile.outputs) * splits;
    let waves = blocks.div_ceil(processors * TOGETHER) as f64 * TOGETHER.min(blocks.div_ceil(processors)) as f64;
    let area = (tile.pixels * tile.outputs) as f64;
    let depth = (steps(extent, tile).div_ceil(splits) * tile.depth) as f64 + SETUP;
    let sums = (extent.pixels * extent.rows * 2 * size_of::<f32>()) as f64;
    let adding =
        if splits > 1 { SECOND_KERNEL + sums * splits as f64 * PRODUCTS_PER_BYTE / processors as f64 } else { 0.0 };
    waves * area * depth / tile.efficiency + adding
}

#[cfg(test)]
mod tests {
    use super::*;

    const H100: usize = 132;

    fn cut(pixels: usize, rows: usize, inputs: usize, taps: usize) -> Cut {
        best(&Extent { pixels, rows, inputs, taps }, true, H100)
    }

    #[test]
    fn few_blocks_are_split_and_many_are_not() {
        let deep = cut(64, 1280, 1280, 9);
        assert!(deep.splits > 1, "{deep:?}");
        let wide = cut(1 << 18, 64, 64, 9);
        assert_eq!(wide.splits, 1, "{wide:?}");
        assert_eq!(best(&Extent { pixels: 64, rows: 64, inputs: 4, taps: 9 }, false, H100).tile, &GATHER);
    }

    #[test]
    fn a_split_has_enough_to_do() {
        for pixels in [1, 77, 1024] {
            for inputs in [8, 320, 10240] {
                let found = cut(pixels, 320, inputs, 1);
                assert!(
                    found.splits == 1
                        || steps(&Extent { pixels, rows: 320, inputs, taps: 1 }, found.tile) / found.splits
                            >= LEAST_STEPS
                );
            }
        }
    }
}
