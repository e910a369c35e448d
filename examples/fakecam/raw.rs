//! System calls past our own stand-ins, and the C library's way to report errors.

use libc::{c_int, c_long};

/// A system call with up to six arguments; the kernel's answer as it is.
#[cfg(target_arch = "x86_64")]
pub fn call(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> c_long {
    let answer: c_long;
    // SAFETY: the kernel's convention on this processor; what the arguments mean is the caller's business, as it is in C.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    answer
}

/// A system call with up to six arguments; the kernel's answer as it is.
#[cfg(target_arch = "aarch64")]
pub fn call(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> c_long {
    let answer: c_long;
    // SAFETY: the kernel's convention on this processor; what the arguments mean is the caller's business, as it is in C.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => answer,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack)
        );
    }
    answer
}

/// A system call as the C library answers: -1 and `errno` on failure.
pub fn libc_call(number: c_long, arguments: [c_long; 6]) -> c_long {
    match call(number, arguments) {
        answer @ -4095..=-1 => c_long::from(fail(-answer as c_int)),
        answer => answer,
    }
}

/// Sets `errno` and gives the -1 that goes with it.
pub fn fail(errno: c_int) -> c_int {
    // SAFETY: the C library gives each thread its own errno.
    unsafe { *libc::__errno_location() = errno };
    -1
}
