//! Vector registers of a thread that a signal stopped, as Linux keeps them beside its context (XSAVE's standard form), and what
//! an instruction does to them.

use super::decode::Vector;

/// The lower halves, of 16 bytes each.
const LOWER: usize = 160;
/// A word that is there if more than these are kept.
const MAGIC: (usize, u32) = (464, 0x4650_5853);
/// Bits that say what is kept, and the one of the upper halves: without it they are zero.
const KEPT: usize = 512;
const UPPER_KEPT: u64 = 4;
/// The upper halves.
const UPPER: usize = 576;
/// Bytes of a half.
const HALF: usize = 16;

/// The registers.
pub struct Vectors {
    saved: *mut u8,
}

impl Vectors {
    /// Those that are kept at `saved`.
    ///
    /// # Errors
    /// Vectors of 32 bytes are not among them.
    ///
    /// # Safety
    /// It is where a signal's context says that they are, and nobody else reads or writes there.
    #[expect(unsafe_code, reason = "a signal's context is a pointer")]
    pub unsafe fn of(saved: *mut u8) -> Result<Self, String> {
        // SAFETY: what is kept has 512 bytes at least.
        let magic = unsafe { saved.add(MAGIC.0).cast::<u32>().read_unaligned() };
        if magic == MAGIC.1 { Ok(Self { saved }) } else { Err("the system keeps no vectors of 32 bytes".into()) }
    }

    /// `vpdpwssd`: to each sum of 32 bits the products of two pairs of 16-bit numbers are added.
    ///
    /// # Safety
    /// Weights in memory are readable.
    #[expect(unsafe_code, reason = "its operands are addresses")]
    pub unsafe fn dots(&mut self, sums: usize, values: usize, weights: Vector) {
        let weights = match weights {
            Vector::Register(register) => self.read(register),
            // SAFETY: the caller's promise.
            Vector::Memory(from) => unsafe { (from as *const [u8; 2 * HALF]).read() },
        };
        let pairs = |bytes: [u8; 2 * HALF]| bytes.as_chunks::<4>().0.to_owned();
        let words =
            |pair: [u8; 4]| [[pair[0], pair[1]], [pair[2], pair[3]]].map(|word| i32::from(i16::from_le_bytes(word)));
        let mut result = self.read(sums);
        let factors = pairs(self.read(values)).into_iter().zip(pairs(weights));
        for (place, (values, weights)) in result.as_chunks_mut::<4>().0.iter_mut().zip(factors) {
            let ([a, b], [c, d]) = (words(values), words(weights));
            let sum = i32::from_le_bytes(*place).wrapping_add(a * c).wrapping_add(b * d);
            *place = sum.to_le_bytes();
        }
        self.write(sums, result);
    }

    /// The bits that say what is kept.
    #[expect(unsafe_code, reason = "it is reached through a pointer")]
    fn kept(&mut self) -> &mut [u8; 8] {
        // SAFETY: where more than the lower halves is kept, the bits are.
        unsafe { &mut *self.saved.add(KEPT).cast() }
    }

    /// Both halves of a register.
    #[expect(unsafe_code, reason = "they are reached through a pointer")]
    fn halves(&mut self, register: usize) -> [&mut [u8; HALF]; 2] {
        assert!(register < 16, "there is no vector register {register}");
        // SAFETY: sixteen of each are kept, apart from each other, as `of` has seen.
        unsafe { [LOWER, UPPER].map(|first| &mut *self.saved.add(first + HALF * register).cast()) }
    }

    fn read(&mut self, register: usize) -> [u8; 2 * HALF] {
        let there = u64::from_le_bytes(*self.kept()) & UPPER_KEPT != 0;
        let mut bytes = [0; 2 * HALF];
        for (half, place) in self.halves(register).into_iter().zip(bytes.as_chunks_mut().0).take(1 + usize::from(there))
        {
            *place = *half;
        }
        bytes
    }

    fn write(&mut self, register: usize, bytes: [u8; 2 * HALF]) {
        let kept = u64::from_le_bytes(*self.kept());
        if kept & UPPER_KEPT == 0 {
            (0..16).for_each(|register| *self.halves(register)[1] = [0; HALF]);
            *self.kept() = (kept | UPPER_KEPT).to_le_bytes();
        }
        self.halves(register).into_iter().zip(bytes.as_chunks().0).for_each(|(half, bytes)| *half = *bytes);
    }
}
