//! One kernel on one stream.

use std::ffi::c_void;

use cudarc::driver::sys::{self, CUlaunchAttribute, CUlaunchConfig};
use cudarc::driver::{CudaFunction, CudaStream, result};

use super::args::Args;
use super::cluster::{self, ALONE};
use super::device::trouble;
use super::overlap;
use crate::exec::ExecError;

/// A kernel with everything it is started with.
pub struct Launch {
    /// What is started; it keeps its module.
    pub function: CudaFunction,
    /// Blocks along three axes.
    pub grid: [usize; 3],
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of dynamic shared memory of a block.
    pub shared: usize,
    /// Blocks along the three axes that run at the same time and use each other's shared memory.
    pub cluster: [usize; 3],
    /// The one structure the kernel takes.
    pub args: Box<[u64]>,
}

impl Launch {
    /// Of a kernel that strides over so many elements with as many blocks as make sense.
    pub fn striding(function: CudaFunction, elements: usize, processors: usize, args: Args) -> Self {
        let blocks = elements.div_ceil(STRIDING_THREADS as usize * STRIDE).clamp(1, processors * BLOCKS_EACH);
        Self {
            function,
            grid: [blocks, 1, 1],
            threads: STRIDING_THREADS,
            shared: 0,
            cluster: ALONE,
            args: args.finish(),
        }
    }

    /// Puts it on `stream`; if it `overlaps`, behind a launch of which it does not await the end before it begins.
    ///
    /// # Errors
    /// The driver's.
    pub fn start(&self, stream: &CudaStream, overlaps: bool) -> Result<(), ExecError> {
        let mut attributes = Vec::new();
        if self.cluster != ALONE {
            attributes.push(cluster::attribute(self.cluster));
        }
        if overlaps {
            attributes.push(overlap::attribute());
        }
        let (function, stream) = (self.function.cu_function(), stream.cu_stream());
        let [x, y, z] = self.grid.map(|blocks| blocks as u32);
        let mut params = [self.args.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: the function is of a module that it keeps; the structure is as long as the kernel reads (a test compares the
        // lengths with the compiled kernels) and is copied before the call returns; the addresses in it are of memory that the
        // program and the weights it holds keep, and that nothing else uses while the program runs. The configuration is read before
        // the call returns.
        #[expect(unsafe_code, reason = "the driver cannot know what a kernel does with its arguments")]
        let started = unsafe {
            if attributes.is_empty() {
                // The call that old drivers have.
                let shared = self.shared as u32;
                result::launch_kernel(function, (x, y, z), (self.threads, 1, 1), shared, stream, &mut params)
            } else {
                let config = config(self.grid, self.threads, self.shared, stream, &mut attributes);
                sys::cuLaunchKernelEx(&raw const config, function, params.as_mut_ptr(), std::ptr::null_mut()).result()
            }
        };
        started.map_err(|error| trouble("starting a kernel", error))
    }
}

/// What the driver is told of a launch. Holds the attributes' address.
pub fn config(
    grid: [usize; 3],
    threads: u32,
    shared: usize,
    stream: sys::CUstream,
    attributes: &mut [CUlaunchAttribute],
) -> CUlaunchConfig {
    let [x, y, z] = grid.map(|blocks| blocks as u32);
    CUlaunchConfig {
        gridDimX: x,
        gridDimY: y,
        gridDimZ: z,
        blockDimX: threads,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: shared as u32,
        hStream: stream,
        attrs: attributes.as_mut_ptr(),
        numAttrs: attributes.len() as u32,
    }
}

/// Threads of a block that strides.
pub const STRIDING_THREADS: u32 = 256;
/// Elements that a thread should have at least, if there are enough.
const STRIDE: usize = 8;
/// Blocks for each multiprocessor that keep it busy.
const BLOCKS_EACH: usize = 8;
