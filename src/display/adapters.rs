//! Which graphics adapters there are, for choosing a renderer and for reporting trouble. Opens no window.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde::Serialize;

/// A graphics adapter behind one graphics API. One device shows up once for each API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adapter {
    /// What the device calls itself.
    pub name: String,
    /// The graphics API, for example "vulkan".
    pub backend: String,
    /// Whether real hardware is behind it.
    pub kind: AdapterKind,
    /// The driver with its version.
    pub driver: String,
}

/// Who draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterKind {
    /// Graphics hardware.
    Hardware,
    /// A program on the CPU, for example llvmpipe.
    Software,
    /// The driver does not say.
    Unknown,
}

/// All adapters that wgpu can use. An empty list means that no graphics driver works.
pub fn adapters() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // Set but empty, the variable would switch off every API.
    if std::env::var_os("WGPU_BACKEND").is_some_and(|value| !value.is_empty()) {
        descriptor = descriptor.with_env();
    }
    let instance = wgpu::Instance::new(descriptor);
    let found = wait(instance.enumerate_adapters(wgpu::Backends::all()));
    found.iter().map(|adapter| describe(adapter.get_info())).collect()
}

fn describe(info: wgpu::AdapterInfo) -> Adapter {
    let kind = match info.device_type {
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        wgpu::DeviceType::Other => kind_of_name(&info.name),
        _ => AdapterKind::Hardware,
    };
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
    Adapter { name: info.name, backend: info.backend.to_string(), kind, driver }
}

/// OpenGL does not tell hardware from software, but the software renderers have names.
fn kind_of_name(name: &str) -> AdapterKind {
    let name = name.to_lowercase();
    let software = ["llvmpipe", "softpipe", "swrast", "swiftshader", "software"].iter().any(|word| name.contains(word));
    if software { AdapterKind::Software } else { AdapterKind::Unknown }
}

/// Native adapters are listed at once, so there is nothing to be woken by.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_renderers_are_known_by_name() {
        assert_eq!(kind_of_name("llvmpipe (LLVM 15.0.6, 256 bits)"), AdapterKind::Software);
        assert_eq!(kind_of_name("NVIDIA GeForce"), AdapterKind::Unknown);
    }

    #[test]
    fn listing_adapters_ends() {
        for adapter in adapters() {
            assert!(!adapter.backend.is_empty());
        }
    }
}
