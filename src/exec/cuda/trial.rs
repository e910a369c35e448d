//! Measuring, on the GPU itself, which of several ways to compute a product takes the least time.
//!
//! What is measured: the launches themselves, between two events, after everything else was thrown out of the L2 cache and the
//! input was brought back. So they meet what they meet in a network that is larger than the cache: weights come from memory, and
//! the input is where the launch before left it. Time between launches, which a recorded graph does not have, is not seen, for
//! they are queued while the cache is being filled. Ways take turns, so that a clock that changes meanwhile favours none.

use std::time::Instant;

use cudarc::driver::sys::CUevent_flags;
use cudarc::driver::{CudaEvent, CudaSlice, DevicePtr};

use super::args::{Placed, bytes_of};
use super::device::{Device, trouble};
use super::launch::Launch;
use super::rounds::{self, Ends, Time};
use crate::exec::ExecError;

/// Bytes of the values that everything is computed with.
const NOISE: usize = 1 << 20;

/// Memory to measure with.
pub struct Bench<'a> {
    device: &'a Device,
    /// What fills the cache, then sums.
    memory: CudaSlice<u8>,
    /// Bytes that fill the cache.
    cache: usize,
}

impl<'a> Bench<'a> {
    /// For products whose parts of sums take so many bytes.
    ///
    /// # Errors
    /// No room on the GPU.
    pub fn new(device: &'a Device, sums: usize) -> Result<Self, ExecError> {
        let cache = (2 * device.l2_bytes()).next_multiple_of(NOISE).max(NOISE);
        Ok(Self { device, memory: device.zeros(cache + sums, "measuring")?, cache })
    }

    /// Where parts of sums go.
    pub fn workspace(&self) -> u64 {
        self.memory.device_ptr(self.device.stream()).0 + self.cache as u64
    }

    /// Fills memory with values of which some are large and some are small. (Of zeros, a GPU would run at a higher clock.)
    ///
    /// # Errors
    /// The driver's.
    pub fn fill(&self, block: &CudaSlice<u8>) -> Result<(), ExecError> {
        let noise = noise();
        let begin = block.device_ptr(self.device.stream()).0;
        for at in (0..block.len()).step_by(NOISE) {
            self.device.write(begin + at as u64, &noise[..NOISE.min(block.len() - at)])?;
        }
        self.device.wait()
    }

    /// The time of each way, if there is time to measure it.
    ///
    /// # Errors
    /// The driver's.
    pub fn times(&mut self, input: &Placed, ways: &[Vec<Launch>], ends: Ends) -> Result<Option<Vec<Time>>, ExecError> {
        rounds::measure(ways.len(), ends, Instant::now, |count| self.round(input, &ways[..count]))
    }

    /// The time of each way, once. One that the driver refuses to start takes for ever.
    fn round(&mut self, input: &Placed, ways: &[Vec<Launch>]) -> Result<Vec<f64>, ExecError> {
        let doing = |error| trouble("measuring a kernel", error);
        let stream = self.device.stream();
        let event = || stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map_err(doing);
        let bytes = (input.view.end() - input.view.offset) * bytes_of(input.view.kind);
        let mut events = Vec::new();
        for way in ways {
            stream.memset_zeros(&mut self.memory.slice_mut(..self.cache)).map_err(doing)?;
            let scratch = self.memory.device_ptr(stream).0;
            self.device.copy(input.address(), scratch, bytes.min(self.cache))?;
            let begin = event()?;
            let started = way.iter().try_for_each(|launch| launch.start(stream, false));
            events.push((begin, event()?, started));
        }
        self.device.wait()?;
        let time = |(begin, end, started): &(CudaEvent, CudaEvent, Result<(), ExecError>)| match started {
            Ok(()) => begin.elapsed_ms(end).map(f64::from).map_err(doing),
            Err(error) => {
                log::debug!("a way to cut a product is left out: {error}");
                Ok(f64::INFINITY)
            }
        };
        events.iter().map(time).collect()
    }
}

/// Numbers from -1 to 1 in f16. In bf16 and f32 the same bits are small numbers, and as finite.
fn noise() -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..NOISE / 2).flat_map(|_| half::f16::from_f32(next()).to_bits().to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_finite_in_every_kind() {
        let bytes = noise();
        assert_eq!(bytes.len(), NOISE);
        let (pairs, _) = bytes.as_chunks::<2>();
        let bits: Vec<u16> = pairs.iter().map(|bytes| u16::from_ne_bytes(*bytes)).collect();
        assert!(bits.iter().all(|bits| half::f16::from_bits(*bits).to_f32().abs() <= 1.0));
        assert!(bits.iter().all(|bits| half::bf16::from_bits(*bits).is_finite()));
        let (words, _) = bytes.as_chunks::<4>();
        assert!(words.iter().all(|bytes| f32::from_ne_bytes(*bytes).is_finite()));
        let distinct: std::collections::HashSet<u16> = bits.into_iter().collect();
        assert!(distinct.len() > 10_000, "{}", distinct.len());
    }
}
