//! Which of a camera's formats to take: pure, so that it can be tested without a camera.

use nokhwa::utils::{CameraFormat, FrameFormat};

use crate::frame::Size;

/// Models see far fewer pixels than this; more would only cost time.
pub(super) const WANTED: Size = Size::new(640, 480);
/// Below this the picture stutters.
const SMOOTH_FPS: u32 = 24;
/// More than any camera has; some drivers' fractions come through as such numbers.
const ABSURD_FPS: u32 = 480;
/// What [`super::device`] can decode, best first: bytes as they are before bytes that must be unpacked.
pub(super) const READABLE: [FrameFormat; 4] =
    [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG, FrameFormat::RAWRGB];

/// The best of `offers`: smooth first, then the nearest size, then the cheapest encoding, then the rate nearest to 30.
pub(super) fn choose(offers: &[CameraFormat]) -> Option<CameraFormat> {
    offers.iter().filter(|offer| rank(offer).is_some() && is_sane(offer)).min_by_key(|offer| cost(offer)).copied()
}

fn is_sane(offer: &CameraFormat) -> bool {
    offer.width() >= 16 && offer.height() >= 16 && (1..=ABSURD_FPS).contains(&offer.frame_rate())
}

fn cost(offer: &CameraFormat) -> (bool, i64, Option<usize>, u32) {
    let fps = offer.frame_rate();
    (fps < SMOOTH_FPS, distance(offer), rank(offer), fps.abs_diff(30))
}

/// How far from the wanted size, in thousandths of a doubling of width and of height.
fn distance(offer: &CameraFormat) -> i64 {
    let doublings = |a: u32, b: u32| ((f64::from(a) / f64::from(b)).log2().abs() * 1000.0) as i64;
    doublings(offer.width(), WANTED.width) + doublings(offer.height(), WANTED.height)
}

fn rank(offer: &CameraFormat) -> Option<usize> {
    READABLE.iter().position(|format| *format == offer.format())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(format: FrameFormat, width: u32, height: u32, fps: u32) -> CameraFormat {
        CameraFormat::new_from(width, height, format, fps)
    }

    #[test]
    fn the_best_offer_is_smooth_then_near_then_cheap() {
        use FrameFormat::{GRAY, MJPEG, YUYV};
        let check = |offers: &[CameraFormat], best: Option<CameraFormat>| assert_eq!(choose(offers), best);
        let yuyv = offer(YUYV, 640, 480, 30);
        check(&[offer(MJPEG, 640, 480, 30), yuyv, offer(YUYV, 320, 240, 30), offer(YUYV, 640, 480, 60)], Some(yuyv));
        let mjpeg = offer(MJPEG, 640, 480, 30);
        check(&[offer(YUYV, 640, 480, 10), mjpeg, offer(YUYV, 320, 240, 30)], Some(mjpeg));
        let wide = offer(MJPEG, 1280, 720, 30);
        check(&[offer(YUYV, 1280, 720, 10), wide, offer(MJPEG, 1920, 1080, 30)], Some(wide));
        let slow = offer(YUYV, 640, 480, 15);
        check(&[slow, offer(YUYV, 320, 240, 15)], Some(slow));
        check(&[offer(GRAY, 640, 480, 30), offer(YUYV, 640, 480, 30000)], None);
        check(&[], None);
    }
}
