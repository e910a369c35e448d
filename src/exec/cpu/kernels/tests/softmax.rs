//! The running softmax of attention.

use super::*;

/// Scores of some keys for a panel of queries, and what the softmax over them is.
struct Scores {
    rows: Vec<f32>,
    probs: Vec<f32>,
}

impl Scores {
    /// So many keys, whose scores rise by so much every 24.
    fn new(noise: &mut Noise, keys: usize, rise: f32) -> Self {
        let mut rows = noise.values(keys * PANEL);
        for (key, row) in rows.chunks_exact_mut(PANEL).enumerate() {
            row.iter_mut().for_each(|score| *score = 4.0 * *score + rise * (key / 24) as f32);
        }
        // The last query does not see the first key of several.
        if keys > 1 {
            rows[PANEL - 1] = f32::NEG_INFINITY;
        }
        let mut probs = vec![0.0; rows.len()];
        for query in 0..PANEL {
            let scores = || rows[query..].iter().step_by(PANEL).map(|score| f64::from(*score));
            let highest = scores().fold(f64::MIN, f64::max);
            let total: f64 = scores().map(|score| (score - highest).exp2()).sum();
            for (key, score) in scores().enumerate() {
                probs[key * PANEL + query] = ((score - highest).exp2() / total) as f32;
            }
        }
        Self { rows, probs }
    }
}

/// Multiplies what was accumulated so far.
fn shrink(found: &mut [f32], factors: Option<[f32; PANEL]>) {
    let factors = factors.unwrap_or([1.0; PANEL]);
    for row in found.chunks_exact_mut(PANEL) {
        row.iter_mut().zip(factors).for_each(|(prob, factor)| *prob *= factor);
    }
}

/// Divides probabilities by the totals of their queries.
fn divide(found: &mut [f32], state: &Softmax) {
    shrink(found, Some(state.totals().map(|total| 1.0 / total)));
}

/// Probabilities of keys that lie two by two, without those of a last odd one's partner.
fn unpaired(pairs: &[bf16], keys: usize) -> Vec<f32> {
    let pair = |pair: &[bf16]| [0, 1].map(|at| pair[at..].iter().step_by(2).map(|c| c.to_f32()).collect::<Vec<_>>());
    let all: Vec<f32> = pairs.chunks_exact(2 * PANEL).flat_map(pair).flatten().collect();
    assert!(all[keys * PANEL..].iter().all(|prob| *prob == 0.0));
    all[..keys * PANEL].to_vec()
}

/// Probabilities of bf16 numbers are that good.
fn about(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 0.0042 * expected + 1e-30, "{found} instead of {expected}");
    }
}

#[test]
fn softmax_is_what_it_says() {
    let mut noise = Noise(5);
    for kernels in Isa::ALL.into_iter().filter_map(Kernels::of) {
        for round in 0..60 {
            let keys = 1 + noise.below(100);
            let scores = Scores::new(&mut noise, keys, [0.0, 1.0, 30.0][round % 3]);
            let (mut state, mut found) = (Softmax::START, Vec::new());
            let (mut rounded_state, mut rounded_found) = (Softmax::START, Vec::new());
            // Groups of even numbers of keys but for the last.
            for rows in scores.rows.chunks(PANEL * 2 * (1 + noise.below(20))) {
                let mut here = rows.to_vec();
                shrink(&mut found, kernels.rise(&here, &mut state));
                kernels.probs(&mut here, &mut state);
                found.append(&mut here);
                let mut here = rows.to_vec();
                shrink(&mut rounded_found, kernels.rise(&here, &mut rounded_state));
                let keys = here.len() / PANEL;
                let mut pairs = vec![bf16::NAN; keys.next_multiple_of(2) * PANEL];
                kernels.probs_bf16(&mut here, &mut rounded_state, &mut pairs);
                rounded_found.append(&mut unpaired(&pairs, keys));
            }
            divide(&mut found, &state);
            close(&found, &scores.probs, 5e-6);
            divide(&mut rounded_found, &rounded_state);
            about(&rounded_found, &scores.probs);
        }
    }
}

#[test]
fn fused_probs_are_those_of_scores() {
    let mut noise = Noise(15);
    for (isa, kernels) in Isa::ALL.into_iter().filter_map(|isa| Some((isa, Kernels::of(isa)?))) {
        assert_eq!(kernels.fuses_probs, isa == Isa::Avx512Bf16);
        for round in 0..80 {
            let (keys, width) = (1 + noise.below(60), 2 + 2 * noise.below(40));
            // In some rounds the scores of later keys are far higher.
            let mut values = noise.values(keys * width);
            let later = [1.0, 4.0, 40.0][round % 3];
            values[keys / 2 * width..].iter_mut().for_each(|value| *value *= later);
            let rounded = |values: &[f32]| values.iter().map(|v| bf16::from_f32(*v)).collect::<Vec<_>>();
            let (rows, queries) = (rounded(&values), rounded(&noise.values(width * PANEL)));
            let score = |key: usize, query: usize| -> f64 {
                let product =
                    |c: usize| rows[key * width + c].to_f64() * queries[(c / 2 * PANEL + query) * 2 + c % 2].to_f64();
                (0..width).map(product).sum()
            };
            // All bases as the first key has them.
            let first: Vec<f32> = (0..PANEL).map(|query| score(0, query) as f32).collect();
            let (mut state, mut pairs) = (Softmax::START, vec![bf16::NAN; keys.next_multiple_of(2) * PANEL]);
            let none = kernels.fused_probs(&rows, &queries, &mut state, &mut pairs);
            assert_eq!((none, state.totals()), (0, &[0.0; PANEL]));
            kernels.rise(&first, &mut state);
            let done = kernels.fused_probs(&rows, &queries, &mut state, &mut pairs);
            let slack = |key: usize| (0..PANEL).any(|query| score(key, query) > f64::from(first[query]) + 8.0);
            // Whole tiles, all if no score is far above.
            assert!(done.is_multiple_of(VECTOR_ROWS) && done <= keys);
            let whole = if kernels.fuses_probs { keys / VECTOR_ROWS * VECTOR_ROWS } else { 0 };
            assert!(done == whole || done < whole && (done..done + VECTOR_ROWS).any(slack));
            let expected: Vec<f32> = (0..done * PANEL)
                .map(|at| (score(at / PANEL, at % PANEL) - f64::from(first[at % PANEL])).exp2() as f32)
                .collect();
            about(&unpaired(&pairs[..done * PANEL], done), &expected);
            let mut totals = [0.0; PANEL];
            expected.chunks_exact(PANEL).for_each(|row| row.iter().zip(&mut totals).for_each(|(c, t)| *t += c));
            close(&state.totals()[..], &totals, 2e-4);
        }
    }
}
