//! Prompts in the form a card suggests: "SUBJECT, STYLE[, COLOUR background]". Text in, text out.

use crate::weights::ModelCard;

const BACKGROUND: &str = " background";

fn parts(prompt: &str) -> Vec<String> {
    prompt.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn is_style(part: &str, card: &ModelCard) -> bool {
    card.styles.iter().any(|(name, words)| same(name, part) || words.iter().any(|word| same(word, part)))
}

/// Words before the colour are no colour: "a cat on a red background" is all about the cat.
fn is_background(part: &str) -> bool {
    part.to_ascii_lowercase().ends_with(BACKGROUND) && part.split_whitespace().count() <= 3
}

/// The background colour that `prompt` asks for.
pub fn background(prompt: &str) -> Option<String> {
    let part = parts(prompt).into_iter().rev().find(|part| is_background(part))?;
    part.get(..part.len() - BACKGROUND.len()).map(|colour| colour.trim().to_lowercase())
}

/// `prompt` with another background, or none.
pub fn with_background(prompt: &str, colour: Option<&str>) -> String {
    let mut parts: Vec<String> = parts(prompt).into_iter().filter(|part| !is_background(part)).collect();
    parts.extend(colour.map(|colour| format!("{colour}{BACKGROUND}")));
    parts.join(", ")
}

/// Whether `prompt` asks for the style called `name`.
pub fn has_style(prompt: &str, name: &str, card: &ModelCard) -> bool {
    let words = card.styles.get(name);
    parts(prompt).iter().any(|part| same(part, name) || words.is_some_and(|words| words.iter().any(|w| same(w, part))))
}

/// `prompt` with the style called `name` added, or taken away when it was there.
pub fn toggle_style(prompt: &str, name: &str, card: &ModelCard) -> String {
    let was_there = has_style(prompt, name, card);
    let mut parts: Vec<String> = parts(prompt).into_iter().filter(|part| !is_style(part, card)).collect();
    if !was_there {
        let end = parts.iter().position(|part| is_background(part)).unwrap_or(parts.len());
        parts.insert(end, style_word(name, card));
    }
    parts.join(", ")
}

/// `prompt` with the style called `name`, and no other.
pub fn with_style(prompt: &str, name: &str, card: &ModelCard) -> String {
    if !has_style(prompt, name, card) {
        return toggle_style(prompt, name, card);
    }
    let is_other = |part: &String| is_style(part, card) && !has_style(part, name, card);
    let (others, kept): (Vec<_>, Vec<_>) = parts(prompt).into_iter().partition(is_other);
    if others.is_empty() { prompt.to_owned() } else { kept.join(", ") }
}

/// `prompt` with `word` as its last part, instead of any of `others` that are there.
pub fn with_last(prompt: &str, word: &str, others: &[&str]) -> String {
    let mut parts = parts(prompt);
    parts.retain(|part| !others.iter().any(|other| same(other, part)));
    parts.push(word.to_owned());
    parts.join(", ")
}

fn style_word(name: &str, card: &ModelCard) -> String {
    card.styles.get(name).and_then(|words| words.first()).map_or(name, String::as_str).to_owned()
}

/// `prompt` with another subject; style and background stay. A prompt without a style gets the card's usual one.
pub fn with_subject(prompt: &str, subject: &str, card: &ModelCard) -> String {
    let mut kept: Vec<String> =
        parts(prompt).into_iter().filter(|part| is_style(part, card) || is_background(part)).collect();
    if !kept.iter().any(|part| is_style(part, card)) && !card.defaults.style.is_empty() {
        kept.insert(0, style_word(&card.defaults.style, card));
    }
    kept.insert(0, subject.to_owned());
    kept.join(", ")
}

/// Whether `subject` is all that `prompt` asks for, beside style and background.
pub fn has_subject(prompt: &str, subject: &str, card: &ModelCard) -> bool {
    let mut subjects = parts(prompt).into_iter().filter(|part| !is_style(part, card) && !is_background(part));
    subjects.next().is_some_and(|found| same(&found, subject)) && subjects.next().is_none()
}

/// The most characters of a prompt; text encoders read far fewer.
pub const LONGEST: usize = 2000;

/// A prompt from a file: no more, and nothing else, than can be typed.
pub fn tamed(prompt: &str) -> String {
    let mut prompt = prompt.chars().take(LONGEST).collect();
    clean(&mut prompt);
    prompt
}

/// The first characters of `text`, and that there are more.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", text[..cut].trim_end()),
        None => text.to_owned(),
    }
}

/// Takes out what is not text: line breaks and other control characters become spaces.
pub fn clean(prompt: &mut String) {
    if prompt.chars().any(char::is_control) {
        *prompt = prompt.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        let mut card = ModelCard::default();
        card.styles.insert("3d".into(), vec!["3d".into(), "3d render".into()]);
        card.styles.insert("flat".into(), vec!["flat icon".into()]);
        card.defaults.style = "3d".into();
        card
    }

    #[test]
    fn a_background_is_found_and_changed() {
        assert_eq!(background("house, 3d, Navy background"), Some("navy".into()));
        assert_eq!(background("house"), None);
        assert_eq!(background("background"), None);
        assert_eq!(with_background("house, red background, 3d", Some("teal")), "house, 3d, teal background");
        assert_eq!(with_background("house, red background", None), "house");
        assert_eq!(with_background("house, light blue background", Some("red")), "house, red background");
        let cat = "a cat on a red background";
        assert_eq!(with_background(cat, Some("teal")), format!("{cat}, teal background"), "the cat is gone");
        assert_eq!(background(cat), None);
    }

    #[test]
    fn styles_exclude_each_other_and_stand_before_the_background() {
        let card = card();
        assert_eq!(toggle_style("house, red background", "3d", &card), "house, 3d, red background");
        assert_eq!(toggle_style("house, 3d render", "flat", &card), "house, flat icon");
        assert_eq!(toggle_style("house, 3d render", "3d", &card), "house");
    }

    #[test]
    fn a_subject_keeps_style_and_background() {
        let card = card();
        assert_eq!(with_subject("", "castle", &card), "castle, 3d");
        assert_eq!(
            with_subject("old barn, flat icon, red background", "castle", &card),
            "castle, flat icon, red background"
        );
    }

    #[test]
    fn control_characters_become_spaces() {
        let mut prompt = "red\napple\u{7}".to_owned();
        clean(&mut prompt);
        assert_eq!(prompt, "red apple ");
    }
}
