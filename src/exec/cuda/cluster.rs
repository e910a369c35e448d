//! Clusters: blocks that run at the same time and read each other's shared memory. What the driver must be
//! told of them, for which cudarc has no call.

use cudarc::driver::sys::{self, CUlaunchAttribute, CUlaunchAttributeID, CUlaunchAttributeValue};
use cudarc::driver::{CudaFunction, DriverError};

use super::launch::config;

/// Blocks of a cluster at most, on every GPU that has them.
pub const MOST_BLOCKS: usize = 8;
/// Along the three axes, blocks that are no cluster.
pub const ALONE: [usize; 3] = [1; 3];

/// How many clusters of so many blocks, each of so many threads and bytes of dynamic shared memory, run at the same time.
///
/// # Errors
/// The driver's.
pub fn room(function: &CudaFunction, blocks: [usize; 3], threads: u32, shared: usize) -> Result<usize, DriverError> {
    let mut attributes = [attribute(blocks)];
    let config = config(blocks, threads, shared, std::ptr::null_mut(), &mut attributes);
    let mut clusters = 0;
    // SAFETY: the driver reads the configuration and writes one number.
    #[expect(unsafe_code, reason = "cudarc has no safe call for it")]
    let asked = unsafe {
        sys::cuOccupancyMaxActiveClusters(&raw mut clusters, function.cu_function(), &raw const config).result()
    };
    asked.map(|()| clusters.max(0) as usize)
}

/// What the driver must be told of clusters of so many blocks along the three axes.
pub fn attribute(blocks: [usize; 3]) -> CUlaunchAttribute {
    let mut value = CUlaunchAttributeValue { pad: [0; 64] };
    let [x, y, z] = blocks.map(|blocks| blocks as u32);
    value.clusterDim = sys::CUlaunchAttributeValue_union__bindgen_ty_1 { x, y, z };
    CUlaunchAttribute { id: CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, pad: [0; 4], value }
}
