//! A picture with a small texture of it.

use egui::{ColorImage, Context, TextureHandle, TextureId, TextureOptions};

use crate::engine::Picture;
use crate::frame::{Size, cover_crop};

/// A picture with a small texture of it.
pub struct Miniature {
    /// The picture, whole.
    pub picture: Picture,
    /// The picture in pixels of the window: software mixes no texels then.
    texture: Option<TextureHandle>,
}

impl Miniature {
    /// Of this picture. A texture of the same pixels, as `before` may have, is not sent to the graphics card again.
    pub fn new(picture: Picture, before: Option<Self>) -> Self {
        let same = before.filter(|before| before.picture.frame.shares_pixels(&picture.frame));
        Self { texture: same.and_then(|same| same.texture), picture }
    }

    /// So many pixels large; a very steep picture is cut at both ends.
    pub fn texture(&mut self, ctx: &Context, size: Size) -> TextureId {
        let sides = [size.width as usize, size.height as usize];
        if let Some(texture) = self.texture.as_ref().filter(|texture| texture.size() == sides) {
            return texture.id();
        }
        let pixels = cover_crop(&self.picture.frame, size);
        let image = ColorImage::from_rgba_unmultiplied(sides, pixels.pixels());
        self.texture.insert(ctx.load_texture("miniature", image, TextureOptions::NEAREST)).id()
    }
}
