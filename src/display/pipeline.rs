//! The pipeline that draws quads of pictures into a render pass somebody else began.

use super::{PictureTexture, Quad};

/// Draws [`Quad`]s with `shaders/picture.wgsl`. Made once per target format.
#[derive(Clone, Debug)]
pub struct PicturePipeline {
    pipeline: wgpu::RenderPipeline,
    quad_layout: wgpu::BindGroupLayout,
    texture_layout: wgpu::BindGroupLayout,
    between: wgpu::Sampler,
}

/// The quads of one frame on the graphics card. Cloning shares it.
#[derive(Clone, Debug)]
pub struct QuadBuffer {
    buffer: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
    stride: u32,
}

impl PicturePipeline {
    /// For passes with one colour target of `format`, one sample per pixel and no depth.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("picture.wgsl"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/picture.wgsl").into()),
        });
        let quad_layout = quad_layout(device);
        let texture_layout = texture_layout(device);
        let pipeline = pipeline(device, &module, format, &[Some(&quad_layout), Some(&texture_layout)]);
        let between = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("picture between texels"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        Self { pipeline, quad_layout, texture_layout, between }
    }

    /// Room for `capacity` quads.
    pub fn quad_buffer(&self, device: &wgpu::Device, capacity: u32) -> QuadBuffer {
        let align = device.limits().min_uniform_buffer_offset_alignment.max(1);
        let stride = (Quad::BYTES as u32).next_multiple_of(align);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("picture quads"),
            size: u64::from(stride) * u64::from(capacity.max(1)),
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("picture quads"),
            layout: &self.quad_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &buffer,
                    offset: 0,
                    size: wgpu::BufferSize::new(Quad::BYTES as u64),
                }),
            }],
        });
        QuadBuffer { buffer, bind_group, stride }
    }

    /// Draws the first quads of `buffer`, one per texture, in order.
    pub fn draw<'a>(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        buffer: &QuadBuffer,
        textures: impl IntoIterator<Item = &'a PictureTexture>,
    ) {
        pass.set_pipeline(&self.pipeline);
        for (index, texture) in (0..buffer.capacity()).zip(textures) {
            pass.set_bind_group(0, &buffer.bind_group, &[index * buffer.stride]);
            pass.set_bind_group(1, &texture.bind_group, &[]);
            pass.draw(0..4, 0..1);
        }
    }

    pub(super) fn bind_texture(&self, device: &wgpu::Device, texture: &wgpu::Texture, label: &str) -> wgpu::BindGroup {
        let view = texture.create_view(&wgpu::TextureViewDescriptor { label: Some(label), ..Default::default() });
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(label),
            layout: &self.texture_layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&self.between) },
            ],
        })
    }
}

impl QuadBuffer {
    /// How many quads fit.
    pub fn capacity(&self) -> u32 {
        (self.buffer.size() / u64::from(self.stride)) as u32
    }

    /// Takes `quads` for a target of `target_px` pixels; those beyond the capacity are left out.
    pub fn write<'a>(&self, queue: &wgpu::Queue, quads: impl IntoIterator<Item = &'a Quad>, target_px: [f32; 2]) {
        let mut bytes = Vec::new();
        for quad in quads.into_iter().take(self.capacity() as usize) {
            let end = bytes.len() + self.stride as usize;
            bytes.extend_from_slice(&quad.bytes(target_px));
            bytes.resize(end, 0);
        }
        queue.write_buffer(&self.buffer, 0, &bytes);
    }
}

fn quad_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("picture quad"),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: true,
                min_binding_size: wgpu::BufferSize::new(Quad::BYTES as u64),
            },
            count: None,
        }],
    })
}

fn texture_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("picture texture"),
        entries: &[
            wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Float { filterable: true },
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: false,
                },
                count: None,
            },
            wgpu::BindGroupLayoutEntry {
                binding: 1,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                count: None,
            },
        ],
    })
}

fn pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    format: wgpu::TextureFormat,
    layouts: &[Option<&wgpu::BindGroupLayout>],
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("picture"),
        bind_group_layouts: layouts,
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("picture"),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("vs_main"),
            buffers: &[],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        },
        primitive: wgpu::PrimitiveState { topology: wgpu::PrimitiveTopology::TriangleStrip, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(if format.is_srgb() { "fs_linear_target" } else { "fs_main" }),
            targets: &[Some(wgpu::ColorTargetState {
                format,
                blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        }),
        multiview_mask: None,
        cache: None,
    })
}
