//! The thread that fills buffers at the camera's rate, and notices that the camera was unplugged.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::device::{Device, Filled, State};
use crate::{jpeg, picture};

/// Fills buffers until the camera is closed or unplugged.
pub fn run(device: &Device) {
    let mut next = Instant::now();
    while let Some(period) = wait_until_on(device, &mut next) {
        next += period;
        let now = Instant::now();
        if next > now {
            std::thread::sleep(next - now);
        } else {
            next = now;
        }
        let mut state = device.state();
        if state.is_closed {
            return;
        }
        if !device.is_plugged_in() {
            state.is_gone = true;
            // Wakes a poll, as a kernel does; the next call then says that there is no such device.
            device.signal();
            return;
        }
        if state.is_on {
            produce(device, &mut state);
        }
    }
}

/// The time between two frames once it streams; `None` when it was closed.
fn wait_until_on(device: &Device, next: &mut Instant) -> Option<Duration> {
    let mut state = device.state();
    while !state.is_on && !state.is_closed {
        state = device.change.wait(state).unwrap_or_else(PoisonError::into_inner);
        *next = Instant::now();
    }
    (!state.is_closed).then(|| Duration::from_secs(1) / state.format.fps)
}

fn produce(device: &Device, state: &mut State) {
    let config = &device.config;
    if config.stall_after != 0 && state.delivered >= config.stall_after {
        return;
    }
    // A frame that finds no empty buffer is lost, as with a real camera; its number is gone with it.
    state.number += 1;
    let Some(index) = state.queued.pop_front() else { return };
    let (offset, length) = state.buffers[index];
    // SAFETY: the mapping has room for every buffer, lives until the buffers are freed under the same lock, and the
    // reader has given this buffer back.
    let out = unsafe { std::slice::from_raw_parts_mut((state.mapping.0 + offset) as *mut u8, length as usize) };
    let format = state.format;
    let bytes = if format.is_jpeg() {
        jpeg::write(config, &device.jpegs, &format, state.number, out) as u32
    } else {
        picture::draw(&format, state.number, out);
        format.bytes()
    };
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to a local value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let number = state.number;
    state.done.push_back(Filled { index, bytes, number, time });
    state.delivered += 1;
    device.signal();
}
