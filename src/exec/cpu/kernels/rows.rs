//! Work on rows of numbers, in plain Rust. It is compiled once for each instruction set ([`super::sets`]), and the compiler
//! makes vector code of it.

use half::bf16;

use super::{NARROW, PANEL, Tile, math};
use crate::exec::cpu::memory::MemoryRef;
use crate::graph::Activation;

/// Numbers handled at once where an order of summation must be fixed.
const LANES: usize = 16;
/// Sums that a narrow tile keeps for each output: enough that no addition waits for the one before.
const DOT: usize = 2 * LANES;

/// A number as it lies in memory.
pub trait Number: Copy {
    /// `value`, rounded if need be.
    fn of(value: f32) -> Self;
    /// Its value.
    fn wide(self) -> f32;
    /// Some of them to write.
    fn write(memory: MemoryRef<'_>, first: usize, len: usize) -> &mut [Self];
}

impl Number for f32 {
    #[inline(always)]
    fn of(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }

    #[inline(always)]
    fn write(memory: MemoryRef<'_>, first: usize, len: usize) -> &mut [Self] {
        memory.write(first, len)
    }
}

impl Number for bf16 {
    /// To the nearest, ties to even. (`bf16::from_f32` does the same with a branch, of which no vector code can be made.)
    #[inline(always)]
    fn of(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        // Rounding up must not carry a NaN over to infinity.
        let broken = bits >> 16 | 0x40;
        Self::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { broken } else { rounded } as u16)
    }

    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    #[inline(always)]
    fn write(memory: MemoryRef<'_>, first: usize, len: usize) -> &mut [Self] {
        memory.write_bf16(first, len)
    }
}

/// Where the rows of a tile belong.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The memory.
    pub memory: MemoryRef<'a>,
    /// Where each row begins there.
    pub at: &'a [usize],
    /// Numbers of each.
    pub columns: usize,
}

/// What happens to a row after it was computed.
#[derive(Clone, Copy, Debug)]
pub enum Post<'a> {
    /// One number per channel is added.
    Bias(&'a [f32]),
    /// A function of each element.
    Activate(Activation),
    /// Each element times `scale` plus `shift`.
    Affine { scale: f32, shift: f32 },
    /// Row `r` of other values, at `offsets[r]`, is added.
    Add { values: &'a [f32], offsets: &'a [usize] },
    /// Row `r` of other values, at `offsets[r]`, is multiplied.
    Mul { values: &'a [f32], offsets: &'a [usize] },
}

/// A function of each element.
#[inline(always)]
pub fn activate<const FUSED: bool>(activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Silu => each(x, math::silu::<FUSED>),
        Activation::Gelu => each(x, math::gelu::<FUSED>),
        Activation::QuickGelu => each(x, math::quick_gelu::<FUSED>),
        Activation::Relu => each(x, math::relu),
        Activation::Tanh => each(x, math::tanh::<FUSED>),
    }
}

/// Four or more vectors go round a loop together: one alone takes up to 1.4 times as long where the loop happens to lie badly.
#[inline(always)]
fn each(x: &mut [f32], f: impl Fn(f32) -> f32) {
    let (panels, rest) = x.as_chunks_mut::<PANEL>();
    for panel in panels {
        for v in panel {
            *v = f(*v);
        }
    }
    for v in rest {
        *v = f(*v);
    }
}

/// Adds `bias`, does `posts`, and puts the rows of a tile, `width` apart, where they belong. The usual epilogues of a layer are
/// done in one go.
#[inline(always)]
pub fn store<T: Number, const FUSED: bool>(
    tile: &mut [f32],
    width: usize,
    bias: &[f32],
    posts: &[Post<'_>],
    places: &Places<'_>,
) {
    let nothing = |v| v;
    match *posts {
        [] => place::<T, false>(tile, width, bias, (&[], &[]), places, nothing),
        [Post::Add { values, offsets }] => place::<T, true>(tile, width, bias, (values, offsets), places, nothing),
        [Post::Activate(Activation::Relu)] => place::<T, false>(tile, width, bias, (&[], &[]), places, math::relu),
        [Post::Activate(Activation::Silu)] => {
            place::<T, false>(tile, width, bias, (&[], &[]), places, math::silu::<FUSED>);
        }
        [Post::Affine { scale, shift }] => {
            place::<T, false>(tile, width, bias, (&[], &[]), places, |v| v * scale + shift);
        }
        [Post::Add { values, offsets }, Post::Activate(Activation::Relu)] => {
            place::<T, true>(tile, width, bias, (values, offsets), places, math::relu);
        }
        _ => {
            finish::<FUSED>(tile, width, places.columns, &[Post::Bias(bias)]);
            finish::<FUSED>(tile, width, places.columns, posts);
            place::<T, false>(tile, width, &[0.0; PANEL], (&[], &[]), places, nothing);
        }
    }
}

/// Each row plus `bias` (and row `r` of other values, at `offsets[r]`), through `f`, to its place.
#[inline(always)]
fn place<T: Number, const ADD: bool>(
    tile: &[f32],
    width: usize,
    bias: &[f32],
    (others, offsets): (&[f32], &[usize]),
    &Places { memory, at, columns }: &Places<'_>,
    f: impl Fn(f32) -> f32,
) {
    for (r, at) in at.iter().enumerate() {
        let row = T::write(memory, *at, columns);
        let (values, bias) = (&tile[r * width..][..columns], &bias[..columns]);
        let other = if ADD { &others[offsets[r]..][..columns] } else { values };
        let one = |v: f32, b: f32, o: f32| T::of(f(if ADD { v + b + o } else { v + b }));
        // So few are done before a loop of vectors has begun.
        if width <= NARROW {
            for c in 0..columns.min(NARROW) {
                row[c] = one(values[c], bias[c], other[c]);
            }
            continue;
        }
        // The usual width is known to the compiler.
        let others = (values.first_chunk::<PANEL>(), bias.first_chunk::<PANEL>(), other.first_chunk::<PANEL>());
        match (row.first_chunk_mut::<PANEL>(), others) {
            (Some(row), (Some(values), Some(bias), Some(other))) => {
                // All is read before the first is written: others may lie where results go, which would forbid vectors.
                let (values, bias, other) = (*values, *bias, *other);
                for c in 0..PANEL {
                    row[c] = one(values[c], bias[c], other[c]);
                }
            }
            _ => {
                for c in 0..columns {
                    row[c] = one(values[c], bias[c], other[c]);
                }
            }
        }
    }
}

/// Numbers as another kind.
#[inline(always)]
pub fn narrow<T: Number>(x: &[f32], out: &mut [T]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = T::of(*x);
    }
}

/// Integers as another kind; both hold them exactly.
#[inline(always)]
pub fn widen<T: Number>(x: &[i8], out: &mut [T]) {
    let count = out.len();
    let x = &x[..count];
    for i in 0..count {
        out[i] = T::of(f32::from(x[i]));
    }
}

/// Int8 as int16.
#[inline(always)]
pub fn widen_int16(x: &[i8], out: &mut [i16]) {
    let count = out.len();
    let x = &x[..count];
    for i in 0..count {
        out[i] = i16::from(x[i]);
    }
}

/// Each row of `scales.len()` numbers times the `scales`.
#[inline(always)]
pub fn scale_columns(tile: &mut [f32], scales: &[f32]) {
    for row in tile.chunks_exact_mut(scales.len()) {
        for c in 0..scales.len() {
            row[c] *= scales[c];
        }
    }
}

/// The tile of a panel so narrow that each column's weights lie side by side: its sums run over lanes, not columns.
#[inline(always)]
pub fn dots<T: Copy + Into<f32>>(tile: &Tile<'_, T>, out: &mut [f32]) {
    match tile.width {
        1 => dots_of::<T, 1>(tile, out),
        2 => dots_of::<T, 2>(tile, out),
        3 => dots_of::<T, 3>(tile, out),
        _ => dots_of::<T, 4>(tile, out),
    }
}

#[inline(always)]
fn dots_of<T: Copy + Into<f32>, const COLUMNS: usize>(tile: &Tile<'_, T>, out: &mut [f32]) {
    tile.check_narrow(out);
    let weights: [&[T]; COLUMNS] = std::array::from_fn(|column| &tile.weights[column * tile.rows()..][..tile.rows()]);
    for (pixel, out) in tile.pixels.iter().zip(out.chunks_exact_mut(COLUMNS)) {
        for column in 0..COLUMNS {
            let (mut sums, mut rest) = ([0.0f32; DOT], 0.0);
            for (tap, weights) in tile.taps.iter().zip(weights[column].chunks_exact(tile.run)) {
                let (values, last_values) = tile.input[pixel + tap..][..tile.run].as_chunks::<DOT>();
                let (weights, last_weights) = weights.as_chunks::<DOT>();
                for (values, weights) in values.iter().zip(weights) {
                    for lane in 0..DOT {
                        sums[lane] += values[lane].into() * weights[lane].into();
                    }
                }
                for (value, weight) in last_values.iter().zip(last_weights) {
                    rest += (*value).into() * (*weight).into();
                }
            }
            out[column] = sums.iter().sum::<f32>() + rest;
        }
    }
}

/// Applies `posts` to the first `columns` of each row of `tile`, whose rows are `width` apart.
#[inline(always)]
pub fn finish<const FUSED: bool>(tile: &mut [f32], width: usize, columns: usize, posts: &[Post<'_>]) {
    for post in posts {
        match *post {
            Post::Bias(bias) => {
                for row in tile.chunks_exact_mut(width) {
                    with_row(row, bias, columns, |v, b| *v += b);
                }
            }
            // The columns that nobody reads may be computed too: it is quicker than finding them.
            Post::Activate(activation) => activate::<FUSED>(activation, tile),
            Post::Affine { scale, shift } => each(tile, |v| v * scale + shift),
            Post::Add { values, offsets } => {
                for (row, &offset) in tile.chunks_exact_mut(width).zip(offsets) {
                    with_row(row, &values[offset..], columns, |v, o| *v += o);
                }
            }
            Post::Mul { values, offsets } => {
                for (row, &offset) in tile.chunks_exact_mut(width).zip(offsets) {
                    with_row(row, &values[offset..], columns, |v, o| *v *= o);
                }
            }
        }
    }
}

/// Calls `f` with each of the first `columns` of a row and of another. The usual number of them is known to the compiler.
#[inline(always)]
fn with_row(row: &mut [f32], other: &[f32], columns: usize, f: impl Fn(&mut f32, f32)) {
    let (row, other) = (&mut row[..columns], &other[..columns]);
    match (row.first_chunk_mut::<PANEL>(), other.first_chunk::<PANEL>()) {
        (Some(row), Some(other)) if columns == PANEL => row.iter_mut().zip(other).for_each(|(v, o)| f(v, *o)),
        _ => row.iter_mut().zip(other).for_each(|(v, o)| f(v, *o)),
    }
}

/// The first half of `x` times the GELU of the second.
#[inline(always)]
pub fn geglu<const FUSED: bool>(x: &[f32], out: &mut [f32]) {
    let count = out.len();
    let (factor, gate) = (&x[..count], &x[count..][..count]);
    // By index: the iterators of three slices are a function of their own, compiled without the vector instructions.
    for i in 0..count {
        out[i] = factor[i] * math::gelu::<FUSED>(gate[i]);
    }
}

/// Each row of a tile times the GELU of the same row of `gates`, after a bias was added to both.
#[inline(always)]
pub fn gate<const FUSED: bool>(tile: &mut [f32], gates: &[f32], [bias, gate_bias]: [&[f32]; 2]) {
    let width = bias.len();
    let gate_bias = &gate_bias[..width];
    for (row, gates) in tile.chunks_exact_mut(width).zip(gates.chunks_exact(width)) {
        for c in 0..width {
            row[c] = (row[c] + bias[c]) * math::gelu::<FUSED>(gates[c] + gate_bias[c]);
        }
    }
}

/// Adds the differences of some pixels from `origin`, and their squares, to two sums per channel. Pixels are `step` apart.
#[inline(always)]
pub fn moments(pixels: &[f32], step: usize, origin: &[f32], sums: &mut [f32], squares: &mut [f32]) {
    let channels = origin.len();
    let (sums, squares) = (&mut sums[..channels], &mut squares[..channels]);
    let mut first = 0;
    while channels - first >= PANEL {
        differences::<PANEL>(pixels, step, first, origin, [&mut *sums, &mut *squares]);
        first += PANEL;
    }
    if channels - first >= LANES {
        differences::<LANES>(pixels, step, first, origin, [&mut *sums, &mut *squares]);
        first += LANES;
    }
    if first == channels {
        return;
    }
    for pixel in pixels.chunks(step) {
        for c in first..channels {
            let difference = pixel[c] - origin[c];
            sums[c] += difference;
            squares[c] += difference * difference;
        }
    }
}

/// The same of `COUNT` channels from `first` on, whose sums stay in registers.
#[inline(always)]
fn differences<const COUNT: usize>(
    pixels: &[f32],
    step: usize,
    first: usize,
    origin: &[f32],
    [sums, squares]: [&mut [f32]; 2],
) {
    let (mut own_sums, mut own_squares) = ([0.0; COUNT], [0.0; COUNT]);
    let origin = &origin[first..][..COUNT];
    for pixel in pixels.chunks(step) {
        let pixel = &pixel[first..][..COUNT];
        for c in 0..COUNT {
            let difference = pixel[c] - origin[c];
            own_sums[c] += difference;
            own_squares[c] += difference * difference;
        }
    }
    let (sums, squares) = (&mut sums[first..][..COUNT], &mut squares[first..][..COUNT]);
    for c in 0..COUNT {
        sums[c] += own_sums[c];
        squares[c] += own_squares[c];
    }
}

/// `x * scale + shift` per channel of pixels `step` apart, then SiLU of that if `silu`, into `out`, where they lie side by side.
#[inline(always)]
pub fn scale_shift<T: Number, const FUSED: bool>(
    x: &[f32],
    step: usize,
    factors: [&[f32]; 2],
    silu: bool,
    out: &mut [T],
) {
    if silu {
        normalise(x, step, factors, out, math::silu::<FUSED>);
    } else {
        normalise(x, step, factors, out, |v| v);
    }
}

/// The same with any function behind.
#[inline(always)]
fn normalise<T: Number>(x: &[f32], step: usize, [scale, shift]: [&[f32]; 2], out: &mut [T], f: impl Fn(f32) -> f32) {
    let channels = scale.len();
    let whole = channels - channels % PANEL;
    for (x, out) in x.chunks(step).zip(out.chunks_exact_mut(channels)) {
        for first in (0..whole).step_by(PANEL) {
            let (x, out) = (&x[first..][..PANEL], &mut out[first..][..PANEL]);
            let (scale, shift) = (&scale[first..][..PANEL], &shift[first..][..PANEL]);
            for c in 0..PANEL {
                out[c] = T::of(f(x[c] * scale[c] + shift[c]));
            }
        }
        for c in whole..channels {
            out[c] = T::of(f(x[c] * scale[c] + shift[c]));
        }
    }
}

/// Normalises a row to mean 0 and deviation 1, then scales and shifts it. Two passes, so that a large mean costs no digits.
#[inline(always)]
pub fn layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, out: &mut [f32]) {
    let count = x.len() as f32;
    let mean = sum(x, |v| v) / count;
    let variance = sum(x, |v| (v - mean) * (v - mean)) / count;
    let factor = 1.0 / (variance + eps).sqrt();
    let (x, scale, shift) = (&x[..out.len()], &scale[..out.len()], &shift[..out.len()]);
    for c in 0..out.len() {
        out[c] = (x[c] - mean) * factor * scale[c] + shift[c];
    }
}

/// The online softmax of some queries. Scores lie in rows, one for each key, with a column for each query.
#[derive(Clone, Debug)]
pub struct Softmax {
    /// What is subtracted from each score of a query, an exponent of 2: the largest so far, or one that was not much less.
    pub(super) base: [f32; PANEL],
    /// The sums of 2^(score - base) so far.
    pub(super) totals: [f32; PANEL],
}

impl Softmax {
    /// Before the first score.
    pub const START: Self = Self { base: [f32::NEG_INFINITY; PANEL], totals: [0.0; PANEL] };

    /// How far a score may be above the base, an exponent of 2 as well, before everything so far is made smaller for its sake: the
    /// probabilities are divided by their total in the end, so that it only matters that they stay in range.
    pub(super) const SLACK: f32 = 8.0;

    /// What all probabilities of each query are to be divided by.
    pub fn totals(&self) -> &[f32; PANEL] {
        &self.totals
    }
}

/// Lets the base of a query rise where some more scores are far above it. Returns by what all that was accumulated for each query must
/// be multiplied then, if any did.
#[inline(always)]
pub fn rise<const FUSED: bool>(scores: &[f32], state: &mut Softmax) -> Option<[f32; PANEL]> {
    let mut highest = [f32::NEG_INFINITY; PANEL];
    for row in scores.as_chunks::<PANEL>().0 {
        for query in 0..PANEL {
            highest[query] = larger(row[query], highest[query]);
        }
    }
    let above = |(highest, base): (&f32, &f32)| *highest > base + Softmax::SLACK;
    if !highest.iter().zip(&state.base).map(above).fold(false, |any, above| any | above) {
        return None;
    }
    let mut shrink = [1.0; PANEL];
    for query in 0..PANEL {
        if highest[query] > state.base[query] + Softmax::SLACK {
            shrink[query] = math::exp2::<FUSED>(state.base[query] - highest[query]);
            state.base[query] = highest[query];
            state.totals[query] *= shrink[query];
        }
    }
    Some(shrink)
}

/// Turns scores into probabilities, 2^(score - base), not yet divided by their total, to which it adds them.
#[inline(always)]
pub fn probs<const FUSED: bool>(scores: &mut [f32], state: &mut Softmax) {
    let (base, mut totals) = (state.base, [0.0; PANEL]);
    for row in scores.as_chunks_mut::<PANEL>().0 {
        for query in 0..PANEL {
            row[query] = math::exp2::<FUSED>(row[query] - base[query]);
            totals[query] += row[query];
        }
    }
    state.totals.iter_mut().zip(&totals).for_each(|(total, more)| *total += more);
}

/// The same, rounded, the two probabilities of a query for two keys side by side, and zeros beside those of a last odd key. What
/// `scores` are then is nobody's business.
#[inline(always)]
pub fn probs_bf16<const FUSED: bool>(scores: &mut [f32], state: &mut Softmax, out: &mut [bf16]) {
    probs::<FUSED>(scores, state);
    for (pair, out) in scores.chunks(2 * PANEL).zip(out.as_chunks_mut::<{ 2 * PANEL }>().0) {
        let (first, second) = pair.split_at(PANEL);
        for query in 0..PANEL {
            out[2 * query] = bf16::of(first[query]);
            out[2 * query + 1] = second.get(query).map_or(bf16::ZERO, |prob| bf16::of(*prob));
        }
    }
}

/// The larger of two numbers; `b` if one is none.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Each element times `factor`.
#[inline(always)]
pub fn scale(x: &mut [f32], factor: f32) {
    each(x, |v| v * factor);
}

/// The same of numbers of bf16, to `out`.
#[inline(always)]
pub fn scale_bf16(x: &[bf16], factor: f32, out: &mut [f32]) {
    let count = out.len();
    let x = &x[..count];
    for i in 0..count {
        out[i] = x[i].wide() * factor;
    }
}

/// The sum of `f` over a row, in lanes.
#[inline(always)]
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += f(chunk[i]);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += f(*v);
    }
    lanes.iter().sum()
}
