//! A camera without a camera: preloaded into a process (`LD_PRELOAD`), it makes `/dev/videoN` appear to that process and
//! answers the V4L2 calls of a webcam. No kernel module, no root, no device node.
//!
//! The cameras are text files, `$FAKECAM_DIR/dev/videoN`: creating one plugs a camera in, deleting it unplugs the camera,
//! also while it streams. [`config`] has their lines. [`picture`] says what the pictures show: each carries its number, so
//! that a test can prove order and freshness.
//!
//! `v4l` calls `syscall(SYS_ioctl, ..)`, so `syscall` is taken over as well as `ioctl`. The camera's descriptor is an
//! eventfd, which gives a true `poll`; its buffers are one memfd.
//!
//! ```text
//! mkdir -p /tmp/cams/dev && echo "format=MJPG 640x480 30" > /tmp/cams/dev/video0
//! FAKECAM_DIR=/tmp/cams LD_PRELOAD=target/release/examples/libfakecam.so target/release/afterimage camera --list
//! ```

#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "it stands in for the C library and the kernel")]

mod buffers;
mod config;
mod control;
mod device;
mod entry;
mod format;
mod ioctl;
mod jpeg;
mod picture;
mod producer;
mod raw;
