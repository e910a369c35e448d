//! Which parameters are worth a look beside the present ones, and what they are called.

use super::numbers::LARGEST_SEED;
use super::words;
use crate::engine::Params;
use crate::studio::{Axis, ModelInfo};
use crate::weights::ModelCard;

/// How many are seen at once.
pub const PAGE: u64 = 8;
/// Strengths that are tried, in hundredths.
const STRENGTHS: [u32; 8] = [30, 40, 50, 60, 70, 80, 90, 100];
/// Styles for models that do not say which ones they know.
const STYLES: [&str; 8] =
    ["photograph", "oil painting", "watercolor", "pencil sketch", "comic", "anime", "pixel art", "3d render"];

/// Of backgrounds, none in particular.
const ANY: &str = "as it comes";

/// Parameters that differ from the present ones along one axis, or are the present ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    /// What is different about it, in a word.
    pub name: String,
    /// The parameters.
    pub params: Params,
    /// They are the present ones.
    pub is_present: bool,
}

/// What there is along an axis, around the present parameters.
pub struct Choices<'a> {
    axis: Axis,
    params: &'a Params,
    card: Option<&'a ModelCard>,
}

impl<'a> Choices<'a> {
    /// Along `axis`, for `model`.
    pub fn new(axis: Axis, params: &'a Params, model: Option<&'a ModelInfo>) -> Self {
        Self { axis, params, card: model.and_then(|model| model.card.as_ref()) }
    }

    /// What they differ in.
    pub fn axis(&self) -> Axis {
        self.axis
    }

    /// The present parameters.
    pub fn params(&self) -> &Params {
        self.params
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let known = |of: fn(&ModelCard) -> usize, otherwise: usize| self.card.map_or(otherwise, of) as u64;
        match self.axis {
            Axis::Seed => LARGEST_SEED + 1,
            Axis::Subject => known(|card| card.subjects.len(), 0),
            Axis::Style => known(|card| card.styles.len(), STYLES.len()),
            // Of nothing there is no background.
            Axis::Background if words::with_background(&self.params.prompt, None).is_empty() => 0,
            // And none in particular, if there are any.
            Axis::Background => known(|card| card.backgrounds.len() + usize::from(!card.backgrounds.is_empty()), 0),
            Axis::Strength => STRENGTHS.len() as u64,
        }
    }

    /// Whether there is anything to choose among.
    pub fn are_any(&self) -> bool {
        self.count() > 1
    }

    /// Which one the present parameters are.
    pub fn present(&self) -> Option<u64> {
        match self.axis {
            // No need to try four thousand million.
            Axis::Seed => Some(self.params.seed),
            _ => (0..self.count()).find(|&index| self.get(index).is_some_and(|found| found.is_present)),
        }
    }

    /// The one at `index`, if there is one.
    pub fn get(&self, index: u64) -> Option<Variation> {
        if index >= self.count() {
            return None;
        }
        let at = usize::try_from(index).ok()?;
        let mut params = self.params.clone();
        let name = match (self.axis, self.card) {
            (Axis::Seed, _) => {
                params.seed = index;
                index.to_string()
            }
            (Axis::Strength, _) => {
                let strength = f64::from(*STRENGTHS.get(at)?) / 100.0;
                params.strength = strength;
                format!("{strength:.2}")
            }
            (Axis::Subject, card) => {
                let subject = &card?.subjects.get(at)?.name;
                if !words::has_subject(&params.prompt, subject, card?) {
                    params.prompt = words::with_subject(&params.prompt, subject, card?);
                }
                subject.clone()
            }
            (Axis::Style, Some(card)) => {
                let style = card.styles.keys().nth(at)?;
                params.prompt = words::with_style(&params.prompt, style, card);
                style.clone()
            }
            (Axis::Style, None) => {
                let style = *STYLES.get(at)?;
                params.prompt = words::with_last(&params.prompt, style, &STYLES);
                style.to_owned()
            }
            (Axis::Background, card) => {
                let colour = match at.checked_sub(1) {
                    Some(at) => Some(card?.backgrounds.get(at)?.as_str()),
                    None => None,
                };
                if words::background(&params.prompt) != colour.map(str::to_lowercase) {
                    params.prompt = words::with_background(&params.prompt, colour);
                }
                colour.unwrap_or(ANY).to_owned()
            }
        };
        let is_present = params == *self.params;
        Some(Variation { name, params, is_present })
    }

    /// Those from `first` on, as many as are seen at once.
    pub fn page(&self, first: u64) -> Vec<Variation> {
        (first..first.saturating_add(PAGE)).map_while(|index| self.get(index)).collect()
    }
}

/// Which choices are seen. It stays while one of them is the present one, so that none moves when it is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    axis: Option<Axis>,
    present: Option<u64>,
    first: u64,
}

impl Page {
    /// The first one that is seen.
    pub fn first(self) -> u64 {
        self.first
    }

    /// Turns to where the present one is, when that became another one elsewhere or the axis did.
    pub fn follow(&mut self, axis: Axis, present: Option<u64>, count: u64) {
        let is_seen = |index: u64| (self.first..self.first.saturating_add(PAGE)).contains(&index);
        let has_moved = self.axis != Some(axis) || (self.present != present && !present.is_some_and(is_seen));
        if has_moved || self.first >= count {
            self.first = present.unwrap_or(0) / PAGE * PAGE;
        }
        (self.axis, self.present) = (Some(axis), present);
    }

    /// Whether there are some before.
    pub fn has_earlier(self) -> bool {
        self.first > 0
    }

    /// Whether there are more.
    pub fn has_later(self, count: u64) -> bool {
        self.first.saturating_add(PAGE) < count
    }

    /// Turns to those before.
    pub fn earlier(&mut self) {
        self.first = self.first.saturating_sub(PAGE);
    }

    /// Turns to those after.
    pub fn later(&mut self) {
        self.first = self.first.saturating_add(PAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(card: Option<&[u8]>) -> ModelInfo {
        ModelInfo {
            name: "a model".into(),
            source: crate::weights::ModelSource::Default,
            card: card.map(|text| ModelCard::parse(text, "card.json").unwrap()),
            size: crate::frame::Size::square(64),
            multiple: 8,
            guidance: crate::studio::GuidanceWay::Embedded,
            executor: String::new(),
            bytes: 0,
        }
    }

    fn painter() -> ModelInfo {
        info(Some(
            br#"{"subjects": [{"name": "red apple", "also": []}, {"name": "castle", "also": []}],
                "styles": {"3d": ["3d", "3d render"], "flat": ["flat icon"]}, "backgrounds": ["red", "navy"],
                "defaults": {"steps": 2, "strength": 0.6, "guidance": 6.0, "style": "3d"}}"#,
        ))
    }

    fn prompts(axis: Axis, prompt: &str, model: &ModelInfo) -> Vec<String> {
        let params = Params { prompt: prompt.into(), ..Params::default() };
        Choices::new(axis, &params, Some(model)).page(0).into_iter().map(|found| found.params.prompt).collect()
    }

    #[test]
    fn words_change_along_their_axis_alone() {
        let model = painter();
        let prompt = "castle, 3d render, red background";
        let subjects = ["red apple, 3d render, red background", "castle, 3d render, red background"];
        assert_eq!(prompts(Axis::Subject, prompt, &model), subjects);
        let styles = ["castle, 3d render, red background", "castle, flat icon, red background"];
        assert_eq!(prompts(Axis::Style, prompt, &model), styles);
        let backgrounds = ["red background", "navy background"].map(|colour| format!("castle, 3d render, {colour}"));
        let all = [vec!["castle, 3d render".to_owned()], backgrounds.to_vec()].concat();
        assert_eq!(prompts(Axis::Background, prompt, &model), all);
        assert!(prompts(Axis::Background, " ", &model).is_empty(), "a background of nothing");
        assert!(prompts(Axis::Background, "red background", &model).is_empty(), "of nothing else");
    }

    #[test]
    fn two_styles_in_a_prompt_are_two_choices() {
        let styles = ["castle, 3d", "castle, flat icon"];
        assert_eq!(prompts(Axis::Style, "castle, 3d, flat icon", &painter()), styles);
    }

    #[test]
    fn the_present_one_is_among_them() {
        let model = painter();
        let params =
            Params { prompt: "castle, 3d, navy background".into(), seed: 42, strength: 0.7, ..Params::default() };
        for (axis, index) in
            [(Axis::Seed, 42), (Axis::Subject, 1), (Axis::Style, 0), (Axis::Background, 2), (Axis::Strength, 4)]
        {
            let choices = Choices::new(axis, &params, Some(&model));
            assert_eq!(choices.present(), Some(index), "{axis:?}");
            let found = choices.get(index).unwrap();
            assert!(found.is_present && found.params == params, "{axis:?}");
            assert!(choices.are_any() && choices.get(choices.count()).is_none(), "{axis:?}");
        }
    }

    #[test]
    fn what_is_written_in_another_way_is_the_present_one_and_stays_as_it_is() {
        let model = painter();
        for (axis, prompt, index) in [
            (Axis::Subject, "castle", 1),
            (Axis::Subject, "Castle,navy background", 1),
            (Axis::Background, "castle,3d", 0),
            (Axis::Background, "castle, Navy Background, 3d", 2),
        ] {
            let params = Params { prompt: prompt.into(), ..Params::default() };
            let choices = Choices::new(axis, &params, Some(&model));
            assert_eq!(choices.present(), Some(index), "{axis:?} of {prompt:?}");
            assert_eq!(choices.get(index).unwrap().params.prompt, prompt);
        }
        let params = Params { prompt: "castle, tower".into(), ..Params::default() };
        assert_eq!(Choices::new(Axis::Subject, &params, Some(&model)).present(), None, "two subjects");
    }

    #[test]
    fn without_a_card_there_are_usual_styles() {
        let model = info(None);
        let styled = prompts(Axis::Style, "a house, oil painting", &model);
        assert_eq!(styled.len(), 8);
        assert!(styled.contains(&"a house, oil painting".to_owned()) && styled.contains(&"a house, comic".to_owned()));
        let params = Params::default();
        for axis in [Axis::Subject, Axis::Background] {
            assert!(!Choices::new(axis, &params, Some(&model)).are_any(), "{axis:?}");
        }
    }

    #[test]
    fn choices_stay_where_they_are_when_one_is_chosen() {
        let mut page = Page::default();
        let many = LARGEST_SEED + 1;
        page.follow(Axis::Seed, Some(42), many);
        assert_eq!(page.first(), 40);
        page.later();
        page.follow(Axis::Seed, Some(42), many);
        assert_eq!(page.first(), 48, "looking further is not taken back");
        page.follow(Axis::Seed, Some(50), many);
        assert_eq!(page.first(), 48);
        page.follow(Axis::Seed, Some(9), many);
        assert_eq!(page.first(), 8, "the dice fell");
        page.follow(Axis::Strength, None, 8);
        assert!(page.first() == 0 && !page.has_earlier() && !page.has_later(8));
        page.follow(Axis::Seed, Some(LARGEST_SEED), many);
        assert!(page.has_earlier() && !page.has_later(many), "{page:?}");
    }
}
