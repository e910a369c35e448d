//! What the Explore tab keeps between frames: the previews as textures, which choices it is open at, and what was before.

use std::sync::Arc;

use egui::{Context, TextureId};

use super::earlier::Earlier;
use super::miniature::Miniature;
use super::variations::{Choices, Page, Variation};
use crate::engine::{Params, Picture};
use crate::frame::Size;
use crate::studio::{Axis, Notice, Preview};

/// So many choices can be taken back.
const TRAIL: usize = 64;

/// What the tab keeps.
#[derive(Default)]
pub struct Explore {
    page: Page,
    /// The present one of a long list, and the axis and the words it was found for: it is not searched in each frame.
    found: Option<(Axis, String, Option<u64>)>,
    /// What is seen in this frame, and so is to be painted.
    seen: Vec<Params>,
    /// The newest preview at each place. Where a number is being turned it is still that of another number, until the next one comes.
    tiles: Vec<Option<Tile>>,
    /// The choices that the tiles are of.
    tiles_of: (Axis, u64),
    /// What the pointer is over, to be seen on the stage, in the last frame and in this one: a panel may be drawn after the stage.
    pointed: [Option<Pointed>; 2],
    /// What was there before each choice, and what was chosen, the last one last.
    trail: Vec<[Chosen; 2]>,
    /// Whether paintings of before are seen instead of previews.
    pub looks_back: bool,
    earlier: Earlier,
}

/// What choosing a preview changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The words.
    pub prompt: String,
    /// The seed.
    pub seed: u64,
    /// The strength, 0 to 1.
    pub strength: f64,
}

impl Chosen {
    /// Those of `params`.
    pub fn of(params: &Params) -> Self {
        Self { prompt: params.prompt.clone(), seed: params.seed, strength: params.strength }
    }

    /// Whether something is left of a choice that changed it.
    fn has_left(&self, [before, chosen]: &[Self; 2]) -> bool {
        self.prompt == chosen.prompt && before.prompt != chosen.prompt
            || self.seed == chosen.seed && before.seed != chosen.seed
            || self.strength == chosen.strength && before.strength != chosen.strength
    }

    /// With what was there before a choice, as far as it is still what was chosen.
    fn without(&self, [before, chosen]: &[Self; 2]) -> Self {
        Self {
            prompt: if self.prompt == chosen.prompt { before.prompt.clone() } else { self.prompt.clone() },
            seed: if self.seed == chosen.seed { before.seed } else { self.seed },
            strength: if self.strength == chosen.strength { before.strength } else { self.strength },
        }
    }
}

/// A picture under the pointer.
#[derive(Clone, Debug)]
pub struct Pointed {
    /// What it is.
    pub caption: String,
    /// The picture.
    pub picture: Picture,
}

struct Tile {
    params: Arc<Params>,
    painting: Result<Miniature, Notice>,
    /// It is of an earlier drawing.
    is_old: bool,
}

impl Explore {
    /// A frame begins, in which nothing is seen yet.
    pub fn begin_frame(&mut self) {
        self.seen.clear();
        let now = self.pointed[1].take();
        self.pointed[0] = now;
    }

    /// The picture under the pointer, to be seen in the painting's place, and to be taken for it.
    pub fn pointed(&self) -> Option<&Pointed> {
        self.pointed[0].as_ref()
    }

    /// The pointer is over the preview of this place.
    pub fn point_at(&mut self, ctx: &Context, at: usize, variation: &Variation) {
        let tile = self.tiles.get(at).and_then(Option::as_ref).filter(|tile| *tile.params == variation.params);
        let Some(Ok(painting)) = tile.map(|tile| tile.painting.as_ref()) else { return };
        let (caption, picture) = (format!("Preview · {}", variation.name), painting.picture.clone());
        self.point(ctx, Pointed { caption, picture });
    }

    /// The pointer is over this one.
    pub fn point(&mut self, ctx: &Context, pointed: Pointed) {
        if !self.pointed().is_some_and(|before| before.picture.frame.shares_pixels(&pointed.picture.frame)) {
            ctx.request_repaint();
        }
        self.pointed[1] = Some(pointed);
    }

    /// Paintings of before.
    pub fn earlier(&mut self) -> &mut Earlier {
        &mut self.earlier
    }

    /// One thing was there before, another was chosen.
    pub fn remember(&mut self, before: Chosen, chosen: Chosen) {
        if self.trail.len() == TRAIL {
            self.trail.remove(0);
        }
        self.trail.push([before, chosen]);
    }

    /// Whether there is a choice of which something is left to take back.
    pub fn can_step_back(&self, now: &Chosen) -> bool {
        self.trail.iter().any(|choice| now.has_left(choice))
    }

    /// What there is `now` without the last choice of which something is left. What was changed otherwise stays.
    pub fn step_back(&mut self, now: &Chosen) -> Option<Chosen> {
        let last = self.trail.iter().rposition(|choice| now.has_left(choice))?;
        self.trail.drain(last..).next().map(|choice| now.without(&choice))
    }

    /// What is to be painted.
    pub fn seen(&self) -> &[Params] {
        &self.seen
    }

    /// Takes what was painted; what stayed the same is not sent to the graphics card again. Nothing means that all is to be
    /// painted anew.
    pub fn take(&mut self, previews: Vec<Preview>) {
        if previews.is_empty() {
            self.tiles.clear();
        }
        self.tiles.resize_with(self.seen.len(), || None);
        // The list is whole: what it lacks was another model's.
        for (tile, seen) in self.tiles.iter_mut().zip(&self.seen) {
            let is_known = |params: &Params| previews.iter().any(|preview| *preview.params == *params);
            tile.take_if(|tile| *tile.params == *seen && !is_known(seen));
        }
        for Preview { params, painting, is_old } in previews {
            // One that was on its way when the choices became others is nobody's.
            let Some(at) = self.seen.iter().position(|seen| *seen == *params) else { continue };
            let before = self.tiles[at].take().and_then(|tile| tile.painting.ok());
            let painting = painting.map(|picture| Miniature::new(picture, before));
            self.tiles[at] = Some(Tile { params, painting, is_old });
        }
    }

    /// Another model paints, with other choices.
    pub fn forget(&mut self) {
        self.found = None;
        self.trail.clear();
    }

    /// The choices that are seen now.
    pub fn turn_to(&mut self, choices: &Choices<'_>) -> Vec<Variation> {
        let axis = choices.axis();
        let present = match axis {
            Axis::Seed | Axis::Strength => choices.present(),
            Axis::Subject | Axis::Style | Axis::Background => self.present_words(choices),
        };
        self.page.follow(axis, present, choices.count());
        let of = (axis, self.page.first());
        if self.tiles_of != of {
            (self.tiles_of, self.tiles) = (of, Vec::new());
        }
        let variations = choices.page(self.page.first());
        self.seen = variations.iter().map(|variation| variation.params.clone()).collect();
        variations
    }

    fn present_words(&mut self, choices: &Choices<'_>) -> Option<u64> {
        let (axis, prompt) = (choices.axis(), &choices.params().prompt);
        let known = self.found.take().filter(|(of, with, _)| *of == axis && with == prompt);
        self.found.insert(known.unwrap_or_else(|| (axis, prompt.clone(), choices.present()))).2
    }

    /// Which choices are seen.
    pub fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    /// What is seen at this place, so many pixels large, and whether it is what these parameters give.
    pub fn painting(
        &mut self,
        ctx: &Context,
        (at, params): (usize, &Params),
        size: Size,
    ) -> Option<(Result<TextureId, &Notice>, bool)> {
        let tile = self.tiles.get_mut(at)?.as_mut()?;
        let texture = tile.painting.as_mut().map(|painting| painting.texture(ctx, size)).map_err(|notice| &*notice);
        Some((texture, !tile.is_old && *tile.params == *params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;

    fn chosen(prompt: &str, seed: u64, strength: f64) -> Chosen {
        Chosen { prompt: prompt.into(), seed, strength }
    }

    #[test]
    fn a_choice_is_taken_back_and_nothing_else() {
        let mut explore = Explore::default();
        explore.remember(chosen("house", 42, 0.5), chosen("house", 45, 0.5));
        explore.remember(chosen("house", 45, 0.5), chosen("castle", 45, 0.5));
        // Since then the strength became another one.
        let now = chosen("castle", 45, 0.9);
        assert!(explore.can_step_back(&now));
        assert_eq!(explore.step_back(&now), Some(chosen("house", 45, 0.9)));
        // And the words are typed.
        let now = chosen("my house", 45, 0.9);
        assert_eq!(explore.step_back(&now), Some(chosen("my house", 42, 0.9)));
        assert!(!explore.can_step_back(&now) && explore.step_back(&now).is_none());
        explore.remember(chosen("house", 42, 0.5), chosen("castle", 42, 0.5));
        assert!(!explore.can_step_back(&chosen("my castle", 42, 0.5)), "nothing of it is left");
        explore.forget();
        assert!(!explore.can_step_back(&chosen("castle", 42, 0.5)), "another model paints");
    }

    #[test]
    fn what_is_of_an_earlier_drawing_or_of_other_numbers_is_not_the_newest() {
        let (ctx, size) = (Context::default(), Size::square(4));
        let (present, other) = (Params::default(), Params { seed: 7, ..Params::default() });
        let mut explore = Explore { seen: vec![present.clone()], ..Explore::default() };
        for is_old in [true, false] {
            let painting = Ok(Picture::plain(Frame::filled(Size::square(8), [9; 4]), present.clone()));
            explore.take(vec![Preview { params: Arc::new(present.clone()), painting, is_old }]);
            let mut is_newest = |params| explore.painting(&ctx, (0, params), size).map(|(_, is_newest)| is_newest);
            assert_eq!((is_newest(&present), is_newest(&other)), (Some(!is_old), Some(false)));
        }
    }

    #[test]
    fn so_many_choices_are_remembered() {
        let mut explore = Explore::default();
        let seed = |seed: usize| chosen("", seed as u64, 0.5);
        (0..100).for_each(|at| explore.remember(seed(at), seed(at + 1)));
        let mut now = seed(100);
        while let Some(before) = explore.step_back(&now) {
            now = before;
        }
        assert_eq!(now, seed(100 - TRAIL));
    }
}
