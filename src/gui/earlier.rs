//! Paintings that stayed for a moment, to come back to.

use std::collections::VecDeque;
use std::time::Duration;

use super::miniature::Miniature;
use crate::engine::Picture;

/// So many are kept,
const KEPT: usize = 48;
/// and no more than so many bytes of them, but for the newest.
const KEPT_BYTES: usize = 128 << 20;

/// Paintings that stayed for a moment, the newest first.
#[derive(Default)]
pub struct Earlier {
    kept: VecDeque<Miniature>,
    /// The one that was looked at last, so that each is compared once.
    seen: Option<Picture>,
}

impl Earlier {
    /// A painting that stays for so long is kept.
    pub const STAYS: Duration = Duration::from_secs(1);

    /// This is the painting now, and has been for so long.
    pub fn notice(&mut self, picture: &Picture, age: Duration) {
        let is_seen = |seen: &Picture| seen.frame.shares_pixels(&picture.frame);
        if age < Self::STAYS || self.seen.as_ref().is_some_and(is_seen) {
            return;
        }
        self.seen = Some(picture.clone());
        let same = |kept: &Miniature| {
            kept.picture.frame.size() == picture.frame.size() && kept.picture.frame.pixels() == picture.frame.pixels()
        };
        // One that comes back is not another one.
        let before = self.kept.iter().position(same).and_then(|at| self.kept.remove(at));
        self.kept.push_front(Miniature::new(picture.clone(), before));
        let mut bytes = 0;
        let fits = |kept: &Miniature| {
            bytes += kept.picture.frame.pixels().len();
            bytes <= KEPT_BYTES
        };
        let fit = self.kept.iter().map(fits).take_while(|fits| *fits).count();
        self.kept.truncate(fit.clamp(1, KEPT));
    }

    /// All of them, the newest first.
    pub fn all(&mut self) -> &mut VecDeque<Miniature> {
        &mut self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Params;
    use crate::frame::{Frame, Size};

    fn picture(shade: u8, side: u32) -> Picture {
        Picture::plain(Frame::filled(Size::square(side), [shade, 0, 0, 255]), Params::default())
    }

    fn shades(earlier: &mut Earlier) -> Vec<u8> {
        earlier.all().iter().map(|kept| kept.picture.frame.pixel(0, 0)[0]).collect()
    }

    #[test]
    fn what_stays_is_kept_once() {
        let mut earlier = Earlier::default();
        earlier.notice(&picture(1, 8), Earlier::STAYS / 2);
        assert!(shades(&mut earlier).is_empty(), "it went by");
        for shade in [1, 2, 2, 3, 1] {
            earlier.notice(&picture(shade, 8), Earlier::STAYS);
        }
        assert_eq!(shades(&mut earlier), [1, 3, 2]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_are_too_large() {
        let mut earlier = Earlier::default();
        (0..60).for_each(|shade| earlier.notice(&picture(shade, 8), Earlier::STAYS));
        assert_eq!(shades(&mut earlier), (12..60).rev().collect::<Vec<_>>());
        (0..3).for_each(|shade| earlier.notice(&picture(shade, 4096), Earlier::STAYS));
        assert_eq!(shades(&mut earlier), [2, 1], "64 MB each");
    }
}
