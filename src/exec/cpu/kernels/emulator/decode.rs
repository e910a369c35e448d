//! The instructions of AMX, and the one of AVX-VNNI that we use, as they lie in memory: a VEX prefix of three bytes, an opcode,
//! and operands.

/// An instruction with the values of its general registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instruction {
    /// `ldtilecfg`
    Configure { from: u64 },
    /// `tilerelease`
    Release,
    /// `tilezero`
    Zero { tile: usize },
    /// `tileloadd`
    Load { tile: usize, from: Rows },
    /// `tilestored`
    Store { tile: usize, to: Rows },
    /// `tdpbf16ps`
    Multiply { sums: usize, values: usize, weights: usize },
    /// `vpdpwssd` of vectors of 32 bytes
    Dots { sums: usize, values: usize, weights: Vector },
}

/// Where a vector is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Vector {
    /// In a register.
    Register(usize),
    /// In memory, from this address on.
    Memory(u64),
}

/// Where rows are in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows {
    /// The first.
    pub first: u64,
    /// Bytes from each to the next, which wrap.
    pub stride: u64,
}

/// What the two operand bytes and what follows them say.
struct Operands {
    /// Three bits of the first byte, and whether the prefix makes it one of the upper eight.
    register: usize,
    other: Other,
}

enum Other {
    Register(usize),
    Memory {
        rows: Rows,
        /// Whether the address is in the long form, which loads and stores need.
        long: bool,
    },
}

/// The instruction that begins with `bytes`, and its length. `None` for all that are not ours.
pub fn decode(mut bytes: impl Iterator<Item = u8>, general: &[u64; 16]) -> Option<(Instruction, usize)> {
    let mut length = 0;
    let mut next = || {
        length += 1;
        bytes.next()
    };
    let [Some(0xc4), Some(extensions), Some(prefix), Some(opcode)] = [next(), next(), next(), next()] else {
        return None;
    };
    let (map, wide, long) = (extensions & 31, prefix >> 7, prefix >> 2 & 1);
    if (map, wide) != (2, 0) {
        return None;
    }
    let third = usize::from(!(prefix >> 3) & 15);
    let Operands { register, other } = operands(&mut next, !extensions >> 5, general)?;
    if long == 1 {
        let weights = match other {
            Other::Register(weights) => Vector::Register(weights),
            Other::Memory { rows, .. } => Vector::Memory(rows.first.wrapping_add(rows.stride)),
        };
        let found = (opcode, prefix & 3) == (0x52, 1);
        return found.then_some((Instruction::Dots { sums: register, values: third, weights }, length));
    }
    let instruction = match (opcode, prefix & 3, other, register, third) {
        (0x49, 0, Other::Memory { rows, .. }, 0, 0) => {
            Instruction::Configure { from: rows.first.wrapping_add(rows.stride) }
        }
        (0x49, 0, Other::Register(0), 0, 0) => Instruction::Release,
        (0x49, 3, Other::Register(0), tile, 0) => Instruction::Zero { tile },
        (0x4b, 3, Other::Memory { rows, long: true }, tile, 0) => Instruction::Load { tile, from: rows },
        (0x4b, 2, Other::Memory { rows, long: true }, tile, 0) => Instruction::Store { tile, to: rows },
        (0x5c, 2, Other::Register(values), sums, weights) => Instruction::Multiply { sums, values, weights },
        _ => return None,
    };
    Some((instruction, length))
}

/// Reads operands. `extensions`: a fourth bit for the numbers of base, index and register.
fn operands(next: &mut impl FnMut() -> Option<u8>, extensions: u8, general: &[u64; 16]) -> Option<Operands> {
    let number = |bits: u8, extension: u8| usize::from(bits & 7 | (extensions >> extension & 1) << 3);
    let first = next()?;
    let register = number(first >> 3, 2);
    if first >> 6 == 3 {
        return Some(Operands { register, other: Other::Register(number(first, 0)) });
    }
    let long = first & 7 == 4;
    let (base, stride) = if long {
        let second = next()?;
        let index = number(second >> 3, 1);
        // The number of the stack pointer means that there is no index.
        (second, if index == 4 { 0 } else { general[index] << (second >> 6) })
    } else {
        (first, 0)
    };
    let further = match first >> 6 {
        // Relative to the instruction, or to nothing: nobody needs that.
        0 if base & 7 == 5 => return None,
        0 => 0,
        1 => i64::from(next()? as i8),
        _ => i64::from(i32::from_le_bytes([next()?, next()?, next()?, next()?])),
    };
    let first = general[number(base, 0)].wrapping_add_signed(further);
    Some(Operands { register, other: Other::Memory { rows: Rows { first, stride }, long } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instruction of some bytes, and that all of them belong to it.
    fn read(code: &[u8]) -> Option<Instruction> {
        let general = std::array::from_fn(|register| 1000 * register as u64);
        let (instruction, length) = decode(code.iter().copied().chain([0xcc; 8]), &general)?;
        assert_eq!(length, code.len());
        Some(instruction)
    }

    /// Bytes are what an assembler makes of the words beside them.
    #[test]
    fn instructions_are_what_the_assembler_says() {
        use Instruction::{Configure, Dots, Load, Multiply, Release, Store, Zero};
        let rows = |first, stride| Rows { first, stride };
        let cases: [(&[u8], Instruction); 12] = [
            // ldtilecfg [rdi], [r12], [r13], [rsp + 64]
            (&[0xc4, 0xe2, 0x78, 0x49, 0x07], Configure { from: 7000 }),
            (&[0xc4, 0xc2, 0x78, 0x49, 0x04, 0x24], Configure { from: 12000 }),
            (&[0xc4, 0xc2, 0x78, 0x49, 0x45, 0x00], Configure { from: 13000 }),
            (&[0xc4, 0xe2, 0x78, 0x49, 0x44, 0x24, 0x40], Configure { from: 4064 }),
            // tilerelease
            (&[0xc4, 0xe2, 0x78, 0x49, 0xc0], Release),
            // tilezero tmm3
            (&[0xc4, 0xe2, 0x7b, 0x49, 0xd8], Zero { tile: 3 }),
            // tileloadd tmm6, [rdx + rcx]
            (&[0xc4, 0xe2, 0x7b, 0x4b, 0x34, 0x0a], Load { tile: 6, from: rows(2000, 1000) }),
            // tileloadd tmm7, [r13 + r9 + 64]
            (&[0xc4, 0x82, 0x7b, 0x4b, 0x7c, 0x0d, 0x40], Load { tile: 7, from: rows(13064, 9000) }),
            // tilestored [rax + 2 * rbx - 256], tmm1
            (
                &[0xc4, 0xe2, 0x7a, 0x4b, 0x8c, 0x58, 0x00, 0xff, 0xff, 0xff],
                Store { tile: 1, to: rows(u64::MAX - 255, 6000) },
            ),
            // tdpbf16ps tmm2, tmm5, tmm6
            (&[0xc4, 0xe2, 0x4a, 0x5c, 0xd5], Multiply { sums: 2, values: 5, weights: 6 }),
            // {vex} vpdpwssd ymm9, ymm2, ymm14
            (&[0xc4, 0x42, 0x6d, 0x52, 0xce], Dots { sums: 9, values: 2, weights: Vector::Register(14) }),
            // {vex} vpdpwssd ymm1, ymm15, [rbx + 4 * rdi + 32]
            (
                &[0xc4, 0xe2, 0x05, 0x52, 0x4c, 0xbb, 0x20],
                Dots { sums: 1, values: 15, weights: Vector::Memory(3032 + 28000) },
            ),
        ];
        for (code, instruction) in cases {
            assert_eq!(read(code), Some(instruction));
        }
        // ud2, tdpbssd, vpdpwssds, a load in the short form, one relative to the instruction.
        for code in [
            &[0x0f, 0x0b][..],
            &[0xc4, 0xe2, 0x73, 0x5e, 0xc2],
            &[0xc4, 0x42, 0x6d, 0x53, 0xce],
            &[0xc4, 0xe2, 0x7b, 0x4b, 0x07],
            &[0xc4, 0xe2, 0x78, 0x49, 0x05, 0x00, 0x00, 0x00, 0x00],
        ] {
            assert_eq!(read(code), None);
        }
    }
}
