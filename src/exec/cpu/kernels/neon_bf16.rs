//! The product tile of bf16 numbers with NEON: 6 rows of 16 columns in 24 registers, of which each holds two columns of two rows.
//!
//! One instruction (BFMMLA) multiplies four values of two rows by four weights of two columns. Rust has no function for it yet.

use std::arch::aarch64::{
    float32x4_t, uint16x8_t, uint32x4_t, vaddvq_f32, vcombine_f32, vcombine_u16, vdup_n_u32, vdupq_n_f32, vdupq_n_u32,
    vget_high_f32, vget_low_f32, vld1_f32, vld1_u16, vld1q_f32, vld1q_u16, vreinterpret_u16_u32, vreinterpretq_u16_u32,
    vreinterpretq_u32_u16, vset_lane_u32, vst1q_f32, vst1q_u16, vzip1q_u32, vzip2q_u32,
};
use std::arch::asm;

use half::bf16;

use super::{LANES, Tile, rows};

/// Rows whose sums fit into the registers, beside weights of four columns and four values of each row.
const MOST_ROWS: usize = 6;
/// Rows of a tile that are quickest: whole parts.
pub const ROWS: usize = 4 * MOST_ROWS;
/// Values of a row that are multiplied at a time.
const DEPTH: usize = 4;
/// Pairs of columns in a part of a panel.
const PAIRS: usize = LANES / 2;
/// Numbers rounded at once, and values of a narrow tile multiplied at once.
const EIGHT: usize = 8;
/// Rows of a narrow tile computed together.
const NARROW_ROWS: usize = 4;

/// The tile; see [`Tile`].
#[target_feature(enable = "neon,bf16")]
pub fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    tile.check(out);
    for column in (0..tile.width).step_by(LANES) {
        let mut first = 0;
        while first < tile.pixels.len() {
            let count = tile.together(first, MOST_ROWS);
            match count.div_ceil(2) {
                1 => rows_of::<1>(tile, (first, count), column, out),
                2 => rows_of::<2>(tile, (first, count), column, out),
                _ => rows_of::<3>(tile, (first, count), column, out),
            }
            first += count;
        }
    }
}

/// `count` rows from `first` on, 16 columns from `column` on, in `TWOS` twos of rows. If they are odd, the last one is computed twice.
#[target_feature(enable = "neon,bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
fn rows_of<const TWOS: usize>(tile: &Tile<'_, bf16>, (first, count): (usize, usize), column: usize, out: &mut [f32]) {
    let row = |two: usize, which: usize| first + (2 * two + which).min(count - 1);
    // SAFETY: `check` has seen that every run of every pixel lies in `input`, all weights in `weights` and all rows in `out`.
    unsafe {
        let base: [[*const u16; 2]; TWOS] = std::array::from_fn(|two| {
            std::array::from_fn(|which| tile.input.as_ptr().cast::<u16>().add(tile.pixels[row(two, which)]))
        });
        let places: [[*mut f32; 2]; TWOS] = std::array::from_fn(|two| {
            std::array::from_fn(|which| out.as_mut_ptr().add(row(two, which) * tile.width + column))
        });
        let mut sums = [[vdupq_n_f32(0.0); PAIRS]; TWOS];
        if tile.hold {
            for (sums, place) in sums.iter_mut().zip(&places) {
                for (pair, sum) in sums.iter_mut().enumerate() {
                    *sum = vcombine_f32(vld1_f32(place[0].add(2 * pair)), vld1_f32(place[1].add(2 * pair)));
                }
            }
        }
        // Two rows of weights lie interleaved.
        let mut weights = tile.weights.as_ptr().cast::<u16>().add(2 * column);
        let next = 2 * tile.width;
        for &tap in tile.taps {
            let whole = tile.run - tile.run % DEPTH;
            // The most rows have all but one register: the compiler would move sums to and fro.
            let begin = if let ([first, second, third], [a, b, c]) = (&base[..], &mut sums[..]) {
                mainloop([*first, *second, *third], tap, (weights, next), whole / DEPTH, [a, b, c]);
                weights = weights.add(whole * tile.width);
                whole
            } else {
                0
            };
            for k in (begin..whole).step_by(DEPTH) {
                let values: [uint16x8_t; TWOS] = std::array::from_fn(|two| {
                    let [one, other] = base[two].map(|base| vld1_u16(base.add(tap + k)));
                    vcombine_u16(one, other)
                });
                multiply(&values, weights, |at| load(at.add(next)), &mut sums);
                weights = weights.add(2 * next);
            }
            if whole < tile.run {
                let values: [uint16x8_t; TWOS] = std::array::from_fn(|two| {
                    let [one, other] = base[two].map(|base| {
                        let both = base.add(tap + whole).cast::<u32>().read_unaligned();
                        vreinterpret_u16_u32(vset_lane_u32::<0>(both, vdup_n_u32(0)))
                    });
                    vcombine_u16(one, other)
                });
                multiply(&values, weights, |_| vdupq_n_u32(0), &mut sums);
                weights = weights.add(next);
            }
        }
        for (sums, place) in sums.iter().zip(&places) {
            for pair in (0..PAIRS).step_by(2) {
                let [left, right] = [sums[pair], sums[pair + 1]];
                vst1q_f32(place[0].add(2 * pair), vcombine_f32(vget_low_f32(left), vget_low_f32(right)));
                vst1q_f32(place[1].add(2 * pair), vcombine_f32(vget_high_f32(left), vget_high_f32(right)));
            }
        }
    }
}

/// Four columns from byte `$at` of a row of weights on: the four weights of two columns in each of two registers, times three twos of
/// rows, whose sums are the registers that follow.
macro_rules! four_columns {
    ($at:literal: $($left:literal $right:literal by $values:literal),+) => {
        concat!(
            "ldr q27, [{weights}, #", $at, "]\n",
            "ldr q28, [{further}, #", $at, "]\n",
            "zip1 v29.4s, v27.4s, v28.4s\n",
            "zip2 v30.4s, v27.4s, v28.4s\n",
            $(
                "bfmmla v", $left, ".4s, v", $values, ".8h, v29.8h\n",
                "bfmmla v", $right, ".4s, v", $values, ".8h, v30.8h\n",
            )+
        )
    };
}

/// Adds `steps` times four values of six rows, from `tap` on, times weights of 16 columns, which lie `next` numbers apart in pairs.
///
/// # Safety
/// All of them are there to be read.
#[inline]
#[target_feature(enable = "neon,bf16")]
#[expect(unsafe_code, reason = "all registers but one are in use, and the compiler cannot be told which is for what")]
unsafe fn mainloop(
    [[r0, r1], [r2, r3], [r4, r5]]: [[*const u16; 2]; 3],
    tap: usize,
    (weights, next): (*const u16, usize),
    steps: usize,
    [a, b, c]: [&mut [float32x4_t; PAIRS]; 3],
) {
    if steps == 0 {
        return;
    }
    // SAFETY: reads what the caller says is there, and uses the registers that it names alone.
    unsafe {
        asm!(
            "2:",
            "ldr d24, [{r0}], #8",
            "ld1 {{v24.d}}[1], [{r1}], #8",
            "ldr d25, [{r2}], #8",
            "ld1 {{v25.d}}[1], [{r3}], #8",
            "ldr d26, [{r4}], #8",
            "ld1 {{v26.d}}[1], [{r5}], #8",
            four_columns!(0: 0 1 by 24, 8 9 by 25, 16 17 by 26),
            four_columns!(16: 2 3 by 24, 10 11 by 25, 18 19 by 26),
            four_columns!(32: 4 5 by 24, 12 13 by 25, 20 21 by 26),
            four_columns!(48: 6 7 by 24, 14 15 by 25, 22 23 by 26),
            "add {weights}, {weights}, {two}",
            "add {further}, {further}, {two}",
            "subs {steps}, {steps}, #1",
            "b.ne 2b",
            r0 = inout(reg) r0.add(tap) => _, r1 = inout(reg) r1.add(tap) => _, r2 = inout(reg) r2.add(tap) => _,
            r3 = inout(reg) r3.add(tap) => _, r4 = inout(reg) r4.add(tap) => _, r5 = inout(reg) r5.add(tap) => _,
            weights = inout(reg) weights => _,
            further = inout(reg) weights.add(next) => _,
            two = in(reg) 2 * size_of::<u16>() * next,
            steps = inout(reg) steps => _,
            inout("v0") a[0], inout("v1") a[1], inout("v2") a[2], inout("v3") a[3],
            inout("v4") a[4], inout("v5") a[5], inout("v6") a[6], inout("v7") a[7],
            inout("v8") b[0], inout("v9") b[1], inout("v10") b[2], inout("v11") b[3],
            inout("v12") b[4], inout("v13") b[5], inout("v14") b[6], inout("v15") b[7],
            inout("v16") c[0], inout("v17") c[1], inout("v18") c[2], inout("v19") c[3],
            inout("v20") c[4], inout("v21") c[5], inout("v22") c[6], inout("v23") c[7],
            out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _, out("v29") _, out("v30") _,
            options(readonly, nostack)
        );
    }
}

/// Adds four values of each row times weights of 16 columns: two for each column from `weights` on, and two that `further` brings
/// from the place of the first.
///
/// # Safety
/// The weights are there to be read.
#[inline]
#[target_feature(enable = "neon,bf16")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
unsafe fn multiply<const TWOS: usize>(
    values: &[uint16x8_t; TWOS],
    weights: *const u16,
    further: impl Fn(*const u16) -> uint32x4_t,
    sums: &mut [[float32x4_t; PAIRS]; TWOS],
) {
    for pair in (0..PAIRS).step_by(2) {
        // SAFETY: the caller says so.
        let (first, second) = unsafe {
            let at = weights.add(4 * pair);
            (load(at), further(at))
        };
        let columns =
            [vzip1q_u32(first, second), vzip2q_u32(first, second)].map(|columns| vreinterpretq_u16_u32(columns));
        for two in 0..TWOS {
            sums[two][pair] = multiply_add(sums[two][pair], values[two], columns[0]);
            sums[two][pair + 1] = multiply_add(sums[two][pair + 1], values[two], columns[1]);
        }
    }
}

/// Two weights of each of four columns.
///
/// # Safety
/// They are there to be read.
#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
unsafe fn load(at: *const u16) -> uint32x4_t {
    // SAFETY: the caller says so.
    vreinterpretq_u32_u16(unsafe { vld1q_u16(at) })
}

/// A function for an instruction that adds products of eight numbers and eight more to four sums.
macro_rules! adding {
    ($(#[$doc:meta])* $name:ident: $instruction:literal) => {
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "neon,bf16")]
        #[expect(unsafe_code, reason = "there is no other way to this instruction yet")]
        fn $name(mut sums: float32x4_t, values: uint16x8_t, weights: uint16x8_t) -> float32x4_t {
            // SAFETY: it reads and writes these registers alone.
            unsafe {
                asm!(
                    concat!($instruction, " {0:v}.4s, {1:v}.8h, {2:v}.8h"),
                    inout(vreg) sums, in(vreg) values, in(vreg) weights,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            sums
        }
    };
}

adding! {
    /// To two columns of two rows, four products each.
    multiply_add: "bfmmla"
}

adding! {
    /// To each sum two products.
    add_pairs: "bfdot"
}

/// BFCVTN: four numbers, then four more, rounded to the nearest, ties to even.
#[inline]
#[target_feature(enable = "neon,bf16")]
#[expect(unsafe_code, reason = "there is no other way to these instructions yet")]
pub fn narrowed(low: float32x4_t, high: float32x4_t) -> uint16x8_t {
    let rounded: uint16x8_t;
    // SAFETY: they read and write these registers alone. The first writes the result before the other operand is read.
    unsafe {
        asm!(
            "bfcvtn {0:v}.4h, {1:v}.4s",
            "bfcvtn2 {0:v}.8h, {2:v}.4s",
            out(vreg) rounded, in(vreg) low, in(vreg) high,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    rounded
}

/// Rounds to the nearest, ties to even.
#[target_feature(enable = "neon,bf16")]
#[expect(unsafe_code, reason = "vector loads and stores take pointers")]
pub fn narrow(x: &[f32], out: &mut [bf16]) {
    let count = x.len().min(out.len());
    let whole = count - count % EIGHT;
    for at in (0..whole).step_by(EIGHT) {
        // SAFETY: `at + EIGHT` is at most `count`, the length of the shorter slice.
        unsafe {
            let (low, high) = (vld1q_f32(x.as_ptr().add(at)), vld1q_f32(x.as_ptr().add(at + EIGHT / 2)));
            vst1q_u16(out.as_mut_ptr().add(at).cast(), narrowed(low, high));
        }
    }
    rows::narrow(&x[whole..count], &mut out[whole..count]);
}

/// The tile of a narrow panel: sums run over lanes.
#[target_feature(enable = "neon,bf16")]
pub fn dots_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    tile.check_narrow(out);
    match tile.width {
        1 => dots::<1>(tile, out),
        2 => dots::<2>(tile, out),
        3 => dots::<3>(tile, out),
        _ => dots::<4>(tile, out),
    }
}

#[target_feature(enable = "neon,bf16")]
#[expect(unsafe_code, reason = "vector loads take pointers")]
fn dots<const COLUMNS: usize>(tile: &Tile<'_, bf16>, out: &mut [f32]) {
    let whole = tile.run - tile.run % EIGHT;
    for (pixels, out) in tile.pixels.chunks(NARROW_ROWS).zip(out.chunks_mut(NARROW_ROWS * COLUMNS)) {
        let mut sums = [[vdupq_n_f32(0.0); COLUMNS]; NARROW_ROWS];
        let mut rest = [[0.0; COLUMNS]; NARROW_ROWS];
        // Missing rows are computed as the last again.
        let base: [usize; NARROW_ROWS] = std::array::from_fn(|row| pixels[row.min(pixels.len() - 1)]);
        for (index, tap) in tile.taps.iter().enumerate() {
            for k in (0..whole).step_by(EIGHT) {
                // SAFETY: `check_narrow` has seen that every run of every pixel lies in `input`, and all weights in `weights`.
                unsafe {
                    let weights: [uint16x8_t; COLUMNS] = std::array::from_fn(|column| {
                        vld1q_u16(tile.weights.as_ptr().cast::<u16>().add(column * tile.rows() + index * tile.run + k))
                    });
                    for row in 0..NARROW_ROWS {
                        let values = vld1q_u16(tile.input.as_ptr().cast::<u16>().add(base[row] + tap + k));
                        for column in 0..COLUMNS {
                            sums[row][column] = add_pairs(sums[row][column], values, weights[column]);
                        }
                    }
                }
            }
            for k in whole..tile.run {
                for (rest, base) in rest.iter_mut().zip(base) {
                    for (column, rest) in rest.iter_mut().enumerate() {
                        let weight = tile.weights[column * tile.rows() + index * tile.run + k];
                        *rest += tile.input[base + tap + k].to_f32() * weight.to_f32();
                    }
                }
            }
        }
        for (row, (sums, rest)) in sums.iter().zip(&rest).enumerate() {
            for (column, (sum, rest)) in sums.iter().zip(rest).enumerate() {
                if let Some(out) = out.get_mut(row * COLUMNS + column) {
                    *out = vaddvq_f32(*sum) + rest;
                }
            }
        }
    }
}
