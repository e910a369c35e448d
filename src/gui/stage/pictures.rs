//! The newest pictures of the stage: kept as frames, brought to their textures when they change, and drawn.

use egui::Ui;

use super::card::Card;
use super::divider::wipe_column;
use super::ink::Ink;
use super::layers::{Content, Pane, sampling};
use super::plain::Plain;
use super::surface::{Slot, Surface};
use super::{Panes, StageLook};
use crate::canvas::{Backdrop, Document};
use crate::display::Checkers;
use crate::frame::Frame;
use crate::gui::theme::Theme;

/// How long a new painting takes to cover the old one.
const FADE_S: f64 = 0.06;
/// Side of a square of the checkerboard, in points.
const CHECKER: f32 = 8.0;

/// A frame, and whether its texture is still the one before.
#[derive(Default)]
struct Shown {
    frame: Option<Frame>,
    news: bool,
}

/// The stage's pictures.
pub(super) struct Pictures {
    surface: Box<dyn Surface>,
    ink: Ink,
    source: Shown,
    painting: Shown,
    fade_began_s: Option<f64>,
    fade: f32,
}

impl Pictures {
    pub(super) fn plain() -> Self {
        Self::with(Box::new(Plain::default()))
    }

    pub(super) fn on_card(state: &egui_wgpu::RenderState) -> Self {
        Self::with(Box::new(Card::new(state)))
    }

    fn with(surface: Box<dyn Surface>) -> Self {
        Self {
            surface,
            ink: Ink::default(),
            source: Shown::default(),
            painting: Shown::default(),
            fade_began_s: None,
            fade: 1.0,
        }
    }

    pub(super) fn source(&self) -> Option<&Frame> {
        self.source.frame.as_ref()
    }

    pub(super) fn painting(&self) -> Option<&Frame> {
        self.painting.frame.as_ref()
    }

    pub(super) fn set_source(&mut self, frame: Option<Frame>) {
        self.source = Shown { news: frame.is_some(), frame };
    }

    pub(super) fn set_painting(&mut self, frame: &Frame) {
        if !self.painting.frame.as_ref().is_some_and(|shown| shown.shares_pixels(frame)) {
            self.painting = Shown { frame: Some(frame.clone()), news: true };
        }
    }

    /// Brings all textures up to date; true while a painting fades in.
    pub(super) fn follow(&mut self, ui: &Ui, document: &mut Document, look: &StageLook, panes: &Panes) -> bool {
        let ctx = ui.ctx();
        let (left, right) = (&panes.left, panes.right.as_ref().unwrap_or(&panes.left));
        let backdrop = if self.source.frame.is_some() { Backdrop::Transparent } else { Backdrop::Document };
        let ink_sampling = sampling(Slot::Ink, document.size(), &left.placed, look.smooth);
        self.ink.follow(ctx, self.surface.as_mut(), document, backdrop, ink_sampling);
        bring(ctx, self.surface.as_mut(), Slot::Source, &mut self.source, left, look.smooth);
        let now_s = ui.input(|input| input.time);
        if self.painting.news {
            self.fade_began_s = (look.fade && self.surface.size(Slot::Painting).is_some()).then_some(now_s);
            if self.fade_began_s.is_some() {
                self.surface.swap(Slot::Painting, Slot::Fading);
            }
        }
        bring(ctx, self.surface.as_mut(), Slot::Painting, &mut self.painting, right, look.smooth);
        self.fade = self.fade_began_s.map_or(1.0, |began| ((now_s - began) / FADE_S).clamp(0.0, 1.0) as f32);
        if self.fade >= 1.0 {
            self.fade_began_s = None;
        }
        self.fade < 1.0
    }

    /// Draws everything of a view.
    pub(super) fn paint(&mut self, ui: &Ui, stage: egui::Rect, look: &StageLook, theme: &Theme, panes: &Panes) {
        let slots = [Slot::Source, Slot::Ink, Slot::Painting, Slot::Fading];
        let content = Content {
            sizes: slots.map(|slot| self.surface.size(slot)),
            opaque: self.source.frame.is_none(),
            smooth: look.smooth,
            fade: self.fade,
            checkers: checkers(theme, ui.pixels_per_point()),
        };
        let column = wipe_column(&panes.left, look.divider);
        self.surface.paint(ui, stage, content.layers(look.view, &panes.left, panes.right.as_ref(), column));
    }
}

/// Sends a frame to its texture if that is not there already.
fn bring(ctx: &egui::Context, surface: &mut dyn Surface, slot: Slot, shown: &mut Shown, pane: &Pane, smooth: bool) {
    let Some(frame) = &shown.frame else { return };
    // Whoever brings a frame brings it small enough for a texture: reducing it here would stop the window.
    let size = frame.size();
    debug_assert!(size.longer_side() <= Document::MAX_SIDE, "{slot:?} of {size}");
    let sampling = sampling(slot, size, &pane.placed, smooth);
    if shown.news || surface.needs_whole(slot, size, sampling) {
        surface.replace(ctx, slot, size, frame.pixels(), sampling);
        shown.news = false;
    }
}

/// The theme's checkerboard, in squares of whole pixels.
fn checkers(theme: &Theme, pixels_per_point: f32) -> Checkers {
    let encoded = |colour: egui::Color32| [colour.r(), colour.g(), colour.b()].map(|v| f32::from(v) / 255.0);
    Checkers {
        light: encoded(theme.raised),
        dark: encoded(theme.panel),
        side_px: (CHECKER * pixels_per_point).round().max(1.0),
    }
}
