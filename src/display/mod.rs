//! Pictures on the graphics card: wgpu textures, our WGSL, view maths. Knows wgpu only.

mod adapters;
mod system;

pub use adapters::{Adapter, AdapterKind, adapters};
pub use system::{Library, Session, graphics_libraries};
