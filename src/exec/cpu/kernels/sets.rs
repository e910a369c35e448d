//! The table of kernels, and one filled-in copy for each instruction set.
//!
//! A kernel is named once, in `kernels!`; what is made of that list is its place in the table, a safe call of it, and its plain text
//! compiled for an instruction set.

use half::{bf16, f16};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx;
#[cfg(target_arch = "x86_64")]
use super::avx512bf16;
use super::int16::{self, Quantized, Scales};
use super::rows::{self, Places, Post, Softmax};
use super::strip::{self, Strips};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::vector_strip;
#[cfg(target_arch = "x86_64")]
use super::vector_transpose::transpose;
use super::winograd::{self, Inputs, Taps, TileEpilogue};
use super::{PANEL, Tile, VECTOR_ROWS, portable};
use crate::exec::cpu::isa::Isa;
use crate::exec::pixels;

/// Hands the kernels to another macro: what each does, and the plain text of it that is compiled anew for each instruction set. Those
/// without one are written by hand wherever they are fast; what [`portable`] has of them serves all other sets.
macro_rules! kernels {
    ($then:ident! $with:tt) => { $then! { $with
        /// Some rows of values times one panel of weights.
        fn tile(tile: &Tile<'_>, out: &mut [f32]);
        /// The same with bf16 numbers.
        fn tile_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]);
        /// The same with integers, each sum times the scales of its row and its column.
        fn tile_int16(tile: &Tile<'_, i16>, scales: Scales<'_>, out: &mut [f32]);
        /// Rounds to bf16.
        fn narrow(x: &[f32], out: &mut [bf16]);
        /// Some rows of values times one narrow panel of weights.
        fn dots(tile: &Tile<'_>, out: &mut [f32]) = rows::dots;
        /// The same with bf16 numbers.
        fn dots_bf16(tile: &Tile<'_, bf16>, out: &mut [f32]);
        /// Adds `bias` to the rows of a tile of rows of `width`, applies `posts` and puts them at their places.
        fn store(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>)
            = rows::store::<f32, FUSED>;
        /// The same for places of bf16 numbers.
        fn store_bf16(tile: &mut [f32], width: usize, bias: &[f32], posts: &[Post<'_>], places: &Places<'_>)
            = rows::store::<bf16, FUSED>;
        /// Applies `posts` to the first `columns` of each row of a tile of rows of `width`.
        fn finish(tile: &mut [f32], width: usize, columns: usize, posts: &[Post<'_>]) = rows::finish::<FUSED>;
        /// The first half of `x` times the GELU of the second.
        fn geglu(x: &[f32], out: &mut [f32]) = rows::geglu::<FUSED>;
        /// Each row of a tile times the GELU of the same row of gates, after a bias was added to both.
        fn gate(tile: &mut [f32], gates: &[f32], biases: [&[f32]; 2]) = rows::gate::<FUSED>;
        /// Adds the differences of pixels `step` apart from `origin`, and their squares, to two sums per channel.
        fn moments(pixels: &[f32], step: usize, origin: &[f32], sums: &mut [f32], squares: &mut [f32]) = rows::moments;
        /// `x * scale + shift` per channel of pixels `step` apart, then SiLU if that is wanted, into `out`, where they lie side by side.
        fn scale_shift(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [f32])
            = rows::scale_shift::<_, FUSED>;
        /// The same, rounded.
        fn scale_shift_bf16(x: &[f32], step: usize, factors: [&[f32]; 2], silu: bool, out: &mut [bf16])
            = rows::scale_shift::<_, FUSED>;
        /// Normalises a row, then scales and shifts it.
        fn layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, out: &mut [f32]) = rows::layer_norm;
        /// Lets the base of queries rise for some more scores; returns by what all that was accumulated before must be multiplied,
        /// if any did.
        fn rise(scores: &[f32], state: &mut Softmax) -> Option<[f32; PANEL]> = rows::rise::<FUSED>;
        /// Turns scores into probabilities.
        fn probs(scores: &mut [f32], state: &mut Softmax) = rows::probs::<FUSED>;
        /// The same, rounded to `out`, two keys interleaved as weights are. What `scores` are then is nobody's business.
        fn probs_bf16(scores: &mut [f32], state: &mut Softmax, out: &mut [bf16]) = rows::probs_bf16::<FUSED>;
        /// The probabilities of the first keys, as many as can be made at once from keys and a panel of queries: none unless the set is
        /// [`fuses_probs`](Self::fuses_probs). Returns how many.
        fn fused_probs(keys: &[bf16], queries: &[bf16], state: &mut Softmax, out: &mut [bf16]) -> usize;
        /// Takes the inputs of a tile to the Winograd domain ([`winograd`]).
        fn input_transform(inputs: &Inputs<'_>, step: usize, out: &mut [f32]) = winograd::input_transform;
        /// Takes sums back from that domain.
        fn output_transform(sums: &[f32], step: usize, width: usize, out: &mut [f32]) = winograd::output_transform;
        /// The same, with the epilogue and to their places.
        fn output_transform_store(sums: &[f32], step: usize, epilogue: &TileEpilogue<'_>)
            = winograd::output_transform_store;
        /// Takes weights to that domain.
        fn filter_transform(taps: &Taps<'_>, step: usize, out: &mut [f32]) = winograd::filter_transform;
        /// Takes strips of pixels to the Winograd domain along rows ([`strip`]).
        fn strip_input_transform(strips: &Strips<'_, f32>, out: &mut [bf16]) = strip::input_transform;
        /// The same of a map of bf16.
        fn strip_input_transform_bf16(strips: &Strips<'_, bf16>, out: &mut [bf16]) = strip::input_transform;
        /// Takes sums back from that domain.
        fn strip_output_transform(sums: &[f32], count: usize, width: usize, out: &mut [f32]) = strip::output_transform;
        /// Takes weights to that domain.
        fn strip_filter_transform(taps: &[&[bf16]; strip::TAPS], step: usize, out: &mut [bf16])
            = strip::filter_transform;
        /// Integers as f32.
        fn widen(x: &[i8], out: &mut [f32]) = rows::widen;
        /// Numbers of f16 as f32, as many as there is room for.
        fn widen_f16(x: &[f16], out: &mut [f32]);
        /// Integers as bf16.
        fn widen_bf16(x: &[i8], out: &mut [bf16]) = rows::widen;
        /// Int8 as int16.
        fn widen_int16(x: &[i8], out: &mut [i16]) = rows::widen_int16;
        /// Values as 13-bit integers, and what these times are the values.
        fn quantize(x: &[f32], out: &mut [i16]) -> f32 = int16::quantize::<FUSED>;
        /// The same of `len` values at each place of [`winograd`], with a scale for each, which makes up for what
        /// [`filter_transform_int16`](Self::filter_transform_int16) divides by. From place to place there are so many steps of each.
        fn quantize_places(x: &[f32], out: Quantized<'_>, steps: [usize; 3], len: usize)
            = int16::quantize_places::<FUSED>;
        /// The same of rows of a panel, two of them interleaved as weights are, with a scale for each of its columns.
        fn quantize_columns(x: &[f32], scales: &mut [f32], out: &mut [i16]) = int16::quantize_columns::<FUSED>;
        /// Takes weights to the Winograd domain and quantizes them there, each column times its `inverse`, two rows
        /// interleaved.
        fn filter_transform_int16(taps: &Taps<'_>, inverse: &[f32], step: usize, out: &mut [i16])
            = int16::filter_transform_int16;
        /// Each row of `scales.len()` numbers times the `scales`.
        fn scale_columns(tile: &mut [f32], scales: &[f32]) = rows::scale_columns;
        /// Each element times `factor`.
        fn scale(x: &mut [f32], factor: f32) = rows::scale;
        /// The same of numbers of bf16, to `out`.
        fn scale_bf16(x: &[bf16], factor: f32, out: &mut [f32]) = rows::scale_bf16;
        /// Rows of so many `columns` as columns: those are rows of `step` then, filled up with zeros.
        fn transpose(from: &[u32], columns: usize, to: &mut [u32], step: usize);
        /// Pixels of four bytes, each the bits of one element, as three numbers in -1..=1.
        fn unpack(pixels: &[f32], out: &mut [f32]) = pixels::from_pixels;
        /// The way back.
        fn pack(values: &[f32], out: &mut [f32]) = pixels::to_pixels;
    }};
}

/// The table itself, and calls of its functions.
macro_rules! declare {
    (() $($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $(= $text:expr)?;)*) => {
        /// The kernels for one instruction set. Made only by [`Kernels::of`], for a set that this processor has.
        #[derive(Clone, Copy)]
        pub struct Kernels {
            /// Rows of a tile that are quickest, and at most.
            pub rows: usize,
            /// Whether a narrow panel of bf16 numbers is multiplied faster with zeros that make it a wide one.
            pub fills: bool,
            /// Whether probabilities of bf16 numbers are made without their scores going through memory.
            pub fuses_probs: bool,
            /// Whether convolutions of bf16 numbers are faster by Winograd along rows ([`strip`]).
            pub strips: bool,
            /// Whether pairs of 16-bit integers are multiplied and summed by one instruction.
            pub pairs: bool,
            $($name: unsafe fn($($type),*) $(-> $result)?,)*
        }

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

kernels! { declare! () }

/// A table of the plain texts compiled with some processor features, for tiles of so many rows.
macro_rules! table {
    ($rows:expr $(, $features:literal)?) => {{
        /// Whether the processor adds to a product in one go: all sets but the portable one have that.
        const FUSED: bool = {
            let features: &[&str] = &[$($features)?];
            !features.is_empty()
        };
        Kernels { rows: $rows, ..kernels! { compile! [$(#[target_feature(enable = $features)])?] } }
    }};
}

/// The plain texts with some attributes.
macro_rules! compile {
    ($attributes:tt $($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $(= $text:expr)?;)*) => {{
        $(function! { $attributes fn $name($($argument: $type),*) $(-> $result)? $(= $text)?; })*
        Kernels {
            rows: 1,
            fills: false,
            fuses_probs: false,
            strips: false,
            pairs: false,
            $($name: chosen!($name $(= $text)?),)*
        }
    }};
}

/// A kernel's plain text as a function with these attributes; nothing of one that is written by hand.
macro_rules! function {
    ([$($attribute:tt)*] fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $text:expr;) => {
        $($attribute)*
        fn $name($($argument: $type),*) $(-> $result)? {
            $text($($argument),*)
        }
    };
    ($attributes:tt $($by_hand:tt)*) => {};
}

/// That function, or the portable one of what is written by hand.
macro_rules! chosen {
    ($name:ident = $text:expr) => {
        $name
    };
    ($name:ident) => {
        portable::$name
    };
}

/// A table with what is written for registers of PCs from one text for each `$set`: `avx2` or `avx512`.
#[cfg(target_arch = "x86_64")]
macro_rules! vectors {
    ($set:ident, $table:expr) => {{
        use super::vector_dots::$set::dots;
        use super::vector_int16::$set::{filter_transform_int16, quantize, quantize_columns, quantize_places};
        use super::vector_winograd::$set::{
            filter_transform, input_transform, output_transform, output_transform_store,
        };
        let widen_f16 = super::avx2::widen_f16;
        Kernels {
            dots,
            quantize,
            quantize_places,
            quantize_columns,
            widen_f16,
            input_transform,
            output_transform,
            output_transform_store,
            filter_transform,
            filter_transform_int16,
            ..$table
        }
    }};
}

impl Kernels {
    /// The kernels for `isa`, or `None` when this processor does not have it.
    pub fn of(isa: Isa) -> Option<Self> {
        if !isa.is_here() {
            return None;
        }
        Some(match isa {
            Isa::Portable => table!(VECTOR_ROWS),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => {
                use super::neon::{ROWS, tile};
                use super::vector_dots::neon::dots;
                use super::vector_winograd::neon::{
                    filter_transform, input_transform, output_transform, output_transform_store,
                };
                Self {
                    tile,
                    dots,
                    input_transform,
                    output_transform,
                    output_transform_store,
                    filter_transform,
                    ..table!(ROWS, "neon")
                }
            }
            #[cfg(target_arch = "aarch64")]
            Isa::NeonBf16 => {
                use super::neon::tile;
                use super::neon_bf16::{ROWS, dots_bf16, narrow, tile_bf16};
                use super::vector_dots::neon::dots;
                use super::vector_winograd::neon::{
                    filter_transform, input_transform, output_transform, output_transform_store,
                };
                Self {
                    strips: true,
                    tile,
                    tile_bf16,
                    narrow,
                    dots,
                    dots_bf16,
                    input_transform,
                    output_transform,
                    output_transform_store,
                    filter_transform,
                    strip_input_transform: vector_strip::neon::input_transform_f32,
                    strip_input_transform_bf16: vector_strip::neon::input_transform_bf16,
                    strip_output_transform: vector_strip::neon::output_transform,
                    strip_filter_transform: vector_strip::neon::filter_transform,
                    ..table!(ROWS, "neon,bf16")
                }
            }
            #[cfg(not(target_arch = "aarch64"))]
            Isa::Neon | Isa::NeonBf16 => return None,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx2Int16 => {
                let pairs = is_x86_feature_detected!("avxvnni");
                let tile_int16 = if pairs { int16::vnni } else { int16::plain };
                use super::avx2::{ROWS, tile};
                Self { pairs, tile, tile_int16, ..vectors!(avx2, table!(ROWS, "avx2,fma")) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Int16 => {
                let pairs = is_x86_feature_detected!("avx512vnni");
                let tile_int16 = if pairs { int16::wide } else { int16::plain };
                use super::avx512::tile;
                let texts = table!(VECTOR_ROWS, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
                Self { pairs, tile, tile_int16, transpose, ..vectors!(avx512, texts) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Bf16 => {
                use avx512bf16::{dots_bf16, fused_probs, gate, narrow, probs as probs_bf16, store_bf16, tile_bf16};
                Self {
                    fuses_probs: true,
                    strips: true,
                    tile: super::avx512::tile,
                    tile_bf16,
                    narrow,
                    dots_bf16,
                    store_bf16,
                    scale_shift_bf16: avx512bf16::scale_shift,
                    gate,
                    probs_bf16,
                    fused_probs,
                    strip_input_transform: vector_strip::avx512::input_transform_f32,
                    strip_input_transform_bf16: vector_strip::avx512::input_transform_bf16,
                    strip_output_transform: vector_strip::avx512::output_transform,
                    strip_filter_transform: vector_strip::avx512::filter_transform,
                    transpose,
                    ..table!(VECTOR_ROWS, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
                }
            }
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Isa::Amx => {
                use amx::{dots_bf16, narrow, tile, tile_bf16};
                use avx512bf16::{gate, probs as probs_bf16, scale_shift as scale_shift_bf16, store_bf16};
                let texts = table!(super::MAX_ROWS, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
                let products = Self { tile, tile_bf16, narrow, dots_bf16, ..texts };
                Self { fills: true, store_bf16, scale_shift_bf16, gate, probs_bf16, transpose, ..products }
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
