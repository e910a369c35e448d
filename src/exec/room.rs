//! Whether the machine has the memory for a model's weights and for what a network computes, asked before any is taken: a system
//! that runs out of it ends the program, and with it a drawing.

use super::ExecError;
use crate::flow::SystemMemory;
use crate::weights::{Dtype, Weights};

/// Whether `weights` fit into what the system has left, of which each number takes at least as many bytes as `each` says for how
/// it is stored and the shape of its tensor, and which so many `threads` read. A system that does not tell what it has left is
/// trusted.
///
/// # Errors
/// [`ExecError::Memory`].
pub fn ask(weights: &Weights, threads: usize, each: impl Fn(Dtype, &[usize]) -> u64) -> Result<(), ExecError> {
    let Some(first) = weights.keys().next() else { return Ok(()) };
    let (file, need) = (weights.label(first).unwrap_or_default(), need(weights, threads, each));
    let free = SystemMemory::now().map(|memory| memory.left());
    fits(need, free, |free| ExecError::Memory { file: file.into(), need, free })
}

/// Whether the system has as many bytes left as the values of a network take, which are many for a large picture, or for several
/// side by side.
///
/// # Errors
/// [`ExecError::Room`].
pub fn ask_for_values(need: u64) -> Result<(), ExecError> {
    fits(need, SystemMemory::now().map(|memory| memory.left()), |free| ExecError::Room { need, free })
}

/// Bytes of all weights, and of what is read at the same time: each thread keeps what it reads into.
fn need(weights: &Weights, threads: usize, each: impl Fn(Dtype, &[usize]) -> u64) -> u64 {
    let count = |shape: &[usize]| shape.iter().fold(1, |numbers: u64, side| numbers.saturating_mul(*side as u64));
    let bytes = |key: &str| {
        let shape = weights.shape(key).unwrap_or_default();
        count(shape).saturating_mul(weights.dtype(key).map_or(0, |dtype| each(dtype, shape)))
    };
    let mut read: Vec<u64> = weights.keys().map(|key| count(weights.shape(key).unwrap_or_default())).collect();
    read.sort_unstable_by_key(|numbers| std::cmp::Reverse(*numbers));
    let read = read.into_iter().take(threads).map(|numbers| numbers.saturating_mul(size_of::<f32>() as u64));
    weights.keys().map(bytes).chain(read).fold(0, u64::saturating_add)
}

fn fits(need: u64, free: Option<u64>, lacks: impl FnOnce(u64) -> ExecError) -> Result<(), ExecError> {
    match free {
        Some(free) if need > free => Err(lacks(free)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_memory_is_refused_with_both_figures() {
        let lacks = |need| move |free| ExecError::Memory { file: "unet.safetensors".into(), need, free };
        assert!(fits(1 << 30, Some(1 << 30), lacks(0)).is_ok());
        assert!(fits(u64::MAX, None, lacks(0)).is_ok(), "unknown is not too little");
        let error = fits(9 << 30, Some((2 << 30) + (5 << 20)), lacks(9 << 30)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the weights of unet.safetensors need at least 9216 MB of memory, 2053 MB are free"
        );
        assert!(error.remedy().contains("close other programs"));
    }

    #[test]
    fn a_picture_that_exceeds_the_memory_is_refused() {
        let told = fits(3 << 30, Some(2 << 30), |free| ExecError::Room { need: 3 << 30, free }).unwrap_err();
        assert_eq!(told.to_string(), "such a picture needs 3072 MB of memory, 2048 MB are free");
        assert!(told.remedy().contains("smaller picture"));
        assert!(ask_for_values(1 << 60).is_err() && ask_for_values(1).is_ok());
    }

    #[test]
    fn numbers_count_as_their_kind_is_kept() {
        let values = |sides: usize| vec![0.0; sides];
        let weights = Weights::from_values([("a".into(), vec![3, 5], values(15)), ("b".into(), vec![7, 0], values(0))]);
        assert_eq!(need(&weights, 0, |_, _| 4), 60);
        assert_eq!(need(&weights, 2, |_, shape| shape[0] as u64), 15 * 3 + 60, "a thread has the larger one as f32");
        assert_eq!(need(&weights, 1, |_, _| u64::MAX / 2), u64::MAX, "too many to count are as many as can be");
        ask(&weights, 1, |_, _| 4).unwrap();
    }
}
