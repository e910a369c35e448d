//! Pictures on the graphics card: wgpu textures, our WGSL, view maths. Knows wgpu only.
//!
//! A [`Quad`] says which texels go to which pixels and how; [`PicturePipeline`] draws a list of them into a render pass
//! that somebody else began. Textures are `Rgba8Unorm` and hold encoded, premultiplied bytes, so that at 1:1 the bytes of
//! an opaque picture reach the screen unchanged. Who has no graphics card draws the same quads another way: `area`,
//! `view` and `quad` do not know wgpu. `adapters` and `system` say what there is to draw with.

mod adapters;
mod alpha;
mod area;
mod pipeline;
mod quad;
mod system;
mod texture;
mod view;

pub use adapters::{Adapter, AdapterKind, adapters};
pub use alpha::premultiplied;
pub use area::Area;
pub use pipeline::{PicturePipeline, QuadBuffer};
pub use quad::{Checkers, Quad, Sampling};
pub use system::{Library, WindowSystem, graphics_libraries, graphics_remedy};
pub use texture::PictureTexture;
pub use view::{Placement, View};
