//! The built-in moving test pattern: a sun that crosses the sky over hills and a lake, something a model can paint along with.

use std::f32::consts::{PI, TAU};
use std::time::{Duration, Instant};

use super::CaptureState;
use super::outlet::Outlet;
use crate::flow::Pace;
use crate::flow::channel::{Receiver, RecvTimeoutError};
use crate::frame::{Frame, Size};

/// The pattern's size.
pub(super) const SIZE: Size = Size::square(256);
/// The time between two pictures.
const PERIOD: Duration = Duration::from_millis(50);
/// How long the sun needs from one side to the other and back.
const DAY_S: f32 = 12.0;
/// Where the land begins, as a part of the height.
const HORIZON: f32 = 0.62;

type Rgb = [f32; 3];

pub(super) fn run(outlet: &mut Outlet, quit: &Receiver<()>) {
    let start = Instant::now();
    let mut pace = Pace::new(PERIOD);
    while quit.recv_timeout(pace.wait(Instant::now())) == Err(RecvTimeoutError::Timeout) {
        let now = Instant::now();
        let Ok(frame) = Frame::new(SIZE, paint((now - start).as_secs_f32())) else { return };
        outlet.state(CaptureState::Live(SIZE));
        outlet.frames.send(frame, now);
    }
}

/// The scene `seconds` after its beginning.
fn paint(seconds: f32) -> Vec<u8> {
    let day = seconds / DAY_S * TAU;
    // The sun swings from left to right and back on an arc.
    let sun = (0.5 - 0.38 * day.cos(), HORIZON - 0.08 - 0.4 * (0.5 - 0.5 * (2.0 * day).cos()).sqrt());
    let mut pixels = Vec::with_capacity(SIZE.area() * 4);
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            let at = (x as f32 / SIZE.width as f32, y as f32 / SIZE.height as f32);
            pixels.extend(colour(at, sun, day).map(|value| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8));
            pixels.push(255);
        }
    }
    pixels
}

/// The colour at a place, both coordinates from 0 to 1.
fn colour((x, y): (f32, f32), sun: (f32, f32), day: f32) -> Rgb {
    let far = HORIZON - 0.07 - 0.05 * (x * 7.0 + 0.6).sin();
    let near = HORIZON + 0.10 + 0.06 * (x * 5.0 - 1.0).sin();
    let lake = 0.86 + 0.01 * (x * 12.0 + day * 3.0).sin();
    if y > lake {
        let glitter = 0.06 * ((y * 90.0).sin() * (x * 20.0 + day * 8.0).sin());
        let shine = soft((x - sun.0).abs(), 0.05, 0.04) * 0.35;
        return mix([0.16, 0.38, 0.62], [1.0, 0.85, 0.5], shine + glitter.max(0.0));
    }
    if y > near {
        return mix([0.36, 0.62, 0.24], [0.20, 0.42, 0.16], (y - near) / (lake - near));
    }
    if y > far {
        return mix([0.44, 0.58, 0.50], [0.30, 0.48, 0.36], (y - far) / (near - far));
    }
    sky((x, y), sun)
}

fn sky((x, y): (f32, f32), sun: (f32, f32)) -> Rgb {
    let height = 1.0 - sun.1 / HORIZON;
    let low = mix([0.98, 0.70, 0.45], [0.80, 0.90, 0.98], height);
    let high = mix([0.40, 0.42, 0.70], [0.30, 0.58, 0.90], height);
    let distance = ((x - sun.0).powi(2) + (y - sun.1).powi(2)).sqrt();
    let glow = mix(high, low, y / HORIZON);
    let glow = mix(glow, [1.0, 0.90, 0.60], 0.5 * (1.0 - distance / 0.35).max(0.0).powi(2));
    mix(glow, [1.0, 0.82, 0.25], soft(distance, 0.085, 0.008))
}

/// 1 inside `radius`, 0 outside, smooth over `edge`.
fn soft(distance: f32, radius: f32, edge: f32) -> f32 {
    let t = ((distance - radius) / edge).clamp(-1.0, 1.0);
    0.5 - 0.5 * (t * PI / 2.0).sin()
}

fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sun_is_yellow_and_moves() {
        let sun_x = |seconds: f32| {
            let frame = Frame::new(SIZE, paint(seconds)).unwrap();
            let yellow = |x: u32, y: u32| {
                let [r, g, b, _] = frame.pixel(x, y);
                r > 240 && (190..225).contains(&g) && b < 90
            };
            let xs: Vec<u32> =
                (0..160).flat_map(|y| (0..256).filter(move |&x| yellow(x, y)).collect::<Vec<_>>()).collect();
            assert!(xs.len() > 300, "a sun of {} pixels at {seconds} s", xs.len());
            xs.iter().sum::<u32>() as f32 / xs.len() as f32
        };
        let (left, right) = (sun_x(1.0), sun_x(5.0));
        assert!(left + 60.0 < right, "from {left} to {right}");
    }

    #[test]
    fn two_moments_differ_and_the_same_moment_does_not() {
        assert_eq!(paint(2.0), paint(2.0));
        assert_ne!(paint(2.0), paint(2.05));
    }
}
