//! How wide the pen is at each sample: by its speed, its pressure or neither. Knows no pixels.

use super::{Brush, StrokePoint, WidthRule};

/// The narrowest a fast stroke gets, as a share of the diameter.
const FAST_SHARE: f32 = 0.35;
/// The narrowest the lightest touch gets, as a share of the diameter.
const LIGHT_SHARE: f32 = 0.1;
/// Speeds from full to least width, in canvas lengths (the longer side) per second.
const SLOW_PER_S: f32 = 0.25;
const FAST_PER_S: f32 = 3.5;
/// How quickly the width follows the speed, in seconds.
const SMOOTHING_S: f64 = 0.05;

/// Follows the pen and says how wide it is.
#[derive(Clone, Debug)]
pub(super) struct WidthMeter {
    rule: WidthRule,
    radius_px: f32,
    canvas_px: f32,
    last: Option<StrokePoint>,
    /// Distance covered by the samples that carry the newest time: pointer reports often come in batches of one time.
    moved_px: f32,
    /// How long before the newest time the one before it was, in seconds.
    lasted_s: f64,
    share: f32,
}

impl WidthMeter {
    /// A meter for a tamed brush on a canvas whose longer side is `canvas_px`.
    pub fn new(brush: &Brush, canvas_px: u32) -> Self {
        Self {
            rule: brush.width,
            radius_px: brush.diameter_px / 2.0,
            canvas_px: canvas_px.max(1) as f32,
            last: None,
            moved_px: 0.0,
            lasted_s: 0.0,
            share: 1.0,
        }
    }

    /// Half the width at the next sample, in pixels.
    pub fn radius_px(&mut self, point: StrokePoint) -> f32 {
        let speed_share = self.follow(point);
        let share = match (self.rule, pressed(point)) {
            (WidthRule::Fixed, _) | (WidthRule::Pressure, None) => 1.0,
            (WidthRule::Pressure | WidthRule::Speed, Some(pressure)) => LIGHT_SHARE + (1.0 - LIGHT_SHARE) * pressure,
            (WidthRule::Speed, None) => speed_share,
        };
        self.radius_px * share
    }

    /// The share of the width at the pen's smoothed speed.
    fn follow(&mut self, point: StrokePoint) -> f32 {
        let Some(last) = self.last.replace(point) else { return self.share };
        let moved = (point.x - last.x).hypot(point.y - last.y);
        let passed_s = point.time_s - last.time_s;
        // Clocks that stand still, run back or are no number at all only keep the width as it is.
        if passed_s > 0.0 && passed_s.is_finite() {
            if self.lasted_s > 0.0 {
                let target = share_at(self.moved_px / self.lasted_s as f32 / self.canvas_px);
                let blend = 1.0 - (-self.lasted_s / SMOOTHING_S).exp();
                self.share += (target - self.share) * blend as f32;
            } else {
                // The first move: begin near the width it will have, so that a flick has no blot at its start.
                self.share = 0.25 + 0.75 * share_at(moved / passed_s as f32 / self.canvas_px);
            }
            self.moved_px = 0.0;
            self.lasted_s = passed_s;
        }
        self.moved_px += moved;
        self.share
    }
}

/// The pressure of a point where a sound one is reported.
fn pressed(point: StrokePoint) -> Option<f32> {
    point.pressure.filter(|pressure| pressure.is_finite()).map(|pressure| pressure.clamp(0.0, 1.0))
}

/// The share of the width at a speed in canvas lengths per second.
fn share_at(speed: f32) -> f32 {
    if !speed.is_finite() {
        return FAST_SHARE;
    }
    let fast = ((speed - SLOW_PER_S) / (FAST_PER_S - SLOW_PER_S)).clamp(0.0, 1.0);
    // A root, because hands move at many speeds near the slow end.
    1.0 - (1.0 - FAST_SHARE) * fast.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn radii(rule: WidthRule, step_px: f32, pressure: Option<f32>) -> Vec<f32> {
        let mut meter = WidthMeter::new(&Brush { width: rule, diameter_px: 20.0, ..Brush::default() }, 1000);
        let point =
            |i: i16| StrokePoint { pressure, ..StrokePoint::new(f32::from(i) * step_px, 0.0, f64::from(i) * 0.01) };
        (0..50).map(|i| meter.radius_px(point(i))).collect()
    }

    #[test]
    fn faster_is_thinner_down_to_a_limit() {
        let (slow, brisk, wild) = (
            radii(WidthRule::Speed, 1.0, None)[49],
            radii(WidthRule::Speed, 15.0, None)[49],
            radii(WidthRule::Speed, 900.0, None)[49],
        );
        assert!(slow > 9.9 && brisk < 8.0 && brisk > 4.0, "{slow} {brisk}");
        assert!((wild - 3.5).abs() < 0.05, "{wild}");
    }

    #[test]
    fn width_changes_smoothly() {
        let radii = radii(WidthRule::Speed, 20.0, None);
        assert!(radii[1..].windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1.0), "{radii:?}");
    }

    #[test]
    fn pressure_replaces_speed_and_fixed_ignores_both() {
        assert!(radii(WidthRule::Speed, 50.0, Some(1.0)).iter().all(|&r| r == 10.0));
        assert!(radii(WidthRule::Pressure, 50.0, Some(0.0)).iter().all(|&r| (r - 1.0).abs() < 1e-5));
        assert!(radii(WidthRule::Pressure, 50.0, None).iter().all(|&r| r == 10.0));
        assert!(radii(WidthRule::Fixed, 50.0, Some(0.1)).iter().all(|&r| r == 10.0));
    }

    #[test]
    fn batches_of_one_time_are_one_move() {
        let mut meter = WidthMeter::new(&Brush { diameter_px: 20.0, ..Brush::default() }, 1000);
        let mut last = 0.0;
        for frame in 0..60_i16 {
            for part in 0..8_i16 {
                let x = f32::from(frame * 8 + part) * 0.2;
                last = meter.radius_px(StrokePoint::new(x, 0.0, f64::from(frame) / 60.0));
            }
        }
        assert!(last > 9.9, "96 px/s is slow on a canvas of 1000 px: {last}");
    }

    #[test]
    fn odd_clocks_and_pressures_do_no_harm() {
        let mut meter = WidthMeter::new(&Brush::default(), 0);
        for time_s in [0.0, f64::NAN, f64::INFINITY, -5.0, f64::MAX, 1e-300, f64::NEG_INFINITY] {
            for pressure in [None, Some(f32::NAN), Some(-1.0), Some(7.0)] {
                let radius = meter.radius_px(StrokePoint { x: 1e9, y: -1e9, time_s, pressure });
                assert!((0.0..=12.0).contains(&radius), "{radius}");
            }
        }
    }
}
