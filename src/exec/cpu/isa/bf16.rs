//! Whether products of bf16 numbers are worth having. AMD's processors make twice as many of them as of f32 numbers in the same time; an
//! Intel server of 2023, where its tiles ([`amx`](super::amx)) were kept from us, a third as many.

use std::arch::x86_64::{
    __m512, __m512bh, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
};
use std::hint::black_box;
use std::mem::transmute;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Sums at a time, none of which waits for another: as many as a tile has in a column of registers.
const SUMS: usize = 12;
/// Products of each sum in one timing, which takes two microseconds or ten.
const TIMES: usize = 1024;
/// Timings, of which the least counts: what disturbs only makes them longer.
const ROUNDS: usize = 8;

/// Whether an instruction for pairs of bf16 numbers takes about as long as one for f32 numbers, so that it makes more products. What
/// was seen is one or four times as long. Timed once.
pub fn is_quick() -> bool {
    static QUICK: OnceLock<bool> = OnceLock::new();
    *QUICK.get_or_init(|| is_x86_feature_detected!("avx512bf16") && time())
}

#[expect(unsafe_code, reason = "functions compiled for a processor feature need it at run time")]
fn time() -> bool {
    let mut least = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        // SAFETY: a processor with bf16 products has AVX-512.
        let timed = unsafe { [timed(|| f32_products()), timed(|| bf16_products())] };
        for (least, timed) in least.iter_mut().zip(timed) {
            *least = timed.min(*least);
        }
    }
    let [f32s, bf16s] = least;
    bf16s < f32s * 3 / 2
}

/// How long `work` takes.
fn timed(work: impl FnOnce() -> f32) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}

#[target_feature(enable = "avx512f")]
fn f32_products() -> f32 {
    let mut sums = black_box([_mm512_setzero_ps(); SUMS]);
    let factor = black_box(_mm512_setzero_ps());
    for _ in 0..TIMES {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(factor, factor, *sum);
        }
    }
    total(sums)
}

#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "the same bits, said to be pairs of bf16 numbers")]
fn bf16_products() -> f32 {
    let mut sums = black_box([_mm512_setzero_ps(); SUMS]);
    // SAFETY: both are 512 bits, all of which mean something.
    let factor: __m512bh = unsafe { transmute(black_box(_mm512_setzero_ps())) };
    for _ in 0..TIMES {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, factor, factor);
        }
    }
    total(sums)
}

#[target_feature(enable = "avx512f")]
fn total(sums: [__m512; SUMS]) -> f32 {
    let mut all = _mm512_setzero_ps();
    for sum in sums {
        all = _mm512_add_ps(all, sum);
    }
    _mm512_reduce_add_ps(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_stays_the_same() {
        if !is_x86_feature_detected!("avx512bf16") {
            println!("skipped: this processor multiplies no bf16 numbers");
            return;
        }
        let first = time();
        assert!((0..10).all(|_| time() == first), "{first} at first");
    }
}
