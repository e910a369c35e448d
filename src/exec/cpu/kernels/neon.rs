//! The product tiles with NEON, which every 64-bit ARM processor has: up to 5 rows of 16 columns in 20 registers.

use std::arch::aarch64::{float32x4_t, vdupq_n_f32, vfmaq_laneq_f32, vfmaq_n_f32, vld1q_f32, vst1q_f32};

use super::{LANES, Tile};

/// Numbers in a register.
const REGISTER: usize = 4;
/// Registers of a row.
const PARTS: usize = LANES / REGISTER;
/// Rows whose sums fit into the registers, beside a row of weights and four values of each row.
const MOST_ROWS: usize = 5;
/// Rows of a tile that are quickest: they divide well into parts of five and of four.
pub const ROWS: usize = 4 * MOST_ROWS;

/// The sums of some rows.
type Sums<const ROWS: usize> = [[float32x4_t; PARTS]; ROWS];

/// See [`Tile`].
#[target_feature(enable = "neon")]
pub fn tile(tile: &Tile<'_>, out: &mut [f32]) {
    tile.check(out);
    for column in (0..tile.width).step_by(LANES) {
        by_rows(tile, column, out);
    }
}

/// All rows, four registers from `column` on.
#[target_feature(enable = "neon")]
fn by_rows(tile: &Tile<'_>, column: usize, out: &mut [f32]) {
    let mut first = 0;
    while first < tile.pixels.len() {
        first += match tile.together(first, MOST_ROWS) {
            1 => rows::<1>(tile, first, column, out),
            2 => rows::<2>(tile, first, column, out),
            3 => rows::<3>(tile, first, column, out),
            4 => rows::<4>(tile, first, column, out),
            _ => rows::<5>(tile, first, column, out),
        };
    }
}

/// Rows `first..first + ROWS`, four registers from `column` on. Returns how many rows that was.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows<const ROWS: usize>(tile: &Tile<'_>, first: usize, column: usize, out: &mut [f32]) -> usize {
    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and all rows in `out`.
    unsafe {
        let base: [*const f32; ROWS] = std::array::from_fn(|row| tile.input.as_ptr().add(tile.pixels[first + row]));
        let place = out.as_mut_ptr().add(first * tile.width + column);
        let mut sums = [[vdupq_n_f32(0.0); PARTS]; ROWS];
        if tile.hold {
            for (row, sums) in sums.iter_mut().enumerate() {
                *sums = columns(place.add(row * tile.width));
            }
        }
        let mut weights = tile.weights.as_ptr().add(column);
        let whole = tile.run - tile.run % REGISTER;
        for &tap in tile.taps {
            let values: [*const f32; ROWS] = std::array::from_fn(|row| base[row].add(tap));
            for k in (0..whole).step_by(REGISTER) {
                let four: [float32x4_t; ROWS] = std::array::from_fn(|row| vld1q_f32(values[row].add(k)));
                multiply::<0, ROWS>(&four, columns(weights), &mut sums);
                multiply::<1, ROWS>(&four, columns(weights.add(tile.width)), &mut sums);
                multiply::<2, ROWS>(&four, columns(weights.add(2 * tile.width)), &mut sums);
                multiply::<3, ROWS>(&four, columns(weights.add(3 * tile.width)), &mut sums);
                weights = weights.add(REGISTER * tile.width);
            }
            for k in whole..tile.run {
                let columns = columns(weights);
                for row in 0..ROWS {
                    let value = *values[row].add(k);
                    for part in 0..PARTS {
                        sums[row][part] = vfmaq_n_f32(sums[row][part], columns[part], value);
                    }
                }
                weights = weights.add(tile.width);
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (part, sum) in sums.iter().enumerate() {
                vst1q_f32(place.add(row * tile.width + part * REGISTER), *sum);
            }
        }
    }
    ROWS
}

/// A row of 16 numbers.
///
/// # Safety
/// They are there to be read.
#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
unsafe fn columns(at: *const f32) -> [float32x4_t; PARTS] {
    // SAFETY: the caller says so.
    std::array::from_fn(|part| unsafe { vld1q_f32(at.add(part * REGISTER)) })
}

/// Adds value `LANE` of each row's four times a row of weights.
#[inline]
#[target_feature(enable = "neon")]
fn multiply<const LANE: i32, const ROWS: usize>(
    four: &[float32x4_t; ROWS],
    columns: [float32x4_t; PARTS],
    sums: &mut Sums<ROWS>,
) {
    for row in 0..ROWS {
        for part in 0..PARTS {
            sums[row][part] = vfmaq_laneq_f32::<LANE>(sums[row][part], columns[part], four[row]);
        }
    }
}

/// What the kernels of several instruction sets are written with, in the order of arguments that others have.
pub mod operations {
    use std::arch::aarch64::{float32x4_t, vfmaq_f32, vfmsq_f32, vnegq_f32, vpaddq_f32, vst1q_f32};

    /// a * b + c
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        vfmaq_f32(c, a, b)
    }

    /// c - a * b
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn subtract_product(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        vfmsq_f32(c, a, b)
    }

    /// The sum of all lanes of each of four registers.
    #[inline]
    #[target_feature(enable = "neon")]
    #[expect(unsafe_code, reason = "the vector store takes a pointer")]
    pub fn four_sums([a, b, c, d]: [float32x4_t; 4]) -> [f32; 4] {
        let mut out = [0.0; 4];
        // SAFETY: there is room for four numbers.
        unsafe { vst1q_f32(out.as_mut_ptr(), vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d))) };
        out
    }

    /// -a * b - c
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn negative_sum(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        vnegq_f32(vfmaq_f32(c, a, b))
    }
}
