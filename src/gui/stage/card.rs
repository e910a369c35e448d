//! Pictures on the graphics card: egui's paint callback around `display`.

use egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};

use super::surface::{Layer, Slot, Surface};
use crate::canvas::PixelRect;
use crate::display::{PicturePipeline, PictureTexture, Quad, QuadBuffer, Sampling};
use crate::frame::Size;

/// More layers than a stage ever has: two checkerboards, a source, ink, two paintings.
const CAPACITY: u32 = 8;

/// The stage's pictures as wgpu textures.
pub(super) struct Card {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: PicturePipeline,
    quads: QuadBuffer,
    pictures: [Option<PictureTexture>; Slot::COUNT],
    /// Bound where there is no picture.
    blank: PictureTexture,
}

impl Card {
    pub(super) fn new(state: &RenderState) -> Self {
        let (device, queue) = (state.device.clone(), state.queue.clone());
        let pipeline = PicturePipeline::new(&device, state.target_format);
        let quads = pipeline.quad_buffer(&device, CAPACITY);
        let blank = PictureTexture::new(&device, &pipeline, Size::square(1), "stage blank");
        Self { device, queue, pipeline, quads, pictures: [const { None }; Slot::COUNT], blank }
    }
}

impl Surface for Card {
    fn size(&self, slot: Slot) -> Option<Size> {
        self.pictures[slot as usize].as_ref().map(PictureTexture::size)
    }

    fn needs_whole(&self, slot: Slot, size: Size, _sampling: Sampling) -> bool {
        self.size(slot) != Some(size)
    }

    fn replace(&mut self, _ctx: &egui::Context, slot: Slot, size: Size, pixels: &[u8], _sampling: Sampling) {
        let place = &mut self.pictures[slot as usize];
        let picture = match place.take() {
            Some(picture) if picture.size() == size => picture,
            _ => PictureTexture::new(&self.device, &self.pipeline, size, slot.label()),
        };
        picture.upload(&self.queue, pixels);
        *place = Some(picture);
    }

    fn update(&mut self, slot: Slot, rect: PixelRect, pixels: &[u8]) {
        if let Some(picture) = &self.pictures[slot as usize] {
            picture.upload_part(&self.queue, [rect.x, rect.y], Size::new(rect.width, rect.height), pixels);
        }
    }

    fn swap(&mut self, a: Slot, b: Slot) {
        self.pictures.swap(a as usize, b as usize);
    }

    fn paint(&mut self, ui: &egui::Ui, rect: egui::Rect, layers: Vec<Layer>) {
        let layers = layers
            .into_iter()
            .filter_map(|layer| {
                let picture = match layer.slot {
                    Some(slot) => self.pictures[slot as usize].clone()?,
                    None => self.blank.clone(),
                };
                Some((layer.quad, picture))
            })
            .collect();
        let draw = Draw { pipeline: self.pipeline.clone(), quads: self.quads.clone(), layers };
        ui.painter().add(egui_wgpu::Callback::new_paint_callback(rect, draw));
    }
}

/// One frame's drawing.
struct Draw {
    pipeline: PicturePipeline,
    quads: QuadBuffer,
    layers: Vec<(Quad, PictureTexture)>,
}

impl CallbackTrait for Draw {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        _resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let target_px = screen.size_in_pixels.map(|side| side as f32);
        self.quads.write(queue, self.layers.iter().map(|(quad, _)| quad), target_px);
        Vec::new()
    }

    fn paint(
        &self,
        info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _resources: &CallbackResources,
    ) {
        // Quads count in pixels of the whole window, not of the callback's rectangle.
        let [width, height] = info.screen_size_px.map(|side| side as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        self.pipeline.draw(pass, &self.quads, self.layers.iter().map(|(_, picture)| picture));
    }
}
