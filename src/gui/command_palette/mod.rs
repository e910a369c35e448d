//! The command palette: a field in which one types what one wants, and a list of what fits. Enter does the first of it.

mod entries;

use egui::{
    Align2, Context, Event, FontId, Id, Key, Modal, Modifiers, Response, Role, ScrollArea, Sense, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use self::entries::{Entry, found};
use super::cx::Cx;
use super::look::{BODY, NOTE, PROMPT};
use super::modal::card_frame;
use super::shortcuts;
use super::theme::Theme;
use super::widgets::note_ui;

/// How many are seen at once, where there is room.
const SHOWN: usize = 9;
/// And how many one can scroll to.
const FOUND: usize = 60;
/// Width of the card in points.
const WIDTH: f32 = 440.0;
/// Height of an entry.
const ROW: f32 = 28.0;
/// Of the card without entries, and of what is free around it.
const AROUND: f32 = 120.0;

/// What was typed, and which entry Enter means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandPalette {
    typed: String,
    at: usize,
}

/// Whether it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It does.
    Open,
    /// Something was chosen, or it was put away.
    Closed,
}

/// Shows the card; what is chosen becomes an action.
pub fn command_palette_ui(ctx: &Context, palette: &mut CommandPalette, cx: &mut Cx<'_>) -> Stays {
    let width = WIDTH.min(cx.room.width - 56.0);
    let modal =
        Modal::new(Id::unique("command palette")).frame(card_frame(ctx, cx.theme)).backdrop_color(cx.theme.shadow);
    let response = modal.show(ctx, |ui| {
        ui.set_width(width);
        contents_ui(ui, palette, cx)
    });
    match response.inner {
        Some(entry) => {
            cx.act(entry.action);
            Stays::Closed
        }
        None if is_asked_again(ctx) || response.should_close() => Stays::Closed,
        None => Stays::Open,
    }
}

/// The key that opens it closes it, too, but not while it is still held.
fn is_asked_again(ctx: &Context) -> bool {
    ctx.input_mut(|input| {
        let is_held = input.events.iter().any(|event| matches!(event, Event::Key { repeat: true, .. }));
        input.consume_key(Modifiers::COMMAND, Key::K) && !is_held
    })
}

/// The entry that was chosen.
fn contents_ui(ui: &mut Ui, palette: &mut CommandPalette, cx: &Cx<'_>) -> Option<Entry> {
    // Before the field takes them.
    let [down, up] = [Key::ArrowDown, Key::ArrowUp]
        .map(|key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)));
    let enter = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    let field = TextEdit::singleline(&mut palette.typed)
        .id(Id::unique("command palette field"))
        .font(FontId::proportional(PROMPT))
        .desired_width(f32::INFINITY)
        .char_limit(80)
        .hint_text("What shall be done, or painted?");
    let response = ui.add(field);
    response.clone().accessible_name("Command");
    if !response.has_focus() {
        // Not in each frame: it would interrupt who composes a letter of several keys.
        response.request_focus();
    }
    if response.changed() {
        palette.at = 0;
    }
    let entries = found(cx, &palette.typed, FOUND);
    palette.at = (palette.at + down).saturating_sub(up).min(entries.len().saturating_sub(1));
    ui.add_space(4.0);
    let rows = (((cx.room.height - AROUND) / ROW) as usize).clamp(2, SHOWN);
    let height = ROW * rows as f32;
    let moves = down + up > 0 || response.changed();
    let clicked =
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            if entries.is_empty() {
                note_ui(ui, "Nothing is called so", cx.theme);
            }
            let mut clicked = None;
            for (nth, entry) in entries.iter().enumerate() {
                let response = entry_ui(ui, entry, nth == palette.at, cx.theme);
                if response.clicked() {
                    clicked = Some(nth);
                }
                if moves && nth == palette.at {
                    response.scroll_to_me(None);
                }
            }
            clicked
        });
    entries.into_iter().nth(clicked.inner.or(enter.then_some(palette.at))?)
}

fn entry_ui(ui: &mut Ui, entry: &Entry, on: bool, theme: &Theme) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &entry.name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    if on || response.hovered() {
        ui.painter().rect_filled(rect, 6, if on { theme.raised } else { theme.line });
    }
    let painter = ui.painter().with_clip_rect(rect);
    let middle = rect.center().y;
    let keys = shortcuts::keys_of(ui.ctx(), &entry.action);
    let right = pos2(rect.right() - 8.0, middle);
    painter.text(right, Align2::RIGHT_CENTER, keys, FontId::proportional(NOTE), theme.quiet);
    let left = pos2(rect.left() + 8.0, middle);
    painter.text(left, Align2::LEFT_CENTER, &entry.name, FontId::proportional(BODY), theme.text);
    response
}
