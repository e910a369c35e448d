//! Fit, zoom and pan: where a canvas lies on the screen, and back. Pure numbers.
//!
//! Screen coordinates are physical pixels. A [`View`] is independent of the pane, so that two panes can share one.

use super::Area;

/// How a canvas is looked at: how near, and at which of its places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// 1 fits the whole canvas into the pane.
    pub zoom: f32,
    /// The place of the canvas in the middle of the pane, as shares of its size.
    pub centre: [f32; 2],
}

impl Default for View {
    fn default() -> Self {
        Self { zoom: 1.0, centre: [0.5; 2] }
    }
}

impl View {
    /// The farthest.
    pub const MIN_ZOOM: f32 = 0.25;
    /// The nearest.
    pub const MAX_ZOOM: f32 = 64.0;

    /// True when the whole canvas fits the pane.
    pub fn is_fit(&self) -> bool {
        *self == Self::default()
    }

    /// Where a canvas of `canvas` pixels lies when looked at in `pane`. The corner is on a whole pixel, so that a canvas
    /// at 1:1 is shown pixel by pixel.
    pub fn place(&self, canvas: [f32; 2], pane: Area) -> Placement {
        let exact = self.place_exactly(canvas, pane);
        Placement { origin: exact.origin.map(f32::round), ..exact }
    }

    fn place_exactly(&self, canvas: [f32; 2], pane: Area) -> Placement {
        let canvas = canvas.map(|side| side.max(1.0));
        let size = pane.size();
        let fit = (size[0] / canvas[0]).min(size[1] / canvas[1]);
        // A hidden pane must not make a scale that nobody can divide by.
        let scale = (fit * self.zoom).max(1e-4);
        let middle = pane.centre();
        let origin = [0, 1].map(|i| middle[i] - self.centre[i] * canvas[i] * scale);
        Placement { origin, scale, canvas }
    }

    /// Nearer (`factor` over 1) or farther, while the place under `screen` stays where it is.
    pub fn zoom_about(&mut self, factor: f32, screen: [f32; 2], canvas: [f32; 2], pane: Area) {
        if !(factor.is_finite() && factor > 0.0) {
            return;
        }
        let held = self.place_exactly(canvas, pane).canvas_from_screen(screen);
        self.zoom = (self.zoom * factor).clamp(Self::MIN_ZOOM, Self::MAX_ZOOM);
        if self.zoom <= 1.0 {
            // All of it is visible: there is nothing to look for beside it.
            self.centre = [0.5; 2];
            return;
        }
        let moved = self.place_exactly(canvas, pane).screen_from_canvas(held);
        self.pan([screen[0] - moved[0], screen[1] - moved[1]], canvas, pane);
    }

    /// Moves the canvas by `delta` pixels on the screen; some of it always stays in the middle.
    pub fn pan(&mut self, delta: [f32; 2], canvas: [f32; 2], pane: Area) {
        let placed = self.place_exactly(canvas, pane);
        self.centre = [0, 1].map(|i| {
            let share = delta[i] / (placed.scale * placed.canvas[i]);
            (self.centre[i] - share).clamp(0.0, 1.0)
        });
    }
}

/// A canvas on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Screen position of the canvas's top left corner.
    pub origin: [f32; 2],
    /// Screen pixels per canvas pixel.
    pub scale: f32,
    /// Width and height of the canvas in its own pixels.
    pub canvas: [f32; 2],
}

impl Placement {
    /// The canvas position shown at `screen`; may lie beside the canvas.
    pub fn canvas_from_screen(&self, screen: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|i| (screen[i] - self.origin[i]) / self.scale)
    }

    /// Where the canvas position is shown.
    pub fn screen_from_canvas(&self, canvas: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|i| self.origin[i] + canvas[i] * self.scale)
    }

    /// The screen area of the whole canvas.
    pub fn area(&self) -> Area {
        Area::new(self.origin, self.screen_from_canvas(self.canvas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Area = Area::new([100.0, 50.0], [500.0, 250.0]);
    const CANVAS: [f32; 2] = [100.0, 100.0];

    #[track_caller]
    fn near(a: [f32; 2], b: [f32; 2], limit: f32) {
        assert!((a[0] - b[0]).abs() <= limit && (a[1] - b[1]).abs() <= limit, "{a:?} is not {b:?}");
    }

    #[test]
    fn fit_centres_the_canvas() {
        let placed = View::default().place(CANVAS, PANE);
        assert_eq!(placed.area(), Area::new([200.0, 50.0], [400.0, 250.0]));
        assert_eq!(placed.scale, 2.0);
        assert_eq!(placed.canvas_from_screen([300.0, 150.0]), [50.0, 50.0]);
    }

    #[test]
    fn there_and_back() {
        let view = View { zoom: 3.7, centre: [0.2, 0.9] };
        let placed = view.place(CANVAS, PANE);
        for point in [[0.0, 0.0], [13.5, 99.0], [-20.0, 400.0]] {
            near(placed.canvas_from_screen(placed.screen_from_canvas(point)), point, 1e-3);
        }
    }

    #[test]
    fn zooming_holds_the_place_under_the_pointer() {
        let mut view = View::default();
        let pointer = [260.0, 110.0];
        let before = view.place(CANVAS, PANE).canvas_from_screen(pointer);
        for _ in 0..5 {
            view.zoom_about(1.3, pointer, CANVAS, PANE);
        }
        let placed = view.place(CANVAS, PANE);
        // Half a screen pixel is what rounding the corner may cost.
        near(placed.screen_from_canvas(before), pointer, 0.75);
        assert!(placed.scale > 7.0);
    }

    #[test]
    fn panning_moves_by_screen_pixels_and_ends() {
        let mut view = View { zoom: 2.0, ..View::default() };
        let before = view.place(CANVAS, PANE).origin;
        view.pan([10.0, -4.0], CANVAS, PANE);
        near(view.place(CANVAS, PANE).origin, [before[0] + 10.0, before[1] - 4.0], 0.01);
        view.pan([1e9, 1e9], CANVAS, PANE);
        assert_eq!(view.centre, [0.0, 0.0]);
    }

    #[test]
    fn zooming_out_returns_to_the_middle() {
        let mut view = View { zoom: 2.0, centre: [0.1, 0.1] };
        view.zoom_about(0.4, [200.0, 60.0], CANVAS, PANE);
        assert_eq!(view.centre, [0.5, 0.5]);
        view.zoom_about(f32::NAN, [0.0, 0.0], CANVAS, PANE);
        view.zoom_about(0.0, [0.0, 0.0], CANVAS, PANE);
        view.zoom_about(1e-9, [0.0, 0.0], CANVAS, PANE);
        assert_eq!(view.zoom, View::MIN_ZOOM);
    }

    #[test]
    fn an_empty_pane_or_canvas_gives_numbers() {
        let nothing = Area::new([5.0, 5.0], [5.0, 5.0]);
        for canvas in [[0.0, 0.0], CANVAS] {
            let placed = View::default().place(canvas, nothing);
            assert!(placed.canvas_from_screen([7.0, 7.0]).iter().all(|v| v.is_finite()));
        }
    }
}
