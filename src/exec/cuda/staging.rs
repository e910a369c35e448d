//! Bytes on their way between the program and the GPU, in memory that stays where it is: from there the GPU fetches by itself
//! and from anywhere else the driver copies first, while the caller waits.

use std::ops::Range;

use cudarc::driver::sys::CU_MEMHOSTALLOC_WRITECOMBINED;
use cudarc::driver::{DriverError, PinnedHostSlice};

use super::args::{Placed, bytes_of};
use super::device::{Device, trouble};
use crate::exec::ExecError;

/// What is done with the bytes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// They are written and never read, so that they need not pass through the processor's caches.
    ToGpu,
    /// They are read.
    FromGpu,
}

/// Room for some values, side by side, made once and used for every run.
pub struct Staging {
    memory: Memory,
    /// By value.
    ranges: Vec<Range<usize>>,
}

enum Memory {
    Pinned(PinnedHostSlice<u8>),
    /// Where none can be had: a system allows only so much.
    Plain(Vec<u8>),
}

/// Where a value begins: at a line of the processor's cache.
const LINE: usize = 64;

impl Staging {
    /// Room for each of `values` as it lies on the GPU, gaps included.
    pub fn new<'a>(device: &Device, values: impl Iterator<Item = &'a Placed>, direction: Direction) -> Self {
        let mut end = 0;
        let mut ranges = Vec::new();
        for Placed { view, .. } in values {
            let begin = end;
            end += (view.end() - view.offset) * bytes_of(view.kind);
            ranges.push(begin..end);
            end = end.next_multiple_of(LINE);
        }
        let memory = pinned(device, end.max(LINE), direction).map_or_else(
            |error| {
                let error = trouble("reserving memory that stays where it is", error);
                log::info!("pictures go to and from the GPU by way of other memory: {error}");
                Memory::Plain(vec![0; end])
            },
            Memory::Pinned,
        );
        Self { memory, ranges }
    }

    /// The bytes of a value. They must not be changed, nor read, while a copy of them is on its way.
    ///
    /// # Errors
    /// What went wrong on the GPU before.
    pub fn value(&mut self, index: usize) -> Result<&mut [u8], ExecError> {
        let range = self.ranges[index].clone();
        match &mut self.memory {
            Memory::Pinned(slice) => {
                let bytes = slice.as_mut_slice().map_err(|error| trouble("turning to memory for the GPU", error))?;
                Ok(&mut bytes[range])
            }
            Memory::Plain(bytes) => Ok(&mut bytes[range]),
        }
    }
}

fn pinned(device: &Device, bytes: usize, direction: Direction) -> Result<PinnedHostSlice<u8>, DriverError> {
    let flags = match direction {
        Direction::ToGpu => CU_MEMHOSTALLOC_WRITECOMBINED,
        Direction::FromGpu => 0,
    };
    // SAFETY: what it holds is written before anything reads it.
    #[expect(unsafe_code, reason = "the memory comes as it is")]
    let mut slice = unsafe { device.context().alloc_pinned_with_flags::<u8>(bytes, flags) }?;
    slice.as_mut_slice()?.fill(0);
    Ok(slice)
}
