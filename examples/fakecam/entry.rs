//! The C library's functions that are taken over. What is not about a fake camera goes straight to the kernel.

use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_char, c_int, c_long, c_ulong, c_void, mode_t, off_t, size_t};

use crate::raw::libc_call;
use crate::{device, ioctl};

/// # Safety
/// As for `openat`.
unsafe fn open_any(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    if !path.is_null() {
        // SAFETY: the caller's path is a C string.
        let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
        let is_ours = bytes.starts_with(b"/dev/video") || bytes.starts_with(b"/sys/class/video4linux/");
        if is_ours
            && let Ok(text) = str::from_utf8(bytes)
            && let Some(descriptor) = device::open(text)
        {
            return descriptor;
        }
    }
    libc_call(libc::SYS_openat, [folder.into(), path as c_long, flags.into(), mode.into(), 0, 0]) as c_int
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { open_any(libc::AT_FDCWD, path, flags, mode) }
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { open_any(libc::AT_FDCWD, path, flags, mode) }
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { open_any(folder, path, flags, mode) }
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { open_any(folder, path, flags, mode) }
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    if number == libc::SYS_ioctl && device::is_fake(a as c_int) {
        // SAFETY: the caller's promise.
        return unsafe { ioctl::answer(a as c_int, b as c_ulong, c as *mut c_void) }.into();
    }
    libc_call(number, [a, b, c, d, e, f])
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(descriptor: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    if device::is_fake(descriptor) {
        // SAFETY: the caller's promise.
        return unsafe { ioctl::answer(descriptor, request, argument) };
    }
    libc_call(libc::SYS_ioctl, [descriptor.into(), request as c_long, argument as c_long, 0, 0, 0]) as c_int
}

/// Maps a fake camera's buffers where the camera was asked for.
fn mmap_any(at: *mut c_void, length: size_t, rights: c_int, flags: c_int, file: c_int, offset: off_t) -> *mut c_void {
    let fake = if device::is_fake(file) { device::find(file) } else { None };
    let file = fake.map_or(file, |device| device.memory);
    libc_call(libc::SYS_mmap, [at as c_long, length as c_long, rights.into(), flags.into(), file.into(), offset])
        as *mut c_void
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    at: *mut c_void,
    length: size_t,
    rights: c_int,
    flags: c_int,
    file: c_int,
    offset: off_t,
) -> *mut c_void {
    mmap_any(at, length, rights, flags, file, offset)
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    at: *mut c_void,
    length: size_t,
    rights: c_int,
    flags: c_int,
    file: c_int,
    offset: off_t,
) -> *mut c_void {
    mmap_any(at, length, rights, flags, file, offset)
}

/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    if device::is_fake(descriptor) {
        device::close(descriptor);
    }
    libc_call(libc::SYS_close, [descriptor.into(), 0, 0, 0, 0, 0]) as c_int
}

/// Lists the folder of the fake cameras in place of `/dev`.
///
/// # Safety
/// As for the C function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: *const c_char) -> *mut libc::DIR {
    // SAFETY: the caller's path is a C string.
    let is_dev = !path.is_null() && matches!(unsafe { CStr::from_ptr(path) }.to_bytes(), b"/dev" | b"/dev/");
    let ours = device::folder().filter(|_| is_dev).and_then(|folder| CString::new(folder).ok());
    // SAFETY: the folder's name lives through the call, and so does the caller's.
    unsafe { real_opendir(ours.as_ref().map_or(path, |folder| folder.as_ptr())) }
}

/// # Safety
/// `path` is a C string.
unsafe fn real_opendir(path: *const c_char) -> *mut libc::DIR {
    type Opendir = unsafe extern "C" fn(*const c_char) -> *mut libc::DIR;
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
    let mut real = REAL.load(Ordering::Acquire);
    if real.is_null() {
        // SAFETY: asks the linker for the function after ours.
        real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"opendir".as_ptr()) };
        REAL.store(real, Ordering::Release);
    }
    if real.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the symbol opendir has this type.
    let real: Opendir = unsafe { std::mem::transmute(real) };
    // SAFETY: the caller's promise.
    unsafe { real(path) }
}
