//! Letters and plain surfaces without a mixture of texels, for glow, which draws where there is no graphics card: software reads one
//! texel for each pixel then instead of four, and reading them is what takes it longest.

use egui::{Context, FullOutput, Plugin, TextureId, TextureOptions};

/// Makes egui's own texture one whose nearest texel is taken. Letters lie on whole pixels, and surfaces have one texel, so that both
/// look the same; discs, which are scaled, are drawn without it.
pub(super) struct Nearest;

impl Plugin for Nearest {
    fn debug_name(&self) -> &'static str {
        "nearest texel"
    }

    fn setup(&mut self, ctx: &Context) {
        ctx.tessellation_options_mut(|options| options.prerasterized_discs = false);
    }

    fn output_hook(&mut self, _: &Context, output: &mut FullOutput) {
        let own = output.textures_delta.set.get_mut(&TextureId::default()).into_iter().flatten();
        own.for_each(|delta| delta.options = TextureOptions::NEAREST);
    }
}
