//! One kernel on one stream.

use std::ffi::c_void;

use cudarc::driver::{CudaFunction, CudaStream, result};

use super::args::Args;
use super::cluster::{self, ALONE};
use super::device::trouble;
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

    /// Puts it on `stream`.
    ///
    /// # Errors
    /// The driver's.
    pub fn start(&self, stream: &CudaStream) -> Result<(), ExecError> {
        let [x, y, z] = self.grid.map(|blocks| blocks as u32);
        let mut params = [self.args.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: the function is of a module that it keeps; the structure is as long as the kernel reads (a test compares the
        // lengths with the compiled kernels) and is copied before the call returns; the addresses in it are of memory that the
        // program and the weights it holds keep, and that nothing else uses while the program runs.
        #[expect(unsafe_code, reason = "the driver cannot know what a kernel does with its arguments")]
        let started = unsafe {
            if self.cluster != ALONE {
                cluster::submit(self, stream.cu_stream(), &mut params)
            } else {
                result::launch_kernel(
                    self.function.cu_function(),
                    (x, y, z),
                    (self.threads, 1, 1),
                    self.shared as u32,
                    stream.cu_stream(),
                    &mut params,
                )
            }
        };
        started.map_err(|error| trouble("starting a kernel", error))
    }
}

/// Threads of a block that strides.
pub const STRIDING_THREADS: u32 = 256;
/// Elements that a thread should have at least, if there are enough.
const STRIDE: usize = 8;
/// Blocks for each multiprocessor that keep it busy.
const BLOCKS_EACH: usize = 8;
