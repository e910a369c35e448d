//! The machine below the program: processor, memory, system.

use serde::Serialize;

use crate::flow::SystemMemory;

/// Processor and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Operating system and architecture, for example "linux x86_64".
    pub system: String,
    /// The distribution's name, if it has one.
    pub distribution: Option<String>,
    /// What the processor calls itself.
    pub cpu: Option<String>,
    /// Threads it runs at once.
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
            distribution: std::fs::read_to_string("/etc/os-release").ok().and_then(|text| distribution(&text)),
            cpu: std::fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| Some(field(&text, "model name")?.into())),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_features: cpu_features(),
            memory_mb: memory.map(|memory| memory.total >> 20),
            available_mb: memory.map(|memory| memory.available >> 20),
        }
    }
}

/// The value of the first line `key : value`.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key).map(|(_, value)| value)
}

fn distribution(os_release: &str) -> Option<String> {
    os_release.lines().find_map(|line| Some(line.strip_prefix("PRETTY_NAME=")?.trim_matches('"').to_owned()))
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
    fn fields_are_found_by_name() {
        let text = "MemTotal:       24576 kB\nMemAvailable:   1024 kB\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(field(text, "MemAvailable"), Some("1024 kB"));
        assert_eq!(field(text, "model name"), Some("Some CPU @ 2 GHz"));
        assert_eq!(field(text, "Mem"), None);
    }

    #[test]
    fn a_distribution_has_a_pretty_name() {
        assert_eq!(distribution("ID=x\nPRETTY_NAME=\"Some Linux 12\"\n").as_deref(), Some("Some Linux 12"));
    }
}
