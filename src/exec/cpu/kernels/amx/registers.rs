//! The tile registers of AMX, and the instructions on them.
//!
//! There are eight, with 16 rows of 64 bytes: sums of 16 rows and columns in 0 to 3, values of 16 pixels in 4 and 5, and pairs of
//! weights of 16 columns in 6 and 7. The compiler has no names for the instructions yet (rust-lang/rust#126622), so they are
//! written in assembler.

use std::arch::asm;

use half::bf16;

/// Rows of a register, and columns of sums.
pub const SIDE: usize = 16;
/// Values in a row of a register.
pub const DEEP: usize = 32;
/// Bytes of a row of a register.
pub const ROW: usize = 64;

/// What tile registers are configured for.
#[derive(Clone, Copy, PartialEq)]
pub struct Shape {
    /// Rows of the first and of the second register of values.
    rows: [u8; 2],
    /// Values in each.
    depth: u8,
}

impl Shape {
    /// Not configured.
    pub const NONE: Self = Self { rows: [0; 2], depth: 0 };

    /// Of so many rows, [`SIDE`] of them in the first register, and steps of so many values.
    pub fn of(rows: usize, depth: usize) -> Self {
        debug_assert!(rows <= 2 * SIDE && depth <= DEEP && depth.is_multiple_of(2), "{rows} rows, {depth} deep");
        let rows = [rows.min(SIDE), rows.saturating_sub(SIDE)].map(|rows| rows as u8);
        Self { rows, depth: depth as u8 }
    }
}

/// Rows for a tile register: where the first begins, and bytes from each to the next.
#[derive(Clone, Copy)]
pub struct Rows {
    pub first: *const bf16,
    pub stride: isize,
}

/// Some instructions on tile registers.
///
/// Each such block says that it changes all of them, and the next one finds what the last has left. That is sound because the
/// compiler never uses these registers by itself: code may do that only with a processor feature that stable Rust cannot
/// switch on.
macro_rules! tiles {
    ($($part:tt)*) => {
        asm!(
            $($part)*
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, preserves_flags),
        )
    };
}

#[cfg(test)]
pub(super) use tiles;

/// Configures the tile registers for a shape. All are zero then.
#[inline(always)]
#[expect(unsafe_code, reason = "assembler")]
pub fn configure(shape: Shape) {
    let configuration = Configuration::of(shape);
    // SAFETY: it has the 64 bytes that are read, and what they say is what the processor allows.
    unsafe { tiles!("ldtilecfg [{}]", in(reg) &raw const configuration,) }
}

/// Lets the sums begin with what is at `out`, or with zero.
///
/// # Safety
/// The registers are configured for as many rows as `out` has, of 16 times `WIDE` sums side by side.
#[inline(always)]
#[expect(unsafe_code, reason = "assembler")]
pub unsafe fn begin<const TALL: usize, const WIDE: usize>(out: *mut f32, hold: bool) {
    let pitch = WIDE * ROW;
    // SAFETY: the caller's promise. A register is only touched where its rows exist.
    unsafe {
        if !hold {
            tiles!("tilezero tmm0",);
            if WIDE == 2 {
                tiles!("tilezero tmm1",);
            }
            if TALL == 2 {
                tiles!("tilezero tmm2",);
            }
            if TALL == 2 && WIDE == 2 {
                tiles!("tilezero tmm3",);
            }
            return;
        }
        tiles!("tileloadd tmm0, [{} + {}]", in(reg) out, in(reg) pitch,);
        if WIDE == 2 {
            tiles!("tileloadd tmm1, [{} + {} + 64]", in(reg) out, in(reg) pitch,);
        }
        if TALL == 2 {
            let below = out.byte_add(SIDE * pitch);
            tiles!("tileloadd tmm2, [{} + {}]", in(reg) below, in(reg) pitch,);
            if WIDE == 2 {
                tiles!("tileloadd tmm3, [{} + {} + 64]", in(reg) below, in(reg) pitch,);
            }
        }
    }
}

/// Writes the sums to `out`.
///
/// # Safety
/// That of [`begin`].
#[inline(always)]
#[expect(unsafe_code, reason = "assembler")]
pub unsafe fn end<const TALL: usize, const WIDE: usize>(out: *mut f32) {
    let pitch = WIDE * ROW;
    // SAFETY: the caller's promise.
    unsafe {
        tiles!("tilestored [{} + {}], tmm0", in(reg) out, in(reg) pitch,);
        if WIDE == 2 {
            tiles!("tilestored [{} + {} + 64], tmm1", in(reg) out, in(reg) pitch,);
        }
        if TALL == 2 {
            let below = out.byte_add(SIDE * pitch);
            tiles!("tilestored [{} + {}], tmm2", in(reg) below, in(reg) pitch,);
            if WIDE == 2 {
                tiles!("tilestored [{} + {} + 64], tmm3", in(reg) below, in(reg) pitch,);
            }
        }
    }
}

/// Adds the products of one step. Loads stand between products, so that each waits for as little as possible.
///
/// # Safety
/// The registers are configured for as many rows of values as there are from each of `values` on, and for as many rows of
/// weights, of 16 times `WIDE` pairs side by side, as there are from `weights` on.
#[inline(always)]
#[expect(unsafe_code, reason = "assembler")]
pub unsafe fn multiply<const TALL: usize, const WIDE: usize>([first, second]: [Rows; 2], weights: *const bf16) {
    let pitch = WIDE * ROW;
    // SAFETY: the caller's promise.
    unsafe {
        match (TALL, WIDE) {
            (1, 1) => tiles!(
                "tileloadd tmm6, [{weights} + {pitch}]",
                "tileloadd tmm4, [{first} + {stride}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                weights = in(reg) weights, pitch = in(reg) pitch,
                first = in(reg) first.first, stride = in(reg) first.stride,
            ),
            (1, _) => tiles!(
                "tileloadd tmm6, [{weights} + {pitch}]",
                "tileloadd tmm4, [{first} + {stride}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{weights} + {pitch} + 64]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                weights = in(reg) weights, pitch = in(reg) pitch,
                first = in(reg) first.first, stride = in(reg) first.stride,
            ),
            (_, 1) => tiles!(
                "tileloadd tmm6, [{weights} + {pitch}]",
                "tileloadd tmm4, [{first} + {stride}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{second} + {below}]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                weights = in(reg) weights, pitch = in(reg) pitch,
                first = in(reg) first.first, stride = in(reg) first.stride,
                second = in(reg) second.first, below = in(reg) second.stride,
            ),
            _ => tiles!(
                "tileloadd tmm6, [{weights} + {pitch}]",
                "tileloadd tmm4, [{first} + {stride}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{weights} + {pitch} + 64]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{second} + {below}]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                weights = in(reg) weights, pitch = in(reg) pitch,
                first = in(reg) first.first, stride = in(reg) first.stride,
                second = in(reg) second.first, below = in(reg) second.stride,
            ),
        }
    }
}

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    /// Of each register: bytes of a row. There are eight; the rest is zero.
    bytes: [u16; 16],
    rows: [u8; 16],
}

impl Configuration {
    /// Sums in registers 0 to 3, values in 4 and 5, weights in 6 and 7.
    fn of(Shape { rows: [first, second], depth }: Shape) -> Self {
        let [row, values] = [ROW as u16, 2 * u16::from(depth)];
        // A register without rows must have no columns either.
        let [below, values_below] = [row, values].map(|bytes| if second == 0 { 0 } else { bytes });
        let weights = depth / 2;
        let (mut bytes, mut rows) = ([0; 16], [0; 16]);
        bytes[..8].copy_from_slice(&[row, row, below, below, values, values_below, row, row]);
        rows[..8].copy_from_slice(&[first, first, second, second, first, second, weights, weights]);
        Self { palette: 1, start_row: 0, reserved: [0; 14], bytes, rows }
    }
}
