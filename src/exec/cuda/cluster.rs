//! Clusters: blocks that run at the same time and read each other's shared memory. What the driver must be
//! told of them, for which cudarc has no call.

use std::ffi::c_void;

use cudarc::driver::sys::{self, CUlaunchAttribute, CUlaunchAttributeID, CUlaunchAttributeValue, CUlaunchConfig};
use cudarc::driver::{CudaFunction, DriverError};

use super::launch::Launch;

/// Blocks of a cluster at most, on every GPU that has them.
pub const MOST_BLOCKS: usize = 8;
/// Along the three axes, blocks that are no cluster.
pub const ALONE: [usize; 3] = [1; 3];

/// Puts a launch in clusters on a stream.
///
/// # Errors
/// The driver's.
///
/// # Safety
/// That of [`Launch::start`].
#[expect(unsafe_code, reason = "the driver cannot know what a kernel does with its arguments")]
pub unsafe fn submit(launch: &Launch, stream: sys::CUstream, params: &mut [*mut c_void]) -> Result<(), DriverError> {
    let mut blocks = attribute(launch.cluster);
    let config = config(launch.grid, launch.threads, launch.shared, stream, &mut blocks);
    // SAFETY: the caller's; the configuration is read before the call returns.
    unsafe {
        let function = launch.function.cu_function();
        sys::cuLaunchKernelEx(&raw const config, function, params.as_mut_ptr(), std::ptr::null_mut()).result()
    }
}

/// How many clusters of so many blocks, each of so many threads and bytes of dynamic shared memory, run at the same time.
///
/// # Errors
/// The driver's.
pub fn room(function: &CudaFunction, blocks: [usize; 3], threads: u32, shared: usize) -> Result<usize, DriverError> {
    let mut attribute = attribute(blocks);
    let config = config(blocks, threads, shared, std::ptr::null_mut(), &mut attribute);
    let mut clusters = 0;
    // SAFETY: the driver reads the configuration and writes one number.
    #[expect(unsafe_code, reason = "cudarc has no safe call for it")]
    let asked = unsafe {
        sys::cuOccupancyMaxActiveClusters(&raw mut clusters, function.cu_function(), &raw const config).result()
    };
    asked.map(|()| clusters.max(0) as usize)
}

fn attribute(blocks: [usize; 3]) -> CUlaunchAttribute {
    let mut value = CUlaunchAttributeValue { pad: [0; 64] };
    let [x, y, z] = blocks.map(|blocks| blocks as u32);
    value.clusterDim = sys::CUlaunchAttributeValue_union__bindgen_ty_1 { x, y, z };
    CUlaunchAttribute { id: CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, pad: [0; 4], value }
}

/// Holds the attribute's address.
fn config(
    grid: [usize; 3],
    threads: u32,
    shared: usize,
    stream: sys::CUstream,
    attribute: &mut CUlaunchAttribute,
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
        attrs: attribute,
        numAttrs: 1,
    }
}
