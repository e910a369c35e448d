//! Tile registers, and what instructions do to them.

use super::decode::{Instruction, Rows};

/// Registers, rows of each, and bytes of a row: what palette 1 has.
const TILES: usize = 8;
const ROWS: usize = 16;
const ROW: usize = 64;

type Row = [u8; ROW];

/// What a register is configured for. None of either: not at all.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    rows: usize,
    /// Of a row.
    bytes: usize,
}

/// The tile registers of a thread.
pub struct Tiles {
    shapes: Option<[Shape; TILES]>,
    /// Rows and bytes that a register is not configured for are zero.
    data: [[Row; ROWS]; TILES],
}

impl Tiles {
    /// Before anything is configured.
    pub const NEW: Self = Self { shapes: None, data: [[[0; ROW]; ROWS]; TILES] };

    /// Does what an instruction says, or says why the processor would not.
    ///
    /// # Safety
    /// What it reads is readable, and what it writes is writable.
    #[expect(unsafe_code, reason = "its operands are addresses")]
    pub unsafe fn execute(&mut self, instruction: Instruction) -> Result<(), String> {
        match instruction {
            // SAFETY: the caller's promise.
            Instruction::Configure { from } => self.configure(&unsafe { (from as *const Row).read() })?,
            Instruction::Release => *self = Self::NEW,
            Instruction::Zero { tile } => {
                self.shape(tile)?;
                self.data[tile] = [[0; ROW]; ROWS];
            }
            Instruction::Load { tile, from } => {
                let Shape { rows, bytes } = self.shape(tile)?;
                self.data[tile] = [[0; ROW]; ROWS];
                for (row, place) in self.data[tile].iter_mut().enumerate().take(rows) {
                    // SAFETY: the caller's promise.
                    unsafe { place.as_mut_ptr().copy_from_nonoverlapping(at(from, row), bytes) };
                }
            }
            Instruction::Store { tile, to } => {
                let Shape { rows, bytes } = self.shape(tile)?;
                for (row, place) in self.data[tile].iter().enumerate().take(rows) {
                    // SAFETY: the caller's promise.
                    unsafe { at(to, row).copy_from_nonoverlapping(place.as_ptr(), bytes) };
                }
            }
            Instruction::Multiply { sums, values, weights } => self.multiply(sums, values, weights)?,
            Instruction::Dots { .. } => return Err("it is not for tiles".into()),
        }
        Ok(())
    }

    fn shape(&self, tile: usize) -> Result<Shape, String> {
        let shapes = self.shapes.ok_or("no tiles are configured")?;
        let shape = shapes.get(tile).ok_or_else(|| format!("there is no tile {tile}"))?;
        if shape.rows == 0 { Err(format!("tile {tile} is not configured")) } else { Ok(*shape) }
    }

    fn configure(&mut self, configuration: &Row) -> Result<(), String> {
        *self = Self::NEW;
        match configuration[0] {
            0 => return Ok(()),
            1 => {}
            palette => return Err(format!("there is no palette {palette}")),
        }
        // The row that an interrupted load begins with again, then what is reserved, and what only more tiles would have.
        let mut reserved = [1..16, 32..48, 56..64].into_iter();
        if reserved.any(|range| configuration[range].iter().any(|byte| *byte != 0)) {
            return Err("reserved bytes of a configuration are not zero".into());
        }
        let mut shapes = [Shape { rows: 0, bytes: 0 }; TILES];
        for (tile, shape) in shapes.iter_mut().enumerate() {
            let bytes = u16::from_le_bytes([configuration[16 + 2 * tile], configuration[17 + 2 * tile]]);
            *shape = Shape { rows: configuration[48 + tile].into(), bytes: bytes.into() };
            if shape.rows > ROWS || shape.bytes > ROW || (shape.rows == 0) != (shape.bytes == 0) {
                return Err(format!("tile {tile} cannot be {shape:?}"));
            }
        }
        self.shapes = Some(shapes);
        Ok(())
    }

    fn multiply(&mut self, sums: usize, values: usize, weights: usize) -> Result<(), String> {
        let [s, v, w] = [self.shape(sums)?, self.shape(values)?, self.shape(weights)?];
        let fits = sums != values && sums != weights && values != weights;
        let fits = fits && [s, v, w].iter().all(|shape| shape.bytes.is_multiple_of(4));
        if !fits || s.rows != v.rows || s.bytes != w.bytes || v.bytes / 4 != w.rows {
            return Err(format!("tiles {sums}, {values}, {weights} do not fit: {s:?}, {v:?}, {w:?}"));
        }
        let (left, right) = (self.data[values], self.data[weights]);
        // SAFETY: nobody installs the emulator without AVX2 and FMA.
        #[expect(unsafe_code, reason = "without FMA a rounding that is fused is a hundred times as slow")]
        unsafe {
            products(&mut self.data[sums][..s.rows], &left, &right[..w.rows]);
        }
        Ok(())
    }
}

/// Where a row is in memory.
fn at(rows: Rows, row: usize) -> *mut u8 {
    rows.first.wrapping_add(rows.stride.wrapping_mul(row as u64)) as *mut u8
}

/// Adds to each sum the products of its row of values and its column of pairs of weights: the first and the second of all pairs
/// apart, each product and addition rounded once.
#[target_feature(enable = "avx2,fma")]
fn products(sums: &mut [Row], values: &[Row], weights: &[Row]) {
    for (sums, values) in sums.iter_mut().zip(values) {
        let mut halves = [[0.0f32; ROW / 4]; 2];
        for (pair, weights) in values.as_chunks::<4>().0.iter().zip(weights) {
            for (half, sums) in halves.iter_mut().enumerate() {
                let value = number(pair, half);
                for (sum, pair) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                    *sum = flushed(value.mul_add(number(pair, half), *sum));
                }
            }
        }
        let [first, second] = halves;
        for ((sum, first), second) in sums.as_chunks_mut::<4>().0.iter_mut().zip(first).zip(second) {
            let before = flushed(f32::from_le_bytes(*sum));
            *sum = flushed(before + flushed(first + second)).to_le_bytes();
        }
    }
}

/// One of two bf16 numbers.
#[inline(always)]
fn number(pair: &[u8; 4], half: usize) -> f32 {
    flushed(f32::from_le_bytes([0, 0, pair[2 * half], pair[2 * half + 1]]))
}

/// Denormal numbers are zero, before and after.
#[inline(always)]
fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0f32.copysign(x) } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tiles configured for so many rows of so many bytes, and what they say to an instruction.
    #[expect(unsafe_code, reason = "no instruction of these tests has an address that is not a whole local array")]
    fn tried(shapes: &[(u8, u16)], instruction: Instruction) -> Result<(), String> {
        let mut configuration = [0; ROW];
        configuration[0] = 1;
        for (tile, (rows, bytes)) in shapes.iter().enumerate() {
            configuration[16 + 2 * tile..][..2].copy_from_slice(&bytes.to_le_bytes());
            configuration[48 + tile] = *rows;
        }
        let mut tiles = Tiles::NEW;
        tiles.configure(&configuration)?;
        // SAFETY: see above.
        unsafe { tiles.execute(instruction) }
    }

    #[test]
    fn what_the_processor_refuses_is_refused() {
        let multiply = Instruction::Multiply { sums: 0, values: 1, weights: 2 };
        assert_eq!(tried(&[(3, 64), (3, 20), (5, 64)], multiply), Ok(()));
        assert_eq!(tried(&[(3, 32), (3, 20), (5, 32)], multiply), Ok(()));
        for shapes in [
            // Rows, columns or depth that do not fit; a tile that is not there; columns that are no integers.
            [(3, 64), (4, 20), (5, 64)],
            [(3, 64), (3, 20), (5, 32)],
            [(3, 64), (3, 24), (5, 64)],
            [(3, 64), (3, 20), (0, 0)],
            [(3, 62), (3, 20), (5, 62)],
        ] {
            assert!(tried(&shapes, multiply).is_err(), "{shapes:?}");
        }
        let itself = Instruction::Multiply { sums: 0, values: 1, weights: 1 };
        assert!(tried(&[(16, 64), (16, 64)], itself).is_err());
        // More than there is, and half a tile.
        for shapes in [[(17, 64)], [(16, 65)], [(0, 64)], [(16, 0)]] {
            assert!(tried(&shapes, Instruction::Release).is_err(), "{shapes:?}");
        }
        assert!(tried(&[(16, 64)], Instruction::Zero { tile: 1 }).is_err());
        assert!(tried(&[(16, 64)], Instruction::Zero { tile: 8 }).is_err());
        for (at, byte) in [(0, 2), (1, 1), (2, 1), (40, 1), (60, 1)] {
            let (mut tiles, mut configuration) = (Tiles::NEW, [0; ROW]);
            (configuration[0], configuration[at]) = (1, byte);
            assert!(tiles.configure(&configuration).is_err(), "byte {at}");
        }
    }
}
