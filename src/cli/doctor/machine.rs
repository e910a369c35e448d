//! The machine below the program: processor, memory, system.

use serde::Serialize;
use sysinfo::{CpuRefreshKind, RefreshKind, System};

use crate::flow::{SystemMemory, cores};

/// Processor and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Operating system and architecture, for example "linux x86_64".
    pub system: String,
    /// The distribution's name, if it has one.
    pub distribution: Option<String>,
    /// What the processor calls itself.
    pub cpu: Option<String>,
    /// Cores that compute, unless a number of threads is asked for.
    pub cores: usize,
    /// Threads they run at once.
    pub threads: usize,
    /// Instruction sets that matter for speed.
    pub cpu_features: Vec<&'static str>,
    /// Memory in megabytes: all of it.
    pub memory_mb: Option<u64>,
    /// Memory in megabytes that is free for the taking.
    pub available_mb: Option<u64>,
}

impl Machine {
    /// Looks around.
    pub fn find() -> Self {
        let memory = SystemMemory::now();
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            distribution: distribution(),
            cpu: cpu(),
            cores: cores(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_features: cpu_features(),
            memory_mb: memory.map(|memory| memory.total >> 20),
            available_mb: memory.map(|memory| memory.available >> 20),
        }
    }
}

/// What the system calls itself, with its version.
fn distribution() -> Option<String> {
    let name = System::name().ok()?;
    let version = System::os_version().unwrap_or_default();
    Some([name, version].join(" ").trim().to_owned())
}

/// What the processor calls itself.
fn cpu() -> Option<String> {
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing())).ok()?;
    system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|name| !name.is_empty())
}

/// Instruction sets that matter for speed and are there.
fn cpu_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let known = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        // The standard library cannot tell yet, and the system must lend it.
        ("amx", crate::exec::Cpu::instructions().contains(&"amx")),
    ];
    #[cfg(target_arch = "aarch64")]
    let known = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        ("bf16", std::arch::is_aarch64_feature_detected!("bf16")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known = [];
    known.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_names_and_memory() {
        let machine = Machine::find();
        assert!(machine.distribution.as_ref().is_some_and(|name| !name.is_empty()), "{machine:?}");
        assert!(machine.memory_mb > machine.available_mb && machine.available_mb > Some(0), "{machine:?}");
        assert!((1..=machine.threads).contains(&machine.cores), "{machine:?}");
        assert!(machine.system.contains(std::env::consts::ARCH), "{machine:?}");
        // Emulated processors of other kinds have no name.
        let named = machine.cpu.as_ref().is_some_and(|name| !name.is_empty());
        assert!(named || cfg!(not(target_arch = "x86_64")), "{machine:?}");
    }
}
