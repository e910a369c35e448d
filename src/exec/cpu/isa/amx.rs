//! Whether AMX may be used: the processor must have it, and Linux must lend its registers to this process.

use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

/// Bits of EDX of leaf 7 of CPUID.
const BF16: u32 = 1 << 22;
const TILES: u32 = 1 << 24;
/// Asks the kernel for a part of the processor's state that it does not keep for everybody, since that takes 8 KB a thread.
const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
/// That part: the data of tile registers.
const XFEATURE_XTILEDATA: libc::c_long = 18;

/// Whether the processor has tile registers and products of bf16 numbers in them.
pub fn is_in_processor() -> bool {
    let leaves = __cpuid(0).eax;
    leaves >= 7 && __cpuid_count(7, 0).edx & (BF16 | TILES) == BF16 | TILES
}

/// The same, and the system lends the registers. Asked for once: the answer holds for all threads, of now and later.
pub fn is_lent() -> bool {
    static LENT: OnceLock<bool> = OnceLock::new();
    *LENT.get_or_init(|| is_in_processor() && ask())
}

#[expect(unsafe_code, reason = "the standard library has no such system call")]
fn ask() -> bool {
    // SAFETY: arch_prctl takes plain integers here and touches no memory of ours. Kernels that do not know the request refuse.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}
