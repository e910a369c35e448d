//! AMX and AVX-VNNI on processors without them, for tests: they report each of their instructions as illegal, and a signal handler
//! does its work and goes on behind it.
//!
//! Everything is as in Intel's manual (Instruction Set Reference, volume 2), with its errors: an instruction that the processor
//! would refuse ends the process with the reason.

mod decode;
mod tiles;
mod vectors;

use std::cell::RefCell;
use std::io::Write;
use std::sync::OnceLock;

use self::decode::{Instruction, decode};
use self::tiles::Tiles;
use self::vectors::Vectors;
use crate::exec::cpu::isa::{Isa, amx};

thread_local! {
    static TILES: RefCell<Tiles> = const { RefCell::new(Tiles::NEW) };
}

/// What answered before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Emulates AMX in all threads from now on, or returns `false`: a processor that has it needs nobody to do its work.
pub fn for_amx() -> bool {
    !amx::is_in_processor() && install()
}

/// The same for AVX-VNNI.
pub fn for_vnni() -> bool {
    !is_x86_feature_detected!("avxvnni") && install()
}

/// Answers for illegal instructions from now on. `false` on a processor without AVX2, which is too old for the kernels' other
/// instructions.
#[expect(unsafe_code, reason = "the standard library has no signals")]
fn install() -> bool {
    if !Isa::Avx2.is_here() {
        return false;
    }
    BEFORE.get_or_init(|| {
        // SAFETY: both structures are plain data that outlive the call. The handler may do anything: an illegal instruction is
        // one of the kernel's own, so that the thread is in the middle of nothing else.
        unsafe {
            let mut new: libc::sigaction = std::mem::zeroed();
            let mut before: libc::sigaction = std::mem::zeroed();
            new.sa_flags = libc::SA_SIGINFO;
            new.sa_sigaction = illegal as *const () as libc::sighandler_t;
            assert_eq!(libc::sigaction(libc::SIGILL, &raw const new, &raw mut before), 0, "no signal handler");
            before
        }
    });
    true
}

/// Where the general registers are in a signal's context, by the numbers that instructions have for them.
const GENERAL: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

#[expect(unsafe_code, reason = "a signal's context is a pointer")]
extern "C" fn illegal(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system gives the handler a context of its own, and that what the thread was about to do is readable.
    // Bytes behind the instruction are never looked at. Its memory operands are what the kernel under test promises to be
    // readable, or writable.
    unsafe {
        let machine = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        let registers = &mut machine.gregs;
        let next = libc::REG_RIP as usize;
        let code = registers[next] as *const u8;
        let general = GENERAL.map(|register| registers[register as usize] as u64);
        match decode((0..).map(|at| code.add(at).read()), &general) {
            Some((instruction, length)) => {
                let done = match instruction {
                    Instruction::Dots { sums, values, weights } => {
                        Vectors::of(machine.fpregs.cast()).map(|mut vectors| vectors.dots(sums, values, weights))
                    }
                    _ => TILES.with_borrow_mut(|tiles| tiles.execute(instruction)),
                };
                done.unwrap_or_else(|text| refuse(&text));
                registers[next] += length as i64;
            }
            // None of ours: let it happen again, to whoever answered before.
            None => {
                let before = BEFORE.get().map_or(std::ptr::null(), |before| &raw const *before);
                libc::sigaction(libc::SIGILL, before, std::ptr::null_mut());
            }
        }
    }
}

/// Ends the process: nothing can unwind out of a signal handler. Past the tests' own stderr, which would be lost.
fn refuse(text: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "emulator: the processor would refuse this: {text}");
    std::process::abort()
}
