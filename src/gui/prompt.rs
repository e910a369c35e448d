//! The prompt field: what the model knows is offered while one types, what it does not know is underlined.

use std::cell::Cell;
use std::ops::Range;

use egui::text::{CCursor, LayoutJob, TextFormat};
use egui::{
    Align, Align2, CompletionPopup, FontId, Frame, Key, Layout, Rect, RectAlign, Stroke, Suggestion, TextBuffer,
    TextEdit, Ui, UiBuilder, pos2, vec2,
};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::Cx;
use super::look::PROMPT;
use super::theme::Theme;
use super::widgets::icon_button;
use super::words;
use crate::weights::ModelCard;

/// How many subjects are offered at once.
const OFFERED: usize = 8;

/// The id of the field, for whoever wants to put the cursor there.
pub fn field_id() -> egui::Id {
    egui::Id::unique("prompt")
}

/// Shows the field in `rect`.
pub fn prompt_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let theme = cx.theme;
    let focused = ui.memory(|memory| memory.has_focus(field_id()));
    let edge = if focused { Stroke::new(1.5, theme.accent) } else { Stroke::new(1.0, theme.line) };
    ui.painter().rect(rect, 10, theme.well, edge, egui::StrokeKind::Inside);
    let mut row = ui.new_child(
        UiBuilder::new().max_rect(rect.shrink2(vec2(4.0, 0.0))).layout(Layout::right_to_left(Align::Center)),
    );
    if icon_button(&mut row, icons::ICON_CASINO, "Random prompt", "Something the model knows", theme).clicked() {
        cx.act(Action::RandomPrompt);
    }
    let card = cx.card().cloned();
    let width = row.available_width() - 8.0;
    row.allocate_ui_with_layout(vec2(width, rect.height()), Layout::left_to_right(Align::Center), |ui| {
        field_ui(ui, &mut cx.settings.params.prompt, card.as_ref(), theme);
    });
}

fn field_ui(ui: &mut Ui, prompt: &mut String, card: Option<&ModelCard>, theme: &Theme) {
    let mut layouter = |ui: &Ui, text: &dyn TextBuffer, _width: f32| {
        let format = TextFormat::simple(FontId::proportional(PROMPT), theme.text);
        ui.fonts_mut(|fonts| fonts.layout_job(LayoutJob::single_section(text.as_str().to_owned(), format)))
    };
    let field = TextEdit::singleline(prompt)
        .font(FontId::proportional(PROMPT))
        .frame(Frame::NONE)
        .desired_width(ui.available_width())
        .char_limit(words::LONGEST)
        .align(Align2::LEFT_CENTER)
        .hint_text(egui::RichText::new("What shall it paint?").size(PROMPT).color(theme.quiet))
        .layouter(&mut layouter);
    let completes = Completes::now(ui);
    let loose = Cell::new(false);
    let output = CompletionPopup::new(field_id())
        .word_boundary(|c| c == ',')
        .align(RectAlign::TOP_START)
        .max_height(260.0)
        .accept_keys(completes.keys())
        .show(ui, field, |query| {
            let offers = card.map(|card| offers(card, query.word, query.is_at_start())).unwrap_or_default();
            loose.set(offers.is_loose);
            offers.list
        });
    let edit = output.text_edit;
    completes.keep(ui, loose.get(), edit.response.response.changed());
    edit.response.response.clone().accessible_name("Prompt");
    if edit.response.response.changed() {
        words::clean(prompt);
    }
    if let Some(card) = card.filter(|_| !prompt.is_empty()) {
        let unknown = unknown_words(ui, card, prompt);
        underline(ui, &edit, prompt, &unknown, &card.name, theme);
    }
}

/// Whether Enter takes what is offered. It does where that begins as what was typed; words that only contain it are taken
/// once they were chosen with an arrow, so that Enter after words of one's own changes none of them.
struct Completes(bool);

impl Completes {
    fn id() -> egui::Id {
        field_id().with("enter completes")
    }

    fn now(ui: &Ui) -> Self {
        let arrow = ui.input(|input| input.key_pressed(Key::ArrowDown) || input.key_pressed(Key::ArrowUp));
        Self(arrow || ui.data(|data| data.get_temp(Self::id())).unwrap_or(false))
    }

    fn keys(&self) -> Vec<Key> {
        if self.0 { vec![Key::Enter, Key::Tab] } else { vec![Key::Tab] }
    }

    fn keep(&self, ui: &Ui, loose: bool, changed: bool) {
        ui.data_mut(|data| data.insert_temp(Self::id(), !loose || (self.0 && !changed)));
    }
}

/// What may follow.
#[derive(Default)]
struct Offers {
    list: Vec<Suggestion>,
    /// They are found in the middle, or for the last word alone.
    is_loose: bool,
}

/// What is offered for the part of the prompt before the cursor. Nothing when it is complete.
fn offers(card: &ModelCard, word: &str, first: bool) -> Offers {
    let typed = word.trim();
    let whole = match first {
        true if card.is_subject(typed) => Vec::new(),
        true => subjects(card, typed),
        // The form is "SUBJECT, STYLE, COLOUR background".
        false => card.suggest_extra(typed, OFFERED),
    };
    if typed.is_empty() || whole.iter().any(|name| name.eq_ignore_ascii_case(typed)) {
        return Offers::default();
    }
    let is_loose = whole.first().is_some_and(|name| !name.to_lowercase().starts_with(&typed.to_lowercase()));
    let indent = if first { "" } else { " " };
    let list = whole.into_iter().map(|name| Suggestion::new(format!("{indent}{name}")).content(name)).collect();
    Offers { list, is_loose }
}

/// Subjects for what is typed, or for its last word, with the words before it; a last word that is a subject needs none.
fn subjects(card: &ModelCard, typed: &str) -> Vec<String> {
    let found = card.suggest(typed, typed.len(), OFFERED);
    match typed.rsplit_once(' ') {
        Some((_, last)) if found.is_empty() && card.is_subject(last) => Vec::new(),
        Some((before, last)) if found.is_empty() => {
            let found = card.suggest(last, last.len(), OFFERED);
            found.into_iter().map(|name| joined(before, name)).collect()
        }
        _ => found.into_iter().map(str::to_owned).collect(),
    }
}

/// `name` after `before`, words that both have there only once: "my red" and "red apple" make "my red apple".
fn joined(before: &str, name: &str) -> String {
    let words: Vec<&str> = before.split_whitespace().collect();
    let begins = |with: &[&str]| {
        let mut of_name = name.split_whitespace();
        with.iter().all(|word| of_name.next().is_some_and(|own| own.eq_ignore_ascii_case(word)))
    };
    let own = (0..=words.len()).find(|&from| begins(&words[from..])).unwrap_or(words.len());
    words[..own].iter().copied().chain([name]).collect::<Vec<_>>().join(" ")
}

/// The unknown words, looked up only when prompt or model changed.
fn unknown_words(ui: &Ui, card: &ModelCard, prompt: &str) -> Vec<Range<usize>> {
    let id = field_id().with("unknown");
    let key = (card.name.clone(), prompt.to_owned());
    type Known = ((String, String), Vec<Range<usize>>);
    if let Some((_, ranges)) = ui.data(|data| data.get_temp::<Known>(id)).filter(|(known, _)| *known == key) {
        return ranges;
    }
    let ranges = card.unknown_words(prompt);
    ui.data_mut(|data| data.insert_temp(id, (key, ranges.clone())));
    ranges
}

/// Dots under the words that the model was not trained on, and a word about it under the pointer.
fn underline(
    ui: &Ui,
    edit: &egui::text_edit::TextEditOutput,
    prompt: &str,
    unknown: &[Range<usize>],
    model: &str,
    theme: &Theme,
) {
    let painter = ui.painter().with_clip_rect(edit.text_clip_rect);
    for range in unknown {
        let Some(rect) = word_rect(edit, prompt, range) else { continue };
        let y = rect.bottom() - 1.0;
        let mut x = rect.left();
        while x < rect.right() {
            painter.circle_filled(pos2(x + 1.0, y), 1.0, theme.warn);
            x += 4.0;
        }
        let over =
            edit.response.response.hover_pos().is_some_and(|at| rect.contains(at) && edit.text_clip_rect.contains(at));
        if over {
            let word = prompt.get(range.clone()).unwrap_or_default();
            edit.response.response.show_tooltip_text(format!("{model} was not trained on “{word}”"));
        }
    }
}

fn word_rect(edit: &egui::text_edit::TextEditOutput, prompt: &str, range: &Range<usize>) -> Option<Rect> {
    let start = prompt.get(..range.start)?.chars().count();
    let end = start + prompt.get(range.clone())?.chars().count();
    let offset = edit.galley_pos.to_vec2();
    let left = edit.galley.pos_from_cursor(CCursor::new(start)).translate(offset);
    let right = edit.galley.pos_from_cursor(CCursor::new(end)).translate(offset);
    Some(Rect::from_min_max(left.min, pos2(right.left(), left.bottom())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        ModelCard::parse(
            br#"{"subjects": [{"name": "red apple", "also": ["apple"]}, {"name": "cat face", "also": ["cat", "kitten"]},
                {"name": "balloon"}, {"name": "carrot"}, {"name": "castle"}]}"#,
            "card.json",
        )
        .unwrap()
    }

    fn names(typed: &str) -> Vec<String> {
        let offers = offers(&card(), typed, true);
        offers.list.into_iter().map(|offer| offer.insert).collect()
    }

    #[test]
    fn what_is_known_is_left_alone() {
        for typed in ["red apple", "a red apple", "apple", "cat", "Kitten", "blue cat", "my red apple"] {
            assert_eq!(names(typed), Vec::<String>::new(), "{typed}");
        }
    }

    #[test]
    fn words_are_said_once() {
        assert_eq!(names("castl"), ["castle"]);
        assert_eq!(names("my red app"), ["my red apple"]);
        assert_eq!(names("blue ball"), ["blue balloon"]);
        assert_eq!(joined("a", "castle"), "a castle");
    }

    #[test]
    fn enter_takes_only_what_goes_on_as_it_was_typed() {
        assert!(!offers(&card(), "castl", true).is_loose);
        assert!(offers(&card(), "app", true).is_loose, "it is in the middle of the name");
    }
}
