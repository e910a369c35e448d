//! Buffers: asked for, mapped, queued, filled, taken.

use libc::{c_int, off_t};
use v4l2_sys_mit::{v4l2_buffer, v4l2_requestbuffers};

use crate::device::{Device, State};
use crate::ioctl::{Answer, CAPTURE};
use crate::raw::call;

const MOST_BUFFERS: usize = 32;
const PAGE: usize = 4096;
const MEMORY_MAP: u32 = 1;
const MAPPED: u32 = 0x0001;
const MONOTONIC: u32 = 0x2000;

/// VIDIOC_REQBUFS; zero frees them.
pub fn request(device: &Device, state: &mut State, asked: &mut v4l2_requestbuffers) -> Answer {
    check(asked.type_, asked.memory)?;
    if state.is_on {
        return Err(libc::EBUSY);
    }
    release(state);
    let bytes = state.format.bytes();
    let each = (bytes as usize).next_multiple_of(PAGE);
    let count = (asked.count as usize).min(MOST_BUFFERS);
    if count > 0 {
        state.mapping = map(device.memory, count * each)?;
        state.buffers = (0..count).map(|index| (index * each, bytes)).collect();
    }
    asked.count = count as u32;
    asked.capabilities = 1;
    Ok(())
}

/// Gives all buffers back.
pub fn release(state: &mut State) {
    let (address, length) = state.mapping;
    if address != 0 {
        // SAFETY: our own mapping, and nothing refers to it once the buffers are forgotten, under the same lock.
        unsafe { libc::munmap(address as *mut _, length) };
    }
    state.mapping = (0, 0);
    state.buffers.clear();
    state.queued.clear();
    state.done.clear();
}

/// Maps `length` bytes of the memfd for the producer.
fn map(memory: c_int, length: usize) -> Result<(usize, usize), c_int> {
    // SAFETY: plain integers and our own descriptor.
    unsafe { libc::ftruncate(memory, length as off_t) };
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    let address = call(libc::SYS_mmap, [0, length as _, rights.into(), libc::MAP_SHARED.into(), memory.into(), 0]);
    if (-4095..0).contains(&address) { Err(-address as c_int) } else { Ok((address as usize, length)) }
}

/// VIDIOC_QUERYBUF.
pub fn query(state: &State, buffer: &mut v4l2_buffer) -> Answer {
    check(buffer.type_, buffer.memory)?;
    describe(state, buffer)
}

/// VIDIOC_QBUF; a buffer that is queued already is refused.
pub fn queue(state: &mut State, buffer: &mut v4l2_buffer) -> Answer {
    check(buffer.type_, buffer.memory)?;
    let index = buffer.index as usize;
    if state.queued.contains(&index) || state.done.iter().any(|filled| filled.index == index) {
        return Err(libc::EINVAL);
    }
    describe(state, buffer)?;
    state.queued.push_back(index);
    Ok(())
}

/// VIDIOC_DQBUF, the oldest first.
pub fn dequeue(device: &Device, state: &mut State, buffer: &mut v4l2_buffer) -> Answer {
    check(buffer.type_, buffer.memory)?;
    if !device.take_signal() {
        return Err(libc::EAGAIN);
    }
    let filled = state.done.pop_front().ok_or(libc::EAGAIN)?;
    buffer.index = filled.index as u32;
    describe(state, buffer)?;
    buffer.bytesused = filled.bytes;
    buffer.sequence = filled.number;
    buffer.field = 1;
    buffer.timestamp.tv_sec = filled.time.tv_sec;
    buffer.timestamp.tv_usec = filled.time.tv_nsec / 1000;
    Ok(())
}

/// VIDIOC_STREAMON.
pub fn start(device: &Device, state: &mut State) -> Answer {
    if state.buffers.is_empty() {
        return Err(libc::EINVAL);
    }
    state.is_on = true;
    device.change.notify_all();
    Ok(())
}

/// VIDIOC_STREAMOFF.
pub fn stop(device: &Device, state: &mut State) -> Answer {
    state.is_on = false;
    state.queued.clear();
    state.done.clear();
    while device.take_signal() {}
    Ok(())
}

fn describe(state: &State, buffer: &mut v4l2_buffer) -> Answer {
    let &(offset, length) = state.buffers.get(buffer.index as usize).ok_or(libc::EINVAL)?;
    buffer.flags = MAPPED | MONOTONIC;
    buffer.length = length;
    buffer.m.offset = offset as u32;
    Ok(())
}

fn check(kind: u32, memory: u32) -> Answer {
    if kind == CAPTURE && memory == MEMORY_MAP { Ok(()) } else { Err(libc::EINVAL) }
}
