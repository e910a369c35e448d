//! Help with writing a prompt, from a model's card: suggestions while typing, words the model was never shown, a prompt at random.

use std::collections::HashSet;
use std::ops::Range;

use super::{ModelCard, Subject};

/// Longest text that is still looked up as a subject.
const TYPED_LIMIT_BYTES: usize = 80;
/// How much of a prompt is checked for unknown words; the text encoder reads less than this.
const CHECKED_LIMIT_BYTES: usize = 8192;
/// Words that need not be on the card.
const SMALL_WORDS: &str = "a an the of with and or on in at to from by for is its background style";
/// The form of a prompt when the card has none.
const USUAL_FORM: &str = "SUBJECT, STYLE[, COLOUR background]";
/// How often dice are rolled again that show what they showed before.
const MOST_ROLLS: usize = 32;

impl ModelCard {
    /// Up to `limit` subjects that fit what is typed before byte `cursor` of `prompt`, best first.
    ///
    /// An empty prompt gets the first subjects of the card; a finished subject, or an empty part after a comma, gets none.
    pub fn suggest(&self, prompt: &str, cursor: usize, limit: usize) -> Vec<&str> {
        if prompt.trim().is_empty() {
            return self.subject_examples(limit);
        }
        let (before, after) = prompt.split_at_checked(cursor).unwrap_or((prompt, ""));
        let begin = before.rsplit(',').next().unwrap_or_default();
        let end = after.split(',').next().unwrap_or_default();
        if begin.len() + end.len() > TYPED_LIMIT_BYTES {
            return Vec::new();
        }
        let typed = without_article(begin.trim_start()).to_lowercase();
        let whole = without_article(format!("{begin}{end}").trim()).to_lowercase();
        if typed.trim().is_empty() || self.subjects.iter().any(|subject| subject.name.to_lowercase() == whole) {
            return Vec::new();
        }
        let mut found: Vec<(u8, usize)> =
            (0..self.subjects.len()).filter_map(|at| Some((self.subjects[at].rank(&typed)?, at))).collect();
        found.sort_unstable();
        found.into_iter().take(limit).map(|(_, at)| self.subjects[at].name.as_str()).collect()
    }

    /// Whether `text` is a subject, by its name or another one that the card gives it; an article does not count.
    pub fn is_subject(&self, text: &str) -> bool {
        let text = without_article(text.trim()).to_lowercase();
        let names = self.subjects.iter().flat_map(|subject| std::iter::once(&subject.name).chain(&subject.also));
        !text.is_empty() && names.into_iter().any(|name| name.to_lowercase() == text)
    }

    /// Up to `limit` styles and backgrounds that begin with `typed`: what may follow a subject.
    pub fn suggest_extra(&self, typed: &str, limit: usize) -> Vec<String> {
        let typed = typed.to_lowercase();
        let styles = self.styles.values().flatten().cloned();
        let backgrounds = self.backgrounds.iter().map(|colour| format!("{colour} background"));
        let mut found: Vec<String> = Vec::new();
        for extra in styles.chain(backgrounds).filter(|extra| extra.to_lowercase().starts_with(&typed)) {
            // A word that dice shall show more often is on the card more often.
            if !found.contains(&extra) {
                found.push(extra);
            }
        }
        found.truncate(limit);
        found
    }

    /// The first `n` subjects: what an empty prompt can show.
    pub fn subject_examples(&self, n: usize) -> Vec<&str> {
        self.subjects.iter().take(n).map(|subject| subject.name.as_str()).collect()
    }

    /// Byte ranges of the words of `prompt` that the model was never shown. None when the card knows no subjects.
    pub fn unknown_words(&self, prompt: &str) -> Vec<Range<usize>> {
        if self.subjects.is_empty() {
            return Vec::new();
        }
        let known = self.known_words();
        let end = prompt.floor_char_boundary(CHECKED_LIMIT_BYTES);
        words(&prompt[..end]).filter(|range| !is_known(&known, &prompt[range.clone()].to_lowercase())).collect()
    }

    /// A prompt in the card's form, chosen by `pick` (any number): another one than `before`, unless the card has no other.
    pub fn random_prompt(&self, pick: u64, before: &str) -> String {
        let mut dice = Dice(pick);
        let mut prompt = self.roll(&mut dice);
        for _ in 0..MOST_ROLLS {
            if prompt != before {
                break;
            }
            prompt = self.roll(&mut dice);
        }
        prompt
    }

    fn roll(&self, dice: &mut Dice) -> String {
        let subject = dice.choose(&self.subjects).map(|subject| subject.name.as_str());
        let styles = self.styles.get(&self.defaults.style).or_else(|| self.styles.values().next());
        let style = styles.and_then(|words| dice.choose(words)).map(String::as_str);
        let colour = dice.choose(&self.backgrounds).map(String::as_str);
        let form = if self.prompt_form.contains("SUBJECT") { &self.prompt_form } else { USUAL_FORM };
        let form = match form.split_once('[').and_then(|(a, b)| Some((a, b.split_once(']')?))) {
            Some((start, (extra, rest))) if dice.next().is_multiple_of(2) => format!("{start}{extra}{rest}"),
            Some((start, (_, rest))) => format!("{start}{rest}"),
            None => form.to_owned(),
        };
        let fill = |part: &str| {
            [("SUBJECT", subject), ("STYLE", style), ("COLOUR", colour), ("COLOR", colour)].iter().try_fold(
                part.trim().to_owned(),
                |text, (name, value)| {
                    if text.contains(name) { Some(text.replace(name, (*value)?)) } else { Some(text) }
                },
            )
        };
        form.split(',').filter_map(fill).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// All words of the card, in lower case, hyphenated ones also in their parts.
    fn known_words(&self) -> HashSet<String> {
        let subjects = self.subjects.iter().flat_map(|subject| std::iter::once(&subject.name).chain(&subject.also));
        let styles = self.styles.iter().flat_map(|(name, words)| std::iter::once(name).chain(words));
        let texts = subjects.chain(styles).chain(&self.backgrounds).map(String::as_str);
        let mut known = HashSet::new();
        for text in texts.chain([SMALL_WORDS]) {
            for range in words(text) {
                let word = text[range].to_lowercase();
                known.extend(word.split('-').map(ToOwned::to_owned));
                known.insert(word);
            }
        }
        known
    }
}

impl Subject {
    /// How well this fits `typed` (in lower case): 0 is best, `None` not at all.
    fn rank(&self, typed: &str) -> Option<u8> {
        let name = rank(&self.name, typed);
        let also = self.also.iter().filter_map(|alias| rank(alias, typed)).min().map(|rank| rank + 1);
        name.into_iter().chain(also).min()
    }
}

/// 0 for the same start, 2 for the start of a later word, 4 for the middle of a word (from three letters on).
fn rank(name: &str, typed: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if name.starts_with(typed) {
        return Some(0);
    }
    if words(&name).any(|range| name[range.start..].starts_with(typed)) {
        return Some(2);
    }
    (typed.chars().count() >= 3 && name.contains(typed)).then_some(4)
}

fn without_article(text: &str) -> &str {
    ["a ", "an ", "the ", "A ", "An ", "The "]
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .unwrap_or(text)
        .trim_start()
}

/// Byte ranges of words: letters, digits, and hyphens or apostrophes between them.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let joins = |c: char| c == '-' || c == '\'' || c == '’';
    text.split(move |c: char| !c.is_alphanumeric() && !joins(c)).filter_map(move |word| {
        let word = word.trim_matches(joins);
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        (!word.is_empty()).then(|| start..start + word.len())
    })
}

/// Whether a word in lower case is on the card, in singular or plural, whole or in all its hyphenated parts.
fn is_known(known: &HashSet<String>, word: &str) -> bool {
    let has = |word: &str| known.contains(word);
    let one = |word: &str| {
        has(word)
            || word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).is_some_and(has)
            || word.strip_suffix("ies").is_some_and(|stem| has(&format!("{stem}y")))
            || word.strip_suffix("es").is_some_and(has)
            || word.strip_suffix('s').is_some_and(has)
            || has(&format!("{word}s"))
            || word.strip_suffix('y').is_some_and(|stem| has(&format!("{stem}ies")))
    };
    one(word) || word.contains('-') && word.split('-').all(one)
}

/// Numbers that follow from one number (the splitmix64 sequence).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let n = self.next();
        from.get((n % from.len().max(1) as u64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/model/card.json")).unwrap();
        ModelCard::parse(&bytes, "card.json").unwrap()
    }

    fn suggest(prompt: &str, cursor: usize, limit: usize) -> Vec<String> {
        card().suggest(prompt, cursor, limit).into_iter().map(ToOwned::to_owned).collect()
    }

    fn has(names: &[String], name: &str) -> bool {
        names.iter().any(|n| n == name)
    }

    fn unknown(prompt: &str) -> Vec<String> {
        card().unknown_words(prompt).into_iter().map(|range| prompt[range].to_owned()).collect()
    }

    #[test]
    fn starts_come_before_aliases_and_middles() {
        assert_eq!(suggest("ap", 2, 3), ["red apple"]);
        let apples = suggest("apple", 5, 3);
        assert_eq!(apples, ["red apple", "pineapple"]);
        assert_eq!(suggest("A car", 5, 1), ["carrot"]);
        assert!(has(&suggest("A car", 5, 3), "automobile"));
    }

    #[test]
    fn only_the_part_at_the_cursor_counts() {
        let prompt = "red app, 3d render";
        assert_eq!(suggest(prompt, 7, 3), ["red apple"]);
        assert_eq!(suggest(prompt, 4, 30)[0], "red apple");
        assert!(suggest("red apple, ", 11, 3).is_empty());
    }

    #[test]
    fn a_finished_subject_asks_for_nothing() {
        assert!(suggest("red apple", 9, 5).is_empty());
        assert!(suggest("Red Apple", 3, 5).is_empty());
    }

    #[test]
    fn an_empty_prompt_gets_examples() {
        assert_eq!(suggest("  ", 1, 4).len(), 4);
        assert_eq!(card().subject_examples(2), ["red apple", "smiling face"]);
    }

    #[test]
    fn odd_cursors_and_long_prompts_are_harmless() {
        assert!(suggest("äöü", 1, 3).is_empty());
        assert!(has(&suggest("cat", 400, 3), "cat face"));
        assert!(suggest(&"x".repeat(100_000), 100_000, 3).is_empty());
    }

    #[test]
    fn unknown_words_are_found() {
        assert_eq!(unknown("A red apple, 3d render, sky blue background"), [""; 0]);
        assert_eq!(unknown("Apples and cherry with a zeppelin"), ["zeppelin"]);
        assert_eq!(unknown("smiling face with heart-eyes, t-rex"), [""; 0]);
        assert_eq!(unknown("“grün”, 🍎 apple's"), ["grün"]);
        assert!(ModelCard::default().unknown_words("anything goes").is_empty());
    }

    #[test]
    fn random_prompts_have_the_cards_form() {
        let card = card();
        let all: Vec<String> = (0..200).map(|pick| card.random_prompt(pick, "")).collect();
        assert!(all.iter().all(|prompt| unknown(prompt).is_empty()), "{all:?}");
        assert!(all.iter().any(|prompt| prompt.ends_with(" background")));
        assert!(all.iter().any(|prompt| !prompt.ends_with(" background")));
        assert!(all.iter().all(|prompt| !prompt.contains("SUBJECT") && prompt.contains("3d")));
        assert_eq!(card.random_prompt(7, ""), card.random_prompt(7, ""));
        assert_eq!(ModelCard::default().random_prompt(7, ""), "");
    }

    #[test]
    fn dice_show_another_prompt_each_time() {
        let subjects = ["owl", "fox"].map(|name| Subject { name: name.into(), also: vec![] });
        let card = ModelCard { subjects: subjects.into(), ..ModelCard::default() };
        for pick in 0..200 {
            assert_eq!(card.random_prompt(pick, "owl"), "fox");
        }
    }

    #[test]
    fn a_card_without_styles_still_makes_prompts() {
        let card = ModelCard { subjects: vec![Subject { name: "owl".into(), also: vec![] }], ..ModelCard::default() };
        assert_eq!(card.random_prompt(3, ""), "owl");
        assert_eq!(card.random_prompt(3, "owl"), "owl", "there is no other");
    }
}
