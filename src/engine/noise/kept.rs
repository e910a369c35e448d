//! Noise that is drawn once for all pictures of a seed: to make a normal number takes a hundred times as long as to copy it, and
//! the next picture asks for the same ones.

use super::{Generator, NoiseSource};
use crate::engine::EngineError;

/// The generator of one seed, and what it gave so far.
pub struct Kept {
    seed: u64,
    generator: Generator,
    drawn: Vec<Vec<f32>>,
    /// Which of them is asked for next.
    next: usize,
}

impl Kept {
    /// Nothing of `seed` yet.
    pub fn new(seed: u64) -> Self {
        Self { seed, generator: Generator::new(seed), drawn: Vec::new(), next: 0 }
    }

    /// The first draw of `seed` comes next.
    pub fn begin(&mut self, seed: u64) {
        if seed != self.seed {
            *self = Self::new(seed);
        }
        self.next = 0;
    }

    /// Forgets what was drawn from the next on.
    fn rewind(&mut self) {
        if self.next < self.drawn.len() {
            self.drawn.truncate(self.next);
            self.generator = Generator::new(self.seed);
            self.drawn.iter().for_each(|values| drop(self.generator.normal(values.len())));
        }
    }
}

impl NoiseSource for Kept {
    fn draw(&mut self, shape: [usize; 4]) -> Result<Vec<f32>, EngineError> {
        let count = shape.iter().product();
        if self.drawn.get(self.next).is_none_or(|values| values.len() != count) {
            self.rewind();
            self.drawn.push(self.generator.normal(count));
        }
        self.next += 1;
        Ok(self.drawn[self.next - 1].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of so many numbers are those of a new generator.
    fn check(kept: &mut Kept, seed: u64, counts: &[usize]) {
        kept.begin(seed);
        let mut fresh = Generator::new(seed);
        for count in counts {
            let shape = [1, 1, 1, *count];
            assert_eq!(kept.draw(shape).unwrap(), fresh.draw(shape).unwrap(), "{counts:?} of {seed}");
        }
    }

    #[test]
    fn what_is_kept_is_what_would_be_drawn() {
        let mut kept = Kept::new(7);
        let draws: [&[usize]; 8] = [&[64, 64], &[64, 64], &[64], &[64, 64, 64], &[64, 32], &[3, 5, 2], &[3, 6], &[]];
        for (index, counts) in draws.into_iter().enumerate() {
            check(&mut kept, 7, counts);
            check(&mut kept, 7, counts);
            // Another seed in between.
            if index % 3 == 2 {
                check(&mut kept, 8, counts);
            }
        }
    }

    #[test]
    fn nothing_is_drawn_twice() {
        let mut kept = Kept::new(7);
        check(&mut kept, 7, &[64, 64]);
        kept.begin(7);
        kept.drawn[1][5] = 99.0;
        assert_eq!(
            [kept.draw([1, 4, 4, 4]), kept.draw([1, 4, 4, 4])].map(|noise| noise.unwrap()[5] == 99.0),
            [false, true]
        );
    }
}
