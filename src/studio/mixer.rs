//! The newest source frame under the newest ink: what the engine paints over.

use crate::frame::{self, Frame, Size, blend_over, cover_crop};

/// Keeps the newest of both and mixes them on demand.
#[derive(Default)]
pub(super) struct Mixer {
    base: Option<Frame>,
    ink: Option<Frame>,
    /// The base at the size last asked for: refitting a large picture for every stroke would cost more than the stroke.
    fitted: Option<Frame>,
    /// The last mix, while nothing changed: the same pixels tell the engine that nothing is to be encoded again.
    mixed: Option<Frame>,
    count: u64,
    /// Counts what came, also before a reset.
    version: u64,
    /// Whether the base came after the last mix.
    has_fresh_base: bool,
    /// Whether the ink did.
    has_fresh_ink: bool,
}

impl Mixer {
    /// A new source frame; `None` when there is no source any more. Says whether one was overtaken that was never mixed.
    pub(super) fn set_base(&mut self, base: Option<Frame>) -> bool {
        let overtaken = std::mem::replace(&mut self.has_fresh_base, base.is_some());
        // The end of a source changes nothing that is seen until new ink comes.
        self.version += u64::from(base.is_some());
        self.base = base;
        (self.fitted, self.mixed) = (None, None);
        overtaken
    }

    /// New ink. Says whether ink was overtaken that was never mixed.
    pub(super) fn set_ink(&mut self, ink: Frame) -> bool {
        self.version += 1;
        self.ink = Some(ink);
        self.mixed = None;
        std::mem::replace(&mut self.has_fresh_ink, true)
    }

    /// Starts anew without inputs; what comes then is no version that was.
    pub(super) fn reset(&mut self) {
        *self = Self { version: self.version, ..Self::default() };
    }

    /// How often something came to be mixed: pictures over one version are over the same input.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Whether there is a source.
    pub(super) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// Whether there is anything to mix.
    pub(super) fn has_input(&self) -> bool {
        self.base.is_some() || self.ink.is_some()
    }

    /// How many inputs are in the next mix for the first time.
    pub(super) fn take_fresh(&mut self) -> u64 {
        u64::from(std::mem::take(&mut self.has_fresh_base)) + u64::from(std::mem::take(&mut self.has_fresh_ink))
    }

    /// The mixed frame of `size`, stamped with the newer of both times; `None` before anything came.
    pub(super) fn mix(&mut self, size: Size) -> Option<Frame> {
        let taken = self.base.iter().chain(&self.ink).map(|frame| frame.taken).max()?;
        let mixed = match self.mixed.take().filter(|mixed| mixed.size() == size) {
            Some(same) => same,
            None => self.mix_anew(size)?,
        };
        self.mixed = Some(mixed.clone());
        self.count += 1;
        Some(mixed.stamped(self.count, taken))
    }

    fn mix_anew(&mut self, size: Size) -> Option<Frame> {
        frame::panic_if_marked(self.base.as_ref().map_or(&[], |base| base.pixels()));
        if self.fitted.as_ref().is_none_or(|fitted| fitted.size() != size) {
            self.fitted = self.base.as_ref().map(|base| cover_crop(base, size));
        }
        Some(match (&self.fitted, &self.ink) {
            (Some(base), Some(ink)) => blend_over(base, &cover_crop(ink, size)),
            (Some(base), None) => base.clone(),
            (None, ink) => cover_crop(ink.as_ref()?, size),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_lies_over_the_source_and_the_newer_time_counts() {
        let mut mixer = Mixer::default();
        assert!(mixer.mix(Size::square(4)).is_none() && !mixer.has_input());
        let base = Frame::filled(Size::new(8, 4), [0, 0, 255, 255]);
        let ink = Frame::filled(Size::square(4), [255, 0, 0, 255]);
        let taken = ink.taken;
        assert!(!mixer.set_base(Some(base.clone())) && mixer.set_base(Some(base)));
        assert_eq!((mixer.take_fresh(), mixer.take_fresh(), mixer.has_input()), (1, 0, true));
        assert_eq!(mixer.mix(Size::square(4)).unwrap().pixel(1, 1), [0, 0, 255, 255]);
        assert!(!mixer.set_ink(ink.clone()) && mixer.set_ink(ink));
        assert!(!mixer.set_base(mixer.base.clone()) && mixer.set_base(mixer.base.clone()));
        assert_eq!(mixer.take_fresh(), 2);
        let mixed = mixer.mix(Size::square(4)).unwrap();
        assert_eq!((mixed.pixel(1, 1), mixed.taken, mixed.id), ([255, 0, 0, 255], taken, 2));
        let again = mixer.mix(Size::square(4)).unwrap();
        assert_eq!(again.pixels().as_ptr(), mixed.pixels().as_ptr(), "mixed again without a change");
    }
}
