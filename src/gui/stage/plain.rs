//! Pictures through egui's own textures: for glow, and wherever our shader cannot run. It can do all the shader can.

use egui::{Color32, ColorImage, Mesh, TextureFilter, TextureHandle, TextureOptions, TextureWrapMode, pos2};

use super::surface::{Layer, Slot, Surface};
use crate::canvas::PixelRect;
use crate::display::{Area, Checkers, Quad, Sampling, premultiplied};
use crate::frame::Size;

/// The stage's pictures as egui textures.
#[derive(Default)]
pub(super) struct Plain {
    pictures: [Option<Held>; Slot::COUNT],
    checkers: Option<(Checkers, TextureHandle)>,
}

/// A texture and how it was made; egui can change the second only together with all pixels.
struct Held {
    handle: TextureHandle,
    size: Size,
    options: TextureOptions,
}

/// egui's nearest words for a way of sampling. The mean of many texels is a mipmap's.
fn options(sampling: Sampling) -> TextureOptions {
    match sampling {
        Sampling::Nearest | Sampling::Checkers => TextureOptions::NEAREST,
        Sampling::Smooth => TextureOptions::LINEAR,
        Sampling::Average => TextureOptions::LINEAR.with_mipmap_mode(Some(TextureFilter::Linear)),
    }
}

fn image(size: Size, pixels: &[u8]) -> ColorImage {
    ColorImage::from_rgba_premultiplied([size.width as usize, size.height as usize], &premultiplied(pixels))
}

impl Surface for Plain {
    fn size(&self, slot: Slot) -> Option<Size> {
        self.pictures[slot as usize].as_ref().map(|held| held.size)
    }

    fn needs_whole(&self, slot: Slot, size: Size, sampling: Sampling) -> bool {
        self.pictures[slot as usize].as_ref().is_none_or(|held| held.size != size || held.options != options(sampling))
    }

    fn replace(&mut self, ctx: &egui::Context, slot: Slot, size: Size, pixels: &[u8], sampling: Sampling) {
        if pixels.len() != size.area() * 4 {
            debug_assert!(false, "{} bytes for {size}", pixels.len());
            return;
        }
        let (options, image) = (options(sampling), image(size, pixels));
        match &mut self.pictures[slot as usize] {
            Some(held) => {
                held.handle.set(image, options);
                (held.size, held.options) = (size, options);
            }
            place => *place = Some(Held { handle: ctx.load_texture(slot.label(), image, options), size, options }),
        }
    }

    fn update(&mut self, slot: Slot, rect: PixelRect, pixels: &[u8]) {
        let Some(held) = &mut self.pictures[slot as usize] else { return };
        if rect.clipped(held.size) != rect || pixels.len() != rect.area() * 4 {
            debug_assert!(false, "{rect:?} into {}", held.size);
            return;
        }
        let part = image(Size::new(rect.width, rect.height), pixels);
        held.handle.set_partial([rect.x as usize, rect.y as usize], part, held.options);
    }

    fn swap(&mut self, a: Slot, b: Slot) {
        self.pictures.swap(a as usize, b as usize);
    }

    fn paint(&mut self, ui: &egui::Ui, rect: egui::Rect, layers: Vec<Layer>) {
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let pixels_per_point = ui.pixels_per_point();
        for layer in layers {
            let (texture, texels) = match layer.slot {
                None => (self.checkers(ui.ctx(), layer.quad.checkers), [2.0 * layer.quad.checkers.side_px; 2]),
                Some(slot) => match &self.pictures[slot as usize] {
                    Some(held) => (held.handle.id(), [held.size.width as f32, held.size.height as f32]),
                    None => continue,
                },
            };
            painter.add(mesh(&layer.quad, texture, texels, pixels_per_point));
        }
    }
}

impl Plain {
    fn checkers(&mut self, ctx: &egui::Context, checkers: Checkers) -> egui::TextureId {
        if let Some((known, handle)) = &self.checkers
            && *known == checkers
        {
            return handle.id();
        }
        let [light, dark] = [checkers.light, checkers.dark]
            .map(|c| c.map(|v| (v * 255.0).round() as u8))
            .map(|[r, g, b]| Color32::from_rgb(r, g, b));
        let image = ColorImage::new([2, 2], vec![light, dark, dark, light]);
        let options = TextureOptions { wrap_mode: TextureWrapMode::Repeat, ..TextureOptions::NEAREST };
        let handle = ctx.load_texture("stage checkers", image, options);
        let id = handle.id();
        self.checkers = Some((checkers, handle));
        id
    }
}

/// `quad` as two triangles in points; `texels` is the size that texture coordinates are shares of.
fn mesh(quad: &Quad, texture: egui::TextureId, texels: [f32; 2], pixels_per_point: f32) -> Mesh {
    let rect = |area: Area, unit: [f32; 2]| {
        let at = |p: [f32; 2]| pos2(p[0] / unit[0], p[1] / unit[1]);
        egui::Rect::from_min_max(at(area.min), at(area.max))
    };
    let mut mesh = Mesh::with_texture(texture);
    let tint = Color32::WHITE.gamma_multiply(quad.opacity);
    mesh.add_rect_with_uv(rect(quad.dest, [pixels_per_point; 2]), rect(quad.texels, texels), tint);
    mesh
}
