//! The prompt field: what the model knows is offered while one types, what it does not know is underlined.

use std::ops::Range;

use egui::text::{CCursor, LayoutJob, TextFormat};
use egui::{
    Align, Align2, CompletionPopup, FontId, Frame, Layout, Rect, RectAlign, Stroke, Suggestion, TextBuffer, TextEdit,
    Ui, UiBuilder, pos2, vec2,
};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::Cx;
use super::look::PROMPT;
use super::theme::Theme;
use super::widgets::icon_button;
use super::words;
use crate::weights::Card;

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

fn field_ui(ui: &mut Ui, prompt: &mut String, card: Option<&Card>, theme: &Theme) {
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
    let output = CompletionPopup::new(field_id())
        .word_boundary(|c| c == ',')
        .align(RectAlign::TOP_START)
        .max_height(260.0)
        .show(ui, field, |query| card.map(|card| offers(card, query.word, query.is_at_start())).unwrap_or_default());
    let edit = output.text_edit;
    edit.response.response.clone().accessible_name("Prompt");
    if edit.response.response.changed() {
        words::clean(prompt);
    }
    if let Some(card) = card.filter(|_| !prompt.is_empty()) {
        let unknown = unknown_words(ui, card, prompt);
        underline(ui, &edit, prompt, &unknown, &card.name, theme);
    }
}

/// What is offered for the part of the prompt before the cursor. Nothing when it is complete.
fn offers(card: &Card, word: &str, first: bool) -> Vec<Suggestion> {
    let typed = word.trim();
    let whole = match first {
        true => subjects(card, typed),
        // The form is "SUBJECT, STYLE, COLOUR background".
        false => card.suggest_extra(typed, OFFERED),
    };
    if typed.is_empty() || whole.iter().any(|name| name.eq_ignore_ascii_case(typed)) {
        return Vec::new();
    }
    let indent = if first { "" } else { " " };
    whole.into_iter().map(|name| Suggestion::new(format!("{indent}{name}")).content(name)).collect()
}

/// Subjects for what is typed, or for its last word, with the words before it.
fn subjects(card: &Card, typed: &str) -> Vec<String> {
    let found = card.suggest(typed, typed.len(), OFFERED);
    match typed.rsplit_once(' ') {
        Some((before, last)) if found.is_empty() => {
            let found = card.suggest(last, last.len(), OFFERED);
            found.into_iter().map(|name| format!("{before} {name}")).collect()
        }
        _ => found.into_iter().map(str::to_owned).collect(),
    }
}

/// The unknown words, looked up only when prompt or model changed.
fn unknown_words(ui: &Ui, card: &Card, prompt: &str) -> Vec<Range<usize>> {
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
