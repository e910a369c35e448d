//! Attention, one head and a few queries at a time, so that the scores of all never exist at once.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};
use rayon::prelude::*;

use super::elements::tensor;
use crate::graph::Mask;

/// Scores held at a time per thread: 4 MiB.
const SCORES: usize = 1 << 20;

/// softmax(q k^T / sqrt(d)) v for each head; the heads lie side by side in the channels.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize, mask: Mask) -> Result<Tensor> {
    let ((batch, queries, channels), keys) = (q.dims3()?, k.dim(1)?);
    let width = channels / heads;
    let (qs, ks, vs) = (q.storage_and_layout().0, k.storage_and_layout().0, v.storage_and_layout().0);
    let (Storage::Cpu(qs), Storage::Cpu(ks), Storage::Cpu(vs)) = (&*qs, &*ks, &*vs) else {
        bail!("a value is not on the CPU")
    };
    let start = |x: &Tensor| x.layout().start_offset();
    let scale = 1.0 / (width as f32).sqrt();
    let rows = (SCORES / keys).clamp(1, queries);
    let pieces: Vec<[usize; 3]> = (0..batch)
        .flat_map(|n| (0..heads).flat_map(move |head| (0..queries).step_by(rows).map(move |first| [n, head, first])))
        .collect();
    let piece = |&[n, head, first]: &[usize; 3]| -> Result<Vec<f32>> {
        let count = rows.min(queries - first);
        let key = start(k) + n * keys * channels + head * width;
        let value = start(v) + n * keys * channels + head * width;
        let query = start(q) + (n * queries + first) * channels + head * width;
        let q_layout = Layout::new((count, width).into(), vec![channels, 1], query);
        let k_layout = Layout::new((width, keys).into(), vec![1, channels], key);
        let v_layout = Layout::new((keys, width).into(), vec![channels, 1], value);
        let CpuStorage::F32(mut scores) = qs.matmul(ks, (1, count, keys, width), &q_layout, &k_layout)? else {
            bail!("a value is not f32")
        };
        for (query, scores) in (first..).zip(scores.chunks_exact_mut(keys)) {
            let seen = if mask == Mask::Causal { query + 1 } else { keys };
            softmax(scores, seen, scale);
        }
        let layout = Layout::contiguous((count, keys));
        match CpuStorage::F32(scores).matmul(vs, (1, count, width, keys), &layout, &v_layout)? {
            CpuStorage::F32(values) => Ok(values),
            _ => bail!("a value is not f32"),
        }
    };
    let done: Vec<Vec<f32>> = pieces.par_iter().map(piece).collect::<Result<_>>()?;
    let mut out = vec![0.0; batch * queries * channels];
    for ([n, head, first], values) in pieces.iter().zip(&done) {
        for (query, values) in (*first..).zip(values.chunks_exact(width)) {
            out[(n * queries + query) * channels + head * width..][..width].copy_from_slice(values);
        }
    }
    tensor(out, q.dims())
}

/// Softmax of the first `seen` scores times `scale`; the rest become 0.
fn softmax(scores: &mut [f32], seen: usize, scale: f32) {
    let (scores, unseen) = scores.split_at_mut(seen);
    unseen.fill(0.0);
    let largest = scores.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = ((*score - largest) * scale).exp();
        sum += *score;
    }
    let factor = 1.0 / sum;
    scores.iter_mut().for_each(|score| *score *= factor);
}
