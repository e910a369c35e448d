//! What a film of the live loop is like, apart from how it is stored: what is seen in it, how time goes by, and for whom it is.

use std::time::{Duration, Instant};

use crate::frame::{Crop, Frame, Size, blend_over, scale};

/// More pictures than this in a second are seen by nobody, and every player keeps up with them.
pub const PICTURES_PER_S: u32 = 30;

/// What a video is like beside its pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VideoLabel {
    /// What is to be seen, in words; none where it is empty.
    pub description: String,
    /// The program and its version.
    pub program: String,
}

/// How time goes by in a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tempo {
    /// So many seconds become one.
    pub speed: u32,
    /// A pause lasts no longer than this.
    pub longest_pause: Duration,
}

/// The time of a film, which begins with its first picture.
pub struct FilmClock {
    tempo: Tempo,
    /// When the last picture was painted, and when that is in the film, before it is sped up.
    last: Option<(Instant, Duration)>,
}

impl FilmClock {
    /// Before the first picture.
    pub fn new(tempo: Tempo) -> Self {
        Self { tempo, last: None }
    }

    /// A picture was painted at `now`: when it is seen.
    pub fn tick(&mut self, now: Instant) -> Duration {
        let passed = self.passed(now);
        self.last = Some((now, passed));
        passed / self.tempo.speed
    }

    /// The time of the film at `now`, where nothing is painted.
    pub fn at(&self, now: Instant) -> Duration {
        self.passed(now) / self.tempo.speed
    }

    fn passed(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |(last, passed)| {
            passed + now.saturating_duration_since(last).min(self.tempo.longest_pause)
        })
    }
}

/// One or two pictures of equal size as one of a fixed size: side by side, or the second below the first where they are wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Montage {
    /// Of each picture.
    each: Size,
    count: u32,
    below: bool,
    /// Too small to be looked at as it is.
    is_small: bool,
}

impl Montage {
    /// Pictures of fewer pixels look poor where they are shown.
    const LEAST_SIDE: u32 = 512;
    /// And more than this few screens have room for.
    const LARGEST_SIDE: u32 = 1024;
    /// What screens are like.
    const SHAPE: f64 = 16.0 / 9.0;
    /// Beside a picture of another shape.
    const EMPTY: [u8; 4] = [0, 0, 0, 255];

    /// For `count` (1 or 2) pictures of `size`, reduced to sides of 1024 pixels at most; small ones are enlarged, so that a video that
    /// doubles them has sides of 512 at least.
    pub fn new(size: Size, count: u32) -> Self {
        let longer = size.longer_side().max(1);
        let is_small = longer < Self::LEAST_SIDE;
        let side = match is_small {
            true => longer * (Self::LEAST_SIDE / 2).div_ceil(longer),
            false => longer.min(Self::LARGEST_SIDE),
        };
        // Videos have even sides, and encoders want some pixels.
        let even = |length: u32| (length * side / longer / 2 * 2).max(16);
        let each = Size::new(even(size.width), even(size.height));
        let off = |shape: f64| (shape / Self::SHAPE).ln().abs();
        let shape = f64::from(each.width) / f64::from(each.height);
        Self { each, count, below: count > 1 && off(shape / 2.0) < off(shape * 2.0), is_small }
    }

    /// Whether the video should have twice its sides.
    pub fn is_small(&self) -> bool {
        self.is_small
    }

    /// Of the whole.
    pub fn size(&self) -> Size {
        match self.below {
            true => Size::new(self.each.width, self.each.height * self.count),
            false => Size::new(self.each.width * self.count, self.each.height),
        }
    }

    /// The pictures together; those of another shape than at first are shown whole, with black beside them.
    pub fn put_together(&self, pictures: &[&Frame]) -> Frame {
        let whole = self.size();
        let mut frame = Frame::filled(whole, Self::EMPTY);
        for (nth, picture) in (0..self.count).zip(pictures) {
            let (left, top) = if self.below { (0, nth * self.each.height) } else { (nth * self.each.width, 0) };
            let fitted = self.fit(picture.size());
            let (left, top) =
                (left + (self.each.width - fitted.width) / 2, top + (self.each.height - fitted.height) / 2);
            let scaled = on_white(scale(picture, Crop::whole(picture.size()), fitted));
            let row_bytes = 4 * fitted.width as usize;
            let rows = frame.pixels_mut().chunks_exact_mut(4 * whole.width as usize).skip(top as usize);
            for (row, from) in rows.zip(scaled.pixels().chunks_exact(row_bytes)) {
                row[4 * left as usize..][..row_bytes].copy_from_slice(from);
            }
        }
        frame
    }

    /// The size of a picture of `size` that is shown whole.
    fn fit(&self, size: Size) -> Size {
        let by = |to: u32, from: u32| f64::from(to) / f64::from(from.max(1));
        let factor = by(self.each.width, size.width).min(by(self.each.height, size.height));
        let side = |length: u32, most: u32| ((f64::from(length) * factor).round() as u32).clamp(1, most);
        Size::new(side(size.width, self.each.width), side(size.height, self.each.height))
    }
}

/// As the engine sees it.
fn on_white(picture: Frame) -> Frame {
    if picture.is_opaque() { picture } else { blend_over(&Frame::filled(picture.size(), [255; 4]), &picture) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seen(tempo: Tempo, painted_s: &[u32]) -> Vec<f64> {
        let begun = Instant::now();
        let mut clock = FilmClock::new(tempo);
        painted_s.iter().map(|second| clock.tick(begun + *second * SECOND).as_secs_f64()).collect()
    }

    #[test]
    fn time_goes_by_as_it_was_or_without_pauses() {
        let painted = [5, 6, 7, 107, 108];
        assert_eq!(seen(Tempo { speed: 1, longest_pause: Duration::MAX }, &painted), [0.0, 1.0, 2.0, 102.0, 103.0]);
        assert_eq!(seen(Tempo { speed: 1, longest_pause: SECOND }, &painted), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(seen(Tempo { speed: 8, longest_pause: 2 * SECOND }, &painted), [0.0, 0.125, 0.25, 0.5, 0.625]);
    }

    #[test]
    fn a_pause_is_as_short_however_often_somebody_looks() {
        let begun = Instant::now();
        let mut clock = FilmClock::new(Tempo { speed: 1, longest_pause: SECOND });
        assert_eq!(clock.at(begun), Duration::ZERO, "before the first picture");
        clock.tick(begun);
        for second in 2..9 {
            assert_eq!(clock.at(begun + second * SECOND), SECOND);
        }
        assert_eq!(clock.tick(begun + 9 * SECOND), SECOND);
        assert_eq!(clock.tick(begun), SECOND, "a clock that is behind stands still");
    }

    #[test]
    fn films_are_large_enough_and_shaped_like_screens() {
        let size = |width, height, count| {
            let montage = Montage::new(Size::new(width, height), count);
            let by = if montage.is_small() { 2 } else { 1 };
            Size::new(by * montage.size().width, by * montage.size().height)
        };
        assert_eq!(size(256, 256, 2), Size::new(1024, 512));
        assert_eq!(size(256, 256, 1), Size::square(512));
        assert_eq!(size(512, 512, 2), Size::new(1024, 512));
        assert_eq!(size(768, 768, 2), Size::new(1536, 768));
        assert_eq!(size(2048, 1024, 1), Size::new(1024, 512));
        // Wide ones lie one over the other, upright ones stand side by side.
        assert_eq!(size(256, 128, 2), Size::new(512, 512));
        assert_eq!(size(144, 256, 2), Size::new(576, 512));
        // Sides are even, and none vanishes.
        assert_eq!(size(200, 72, 1), Size::new(800, 288));
        assert_eq!(size(601, 67, 1), Size::new(600, 66));
        assert_eq!(size(4096, 8, 2), Size::new(1024, 32));
        assert_eq!(size(64, 64, 1), Size::square(512));
    }

    #[test]
    fn every_size_is_one_that_can_be_encoded() {
        for (width, height) in
            (8..=2048).step_by(8).flat_map(|side| [(side, 2048), (2048, side), (side, 256), (72, side)])
        {
            for count in [1, 2] {
                let montage = Montage::new(Size::new(width, height), count);
                let by = if montage.is_small() { 2 } else { 1 };
                let [a, b] = [montage.size().width, montage.size().height].map(|side| side * by);
                let fits = a.max(b) <= 3840 && a.min(b) <= 2160 && a.min(b) >= 16;
                assert!(fits && a % 2 == 0 && b % 2 == 0, "{count} of {width} × {height}: {a} × {b}");
            }
        }
    }

    #[test]
    fn both_are_seen_whole() {
        let (red, blue) = ([200, 0, 0, 255], [0, 0, 200, 255]);
        let montage = Montage::new(Size::square(512), 2);
        let both =
            montage.put_together(&[&Frame::filled(Size::square(256), red), &Frame::filled(Size::new(256, 128), blue)]);
        assert_eq!(both.size(), Size::new(1024, 512));
        let seen = [(0, 0), (511, 511), (512, 0), (512, 127), (512, 128), (1023, 383), (1023, 384)];
        let black = Montage::EMPTY;
        assert_eq!(seen.map(|(x, y)| both.pixel(x, y)), [red, red, black, black, blue, blue, black]);
        let one = Montage::new(Size::square(512), 1);
        // What shines through is white, as for the painter.
        let glass = one.put_together(&[&Frame::filled(Size::square(512), [0, 0, 0, 51])]);
        assert_eq!(glass.pixel(9, 9), [204, 204, 204, 255]);
        let frame = Frame::filled(Size::square(512), red);
        assert!(one.put_together(&[&frame]).pixels() == frame.pixels(), "of the same size it is the picture");
    }
}
