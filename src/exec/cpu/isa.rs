//! Which vector instructions to use, and with which numbers.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod amx;
#[cfg(target_arch = "x86_64")]
mod bf16;

use std::fmt;

use super::panels::Factor;

/// Overrides the choice: `portable`, `neon`, `neonbf16`, `avx2`, `avx2int16`, `avx512`, `avx512int16`, `avx512bf16` or `amx`.
pub const VARIABLE: &str = "AFTERIMAGE_CPU";

/// An instruction set that there are kernels for, slowest first on processors that are made for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust; what the compiler makes of it on any processor.
    Portable,
    /// NEON: every 64-bit ARM processor.
    Neon,
    /// The same with products of bf16 numbers, summed in f32: ARM processors since 2021, Apple's since the M2.
    NeonBf16,
    /// AVX2, FMA and F16C: most PCs since 2013.
    Avx2,
    /// The same with most products of integers ([`int16`](super::kernels::int16)); with AVX-VNNI (Intel since 2021) if there
    /// is that.
    Avx2Int16,
    /// AVX-512 (F, BW, DQ, VL): servers since 2017, AMD since Zen 4.
    Avx512,
    /// The same with most products of integers and AVX-512 VNNI: Intel since 2019, but for the processors of 2021 to 2024 that
    /// have no AVX-512 at all, and AMD since Zen 4.
    Avx512Int16,
    /// AVX-512 with products of bf16 numbers, summed in f32: AMD since Zen 4. Intel's servers since 2021 have them, too, but may be
    /// quicker with integers.
    Avx512Bf16,
    /// The same with tiles of bf16 numbers: Intel servers since 2023, under Linux.
    Amx,
}

impl Isa {
    /// All, slowest first.
    pub const ALL: [Self; 9] = [
        Self::Portable,
        Self::Neon,
        Self::NeonBf16,
        Self::Avx2,
        Self::Avx2Int16,
        Self::Avx512,
        Self::Avx512Int16,
        Self::Avx512Bf16,
        Self::Amx,
    ];

    /// The word for it in [`VARIABLE`].
    pub fn word(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::NeonBf16 => "neonbf16",
            Self::Avx2 => "avx2",
            Self::Avx2Int16 => "avx2int16",
            Self::Avx512 => "avx512",
            Self::Avx512Int16 => "avx512int16",
            Self::Avx512Bf16 => "avx512bf16",
            Self::Amx => "amx",
        }
    }

    /// As what factors are multiplied where there are many.
    pub fn factor(self) -> Factor {
        match self {
            Self::Portable | Self::Neon | Self::Avx2 | Self::Avx512 => Factor::F32,
            Self::Avx2Int16 | Self::Avx512Int16 => Factor::Int16,
            Self::NeonBf16 | Self::Avx512Bf16 | Self::Amx => Factor::Bf16,
        }
    }

    /// Whether this processor has it and the system lets us use it.
    pub fn is_here(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "aarch64")]
            Self::NeonBf16 => Self::Neon.is_here() && std::arch::is_aarch64_feature_detected!("bf16"),
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon | Self::NeonBf16 => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Int16 => Self::Avx2.is_here(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Int16 => Self::Avx512.is_here() && is_x86_feature_detected!("avx512vnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => Self::Avx512.is_here() && is_x86_feature_detected!("avx512bf16"),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Amx => Self::Avx512Bf16.is_here() && amx::is_lent(),
            #[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
            Self::Amx => false,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The fastest this processor has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.is_here() && isa.is_quick()).unwrap_or(Self::Portable)
    }

    /// Whether a processor that has it is quicker with it than with those before it in [`Isa::ALL`].
    fn is_quick(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => bf16::is_quick(),
            _ => true,
        }
    }

    /// The one called `word`, or what is wrong with asking for it.
    pub fn named(word: &str) -> Result<Self, String> {
        let words = || Self::ALL.map(Self::word).join(", ");
        let found = Self::ALL.into_iter().find(|isa| isa.word() == word);
        let isa = found.ok_or_else(|| format!("there are no instructions `{word}`: {VARIABLE} can be {}", words()))?;
        if isa.is_here() {
            Ok(isa)
        } else {
            Err(format!("this processor does not have the instructions `{word}` ({VARIABLE})"))
        }
    }

    /// The fastest whose products are of f32 numbers.
    pub fn best_f32() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.is_here() && isa.factor() == Factor::F32).unwrap_or(Self::Portable)
    }

    /// What [`VARIABLE`] asks for, or else the fastest.
    pub fn chosen() -> Result<Self, String> {
        match std::env::var(VARIABLE) {
            Ok(word) if !word.is_empty() => Self::named(&word),
            _ => Ok(Self::best()),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable f32",
            Self::Neon => "NEON f32",
            Self::NeonBf16 => "NEON bf16",
            Self::Avx2 => "AVX2 f32",
            Self::Avx2Int16 => "AVX2 int16",
            Self::Avx512 => "AVX-512 f32",
            Self::Avx512Int16 => "AVX-512 int16",
            Self::Avx512Bf16 => "AVX-512 bf16",
            Self::Amx => "AMX bf16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sets() {
        assert_eq!(Isa::named("portable"), Ok(Isa::Portable));
        assert!(Isa::named("sse9").is_err_and(|text| text.contains("`sse9`") && text.contains("portable")));
        assert!(Isa::best().is_here());
        assert!(Isa::best_f32().is_here() && Isa::best_f32().factor() == Factor::F32);
    }
}
