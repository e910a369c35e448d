//! The one source of chance: the reference's CPU generator, so that seed 42 here is seed 42 there.
//!
//! MT19937 and two forms of Box-Muller, computed in f64 with `libm` and rounded to f32: the same numbers on every
//! machine. Tensors are drawn in NCHW order, whatever the layout of the executor.

mod kept;
mod mersenne;

pub use kept::Kept;
use mersenne::Mersenne;

use super::EngineError;

/// From this many values on, normal numbers are made in blocks of sixteen.
const BLOCK: usize = 16;

/// Where a pipeline takes its noise from: the generator, or a list of tensors in a test.
pub trait NoiseSource {
    /// The next standard normal tensor of shape `[n, c, h, w]`, in that order.
    ///
    /// # Errors
    /// A list has no tensor left, or one of another length.
    fn draw(&mut self, shape: [usize; 4]) -> Result<Vec<f32>, EngineError>;
}

/// The reference's generator of random numbers.
///
/// ```
/// let mut generator = afterimage::engine::Generator::new(0);
/// assert!((generator.normal(1)[0] - 1.5409961).abs() < 1e-6);
/// ```
#[derive(Clone)]
pub struct Generator {
    engine: Mersenne,
    /// Small draws make two values at a time; the second waits here for the next small draw.
    spare: Option<f64>,
}

impl Generator {
    /// A generator started with the low 32 bits of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { engine: Mersenne::new(seed as u32), spare: None }
    }

    /// `count` standard normal numbers as the reference draws them for f32.
    pub fn normal(&mut self, count: usize) -> Vec<f32> {
        if count < BLOCK {
            return self.normal_small(count);
        }
        let mut values: Vec<f32> = (0..count).map(|_| self.uniform_one()).collect();
        values.chunks_exact_mut(BLOCK).for_each(box_muller);
        if !count.is_multiple_of(BLOCK) {
            self.fill_block(&mut values[count - BLOCK..]);
        }
        values
    }

    /// `count` standard normal numbers as the reference draws them for 16-bit floats (before rounding to 16 bits):
    /// each block is drawn and transformed before the next, so the tail takes other uniforms than for f32.
    pub fn normal_blockwise(&mut self, count: usize) -> Vec<f32> {
        if count < BLOCK {
            return self.normal_small(count);
        }
        let mut values = vec![0.0; count];
        for block in values.chunks_exact_mut(BLOCK) {
            self.fill_block(block);
        }
        if !count.is_multiple_of(BLOCK) {
            self.fill_block(&mut values[count - BLOCK..]);
        }
        values
    }

    /// `count` numbers in 0..1.
    pub fn uniform(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.uniform_one()).collect()
    }

    /// `count` integers in 0..`below`; all 0 when `below` is 0.
    pub fn integers(&mut self, below: u32, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.engine.next() % below.max(1)).collect()
    }

    /// The numbers 0..`count` in random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in 0..count.saturating_sub(1) {
            order.swap(i, i + self.engine.next() as usize % (count - i));
        }
        order
    }

    fn uniform_one(&mut self) -> f32 {
        (self.engine.next() & 0x00ff_ffff) as f32 / 16_777_216.0
    }

    fn uniform_double(&mut self) -> f64 {
        let high = u64::from(self.engine.next());
        let low = u64::from(self.engine.next());
        ((high << 32 | low) & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64
    }

    fn fill_block(&mut self, block: &mut [f32]) {
        block.iter_mut().for_each(|value| *value = self.uniform_one());
        box_muller(block);
    }

    fn normal_small(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal_double() as f32).collect()
    }

    fn normal_double(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (turn, length) = (self.uniform_double(), self.uniform_double());
        let radius = (-2.0 * libm::log1p(-length)).sqrt();
        let angle = std::f64::consts::TAU * turn;
        self.spare = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }
}

impl NoiseSource for Generator {
    fn draw(&mut self, shape: [usize; 4]) -> Result<Vec<f32>, EngineError> {
        Ok(self.normal(shape.iter().product()))
    }
}

/// Turns sixteen uniforms into sixteen normals. The angle is rounded to f32 first, because the reference has it in f32
/// and at the largest radius its last bit is visible.
fn box_muller(block: &mut [f32]) {
    for j in 0..BLOCK / 2 {
        let radius = (-2.0 * libm::log(f64::from(1.0 - block[j]))).sqrt();
        let angle = f64::from(std::f32::consts::TAU * block[j + BLOCK / 2]);
        block[j] = (radius * libm::cos(angle)) as f32;
        block[j + BLOCK / 2] = (radius * libm::sin(angle)) as f32;
    }
}

/// Noise made elsewhere, handed out in order: what fixtures and replays use.
pub struct Given {
    tensors: std::collections::VecDeque<Vec<f32>>,
    taken: usize,
}

impl Given {
    /// A source that hands out `tensors` (values in NCHW order).
    pub fn new(tensors: impl IntoIterator<Item = Vec<f32>>) -> Self {
        Self { tensors: tensors.into_iter().collect(), taken: 0 }
    }

    /// How many tensors nobody asked for.
    pub fn left(&self) -> usize {
        self.tensors.len()
    }
}

impl NoiseSource for Given {
    fn draw(&mut self, shape: [usize; 4]) -> Result<Vec<f32>, EngineError> {
        let expected: usize = shape.iter().product();
        let index = self.taken;
        self.taken += 1;
        match self.tensors.pop_front() {
            Some(values) if values.len() == expected => Ok(values),
            found => Err(EngineError::Noise { index, expected, found: found.map_or(0, |values| values.len()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence() {
        assert_eq!(Generator::new(7).normal(100), Generator::new(7).normal(100));
        assert_ne!(Generator::new(7).normal(100), Generator::new(8).normal(100));
        assert_eq!(Generator::new(7).normal(20), Generator::new(7 | 1 << 40).normal(20), "only 32 bits count");
    }

    #[test]
    fn the_tail_is_rewritten_from_fresh_uniforms() {
        let (whole, ragged) = (Generator::new(1).normal(32), Generator::new(1).normal(17));
        assert_eq!(whole[0], ragged[0]);
        assert_ne!(whole[1], ragged[1]);
        assert_ne!(ragged[1..], Generator::new(1).normal_blockwise(17)[2..]);
    }

    #[test]
    fn small_draws_keep_their_second_value() {
        let together = Generator::new(3).normal(6);
        let mut generator = Generator::new(3);
        let mut apart = generator.normal(3);
        apart.extend(generator.normal(3));
        assert_eq!(together, apart);
    }

    #[test]
    fn a_permutation_holds_everything_once() {
        let mut order = Generator::new(5).permutation(50);
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
        assert!(Generator::new(5).permutation(0).is_empty());
    }

    #[test]
    fn given_noise_is_checked() {
        let mut given = Given::new([vec![0.0; 4]]);
        assert!(given.draw([1, 1, 2, 2]).is_ok());
        let error = given.draw([1, 1, 2, 2]).unwrap_err();
        assert!(matches!(error, EngineError::Noise { index: 1, expected: 4, found: 0 }));
    }
}
