//! Where the pictures, their captions and the divider lie. Pure rectangles, in points.

use egui::{Rect, pos2, vec2};

use crate::studio::ViewMode;

/// Below this width two pictures are stacked where that makes them larger.
pub(super) const NARROW: f32 = 700.0;
/// Height kept free above a picture for its caption.
pub(super) const CAPTION: f32 = 24.0;
const MARGIN: f32 = 16.0;
const TIGHT_MARGIN: f32 = 8.0;
const GAP: f32 = 16.0;
/// A picture's pane never gets smaller than this.
const LEAST: f32 = 16.0;

/// The rooms of the stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    /// The drawing's pane, or the only one.
    pub(super) left: Rect,
    /// The painting's own pane.
    pub(super) right: Option<Rect>,
    /// Between both.
    pub(super) divider: Option<Rect>,
    /// True when the painting is below the drawing.
    pub(super) stacked: bool,
}

/// `share` inside the range of the view; half where it is no number.
pub(super) fn tame(share: f32, mode: ViewMode) -> f32 {
    let range = mode.shares();
    if share.is_nan() { 0.5 } else { share.clamp(*range.start(), *range.end()) }
}

impl Layout {
    /// Divides `stage`.
    pub(super) fn new(stage: Rect, mode: ViewMode, share: f32) -> Self {
        let stacked = stage.width() < NARROW && stacks_larger(stage.size());
        let inner = stage.shrink(if stacked { TIGHT_MARGIN } else { MARGIN });
        if mode != ViewMode::SideBySide {
            return Self { left: below_caption(inner), right: None, divider: None, stacked };
        }
        let share = tame(share, mode);
        let gap = if stacked { TIGHT_MARGIN } else { GAP };
        let along = usize::from(stacked);
        let length = inner.size()[along] - gap;
        let mut cut = vec2(0.0, 0.0);
        cut[along] = (length * share).round();
        let mut far = cut;
        far[along] += gap;
        let side = |from: egui::Pos2, to: egui::Pos2| Rect::from_min_max(from, to);
        let (left_end, right_start, gap_start, gap_end) = if stacked {
            let (top, bottom) = (inner.top() + cut.y, inner.top() + far.y);
            (pos2(inner.right(), top), pos2(inner.left(), bottom), pos2(inner.left(), top), pos2(inner.right(), bottom))
        } else {
            let (left, right) = (inner.left() + cut.x, inner.left() + far.x);
            (pos2(left, inner.bottom()), pos2(right, inner.top()), pos2(left, inner.top()), pos2(right, inner.bottom()))
        };
        Self {
            left: below_caption(side(inner.min, left_end)),
            right: Some(below_caption(side(right_start, inner.max))),
            divider: Some(side(gap_start, gap_end)),
            stacked,
        }
    }

    /// The share that puts the divider at `pos`.
    pub(super) fn share_at(&self, stage: Rect, pos: egui::Pos2) -> f32 {
        let margin = if self.stacked { TIGHT_MARGIN } else { MARGIN };
        let inner = stage.shrink(margin);
        let along = usize::from(self.stacked);
        let gap = if self.stacked { TIGHT_MARGIN } else { GAP };
        let length = (inner.size()[along] - gap).max(1.0);
        ((pos - inner.min)[along] - gap / 2.0) / length
    }
}

/// Whether two square pictures get larger below each other than beside each other.
fn stacks_larger(stage: egui::Vec2) -> bool {
    let beside = ((stage.x - GAP) / 2.0 - MARGIN).min(stage.y - CAPTION - 2.0 * MARGIN);
    let stacked = (stage.x - 2.0 * TIGHT_MARGIN).min(stage.y / 2.0 - CAPTION - 1.5 * TIGHT_MARGIN);
    stacked > beside
}

fn below_caption(rect: Rect) -> Rect {
    let top = rect.top() + CAPTION;
    let size = vec2(rect.width().max(LEAST), (rect.bottom() - top).max(LEAST));
    Rect::from_min_size(pos2(rect.left(), top), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(48.0, 44.0), vec2(width, height))
    }

    #[test]
    fn halves_have_the_same_size() {
        for (width, stacked) in [(1000.0, false), (500.0, true)] {
            let layout = Layout::new(stage(width, 600.0), ViewMode::SideBySide, 0.5);
            let right = layout.right.unwrap();
            assert_eq!(layout.stacked, stacked);
            assert!((layout.left.size() - right.size()).length() <= 1.0, "{layout:?}");
        }
    }

    #[test]
    fn the_divider_follows_the_pointer() {
        for width in [1000.0, 500.0] {
            let stage = stage(width, 600.0);
            for share in [0.2, 0.35, 0.5, 0.8] {
                let layout = Layout::new(stage, ViewMode::SideBySide, share);
                let back = layout.share_at(stage, layout.divider.unwrap().center());
                assert!((back - share).abs() < 0.002, "{share} became {back}");
            }
        }
    }

    #[test]
    fn nothing_is_too_small_or_inside_out() {
        for (width, height, share) in [(0.0, 0.0, 0.5), (20.0, 900.0, f32::NAN), (900.0, 3.0, 99.0)] {
            for mode in ViewMode::ALL {
                let layout = Layout::new(stage(width, height), mode, share);
                for rect in [Some(layout.left), layout.right].into_iter().flatten() {
                    assert!(rect.width() >= LEAST && rect.height() >= LEAST, "{layout:?}");
                }
            }
        }
    }
}
