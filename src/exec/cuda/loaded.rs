//! Kernels as a GPU has them. The driver translates each when somebody first asks for it, which the first time takes it a tenth of a
//! second or two; a network needs half of all there are or less.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
use cudarc::driver::{CudaContext, CudaFunction, DriverError};
use cudarc::nvrtc::Ptx;

use super::device::trouble;
use super::kernels::{self, Module, Precision};
use super::overlap;
use crate::exec::ExecError;

/// All kernels that a GPU can have, of which those that were asked for are there.
pub struct Loaded {
    context: Arc<CudaContext>,
    precision: Precision,
    overlaps: bool,
    /// By name, and by whether they are for fp8 numbers.
    kernels: BTreeMap<(&'static str, bool), Kernel>,
}

struct Kernel {
    module: &'static Module,
    function: OnceLock<CudaFunction>,
}

impl Loaded {
    /// None yet, of those for a GPU of this compute capability; whether launches shall overlap is in their text.
    pub fn new(context: &Arc<CudaContext>, capability: (i32, i32), precision: Precision, overlaps: bool) -> Self {
        let modules = kernels::MODULES.iter().filter(|module| module.is_for(capability));
        let kernel = |module| Kernel { module, function: OnceLock::new() };
        let named = |module: &'static Module| module.kernels().map(move |name| ((name, module.fp8), kernel(module)));
        Self { context: context.clone(), precision, overlaps, kernels: modules.flat_map(named).collect() }
    }

    /// A kernel by its name: the one that reads or leaves fp8 numbers, or the one for the device's numbers of 16 bits.
    ///
    /// # Errors
    /// There is none: a mistake in the program. The driver's.
    pub fn function(&self, name: &str, fp8: bool) -> Result<CudaFunction, ExecError> {
        let entry = format!("{name}_{}", self.precision.word(fp8));
        let kernel = self.kernels.get(&(name, fp8));
        let kernel = kernel.ok_or_else(|| super::failed(format!("this GPU has no kernel `{entry}`")))?;
        if let Some(function) = kernel.function.get() {
            return Ok(function.clone());
        }
        let text = kernel.module.text(&entry);
        let text = if self.overlaps { overlap::waiting(&text) } else { text };
        let function = self.load(name, &entry, text).map_err(|error| trouble("giving the GPU a kernel", error))?;
        Ok(kernel.function.get_or_init(|| function).clone())
    }

    fn load(&self, name: &str, entry: &str, text: String) -> Result<CudaFunction, DriverError> {
        let function = self.context.load_module(Ptx::from_src(text))?.load_function(entry)?;
        if let Some(bytes) = kernels::most_shared(name) {
            function.set_attribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes as i32)?;
        }
        Ok(function)
    }
}
