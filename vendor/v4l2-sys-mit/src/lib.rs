//! The Video4Linux structures and constants that the crate `v4l` uses, written by hand from the kernel's user-space
//! interface so that a build needs no libclang. README.md says why; [`LAYOUT`] is checked while compiling.
//!
//! Names are the C names as bindgen writes them, because `v4l` was written against bindgen.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![expect(non_camel_case_types, non_upper_case_globals, non_snake_case, reason = "the C names")]

use std::ffi::c_long;

mod analog;
mod control;
mod layout;
mod stream;

pub use analog::*;
pub use control::*;
pub use layout::{LAYOUT, Layout};
pub use stream::*;

/// Seconds, as the C library counts them.
pub type time_t = c_long;

/// A point in time with microseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct timeval {
    pub tv_sec: time_t,
    pub tv_usec: c_long,
}

/// A fraction, mostly seconds a frame.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_fract {
    pub numerator: u32,
    pub denominator: u32,
}

/// A rectangle.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_rect {
    pub left: i32,
    pub top: i32,
    pub width: u32,
    pub height: u32,
}

/// What a device is and can do (`VIDIOC_QUERYCAP`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub reserved: [u32; 3],
}
