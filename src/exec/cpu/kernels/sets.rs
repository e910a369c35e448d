//! The table of kernels, and one filled-in copy for each instruction set.

use half::{bf16, f16};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx;
#[cfg(target_arch = "x86_64")]
use super::avx512bf16;
use super::int16::{self, Scales, Whole};
use super::rows::{self, Places, Post, Softmax};
use super::strip::{self, Strips};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::vector_strip;
#[cfg(target_arch = "x86_64")]
use super::vector_transpose::transpose;
use super::winograd::{self, Inputs, Taps};
use super::{PANEL, Tile, VECTOR_ROWS, portable};
use crate::exec::cpu::isa::Isa;
use crate::exec::pixels;

type Moments = unsafe fn(&[f32], usize, &[f32], &mut [f32], &mut [f32]);
type ScaleShift<T> = unsafe fn(&[f32], usize, [&[f32]; 2], bool, &mut [T]);
type Store = unsafe fn(&mut [f32], usize, &[f32], &[Post<'_>], &Places<'_>);
type LayerNorm = unsafe fn(&[f32], &[f32], &[f32], f32, &mut [f32]);

/// The kernels for one instruction set. Made only by [`Kernels::of`], for a set that this processor has.
#[derive(Clone, Copy)]
pub struct Kernels {
    /// Rows of a tile that are quickest, and at most.
    pub rows: usize,
    /// Whether a narrow panel of bf16 numbers is multiplied faster with zeros that make it a wide one.
    pub fills: bool,
    /// Whether chances of bf16 numbers are made without their scores going through memory.
    pub quick: bool,
    /// Whether convolutions of bf16 numbers are faster the short way of [`strip`].
    pub strips: bool,
    tile: unsafe fn(&Tile<'_>, &mut [f32]),
    tile_bf16: unsafe fn(&Tile<'_, bf16>, &mut [f32]),
    narrow: unsafe fn(&[f32], &mut [bf16]),
    tile_int16: unsafe fn(&Tile<'_, i16>, Scales<'_>, &mut [f32]),
    dots: unsafe fn(&Tile<'_>, &mut [f32]),
    dots_bf16: unsafe fn(&Tile<'_, bf16>, &mut [f32]),
    store: Store,
    store_bf16: Store,
    finish: unsafe fn(&mut [f32], usize, usize, &[Post<'_>]),
    geglu: unsafe fn(&[f32], &mut [f32]),
    gate: unsafe fn(&mut [f32], &[f32], [&[f32]; 2]),
    moments: Moments,
    scale_shift: ScaleShift<f32>,
    scale_shift_bf16: ScaleShift<bf16>,
    layer_norm: LayerNorm,
    rise: unsafe fn(&[f32], &mut Softmax) -> Option<[f32; PANEL]>,
    chances: unsafe fn(&mut [f32], &mut Softmax),
    chances_bf16: unsafe fn(&mut [f32], &mut Softmax, &mut [bf16]),
    powers: unsafe fn(&[bf16], &[bf16], &mut Softmax, &mut [bf16]) -> usize,
    forth: unsafe fn(&Inputs<'_>, usize, &mut [f32]),
    back: unsafe fn(&[f32], usize, usize, &mut [f32]),
    lift: unsafe fn(&Taps<'_>, usize, &mut [f32]),
    forth_strips: unsafe fn(&Strips<'_, f32>, &mut [bf16]),
    forth_strips_bf16: unsafe fn(&Strips<'_, bf16>, &mut [bf16]),
    back_strips: unsafe fn(&[f32], usize, usize, &mut [f32]),
    lift_strips: unsafe fn(&[&[bf16]; strip::TAPS], usize, &mut [bf16]),
    scale: unsafe fn(&mut [f32], f32),
    scale_bf16: unsafe fn(&[bf16], f32, &mut [f32]),
    transpose: unsafe fn(&[u32], usize, &mut [u32], usize),
    widen: unsafe fn(&[i8], &mut [f32]),
    widen_f16: unsafe fn(&[f16], &mut [f32]),
    widen_bf16: unsafe fn(&[i8], &mut [bf16]),
    widen_int16: unsafe fn(&[i8], &mut [i16]),
    whole: unsafe fn(&[f32], &mut [i16]) -> f32,
    whole_places: unsafe fn(&[f32], Whole<'_>, [usize; 3], usize),
    whole_columns: unsafe fn(&[f32], &mut [f32], &mut [i16]),
    lift_whole: unsafe fn(&Taps<'_>, &[f32], usize, &mut [i16]),
    scale_columns: unsafe fn(&mut [f32], &[f32]),
    unpack: unsafe fn(&[f32], &mut [f32]),
    pack: unsafe fn(&[f32], &mut [f32]),
}

/// A table of the functions of [`rows`] compiled with some processor features, with the product tiles of a module.
macro_rules! table {
    ($rows:expr, $tile:path, $bf16:ident $(, $features:literal)?) => {{
        /// Whether the processor adds to a product in one go: all sets but the portable one have that.
        const FUSED: bool = {
            let features: &[&str] = &[$($features)?];
            !features.is_empty()
        };
        $(#[target_feature(enable = $features)])?
        fn finish(tile: &mut [f32], width: usize, columns: usize, posts: &[Post<'_>]) {
            rows::finish::<FUSED>(tile, width, columns, posts);
        }
        $(#[target_feature(enable = $features)])?
        fn dots(tile: &Tile<'_>, out: &mut [f32]) {
            rows::dots(tile, out);
        }
        $(#[target_feature(enable = $features)])?
        fn store(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>) {
            rows::store::<f32, FUSED>(tile, width, bias, posts, places);
        }
        $(#[target_feature(enable = $features)])?
        fn store_bf16(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>) {
            rows::store::<bf16, FUSED>(tile, width, bias, posts, places);
        }
        $(#[target_feature(enable = $features)])?
        fn geglu(x: &[f32], out: &mut [f32]) {
            rows::geglu::<FUSED>(x, out);
        }
        $(#[target_feature(enable = $features)])?
        fn gate(tile: &mut [f32], gates: &[f32], biases: [&[f32]; 2]) {
            rows::gate::<FUSED>(tile, gates, biases);
        }
        $(#[target_feature(enable = $features)])?
        fn moments(pixels: &[f32], step: usize, origin: &[f32], sums: &mut [f32], squares: &mut [f32]) {
            rows::moments(pixels, step, origin, sums, squares);
        }
        $(#[target_feature(enable = $features)])?
        fn scale_shift(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [f32]) {
            rows::scale_shift::<_, FUSED>(x, step, factors, silu, out);
        }
        $(#[target_feature(enable = $features)])?
        fn scale_shift_bf16(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [bf16]) {
            rows::scale_shift::<_, FUSED>(x, step, factors, silu, out);
        }
        $(#[target_feature(enable = $features)])?
        fn layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, out: &mut [f32]) {
            rows::layer_norm(x, scale, shift, eps, out);
        }
        $(#[target_feature(enable = $features)])?
        fn rise(scores: &[f32], state: &mut Softmax) -> Option<[f32; PANEL]> {
            rows::rise::<FUSED>(scores, state)
        }
        $(#[target_feature(enable = $features)])?
        fn chances(scores: &mut [f32], state: &mut Softmax) {
            rows::chances::<FUSED>(scores, state);
        }
        $(#[target_feature(enable = $features)])?
        fn chances_bf16(scores: &mut [f32], state: &mut Softmax, out: &mut [bf16]) {
            rows::chances_bf16::<FUSED>(scores, state, out);
        }
        $(#[target_feature(enable = $features)])?
        fn forth(inputs: &Inputs<'_>, step: usize, out: &mut [f32]) {
            winograd::forth(inputs, step, out);
        }
        $(#[target_feature(enable = $features)])?
        fn back(sums: &[f32], step: usize, width: usize, out: &mut [f32]) {
            winograd::back(sums, step, width, out);
        }
        $(#[target_feature(enable = $features)])?
        fn lift(taps: &Taps<'_>, step: usize, out: &mut [f32]) {
            winograd::lift(taps, step, out);
        }
        $(#[target_feature(enable = $features)])?
        fn forth_strips(strips: &Strips<'_, f32>, out: &mut [bf16]) {
            strip::forth(strips, out);
        }
        $(#[target_feature(enable = $features)])?
        fn forth_strips_bf16(strips: &Strips<'_, bf16>, out: &mut [bf16]) {
            strip::forth(strips, out);
        }
        $(#[target_feature(enable = $features)])?
        fn back_strips(sums: &[f32], count: usize, width: usize, out: &mut [f32]) {
            strip::back(sums, count, width, out);
        }
        $(#[target_feature(enable = $features)])?
        fn lift_strips(taps: &[&[bf16]; strip::TAPS], step: usize, out: &mut [bf16]) {
            strip::lift(taps, step, out);
        }
        $(#[target_feature(enable = $features)])?
        fn widen(x: &[i8], out: &mut [f32]) {
            rows::widen(x, out);
        }
        $(#[target_feature(enable = $features)])?
        fn widen_bf16(x: &[i8], out: &mut [bf16]) {
            rows::widen(x, out);
        }
        $(#[target_feature(enable = $features)])?
        fn widen_int16(x: &[i8], out: &mut [i16]) {
            rows::widen_int16(x, out);
        }
        $(#[target_feature(enable = $features)])?
        fn whole(x: &[f32], out: &mut [i16]) -> f32 {
            int16::whole::<FUSED>(x, int16::MOST, out)
        }
        $(#[target_feature(enable = $features)])?
        fn whole_places(x: &[f32], out: Whole<'_>, steps: [usize; 3], len: usize) {
            int16::whole_places::<FUSED>(x, out, steps, len);
        }
        $(#[target_feature(enable = $features)])?
        fn whole_columns(x: &[f32], scales: &mut [f32], out: &mut [i16]) {
            int16::whole_columns::<FUSED>(x, scales, out);
        }
        $(#[target_feature(enable = $features)])?
        fn lift_whole(taps: &Taps<'_>, inverse: &[f32], step: usize, out: &mut [i16]) {
            int16::lift_whole(taps, inverse, step, out);
        }
        $(#[target_feature(enable = $features)])?
        fn scale_columns(tile: &mut [f32], scales: &[f32]) {
            rows::scale_columns(tile, scales);
        }
        $(#[target_feature(enable = $features)])?
        fn unpack(pixels: &[f32], out: &mut [f32]) {
            pixels::from_pixels(pixels, out);
        }
        $(#[target_feature(enable = $features)])?
        fn pack(values: &[f32], out: &mut [f32]) {
            pixels::to_pixels(values, out);
        }
        $(#[target_feature(enable = $features)])?
        fn scale(x: &mut [f32], factor: f32) {
            rows::scale(x, factor);
        }
        $(#[target_feature(enable = $features)])?
        fn scale_bf16(x: &[bf16], factor: f32, out: &mut [f32]) {
            rows::scale_bf16(x, factor, out);
        }
        Kernels {
            rows: $rows,
            fills: false,
            quick: false,
            strips: false,
            tile: $tile,
            tile_bf16: $bf16::tile_bf16,
            tile_int16: portable::tile_int16,
            narrow: $bf16::narrow,
            dots,
            dots_bf16: $bf16::dots_bf16,
            store,
            store_bf16,
            finish,
            geglu,
            gate,
            moments,
            scale_shift,
            scale_shift_bf16,
            layer_norm,
            rise,
            chances,
            chances_bf16,
            powers: portable::powers,
            forth,
            back,
            lift,
            forth_strips,
            forth_strips_bf16,
            back_strips,
            lift_strips,
            widen,
            widen_f16: portable::widen_f16,
            widen_bf16,
            widen_int16,
            whole,
            whole_places,
            whole_columns,
            lift_whole,
            scale_columns,
            scale,
            scale_bf16,
            transpose: portable::transpose,
            unpack,
            pack,
        }
    }};
}

/// A table with what is written for registers of PCs from one text for each `$set`: `avx2` or `avx512`.
#[cfg(target_arch = "x86_64")]
macro_rules! vectors {
    ($set:ident, $table:expr) => {{
        use super::vector_dots::$set::dots;
        use super::vector_whole::$set::{lift_whole, whole, whole_columns, whole_places};
        use super::vector_winograd::$set::{back, forth, lift};
        let widen_f16 = super::avx2::widen_f16;
        Kernels { dots, whole, whole_places, whole_columns, lift_whole, widen_f16, forth, back, lift, ..$table }
    }};
}

impl Kernels {
    /// The kernels for `isa`, or `None` when this processor does not have it.
    pub fn of(isa: Isa) -> Option<Self> {
        if !isa.is_here() {
            return None;
        }
        Some(match isa {
            Isa::Portable => table!(VECTOR_ROWS, portable::tile, portable),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => {
                use super::neon::{ROWS, tile};
                use super::vector_dots::neon::dots;
                use super::vector_winograd::neon::{back, forth, lift};
                Self { dots, forth, back, lift, ..table!(ROWS, tile, portable, "neon") }
            }
            #[cfg(target_arch = "aarch64")]
            Isa::NeonBf16 => {
                use super::neon::tile;
                use super::neon_bf16::{self, ROWS};
                use super::vector_dots::neon::dots;
                use super::vector_winograd::neon::{back, forth, lift};
                Self {
                    strips: true,
                    dots,
                    forth,
                    back,
                    lift,
                    forth_strips: vector_strip::neon::forth_f32,
                    forth_strips_bf16: vector_strip::neon::forth_bf16,
                    back_strips: vector_strip::neon::back,
                    lift_strips: vector_strip::neon::lift,
                    ..table!(ROWS, tile, neon_bf16, "neon,bf16")
                }
            }
            #[cfg(not(target_arch = "aarch64"))]
            Isa::Neon | Isa::NeonBf16 => return None,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx2Int16 => {
                let tile_int16 = if is_x86_feature_detected!("avxvnni") { int16::vnni } else { int16::plain };
                use super::avx2::{ROWS, tile};
                Self { tile_int16, ..vectors!(avx2, table!(ROWS, tile, portable, "avx2,fma")) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Int16 => {
                let tile_int16 = if is_x86_feature_detected!("avx512vnni") { int16::wide } else { int16::plain };
                let features =
                    table!(VECTOR_ROWS, super::avx512::tile, portable, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
                Self { tile_int16, transpose, ..vectors!(avx512, features) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => {
                let features =
                    table!(VECTOR_ROWS, super::avx512::tile, avx512bf16, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
                Self {
                    quick: true,
                    strips: true,
                    store_bf16: avx512bf16::store_bf16,
                    scale_shift_bf16: avx512bf16::scale_shift,
                    gate: avx512bf16::gate,
                    chances_bf16: avx512bf16::chances,
                    powers: avx512bf16::powers,
                    forth_strips: vector_strip::avx512::forth_f32,
                    forth_strips_bf16: vector_strip::avx512::forth_bf16,
                    back_strips: vector_strip::avx512::back,
                    lift_strips: vector_strip::avx512::lift,
                    transpose,
                    ..features
                }
            }
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Isa::Amx => {
                let features = table!(super::MAX_ROWS, amx::tile, amx, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
                use avx512bf16::{chances as chances_bf16, gate, scale_shift as scale_shift_bf16, store_bf16};
                Self { fills: true, store_bf16, scale_shift_bf16, gate, chances_bf16, transpose, ..features }
            }
            #[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
            Isa::Amx => return None,
            #[cfg(not(target_arch = "x86_64"))]
            _ => return None,
        })
    }

    /// The tile of AMX with an emulator below it, and the portable kernels beside it. `None` where AMX needs no emulator, or can
    /// have none.
    #[cfg(test)]
    pub fn emulated() -> Option<Self> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if super::emulator::for_amx() {
            let portable = Self::of(Isa::Portable)?;
            let tile_bf16 = amx::tile_bf16;
            return Some(Self { rows: super::MAX_ROWS, fills: true, tile_bf16, ..portable });
        }
        None
    }
}

/// Calls of the table's functions. Each is safe to call because the table exists only where the processor has its features.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        #[expect(unsafe_code, reason = "functions compiled for a processor feature need it at run time")]
        impl Kernels {
            $($(#[$doc])*
            #[inline]
            pub fn $name(&self, $($argument: $type),*) $(-> $result)? {
                // SAFETY: `of` has seen that this processor has the features.
                unsafe { (self.$name)($($argument),*) }
            })*
        }
    };
}

calls! {
    /// Some rows of values times one panel of weights.
    tile(tile: &Tile<'_>, out: &mut [f32]);
    /// The same with bf16 numbers.
    tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]);
    /// The same with whole numbers, each sum times the scales of its row and its column.
    tile_int16(tile: &Tile<'_, i16>, scales: Scales<'_>, out: &mut [f32]);
    /// Rounds to bf16.
    narrow(x: &[f32], out: &mut [bf16]);
    /// Some rows of values times one narrow panel of weights.
    dots(tile: &Tile<'_>, out: &mut [f32]);
    /// The same with bf16 numbers.
    dots_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]);
    /// Adds `bias` to the rows of a tile of rows of `width`, applies `posts` and puts them at their places.
    store(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>);
    /// The same for places of bf16 numbers.
    store_bf16(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>);
    /// Applies `posts` to the first `columns` of each row of a tile of rows of `width`.
    finish(tile: &mut [f32], width: usize, columns: usize, posts: &[Post<'_>]);
    /// The first half of `x` times the GELU of the second.
    geglu(x: &[f32], out: &mut [f32]);
    /// Each row of a tile times the GELU of the same row of gates, after a bias was added to both.
    gate(tile: &mut [f32], gates: &[f32], biases: [&[f32]; 2]);
    /// Adds the differences of pixels `step` apart from `origin`, and their squares, to two sums per channel.
    moments(pixels: &[f32], step: usize, origin: &[f32], sums: &mut [f32], squares: &mut [f32]);
    /// `x * scale + shift` per channel of pixels `step` apart, then SiLU if that is wanted, into `out`, where they lie side by side.
    scale_shift(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [f32]);
    /// The same, rounded.
    scale_shift_bf16(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [bf16]);
    /// Normalises a row, then scales and shifts it.
    layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, out: &mut [f32]);
    /// Lets the base of queries rise for some more scores; returns by what all that was gathered before must be multiplied, if any did.
    rise(scores: &[f32], state: &mut Softmax) -> Option<[f32; PANEL]>;
    /// Turns scores into chances.
    chances(scores: &mut [f32], state: &mut Softmax);
    /// The same, rounded to `out`, two keys interleaved as weights are. What `scores` are then is nobody's business.
    chances_bf16(scores: &mut [f32], state: &mut Softmax, out: &mut [bf16]);
    /// The chances of the first keys, as many as can be made at once from keys and a panel of queries: none unless the set is
    /// [`quick`](Self::quick). Returns how many.
    powers(keys: &[bf16], queries: &[bf16], state: &mut Softmax, out: &mut [bf16]) -> usize;
    /// Takes the inputs of a tile to the space of [`winograd`].
    forth(inputs: &Inputs<'_>, step: usize, out: &mut [f32]);
    /// Takes sums back from there.
    back(sums: &[f32], step: usize, width: usize, out: &mut [f32]);
    /// Takes weights to that space.
    lift(taps: &Taps<'_>, step: usize, out: &mut [f32]);
    /// Takes strips of pixels to the space of [`strip`].
    forth_strips(strips: &Strips<'_, f32>, out: &mut [bf16]);
    /// The same of a map of bf16.
    forth_strips_bf16(strips: &Strips<'_, bf16>, out: &mut [bf16]);
    /// Takes sums back from there.
    back_strips(sums: &[f32], count: usize, width: usize, out: &mut [f32]);
    /// Takes weights to that space.
    lift_strips(taps: &[&[bf16]; strip::TAPS], step: usize, out: &mut [bf16]);
    /// Whole numbers as f32.
    widen(x: &[i8], out: &mut [f32]);
    /// Numbers of f16 as f32, as many as there is room for.
    widen_f16(x: &[f16], out: &mut [f32]);
    /// Whole numbers as bf16.
    widen_bf16(x: &[i8], out: &mut [bf16]);
    /// Whole numbers of 8 bits as such of 16.
    widen_int16(x: &[i8], out: &mut [i16]);
    /// Values as whole numbers of 13 bits, and what these times are the values.
    whole(x: &[f32], out: &mut [i16]) -> f32;
    /// The same of `len` values at each place of [`winograd`], with a scale for each, which makes up for what
    /// [`lift_whole`](Self::lift_whole) divides by. From place to place there are so many steps of each.
    whole_places(x: &[f32], out: Whole<'_>, steps: [usize; 3], len: usize);
    /// The same of rows of a panel, two of them interleaved as weights are, with a scale for each of its columns.
    whole_columns(x: &[f32], scales: &mut [f32], out: &mut [i16]);
    /// Takes weights to the space of [`winograd`] and makes them whole numbers there, each column times its `inverse`, two rows
    /// interleaved.
    lift_whole(taps: &Taps<'_>, inverse: &[f32], step: usize, out: &mut [i16]);
    /// Each row of `scales.len()` numbers times the `scales`.
    scale_columns(tile: &mut [f32], scales: &[f32]);
    /// Each element times `factor`.
    scale(x: &mut [f32], factor: f32);
    /// The same of numbers of bf16, to `out`.
    scale_bf16(x: &[bf16], factor: f32, out: &mut [f32]);
    /// Rows of so many `columns` as columns: those are rows of `step` then, filled up with zeros.
    transpose(from: &[u32], columns: usize, to: &mut [u32], step: usize);
    /// Pixels of four bytes, each the bits of one element, as three numbers in -1..=1.
    unpack(pixels: &[f32], out: &mut [f32]);
    /// The way back.
    pack(values: &[f32], out: &mut [f32]);
}
