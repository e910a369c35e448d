//! Kernels as a GPU has them. The driver translates each when somebody first asks for it, which the first time takes it a tenth of a
//! second or two; a network needs half of all there are or less.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
use cudarc::driver::{CudaContext, CudaFunction, DriverError};
use cudarc::nvrtc::Ptx;

use super::device::trouble;
use super::kernels::{self, Half, Module};
use super::overlap;
use crate::exec::ExecError;

/// All kernels that a GPU can have, of which those that were asked for are there.
pub struct Loaded {
    context: Arc<CudaContext>,
    half: Half,
    overlaps: bool,
    kernels: BTreeMap<&'static str, Kernel>,
}

struct Kernel {
    module: &'static Module,
    function: OnceLock<CudaFunction>,
}

impl Loaded {
    /// None yet, of those for a GPU of this compute capability; whether launches shall overlap is in their text.
    pub fn new(context: &Arc<CudaContext>, capability: (i32, i32), half: Half, overlaps: bool) -> Self {
        let modules = kernels::MODULES.iter().filter(|module| module.is_for(capability));
        let kernel = |module| Kernel { module, function: OnceLock::new() };
        let kernels = modules.flat_map(|module| module.kernels().map(move |name| (name, kernel(module)))).collect();
        Self { context: context.clone(), half, overlaps, kernels }
    }

    /// A kernel by its name, for the device's numbers of 16 bits.
    ///
    /// # Errors
    /// There is none: a mistake in the program. The driver's.
    pub fn function(&self, name: &str) -> Result<CudaFunction, ExecError> {
        let kernel = self.kernels.get(name);
        let kernel = kernel.ok_or_else(|| super::failed(format!("this GPU has no kernel `{name}`")))?;
        if let Some(function) = kernel.function.get() {
            return Ok(function.clone());
        }
        let text = kernel.module.text(name, self.half);
        let text = if self.overlaps { overlap::waiting(&text) } else { text };
        let function = self.load(name, text).map_err(|error| trouble("giving the GPU a kernel", error))?;
        Ok(kernel.function.get_or_init(|| function).clone())
    }

    fn load(&self, name: &str, text: String) -> Result<CudaFunction, DriverError> {
        let function = self.context.load_module(Ptx::from_src(text))?.load_function(&self.half.kernel(name))?;
        if let Some(bytes) = kernels::most_shared(name) {
            function.set_attribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes as i32)?;
        }
        Ok(function)
    }
}
