//! Biases of products that are made as one: a number for each output of all of them, zero where a product has no bias.

use std::collections::BTreeMap;

use cudarc::driver::{CudaSlice, DevicePtr};

use super::device::Device;
use super::packing::CudaPacked;
use crate::exec::ExecError;
use crate::exec::planner::Fused;
use crate::graph::{Graph, NodeId};

/// The biases of all joined products of a program.
pub struct Biases {
    /// By the node that a product begins with: its address.
    addresses: BTreeMap<NodeId, u64>,
    /// What they lie in.
    pub memory: CudaSlice<f32>,
}

impl Biases {
    /// Those of the products among `steps` that are several in one, if any of these has one.
    ///
    /// # Errors
    /// A bias that is missing or has another shape than the graph says; no room on the GPU.
    pub fn new(graph: &Graph, steps: &[Fused], packed: &CudaPacked, device: &Device) -> Result<Self, ExecError> {
        let joined = steps.iter().map(|step| (step, step.matrices(graph)));
        let joined = joined.filter(|(_, all)| all.len() > 1 && all.iter().any(|(_, bias)| bias.is_some()));
        let joined: Vec<_> = joined.collect();
        let len = joined.iter().map(|(step, _)| step.channels(graph)).sum();
        let memory: CudaSlice<f32> = device.zeros(len, "biases")?;
        let (mut place, _) = memory.device_ptr(device.stream());
        let mut addresses = BTreeMap::new();
        for (step, matrices) in joined {
            addresses.insert(step.main, place);
            for (weight, bias) in matrices {
                let bytes = graph.weight(weight).shape[0] * size_of::<f32>();
                if let Some(bias) = bias {
                    device.copy(packed.flat(graph.weight(bias))?, place, bytes)?;
                }
                place += bytes as u64;
            }
        }
        Ok(Self { addresses, memory })
    }

    /// Where those of the product lie that begins with `main`, if it is a joined one that has any.
    pub fn of(&self, main: NodeId) -> Option<u64> {
        self.addresses.get(&main).copied()
    }
}
