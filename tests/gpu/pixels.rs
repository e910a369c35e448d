//! The shader against bytes: what goes in comes out.

use afterimage::display::{Area, Checkers, PicturePipeline, PictureTexture, Quad, Sampling};
use afterimage::frame::Size;
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("pixels::one_to_one_is_byte_for_byte", one_to_one_is_byte_for_byte),
        test("pixels::parts_land_where_they_belong", parts_land_where_they_belong),
        test("pixels::reducing_takes_the_mean", reducing_takes_the_mean),
        test("pixels::smooth_goes_between_and_nearest_does_not", smooth_goes_between_and_nearest_does_not),
        test("pixels::opacity_and_checkers_show_through", opacity_and_checkers_show_through),
        test("pixels::more_quads_than_room_are_left_out", more_quads_than_room_are_left_out),
    ]
}

/// A target of one format and everything to draw on it.
struct Easel {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: PicturePipeline,
    target: wgpu::Texture,
    size: Size,
}

impl Easel {
    fn new(format: wgpu::TextureFormat, size: Size) -> Self {
        let state = create_render_state(default_wgpu_setup(), egui_wgpu::RendererOptions::PREDICTABLE);
        let pipeline = PicturePipeline::new(&state.device, format);
        let target = state.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("easel"),
            size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        Self { device: state.device, queue: state.queue, pipeline, target, size }
    }

    fn picture(&self, size: Size, pixels: &[u8]) -> PictureTexture {
        let picture = PictureTexture::new(&self.device, &self.pipeline, size, "test picture");
        picture.upload(&self.queue, pixels);
        picture
    }

    /// Draws on black and reads the bytes back, row by row without padding.
    fn draw(&self, layers: &[(Quad, &PictureTexture)]) -> Vec<u8> {
        let quads = self.pipeline.quad_buffer(&self.device, 4);
        let target_px = [self.size.width as f32, self.size.height as f32];
        quads.write(&self.queue, layers.iter().map(|(quad, _)| quad), target_px);
        let view = self.target.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("easel") });
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("easel"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            self.pipeline.draw(&mut pass, &quads, layers.iter().map(|(_, picture)| *picture));
        }
        self.read(encoder)
    }

    fn read(&self, mut encoder: wgpu::CommandEncoder) -> Vec<u8> {
        let row = (self.size.width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("easel read"),
            size: u64::from(row * self.size.height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        encoder.copy_texture_to_buffer(
            self.target.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(row),
                    rows_per_image: Some(self.size.height),
                },
            },
            self.target.size(),
        );
        self.queue.submit([encoder.finish()]);
        buffer.slice(..).map_async(wgpu::MapMode::Read, |result| result.unwrap());
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        let mapped = buffer.slice(..).get_mapped_range().unwrap();
        mapped.chunks(row as usize).flat_map(|line| line[..self.size.width as usize * 4].to_vec()).collect()
    }
}

fn quad(dest: Area, texels: Area, sampling: Sampling) -> Quad {
    Quad { dest, texels, sampling, opacity: 1.0, checkers: Checkers::default() }
}

fn whole(size: Size) -> Area {
    Area::new([0.0; 2], [size.width as f32, size.height as f32])
}

/// Every byte value in every channel, opaque.
fn all_bytes() -> (Size, Vec<u8>) {
    let size = Size::new(64, 16);
    let pixels = (0..size.area()).flat_map(|i| [i as u8, (i * 7 + 3) as u8, (255 - i % 256) as u8, 255]).collect();
    (size, pixels)
}

/// At 1:1 the bytes of an opaque picture reach the target unchanged, whether it encodes by itself or not.
fn one_to_one_is_byte_for_byte() -> Result<(), Failed> {
    let (size, pixels) = all_bytes();
    for format in [wgpu::TextureFormat::Rgba8Unorm, wgpu::TextureFormat::Rgba8UnormSrgb] {
        let easel = Easel::new(format, Size::new(100, 40));
        let picture = easel.picture(size, &pixels);
        let dest = Area::new([13.0, 5.0], [77.0, 21.0]);
        let sampling = Sampling::at(1.0, true);
        let drawn = easel.draw(&[(quad(dest, whole(size), sampling), &picture)]);
        for y in 0..40 {
            for x in 0..100 {
                let got = &drawn[(y * 100 + x) * 4..][..4];
                let inside = (13..77).contains(&x) && (5..21).contains(&y);
                let want = if inside { &pixels[((y - 5) * 64 + x - 13) * 4..][..4] } else { &[0, 0, 0, 255] };
                check(got == want, format_args!("{format:?}: ({x}, {y}) is {got:?}, should be {want:?}"))?;
            }
        }
    }
    Ok(())
}

fn parts_land_where_they_belong() -> Result<(), Failed> {
    let size = Size::new(8, 8);
    let easel = Easel::new(wgpu::TextureFormat::Rgba8Unorm, size);
    let picture = easel.picture(size, &[9, 9, 9, 255].repeat(64));
    picture.upload_part(&easel.queue, [5, 2], Size::new(3, 2), &[200, 100, 50, 255].repeat(6));
    let drawn = easel.draw(&[(quad(whole(size), whole(size), Sampling::Nearest), &picture)]);
    for (i, pixel) in drawn.chunks(4).enumerate() {
        let inside = (5..8).contains(&(i % 8)) && (2..4).contains(&(i / 8));
        check(pixel[0] == if inside { 200 } else { 9 }, format_args!("pixel {i} is {pixel:?}"))?;
    }
    Ok(())
}

fn reducing_takes_the_mean() -> Result<(), Failed> {
    let (size, small) = (Size::new(40, 40), Size::new(4, 4));
    let easel = Easel::new(wgpu::TextureFormat::Rgba8Unorm, small);
    // Single white columns on black: whoever looks at few texels sees all or nothing.
    let pixels: Vec<u8> = (0..size.area()).flat_map(|i| if i % 5 == 0 { [255; 4] } else { [0, 0, 0, 255] }).collect();
    let picture = easel.picture(size, &pixels);
    let drawn = easel.draw(&[(quad(whole(small), whole(size), Sampling::at(10.0, true)), &picture)]);
    for pixel in drawn.chunks(4) {
        check(pixel[0].abs_diff(51) <= 12, format_args!("a fifth of white became {pixel:?}"))?;
    }
    Ok(())
}

fn smooth_goes_between_and_nearest_does_not() -> Result<(), Failed> {
    let (size, large) = (Size::new(2, 1), Size::new(16, 1));
    let easel = Easel::new(wgpu::TextureFormat::Rgba8Unorm, large);
    let picture = easel.picture(size, &[0, 0, 0, 255, 255, 255, 255, 255]);
    for (smooth, between) in [(true, 8), (false, 0)] {
        let drawn = easel.draw(&[(quad(whole(large), whole(size), Sampling::at(0.125, smooth)), &picture)]);
        let grey = drawn.chunks(4).filter(|pixel| !matches!(pixel[0], 0 | 255)).count();
        check(grey == between, format_args!("smooth {smooth}: {grey} pixels between black and white"))?;
    }
    Ok(())
}

fn opacity_and_checkers_show_through() -> Result<(), Failed> {
    let size = Size::new(8, 8);
    let easel = Easel::new(wgpu::TextureFormat::Rgba8Unorm, size);
    let checkers = Checkers { light: [1.0; 3], dark: [0.2; 3], side_px: 4.0 };
    let board = Quad { checkers, ..quad(whole(size), whole(size), Sampling::Checkers) };
    let clear = easel.picture(size, &[255, 0, 0, 0].repeat(64));
    let red = easel.picture(size, &[255, 0, 0, 255].repeat(64));
    let half = Quad { opacity: 0.5, ..quad(whole(size), whole(size), Sampling::Nearest) };
    let drawn = easel.draw(&[(board, &clear), (quad(whole(size), whole(size), Sampling::Nearest), &clear)]);
    check(drawn[..3] == [255; 3] && drawn[16..19] == [51; 3], "transparent pixels hide the checkers")?;
    check(drawn[4 * 8 * 4..][..3] == [51; 3], "the checkers are stripes")?;
    let drawn = easel.draw(&[(board, &clear), (half, &red)]);
    check(drawn[0] == 255 && drawn[1].abs_diff(128) <= 1, format_args!("half red on white is {:?}", &drawn[..4]))
}

fn more_quads_than_room_are_left_out() -> Result<(), Failed> {
    let size = Size::new(4, 4);
    let easel = Easel::new(wgpu::TextureFormat::Rgba8Unorm, size);
    let picture = easel.picture(size, &[7, 7, 7, 255].repeat(16));
    let layer = (quad(whole(size), whole(size), Sampling::Nearest), &picture);
    let drawn = easel.draw(&[layer; 9]);
    check(drawn[0] == 7, "nothing was drawn")
}
