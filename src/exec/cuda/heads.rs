//! Which kernel computes attention, and into which blocks of threads it is cut.

use super::kernels::{
    ATTENTION_THREADS, Chips, HEADS, HOPPER_HEADS, HOPPER_QUERIES, HOPPER_THREADS, QUERIES, WIDE_HEAD,
};
use super::tiles::Chip;

/// Attention's extent.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Heads.
    pub heads: usize,
    /// Channels of each.
    pub width: usize,
    /// Batch.
    pub samples: usize,
    /// Queries of a sample.
    pub queries: usize,
    /// Keys of a sample.
    pub keys: usize,
    /// Whether all that is read can be loaded 16 bytes at a time, head by head.
    pub in_eights: bool,
}

/// A kernel, and what a launch of it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The kernel.
    pub kernel: &'static str,
    /// Queries of a block.
    queries: usize,
    /// Blocks that have some of the output channels each, and compute all scores for them.
    slices: usize,
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of dynamic shared memory of a block.
    pub shared: usize,
}

/// With fewer keys there is little to overlap, and the older kernels begin and end sooner. A guess: only larger ones were measured.
const MANY_KEYS: usize = 256;

impl Heads {
    /// The kernel for it on such a GPU; none if heads are too wide for all.
    pub fn config(&self, chip: &Chip) -> Option<Config> {
        if let Some(config) = self.hopper(chip) {
            return Some(config);
        }
        let (most, slice, wide) = WIDE_HEAD;
        let narrow = HEADS.iter().find(|(most, ..)| self.width <= *most);
        let (kernel, slices, shared) = match narrow {
            Some(&(_, kernel, shared)) => (kernel, 1, shared),
            None if self.width <= most => ("attention_wide", self.width.div_ceil(slice), wide),
            None => return None,
        };
        Some(Config { kernel, queries: QUERIES, slices, threads: ATTENTION_THREADS, shared })
    }

    /// The kernel of compute capability 9.0 for it, if there is one. Large blocks read keys and values less often; where they would
    /// leave multiprocessors idle, their halves share queries.
    fn hopper(&self, chip: &Chip) -> Option<Config> {
        if !Chips::Hopper.have(chip.capability) || !self.in_eights || self.keys < MANY_KEYS {
            return None;
        }
        let (_, [large, shared]) = HOPPER_HEADS.iter().find(|(most, _)| self.width <= *most)?;
        let config =
            |&(kernel, shared), queries| Config { kernel, queries, slices: 1, threads: HOPPER_THREADS, shared };
        let large = config(large, HOPPER_QUERIES);
        let blocks: usize = self.grid(&large).iter().product();
        Some(if blocks < chip.processors { config(shared, QUERIES) } else { large })
    }

    /// The blocks of a launch.
    pub fn grid(&self, config: &Config) -> [usize; 3] {
        [self.queries.div_ceil(config.queries), self.heads * config.slices, self.samples]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H100: Chip = Chip { processors: 132, capability: (9, 0), cluster: 8 };

    fn kernel(chip: &Chip, tokens: usize, heads: usize, width: usize) -> Option<&'static str> {
        let in_eights = width.is_multiple_of(8);
        let heads = Heads { heads, width, samples: 1, queries: tokens, keys: tokens, in_eights };
        heads.config(chip).map(|config| config.kernel)
    }

    #[test]
    fn many_keys_are_for_kernels_of_their_own() {
        for (tokens, heads, width, name) in [
            (4096, 8, 40, "attention_hopper_40"),
            (1024, 8, 80, "attention_hopper_shared_80"),
            (256, 8, 160, "attention_hopper_shared_160"),
            (64, 8, 160, "attention_160"),
            (4096, 10, 64, "attention_hopper_64"),
            (1024, 20, 64, "attention_hopper_64"),
            (1024, 4, 30, "attention_32"),
            (4096, 1, 512, "attention_wide"),
        ] {
            assert_eq!(kernel(&H100, tokens, heads, width), Some(name), "{tokens} {heads} {width}");
        }
    }

    #[test]
    fn other_gpus_have_those_of_all() {
        for capability in [(8, 0), (8, 9), (10, 0)] {
            let chip = Chip { capability, ..H100 };
            assert_eq!(kernel(&chip, 4096, 8, 40), Some("attention_48"));
        }
    }

    #[test]
    fn heads_can_be_too_wide() {
        assert_eq!(kernel(&H100, 4096, 1, WIDE_HEAD.0 + 1), None);
    }
}
