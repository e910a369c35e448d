//! Launches that overlap. A kernel's blocks come as soon as there is room for them, count addresses, and wait on the GPU itself until
//! the launches before have ended (CUDA's programmatic dependent launch): what a launch costs is over by then.
//!
//! Kernels are compiled with a mark where they would wait (`wait_for_launches_before` in `ptx.cuh`). What GPUs of compute capability 9.0
//! on, with a driver that records such launches, get in its place is put there when they are loaded.

use cudarc::driver::sys::{CUlaunchAttribute, CUlaunchAttributeID, CUlaunchAttributeValue};

use crate::exec::ExecError;

/// `on` if launches shall overlap.
const VARIABLE: &str = "AFTERIMAGE_CUDA_OVERLAP";

/// What stands in the assembly where a kernel waits.
const MARK: &str = "/*launches before*/";
/// The next launch may begin; then wait until those before have ended and what they wrote is there.
const INSTRUCTIONS: &str = "griddepcontrol.launch_dependents;\n\tgriddepcontrol.wait;";
/// For which compute capabilities kernels are compiled, and the first with these instructions.
const TARGETS: ([&str; 2], &str) = ([".target sm_80", ".target sm_89"], ".target sm_90");
/// How a version of assembly begins, and the first with these instructions.
const VERSION: (&str, f64) = (".version ", 7.8);

/// CUDA 12.3, the first that records such launches in a graph.
const LEAST_DRIVER: i32 = 12030;

/// Whether launches overlap on a GPU of this compute capability with a driver of this version.
///
/// # Errors
/// `AFTERIMAGE_CUDA_OVERLAP` is neither `on` nor `off`.
pub fn wanted((major, _): (i32, i32), driver: i32) -> Result<bool, ExecError> {
    let word = std::env::var(VARIABLE).unwrap_or_default();
    match word.as_str() {
        "" | "off" => Ok(false),
        "on" => Ok(major >= 9 && driver >= LEAST_DRIVER),
        word => Err(ExecError::Device {
            text: format!("{VARIABLE} is `{word}`, which is neither `on` nor `off`"),
            remedy: "set it to one of them, or unset it",
            full: false,
        }),
    }
}

/// Assembly whose kernels wait at the mark.
pub fn waiting(ptx: &str) -> String {
    let is_old = |line: &str| {
        let version = line.strip_prefix(VERSION.0).and_then(|version| version.trim().parse::<f64>().ok());
        version.is_some_and(|version| version < VERSION.1)
    };
    let mut text = String::with_capacity(ptx.len());
    for line in ptx.lines() {
        match line {
            line if line.contains(MARK) => text.push_str(&line.replace(MARK, INSTRUCTIONS)),
            line if TARGETS.0.contains(&line) => text.push_str(TARGETS.1),
            line if is_old(line) => text.push_str(&format!("{}{:.1}", VERSION.0, VERSION.1)),
            line => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// What the driver must be told.
pub fn attribute() -> CUlaunchAttribute {
    let mut value = CUlaunchAttributeValue { pad: [0; 64] };
    value.programmaticStreamSerializationAllowed = 1;
    CUlaunchAttribute {
        id: CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
        pad: [0; 4],
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::cuda::kernels::{Half, MODULES, Precision};

    /// A kernel that did not wait would read what is not there yet, now and then.
    #[test]
    fn every_kernel_waits_at_the_mark() {
        for half in [Half::F16, Half::Bf16] {
            let precision = Precision { half, fp8: true };
            for (module, name) in MODULES.iter().flat_map(|module| module.kernels().map(move |name| (module, name))) {
                let text = module.text(&format!("{name}_{}", precision.word(module.fp8)));
                assert!(text.contains(MARK), "{name}");
                let waiting = waiting(&text);
                let waits = waiting.contains(INSTRUCTIONS) && !waiting.contains(MARK);
                assert!(waits && !waiting.contains("sm_8"), "{name}");
            }
        }
    }

    #[test]
    fn old_assembly_becomes_new_enough() {
        let old = ".version 7.0\n.target sm_80\n.address_size 64\n\t/*launches before*/\n";
        let new = ".version 7.8\n.target sm_90\n.address_size 64\n\tgriddepcontrol.launch_dependents;\n\tgriddepcontrol.wait;\n";
        assert_eq!(waiting(old), new);
        assert_eq!(waiting(".version 8.0\n.target sm_90a\n"), ".version 8.0\n.target sm_90a\n");
    }
}
