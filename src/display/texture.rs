//! One picture on the graphics card, whole or changed by rectangles.

use super::{PicturePipeline, premultiplied};
use crate::frame::Size;

/// A picture on the graphics card: `Rgba8Unorm`, encoded and premultiplied. Cloning shares it.
#[derive(Clone, Debug)]
pub struct PictureTexture {
    texture: wgpu::Texture,
    pub(super) bind_group: wgpu::BindGroup,
    size: Size,
}

impl PictureTexture {
    /// An empty (transparent) picture. The caller keeps `size` within the device's limits.
    pub fn new(device: &wgpu::Device, pipeline: &PicturePipeline, size: Size, label: &str) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let bind_group = pipeline.bind_texture(device, &texture, label);
        Self { texture, bind_group, size }
    }

    /// Width and height in texels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Replaces all of it; `pixels` are RGBA8 with straight alpha.
    pub fn upload(&self, queue: &wgpu::Queue, pixels: &[u8]) {
        self.upload_part(queue, [0, 0], self.size, pixels);
    }

    /// Replaces the rectangle of `size` at `corner`. What does not fit is not drawn at all: a wrong count of bytes is a
    /// mistake of ours and must not end the program.
    pub fn upload_part(&self, queue: &wgpu::Queue, corner: [u32; 2], size: Size, pixels: &[u8]) {
        let inside = corner[0].saturating_add(size.width) <= self.size.width
            && corner[1].saturating_add(size.height) <= self.size.height;
        debug_assert!(inside && pixels.len() == size.area() * 4, "{corner:?} {size} into {}", self.size);
        if size.area() == 0 || !inside || pixels.len() != size.area() * 4 {
            return;
        }
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture: &self.texture,
                mip_level: 0,
                origin: wgpu::Origin3d { x: corner[0], y: corner[1], z: 0 },
                aspect: wgpu::TextureAspect::All,
            },
            &premultiplied(pixels),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(4 * size.width),
                rows_per_image: Some(size.height),
            },
            wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        );
    }
}
