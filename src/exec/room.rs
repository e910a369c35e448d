//! Whether the machine has the memory for a model's weights and for what a network computes, asked before any is taken: a system
//! that runs out of it ends the program, and with it a drawing.

use super::ExecError;
use crate::flow::SystemMemory;
use crate::weights::{Dtype, Weights};

/// Whether `weights` fit into what the system has left, of which each number takes at least as many bytes as `each` says for how
/// it is stored. A system that does not tell what it has left is trusted.
///
/// # Errors
/// [`ExecError::Memory`].
pub fn ask(weights: &Weights, each: impl Fn(Dtype) -> u64) -> Result<(), ExecError> {
    let Some(first) = weights.keys().next() else { return Ok(()) };
    fits(weights.label(first).unwrap_or_default(), need(weights, each), SystemMemory::now().map(|memory| memory.left()))
}

/// Whether the system has as many bytes left as the values of a network take, which are many for a large picture, or for several
/// side by side.
///
/// # Errors
/// Both figures, in words.
pub fn ask_for_values(need: u64) -> Result<(), String> {
    has_room(need, SystemMemory::now().map(|memory| memory.left()))
}

fn has_room(need: u64, free: Option<u64>) -> Result<(), String> {
    match free {
        Some(free) if need > free => {
            Err(format!("such a picture needs {} MB of memory, {} MB are free", need >> 20, free >> 20))
        }
        _ => Ok(()),
    }
}

/// Bytes of all weights.
fn need(weights: &Weights, each: impl Fn(Dtype) -> u64) -> u64 {
    let bytes = |key: &str| {
        let shape = weights.shape(key).unwrap_or_default();
        let numbers = shape.iter().fold(1, |numbers: u64, side| numbers.saturating_mul(*side as u64));
        numbers.saturating_mul(weights.dtype(key).map_or(0, &each))
    };
    weights.keys().map(bytes).fold(0, u64::saturating_add)
}

fn fits(file: &str, need: u64, free: Option<u64>) -> Result<(), ExecError> {
    match free {
        Some(free) if need > free => Err(ExecError::Memory { file: file.into(), need, free }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_memory_is_refused_with_both_figures() {
        assert!(fits("a file", 1 << 30, Some(1 << 30)).is_ok());
        assert!(fits("a file", u64::MAX, None).is_ok(), "unknown is not too little");
        let error = fits("unet.safetensors", 9 << 30, Some((2 << 30) + (5 << 20))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the weights of unet.safetensors need at least 9216 MB of memory, 2053 MB are free"
        );
        assert!(error.remedy().contains("close other programs"));
    }

    #[test]
    fn a_picture_that_exceeds_the_memory_is_refused() {
        assert!(has_room(1 << 30, Some(1 << 30)).is_ok() && has_room(u64::MAX, None).is_ok());
        let told = has_room(3 << 30, Some(2 << 30)).unwrap_err();
        assert_eq!(told, "such a picture needs 3072 MB of memory, 2048 MB are free");
        assert!(ask_for_values(1 << 60).is_err() && ask_for_values(1).is_ok());
    }

    #[test]
    fn numbers_count_as_their_kind_is_kept() {
        let values = |sides: usize| vec![0.0; sides];
        let weights = Weights::from_values([("a".into(), vec![3, 5], values(15)), ("b".into(), vec![7, 0], values(0))]);
        assert_eq!(need(&weights, |_| 4), 60);
        assert_eq!(need(&weights, |_| u64::MAX / 2), u64::MAX, "too many to count are as many as can be");
        ask(&weights, |_| 4).unwrap();
    }
}
