//! Which pictures lie where in each view, and how strongly: pure numbers, the same for every renderer.

use super::surface::{Layer, Slot};
use crate::display::{Area, Checkers, Placement, Quad, Sampling};
use crate::frame::Size;
use crate::studio::ViewMode;

/// How strongly the painting covers the drawing in the overlay view.
const OVERLAY_SHARE: f32 = 0.5;

/// A part of the stage that shows a canvas, in physical pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pane {
    /// The part itself.
    pub(super) area: Area,
    /// Where the canvas lies.
    pub(super) placed: Placement,
}

impl Pane {
    /// The part of the canvas that can be seen.
    pub(super) fn visible(&self) -> Area {
        self.placed.area().intersection(self.area).rounded()
    }
}

/// How a picture of another shape lies on the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// All of the picture, with gaps.
    Whole,
    /// All of the canvas; what juts out is cut off.
    Cover,
}

/// What there is to show.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// Size of each picture there is.
    pub(super) sizes: [Option<Size>; Slot::COUNT],
    /// Whether the drawing lies on its own opaque background instead of on a source.
    pub(super) opaque: bool,
    /// Smooth or square pixels when enlarged.
    pub(super) smooth: bool,
    /// How far the newest painting has faded in, 0..=1.
    pub(super) fade: f32,
    /// The pattern under what is transparent.
    pub(super) checkers: Checkers,
}

impl Content {
    /// The layers of a view from bottom to top. `right` is the painting's own pane when it has one, `wipe` the screen
    /// column at which the drawing ends and the painting begins.
    pub(super) fn layers(&self, mode: ViewMode, left: &Pane, right: Option<&Pane>, wipe: f32) -> Vec<Layer> {
        let mut layers = Vec::new();
        let all = left.visible();
        let painted = self.sizes[Slot::Painting as usize].is_some();
        match mode {
            ViewMode::SideBySide => {
                self.sketch(&mut layers, left, all);
                if let Some(right) = right {
                    self.painting(&mut layers, right, right.visible(), 1.0);
                }
            }
            ViewMode::Wipe if painted => {
                let column = wipe.round().clamp(all.min[0], all.max[0].max(all.min[0]));
                self.sketch(&mut layers, left, Area::new(all.min, [column, all.max[1]]));
                self.painting(&mut layers, left, Area::new([column, all.min[1]], all.max), 1.0);
            }
            ViewMode::Overlay => {
                self.sketch(&mut layers, left, all);
                self.painting(&mut layers, left, all, OVERLAY_SHARE);
            }
            ViewMode::Wipe => self.sketch(&mut layers, left, all),
            ViewMode::Picture => self.painting(&mut layers, left, all, 1.0),
        }
        layers
    }

    fn sketch(&self, layers: &mut Vec<Layer>, pane: &Pane, clip: Area) {
        if !self.opaque {
            self.checkers(layers, pane, clip);
            self.picture(layers, Slot::Source, pane, clip, 1.0);
        }
        self.picture(layers, Slot::Ink, pane, clip, 1.0);
    }

    /// Old under new, so that together they cover as much as one picture of `opacity` would.
    fn painting(&self, layers: &mut Vec<Layer>, pane: &Pane, clip: Area, opacity: f32) {
        let new = opacity * self.fade.clamp(0.0, 1.0);
        if self.fade < 1.0 {
            let old = (opacity - new) / (1.0 - new).max(1e-6);
            self.picture(layers, Slot::Fading, pane, clip, old.min(1.0));
        }
        self.picture(layers, Slot::Painting, pane, clip, new);
    }

    fn picture(&self, layers: &mut Vec<Layer>, slot: Slot, pane: &Pane, clip: Area, opacity: f32) {
        let Some(size) = self.sizes[slot as usize] else { return };
        let (dest, texels) = mapped(&pane.placed, clip, size, fit(slot));
        if dest.is_empty() || opacity <= 0.0 {
            return;
        }
        let sampling = sampling(slot, size, &pane.placed, self.smooth);
        layers
            .push(Layer { slot: Some(slot), quad: Quad { dest, texels, sampling, opacity, checkers: self.checkers } });
    }

    fn checkers(&self, layers: &mut Vec<Layer>, pane: &Pane, clip: Area) {
        if clip.is_empty() {
            return;
        }
        let from = |p: [f32; 2]| [0, 1].map(|i| p[i] - pane.placed.origin[i]);
        let quad = Quad {
            dest: clip,
            texels: Area::new(from(clip.min), from(clip.max)),
            sampling: Sampling::Checkers,
            opacity: 1.0,
            checkers: self.checkers,
        };
        layers.push(Layer { slot: None, quad });
    }
}

/// How the texels of a picture of `size` become pixels where the canvas is `placed`.
pub(super) fn sampling(slot: Slot, size: Size, placed: &Placement, smooth: bool) -> Sampling {
    Sampling::at(texels_per_unit(placed.canvas, size, fit(slot)) / placed.scale, smooth)
}

/// The texel of a picture of `texture` texels that lies at a canvas position.
pub(super) fn texel_from_canvas(slot: Slot, canvas: [f32; 2], texture: Size, at: [f32; 2]) -> [f32; 2] {
    let density = texels_per_unit(canvas, texture, fit(slot));
    let start = start(canvas, texture, density);
    [0, 1].map(|i| start[i] + at[i] * density)
}

/// Sources fill the canvas, as they do in front of the model; everything else is shown whole.
fn fit(slot: Slot) -> Fit {
    if slot == Slot::Source { Fit::Cover } else { Fit::Whole }
}

/// Texels of a picture per pixel of the canvas.
fn texels_per_unit(canvas: [f32; 2], texture: Size, fit: Fit) -> f32 {
    let ratios = [texture.width as f32 / canvas[0], texture.height as f32 / canvas[1]];
    match fit {
        Fit::Whole => ratios[0].max(ratios[1]),
        Fit::Cover => ratios[0].min(ratios[1]),
    }
}

/// The texel at the canvas's top left corner: both share their middle.
fn start(canvas: [f32; 2], texture: Size, density: f32) -> [f32; 2] {
    [(texture.width as f32 - canvas[0] * density) / 2.0, (texture.height as f32 - canvas[1] * density) / 2.0]
}

/// The screen area inside `clip` that a picture of `texture` texels takes, and which of its texels go there.
fn mapped(placed: &Placement, clip: Area, texture: Size, fit: Fit) -> (Area, Area) {
    let density = texels_per_unit(placed.canvas, texture, fit);
    let start = start(placed.canvas, texture, density);
    let screen = |texel: [f32; 2]| placed.screen_from_canvas([0, 1].map(|i| (texel[i] - start[i]) / density));
    let all = Area::new(screen([0.0; 2]), screen([texture.width as f32, texture.height as f32]));
    let dest = all.intersection(clip).rounded();
    let texel = |screen: [f32; 2]| {
        let canvas = placed.canvas_from_screen(screen);
        [0, 1].map(|i| start[i] + canvas[i] * density)
    };
    (dest, Area::new(texel(dest.min), texel(dest.max)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::View;

    fn pane(left: f32) -> Pane {
        let area = Area::new([left, 0.0], [left + 200.0, 100.0]);
        Pane { area, placed: View::default().place([100.0, 100.0], area) }
    }

    fn content() -> Content {
        Content {
            sizes: [Some(Size::new(200, 100)), Some(Size::square(100)), Some(Size::square(50)), Some(Size::square(50))],
            opaque: false,
            smooth: true,
            fade: 1.0,
            checkers: Checkers::default(),
        }
    }

    fn slots(layers: &[Layer]) -> Vec<Option<Slot>> {
        layers.iter().map(|layer| layer.slot).collect()
    }

    #[test]
    fn sources_are_cropped_to_the_canvas() {
        let layers = content().layers(ViewMode::SideBySide, &pane(0.0), Some(&pane(200.0)), 0.0);
        assert_eq!(slots(&layers), [None, Some(Slot::Source), Some(Slot::Ink), Some(Slot::Painting)]);
        let source = &layers[1].quad;
        assert_eq!(source.dest, Area::new([50.0, 0.0], [150.0, 100.0]));
        assert_eq!(source.texels, Area::new([50.0, 0.0], [150.0, 100.0]));
        assert_eq!(layers[3].quad.texels, Area::new([0.0, 0.0], [50.0, 50.0]));
        assert_eq!(layers[3].quad.sampling, Sampling::Smooth);
    }

    #[test]
    fn a_painting_of_another_shape_is_shown_whole() {
        let (dest, texels) = mapped(&pane(0.0).placed, pane(0.0).visible(), Size::new(50, 100), Fit::Whole);
        assert_eq!(dest, Area::new([75.0, 0.0], [125.0, 100.0]));
        assert_eq!(texels, Area::new([0.0, 0.0], [50.0, 100.0]));
    }

    #[test]
    fn a_picked_texel_is_the_one_shown() {
        let at = texel_from_canvas(Slot::Source, [100.0, 100.0], Size::new(200, 100), [0.0, 25.0]);
        assert_eq!(at, [50.0, 25.0]);
    }

    #[test]
    fn a_wipe_meets_without_a_gap() {
        let layers = content().layers(ViewMode::Wipe, &pane(0.0), None, 80.4);
        let edges: Vec<_> = layers.iter().map(|layer| (layer.quad.dest.min[0], layer.quad.dest.max[0])).collect();
        assert_eq!(edges, [(50.0, 80.0), (50.0, 80.0), (50.0, 80.0), (80.0, 150.0)]);
        assert_eq!(layers[3].quad.texels.min[0], 15.0);
    }

    #[test]
    fn a_wipe_without_a_painting_shows_all_of_the_drawing() {
        let mut content = content();
        content.sizes[Slot::Painting as usize] = None;
        let layers = content.layers(ViewMode::Wipe, &pane(0.0), None, 80.0);
        assert_eq!(layers.last().unwrap().quad.dest, pane(0.0).visible());
    }

    #[test]
    fn fading_keeps_what_the_overlay_covers() {
        let mut content = content();
        content.opaque = true;
        for fade in [0.0, 0.3, 0.9] {
            content.fade = fade;
            let layers = content.layers(ViewMode::Overlay, &pane(0.0), None, 0.0);
            let through = layers[1..].iter().fold(1.0, |left, layer| left * (1.0 - layer.quad.opacity));
            assert!((through - (1.0 - OVERLAY_SHARE)).abs() < 1e-6, "{fade}: {through}");
        }
        content.fade = 1.0;
        assert_eq!(slots(&content.layers(ViewMode::Picture, &pane(0.0), None, 0.0)), [Some(Slot::Painting)]);
    }
}
