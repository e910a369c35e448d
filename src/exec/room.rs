//! Whether the machine has the memory for a model's weights, asked before the first is read: a system that runs out of it ends
//! the program, and with it a drawing.

use super::ExecError;
use crate::flow::available_memory;
use crate::weights::{Dtype, Weights};

/// Whether `weights` fit into what the system has left, of which each number takes at least as many bytes as `each` says for how
/// it is stored. A system that does not tell what it has left is trusted.
///
/// # Errors
/// [`ExecError::Memory`].
pub fn ask(weights: &Weights, each: impl Fn(Dtype) -> u64) -> Result<(), ExecError> {
    let need = |key: &str| {
        let numbers: u64 = weights.shape(key).unwrap_or_default().iter().map(|side| *side as u64).product();
        numbers.saturating_mul(weights.dtype(key).map_or(0, &each))
    };
    let need = weights.keys().map(need).fold(0, u64::saturating_add);
    let Some(key) = weights.keys().next() else { return Ok(()) };
    fits(weights.label(key).unwrap_or_default(), need, available_memory())
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
    fn numbers_count_as_their_kind_is_kept() {
        let weights = Weights::from_values([("a".into(), vec![3, 5], vec![0.0; 15])]);
        ask(&weights, |_| 4).unwrap();
        assert!(matches!(ask(&weights, |_| u64::MAX / 2), Err(ExecError::Memory { need: u64::MAX, .. })));
    }
}
